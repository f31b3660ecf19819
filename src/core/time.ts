import type { Brand } from './ids.ts'
import { assert, fail, ok } from './result.ts'
import type { Result } from './result.ts'

/**
 * Microseconds since 1970-01-01T00:00:00Z. A JavaScript number holds them exactly until the year 2255;
 * instants after `instantMax` are refused at every door, so this type is always exact.
 */
export type Micros = Brand<number, 'Micros'>

export const secondMicros = 1_000_000
export const hourMicros = 3_600 * secondMicros
export const dayMicros = 24 * hourMicros

export const instantMin = 0 as Micros
export const instantMax = (Date.UTC(2200, 0, 1) * 1000) as Micros

/** Half-open: `from` is inside, `to` is not. */
export interface Period {
  readonly from: Micros
  readonly to: Micros
}

/** Where the time comes from; a test or a simulation hands in its own. */
export interface Clock {
  now(): Micros
}

export const systemClock: Clock = {
  now: () => (Date.now() * 1000) as Micros,
}

const instantPattern =
  /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,12}))?(?:[Zz]|([+-])(\d{2}):?(\d{2}))$/

/** Midnight of a UTC date, or null when there is no such day. */
function midnightOf(date: string): number | null {
  const millis = Date.parse(`${date}T00:00:00Z`)
  // Date.parse takes the 30th of February for the 2nd of March in some engines: the date has to come back the same.
  return Number.isNaN(millis) || new Date(millis).toISOString().slice(0, 10) !== date ? null : millis * 1000
}

/** Events come in the order of time, so a few dates answer for nearly all of them. */
const midnights = new Map<string, number | null>()

function rememberedMidnight(date: string): number | null {
  let midnight = midnights.get(date)
  if (midnight === undefined) {
    if (midnights.size >= 1_000) midnights.clear()
    midnight = midnightOf(date)
    midnights.set(date, midnight)
  }
  return midnight
}

/**
 * Reads an RFC 3339 instant. Digits below a microsecond are cut off, never rounded up, so that an event
 * cannot move into the next window. A time without a zone is refused: it would mean different instants
 * to different readers.
 */
export function parseInstant(text: string): Result<Micros, string> {
  const match = instantPattern.exec(text)
  if (match === null) return fail('is not an RFC 3339 time with a zone, such as 2026-11-22T10:00:00.000000Z')
  const [, date = '', hour, minute, second, fraction = '', sign, zoneHour, zoneMinute] = match
  const midnight = rememberedMidnight(date)
  const hours = Number(hour)
  const minutes = Number(minute)
  const seconds = Number(second)
  if (midnight === null || hours > 23 || minutes > 59 || seconds > 60)
    return fail('names a day or time that does not exist')
  if (Number(zoneHour ?? 0) > 23 || Number(zoneMinute ?? 0) > 59) return fail('has a zone offset that does not exist')
  const zoneMinutes = sign === undefined ? 0 : (Number(zoneHour) * 60 + Number(zoneMinute)) * (sign === '-' ? -1 : 1)
  // A leap second has no place in UTC arithmetic: it is the last microsecond before the next minute.
  const micros =
    seconds === 60
      ? 59_999_999
      : seconds * secondMicros + (fraction === '' ? 0 : Number(fraction.slice(0, 6).padEnd(6, '0')))
  const instant = midnight + (hours * 60 + minutes - zoneMinutes) * 60 * secondMicros + micros
  if (instant < instantMin || instant >= instantMax) return fail('is before 1970 or after 2199')
  return ok(instant as Micros)
}

/** Reads an RFC 3339 instant, or a date such as 2026-11-01: the midnight with which it begins in a zone. */
export function parseMoment(text: string, zone: string): Result<Micros, string> {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return parseInstant(text)
  if (midnightOf(text) === null) return fail('names a day that does not exist')
  return ok(microsOf(Temporal.PlainDate.from(text).toZonedDateTime(zone)))
}

/** RFC 3339 in UTC with as many digits as needed: none, three or six. */
export function formatInstant(instant: Micros): string {
  const text = new Date(Math.floor(instant / 1000)).toISOString()
  const below = instant % 1000
  if (below !== 0) return `${text.slice(0, -1)}${String(below).padStart(3, '0')}Z`
  return text.endsWith('.000Z') ? `${text.slice(0, -5)}Z` : text
}

export function isTimeZone(zone: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone)
    return /^[A-Za-z]/.test(zone)
  } catch {
    return false
  }
}

