import { compare, isZero } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { isCurrency, minorAmount } from '../../core/money.ts'
import type { Currency } from '../../core/money.ts'
import type { RatedLine } from './line.ts'
import { moneyWords, numberWords, quantityWords } from './number-words.ts'
import { evaluateFormula } from './replay.ts'
import type { StepName, TraceStep } from './trace.ts'

/** What stands between what a step does and what it results in. */
const joints: Readonly<Record<StepName, string>> = {
  quantity: ': ',
  convert: ' = ',
  round_quantity: ' = ',
  allowance: ' = ',
  usage_discount: ' = ',
  price: ' = ',
  tier: ' = ',
  cell: ': ',
  part: ': ',
  add_up: ': ',
  prorate: ' = ',
  discount: ', leaves ',
  maximum: ': ',
  minimum: ' = ',
  exchange: ' = ',
  round: ' = ',
}

const indent = '  '

/** Quantities as measured have a meter's unit, which the trace does not know. */
function resultWords({ result, unit }: TraceStep): string {
  const value = evaluateFormula(result)
  if (unit === 'measured') return numberWords(value)
  return isCurrency(unit) ? moneyWords(value, unit) : quantityWords(value, unit)
}

/** What the allowance step included: the last number of `max(17.4 - 5, 0)`. */
function includedOf({ formula }: TraceStep): Exact | null {
  const included = /^max\(.+ - (.+), 0\)$/.exec(formula)?.[1]
  return included === undefined ? null : evaluateFormula(included)
}

/** `12.4 GB beyond the 5 GB included × $0.10`: what is priced says what it is beyond. */
function beyondIncluded({ step, about }: TraceStep, before: TraceStep | undefined): string {
  if (step !== 'price' || before?.step !== 'allowance') return about
  const [included, left] = [includedOf(before), resultWords(before)]
  const isNothing = isZero(evaluateFormula(before.result))
  if (included === null || isZero(included) || isNothing || !about.startsWith(left)) return about
  return `${left} beyond the ${quantityWords(included, before.unit)} included${about.slice(left.length)}`
}

function jointOf({ step, formula, result }: TraceStep): string {
  return step === 'part' && formula !== result ? ' = ' : joints[step]
}

/** A rounding that found nothing to round is no news. */
function isSilent({ step, formula, result }: TraceStep): boolean {
  const rounded = /^round\((.+), \d+\)$/.exec(formula)?.[1]
  return step === 'round' && rounded !== undefined && compare(evaluateFormula(rounded), evaluateFormula(result)) === 0
}

/**
 * Whether the words of a step that calculates nothing say its number. The names of windows, groups and lines are not our
 * words: `2026-06-10` says nothing about a quantity of 10.
 */
function saysResult({ step, about, formula, result }: TraceStep, words: string): boolean {
  if (formula !== result) return false
  if (step === 'part') return about.endsWith(`: ${words}`)
  if (step !== 'price') return false
  const at = about.indexOf(words)
  const [before, after] = [about.slice(0, at), about.slice(at + words.length)]
  return at >= 0 && !/[\w.,:-]$/.test(before) && !/^(?:\w|[.,:-]\d)/.test(after)
}

function sentenceOf(step: TraceStep, before: TraceStep | undefined): string {
  const about = beyondIncluded(step, before)
  const result = resultWords(step)
  if (saysResult(step, result)) return about
  const joint = step.parts === undefined ? jointOf(step) : ': '
  return `${about}${joint}${result}`
}

/** A chain of steps; the parts of a step stand below it, and what a part goes on with below the part. */
function chainOf(steps: readonly TraceStep[], margin: string): readonly string[] {
  return steps.flatMap((step, index) => {
    if (isSilent(step)) return []
    const parts = (step.parts ?? []).flatMap((part) => partOf(part, margin + indent))
    return [`${margin}${sentenceOf(step, steps[index - 1])}`, ...parts]
  })
}

function partOf(part: readonly TraceStep[], margin: string): readonly string[] {
  const [head, ...rest] = part
  if (head === undefined) return []
  return [...chainOf([head], margin), ...chainOf(rest, margin + indent)]
}

/**
 * How a line came to its amount, as plain sentences that a customer understands: one for each step of its trace, parts
 * indented below what they add up to. For people; a program replays the trace itself (`replay.ts`).
 */
export function sentencesOf(line: RatedLine, currency: Currency): readonly string[] {
  const { description, amount, trace } = line
  return [`${description}: ${moneyWords(minorAmount(amount, currency), currency)}`, ...chainOf(trace, indent)]
}
