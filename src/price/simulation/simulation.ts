/**
 * Two price books beside each other: what each account costs under both, and what that comes to. Pure. Memory does not
 * grow with the number of accounts: sums, counts and lists of a stated length are kept, and nothing else (L12).
 */
import { divide, exact, formatScaled, hundred, multiply, roundToInteger } from '../../core/exact.ts'
import type { AccountKey, PlanKey } from '../../core/ids.ts'
import { currencyDigits, formatMinor } from '../../core/money.ts'
import type { Currency, Minor } from '../../core/money.ts'
import { assert } from '../../core/result.ts'
import type { PriceKey } from '../price-key.ts'
import { Buckets, percentBuckets, amountBuckets } from './simulation-buckets.ts'
import type { BucketSums } from './simulation-buckets.ts'

export const limits = {
  /** Accounts that are named for paying most more, and most less. */
  namedMax: 100,
  /** Accounts that cannot be priced and are named; the others are counted. */
  notPricedNamed: 100,
  /** Plans and prices that are told apart in a currency; all others are put together. */
  plansMax: 500,
  pricesMax: 1_000,
} as const

/** What invoices say. Credits are left out: what a grant pays of one invoice says nothing about a price. */
export interface Charged {
  /** The sum of the rounded lines. */
  readonly subtotal: Minor
  /** After the coupons and before taxes: revenue. */
  readonly net: Minor
  readonly total: Minor
}

/** An account's periods under one price book. */
export interface Side {
  /** At the end of the last period. */
  readonly plan: PlanKey
  readonly charged: Charged
  /** Rounded lines by price, in the order of the invoice. */
  readonly prices: ReadonlyMap<PriceKey, Minor>
}

export interface PriceOutcome {
  readonly price: PriceKey
  readonly before: Minor
  readonly after: Minor
}

/** What a price book does to one account. */
export interface AccountOutcome {
  readonly account: AccountKey
  readonly currency: Currency
  readonly plans: { readonly before: PlanKey; readonly after: PlanKey }
  readonly before: Charged
  readonly after: Charged
  /** Of the net amount; above zero: the account pays more. */
  readonly change: Minor
  readonly prices: readonly PriceOutcome[]
}

function plus(one: bigint, other: bigint): Minor {
  return (one + other) as Minor
}

function chargedTogether(one: Charged, other: Charged): Charged {
  return {
    subtotal: plus(one.subtotal, other.subtotal),
    net: plus(one.net, other.net),
    total: plus(one.total, other.total),
  }
}

const nothing: Charged = { subtotal: 0n as Minor, net: 0n as Minor, total: 0n as Minor }

/** Several periods of one account as one; the plan is that of the last. */
export function together(sides: readonly Side[]): Side {
  const last = sides.at(-1)
  assert(last !== undefined, 'an account has a period')
  if (sides.length === 1) return last
  const prices = new Map<PriceKey, Minor>()
  for (const side of sides)
    for (const [price, amount] of side.prices) prices.set(price, plus(prices.get(price) ?? 0n, amount))
  return { plan: last.plan, charged: sides.map(({ charged }) => charged).reduce(chargedTogether), prices }
}

/** An account under both books. */
export function compareSides(
  { account, currency }: Pick<AccountOutcome, 'account' | 'currency'>,
  { before, after }: { readonly before: Side; readonly after: Side },
): AccountOutcome {
  const prices = new Set([...before.prices.keys(), ...after.prices.keys()])
  return {
    account,
    currency,
    plans: { before: before.plan, after: after.plan },
    before: before.charged,
    after: after.charged,
    change: (after.charged.net - before.charged.net) as Minor,
    prices: [...prices].map((price) => ({
      price,
      before: before.prices.get(price) ?? (0n as Minor),
      after: after.prices.get(price) ?? (0n as Minor),
    })),
  }
}

/** An account that one of the books cannot price. */
export interface NotPriced {
  readonly account: AccountKey
  readonly reason: string
}

export interface ChargedDocument {
  readonly subtotal: string
  readonly net: string
  readonly total: string
}

export interface AccountDocument {
  readonly account: string
  readonly currency: Currency
  readonly plan: { readonly before: string; readonly after: string }
  readonly before: ChargedDocument
  readonly after: ChargedDocument
  readonly change: string
  /** Of what the account paid, with two decimals; null where it paid nothing. */
  readonly change_percent: string | null
}

