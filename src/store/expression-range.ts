/**
 * Within which bounds the value of an expression lies, whatever the event carries, and with how many decimals. Known
 * before a single event is looked at, so a definition whose values could wrap around or lose a digit is never taken (L4).
 */
import { limits as eventLimits } from '../core/event.ts'
import { decimalsOf, divide, exact, formatExact } from '../core/exact.ts'
import { assert, unreachable } from '../core/result.ts'
import type { Expression, Test } from './expression.ts'

/** Digits before the point of an attribute that is read as a number: as many as 2^64 has. */
export const attributeDigits = 20

export const limits = {
  /** Digits that a number of a statement has at most: Int256 holds all of 76 digits, Decimal(76, s) is that. */
  digits: 76,
  /** Decimals of a value; on the way to it there may be more. */
  decimalsMax: 18,
  decimalsOnTheWayMax: 38,
} as const

/** low / 10^scale ≤ value ≤ high / 10^scale, and value has at most `scale` decimals. */
export interface Range {
  readonly low: bigint
  readonly high: bigint
  readonly scale: number
}

const uint64Max = 2n ** 64n - 1n

function power(scale: number): bigint {
  return 10n ** BigInt(scale)
}

function scaled({ low, high, scale }: Range, wanted: number): Range {
  const factor = power(wanted - scale)
  return { low: low * factor, high: high * factor, scale: wanted }
}

function smallest(...values: readonly bigint[]): bigint {
  return values.reduce((a, b) => (b < a ? b : a))
}

function greatest(...values: readonly bigint[]): bigint {
  return values.reduce((a, b) => (b > a ? b : a))
}

function literalRange(value: string): Range {
  const number = exact(value)
  const scale = decimalsOf(number)
  assert(scale !== null, 'a literal is a finite decimal')
  const mantissa = BigInt(formatExact(number).replace('.', ''))
  return { low: mantissa, high: mantissa, scale }
}

function product(a: Range, b: Range): Range {
  const corners = [a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high] as const
  return { low: smallest(...corners), high: greatest(...corners), scale: a.scale + b.scale }
}

/** 1 / by; a divisor is taken only when this is a finite decimal. */
function inverseRange(by: string): Range {
  return literalRange(formatExact(divide(exact(1n), exact(by))))
}

function floorDivision(value: bigint, by: bigint): bigint {
  const cut = value / by
  return value % by < 0n ? cut - 1n : cut
}

function symmetric(digits: number, decimals: number): Range {
  const high = 10n ** BigInt(digits + decimals) - 1n
  return { low: -high, high, scale: decimals }
}

/** The number of decimals with which all of these can be written. */
export function withCommonScale(expressions: readonly Expression[]): number {
  return Math.max(...expressions.map((one) => rangeOf(one).scale))
}

function severalRange(of: readonly Expression[], kind: 'least' | 'greatest' | 'either'): Range {
  const scale = withCommonScale(of)
  const ranges = of.map((one) => scaled(rangeOf(one), scale))
  const [lows, highs] = [ranges.map(({ low }) => low), ranges.map(({ high }) => high)]
  return {
    low: kind === 'greatest' ? greatest(...lows) : smallest(...lows),
    high: kind === 'least' ? smallest(...highs) : greatest(...highs),
    scale,
  }
}

function wholeDivisionRange({ of, by, kind }: Expression & { kind: 'ceil_div' | 'floor_div' }): Range {
  const { low, high, scale } = rangeOf(of)
  const divisor = BigInt(by) * power(scale)
  const more = kind === 'ceil_div' ? divisor - 1n : 0n
  return { low: floorDivision(low + more, divisor), high: floorDivision(high + more, divisor), scale: 0 }
}

function compute(expression: Expression): Range {
  switch (expression.kind) {
    case 'field':
      if (expression.field === 'quantity')
        return symmetric(eventLimits.quantityIntegerDigitsMax, eventLimits.quantityFractionDigitsMax)
      return { low: 0n, high: expression.field === 'status' ? 999n : uint64Max, scale: 0 }
    case 'attribute':
      return symmetric(attributeDigits, expression.decimals)
    case 'literal':
      return literalRange(expression.value)
    case 'add':
    case 'subtract': {
      const scale = withCommonScale([expression.left, expression.right])
      const [a, b] = [scaled(rangeOf(expression.left), scale), scaled(rangeOf(expression.right), scale)]
      return expression.kind === 'add'
        ? { low: a.low + b.low, high: a.high + b.high, scale }
        : { low: a.low - b.high, high: a.high - b.low, scale }
    }
    case 'multiply':
      return product(rangeOf(expression.left), rangeOf(expression.right))
    case 'negate': {
      const { low, high, scale } = rangeOf(expression.of)
      return { low: -high, high: -low, scale }
    }
    case 'divide':
      return product(rangeOf(expression.of), inverseRange(expression.by))
    case 'ceil_div':
    case 'floor_div':
      return wholeDivisionRange({ ...expression, kind: expression.kind })
    case 'if':
      return severalRange([expression.yes, expression.no], 'either')
    case 'least':
    case 'greatest':
      return severalRange(expression.of, expression.kind)
    case 'coalesce':
      return severalRange(expression.of, 'either')
    default:
      return unreachable(expression)
  }
}

