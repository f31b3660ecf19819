import { hundred } from '../../core/exact.ts'
import { unreachable } from '../../core/result.ts'
import { discountJson, readDiscount } from '../rate/discount.ts'
import type { Discount } from '../rate/discount.ts'
import { isOverLines } from '../price-model.ts'
import { at, complain, expectFields, isAbsent, readEach, readKey, readList, someOf } from '../place.ts'
import type { Place } from '../place.ts'
import { priceJson, readPrice } from '../price.ts'
import type { Price, PriceKey } from '../price.ts'
import type { PricingUnit } from '../pricing-unit.ts'

export type ChangedKeys = 'all' | readonly PriceKey[]

/** What a phase of a plan, or an account's own terms, make of the plan's prices. */
export type PriceChange =
  /** Another price under the same key: a ramp, a negotiated rate. */
  | { readonly kind: 'replace'; readonly price: Price }
  | { readonly kind: 'add'; readonly price: Price }
  | { readonly kind: 'remove'; readonly key: PriceKey }
  /** The lines stay, and cost nothing: a trial shows what it gives away. */
  | { readonly kind: 'free'; readonly keys: ChangedKeys }
  | { readonly kind: 'discount'; readonly keys: ChangedKeys; readonly discount: Discount }

export const limits = { changesMax: 200 } as const

const kinds = ['replace', 'add', 'remove', 'free', 'discount'] as const

function readKeys(place: Place): ChangedKeys {
  if (place.value === 'all') return 'all'
  if (!Array.isArray(place.value)) {
    complain(place, 'is "all" or a list of keys of prices')
    return 'all'
  }
  const keys = readEach(readList(place, limits.changesMax), (item) => readKey(item, 'data_transfer_out') as PriceKey)
  if (new Set(keys).size < keys.length) complain(place, 'names a price twice')
  return keys
}

/** `{"keys": "all", "percent": "10"}`: a line discount, and what it is taken off. */
function readChangedDiscount(place: Place): PriceChange {
  if (!expectFields(place, ['keys', 'name', 'percent', 'amount']))
    return { kind: 'discount', keys: 'all', discount: { kind: 'percent', name: '', percent: hundred } }
  const { keys: _, ...discount } = place.value as Readonly<Record<string, unknown>>
  return { kind: 'discount', keys: readKeys(at(place, 'keys')), discount: readDiscount({ ...place, value: discount }) }
}

function readChange(place: Place, units: readonly PricingUnit[]): PriceChange | null {
  if (!expectFields(place, kinds)) return null
  const given = kinds.filter((kind) => !isAbsent(at(place, kind)))
  const [kind] = given
  if (kind === undefined || given.length > 1) {
    complain(place, `is one of ${kinds.join(', ')}, such as { "free": "all" }`)
    return null
  }
  const inside = at(place, kind)
  switch (kind) {
    case 'replace':
    case 'add':
      return { kind, price: readPrice(inside, 'in a plan', units) }
    case 'remove':
      return { kind, key: readKey(inside, 'data_transfer_out') as PriceKey }
    case 'free':
      return { kind, keys: readKeys(inside) }
    case 'discount':
      return readChangedDiscount(inside)
    default:
      return unreachable(kind)
  }
}

function checkKeys(place: Place, keys: ChangedKeys, known: ReadonlySet<string>): void {
  if (keys === 'all') return
  const unknown = keys.filter((key) => !known.has(key))
  if (unknown.length === 0) return
  const are = unknown.length === 1 ? 'is no price here' : 'are no prices here'
  complain(place, `names ${someOf(unknown)}, which ${are}; there are ${someOf(known)}`)
}

