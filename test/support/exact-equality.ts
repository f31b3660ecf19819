import { expect } from 'vitest'
import { compare } from '../../src/core/exact.ts'
import type { Exact } from '../../src/core/exact.ts'
import { Held } from '../../src/core/exact-held.ts'

/** One value can be held in several ways; a test that compares values means the value. */
function equalExact(one: unknown, other: unknown): boolean | undefined {
  if (!(one instanceof Held) || !(other instanceof Held)) return undefined
  return compare(one as unknown as Exact, other as unknown as Exact) === 0
}

expect.addEqualityTesters([equalExact])
