import { formatExact } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'

/** The steps of DESIGN §9 that a line can take, in their order. */
export const stepNames = [
  'quantity',
  'convert',
  'round_quantity',
  'allowance',
  'usage_discount',
  'price',
  'tier',
  'cell',
  'part',
  'add_up',
  'prorate',
  'discount',
  'maximum',
  'minimum',
  'exchange',
  'round',
] as const
export type StepName = (typeof stepNames)[number]

/**
 * One step of how a line came to its amount (L10). `about` is for people. `formula` is arithmetic over plain
 * numbers (`+ - * /`, parentheses, `min`, `max`, `round(x, digits)`, `ceil(x)`, `floor(x)`), so that a program gets
 * `result` again without knowing the price: `replay.ts` does. A step with `parts` adds up what its parts result in:
 * its formula is their results with `+` between them, and each part is a small line of steps of its own.
 */
export interface TraceStep {
  readonly step: StepName
  readonly about: string
  readonly formula: string
  readonly result: string
  /** What the result counts: `GB`, `USD`. */
  readonly unit: string
  /** Windows, groups, cells or tiers; each is a chain of steps, and its last result is what it adds. */
  readonly parts?: readonly (readonly TraceStep[])[]
}

/** Where the steps of a line are written down; null where nobody reads them (a simulation of a million lines). */
export type Trace = TraceStep[] | null

/** A number as an operand of a formula; a fraction that never ends as decimal is put in parentheses. */
export function operand(value: Exact): string {
  const text = formatExact(value)
  return text.includes('/') || text.startsWith('-') ? `(${text})` : text
}

/** The formula of a step with parts. */
export function sumFormula(values: readonly Exact[]): string {
  return values.length === 0 ? '0' : values.map(operand).join(' + ')
}

/** A quantity with its unit: `7.5 GB`, and `2 × 100k requests` where the unit begins with a number. */
export function counted(quantity: string, unit: string): string {
  return `${quantity} ${/^\d/.test(unit) ? '× ' : ''}${unit}`
}

/** Makes a step from the exact result of its formula. */
export function traceStep(step: Omit<TraceStep, 'result'>, result: Exact): TraceStep {
  const { step: name, about, formula, unit, parts } = step
  return { step: name, about, formula, result: formatExact(result), unit, ...(parts === undefined ? {} : { parts }) }
}

/**
 * The steps in the order in which a reader wants them: each part before what adds it up. The windows of a quantity are
 * left out, because they stand beside every line anyway.
 */
export function readingOrder(trace: readonly TraceStep[]): readonly TraceStep[] {
  return trace.flatMap((step) =>
    step.step === 'quantity' ? [] : [...(step.parts ?? []).flatMap((part) => readingOrder(part)), step],
  )
}
