import { compare, exact, formatExact, zero } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import type { Problem } from '../core/errors.ts'
import type { MeterKey } from '../core/ids.ts'
import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { discountJson, readDiscounts, readUsageDiscount, usageDiscountJson } from './rate/discount.ts'
import type { Discount, UsageDiscount } from './rate/discount.ts'
import { needsValues } from './model/model.ts'
import { isOverLines, isUnitModel, priceModelJson, readPriceModel } from './price-model.ts'
import type { PriceModel } from './price-model.ts'
import {
  at,
  complain,
  documentOf,
  expectFields,
  isAbsent,
  readAmount,
  readChoice,
  readDecimal,
  readKey,
  readList,
  readText,
  withoutMoney,
} from './place.ts'
import type { Place } from './place.ts'
import type { PriceKey } from './price-key.ts'
import { pricingUnitNamed } from './pricing-unit.ts'
import type { PricingUnit } from './pricing-unit.ts'
import { flatUnit, readUnit, unitJson } from './rate/unit.ts'
import type { PricedUnit } from './rate/unit.ts'

export type { PriceKey } from './price-key.ts'

export const eachWindows = ['hour', 'day', 'month'] as const

/** Each window, or each group of the traffic, is priced as if it was alone; the amounts are added. */
export type Each =
  | { readonly kind: 'window'; readonly window: (typeof eachWindows)[number] }
  | { readonly kind: 'group'; readonly dimensions: readonly string[] }

/**
 * What a part of a billing period (after a change in its middle) does to a price:
 * - `bounds`: what the definition says per period (allowance, bounds of tiers, fixed amounts) is cut to the share of
 *   time. For usage that adds up over time: half a month, half the free gigabytes.
 * - `amounts`: the amount is cut to the share. For fees, and for levels (bandwidth, peaks) that do not add up.
 * - `none`: nothing is cut.
 */
export const prorations = ['bounds', 'amounts', 'none'] as const
export type Proration = (typeof prorations)[number]

/** One price of a plan: from a meter's quantity (or, for a flat price, from nothing; or from other lines) to one line. */
export interface Price {
  readonly key: PriceKey
  readonly name: string
  /** Null for a flat price, and for one over lines. */
  readonly meter: MeterKey | null
  readonly unit: PricedUnit
  /** Allowance in priced units: this much of the period's quantity costs nothing. Tiers count from after it. */
  readonly included: Exact
  readonly usageDiscount: UsageDiscount | null
  readonly each: Each | null
  readonly model: PriceModel
  readonly discounts: readonly Discount[]
  /** The line costs at most this, per billing period. */
  readonly maximum: Exact | null
  /** The line and its true-up, a line of its own, cost at least this, per billing period. */
  readonly minimum: Exact | null
  /** Null: by the meter (`bounds` where its windows add up, otherwise `amounts`). */
  readonly proration: Proration | null
  /** The unit of account that amounts are in; null: the currency itself. */
  readonly pricingUnit: PricingUnit | null
}

const fields = [
  'key',
  'name',
  'meter',
  'unit',
  'included',
  'usage_discount',
  'each',
  'model',
  'discounts',
  'maximum',
  'minimum',
  'proration',
  'in',
] as const

/** A price that is rated with a quantity from elsewhere (POST /v1/rate) may leave out its key, name and meter. */
export type PriceUse = 'in a plan' | 'rated alone'

type Measured = Pick<Price, 'meter' | 'unit' | 'included' | 'usageDiscount' | 'each'>

function readMeter(place: Place, use: PriceUse): MeterKey | null {
  if (isAbsent(place)) {
    if (use === 'in a plan') complain(place, 'names the meter whose quantity is priced, such as "http_requests"')
    return null
  }
  return readKey(place, 'http_requests') as MeterKey
}

function readUnmeasured(place: Place, what: string): Measured {
  for (const name of ['meter', 'unit', 'included', 'usage_discount', 'each'])
    if (!isAbsent(at(place, name))) complain(at(place, name), `is left out of ${what}, which measures nothing`)
  return { meter: null, unit: flatUnit, included: zero, usageDiscount: null, each: null }
}

function readEach(place: Place): Each | null {
  if (isAbsent(place)) return null
  expectFields(place, ['window', 'group_by'])
  const [window, groups] = [at(place, 'window'), at(place, 'group_by')]
  if (isAbsent(window) === isAbsent(groups)) complain(place, 'has a "window" or a "group_by", one of them')
  if (isAbsent(groups)) return { kind: 'window', window: readChoice(window, eachWindows, null) }
  const dimensions = readList(groups, 4).map((item) =>
    readText(item, 'is a dimension of the meter, such as "endpoint"'),
  )
  if (new Set(dimensions).size < dimensions.length) complain(groups, 'names a dimension twice')
  return { kind: 'group', dimensions }
}