/** A part of the accounts, told apart by a plan or a price; a null key is all that are not told apart. */
export interface PartDocument {
  readonly key: string | null
  readonly accounts: number
  readonly before: string
  readonly after: string
  readonly change: string
}

export interface BucketDocument {
  readonly direction: 'less' | 'same' | 'more'
  /** Null: more, where there was nothing before. */
  readonly above: string | null
  readonly up_to: string | null
  readonly accounts: number
  readonly change: string
}

export interface CurrencyDocument {
  readonly currency: Currency
  readonly accounts: number
  readonly paying_more: number
  readonly paying_less: number
  readonly paying_the_same: number
  readonly before: ChargedDocument
  readonly after: ChargedDocument
  /** Of the net amounts: `change` is `more` less `less`. */
  readonly change: string
  readonly change_percent: string | null
  readonly more: string
  readonly less: string
  readonly by_percent: readonly BucketDocument[]
  readonly by_amount: readonly BucketDocument[]
  readonly by_plan: readonly PartDocument[]
  readonly by_price: readonly PartDocument[]
  readonly most_more: readonly AccountDocument[]
  readonly most_less: readonly AccountDocument[]
}

/** What a price book does to all accounts; amounts are decimals of their currency. */
export interface SimulationDocument {
  readonly accounts: number
  readonly not_priced: { readonly accounts: number; readonly named: readonly NotPriced[] }
  readonly currencies: readonly CurrencyDocument[]
}

/** In per cent of what was paid, halves away from zero; null where nothing was. */
export function percentOf(change: bigint, before: bigint): string | null {
  if (before === 0n) return null
  const share = divide(multiply(exact(change), hundred), exact(before))
  return formatScaled(roundToInteger(share, 2), 2)
}

function chargedDocument({ subtotal, net, total }: Charged, currency: Currency): ChargedDocument {
  const money = (amount: Minor): string => formatMinor(amount, currency)
  return { subtotal: money(subtotal), net: money(net), total: money(total) }
}

export function accountDocument(outcome: AccountOutcome): AccountDocument {
  const { account, currency, plans, before, after, change } = outcome
  return {
    account,
    currency,
    plan: plans,
    before: chargedDocument(before, currency),
    after: chargedDocument(after, currency),
    change: formatMinor(change, currency),
    change_percent: percentOf(change, before.net),
  }
}

/** The accounts of the largest changes in one direction, largest first; ties in the order of their keys. */
class Largest {
  readonly #most: number
  readonly #named: AccountOutcome[] = []

  constructor(most: number) {
    this.#most = most
  }

  add(outcome: AccountOutcome): void {
    const named = this.#named
    const last = named.at(-1)
    if (this.#most === 0) return
    if (named.length === this.#most && last !== undefined && Largest.#order(outcome, last) > 0) return
    const place = named.findIndex((one) => Largest.#order(outcome, one) < 0)
    named.splice(place < 0 ? named.length : place, 0, outcome)
    if (named.length > this.#most) named.pop()
  }

  static #order(one: AccountOutcome, other: AccountOutcome): number {
    const magnitude = ({ change }: AccountOutcome): bigint => (change < 0n ? 0n - change : change)
    const [first, second] = [magnitude(one), magnitude(other)]
    if (first !== second) return first > second ? -1 : 1
    return one.account < other.account ? -1 : one.account > other.account ? 1 : 0
  }

  documents(): readonly AccountDocument[] {
    return this.#named.map(accountDocument)
  }
}

interface Part {
  accounts: number
  before: bigint
  after: bigint
}

/** Sums by plan or by price, of so many at most. */
class Parts {
  readonly #most: number
  readonly #parts = new Map<string | null, Part>()

  constructor(most: number) {
    this.#most = most
  }

  add(key: string, before: bigint, after: bigint): void {
    const known = this.#parts.has(key) || this.#parts.size < this.#most
    const part = this.#parts.get(known ? key : null) ?? { accounts: 0, before: 0n, after: 0n }
    part.accounts += 1
    part.before += before
    part.after += after
    this.#parts.set(known ? key : null, part)
  }

  /** By name; what is not told apart comes last. */
  documents(currency: Currency): readonly PartDocument[] {
    const money = (amount: bigint): string => formatMinor(amount as Minor, currency)
    const named = [...this.#parts].map(([key, { accounts, before, after }]) => ({
      key,
      accounts,
      before: money(before),
      after: money(after),
      change: money(after - before),
    }))
    return named.toSorted((a, b) => (a.key === null ? 1 : b.key === null ? -1 : a.key < b.key ? -1 : 1))
  }
}

function bucketDocuments(sums: readonly BucketSums[], currency: Currency): readonly BucketDocument[] {
  return sums.map(({ bucket, accounts, change }) => ({
    direction: bucket.direction,
    above: bucket.above,
    up_to: bucket.upTo,
    accounts,
    change: formatMinor(change, currency),
  }))
}

/** Running totals of the accounts that are billed in one currency. */
class CurrencyTally {
  readonly #currency: Currency
  #accounts = 0
  #before = nothing
  #after = nothing
  readonly #counts = { more: 0, less: 0 }
  readonly #sums = { more: 0n, less: 0n }
  readonly #byPercent = new Buckets(percentBuckets)
  readonly #byAmount = new Buckets(amountBuckets)
  readonly #plans = new Parts(limits.plansMax)
  readonly #prices = new Parts(limits.pricesMax)
  readonly #most: { readonly more: Largest; readonly less: Largest }

