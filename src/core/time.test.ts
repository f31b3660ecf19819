import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { calendarMonth, formatInstant, parseInstant, parseMoment, parseMonth, windowStarts } from './time.ts'
import type { Micros } from './time.ts'

const read = (text: string): number | string => {
  const parsed = parseInstant(text)
  return parsed.ok ? parsed.value : parsed.error
}

describe('instants', () => {
  test('property: what is written is what is read, to the microsecond', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Date.UTC(2199, 0, 1) * 1000 }), (micros) => {
        expect(read(formatInstant(micros as Micros))).toBe(micros)
      }),
    )
  })

  test('property: Temporal reads the same, in any zone', () => {
    const offset = fc.integer({ min: -14 * 60, max: 14 * 60 })
    fc.assert(
      fc.property(
        fc.integer({ min: dayOf(1971), max: dayOf(2100) }),
        fc.integer({ min: 0, max: 999_999_999 }),
        offset,
        (seconds, nanos, minutes) => {
          const zone = `${minutes < 0 ? '-' : '+'}${String(Math.floor(Math.abs(minutes) / 60)).padStart(2, '0')}:${String(Math.abs(minutes) % 60).padStart(2, '0')}`
          const instant = Temporal.Instant.fromEpochNanoseconds(BigInt(seconds) * 1_000_000_000n + BigInt(nanos))
          const text = instant.toString({ timeZone: zone, fractionalSecondDigits: 9 })
          expect(read(text)).toBe(Number(instant.epochNanoseconds / 1000n))
        },
      ),
    )
  })

  test.each([
    ['2026-11-22T10:00:00', 'zone'],
    ['2026-02-30T10:00:00Z', 'does not exist'],
    ['2026-13-01T10:00:00Z', 'does not exist'],
    ['2026-11-22T24:00:00Z', 'does not exist'],
    ['2026-11-22T10:60:00Z', 'does not exist'],
    ['2026-11-22T10:00:00+25:00', 'offset'],
    ['1969-12-31T23:59:59Z', '1970'],
    ['2200-01-01T00:00:00Z', '2199'],
    ['tomorrow', 'RFC 3339'],
  ])('%s is refused', (text, why) => {
    expect(read(text)).toContain(why)
  })

  test('digits below a microsecond are cut off, never rounded into the next window; leap seconds stay in their minute', () => {
    expect(read('2026-10-31T23:59:59.9999999Z')).toBe(Date.UTC(2026, 10, 1) * 1000 - 1)
    expect(read('2016-12-31T23:59:60Z')).toBe(Date.UTC(2017, 0, 1) * 1000 - 1)
  })
})

function dayOf(year: number): number {
  return Date.UTC(year, 0, 1) / 1000
}

describe('windows', () => {
  const hours = (text: string, zone: string): number => {
    const from = parseMoment(text, zone)
    if (!from.ok) throw new Error(from.error)
    const next = Temporal.PlainDate.from(text).add({ days: 1 }).toString()
    const to = parseMoment(next, zone)
    if (!to.ok) throw new Error(to.error)
    const starts = windowStarts({ from: from.value, to: to.value }, 'hour', zone, 100)
    return starts.ok ? starts.value.length : -1
  }

  test('days have 23, 24 or 25 hours where the zone says so', () => {
    expect(hours('2026-03-29', 'Europe/Berlin')).toBe(23)
    expect(hours('2026-10-25', 'Europe/Berlin')).toBe(25)
    expect(hours('2026-10-24', 'Europe/Berlin')).toBe(24)
    // Half an hour forward: 24 begun hours in 23.5.
    expect(hours('2026-10-04', 'Australia/Lord_Howe')).toBe(24)
    expect(hours('2026-11-22', 'Asia/Kolkata')).toBe(24)
  })

  test('property: windows follow each other without gap or overlap, from the period’s start', () => {
    const zones = fc.constantFrom(
      'UTC',
      'Europe/Berlin',
      'America/New_York',
      'Asia/Kolkata',
      'Australia/Lord_Howe',
      'Africa/Casablanca',
    )
    const size = fc.constantFrom('5minutes' as const, 'hour' as const, 'day' as const, 'month' as const)
    fc.assert(
      fc.property(
        fc.integer({ min: dayOf(2012), max: dayOf(2030) }),
        fc.integer({ min: 1, max: 200_000 }),
        zones,
        size,
        (start, seconds, zone, window) => {
          const period = { from: (start * 1_000_000) as Micros, to: ((start + seconds) * 1_000_000) as Micros }
          const starts = windowStarts(period, window, zone, 10_000)
          expect(starts.ok).toBe(true)
          if (!starts.ok) return
          expect(starts.value[0]).toBe(period.from)
          for (const [index, instant] of starts.value.entries()) {
            if (index > 0) expect(instant).toBeGreaterThan(starts.value[index - 1] ?? 0)
            expect(instant).toBeLessThan(period.to)
          }
        },
      ),
    )
  })

  test('where the clock goes back by half an hour, windows still follow each other', () => {
    const from = (Date.UTC(2026, 3, 4, 15, 4) * 1000) as Micros
    const starts = windowStarts({ from, to: (from + 3 * 3_600_000_000) as Micros }, 'hour', 'Australia/Lord_Howe', 100)
    const texts = starts.ok ? starts.value.map(formatInstant) : []
    expect(texts).toEqual([
      '2026-04-04T15:04:00Z',
      '2026-04-04T15:30:00Z',
      '2026-04-04T16:30:00Z',
      '2026-04-04T17:30:00Z',
    ])
  })

  test('a month is the calendar month of the zone, half-open', () => {
    const kolkata = parseMonth('2026-11', 'Asia/Kolkata')
    expect(kolkata.ok && [formatInstant(kolkata.value.from), formatInstant(kolkata.value.to)]).toEqual([
      '2026-10-31T18:30:00Z',
      '2026-11-30T18:30:00Z',
    ])
    expect(calendarMonth((Date.UTC(2026, 9, 31, 19) * 1000) as Micros, 'Asia/Kolkata')).toEqual(
      kolkata.ok ? kolkata.value : null,
    )
    expect(parseMonth('2026-13', 'UTC').ok).toBe(false)
  })
})