/** Single events are known to POST /v1/rate only: a meter answers totals, of the whole or of windows and groups. */
function checkEvents(place: Place, use: PriceUse, model: PriceModel): void {
  if (!isUnitModel(model) || !needsValues(model)) return
  // A percentage off would free more of the first events the more there are: one event more could cost less.
  const [off, each, rounding] = [at(place, 'usage_discount'), at(place, 'each'), at(at(place, 'unit'), 'rounding')]
  if (use === 'in a plan')
    complain(
      at(place, 'model'),
      'prices single events, of which a meter knows only the total; leave out "event_amount", "free_events", ' +
        '"minimum_each" and "maximum_each", or rate the events themselves with POST /v1/rate and "values"',
    )
  if (!isAbsent(off))
    complain(off, 'is left out where single events are priced; "included" is taken from the first of them')
  for (const one of [each, rounding]) if (!isAbsent(one)) complain(one, 'is left out where single events are priced')
}

function readMeasured(place: Place, use: PriceUse, model: PriceModel): Measured {
  const [included, discount, each] = [at(place, 'included'), at(place, 'usage_discount'), at(place, 'each')]
  if (model.kind === 'matrix') {
    for (const one of [included, discount, each])
      if (!isAbsent(one)) complain(one, 'is left out of a matrix: each of its cells has its own "included"')
  }
  checkEvents(place, use, model)
  return {
    meter: readMeter(at(place, 'meter'), use),
    unit: readUnit(at(place, 'unit')),
    included: isAbsent(included) ? zero : readDecimal(included, { decimalsMax: 18 }),
    usageDiscount: readUsageDiscount(discount),
    each: readEach(each),
  }
}

function readLimits(place: Place): Pick<Price, 'maximum' | 'minimum'> {
  const [most, least] = [at(place, 'maximum'), at(place, 'minimum')]
  const [maximum, minimum] = [isAbsent(most) ? null : readAmount(most), isAbsent(least) ? null : readAmount(least)]
  if (maximum !== null && minimum !== null && compare(minimum, maximum) > 0) complain(least, 'is not above "maximum"')
  return { maximum, minimum }
}

function readProration(place: Place): Proration | null {
  return isAbsent(place) ? null : readChoice(place, prorations, null)
}

function measuredOf(place: Place, use: PriceUse, model: PriceModel): Measured {
  if (model.kind === 'flat') return readUnmeasured(place, 'a flat price')
  if (isOverLines(model)) return readUnmeasured(place, `a ${model.kind}`)
  return readMeasured(place, use, model)
}

/** Reads a price at its place in a larger document; `units` are the pricing units that it may be in. */
export function readPrice(place: Place, use: PriceUse, units: readonly PricingUnit[] = []): Price {
  expectFields(place, fields)
  const pricingUnit = pricingUnitNamed(at(place, 'in'), units)
  const money = pricingUnit === null ? place : withoutMoney(place)
  const model = readPriceModel(at(money, 'model'))
  const [key, name] = [at(place, 'key'), at(place, 'name')]
  const isAlone = use === 'rated alone'
  return {
    key: (isAlone && isAbsent(key) ? 'price' : readKey(key, 'data_transfer_out')) as PriceKey,
    name: isAlone && isAbsent(name) ? 'Price' : readText(name, 'says in words what is charged, such as "Requests"'),
    ...measuredOf(money, use, model),
    model,
    discounts: readDiscounts(at(money, 'discounts')),
    ...readLimits(money),
    proration: readProration(at(place, 'proration')),
    pricingUnit,
  }
}

/** Reads one price; all problems at once, each with its path. */
export function parsePrice(input: unknown, use: PriceUse): Result<Price, readonly Problem[]> {
  const place = documentOf(input)
  const price = readPrice(place, use)
  return place.problems.length > 0 ? fail(place.problems) : ok(price)
}

function eachJson(each: Each): object {
  return each.kind === 'window' ? { window: each.window } : { group_by: each.dimensions }
}

/** What prices of before the modifiers already said comes first and always; modifiers only where there are any. */
function modifiersJson(price: Price): object {
  const { usageDiscount, each, discounts, maximum, minimum, proration, pricingUnit } = price
  return {
    ...(usageDiscount === null ? {} : { usage_discount: usageDiscountJson(usageDiscount) }),
    ...(each === null ? {} : { each: eachJson(each) }),
    ...(discounts.length === 0 ? {} : { discounts: discounts.map(discountJson) }),
    ...(maximum === null ? {} : { maximum: formatExact(maximum) }),
    ...(minimum === null ? {} : { minimum: formatExact(minimum) }),
    ...(proration === null ? {} : { proration }),
    ...(pricingUnit === null ? {} : { in: pricingUnit.key }),
  }
}

/** The price as JSON: `parsePrice` reads the same price from it. */
export function priceJson(price: Price): object {
  const { key, name, meter, unit, included, model } = price
  const measured =
    isUnitModel(model) && model.kind !== 'flat'
      ? { unit: unitJson(unit), included: formatExact(included) }
      : model.kind === 'matrix'
        ? { unit: unitJson(unit) }
        : {}
  return {
    key,
    name,
    ...(meter === null ? {} : { meter }),
    ...measured,
    model: priceModelJson(model),
    ...modifiersJson(price),
  }
}

/** A price of nothing but its model: what examples and tests begin with. */
export const plainPrice: Omit<Price, 'key' | 'name' | 'model'> = {
  meter: null,
  unit: { name: 'units', per: exact(1n), rounding: null },
  included: zero,
  usageDiscount: null,
  each: null,
  discounts: [],
  maximum: null,
  minimum: null,
  proration: null,
  pricingUnit: null,
}
