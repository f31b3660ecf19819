import type { Brand } from './ids.ts'
import { exact, exactOf, formatScaled, roundToInteger } from './exact.ts'
import type { Exact } from './exact.ts'

/** ISO 4217 currencies that can be priced in, with the digits of their minor unit. */
export const currencyDigits = {
  AUD: 2,
  BRL: 2,
  CAD: 2,
  CHF: 2,
  CZK: 2,
  DKK: 2,
  EUR: 2,
  GBP: 2,
  HKD: 2,
  INR: 2,
  JPY: 0,
  KRW: 0,
  KWD: 3,
  MXN: 2,
  NOK: 2,
  NZD: 2,
  PLN: 2,
  SEK: 2,
  SGD: 2,
  USD: 2,
} as const satisfies Record<string, number>

export type Currency = keyof typeof currencyDigits

export function isCurrency(text: string): text is Currency {
  return Object.hasOwn(currencyDigits, text)
}

/** A whole number of the currency's minor unit: cents, yen, fils. */
export type Minor = Brand<bigint, 'Minor'>

/** The one rounding of an invoice line (L4): half away from zero, to the minor unit. */
export function roundToMinor(amount: Exact, currency: Currency): Minor {
  return roundToInteger(amount, currencyDigits[currency]) as Minor
}

/** `1234` cents of USD → `12.34`; yen have no decimals. */
export function formatMinor(amount: Minor, currency: Currency): string {
  return formatScaled(amount, currencyDigits[currency])
}

/** Back from `formatMinor`: `12.34` of USD → 1234 cents. For amounts that we wrote ourselves. */
export function readMinor(amount: string, currency: Currency): Minor {
  return roundToMinor(exact(amount), currency)
}

/** The amount as an exact number of the major unit. */
export function minorAmount(amount: Minor, currency: Currency): Exact {
  return exactOf(amount, currencyDigits[currency])
}

export function addMinor(amounts: Iterable<Minor>): Minor {
  let total = 0n
  for (const amount of amounts) total += amount
  return total as Minor
}
