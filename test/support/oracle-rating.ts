import { compare, exact, one, subtract, zero } from '../../src/core/exact.ts'
import type { Exact } from '../../src/core/exact.ts'
import type { MeterKey } from '../../src/core/ids.ts'
import { addMinor, formatMinor, isCurrency } from '../../src/core/money.ts'
import type { Currency, Minor } from '../../src/core/money.ts'
import type { Micros, Period } from '../../src/core/time.ts'
import { rateLine } from '../../src/price/rate/line.ts'
import type { RatedLine } from '../../src/price/rate/line.ts'
import { parsePrice } from '../../src/price/price.ts'
import type { Price } from '../../src/price/price.ts'
import { progress } from '../../src/price/rate/progressive.ts'
import type { BilledLine, RunLine } from '../../src/price/rate/progressive.ts'
import { shareOf } from '../../src/price/rate/proration.ts'
import { parseRateRequest, rate } from '../../src/price/calculator/rate.ts'
import type { RateLineJson } from '../../src/price/calculator/rate.ts'
import { rateLines } from '../../src/price/rate/rate-lines.ts'
import type { PartLine, PricedPart } from '../../src/price/rate/rate-lines.ts'
import { usageOf } from '../../src/price/rate/slice.ts'
import type { LineUsage } from '../../src/price/rate/slice.ts'
import { moment, plain } from './oracle-cases.ts'

/** Cases are rated through the same doors as everything: a definition is parsed, never built. */

/** Through POST /v1/rate: the line of a price, or null where the request is refused. */
export function atTheDoor(price: object, quantity: unknown, currency = 'USD'): RateLineJson | null {
  const request = parseRateRequest({ currency, price, quantity: String(quantity) })
  if (!request.ok) return null
  return rate(request.value).lines[0] ?? null
}

/** A price as its author writes it; throws where it is refused. */
export function defined(price: object, key = 'price'): Price {
  const parsed = parsePrice({ key, name: key, ...price }, 'rated alone')
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  return parsed.value
}

export function currencyOf(text: unknown): Currency {
  const currency = String(text)
  if (!isCurrency(currency)) throw new Error(`${currency} is not in the table`)
  return currency
}

/** A month to rate in, where a case names none. */
export const month: Period = { from: moment('2026-03-01'), to: moment('2026-04-01') }

/** A price in the whole of a billing period. */
export function wholePart(price: Price, usage: LineUsage): PricedPart {
  return { price, part: month, share: one, additive: true, count: one, usage }
}

/** So much of a meter. */
export function used(quantity: unknown): LineUsage {
  return usageOf(exact(String(quantity)))
}

/** So much of a meter in windows of an hour. */
export function usedByWindow(quantities: readonly unknown[]): LineUsage {
  const hour = 3_600_000_000
  const windows = quantities.map((quantity, index) => ({
    from: (month.from + index * hour) as Micros,
    to: (month.from + (index + 1) * hour) as Micros,
    quantity: exact(String(quantity)),
  }))
  return { ...usageOf(zero), windows }
}

export function usedByGroup(quantities: Readonly<Record<string, string>>): LineUsage {
  const groups = Object.entries(quantities).map(([value, quantity]) => ({
    group: { dimension: value },
    quantity: exact(quantity),
  }))
  return { ...usageOf(zero), groups }
}

export function lineOf(price: object, usage: LineUsage, currency: Currency = 'USD'): RatedLine {
  return rateLine(defined(price), usage, { currency, share: one, additive: true, traced: false, count: one })
}

/** All lines of prices, what is missing to their minimum among them. */
export function linesOf(parts: readonly PricedPart[], currency: Currency = 'USD'): readonly PartLine[] {
  return rateLines(parts, { currency, traced: false })
}

/** Lines of prices so far, while their period goes on. */
export function interimLinesOf(parts: readonly PricedPart[], currency: Currency = 'USD'): readonly PartLine[] {
  return rateLines(parts, { currency, traced: false, isInterim: true })
}

export function totalOf(lines: readonly { readonly amount: Minor }[], currency: Currency = 'USD'): string {
  return plain(formatMinor(addMinor(lines.map(({ amount }) => amount)), currency))
}

export interface Fee {
  readonly amount: unknown
  readonly part: Period
  readonly whole: Period
  readonly count?: string
}

/** The line of a fee for a part of a billing period. */
export function feeOf({ amount, part, whole, count = '1' }: Fee, currency: Currency = 'USD'): RatedLine {
  return rateLine(defined({ model: { kind: 'flat', amount: String(amount) } }), usageOf(one), {
    currency,
    share: shareOf(part, whole),
    additive: true,
    traced: false,
    count: exact(count),
  })
}

export function money(amount: Minor, currency: Currency = 'USD'): string {
  return plain(formatMinor(amount, currency))
}

export function negative(amount: Minor): Minor {
  return (0n - amount) as Minor
}

/** The lines of a run as what is billed now. */
export function billedBy(lines: readonly RunLine[]): readonly BilledLine[] {
  return lines.map(({ price, kind, from, quantity, amount }) => ({ price, kind, from, quantity, amount }))
}

/** What a first run bills of lines. */
export function firstRun(whole: readonly PartLine[], isFinal = false): readonly BilledLine[] {
  return billedBy(progress({ whole, billed: [], isFinal }))
}

/** How much of a share lies between two others. */
export function between(high: Exact, low: Exact): Exact {
  return compare(high, low) < 0 ? subtract(low, high) : subtract(high, low)
}

export const meter = (key: unknown): MeterKey => String(key) as MeterKey
