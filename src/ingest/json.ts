import { parseExactJson } from '../core/exact-json.ts'
import type { ExactJson } from '../core/exact-json.ts'
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

/** A number of an object that is written with a point or an exponent. A text that looks like one does no harm. */
const fractional = /"\s*:\s*-?\d+[.eE]/

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

const exact = (digits: string): ExactNumber => new ExactNumber(digits)
const flatJson: ExactJson = { isDoubtful: (value, text) => hasUnsafe(value) || fractional.test(text), exact }
const nestedJson: ExactJson = { isDoubtful: () => true, exact }

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
    return ok(parseExactJson(text, nested === 'nested' ? nestedJson : flatJson))
  } catch (error) {
    return error instanceof RangeError
      ? fail({ code: 'EVENT_FIELD_INVALID', message: 'the event is nested too deeply to be read; events are flat' })
      : fail({ code: 'EVENT_NOT_JSON', message: `not JSON: ${error instanceof Error ? error.message : String(error)}` })
  }
}