/** Changes are taken one after the other, so a price that one adds can be discounted by the next. */
function checkChange(place: Place, change: PriceChange, known: Set<string>): void {
  const inside = at(place, change.kind)
  switch (change.kind) {
    case 'replace':
      return checkKeys(at(inside, 'key'), [change.price.key], known)
    case 'add':
      if (known.has(change.price.key)) complain(at(inside, 'key'), 'is a price already; write "replace" to change it')
      known.add(change.price.key)
      return undefined
    case 'remove':
      checkKeys(inside, [change.key], known)
      known.delete(change.key)
      return undefined
    case 'free':
      return checkKeys(inside, change.keys, known)
    case 'discount':
      return checkKeys(at(inside, 'keys'), change.keys, known)
    default:
      return unreachable(change)
  }
}

/** What changes are read against: the prices that they change, and the units that new ones may be in. */
export interface Changeable {
  /** Null: changes that were checked when they were saved are read again. */
  readonly prices: readonly Price[] | null
  readonly pricingUnits: readonly PricingUnit[]
}

/** Reads changes; absent: none. A change of a price that is not there is refused here, and not by an invoice. */
export function readPriceChanges(place: Place, { prices, pricingUnits }: Changeable): readonly PriceChange[] {
  if (isAbsent(place)) return []
  const known = prices === null ? null : new Set<string>(prices.map(({ key }) => key))
  const changes = readEach(readList(place, limits.changesMax), (item) => {
    const before = item.problems.length
    const change = readChange(item, pricingUnits)
    if (change === null) return []
    if (known !== null && item.problems.length === before) checkChange(item, change, known)
    return [change]
  })
  return changes.flat()
}

export function priceChangeJson(change: PriceChange): object {
  switch (change.kind) {
    case 'replace':
    case 'add':
      return { [change.kind]: priceJson(change.price) }
    case 'remove':
      return { remove: change.key }
    case 'free':
      return { free: change.keys }
    case 'discount':
      return { discount: { keys: change.keys, ...discountJson(change.discount) } }
    default:
      return unreachable(change)
  }
}

/** A price, and whether a change touched it. */
export interface ChangedPrice {
  readonly price: Price
  readonly changed: boolean
}

function isNamed({ key }: Price, keys: ChangedKeys): boolean {
  return keys === 'all' || keys.includes(key)
}

function freed(price: Price, name: string): Price {
  const free: Discount = { kind: 'percent', name, percent: hundred }
  return { ...price, discounts: [...price.discounts, free], minimum: null }
}

/** What prices there are: replaced, added and removed ones. What is not there any more is left alone. */
export function changePrices(
  prices: readonly ChangedPrice[],
  changes: readonly PriceChange[],
): readonly ChangedPrice[] {
  let now = prices
  for (const change of changes) {
    if (change.kind === 'remove') now = now.filter(({ price }) => price.key !== change.key)
    if (change.kind !== 'replace' && change.kind !== 'add') continue
    const { price } = change
    const isThere = now.some((one) => one.price.key === price.key)
    if (isThere) now = now.map((one) => (one.price.key === price.key ? { price, changed: true } : one))
    // A price that the plan has dropped meanwhile is not brought back by an old change of it.
    else if (change.kind === 'add') now = [...now, { price, changed: true }]
  }
  return now
}

/**
 * What is taken off them. After `changePrices` of all sides: a free trial is free at a negotiated rate as well. Nothing
 * is committed to while it is free, and a surcharge on nothing is nothing, so prices over lines go.
 */
export function reducePrices(
  prices: readonly ChangedPrice[],
  changes: readonly PriceChange[],
  name: string,
): readonly ChangedPrice[] {
  let now = prices
  for (const change of changes) {
    if (change.kind === 'free')
      now = now.flatMap((one) => {
        if (!isNamed(one.price, change.keys)) return [one]
        return isOverLines(one.price.model) ? [] : [{ price: freed(one.price, name), changed: true }]
      })
    if (change.kind === 'discount')
      now = now.map((one) => {
        if (!isNamed(one.price, change.keys)) return one
        return { price: { ...one.price, discounts: [...one.price.discounts, change.discount] }, changed: true }
      })
  }
  return now
}
