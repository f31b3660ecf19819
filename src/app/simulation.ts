/**
 * Re-rates past periods of all accounts under a changed price book, on their real usage, beside the book as it is. The
 * same contracts, the same usage and the same rating as an invoice's (L9), without its explanation. Reads, and keeps
 * nothing: whoever stops taking results ends it, within one question or some accounts.
 */
import { Refusal } from '../core/errors.ts'
import type { AccountKey, PlanKey } from '../core/ids.ts'
import type { Currency, Minor } from '../core/money.ts'
import { billingPeriod } from '../invoice/billing-period.ts'
import { rateInvoice } from '../invoice/plan-invoice.ts'
import type { ContractFacts } from '../price/contract/contract-facts.ts'
import { lastPart } from '../price/contract/contract.ts'
import type { PriceBook } from '../price/book/price-book.ts'
import type { PriceKey } from '../price/price-key.ts'
import { assigned } from '../price/simulation/simulation-book.ts'
import { compareSides, SimulationTally, together } from '../price/simulation/simulation.ts'
import type { AccountOutcome, NotPriced, Side, SimulationDocument } from '../price/simulation/simulation.ts'
import { ContractReader } from './simulation-contract.ts'
import type { PricedPeriod } from './simulation-contract.ts'
import { UsageOfMany, Wants } from './simulation-usage.ts'
import type { UsageFound, UsagePorts } from './simulation-usage.ts'

export const limits = {
  /** Accounts whose usage is asked for together, and in memory at once (L12); twice, because the next ones are asked for meanwhile. */
  accountsAtOnce: 6_000,
  /** The first ones are fewer, so that the first results come soon. */
  accountsFirst: 500,
  /** The keys of these accounts go into each question. */
  keyBytesAtOnce: 100_000,
  /** Accounts that are rated before others have their turn in this process. */
  ratedAtOnce: 40,
  monthsMax: 12,
} as const

export interface SimulationQuestion {
  /** Calendar months such as 2026-10; each account's is that of its own zone. */
  readonly months: readonly string[]
  readonly before: PriceBook
  readonly after: PriceBook
  /** Accounts of one plan as if they had been under another. */
  readonly assign: ReadonlyMap<PlanKey, PlanKey>
  /** Only these; null: all. A plan is the one at the end of a period, before. */
  readonly only: {
    readonly accounts: ReadonlySet<string> | null
    readonly plans: ReadonlySet<string> | null
    readonly currencies: ReadonlySet<Currency> | null
  }
  /** Accounts that are named for the largest changes. */
  readonly named: number
}

export interface SimulationPorts extends UsagePorts {
  /** All billable accounts, in the order of their keys. */
  readonly facts: () => AsyncIterable<ContractFacts>
  /** Lets others in this process have their turn. */
  readonly breathe: () => Promise<void>
}

/** Some accounts were rated; `done` of all have been, those that were left out included. */
export type SimulationStep =
  | {
      readonly kind: 'rated'
      readonly done: number
      readonly outcomes: readonly AccountOutcome[]
      readonly notPriced: readonly NotPriced[]
    }
  | { readonly kind: 'finished'; readonly done: number; readonly summary: SimulationDocument }

interface MonthWork {
  readonly before: PricedPeriod
  readonly after: PricedPeriod
}

type AccountWork =
  | { readonly kind: 'priced'; readonly account: ContractFacts['account']; readonly months: readonly MonthWork[] }
  | { readonly kind: 'not_priced'; readonly notPriced: NotPriced }

/** Accounts that are rated next, with everything that was asked for them. */
interface Batch {
  readonly work: readonly AccountWork[]
  readonly taken: number
  readonly usage: UsageFound
}

/** What a plan cannot price is told of the account; anything else ends the simulation. */
function notPricedOf(error: unknown, account: AccountKey): NotPriced {
  if (error instanceof Refusal && error.code === 'PLAN_MISSING') return { account, reason: error.message }
  throw error
}

function isNotPriced(one: AccountOutcome | NotPriced): one is NotPriced {
  return 'reason' in one
}

class Simulation {
  readonly #ports: SimulationPorts
  readonly #question: SimulationQuestion
  readonly #signal: AbortSignal
  readonly #before: ContractReader
  readonly #after: ContractReader
  readonly #usage: UsageOfMany
  #turn = 0

  constructor(ports: SimulationPorts, question: SimulationQuestion, signal: AbortSignal) {
    this.#ports = ports
    this.#question = question
    this.#signal = signal
    this.#before = new ContractReader(question.before)
    this.#after = new ContractReader(question.after)
    this.#usage = new UsageOfMany(ports)
  }

