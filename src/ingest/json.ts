import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'

/**
 * A number that a double may not hold, as plain digits: `9007199254740993`, `0.1`. Where its exponent is too
 * large to be written out, it is the text as it was sent.
 */
export class ExactNumber {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** Beyond it a number has no place in an event, and its digits are not written out. */
const exponentMax = 400

/** A number of an object that is written with a point or an exponent. A text that looks like one does no harm. */
const fractional = /"\s*:\s*-?\d+[.eE]/

/** Not by `/0+$/`, which looks at every run of zeros again and again. */
export function withoutEndZeros(digits: string): string {
  let end = digits.length
  while (end > 0 && digits[end - 1] === '0') end -= 1
  return digits.slice(0, end)
}

/** `1.5e3` as `1500`; null when the exponent is beyond all bounds. */
function plainDigits(source: string): string | null {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(source)
  if (match === null) return null
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  const shift = Number(exponent)
  if (Math.abs(shift) > exponentMax) return null
  const digits = `${'0'.repeat(Math.max(0, -shift))}${whole}${fraction}${'0'.repeat(Math.max(0, shift))}`
  const point = Math.max(0, -shift) + whole.length + shift
  const below = withoutEndZeros(digits.slice(point))
  return `${sign}${digits.slice(0, point).replace(/^0+(?=\d)/, '')}${below === '' ? '' : `.${below}`}`
}

interface Source {
  readonly source?: string
}

function keepExact(_key: string, value: unknown, { source }: Source): unknown {
  if (typeof value !== 'number' || source === undefined) return value
  const digits = plainDigits(source)
  return digits !== null && Number.isSafeInteger(value) && String(value) === digits
    ? value
    : new ExactNumber(digits ?? source)
}

/** Events are flat: a number that counts lies at the top. */
function hasUnsafe(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isSafeInteger(value)
  if (typeof value !== 'object' || value === null) return false
  for (const key in value) {
    const field = (value as Record<string, unknown>)[key]
    if (typeof field === 'number' && !Number.isSafeInteger(field)) return true
  }
  return false
}

/** Why a text gave no value. JSON that is nested beyond reading is JSON, and not an event, which is flat. */
export interface Unparsed {
  readonly code: 'EVENT_NOT_JSON' | 'EVENT_FIELD_INVALID'
  readonly message: string
}

/**
 * JSON.parse of one event that loses no digit (L4): whole numbers that a double holds are numbers, all others
 * are `ExactNumber`, whatever else the event says. `nested`: numbers that count do not lie at the top.
 */
export function parseJson(text: string, nested: 'flat' | 'nested' = 'flat'): Result<unknown, Unparsed> {
  try {
    const value: unknown = JSON.parse(text)
    // The exact way looks at every number's own text and is several times slower, so it is taken on doubt only.
    // What is written as a whole number and parsed as a safe one cannot have lost anything.
    const doubtful = nested === 'nested' || hasUnsafe(value) || fractional.test(text)
    return ok(doubtful ? JSON.parse(text, keepExact as (key: string, value: unknown) => unknown) : value)
  } catch (error) {
    return error instanceof RangeError
      ? fail({ code: 'EVENT_FIELD_INVALID', message: 'the event is nested too deeply to be read; events are flat' })
      : fail({ code: 'EVENT_NOT_JSON', message: `not JSON: ${error instanceof Error ? error.message : String(error)}` })
  }
}
