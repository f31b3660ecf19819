import { divide, exact, formatExact } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'

/** The steps of DESIGN §9 that a line can take, in their order. */
export const stepNames = ['convert', 'allowance', 'price', 'tier', 'add_up', 'round'] as const
export type StepName = (typeof stepNames)[number]

/**
 * One step of how a line came to its amount (L10). `about` is for people. `formula` is arithmetic over plain
 * numbers (`+ - * /`, parentheses, `min`, `max`, `round(x, digits)`), so that a program gets `result` again
 * without knowing the price: `replay.ts` does.
 */
export interface TraceStep {
  readonly step: StepName
  readonly about: string
  readonly formula: string
  readonly result: string
  /** What the result counts: `GB`, `USD`. */
  readonly unit: string
}

/** A number as an operand of a formula; a fraction that never ends as decimal is put in parentheses. */
export function operand(value: Exact): string {
  const text = formatExact(value)
  return text.includes('/') || text.startsWith('-') ? `(${text})` : text
}

/** A quantity with its unit: `7.5 GB`, and `2 × 100k requests` where the unit begins with a number. */
export function counted(quantity: string, unit: string): string {
  return `${quantity} ${/^\d/.test(unit) ? '× ' : ''}${unit}`
}

/** Makes a step from the exact result of its formula. */
export function traceStep({ step, about, formula, unit }: Omit<TraceStep, 'result'>, result: Exact): TraceStep {
  return { step, about, formula, result: formatExact(result), unit }
}

/** A whole number of 10^-digits: (12345n, 2) is 123.45. */
export function scaled(value: bigint, digits: number): Exact {
  return divide(exact(value), exact(10n ** BigInt(digits)))
}