  constructor(currency: Currency, named: number) {
    this.#currency = currency
    this.#most = { more: new Largest(named), less: new Largest(named) }
  }

  add(outcome: AccountOutcome): void {
    const { before, after, change } = outcome
    this.#accounts += 1
    this.#before = chargedTogether(this.#before, before)
    this.#after = chargedTogether(this.#after, after)
    if (change !== 0n) {
      const direction = change > 0n ? 'more' : 'less'
      this.#counts[direction] += 1
      this.#sums[direction] += change > 0n ? change : 0n - change
      this.#most[direction].add(outcome)
    }
    // Against what was paid: a change of 5 % is one of 5 in a hundred.
    this.#byPercent.add({ change, of: before.net, per: 100n })
    this.#byAmount.add({ change, of: 10n ** BigInt(currencyDigits[this.#currency]), per: 1n })
    this.#plans.add(outcome.plans.before, before.net, after.net)
    for (const { price, before: was, after: is } of outcome.prices) this.#prices.add(price, was, is)
  }

  document(): CurrencyDocument {
    const currency = this.#currency
    const money = (amount: bigint): string => formatMinor(amount as Minor, currency)
    const change = this.#after.net - this.#before.net
    const { more, less } = this.#counts
    return {
      currency,
      accounts: this.#accounts,
      paying_more: more,
      paying_less: less,
      paying_the_same: this.#accounts - more - less,
      before: chargedDocument(this.#before, currency),
      after: chargedDocument(this.#after, currency),
      change: money(change),
      change_percent: percentOf(change, this.#before.net),
      more: money(this.#sums.more),
      less: money(this.#sums.less),
      by_percent: bucketDocuments(this.#byPercent.sums(), currency),
      by_amount: bucketDocuments(this.#byAmount.sums(), currency),
      by_plan: this.#plans.documents(currency),
      by_price: this.#prices.documents(currency),
      most_more: this.#most.more.documents(),
      most_less: this.#most.less.documents(),
    }
  }
}

/** What a price book does to all accounts, added up one account after the other. */
export class SimulationTally {
  readonly #named: number
  readonly #currencies = new Map<Currency, CurrencyTally>()
  readonly #notPriced: NotPriced[] = []
  #accounts = 0
  #notPricedCount = 0

  /** `named`: so many accounts are named that pay most more, and most less. */
  constructor(named = 20) {
    assert(named <= limits.namedMax, `at most ${limits.namedMax} accounts are named`)
    this.#named = named
  }

  add(outcome: AccountOutcome): void {
    const { currency } = outcome
    const tally = this.#currencies.get(currency) ?? new CurrencyTally(currency, this.#named)
    this.#currencies.set(currency, tally)
    this.#accounts += 1
    tally.add(outcome)
  }

  /** Counted and, up to a number of them, named: who cannot be priced is not somebody who pays nothing (L13). */
  addNotPriced(one: NotPriced): void {
    this.#accounts += 1
    this.#notPricedCount += 1
    if (this.#notPriced.length < limits.notPricedNamed) this.#notPriced.push(one)
  }

  document(): SimulationDocument {
    const currencies = [...this.#currencies.keys()].toSorted()
    return {
      accounts: this.#accounts,
      not_priced: { accounts: this.#notPricedCount, named: [...this.#notPriced] },
      currencies: currencies.flatMap((currency) => this.#currencies.get(currency)?.document() ?? []),
    }
  }
}
