import {
  compare,
  decimalsOf,
  divide,
  exact,
  formatExact,
  formatQuantity,
  formatScaled,
  roundToInteger,
  subtract,
  zero,
} from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { currencyDigits, formatMinor } from '../../core/money.ts'
import type { Currency, Minor } from '../../core/money.ts'
import { groupDigits } from '../../invoice/wording.ts'

const thousand = exact(1000n)
const prefixes = ['', 'k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y', 'R', 'Q'] as const
/** From here on a whole number is shortened; up to here it is written out. */
const writtenOut = exact(10_000_000n)
const leastShown = exact('0.01')

/** All digits of the number as every answer gives it, readable. */
export function grouped(value: Exact): string {
  return groupDigits(formatQuantity(value))
}

function magnitude(value: Exact): Exact {
  return compare(value, zero) < 0 ? subtract(zero, value) : value
}

/** Three digits of a number below 1000, halves away from zero; null when that rounds up to 1000. */
function threeDigits(value: Exact): string | null {
  for (const digits of [2, 1, 0]) {
    const rounded = roundToInteger(value, digits)
    if (rounded < 1000n) return formatScaled(rounded, digits)
  }
  return null
}

/** The number in thousands, millions, … with three digits, such as 13.7 and M. Whole numbers below 1000 stay whole. */
function scaled(value: Exact): { readonly digits: string; readonly prefix: string } {
  const sign = compare(value, zero) < 0 ? '-' : ''
  let rest = magnitude(value)
  if (compare(rest, thousand) < 0 && roundToInteger(rest, 0) < 1000n) return { digits: sign + small(rest), prefix: '' }
  for (const prefix of prefixes) {
    const digits = compare(rest, thousand) < 0 ? threeDigits(rest) : null
    if (digits !== null) return { digits: sign + digits, prefix }
    rest = divide(rest, thousand)
  }
  return { digits: grouped(value), prefix: '' }
}

function small(value: Exact): string {
  const plain = formatQuantity(value)
  if (/^\d+$/.test(plain)) return plain
  return compare(value, leastShown) < 0 ? '<0.01' : (threeDigits(value) ?? plain)
}

/** `999`, `1.00 k`, `13.7 M`: for ticks and where there is little room. */
export function short(value: Exact): string {
  const { digits, prefix } = scaled(value)
  return prefix === '' ? digits : `${digits} ${prefix}`
}

/** For a tick, which stands at a round number: `5 k`, `200 MB`, without zeros behind the point. */
export function tick(value: Exact, unit: string): string {
  const { digits, prefix } = scaled(value)
  const trimmed = digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits
  const suffix = `${prefix}${unit === 'bytes' ? 'B' : ''}`
  return suffix === '' || trimmed === '0' ? trimmed : `${trimmed} ${suffix}`
}

/** `512 B`, `13.7 MB`: a kB is 1000 bytes, a GB 10⁹. */
export function shortBytes(value: Exact): string {
  const { digits, prefix } = scaled(value)
  return `${digits} ${prefix}B`
}

/** For reading, in the unit's own way; the exact number belongs beside it. */
export function readable(value: Exact, unit: string): string {
  if (unit === 'bytes') return shortBytes(value)
  return compare(magnitude(value), writtenOut) < 0 ? grouped(value) : short(value)
}

/** All digits with the unit: `13,677,583 bytes`. */
export function precise(value: Exact, unit: string): string {
  return `${grouped(value)} ${unit}`
}

/** `1,234.56`; the currency stands beside it. */
export function money(amount: Minor, currency: Currency): string {
  return groupDigits(formatMinor(amount, currency))
}

/** A price of one unit with all its decimals, and at least those of the currency: `0.10`, `0.00001`. */
export function unitPrice(amount: Exact, currency: Currency): string {
  const decimals = decimalsOf(amount)
  if (decimals === null) return formatExact(amount)
  const digits = Math.max(decimals, currencyDigits[currency])
  return groupDigits(formatScaled(roundToInteger(amount, digits), digits))
}
