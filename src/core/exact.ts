import {
  decimal,
  decimalOf,
  decimalsOfFraction,
  dMax,
  fits,
  formatScaled,
  fractionOf,
  isSafe,
  one,
  settle,
  shifted,
  small,
  tenTo,
  widened,
  zero,
} from './exact-held.ts'
import type { Exact, Rational } from './exact-held.ts'
import { assert, fail, ok } from './result.ts'
import type { Result } from './result.ts'

export { formatExact, formatScaled, hundred, one, zero } from './exact-held.ts'
export type { Exact } from './exact-held.ts'

/** Two numbers over one divisor: left / (d × 10^k) and right / (d × 10^k). */
interface Level {
  readonly left: bigint
  readonly right: bigint
  readonly d: bigint
  readonly k: number
}

function levelled(a: Rational, b: Rational): Level {
  const [x, y] = [widened(a), widened(b)]
  const k = Math.max(a.k, b.k)
  const [left, right] = [x.n * tenTo(k - a.k), y.n * tenTo(k - b.k)]
  return x.d === y.d ? { left, right, d: x.d, k } : { left: left * y.d, right: right * x.d, d: x.d * y.d, k }
}

const decimalPattern = /^-?\d{1,60}(?:\.\d{1,30})?$/

/** Reads a plain decimal such as `12`, `0.000000000000000001`, `-3.50`; no exponent, no sign `+`, no spaces. */
export function parseExact(text: string): Result<Exact, string> {
  if (!decimalPattern.test(text)) {
    return fail('is not a plain decimal such as "12.50" (at most 60 digits before and 30 after the point)')
  }
  const [whole = '', digits = ''] = text.split('.')
  const scaled = whole + digits
  // 15 digits are always safe.
  return ok(scaled.length <= 15 ? decimal(Number(scaled), digits.length) : exactOf(BigInt(scaled), digits.length))
}

/** For constants in code and values that were checked at the door. */
export function exact(value: string | bigint): Exact {
  if (typeof value === 'bigint') return exactOf(value, 0)
  const parsed = parseExact(value)
  assert(parsed.ok, `${value} is a decimal`)
  return parsed.value
}

/** A whole number of 10^-digits: (12345n, 2) is 123.45. */
export function exactOf(scaled: bigint, digits: number): Exact {
  return fits(scaled, 1n) ? decimal(Number(scaled), digits) : settle(scaled, 1n, digits)
}

function combine(a: Rational, b: Rational, sign: 1 | -1): Exact {
  const k = a.k > b.k ? a.k : b.k
  let left = a.k === k ? a.n : shifted(a.n, k - a.k)
  let right = b.k === k ? b.n : shifted(b.n, k - b.k)
  let d = a.d
  if (a.d !== b.d) {
    left *= b.d
    right *= a.d
    d *= b.d
  }
  const n = left + sign * right
  if (isSafe(left) && isSafe(right) && isSafe(n) && d <= dMax) return small(n, d, k)
  const level = levelled(a, b)
  return settle(sign === 1 ? level.left + level.right : level.left - level.right, level.d, level.k)
}

export function add(a: Exact, b: Exact): Exact {
  if (a === zero) return b
  if (b === zero) return a
  return combine(a as Rational, b as Rational, 1)
}

export function subtract(a: Exact, b: Exact): Exact {
  if (b === zero) return a
  return combine(a as Rational, b as Rational, -1)
}

export function multiply(a: Exact, b: Exact): Exact {
  if (a === one) return b
  if (b === one) return a
  const x = a as Rational
  const y = b as Rational
  const n = x.n * y.n
  const d = x.d * y.d
  const k = x.k + y.k
  if (isSafe(n) && d <= dMax) return small(n, d, k)
  const [left, right] = [widened(x), widened(y)]
  return settle(left.n * right.n, left.d * right.d, k)
}

/** n / d in lowest terms, so that shares of a month do not grow when they are multiplied. */
function reduced(n: number, d: number, k: number): Exact {
  let large = Math.abs(n)
  let shared = d
  while (large % shared !== 0) {
    const rest = large % shared
    large = shared
    shared = rest
  }
  return d / shared <= dMax ? small(n / shared, d / shared, k) : settle(BigInt(n), BigInt(d), k)
}

export function divide(a: Exact, b: Exact): Exact {
  assert(!isZero(b), 'the divisor is not zero')
  const x = a as Rational
  const y = b as Rational
  const k = x.k - y.k
  const sign = y.n < 0 ? -1 : 1
  const n = x.n * y.d * sign
  const d = x.d * y.n * sign
  if (isSafe(n) && isSafe(d)) return d === 1 ? small(n, 1, k) : reduced(n, d, k)
  const [left, right] = [widened(x), widened(y)]
  const [top, bottom] = [left.n * right.d, left.d * right.n]
  return bottom < 0n ? settle(-top, -bottom, k) : settle(top, bottom, k)
}

