import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'

// Up to 15 significant digits a JSON number survives the way through a double unharmed; only texts with a
// longer run of digits need the slower way that looks at every number's own text.
const longNumber = /[\d.]{16}|\d[eE]/

type Source = { readonly source?: string }

function keepExact(_key: string, value: unknown, context: Source): unknown {
  if (typeof value !== 'number') return value
  const { source } = context
  // `String` gives back the shortest text of the double: equal texts mean that no digit was lost.
  return source === undefined || String(value) === source ? value : source
}

/** JSON.parse that loses no digit (L4): a number that a double cannot hold comes back as its own text. */
export function parseJson(text: string): Result<unknown, string> {
  try {
    return ok(
      longNumber.test(text)
        ? JSON.parse(text, keepExact as (key: string, value: unknown) => unknown)
        : JSON.parse(text),
    )
  } catch (error) {
    return fail(error instanceof Error ? error.message : 'is not JSON')
  }
}
