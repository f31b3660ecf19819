import { formatInstant, instantMax, parseInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { plainDecimal, quoted } from './log-quantity.ts'

const months = new Map(
  ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'].map((name, index) => [
    name,
    String(index + 1).padStart(2, '0'),
  ]),
)
const clfPattern = /^(\d{2})\/([A-Z][a-z]{2})\/(\d{4}):(\d{2}:\d{2}:\d{2}) ([+-]\d{4})$/
const epochPattern = /^(\d+)(?:\.(\d+))?$/

/** `17/May/2015:10:05:03 +0000`, as Apache and nginx ($time_local) write it. */
export function parseClfTime(text: string): Result<Micros, string> {
  const [, day, name = '', year, time, zone] = clfPattern.exec(text) ?? []
  const month = months.get(name)
  if (month === undefined) return fail('is not a log time such as 17/May/2015:10:05:03 +0000')
  return parseInstant(`${year}-${month}-${day}T${time}${zone}`)
}

/** How many digits of a Unix time are below the second, by its length: seconds, ms, µs or ns. */
const digitsBelowSecond = new Map([
  [13, 3],
  [16, 6],
  [19, 9],
])

/** A Unix time: seconds with or without a fraction ($msec), or whole milli-, micro- or nanoseconds. */
function parseEpoch(whole: string, fraction: string): Result<Micros, string> {
  const below = digitsBelowSecond.get(whole.length) ?? 0
  if (whole.length > 10 && below === 0) return fail('is not a Unix time in s, ms, µs or ns')
  const digits =
    whole.slice(0, whole.length - below) + (whole.slice(whole.length - below) + fraction).slice(0, 6).padEnd(6, '0')
  const micros = Number(digits)
  return micros < instantMax ? ok(micros as Micros) : fail('is after 2199')
}

/** A time in any way that logs write it: RFC 3339, the common log format's, or a Unix time. */
export function parseLogTime(text: string): Result<Micros, string> {
  const epoch = epochPattern.exec(plainDecimal(text))
  if (epoch !== null) return parseEpoch(epoch[1] ?? '', epoch[2] ?? '')
  return clfPattern.test(text) ? parseClfTime(text) : parseInstant(text)
}

/** The same as an instant, or undefined when there is none that can be read. */
export function microsOf(text: string | undefined): Micros | undefined {
  const time = text === undefined ? undefined : parseLogTime(text)
  return time?.ok === true ? time.value : undefined
}

const localPattern = /^(\d{2})\/([A-Z][a-z]{2})\/(\d{4}):(\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?)$/

/**
 * `06/Feb/2009:12:14:14.655`, a time of day in a zone that the log does not name. In the hour that clocks repeat in
 * autumn the earlier one is meant; an hour that they leave out in spring does not exist.
 */
export function parseLocalTime(text: string, timeZone: string): Result<Micros, string> {
  const [, day, name = '', year, time] = localPattern.exec(text) ?? []
  const month = months.get(name)
  if (month === undefined) return fail('is not a log time such as 06/Feb/2009:12:14:14.655')
  try {
    const plain = Temporal.PlainDateTime.from(`${year}-${month}-${day}T${time}`, { overflow: 'reject' })
    const zoned = plain.toZonedDateTime(timeZone, { disambiguation: 'earlier' })
    if (!zoned.toPlainDateTime().equals(plain)) return fail(`does not exist in ${timeZone}`)
    const instant = Number(zoned.epochNanoseconds / 1000n)
    return instant >= 0 && instant < instantMax ? ok(instant as Micros) : fail('is before 1970 or after 2199')
  } catch {
    return fail('names a day or time that does not exist')
  }
}

let last: { readonly text: string; readonly utc: Result<string, string> } | undefined

/**
 * The time of a line as RFC 3339 in UTC. Neighbours in a log often carry the same second, so the last answer
 * is kept; it depends on nothing but the text.
 */
export function utcOf(text: string | undefined): Result<string, string> {
  if (text === undefined) return fail('the line has no time')
  if (last?.text === text) return last.utc
  const time = parseLogTime(text)
  const utc = time.ok ? ok(formatInstant(time.value)) : fail(`the time ${quoted(text)} ${time.error}`)
  last = { text, utc }
  return utc
}
