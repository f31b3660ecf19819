import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Micros, Period } from '../core/time.ts'
import { intervalsOf, joined } from './intervals.ts'
import { previousPeriod } from './previous-period.ts'
import { unknownTimes } from './unknown-time.ts'
import { calendarMonth, formatInstant, parseInstant } from '../core/time.ts'
import type { Registration } from './sources.ts'
import type { SourceFacts } from './completeness.ts'

const span = (from: number, to: number): Period => ({ from: from as Micros, to: to as Micros })
const at = (text: string): Micros => {
  const parsed = parseInstant(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

describe('intervals of a percentile', () => {
  test('property: unknown intervals are those that share a microsecond with an unknown time', () => {
    const time = fc
      .tuple(fc.nat(120), fc.integer({ min: 1, max: 40 }))
      .map(([from, length]) => span(from, from + length))
    fc.assert(
      fc.property(
        fc.array(time, { maxLength: 6 }),
        fc.nat(30),
        fc.nat(100),
        fc.integer({ min: 1, max: 13 }),
        (times, from, length, interval) => {
          const window = span(from, from + length)
          const sorted = times.toSorted((one, two) => one.from - two.from)
          const touched = new Set<number>()
          for (let micro = Number(window.from); micro < window.to; micro += 1) {
            if (sorted.some((one) => micro >= one.from && micro < one.to))
              touched.add(Math.floor((micro - from) / interval))
          }
          expect(intervalsOf(window, interval, joined(sorted))).toEqual({
            count: Math.ceil(length / interval),
            unknown: touched.size,
          })
        },
      ),
    )
  })
})

describe('times that are not known', () => {
  const registration: Registration = {
    name: 'edge-1',
    kind: 'edge',
    owner: 'o',
    carries: null,
    checkpointSeconds: 60,
    expectedFrom: 10 as Micros,
    retiredAt: null,
  }
  const source = (more: Partial<Registration>, time: number | null): SourceFacts =>
    ({
      name: 'edge-1',
      registration: { ...registration, ...more },
      epochs: time === null ? [] : [{ checkpoint: { time, losses: [{ count: 3, after: 12, before: 14 }] } }],
    }) as unknown as SourceFacts
  const gap = { epoch: '', first: 2, last: 2, after: 30 as Micros, before: 35 as Micros, missing: 1, since: null }

  test('all of it while nobody is expected to speak; else behind the last word, inside gaps and losses', () => {
    const period = span(0, 100)
    expect(unknownTimes(period, [], () => [])).toEqual([period])
    expect(unknownTimes(period, [source({ checkpointSeconds: null }, 50)], () => [])).toEqual([period])
    expect(unknownTimes(period, [source({}, null)], () => [])).toEqual([span(10, 100)])
    expect(unknownTimes(period, [source({}, 60)], () => [gap])).toEqual([span(12, 15), span(30, 36), span(60, 100)])
    expect(unknownTimes(period, [source({ retiredAt: 60 as Micros }, 60)], () => [])).toEqual([span(12, 15)])
    expect(unknownTimes(period, [source({}, 100)], () => [{ ...gap, after: null }])).toEqual([
      span(0, 36),
      span(12, 15),
    ])
  })
})

describe('the period before', () => {
  const text = (period: Period | null) => period && [formatInstant(period.from), formatInstant(period.to)]

  test('of a month the month before, in its zone; of whole days as many; of anything else the same length', () => {
    const march = calendarMonth(at('2026-03-15T00:00:00Z'), 'Europe/Berlin')
    expect(text(previousPeriod(march, 'Europe/Berlin'))).toEqual(['2026-01-31T23:00:00Z', '2026-02-28T23:00:00Z'])
    expect(text(previousPeriod(march, 'UTC'))).toEqual(['2026-01-29T00:00:00Z', '2026-02-28T23:00:00Z'])
    const week = { from: at('2026-03-09T00:00:00Z'), to: at('2026-03-16T00:00:00Z') }
    expect(text(previousPeriod(week, 'UTC'))).toEqual(['2026-03-02T00:00:00Z', '2026-03-09T00:00:00Z'])
    const quarter = { from: at('2026-01-01T00:00:00Z'), to: at('2026-04-01T00:00:00Z') }
    expect(text(previousPeriod(quarter, 'UTC'))).toEqual(['2025-10-01T00:00:00Z', '2026-01-01T00:00:00Z'])
    // Of 167 and of 169 hours, each after a week of 168.
    const spring = { from: at('2026-03-22T23:00:00Z'), to: at('2026-03-29T22:00:00Z') }
    expect(text(previousPeriod(spring, 'Europe/Berlin'))).toEqual(['2026-03-15T23:00:00Z', '2026-03-22T23:00:00Z'])
    const autumn = { from: at('2025-10-19T22:00:00Z'), to: at('2025-10-26T23:00:00Z') }
    expect(text(previousPeriod(autumn, 'Europe/Berlin'))).toEqual(['2025-10-12T22:00:00Z', '2025-10-19T22:00:00Z'])
    // No ends of days there.
    expect(text(previousPeriod(spring, 'Asia/Tokyo'))).toEqual(['2026-03-16T00:00:00Z', '2026-03-22T23:00:00Z'])
    expect(previousPeriod(calendarMonth(0 as Micros, 'UTC'), 'UTC')).toBeNull()
    expect(previousPeriod(span(5, 20), 'UTC')).toBeNull()
  })
})
