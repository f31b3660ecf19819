import { compare, isZero, larger, multiply, one, subtract, sum, zero } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import type { MeterKey } from '../../core/ids.ts'
import { currencyDigits, formatMinor, minorAmount, roundToMinor } from '../../core/money.ts'
import type { Currency, Minor } from '../../core/money.ts'
import { assert } from '../../core/result.ts'
import { cutStep, explainCuts } from './cut-steps.ts'
import { takeDiscount } from './discount.ts'
import { moneyWords, numberWords } from './number-words.ts'
import { isOverLines } from '../price-model.ts'
import type { Price, PriceKey } from '../price.ts'
import { proratePrice, prorationOf } from './proration.ts'
import { chargeSlices, slicesOf, usageOf } from './slice.ts'
import type { LineUsage } from './slice.ts'
import { operand, traceStep } from './trace.ts'
import type { Trace, TraceStep } from './trace.ts'

/** What kind of line it is: a fee, usage, what is missing to a minimum or commitment, a part of other lines. */
export const lineKinds = ['fee', 'usage', 'true_up', 'overage', 'surcharge'] as const
export type LineKind = (typeof lineKinds)[number]

/** One line of an invoice: a quantity, its amount, and every step between them. */
export interface RatedLine {
  readonly price: PriceKey
  readonly kind: LineKind
  readonly description: string
  readonly meter: MeterKey | null
  /** In the meter's unit; 1 for a flat price. */
  readonly quantity: Exact
  /** The name of the priced unit. */
  readonly unit: string
  /** In priced units, after the allowance: what the model was asked to price. */
  readonly billableQuantity: Exact
  /** Null where units have different prices. */
  readonly unitAmount: Exact | null
  readonly exactAmount: Exact
  /** The exact amount after the line's one rounding (L4). */
  readonly amount: Minor
  /** Empty where nobody asked for it. */
  readonly trace: readonly TraceStep[]
}

/** One for all lines of which nobody asked how they came about. */
const notTraced: readonly TraceStep[] = []

/** Besides price and usage, what a line depends on. */
export interface LineContext {
  readonly currency: Currency
  /** Of the billing period; 1 where the price holds in all of it. */
  readonly share: Exact
  /** Whether the meter's windows add up; a level does not. */
  readonly additive: boolean
  readonly traced: boolean
  /** How many of a fee: the seats of an add-on. What is metered has its quantity instead. */
  readonly count: Exact
}

/** A whole period, explained. */
export function wholePeriod(currency: Currency): LineContext {
  return { currency, share: one, additive: true, traced: true, count: one }
}

export interface Amount {
  readonly value: Exact
  readonly money: string
}

function prorateAmount({ value, money }: Amount, share: Exact, trace: Trace): Exact {
  const prorated = multiply(value, share)
  if (trace !== null) {
    const about = `${moneyWords(value, money)} × ${numberWords(share)}, the share of the billing period in which this price held`
    const formula = `${operand(value)} * ${operand(share)}`
    trace.push(traceStep({ step: 'prorate', about, formula, unit: money }, prorated))
  }
  return prorated
}

/** → line discount → maximum. The minimum is the true-up's business, a line of its own. */
export function reduce({ discounts, maximum }: Price, { value, money }: Amount, trace: Trace): Exact {
  let left = value
  for (const discount of discounts) left = takeDiscount(discount, left, { money, trace })
  if (maximum === null || compare(left, maximum) <= 0) return left
  if (trace !== null) {
    const about = `at most ${moneyWords(maximum, money)}`
    const formula = `min(${operand(left)}, ${operand(maximum)})`
    trace.push(traceStep({ step: 'maximum', about, formula, unit: money }, maximum))
  }
  return maximum
}

/** Tokens of account become money at the end, right before the rounding. */
export function exchange({ pricingUnit }: Price, { value, money }: Amount, { currency, trace }: Rounding): Exact {
  if (pricingUnit === null) return value
  const exchanged = multiply(value, pricingUnit.rate)
  if (trace !== null) {
    const about = `${moneyWords(value, money)} × ${moneyWords(pricingUnit.rate, currency)}`
    const formula = `${operand(value)} * ${operand(pricingUnit.rate)}`
    trace.push(traceStep({ step: 'exchange', about, formula, unit: currency }, exchanged))
  }
  return exchanged
}

export interface Rounding {
  readonly currency: Currency
  readonly trace: Trace
}

