import { Fraction } from 'fraction.js'
import type { Brand } from './ids.ts'
import { assert, fail, ok } from './result.ts'
import type { Result } from './result.ts'

/**
 * An exact rational number: quantities, unit prices and unrounded amounts. Opaque on purpose; the
 * functions below are the only way in and out, and none of them goes through a floating-point number.
 */
export type Exact = Brand<Fraction, 'Exact'>

const decimalPattern = /^-?\d{1,60}(?:\.\d{1,30})?$/

function wrap(fraction: Fraction): Exact {
  return fraction as Exact
}

export const zero: Exact = wrap(new Fraction(0n))
export const one: Exact = wrap(new Fraction(1n))
export const hundred: Exact = wrap(new Fraction(100n))

/** Reads a plain decimal such as `12`, `0.000000000000000001`, `-3.50`; no exponent, no sign `+`, no spaces. */
export function parseExact(text: string): Result<Exact, string> {
  if (!decimalPattern.test(text)) {
    return fail('is not a plain decimal such as "12.50" (at most 60 digits before and 30 after the point)')
  }
  const [whole = '', digits = ''] = text.split('.')
  return ok(wrap(new Fraction(BigInt(whole + digits), 10n ** BigInt(digits.length))))
}

/** For constants in code and values that were checked at the door. */
export function exact(value: string | bigint): Exact {
  if (typeof value === 'bigint') return wrap(new Fraction(value))
  const parsed = parseExact(value)
  assert(parsed.ok, `${value} is a decimal`)
  return parsed.value
}

/** A whole number of 10^-digits: (12345n, 2) is 123.45. */
export function exactOf(scaled: bigint, digits: number): Exact {
  return wrap(new Fraction(scaled, 10n ** BigInt(digits)))
}

export function add(a: Exact, b: Exact): Exact {
  return wrap(a.add(b))
}

export function subtract(a: Exact, b: Exact): Exact {
  return wrap(a.sub(b))
}

export function multiply(a: Exact, b: Exact): Exact {
  return wrap(a.mul(b))
}

export function divide(a: Exact, b: Exact): Exact {
  assert(b.n !== 0n, 'the divisor is not zero')
  return wrap(a.div(b))
}

/** Negative, zero or positive, as a sort function wants it. */
export function compare(a: Exact, b: Exact): number {
  return a.compare(b)
}

export function isZero(value: Exact): boolean {
  return value.n === 0n
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

/**
 * value × 10^digits as a whole number, halves away from zero (DESIGN §9). `1.005` with 2 digits is 101,
 * `-1.005` is -101.
 */
export function roundToInteger(value: Exact, digits: number): bigint {
  const numerator = value.s * value.n * 10n ** BigInt(digits)
  const twice = (numerator < 0n ? -numerator : numerator) * 2n
  const magnitude = (twice + value.d) / (2n * value.d)
  return numerator < 0n ? -magnitude : magnitude
}

/** How many decimals the number has, or null when its decimal expansion never ends (1/3). */
export function decimalsOf(value: Exact): number | null {
  let rest = value.d
  let twos = 0
  let fives = 0
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

/** A whole number of 10^-digits as a plain decimal: (12345n, 2) → `123.45`. */
export function formatScaled(scaled: bigint, digits: number): string {
  const sign = scaled < 0n ? '-' : ''
  const text = (scaled < 0n ? -scaled : scaled).toString().padStart(digits + 1, '0')
  if (digits === 0) return sign + text
  return `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`
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
  const digits = decimalsOf(value)
  if (digits === null) return `${value.s * value.n}/${value.d}`
  return formatScaled(roundToInteger(value, digits), digits)
}
