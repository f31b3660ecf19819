import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { billingPeriodAt, billingPeriods, lastEndedPeriod, periodsBegun, periodsEnded } from './billing-periods.ts'
import type { Billing } from './billing-periods.ts'
import { calendarCycle } from './cycle.ts'
import type { Cycle } from './cycle.ts'
import { dayMicros, formatInstant } from './time.ts'
import type { Micros, Period } from './time.ts'

const at = (text: string): Micros => (Date.parse(text) * 1000) as Micros
const shown = ({ from, to }: Period): string[] => [formatInstant(from), formatInstant(to)]

const monthly = calendarCycle({ unit: 'months', count: 1, zone: 'Europe/Berlin' })

describe('periods to bill', () => {
  test('the first one lasts until the cycle begins anew, the last one until the end', () => {
    const billing = { start: at('2026-01-15T00:00:00Z'), end: at('2026-03-10T00:00:00Z'), cycle: monthly }
    const periods = [...billingPeriods(billing)]
    expect(periods.map(shown)).toEqual([
      ['2026-01-15T00:00:00Z', '2026-01-31T23:00:00Z'],
      ['2026-01-31T23:00:00Z', '2026-02-28T23:00:00Z'],
      ['2026-02-28T23:00:00Z', '2026-03-10T00:00:00Z'],
    ])
    expect(periods.map(({ whole }) => shown(whole))).toEqual([
      ['2025-12-31T23:00:00Z', '2026-01-31T23:00:00Z'],
      ['2026-01-31T23:00:00Z', '2026-02-28T23:00:00Z'],
      ['2026-02-28T23:00:00Z', '2026-03-31T22:00:00Z'],
    ])
  })

  test('hours before the cycle begins on the same day are no period of their own', () => {
    const noon: Cycle = { anchor: at('2026-01-14T11:00:00Z'), unit: 'months', count: 1, zone: 'Europe/Berlin' }
    // Ten o’clock in Berlin; a minute before midnight is the day before.
    const sameDay = billingPeriodAt(
      { start: at('2026-04-14T08:00:00Z'), end: null, cycle: noon },
      at('2026-05-01T00:00:00Z'),
    )
    expect(sameDay && shown(sameDay)).toEqual(['2026-04-14T08:00:00Z', '2026-05-14T10:00:00Z'])
    expect(sameDay && shown(sameDay.whole)).toEqual(['2026-04-14T08:00:00Z', '2026-05-14T10:00:00Z'])
    const start = at('2026-04-13T21:59:00Z')
    const dayBefore = billingPeriodAt({ start, end: null, cycle: noon }, start)
    expect(dayBefore && shown(dayBefore)).toEqual(['2026-04-13T21:59:00Z', '2026-04-14T10:00:00Z'])
  })

  test('an end at or before the start leaves nothing to bill', () => {
    const start = at('2026-01-15T00:00:00Z')
    expect([...billingPeriods({ start, end: start, cycle: monthly })]).toEqual([])
    expect(billingPeriodAt({ start, end: start, cycle: monthly }, start)).toBeNull()
    expect(lastEndedPeriod({ start, end: start, cycle: monthly }, at('2027-01-01T00:00:00Z'))).toBeNull()
  })

  test('in advance what has begun, in arrears what is over', () => {
    const billing = { start: at('2026-01-15T00:00:00Z'), end: null, cycle: monthly }
    const turn = at('2026-02-28T23:00:00Z')
    expect(periodsBegun(billing, turn).length).toBe(3)
    expect(periodsEnded(billing, turn).length).toBe(2)
    expect(periodsBegun(billing, (turn - 1) as Micros).length).toBe(2)
    expect(periodsEnded(billing, (turn - 1) as Micros).length).toBe(1)
    expect(periodsBegun(billing, at('2026-01-14T00:00:00Z'))).toEqual([])
  })

  test('property: periods follow each other from start to end, and each instant is in the one that says so', () => {
    const instants = fc.integer({ min: at('2005-01-01T00:00:00Z'), max: at('2015-01-01T00:00:00Z') })
    const cycles = fc.record({
      anchor: instants.map((instant) => instant as Micros),
      unit: fc.constantFrom('weeks', 'months', 'years'),
      count: fc.integer({ min: 1, max: 5 }),
      zone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Pacific/Apia'),
    })
    const days = fc.integer({ min: 1, max: 1_000 })
    fc.assert(
      fc.property(instants, days, cycles, fc.nat(), (start, length, cycle, within) => {
        const end = (start + length * dayMicros) as Micros
        const billing: Billing = { start: start as Micros, end, cycle }
        const periods = [...billingPeriods(billing)]
        expect(periods[0]?.from).toBe(start)
        expect(periods.at(-1)?.to).toBe(end)
        for (const [index, { from, to, whole }] of periods.entries()) {
          expect(from).toBeLessThan(to)
          expect(periods[index + 1]?.from ?? end).toBe(to)
          expect(whole.from <= from && to <= whole.to).toBe(true)
        }
        const instant = (start + (within % (length * dayMicros))) as Micros
        const found = billingPeriodAt(billing, instant)
        expect(found).toEqual(periods.find(({ from, to }) => from <= instant && instant < to))
        expect(lastEndedPeriod(billing, instant)).toEqual(periods.findLast(({ to }) => to <= instant) ?? null)
      }),
      { numRuns: 100 },
    )
  })
})