/** Negative, zero or positive, as a sort function wants it. */
export function compare(a: Exact, b: Exact): number {
  const x = a as Rational
  const y = b as Rational
  let left = x.n
  let right = y.n
  if (x.k < y.k) left = shifted(left, y.k - x.k)
  else if (x.k > y.k) right = shifted(right, x.k - y.k)
  if (x.d !== y.d) {
    left *= y.d
    right *= x.d
  }
  // What is not safe is farther from zero than what is, so one safe side is enough. NaN is on no side.
  const difference = left - right
  if ((isSafe(left) || isSafe(right)) && !Number.isNaN(difference)) return difference
  const level = levelled(x, y)
  return level.left < level.right ? -1 : level.left > level.right ? 1 : 0
}

export function isZero(value: Exact): boolean {
  return (value as Rational).n === 0
}

export function isNegative(value: Exact): boolean {
  const { n, wide } = value as Rational
  return wide === null ? n < 0 : wide.n < 0n
}

export function sum(values: Iterable<Exact>): Exact {
  let total = zero
  for (const value of values) total = add(total, value)
  return total
}

export function smaller(a: Exact, b: Exact): Exact {
  return compare(a, b) <= 0 ? a : b
}

export function larger(a: Exact, b: Exact): Exact {
  return compare(a, b) >= 0 ? a : b
}

/** Where a number that lies between two whole ones goes. */
type Rounding = 'down' | 'up' | 'half away from zero'

/** How far the quotient that was cut off towards zero moves: -1, 0 or 1. `twice` compares twice the rest and the divisor. */
function step(rounding: Rounding, isBelowZero: boolean, twice: 'less' | 'half or more'): -1 | 0 | 1 {
  if (rounding === 'down') return isBelowZero ? -1 : 0
  if (rounding === 'up') return isBelowZero ? 0 : 1
  if (twice === 'less') return 0
  return isBelowZero ? -1 : 1
}

function roundWide(value: Rational, digits: number, rounding: Rounding): bigint {
  const { n, d } = widened(value)
  const by = digits - value.k
  const [top, bottom] = by >= 0 ? [n * tenTo(by), d] : [n, d * tenTo(-by)]
  const rest = top % bottom
  if (rest === 0n) return top / bottom
  const isBelowZero = rest < 0n
  const twice = 2n * (isBelowZero ? -rest : rest) < bottom ? 'less' : 'half or more'
  return top / bottom + BigInt(step(rounding, isBelowZero, twice))
}

/** value × 10^digits as a whole number. */
function wholeOf(value: Exact, digits: number, rounding: Rounding): bigint {
  const { n, d, k } = value as Rational
  const by = digits - k
  const top = by > 0 ? shifted(n, by) : n
  const bottom = by < 0 ? shifted(d, -by) : d
  if (!isSafe(top) || !isSafe(bottom)) return roundWide(value as Rational, digits, rounding)
  // The rest is exact by definition, and so is a quotient without one.
  const rest = top % bottom
  const cut = (top - rest) / bottom
  if (rest === 0) return BigInt(cut)
  const twice = 2 * Math.abs(rest) < bottom ? 'less' : 'half or more'
  return BigInt(cut + step(rounding, rest < 0, twice))
}

/**
 * value × 10^digits as a whole number, halves away from zero (DESIGN §9). `1.005` with 2 digits is 101,
 * `-1.005` is -101.
 */
export function roundToInteger(value: Exact, digits: number): bigint {
  return wholeOf(value, digits, 'half away from zero')
}

/** value × 10^digits as a whole number, towards minus infinity. */
export function floorToInteger(value: Exact, digits: number): bigint {
  return wholeOf(value, digits, 'down')
}

/** value × 10^digits as a whole number, towards plus infinity. */
export function ceilingToInteger(value: Exact, digits: number): bigint {
  return wholeOf(value, digits, 'up')
}

/** n of the number as n / d in lowest terms. */
export function numeratorOf(value: Exact): bigint {
  return fractionOf(value as Rational).n
}

/** d of the number as n / d in lowest terms, above zero. */
export function denominatorOf(value: Exact): bigint {
  return fractionOf(value as Rational).d
}

/** How many decimals the number has, or null when its decimal expansion never ends (1/3). */
export function decimalsOf(value: Exact): number | null {
  const plain = decimalOf(value as Rational)
  return plain === null ? decimalsOfFraction(fractionOf(value as Rational)) : Math.max(plain.k, 0)
}

/** Decimals with which a quantity leaves the house: what has more is rounded, halves away from zero. */
export const quantityDigits = 18

/** A quantity as a plain decimal: exact, except that an average or a level has no more than `quantityDigits` decimals. */
export function formatQuantity(value: Exact): string {
  const digits = Math.min(decimalsOf(value) ?? quantityDigits, quantityDigits)
  return formatScaled(roundToInteger(value, digits), digits)
}
