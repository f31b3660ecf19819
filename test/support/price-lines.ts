import { divide, exact, formatExact, sum } from '../../src/core/exact.ts'
import { currencyDigits, formatMinor } from '../../src/core/money.ts'
import type { Currency } from '../../src/core/money.ts'
import type { Micros } from '../../src/core/time.ts'
import { minimumTrueUp, rateLine } from '../../src/price/rate/line.ts'
import type { LineContext, RatedLine } from '../../src/price/rate/line.ts'
import { documentOf } from '../../src/price/place.ts'
import { readPrice } from '../../src/price/price.ts'
import type { Price } from '../../src/price/price.ts'
import type { PricingUnit } from '../../src/price/pricing-unit.ts'
import type { LineUsage } from '../../src/price/rate/slice.ts'
import { readRational } from './plain-rational.ts'
import type { Rational } from './plain-rational.ts'
import type { Json, SlowContext, SlowUsage } from './price-oracle.ts'

/** Our own side of what the oracle rates: the same JSON through the door and the line. */
export const credits: PricingUnit = { key: 'credits', name: 'credits', rate: exact('0.07') }

export function readPriceOf(json: Json): Price {
  const place = documentOf(json)
  const price = readPrice(place, 'rated alone', [credits])
  if (place.problems.length > 0) throw new Error(JSON.stringify(place.problems))
  return price
}

const hour = 3_600_000_000

export function lineUsageOf({ quantity, windows, groups, values }: SlowUsage): LineUsage {
  return {
    quantity: exact(quantity),
    windows: windows.map((window, index) => ({
      from: (index * hour) as Micros,
      to: ((index + 1) * hour) as Micros,
      quantity: exact(window),
    })),
    groups: groups.map(({ group, quantity: inside }) => ({ group, quantity: exact(inside) })),
    values: values?.map((value) => exact(value)) ?? null,
  }
}

/** A share of a period, and what else surrounds a line. */
export interface Surroundings {
  readonly currency: Currency
  readonly share: readonly [bigint, bigint]
  readonly additive: boolean
}

export const wholeDollars: Surroundings = { currency: 'USD', share: [1n, 1n], additive: true }

export function lineContextOf({ currency, share: [n, d], additive }: Surroundings): LineContext {
  return { currency, share: divide(exact(n), exact(d)), additive, traced: true, count: exact(1n) }
}

export function slowContextOf(json: Json, { currency, share: [n, d], additive }: Surroundings): SlowContext {
  return {
    digits: currencyDigits[currency],
    share: readRational(`${n}/${d}`),
    additive,
    rate: readRational(json['in'] === undefined ? '1' : '0.07'),
  }
}

export interface OurLine {
  readonly exact: Rational
  readonly amount: Rational
  readonly missing: Rational
  readonly line: RatedLine
  readonly trueUp: RatedLine | null
}

export function priceOurs(json: Json, usage: SlowUsage, around: Surroundings): OurLine {
  const price = readPriceOf(json)
  const context = lineContextOf(around)
  const line = rateLine(price, lineUsageOf(usage), context)
  const trueUp = minimumTrueUp(price, line, context)
  const amountOf = (one: RatedLine | null): Rational =>
    readRational(one === null ? '0' : formatMinor(one.amount, around.currency))
  return {
    exact: readRational(formatExact(line.exactAmount)),
    amount: amountOf(line),
    missing: amountOf(trueUp),
    line,
    trueUp,
  }
}

/** The exact amount of a quantity at a model, with or without more of the price: what tests of models ask. */
export function dueFor(model: object, quantity: string, more: object = {}): string {
  const usage: SlowUsage = { quantity, windows: [], groups: [], values: null }
  return formatExact(priceOurs({ model, ...more }, usage, wholeDollars).line.exactAmount)
}

/** The same for single events. */
export function dueForEvents(model: object, values: readonly string[], more: object = {}): string {
  const quantity = formatExact(sum(values.map((value) => exact(value))))
  const usage: SlowUsage = { quantity, windows: [], groups: [], values }
  return formatExact(priceOurs({ model, ...more }, usage, wholeDollars).line.exactAmount)
}
