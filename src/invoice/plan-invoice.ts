import type { Account } from '../account/accounts.ts'
import { Refusal } from '../core/errors.ts'
import { compare, formatExact, zero } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import { roundToMinor } from '../core/money.ts'
import type { Currency, Minor } from '../core/money.ts'
import { assert } from '../core/result.ts'
import { formatInstant } from '../core/time.ts'
import type { Micros, Period } from '../core/time.ts'
import type { MeterDefinition } from '../meter/definition.ts'
import type { UsageAnswer, UsageRow } from '../meter/usage.ts'
import type { Contract, ContractPart, ContractPrice } from '../price/contract/contract.ts'
import { splitPrices } from '../price/contract/contract-parts.ts'
import type { SplitPrice } from '../price/contract/contract-parts.ts'
import type { AvailableCredit } from '../price/credit/grant.ts'
import type { RatedLine } from '../price/rate/line.ts'
import type { Price } from '../price/price.ts'
import { shareOf } from '../price/rate/proration.ts'
import { rateLines } from '../price/rate/rate-lines.ts'
import type { PricedPart } from '../price/rate/rate-lines.ts'
import { replayTrace } from '../price/rate/replay.ts'
import { usageOf } from '../price/rate/slice.ts'
import type { LineUsage } from '../price/rate/slice.ts'
import { totalsOf } from '../price/rate/totals.ts'
import type { Totals } from '../price/rate/totals.ts'
import { whyNotAdditive } from '../store/measure/measure.ts'
import type { BillingPeriod } from './billing-period.ts'
import type { PartUsage, UsageByMeter } from './collect-usage.ts'
import { crossfoot } from './crossfoot.ts'
import { groupsName, groupsOf, partName, windowOf } from './usage-wanted.ts'

/** A line before it is part of a document: what was rated, out of which windows. */
export interface PlannedLine {
  readonly number: number
  readonly price: Price
  readonly rated: RatedLine
  /** The part of the period in which the price held. */
  readonly part: Period
  /** How many of a fee. */
  readonly count: Exact
  /** The newest part of the contract that the price is of, and where it came from. */
  readonly of: ContractPart
  readonly from: ContractPrice['from']
  /** Null for a line that measures nothing. */
  readonly meter: MeterDefinition | null
  /** The days of the account's zone; they add up to the quantity. None where days do not add up. */
  readonly windows: readonly UsageRow[]
  /** Why there are no days, or null. */
  readonly notAdditive: string | null
  /** Events that were counted in but carried no value (L13). */
  readonly eventsWithoutValue: bigint
}

/** An invoice as data: what would be issued. */
export interface InvoicePlan {
  readonly account: Account
  readonly contract: Contract
  readonly period: BillingPeriod
  readonly currency: Currency
  readonly lines: readonly PlannedLine[]
  /** From the lines to what is due. */
  readonly totals: Totals
  /** After discounts, promotional credits and taxes. */
  readonly total: Minor
}

/** What lines and totals are computed from. */
export interface RatingInput {
  readonly account: Pick<Account, 'key' | 'billable'>
  readonly contract: Contract
  readonly period: Period
  readonly usage: UsageByMeter
  /** What the account has; left out: nothing. */
  readonly credits?: readonly AvailableCredit[]
}

export interface InvoiceInput extends RatingInput {
  readonly account: Account
  readonly period: BillingPeriod
}

/** An explanation that gives another amount than the line must not reach anybody (L10). */
function checkTrace({ trace, exactAmount, amount, price }: RatedLine, currency: Currency): void {
  const replayed = replayTrace(trace)
  assert(replayed.ok, `every step of the trace of ${price} gives its result`)
  assert(roundToMinor(replayed.value, currency) === amount, `the trace of ${price} gives its amount`)
  assert(roundToMinor(exactAmount, currency) === amount, `the line of ${price} is its exact amount, rounded once`)
}

function isUsed({ total }: UsageAnswer): boolean {
  return compare(total ?? zero, zero) !== 0
}

/** Nothing billable disappears: what was used while no plan held cannot be priced, and is not left out without a word. */
function checkGaps({ account, usage }: RatingInput): void {
  for (const { meter, gaps } of usage.values()) {
    for (const { from, to, usage: used } of gaps) {
      if (!isUsed(used)) continue
      throw new Refusal(
        'PLAN_MISSING',
        `account ${account.key} used ${formatExact(used.total ?? zero)} ${meter.unit} of ${meter.key} from ` +
          `${formatInstant(from)} to ${formatInstant(to)}, when it was under no plan; subscribe it from then on, or set a default plan`,
      )
    }
  }
}

/**
 * The prices that apply. A base fee is for who has signed up for it, or is using the default plan this period: an account
 * that traffic named once does not owe it for ever, and traffic that nobody owns never does. The same for what is
 * committed to. A surcharge is of lines that are there.
 */
function pricesOf({ account, contract, usage }: RatingInput): readonly SplitPrice[] {
  const used = [...usage.values()].some(({ parts }) => [...parts.values()].some(({ whole }) => isUsed(whole)))
  const isOwed = ({ basis }: ContractPart, { price }: ContractPrice): boolean => {
    if (price.meter !== null || price.model.kind === 'surcharge') return true
    return account.billable && (basis === 'subscribed' || used)
  }
  return splitPrices(contract.parts, isOwed)
}

/** What was used of a price's meter in its part; null for a price that measures nothing. */
interface Measured {
  readonly meter: MeterDefinition
  readonly used: PartUsage
  readonly notAdditive: string | null
}

