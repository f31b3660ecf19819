import type { Brand } from './ids.ts'
import { assert, fail, ok } from './result.ts'
import type { Result } from './result.ts'

/**
 * An exact rational number: quantities, unit prices and unrounded amounts. Opaque on purpose; the functions of this file
 * are the only way in and out. Two numbers are equal when `compare` says 0: one value can be held in several ways.
 */
export type Exact = Brand<object, 'Exact'>

/**
 * The number n / (d × 10^k). Nearly all numbers of an invoice are decimals, so d is nearly always 1 and is not reduced
 * against n until it grows; k may be negative.
 *
 * n is a whole number that JavaScript's Number holds exactly. That is no floating point (L4): of two safe integers, a
 * sum, difference or product that `isSafe` accepts is the true one, because a true result beyond 2^53 - 1 is at least
 * 2^53 and cannot be rounded below it. What is not safe is calculated in big integers instead. The n of a number that
 * needs them is NaN, so that every result with it is refused by the same test.
 */
interface Rational extends Exact {
  readonly n: number
  /** 1 to 2^31 - 1. */
  readonly d: number
  readonly k: number
  readonly wide: Wide | null
}

/** n / d in the place of a Rational's own, where they do not fit. */
interface Wide {
  readonly n: bigint
  /** Above zero. */
  readonly d: bigint
}

const nMax = Number.MAX_SAFE_INTEGER
const dMax = 2 ** 31 - 1
const wideMax = BigInt(nMax)
const wideDivisorMax = BigInt(dMax)
/** Beyond this, a divisor is reduced against its numerator: short of it, that costs more than it saves. */
const reduceAbove = 2n ** 64n

const tens: readonly number[] = Array.from({ length: 16 }, (_, power) => Number(10n ** BigInt(power)))
const wideTens: readonly bigint[] = Array.from({ length: 80 }, (_, power) => 10n ** BigInt(power))

function tenTo(power: number): bigint {
  return wideTens[power] ?? 10n ** BigInt(power)
}

/** False for NaN too. */
function isSafe(n: number): boolean {
  return n <= nMax && n >= -nMax
}

/** n × 10^by where that is safe; otherwise something that is not safe either, with the sign of n. */
function shifted(n: number, by: number): number {
  return n === 0 ? 0 : n * (tens[by] ?? Number.POSITIVE_INFINITY)
}

/** How a Rational is held. In JSON it is its text, as every number that crosses a boundary. */
class Held {
  declare readonly n: number
  declare readonly d: number
  declare readonly k: number
  declare readonly wide: Wide | null
  constructor(n: number, d: number, k: number, wide: Wide | null) {
    this.n = n
    this.d = d
    this.k = k
    this.wide = wide
  }
  toJSON(): string {
    return formatExact(this as unknown as Rational)
  }
}

function rational(n: number, d: number, k: number): Rational {
  return new Held(n, d, k, null) as unknown as Rational
}

const nothing = rational(0, 1, 0)
export const zero: Exact = nothing
export const one: Exact = rational(1, 1, 0)
export const hundred: Exact = rational(1, 1, -2)

/** Of a safe n. Zero is one object and never negative. */
function small(n: number, d: number, k: number): Exact {
  return n === 0 ? nothing : rational(n, d, k)
}

/** Zeros at the end go into k: so numbers stay small, and to divide by a power of ten is to move the point. */
function decimal(n: number, k: number): Exact {
  if (n === 0) return nothing
  let short = n
  let power = k
  while (short % 10 === 0) {
    short /= 10
    power -= 1
  }
  return rational(short, 1, power)
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [large, less] = [a < 0n ? -a : a, b]
  while (less !== 0n) [large, less] = [less, large % less]
  return large
}

function fits(n: bigint, d: bigint): boolean {
  return n <= wideMax && n >= -wideMax && d <= wideDivisorMax
}

/** The number n / (d × 10^k) from big integers, in Numbers again where it fits. */
function settle(n: bigint, d: bigint, k: number): Exact {
  if (n === 0n) return nothing
  if (fits(n, d)) return rational(Number(n), Number(d), k)
  let [top, bottom, power] = [n, d, k]
  if (d > reduceAbove) {
    const shared = greatestCommonDivisor(n, d)
    top /= shared
    bottom /= shared
  }
  while (top % 10n === 0n) {
    top /= 10n
    power -= 1
  }
  if (fits(top, bottom)) return rational(Number(top), Number(bottom), power)
  return new Held(Number.NaN, 1, power, { n: top, d: bottom }) as unknown as Rational
}