/** The one rounding of a line (L4). */
export function roundLine(amount: Exact, { currency, trace }: Rounding): Minor {
  const value = roundToMinor(amount, currency)
  const digits = currencyDigits[currency]
  trace?.push({
    step: 'round',
    about: `${moneyWords(amount, currency)} rounded once, half away from zero, to ${digits} decimals`,
    formula: `round(${operand(amount)}, ${digits})`,
    result: formatMinor(value, currency),
    unit: currency,
  })
  return value
}

/**
 * Prices what one price measures and says how. Pure. In the order of DESIGN §9: quantity → unit conversion and quantity
 * rounding → allowance and usage discount → price model → line discount → maximum → rounding. A metered price gives a
 * line at zero usage too, because "nothing used" is an answer (L13). A price over lines is not rated here
 * (`rateLines`).
 */
export function rateLine(price: Price, usage: LineUsage, context: LineContext): RatedLine {
  assert(!isOverLines(price.model), 'a price over lines is rated after them')
  const { currency, share, additive, traced } = context
  const trace: TraceStep[] | null = traced ? [] : null
  const money = price.pricingUnit?.name ?? currency
  const proration = prorationOf(price, additive)
  const prorated = proratePrice(price, share, proration)
  const isFee = price.model.kind === 'flat'
  const counted = isFee ? usageOf(context.count) : usage
  const charged = chargeSlices(prorated, slicesOf(prorated, counted), {
    money,
    additive,
    usage: counted,
    trace,
  })
  // Windows lie in the part already, each with its own amount: to cut them would be to cut twice.
  const isCut = proration === 'amounts' && price.each?.kind !== 'window' && compare(share, one) !== 0
  const due = isCut ? prorateAmount({ value: charged.amount, money }, share, trace) : charged.amount
  const reduced = reduce(prorated, { value: due, money }, trace)
  const exactAmount = exchange(price, { value: reduced, money }, { currency, trace })
  explainCuts(trace, { price, prorated, share, money })
  return {
    price: price.key,
    kind: isFee ? 'fee' : 'usage',
    description: price.name,
    meter: price.meter,
    quantity: counted.quantity,
    unit: price.unit.name,
    billableQuantity: charged.billable,
    unitAmount: charged.unitAmount,
    exactAmount,
    amount: roundLine(exactAmount, { currency, trace }),
    trace: trace ?? notTraced,
  }
}

/** What is missing to the price's minimum, as a line of its own (DESIGN §9); null when nothing is. */
export function minimumTrueUp(price: Price, line: Pick<RatedLine, 'amount'>, context: LineContext): RatedLine | null {
  const { currency, share, additive, traced } = context
  if (price.minimum === null) return null
  const { minimum } = proratePrice(price, share, prorationOf(price, additive))
  assert(minimum !== null, 'a part of a minimum is one too')
  const rate = price.pricingUnit?.rate ?? one
  const owed = multiply(minimum, rate)
  const missing = larger(subtract(owed, minorAmount(line.amount, currency)), zero)
  if (isZero(missing)) return null
  const trace: TraceStep[] | null = traced ? [] : null
  if (trace !== null && compare(minimum, price.minimum) !== 0) {
    const whole = multiply(price.minimum, rate)
    const words = `at least ${moneyWords(whole, currency)}`
    trace.push(cutStep({ words, whole, cut: owed, unit: currency }, share))
  }
  const costs = minorAmount(line.amount, currency)
  const about = `at least ${moneyWords(owed, currency)}, less the ${moneyWords(costs, currency)} that the line costs`
  const formula = `max(${operand(owed)} - ${operand(costs)}, 0)`
  trace?.push(traceStep({ step: 'minimum', about, formula, unit: currency }, missing))
  return {
    price: price.key,
    kind: 'true_up',
    description: `${price.name}: minimum`,
    meter: null,
    quantity: one,
    unit: 'billing period',
    billableQuantity: one,
    // A price in a pricing unit has its amounts in that; what is missing is in the currency.
    unitAmount: price.pricingUnit === null ? missing : null,
    exactAmount: missing,
    amount: roundLine(missing, { currency, trace }),
    trace: trace ?? [],
  }
}

/** What some lines cost together, exactly. */
export function amountOf(lines: readonly RatedLine[], currency: Currency): Exact {
  return sum(lines.map(({ amount }) => minorAmount(amount, currency)))
}
