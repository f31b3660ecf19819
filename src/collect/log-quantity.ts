import type { WireCount } from '../core/event.ts'
import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'

function wireCount(digits: string): WireCount {
  const text = digits.replace(/^0+(?=\d)/, '')
  return text.length <= 15 ? Number(text) : text
}

/**
 * A count as a log writes it. Absent stays absent (L13). What is there and cannot be read is an error,
 * because leaving it out would give traffic away without anyone noticing.
 */
export function parseCount(text: string | undefined): Result<WireCount | undefined, string> {
  if (text === undefined) return ok(undefined)
  return /^\d+$/.test(text) ? ok(wireCount(text)) : fail(`is not a whole number: ${quoted(text)}`)
}

/** `160.739` seconds → 160739000 µs, by shifting the text. Digits below a microsecond are cut off. */
export function parseSeconds(text: string | undefined): Result<WireCount | undefined, string> {
  if (text === undefined) return ok(undefined)
  const [, whole, fraction = ''] = /^(\d+)(?:\.(\d+))?$/.exec(text) ?? []
  if (whole === undefined) return fail(`is not a number of seconds: ${quoted(text)}`)
  return ok(wireCount(whole + fraction.slice(0, 6).padEnd(6, '0')))
}

export function parseStatus(text: string | undefined): Result<number | undefined, string> {
  if (text === undefined) return ok(undefined)
  return /^\d{1,3}$/.test(text) ? ok(Number(text)) : fail(`is not an HTTP status: ${quoted(text)}`)
}

/** A value inside a message: short, and without breaking the message's line. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)
}