/** n and d of any number as big integers. */
function widened({ n, d, wide }: Rational): Wide {
  return wide ?? { n: BigInt(n), d: BigInt(d) }
}

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

/** n / d in lowest terms, without a power of ten. */
function fractionOf(value: Rational): Wide {
  const { n, d } = widened(value)
  const [top, bottom] = value.k >= 0 ? [n, d * tenTo(value.k)] : [n * tenTo(-value.k), d]
  const shared = greatestCommonDivisor(top, bottom)
  return { n: top / shared, d: bottom / shared }
}

/** n of the number as n / d in lowest terms. */
export function numeratorOf(value: Exact): bigint {
  return fractionOf(value as Rational).n
}

/** d of the number as n / d in lowest terms, above zero. */
export function denominatorOf(value: Exact): bigint {
  return fractionOf(value as Rational).d
}

/** The number of decimals of a fraction in lowest terms. */
function decimalsOfFraction({ d }: Wide): number | null {
  let [rest, twos, fives] = [d, 0, 0]
  while (rest % 2n === 0n) {
    rest /= 2n
    twos += 1
  }
  while (rest % 5n === 0n) {
    rest /= 5n
    fives += 1
  }
  return rest === 1n ? Math.max(twos, fives) : null
}

/** A decimal is digits × 10^-k. */
interface Decimal {
  readonly digits: number | bigint
  readonly k: number
}

/** Without zeros at the end of the digits; null for what is not held as a decimal, although it may be one. */
function decimalOf({ n, d, k, wide }: Rational): Decimal | null {
  // A wide number has lost its zeros when it was made.
  if (wide !== null) return wide.d === 1n ? { digits: wide.n, k } : null
  if (d !== 1) return null
  let digits = n
  let power = k
  while (digits !== 0 && digits % 10 === 0) {
    digits /= 10
    power -= 1
  }
  return { digits, k: power }
}

/** How many decimals the number has, or null when its decimal expansion never ends (1/3). */
export function decimalsOf(value: Exact): number | null {
  const plain = decimalOf(value as Rational)
  return plain === null ? decimalsOfFraction(fractionOf(value as Rational)) : Math.max(plain.k, 0)
}

/** Puts the point into the digits of a whole number. */
function withPoint(text: string, digits: number): string {
  if (digits === 0) return text
  const sign = text.startsWith('-') ? '-' : ''
  const padded = text.slice(sign.length).padStart(digits + 1, '0')
  return `${sign}${padded.slice(0, -digits)}.${padded.slice(-digits)}`
}

/** A whole number of 10^-digits as a plain decimal: (12345n, 2) → `123.45`. */
export function formatScaled(scaled: bigint, digits: number): string {
  return withPoint(scaled.toString(), digits)
}

/** Decimals with which a quantity leaves the house: what has more is rounded, halves away from zero. */
export const quantityDigits = 18

/** A quantity as a plain decimal: exact, except that an average or a level has no more than `quantityDigits` decimals. */
export function formatQuantity(value: Exact): string {
  const digits = Math.min(decimalsOf(value) ?? quantityDigits, quantityDigits)
  return formatScaled(roundToInteger(value, digits), digits)
}

/**
 * The number as a plain decimal, exact and without trailing zeros; a number that has no finite expansion
 * is given as the fraction `n/d`, because cutting it off would be a silent rounding.
 */
export function formatExact(value: Exact): string {
  const plain = decimalOf(value as Rational)
  if (plain !== null) {
    // Safe integers are written with all their digits.
    const text = plain.digits.toString()
    return plain.k <= 0 ? text + '0'.repeat(-plain.k) : withPoint(text, plain.k)
  }
  const fraction = fractionOf(value as Rational)
  const digits = decimalsOfFraction(fraction)
  if (digits === null) return `${fraction.n}/${fraction.d}`
  return formatScaled(roundToInteger(value, digits), digits)
}
