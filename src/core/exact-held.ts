/** How `exact.ts` holds its numbers, and what they are as text. Nobody else imports this file. */
import type { Brand } from './ids.ts'

/**
 * An exact rational number: quantities, unit prices and unrounded amounts. Opaque on purpose; the functions of `exact.ts`
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
export interface Rational extends Exact {
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
export const dMax = 2 ** 31 - 1
const wideMax = BigInt(nMax)
const wideDivisorMax = BigInt(dMax)
/** Beyond this, a divisor is reduced against its numerator: short of it, that costs more than it saves. */
const reduceAbove = 2n ** 64n

const tens: readonly number[] = Array.from({ length: 16 }, (_, power) => Number(10n ** BigInt(power)))
const wideTens: readonly bigint[] = Array.from({ length: 80 }, (_, power) => 10n ** BigInt(power))

export function tenTo(power: number): bigint {
  return wideTens[power] ?? 10n ** BigInt(power)
}

/** False for NaN too. */
export function isSafe(n: number): boolean {
  return n <= nMax && n >= -nMax
}

/** n × 10^by where that is safe; otherwise something that is not safe either, with the sign of n. */
export function shifted(n: number, by: number): number {
  return n === 0 ? 0 : n * (tens[by] ?? Number.POSITIVE_INFINITY)
}

/** How a Rational is held. In JSON it is its text, as every number that crosses a boundary. */
export class Held {
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
export function small(n: number, d: number, k: number): Exact {
  return n === 0 ? nothing : rational(n, d, k)
}

/** Zeros at the end go into k: so numbers stay small, and to divide by a power of ten is to move the point. */
export function decimal(n: number, k: number): Exact {
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

export function fits(n: bigint, d: bigint): boolean {
  return n <= wideMax && n >= -wideMax && d <= wideDivisorMax
}

/** The number n / (d × 10^k) from big integers, in Numbers again where it fits. */
export function settle(n: bigint, d: bigint, k: number): Exact {
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
export function widened({ n, d, wide }: Rational): Wide {
  return wide ?? { n: BigInt(n), d: BigInt(d) }
}

/** n / d in lowest terms, without a power of ten. */
export function fractionOf(value: Rational): Wide {
  const { n, d } = widened(value)
  const [top, bottom] = value.k >= 0 ? [n, d * tenTo(value.k)] : [n * tenTo(-value.k), d]
  const shared = greatestCommonDivisor(top, bottom)
  return { n: top / shared, d: bottom / shared }
}

/** The number of decimals of a fraction in lowest terms. */
export function decimalsOfFraction({ d }: Wide): number | null {
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
export function decimalOf({ n, d, k, wide }: Rational): Decimal | null {
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
  return formatScaled((fraction.n * tenTo(digits)) / fraction.d, digits)
}
