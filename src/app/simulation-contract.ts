/** What accounts are priced with in a simulation, and what has to be known of their usage for it. */
import { heldDecisions } from '../price/contract/contract-facts.ts'
import type { ContractFacts } from '../price/contract/contract-facts.ts'
import { contractOf } from '../price/contract/contract.ts'
import type { Contract } from '../price/contract/contract.ts'
import { splitPrices } from '../price/contract/contract-parts.ts'
import type { PriceBook } from '../price/book/price-book.ts'
import { noTerms } from '../price/contract/subscription-terms.ts'
import type { SubscriptionTerms } from '../price/contract/subscription-terms.ts'
import type { MeterKey } from '../core/ids.ts'
import type { Period } from '../core/time.ts'
import type { BillingPeriod } from '../invoice/billing-period.ts'
import { groupsName, partName, usageWanted } from '../invoice/usage-wanted.ts'
import type { EachWindow } from '../invoice/usage-wanted.ts'

export const limits = { contractsKept: 5_000 } as const

/** One number, or one list of numbers, that is asked for many accounts at once. */
export interface UsageWant {
  readonly name: string
  readonly meter: MeterKey
  readonly part: Period
  readonly zone: string
  readonly window: EachWindow | null
  readonly groupBy: readonly string[]
}

/** A part of a meter's usage, as an invoice looks at it. */
export interface WantedPart {
  readonly part: Period
  readonly name: string
  readonly whole: UsageWant
  readonly windows: readonly (readonly [EachWindow, UsageWant])[]
  readonly groups: readonly (readonly [string, UsageWant])[]
}

export interface WantedMeter {
  readonly meter: MeterKey
  readonly parts: readonly WantedPart[]
  readonly gaps: readonly UsageWant[]
}

/** A contract of a period, and everything that is wanted of its usage. */
export interface PricedPeriod {
  readonly period: BillingPeriod
  readonly contract: Contract
  readonly wanted: readonly WantedMeter[]
}

function wantOf(of: Omit<UsageWant, 'name'>): UsageWant {
  const { meter, part, zone, window, groupBy } = of
  // Only windows are of a zone: without them, accounts of all zones can be asked for together.
  const name = JSON.stringify([meter, part.from, part.to, window === null ? null : [window, zone], groupBy])
  return { ...of, name }
}

function wantedOf(contract: Contract, { zone }: BillingPeriod): readonly WantedMeter[] {
  const byMeter = Map.groupBy(usageWanted(splitPrices(contract.parts)), ({ meter }) => meter)
  return [...byMeter].map(([meter, parts]) => {
    const want = (part: Period, how: Partial<Pick<UsageWant, 'window' | 'groupBy'>> = {}): UsageWant =>
      wantOf({ meter, part, zone, window: null, groupBy: [], ...how })
    return {
      meter,
      parts: parts.map(({ part, windows, groups }) => ({
        part,
        name: partName(part),
        whole: want(part),
        windows: windows.map((window) => [window, want(part, { window })] as const),
        groups: groups.map((groupBy) => [groupsName(groupBy), want(part, { groupBy })] as const),
      })),
      gaps: contract.gaps.map((gap) => want(gap)),
    }
  })
}

function hasTerms(terms: SubscriptionTerms): boolean {
  return (Object.keys(noTerms) as (keyof SubscriptionTerms)[]).some((name) => terms[name].length > 0)
}

/**
 * What tells contracts apart, as text; null where an account has terms of its own. Most accounts have what others have:
 * a plan from before the period on. Where no phase is counted from it, when the subscription began says nothing.
 */
function contractName({ account, decisions, defaults }: ContractFacts, period: Period, book: PriceBook): string | null {
  const { from, to } = period
  const held = heldDecisions(decisions).filter((one) => one.from < to && one.to > from)
  if (held.some(({ decision }) => hasTerms(decision.terms))) return null
  const lines = held.map(({ decision, from: start, to: end }) => {
    const sold = decision.plan === null ? [] : (book.plans.get(decision.plan) ?? [])
    const hasPhases = sold.some(({ bodies }) => [...bodies.values()].some(({ phases }) => phases.length > 0))
    return [decision.plan, Math.max(start, from), Math.min(end, to), hasPhases ? decision.begun : null]
  })
  return JSON.stringify([account.currency, account.timeZone, from, to, defaults.length, lines])
}

/** Reads contracts against one price book; contracts that accounts have in common are read once. */
export class ContractReader {
  readonly #book: PriceBook
  readonly #kept = new Map<string, PricedPeriod>()

  constructor(book: PriceBook) {
    this.#book = book
  }

  /** Refuses with PLAN_MISSING, as an invoice does. */
  read(facts: ContractFacts, period: BillingPeriod): PricedPeriod {
    const name = contractName(facts, period, this.#book)
    const kept = name === null ? undefined : this.#kept.get(name)
    if (kept !== undefined) return kept
    const contract = contractOf(facts, this.#book, period)
    const read = { period, contract, wanted: wantedOf(contract, period) }
    if (name === null) return read
    if (this.#kept.size >= limits.contractsKept) this.#kept.clear()
    this.#kept.set(name, read)
    return read
  }
}
