import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'

/** Below this every whole number that was written is the number that was parsed, without a rounding between. */
const surelyExact = 2 ** 52

function isDoubtful(value: unknown): boolean {
  return typeof value === 'number' && (!Number.isInteger(value) || value > surelyExact || value < -surelyExact)
}

/** True when a number of the document may not be what was written. Events are flat: their numbers lie at the top. */
function hasDoubtful(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return isDoubtful(value)
  if (Array.isArray(value)) return value.some(hasDoubtful)
  for (const key in value) if (isDoubtful((value as Record<string, unknown>)[key])) return true
  return false
}

interface Source {
  readonly source?: string
}

function keepExact(_key: string, value: unknown, { source }: Source): unknown {
  if (typeof value !== 'number' || source === undefined) return value
  // `String` gives back the shortest text of the double: equal texts mean that no digit was lost.
  return String(value) === source ? value : source
}

/** JSON.parse that loses no digit (L4): a number that a double cannot hold comes back as its own text. */
export function parseJson(text: string): Result<unknown, string> {
  try {
    const value: unknown = JSON.parse(text)
    // The exact way looks at every number's own text and is several times slower, so it is taken on doubt only.
    return ok(hasDoubtful(value) ? JSON.parse(text, keepExact as (key: string, value: unknown) => unknown) : value)
  } catch (error) {
    return fail(error instanceof Error ? error.message : 'is not JSON')
  }
}
