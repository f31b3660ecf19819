import type { Problem } from '../../core/errors.ts'
import { formatExact } from '../../core/exact.ts'
import { fail, ok } from '../../core/result.ts'
import type { Result } from '../../core/result.ts'
import { formatInstant } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import {
  at,
  complain,
  documentOf,
  expectFields,
  isAbsent,
  readCount,
  readInstant,
  readKey,
  readList,
  readPercent,
  readText,
} from '../place.ts'
import type { Place } from '../place.ts'
import type { AddOnKey, CouponKey } from '../book/price-book.ts'
import { priceChangeJson, readPriceChanges } from './price-change.ts'
import type { Changeable, PriceChange } from './price-change.ts'
import { pricingUnitJson, readPricingUnits } from '../pricing-unit.ts'
import type { PricingUnit } from '../pricing-unit.ts'
import type { Tax } from '../rate/totals.ts'

/** An add-on that an account has; without times, as long as the subscription's terms say so. */
export interface TakenAddOn {
  readonly key: AddOnKey
  /** How many of its fees: seats. */
  readonly count: number
  readonly from: Micros | null
  /** Exclusive. */
  readonly to: Micros | null
}

/** A coupon that was given; without a time, with the subscription. */
export interface GivenCoupon {
  readonly key: CouponKey
  readonly from: Micros | null
}

/** What an account has besides its plan. */
export interface SubscriptionTerms {
  /** The units of account that overridden prices may be in: copied here, so that the terms can be read alone. */
  readonly pricingUnits: readonly PricingUnit[]
  readonly overrides: readonly PriceChange[]
  readonly addOns: readonly TakenAddOn[]
  readonly coupons: readonly GivenCoupon[]
  readonly taxes: readonly Tax[]
}

export const noTerms: SubscriptionTerms = { pricingUnits: [], overrides: [], addOns: [], coupons: [], taxes: [] }

export const limits = { addOnsMax: 50, couponsMax: 20, taxesMax: 10, countMax: 1_000_000_000 } as const

function readOptionalInstant(place: Place): Micros | null {
  return isAbsent(place) ? null : readInstant(place)
}

function readAddOn(place: Place): TakenAddOn {
  expectFields(place, ['key', 'count', 'from', 'to'])
  const [count, from, to] = [
    at(place, 'count'),
    readOptionalInstant(at(place, 'from')),
    readOptionalInstant(at(place, 'to')),
  ]
  if (from !== null && to !== null && to <= from) complain(at(place, 'to'), 'is later than "from"')
  return {
    key: readKey(at(place, 'key'), 'compliance') as AddOnKey,
    count: isAbsent(count) ? 1 : readCount(count, { least: 1, most: limits.countMax }),
    from,
    to,
  }
}

function overlap(one: TakenAddOn, other: TakenAddOn): boolean {
  const isBefore = (a: TakenAddOn, b: TakenAddOn): boolean => a.to !== null && b.from !== null && a.to <= b.from
  return one.key === other.key && !isBefore(one, other) && !isBefore(other, one)
}

function readAddOns(place: Place): readonly TakenAddOn[] {
  const places = readSome(place, limits.addOnsMax)
  const addOns = places.map(readAddOn)
  addOns.forEach((addOn, index) => {
    const first = addOns.findIndex((other) => overlap(other, addOn))
    const item = places[index]
    if (first < index && item !== undefined)
      complain(item, `is at the same time as add-on ${first}; write one of them with a count`)
  })
  return addOns
}

function readCoupon(place: Place): GivenCoupon {
  expectFields(place, ['key', 'from'])
  return {
    key: readKey(at(place, 'key'), 'welcome') as CouponKey,
    from: readOptionalInstant(at(place, 'from')),
  }
}

function readTax(place: Place): Tax {
  expectFields(place, ['key', 'name', 'percent'])
  return {
    key: readKey(at(place, 'key'), 'vat'),
    name: readText(at(place, 'name'), 'names the tax as it is printed, such as "VAT 19 %"'),
    percent: readPercent(at(place, 'percent'), { wholeMax: false }),
  }
}

/** Terms may be emptied: an empty list is none. */
function readSome(place: Place, most: number): readonly Place[] {
  const isEmpty = isAbsent(place) || (Array.isArray(place.value) && place.value.length === 0)
  return isEmpty ? [] : readList(place, most)
}

function once<Item extends { readonly key: string }>(place: Place, items: readonly Item[]): readonly Item[] {
  if (new Set(items.map(({ key }) => key)).size < items.length) complain(place, 'names one twice')
  return items
}

/** The names of the terms in a request and in what is stored. */
export const termFields = ['overrides', 'add_ons', 'coupons', 'taxes'] as const

/** Reads terms at their place in a larger document; overrides are read against what they change. */
export function readSubscriptionTerms(place: Place, changeable: Changeable): SubscriptionTerms {
  const [overrides, coupons, taxes] = [at(place, 'overrides'), at(place, 'coupons'), at(place, 'taxes')]
  const isEmpty = Array.isArray(overrides.value) && overrides.value.length === 0
  return {
    pricingUnits: changeable.pricingUnits,
    overrides: isEmpty ? [] : readPriceChanges(overrides, changeable),
    addOns: readAddOns(at(place, 'add_ons')),
    coupons: once(coupons, readSome(coupons, limits.couponsMax).map(readCoupon)),
    taxes: once(taxes, readSome(taxes, limits.taxesMax).map(readTax)),
  }
}

const stored = ['pricing_units', ...termFields] as const

/** Stored terms were checked against the prices of their time; what prices there are now is no reason to refuse them. */
export function parseStoredTerms(input: unknown): Result<SubscriptionTerms, readonly Problem[]> {
  const place = documentOf(input)
  expectFields(place, stored)
  const pricingUnits = readPricingUnits(at(place, 'pricing_units'))
  const terms = readSubscriptionTerms(place, { prices: null, pricingUnits })
  return place.problems.length > 0 ? fail(place.problems) : ok(terms)
}

function addOnJson({ key, count, from, to }: TakenAddOn): object {
  return {
    key,
    count,
    ...(from === null ? {} : { from: formatInstant(from) }),
    ...(to === null ? {} : { to: formatInstant(to) }),
  }
}

/** The terms as the API shows them; only what there is. */
export function subscriptionTermsJson({ overrides, addOns, coupons, taxes }: SubscriptionTerms): object {
  return {
    ...(overrides.length === 0 ? {} : { overrides: overrides.map(priceChangeJson) }),
    ...(addOns.length === 0 ? {} : { add_ons: addOns.map(addOnJson) }),
    ...(coupons.length === 0
      ? {}
      : {
          coupons: coupons.map(({ key, from }) => ({ key, ...(from === null ? {} : { from: formatInstant(from) }) })),
        }),
    ...(taxes.length === 0
      ? {}
      : { taxes: taxes.map(({ key, name, percent }) => ({ key, name, percent: formatExact(percent) })) }),
  }
}

/** The terms as they are stored: `parseStoredTerms` reads the same ones from it. */
export function storedTermsJson(terms: SubscriptionTerms): object {
  const { pricingUnits } = terms
  return {
    ...(pricingUnits.length === 0 ? {} : { pricing_units: pricingUnits.map(pricingUnitJson) }),
    ...subscriptionTermsJson(terms),
  }
}