  async #pause(): Promise<void> {
    await this.#ports.breathe()
    this.#signal.throwIfAborted()
  }

  /** Every so many accounts the others of this process have their turn. */
  async #step(): Promise<void> {
    this.#turn += 1
    if (this.#turn % limits.ratedAtOnce === 0) await this.#pause()
  }

  /** Null: the question is not about this account. */
  #workOf(facts: ContractFacts): AccountWork | null {
    const { account } = facts
    const { only, months, assign } = this.#question
    if (only.accounts?.has(account.key) === false || only.currencies?.has(account.currency) === false) return null
    try {
      const periods = months.map((month) => billingPeriod(month, account.timeZone))
      const before = periods.map((period) => this.#before.read(facts, period))
      if (only.plans !== null && !before.some(({ contract }) => only.plans?.has(lastPart(contract).plan.key)))
        return null
      const supposed = assigned(facts, assign)
      const work = before.map((one) => ({ before: one, after: this.#after.read(supposed, one.period) }))
      return { kind: 'priced', account, months: work }
    } catch (error) {
      return { kind: 'not_priced', notPriced: notPricedOf(error, account.key) }
    }
  }

  /** The next accounts and their usage; null: there are none left. */
  async #nextBatch(facts: AsyncIterator<ContractFacts>): Promise<Batch | null> {
    const work: AccountWork[] = []
    const wants = new Wants()
    let [taken, bytes] = [0, 0]
    const most = this.#turn === 0 ? limits.accountsFirst : limits.accountsAtOnce
    while (taken < most && bytes < limits.keyBytesAtOnce) {
      const next = await facts.next()
      if (next.done === true) break
      taken += 1
      const one = this.#workOf(next.value)
      await this.#step()
      if (one === null) continue
      work.push(one)
      if (one.kind === 'not_priced') continue
      bytes += Buffer.byteLength(one.account.key) + 3
      for (const { before, after } of one.months)
        for (const side of before === after ? [before] : [before, after]) wants.add(side, one.account.key)
    }
    if (taken === 0) return null
    return { work, taken, usage: await this.#usage.ask(wants, () => this.#pause()) }
  }

  #sideOf(account: ContractFacts['account'], priced: PricedPeriod, usage: UsageFound): Side {
    const { contract, period } = priced
    // Accounts that are not billable are not among those that are simulated.
    const payer = { key: account.key, billable: true }
    const input = { account: payer, contract, period, usage: usage.of(priced, account.key) }
    const { lines, totals } = rateInvoice(input, { traced: false })
    const prices = new Map<PriceKey, Minor>()
    for (const { rated } of lines) prices.set(rated.price, ((prices.get(rated.price) ?? 0n) + rated.amount) as Minor)
    const { subtotal, taxable: net, total } = totals
    return { plan: lastPart(contract).plan.key, charged: { subtotal, net, total }, prices }
  }

  #rate(one: AccountWork, usage: UsageFound): AccountOutcome | NotPriced {
    if (one.kind === 'not_priced') return one.notPriced
    const { account, months } = one
    try {
      const before = months.map((month) => this.#sideOf(account, month.before, usage))
      const after = months.map((month) => this.#sideOf(account, month.after, usage))
      return compareSides(
        { account: account.key, currency: account.currency },
        { before: together(before), after: together(after) },
      )
    } catch (error) {
      return notPricedOf(error, account.key)
    }
  }

  async *run(): AsyncGenerator<SimulationStep> {
    const tally = new SimulationTally(this.#question.named)
    const facts = this.#ports.facts()[Symbol.asyncIterator]()
    let done = 0
    let next = this.#nextBatch(facts)
    try {
      for (let batch = await next; batch !== null; batch = await next) {
        // The store is asked about the next accounts while these are rated.
        next = this.#nextBatch(facts)
        next.catch(() => undefined)
        const { work, usage, taken } = batch
        const leftOut = taken - work.length
        for (let at = 0; at < work.length; at += limits.ratedAtOnce) {
          const rated = work.slice(at, at + limits.ratedAtOnce).map((one) => this.#rate(one, usage))
          const notPriced = rated.filter(isNotPriced)
          const outcomes = rated.filter((one): one is AccountOutcome => !isNotPriced(one))
          for (const one of outcomes) tally.add(one)
          for (const one of notPriced) tally.addNotPriced(one)
          yield { kind: 'rated', done: done + Math.min(at + rated.length, work.length), outcomes, notPriced }
          await this.#pause()
        }
        done += taken
        if (leftOut > 0) yield { kind: 'rated', done, outcomes: [], notPriced: [] }
      }
      yield { kind: 'finished', done, summary: tally.document() }
    } finally {
      // A question that is under way ends before whoever cancelled is told: nothing goes on behind their back.
      await next.catch(() => undefined)
      await facts.return?.()
    }
  }
}

/** Refuses, by the ports, what cannot be asked; throws the signal's reason when it fires. */
export function simulate(
  ports: SimulationPorts,
  question: SimulationQuestion,
  signal: AbortSignal,
): AsyncGenerator<SimulationStep> {
  return new Simulation(ports, question, signal).run()
}
