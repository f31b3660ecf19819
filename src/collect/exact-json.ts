import { parseExactJson } from '../core/exact-json.ts'
import type { ExactJson } from '../core/exact-json.ts'
import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'

/** A JSON object in which no number has lost a digit (L4): what a JavaScript number cannot hold is the text of its digits. */
export type JsonRecord = { readonly [name: string]: JsonValue }
export type JsonValue = string | number | boolean | null | JsonRecord | readonly JsonValue[]

const depthMax = 32

/** True when every number is a whole one that a JavaScript number holds exactly. Throws on a bottomless line. */
function isExact(value: JsonValue, depth: number): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value)
  if (value === null || typeof value !== 'object') return true
  if (depth === depthMax) throw new Error(`it is nested more than ${depthMax} levels deep`)
  for (const inner of Object.values(value)) if (!isExact(inner, depth + 1)) return false
  return true
}

/** A number with a point or an exponent, of an object or the first of a list. A text that looks like one does no harm. */
const fractional = /(?:"\s*:|\[)\s*-?\d+[.eE]/

const records: ExactJson = {
  isDoubtful: (value, text) => !isExact(value as JsonValue, 0) || fractional.test(text),
  exact: (digits) => digits,
}

/**
 * Reads one line as a JSON object. Whole numbers up to 2^53 are numbers; all others become the text of their digits.
 */
export function parseJsonRecord(line: string): Result<JsonRecord, string> {
  try {
    const value = parseExactJson(line, records) as JsonValue
    if (value === null || typeof value !== 'object' || Array.isArray(value))
      return fail('the line is not a JSON object')
    return ok(value as JsonRecord)
  } catch (error) {
    return fail(`the line is not JSON: ${(error as Error).message}`)
  }
}

/** The text of a field. `-`, an empty text, null and a missing field all mean: not known (L13). */
export function textOf(value: JsonValue | undefined): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (typeof value !== 'string' || value === '' || value === '-') return undefined
  return value
}

/** A field by its own name, or nested: `a.b.c` is found as `{"a.b.c"}`, `{"a":{"b.c"}}`, `{"a":{"b":{"c"}}}` and so on. */
export function fieldAt(record: JsonRecord, name: string): JsonValue | undefined {
  if (Object.hasOwn(record, name)) return record[name]
  for (let dot = name.indexOf('.'); dot > 0; dot = name.indexOf('.', dot + 1)) {
    const inner = Object.hasOwn(record, name.slice(0, dot)) ? record[name.slice(0, dot)] : undefined
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) continue
    const found = fieldAt(inner as JsonRecord, name.slice(dot + 1))
    if (found !== undefined) return found
  }
  return undefined
}