function microsOf(zoned: Temporal.ZonedDateTime): Micros {
  return Number(zoned.epochNanoseconds / 1000n) as Micros
}

export function zonedOf(instant: Micros, zone: string): Temporal.ZonedDateTime {
  return new Temporal.ZonedDateTime(BigInt(instant) * 1000n, zone)
}

/** The calendar month of a zone that contains the instant, as a half-open period. */
export function calendarMonth(instant: Micros, zone: string): Period {
  const first = zonedOf(instant, zone).toPlainDate().with({ day: 1 })
  return {
    from: microsOf(first.toZonedDateTime(zone)),
    to: microsOf(first.add({ months: 1 }).toZonedDateTime(zone)),
  }
}

/** Reads `2026-11` as that calendar month in a zone. */
export function parseMonth(text: string, zone: string): Result<Period, string> {
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(text)) return fail('is not a month such as 2026-11')
  const year = Number(text.slice(0, 4))
  if (year < 1970 || year > 2199) return fail('is before 1970 or after 2199')
  const first = Temporal.PlainDate.from(`${text}-01`)
  return ok({
    from: microsOf(first.toZonedDateTime(zone)),
    to: microsOf(first.add({ months: 1 }).toZonedDateTime(zone)),
  })
}

/** `2026-11` of the month that contains the instant in a zone. */
export function formatMonth(instant: Micros, zone: string): string {
  return zonedOf(instant, zone).toPlainDate().toPlainYearMonth().toString()
}

export const windowSizes = ['minute', '5minutes', 'hour', 'day', 'week', 'month'] as const
export type WindowSize = (typeof windowSizes)[number]

function floorTo(zoned: Temporal.ZonedDateTime, size: WindowSize): Temporal.ZonedDateTime {
  switch (size) {
    case 'minute':
      return zoned.round({ smallestUnit: 'minute', roundingMode: 'floor' })
    case '5minutes':
      return zoned.round({ smallestUnit: 'minute', roundingIncrement: 5, roundingMode: 'floor' })
    case 'hour':
      return zoned.round({ smallestUnit: 'hour', roundingMode: 'floor' })
    case 'day':
      return zoned.startOfDay()
    case 'week': {
      // ISO 8601: weeks begin on Monday.
      const date = zoned.toPlainDate()
      return date.subtract({ days: date.dayOfWeek - 1 }).toZonedDateTime(zoned.timeZoneId)
    }
    case 'month':
      return zoned.toPlainDate().with({ day: 1 }).toZonedDateTime(zoned.timeZoneId)
  }
}

function next(start: Temporal.ZonedDateTime, size: WindowSize): Temporal.ZonedDateTime {
  switch (size) {
    case 'minute':
      return start.add({ minutes: 1 })
    case '5minutes':
      return start.add({ minutes: 5 })
    case 'hour': {
      // Back onto the clock's full hour where the zone shifts by half an hour.
      const later = start.add({ hours: 1 })
      const full = floorTo(later, 'hour')
      return microsOf(full) > microsOf(start) ? full : later
    }
    case 'day':
      return start.toPlainDate().add({ days: 1 }).toZonedDateTime(start.timeZoneId)
    case 'week':
      return start.toPlainDate().add({ weeks: 1 }).toZonedDateTime(start.timeZoneId)
    case 'month':
      return start.toPlainDate().add({ months: 1 }).toZonedDateTime(start.timeZoneId)
  }
}

/**
 * The starts of the windows that a period falls into, cut at the period's ends: the first start is
 * `period.from`, the last window ends at `period.to`. Days have 23 to 25 hours where the zone says so.
 * Fails when there would be more than `most` windows.
 */
export function windowStarts(
  period: Period,
  size: WindowSize,
  zone: string,
  most: number,
): Result<readonly Micros[], string> {
  assert(period.from < period.to, 'a period is not empty')
  const starts: Micros[] = [period.from]
  let start = next(floorTo(zonedOf(period.from, zone), size), size)
  // Where the clock goes back by half an hour, the next full hour can lie before the start.
  while (microsOf(start) <= period.from) start = next(start, size)
  while (microsOf(start) < period.to) {
    if (starts.length >= most)
      return fail(`more than ${most} windows of a ${size}; ask for a shorter period or larger windows`)
    starts.push(microsOf(start))
    start = next(start, size)
  }
  return ok(starts)
}
