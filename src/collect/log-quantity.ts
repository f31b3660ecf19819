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

/** `1.2e-05` → `0.000012`: some writers of JSON use exponents. Any other text comes back as it is. */
export function plainDecimal(text: string): string {
  const [, whole = '', fraction = '', sign, power = ''] = /^(\d+)(?:\.(\d+))?[eE]([+-]?)(\d{1,2})$/.exec(text) ?? []
  if (whole === '') return text
  const shift = Number(power) * (sign === '-' ? -1 : 1)
  const digits = '0'.repeat(Math.max(0, -shift)) + whole + fraction + '0'.repeat(Math.max(0, shift))
  const point = Math.max(0, -shift) + whole.length + shift
  return `${digits.slice(0, point)}.${digits.slice(point) || '0'}`
}

const decimalsBelow = { s: 0, ms: 3, ns: 9 } as const

/** A duration in a unit, exact to the microsecond by shifting the text; a negative one means that none is known. */
export function parseDuration(
  unit: keyof typeof decimalsBelow,
): (text: string | undefined) => Result<WireCount | undefined, string> {
  return (text) => {
    if (text === undefined || text.startsWith('-')) return ok(undefined)
    const [, whole, fraction = ''] = /^(\d+)(?:\.(\d*))?$/.exec(plainDecimal(text)) ?? []
    if (whole === undefined) return fail(`is not a number of ${unit}: ${quoted(text)}`)
    const below = decimalsBelow[unit]
    const padded = whole.padStart(below + 1, '0')
    const point = padded.length - below
    return parseSeconds(`${padded.slice(0, point)}.${padded.slice(point)}${fraction || '0'}`)
  }
}

export function parseStatus(text: string | undefined): Result<number | undefined, string> {
  if (text === undefined) return ok(undefined)
  return /^\d{1,3}$/.test(text) ? ok(Number(text)) : fail(`is not an HTTP status: ${quoted(text)}`)
}

/** A value inside a message: short, and without breaking the message's line. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)
}
