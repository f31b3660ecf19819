import type { Account } from '../../account/accounts.ts'
import type { AccountKey, PlanKey } from '../../core/ids.ts'
import type { Micros, Period } from '../../core/time.ts'
import type { PriceBook } from '../book/price-book.ts'
import type { SubscriptionTerms } from './subscription-terms.ts'

/**
 * What an account is under from one instant to another, as somebody decided it. Decisions are added and never changed: a
 * later one holds instead of earlier ones where their times have something in common, also in the past.
 */
export interface SubscriptionDecision {
  readonly account: AccountKey
  /** 1, 2, 3, … of this account, in the order in which they were taken. */
  readonly number: number
  /** Null: under no subscription; the default plan is what is left. */
  readonly plan: PlanKey | null
  readonly from: Micros
  /** Null: until further notice. */
  readonly to: Micros | null
  /** When the subscription began: its phases are counted from here, however often its terms changed since. */
  readonly begun: Micros
  readonly terms: SubscriptionTerms
  readonly recordedAt: Micros
  readonly by: string
}

/** From this instant on, accounts without a subscription are priced under this plan; null: under none. */
export interface DefaultDecision {
  /** Rises in the order in which decisions are taken. */
  readonly id: number
  readonly plan: PlanKey | null
  readonly from: Micros
  readonly by: string
}

/** Everything that is stored about what an account is priced with; the prices are in the price book. */
export interface ContractFacts {
  readonly account: Pick<Account, 'key' | 'timeZone' | 'currency'>
  readonly decisions: readonly SubscriptionDecision[]
  readonly defaults: readonly DefaultDecision[]
}

/** A time in which one decision holds. */
export interface HeldDecision extends Period {
  readonly decision: SubscriptionDecision
}

const forever = Number.MAX_SAFE_INTEGER as Micros

/**
 * Which decision holds when: each is laid over the ones before. Without overlaps, oldest first; `to` of the last one is
 * `forever` where it is until further notice.
 */
export function heldDecisions(decisions: readonly SubscriptionDecision[]): readonly HeldDecision[] {
  let held: readonly HeldDecision[] = []
  for (const decision of decisions) {
    const { from, to: end } = decision
    const to = end ?? forever
    const before = held
      .filter((one) => one.from < from)
      .map((one) => ({ ...one, to: Math.min(one.to, from) as Micros }))
    const after = held.filter((one) => one.to > to).map((one) => ({ ...one, from: Math.max(one.from, to) as Micros }))
    held = [...before, { decision, from, to }, ...after]
  }
  return held
}

/** The instant as it is told: `forever` is no end. */
export function endOf({ to }: Period): Micros | null {
  return to === forever ? null : to
}

/** The decision that holds at an instant, with its time; null where nobody ever decided. */
export function decisionAt(decisions: readonly SubscriptionDecision[], at: Micros): HeldDecision | null {
  return heldDecisions(decisions).find(({ from, to }) => from <= at && at < to) ?? null
}

/** The default decision that holds at an instant: the newest in effect. */
export function defaultAt(defaults: readonly DefaultDecision[], at: Micros): DefaultDecision | null {
  let found: DefaultDecision | null = null
  for (const one of defaults)
    if (one.from <= at && (found === null || one.from > found.from || (one.from === found.from && one.id > found.id)))
      found = one
  return found
}

/**
 * What was known when something was priced: the last decisions, and the highest version of everything that was used. All
 * of these only ever rise, so what was recorded later, for whatever time, can be told from what was known (L5).
 */
export interface Known {
  readonly decision: number
  readonly default: number
  readonly plans: Readonly<Record<string, number>>
  readonly addOns: Readonly<Record<string, number>>
  readonly coupons: Readonly<Record<string, number>>
}

/** The facts as they were known. */
export function factsAsOf(facts: ContractFacts, known: Known): ContractFacts {
  return {
    ...facts,
    decisions: facts.decisions.filter(({ number }) => number <= known.decision),
    defaults: facts.defaults.filter(({ id }) => id <= known.default),
  }
}

function versionsAsOf<Key extends string, Version extends { readonly version: number }>(
  all: ReadonlyMap<Key, readonly Version[]>,
  known: Readonly<Record<string, number>>,
): ReadonlyMap<Key, readonly Version[]> {
  return new Map(
    [...all].map(([key, versions]) => [key, versions.filter(({ version }) => version <= (known[key] ?? 0))] as const),
  )
}

/** The price book as it was known, as far as it was used then. */
export function bookAsOf(book: PriceBook, { plans, addOns, coupons }: Known): PriceBook {
  return {
    plans: versionsAsOf(book.plans, plans),
    addOns: versionsAsOf(book.addOns, addOns),
    coupons: versionsAsOf(book.coupons, coupons),
  }
}
