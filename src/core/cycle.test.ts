import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { calendarCycle, cycleOnDay, cyclePeriod, cycleStart, restOf, turnsPassed } from './cycle.ts'
import { formatInstant } from './time.ts'
import type { Micros } from './time.ts'

const at = (text: string): Micros => (Date.parse(text) * 1000) as Micros

describe('periods that recur', () => {
  test('an anchor on the 31st is cut to the last day of a shorter month and returns', () => {
    const cycle = { anchor: at('2026-01-30T23:00:00Z'), unit: 'months', count: 1, zone: 'Europe/Berlin' } as const
    const starts = [at('2026-01-31T12:00:00Z'), at('2026-03-01T00:00:00Z'), at('2026-04-01T00:00:00Z')].map((instant) =>
      formatInstant(cyclePeriod(instant, cycle).from),
    )
    // Midnight in Berlin of January 31, February 28 and, in summer time, March 31.
    expect(starts).toEqual(['2026-01-30T23:00:00Z', '2026-02-27T23:00:00Z', '2026-03-30T22:00:00Z'])
  })

  test('property: an instant lies in its period, and the next period begins where it ends', () => {
    const instants = fc.integer({ min: at('1990-01-01T00:00:00Z'), max: at('2060-01-01T00:00:00Z') })
    const cycles = fc.record({
      anchor: instants.map((instant) => instant as Micros),
      unit: fc.constantFrom('days', 'weeks', 'months', 'years'),
      count: fc.integer({ min: 1, max: 13 }),
      zone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata'),
    })
    fc.assert(
      fc.property(instants, cycles, (instant, cycle) => {
        const period = cyclePeriod(instant as Micros, cycle)
        expect(period.from).toBeLessThanOrEqual(instant)
        expect(period.to).toBeGreaterThan(instant)
        expect(cyclePeriod(period.to, cycle).from).toBe(period.to)
        expect(cyclePeriod((period.from - 1) as Micros, cycle).to).toBe(period.from)
      }),
      { numRuns: 300 },
    )
  })

  test('a day of the month that the first month does not have returns as well', () => {
    const cycle = cycleOnDay(
      { from: at('2026-02-10T12:00:00Z'), day: 31 },
      { unit: 'months', count: 1, zone: 'Europe/Berlin' },
    )
    const starts = [-1, 0, 1, 2].map((turn) => formatInstant(cycleStart(cycle, turn)))
    expect(starts).toEqual([
      '2026-01-30T23:00:00Z',
      '2026-02-27T23:00:00Z',
      '2026-03-30T22:00:00Z',
      '2026-04-29T22:00:00Z',
    ])
  })

  test('the day that is wanted counts where the clock was moved on the day that it was cut to', () => {
    // In Sydney the clock goes from 02:00 to 03:00 on 4 October 2026.
    const anchor = at('2026-09-03T16:30:00Z')
    const cycle = { anchor, unit: 'months', count: 1, zone: 'Australia/Sydney', day: 5 } as const
    expect(formatInstant(cycleStart(cycle, 1))).toBe('2026-10-04T15:30:00Z')
  })

  test.each([
    ['days', 1, '2026-05-14T13:00:00Z', '2026-05-14T22:00:00Z'],
    ['weeks', 1, '2026-05-14T13:00:00Z', '2026-05-17T22:00:00Z'],
    ['months', 1, '2026-01-31T22:59:59Z', '2026-01-31T23:00:00Z'],
    ['months', 1, '2026-01-31T23:00:00Z', '2026-02-28T23:00:00Z'],
    ['months', 3, '2026-05-14T13:00:00Z', '2026-06-30T22:00:00Z'],
    ['months', 6, '2026-05-14T13:00:00Z', '2026-06-30T22:00:00Z'],
    ['years', 1, '2026-05-14T13:00:00Z', '2026-12-31T23:00:00Z'],
  ] as const)('the calendar’s %s, %d at a time, begin anew after %s at %s', (unit, count, instant, next) => {
    const cycle = calendarCycle({ unit, count, zone: 'Europe/Berlin' })
    expect(formatInstant(cyclePeriod(at(instant), cycle).to)).toBe(next)
  })

  test('days where the clock is moved have 23 and 25 hours', () => {
    const days = calendarCycle({ unit: 'days', count: 1, zone: 'Europe/Berlin' })
    const hours = ['2026-03-29T12:00:00Z', '2026-10-25T12:00:00Z'].map((instant) => {
      const { from, to } = cyclePeriod(at(instant), days)
      return (to - from) / 3_600_000_000
    })
    expect(hours).toEqual([23, 25])
  })

  test('a day that a zone skipped has no period', () => {
    // Samoa went from 29 to 31 December 2011.
    const days = calendarCycle({ unit: 'days', count: 1, zone: 'Pacific/Apia' })
    const last = cyclePeriod(at('2011-12-30T09:59:59Z'), days)
    expect(formatInstant(last.to)).toBe('2011-12-30T10:00:00Z')
    expect(formatInstant(cyclePeriod(last.to, days).to)).toBe('2011-12-31T10:00:00Z')
  })

  test('turns are counted after a beginning, up to and with an end', () => {
    const days = calendarCycle({ unit: 'days', count: 1, zone: 'UTC' })
    const from = at('2026-01-01T00:00:00Z')
    expect(turnsPassed({ from, to: at('2026-01-01T23:59:59Z') }, days)).toBe(0)
    expect(turnsPassed({ from, to: at('2026-01-03T00:00:00Z') }, days)).toBe(2)
    expect(turnsPassed({ from, to: at('2025-12-01T00:00:00Z') }, days)).toBe(0)
  })

  test('the rest of a period is all of it before, nothing after', () => {
    const period = { from: at('2026-01-01T00:00:00Z'), to: at('2026-02-01T00:00:00Z') }
    const middle = at('2026-01-16T00:00:00Z')
    expect(restOf(period, at('2025-06-01T00:00:00Z'))).toEqual(period)
    expect(restOf(period, middle)).toEqual({ from: middle, to: period.to })
    expect(restOf(period, at('2026-06-01T00:00:00Z'))).toEqual({ from: period.to, to: period.to })
  })
})