/** Expressions are immutable, so each is looked at once. */
const known = new WeakMap<Expression, Range>()

export function rangeOf(expression: Expression): Range {
  const found = known.get(expression)
  if (found !== undefined) return found
  const range = compute(expression)
  known.set(expression, range)
  return range
}

/** The parts of an expression that are numbers, those of its conditions included. */
export function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'field':
    case 'attribute':
    case 'literal':
      return []
    case 'add':
    case 'subtract':
    case 'multiply':
      return [expression.left, expression.right]
    case 'negate':
    case 'divide':
    case 'ceil_div':
    case 'floor_div':
      return [expression.of]
    case 'if':
      return [...numbersOf(expression.test), expression.yes, expression.no]
    case 'least':
    case 'greatest':
    case 'coalesce':
      return expression.of
    default:
      return unreachable(expression)
  }
}

function numbersOf(test: Test): readonly Expression[] {
  switch (test.kind) {
    case 'compare':
      return [test.left, test.right]
    case 'same':
      return []
    case 'known':
      return test.of.kind === 'text' || test.of.kind === 'dimension' ? [] : [test.of]
    case 'and':
    case 'or':
      return [...numbersOf(test.left), ...numbersOf(test.right)]
    case 'not':
      return numbersOf(test.of)
    default:
      return unreachable(test)
  }
}

/** The comparisons of a condition: their two sides are brought to one number of decimals. */
function comparedIn(test: Test): readonly (readonly Expression[])[] {
  switch (test.kind) {
    case 'compare':
      return [[test.left, test.right]]
    case 'and':
    case 'or':
      return [...comparedIn(test.left), ...comparedIn(test.right)]
    case 'not':
      return comparedIn(test.of)
    case 'same':
    case 'known':
      return []
    default:
      return unreachable(test)
  }
}

/** Numbers of an expression that are brought to one number of decimals before they meet. */
function meetingIn(expression: Expression): readonly (readonly Expression[])[] {
  switch (expression.kind) {
    case 'add':
    case 'subtract':
      return [[expression.left, expression.right]]
    case 'if':
      return [[expression.yes, expression.no], ...comparedIn(expression.test)]
    case 'least':
    case 'greatest':
    case 'coalesce':
      return [expression.of]
    default:
      return []
  }
}

export type RangeProblem = { readonly at: Expression; readonly kind: 'digits' | 'decimals' }

function magnitude({ low, high }: Range): bigint {
  return greatest(-low, high)
}

/** True when a number of this range, with so many decimals, has a place in a statement. */
function fits(range: Range, scale: number): boolean {
  return magnitude(scaled(range, scale)) < power(limits.digits)
}

function problemAt(expression: Expression): RangeProblem | null {
  const range = rangeOf(expression)
  if (range.scale > limits.decimalsOnTheWayMax) return { at: expression, kind: 'decimals' }
  const meeting = meetingIn(expression).flatMap((group) => {
    const scale = withCommonScale(group)
    return group.map((one) => scale <= limits.decimalsOnTheWayMax && fits(rangeOf(one), scale))
  })
  if (!fits(range, range.scale) || meeting.includes(false)) return { at: expression, kind: 'digits' }
  if (expression.kind === 'ceil_div' || expression.kind === 'floor_div') {
    const of = rangeOf(expression.of)
    // While it is divided, the number is a whole one of 10^-scale of 10^-scale, moved by two divisors at most.
    const room = magnitude(of) * power(of.scale) + 2n * BigInt(expression.by) * power(2 * of.scale)
    if (room >= power(limits.digits)) return { at: expression, kind: 'digits' }
  }
  return null
}

/**
 * Why an expression cannot be computed exactly, and in which of its parts, the innermost first. `times`: by how much
 * what is made of a value is larger than it, such as the number of events that are added up.
 */
export function checkRange(expression: Expression, times: bigint): RangeProblem | null {
  const stack: Expression[] = [expression]
  const all: Expression[] = []
  for (let one = stack.pop(); one !== undefined; one = stack.pop()) {
    all.push(one)
    stack.push(...partsOf(one))
  }
  for (const part of all.toReversed()) {
    const problem = problemAt(part)
    if (problem !== null) return problem
  }
  const range = rangeOf(expression)
  if (range.scale > limits.decimalsMax) return { at: expression, kind: 'decimals' }
  const whole = scaled(range, limits.decimalsMax)
  return magnitude(whole) * times >= power(limits.digits) ? { at: expression, kind: 'digits' } : null
}
