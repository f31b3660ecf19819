import { parseMeter } from './definition.ts'
import type { MeterInput } from './definition.ts'

export type { MeterInput }

/**
 * A definition written in TypeScript: a field that does not exist, or an aggregation that lacks one of its own, does not
 * compile. Expressions are texts and are read here, when the file runs; so are the rules between fields. Throws an Error
 * that names every problem. The result is what `POST /v1/meters` and `crossfoot meters add` take.
 */
export function defineMeter<const Input extends MeterInput>(input: Input): Input {
  const parsed = parseMeter(input, 0)
  if (parsed.ok) return input
  const problems = parsed.error.map(({ field, message }) => `\n  ${field ?? ''}: ${message}`)
  throw new Error(`the definition of meter ${input.key} has problems:${problems.join('')}`)
}