function measuredOf({ price, part }: SplitPrice, usage: UsageByMeter): Measured | null {
  if (price.meter === null) return null
  const metered = usage.get(price.meter)
  const used = metered?.parts.get(partName(part))
  assert(metered !== undefined && used !== undefined, `usage of ${price.meter} was collected`)
  return { meter: metered.meter, used, notAdditive: whyNotAdditive(metered.meter.aggregation) }
}

/** Nothing to measure costs nothing. */
function lineUsage(price: Price, measured: Measured | null): LineUsage {
  if (measured === null) return usageOf(zero)
  const { used, notAdditive } = measured
  const dimensions = groupsOf(price)
  const groups = dimensions === null ? [] : (used.groups.get(groupsName(dimensions))?.rows ?? [])
  const window = windowOf(price) ?? (notAdditive === null ? 'day' : null)
  const windows = window === null ? [] : (used.windows.get(window)?.rows ?? [])
  return {
    quantity: used.whole.total ?? zero,
    groups: groups.map(({ group, quantity }) => ({ group, quantity: quantity ?? zero })),
    windows: windows.map(({ from, to, quantity }) => ({ from, to, quantity: quantity ?? zero })),
    values: null,
  }
}

interface Priced {
  readonly split: SplitPrice
  readonly measured: Measured | null
  readonly part: PricedPart
}

function priced(split: SplitPrice, { usage, period }: RatingInput): Priced {
  const measured = measuredOf(split, usage)
  const { price, count, part } = split
  const additive = measured === null || measured.notAdditive === null
  return {
    split,
    measured,
    part: { price, part, share: shareOf(part, period), additive, count, usage: lineUsage(price, measured) },
  }
}

function plannedLine({ split, measured }: Priced, rated: RatedLine, number: number): PlannedLine {
  const { price, part, count, of, from } = split
  const newest = of.at(-1)
  assert(newest !== undefined, 'a price is of a part of the contract')
  const about = { number, price, rated, part, count, of: newest, from }
  // What is missing to a minimum measures nothing.
  if (measured === null || rated.meter === null)
    return { ...about, meter: null, windows: [], notAdditive: null, eventsWithoutValue: 0n }
  const { meter, used, notAdditive } = measured
  const windows = notAdditive === null ? (used.windows.get('day')?.rows ?? []) : []
  return { ...about, meter, windows, notAdditive, eventsWithoutValue: used.whole.eventsWithoutValue }
}

/**
 * When an invoice takes credits: at the last instant of its period, whenever it is computed or issued (L5). Credits of
 * the month pay it, and those that expire at its end too.
 */
export function creditInstant({ to }: Period): Micros {
  return (to - 1) as Micros
}

interface Payable {
  readonly contract: Pick<Contract, 'currency' | 'coupons' | 'taxes'>
  readonly period: Period
  readonly lines: readonly { readonly rated: RatedLine }[]
}

function totalsWith({ contract, period, lines }: Payable, credits: readonly AvailableCredit[]): Totals {
  const { currency, coupons: discounts, taxes } = contract
  return totalsOf(
    lines.map(({ rated }) => ({ price: rated.price, meter: rated.meter, amount: rated.amount })),
    { currency, discounts, credits, taxes, at: creditInstant(period) },
  )
}

/** The same lines, paid by other credits. */
export function withCredits(plan: InvoicePlan, credits: readonly AvailableCredit[]): InvoicePlan {
  const totals = totalsWith(plan, credits)
  return { ...plan, totals, total: totals.total }
}

/** A rated line, and what it was rated from. */
export interface PricedLine {
  readonly priced: Priced
  readonly rated: RatedLine
}

export interface RatedInvoice {
  readonly lines: readonly PricedLine[]
  readonly totals: Totals
}

/**
 * Contract and usage → lines and totals, with or without their explanation. Pure. The one way from usage to amounts: an
 * invoice is this with its explanation checked, and a simulation is this without one (L9).
 */
export function rateInvoice(input: RatingInput, { traced }: { readonly traced: boolean }): RatedInvoice {
  const { contract, period, credits = [] } = input
  const { currency } = contract
  checkGaps(input)
  const byPart = new Map(
    pricesOf(input)
      .map((split) => priced(split, input))
      .map((one) => [one.part, one]),
  )
  const lines = rateLines([...byPart.keys()], { currency, traced }).map(({ part, line }): PricedLine => {
    const one = byPart.get(part)
    assert(one !== undefined, 'a line is of a part that was priced')
    return { priced: one, rated: line }
  })
  return { lines, totals: totalsWith({ contract, period, lines }, credits) }
}

/**
 * Contract and usage → invoice (L5). Pure: preview, draft and issue are this same path, stopped earlier or later. The
 * subtotal is the sum of rounded lines, so that a reader with a pencil gets it too.
 */
export function planInvoice(input: InvoiceInput): InvoicePlan {
  const { account, contract, period, usage } = input
  const { currency } = contract
  checkGaps(input)
  const all = splitPrices(contract.parts)
  for (const metered of usage.values()) crossfoot(metered, all, period)
  const { lines, totals } = rateInvoice(input, { traced: true })
  const planned = lines.map(({ priced: one, rated }, index) => {
    checkTrace(rated, currency)
    return plannedLine(one, rated, index + 1)
  })
  return { account, contract, period, currency, lines: planned, totals, total: totals.total }
}
