import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cyclePeriod } from './cycle.ts'
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
})
