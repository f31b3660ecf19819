import type { Account } from '../account/accounts.ts'
import { compare, exact, formatExact, sum, zero } from '../core/exact.ts'
import { addMinor, roundToMinor } from '../core/money.ts'
import type { Currency, Minor } from '../core/money.ts'
import { assert } from '../core/result.ts'
import type { MeterDefinition } from '../meter/definition.ts'
import { whyNotAdditive } from '../store/measure/measure.ts'
import type { UsageRow } from '../meter/usage.ts'
import type { Contract } from '../price/contract.ts'
import { rateLine, wholePeriod } from '../price/line.ts'
import { usageOf } from '../price/slice.ts'
import type { RatedLine } from '../price/line.ts'
import type { Price } from '../price/price.ts'
import { replayTrace } from '../price/replay.ts'
import type { BillingPeriod } from './billing-period.ts'
import type { MeterUsage, UsageByMeter } from './collect-usage.ts'

/** A line before it is part of a document: what was rated, out of which windows. */
export interface PlannedLine {
  readonly number: number
  readonly price: Price
  readonly rated: RatedLine
  /** Null for a flat price, which measures nothing. */
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
  readonly total: Minor
}

export interface InvoiceInput {
  readonly account: Account
  readonly contract: Contract
  readonly period: BillingPeriod
  readonly usage: UsageByMeter
}

/** Along the row and down the column: the days give the same quantity as the whole period, to the last digit. */
function crossfoot({ meter, whole, daily }: MeterUsage): void {
  const days = sum(daily.rows.map(({ quantity }) => quantity ?? zero))
  const total = whole.total ?? zero
  assert(
    compare(days, total) === 0,
    `the days of ${meter.key} (${formatExact(days)}) add up to its period (${formatExact(total)})`,
  )
  assert(
    daily.eventsWithoutValue === whole.eventsWithoutValue,
    `the days of ${meter.key} have as many events without value as its period`,
  )
}

/** An explanation that gives another amount than the line must not reach anybody (L10). */
function checkTrace({ trace, exactAmount, amount, price }: RatedLine, currency: Currency): void {
  const replayed = replayTrace(trace)
  assert(replayed.ok, `every step of the trace of ${price} gives its result`)
  assert(roundToMinor(replayed.value, currency) === amount, `the trace of ${price} gives its amount`)
  assert(roundToMinor(exactAmount, currency) === amount, `the line of ${price} is its exact amount, rounded once`)
}

function planLine(price: Price, number: number, { usage, contract }: InvoiceInput): PlannedLine {
  const { currency } = contract.plan
  if (price.meter === null) {
    const rated = rateLine(price, usageOf(exact(1n)), wholePeriod(currency))
    checkTrace(rated, currency)
    return { number, price, rated, meter: null, windows: [], notAdditive: null, eventsWithoutValue: 0n }
  }
  const metered = usage.get(price.meter)
  assert(metered !== undefined, `usage of ${price.meter} was collected`)
  const { meter, daily, whole } = metered
  const notAdditive = whyNotAdditive(meter.aggregation)
  if (notAdditive === null) crossfoot(metered)
  // Nothing to measure costs nothing.
  const rated = rateLine(price, usageOf(whole.total ?? zero), wholePeriod(currency))
  checkTrace(rated, currency)
  const windows = notAdditive === null ? daily.rows : []
  return { number, price, rated, meter, windows, notAdditive, eventsWithoutValue: whole.eventsWithoutValue }
}

/**
 * The plan's prices that apply. A base fee is for who has signed up for it, or is using the default plan this
 * month: an account that traffic named once does not owe it for ever, and traffic that nobody owns never does.
 */
function pricesOf({ account, contract, usage }: InvoiceInput): readonly Price[] {
  const { plan, basis } = contract
  const isUsed = [...usage.values()].some(({ whole }) => compare(whole.total ?? zero, zero) !== 0)
  const owesFees = account.billable && (basis === 'subscribed' || isUsed)
  return owesFees ? plan.prices : plan.prices.filter(({ meter }) => meter !== null)
}

/**
 * Contract and usage → invoice (L5). Pure: preview, draft and issue are this same path, stopped earlier or
 * later. The total is the sum of rounded lines, so that a reader with a pencil gets it too.
 */
export function planInvoice(input: InvoiceInput): InvoicePlan {
  const { account, contract, period } = input
  const lines = pricesOf(input).map((price, index) => planLine(price, index + 1, input))
  const total = addMinor(lines.map(({ rated }) => rated.amount))
  return { account, contract, period, currency: contract.plan.currency, lines, total }
}
