import { decimalsOf, floorToInteger, formatScaled, isNegative, subtract, zero } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { currencyDigits, isCurrency } from '../../core/money.ts'
import type { Currency } from '../../core/money.ts'
import { counted } from './trace.ts'

/** What stands before an amount, as people who read English know it. */
const signs: Readonly<Record<Currency, string>> = {
  AUD: 'A$',
  BRL: 'R$',
  CAD: 'CA$',
  CHF: 'CHF ',
  CZK: 'CZK ',
  DKK: 'DKK ',
  EUR: '€',
  GBP: '£',
  HKD: 'HK$',
  INR: '₹',
  JPY: '¥',
  KRW: '₩',
  KWD: 'KWD ',
  MXN: 'MX$',
  NOK: 'NOK ',
  NZD: 'NZ$',
  PLN: 'PLN ',
  SEK: 'SEK ',
  SGD: 'S$',
  USD: '$',
}

/** Decimals shown of a number that never ends; more where it would have fewer than three digits besides zeros. */
const endlessDigits = 6
const endlessLeast = 100n

/** Cut off, never rounded: the dots behind it say that it goes on. */
function endless(size: Exact): string {
  let digits = endlessDigits
  while (floorToInteger(size, digits) < endlessLeast) digits += 1
  return `${formatScaled(floorToInteger(size, digits), digits)}…`
}

/** Without the sign, which stands before the currency's. */
function plain(value: Exact, decimalsMin: number): string {
  const size = isNegative(value) ? subtract(zero, value) : value
  const digits = decimalsOf(size)
  if (digits === null) return endless(size)
  const shown = Math.max(digits, decimalsMin)
  return formatScaled(floorToInteger(size, shown), shown)
}

function withCommas(text: string): string {
  const point = text.indexOf('.')
  let at = point < 0 ? text.length : point
  let grouped = text.slice(at)
  for (; at > 3; at -= 3) grouped = `,${text.slice(at - 3, at)}${grouped}`
  return text.slice(0, at) + grouped
}

const minusOf = (value: Exact): string => (isNegative(value) ? '-' : '')

/** A number for people: `12,345.6`; `0.333333…` where it never ends. For programs there is `formatExact`. */
export function numberWords(value: Exact): string {
  return `${minusOf(value)}${withCommas(plain(value, 0))}`
}

/** `$1,000.00`, `$0.0000001`, `¥500`; `12 credits` where `money` is a pricing unit. */
export function moneyWords(value: Exact, money: string): string {
  if (!isCurrency(money)) return counted(numberWords(value), money)
  return `${minusOf(value)}${signs[money]}${withCommas(plain(value, currencyDigits[money]))}`
}

/** `12,345.6 GB`. */
export function quantityWords(value: Exact, unit: string): string {
  return counted(numberWords(value), unit)
}
