import type { Brand, PlanKey } from '../../core/ids.ts'
import type { Currency } from '../../core/money.ts'
import type { Micros } from '../../core/time.ts'
import type { Discount } from '../rate/discount.ts'
import type { Lines } from '../model/over-lines.ts'
import type { PlanVersion } from '../plan.ts'

export type AddOnKey = Brand<string, 'AddOnKey'>
export type CouponKey = Brand<string, 'CouponKey'>

/** An add-on is written like a plan: a named set of prices that an account has besides its plan's. */
export type AddOnVersion = Omit<PlanVersion, 'key'> & { readonly key: AddOnKey }

/** A discount that is given to an account, for some billing periods from then on. */
export interface CouponVersion {
  readonly key: CouponKey
  readonly version: number
  readonly name: string
  /** A fixed amount is one for each currency. */
  readonly discounts: ReadonlyMap<Currency, Discount>
  readonly of: Lines
  /** For so many billing periods from the one in which it is given; null: for all. */
  readonly periods: number | null
  readonly effectiveFrom: Micros
}

/** Everything that is sold, in all versions, oldest first: what a contract is read against. */
export interface PriceBook {
  readonly plans: ReadonlyMap<PlanKey, readonly PlanVersion[]>
  readonly addOns: ReadonlyMap<AddOnKey, readonly AddOnVersion[]>
  readonly coupons: ReadonlyMap<CouponKey, readonly CouponVersion[]>
}

/** Versions in the order in which they are given, by their key. */
export function byKey<Key extends string, Version extends { readonly key: Key }>(
  versions: readonly Version[],
): ReadonlyMap<Key, readonly Version[]> {
  return Map.groupBy(versions, ({ key }) => key)
}

export const emptyPriceBook: PriceBook = { plans: new Map(), addOns: new Map(), coupons: new Map() }
