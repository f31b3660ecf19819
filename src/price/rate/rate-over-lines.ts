import { compare, divide, formatExact, hundred, multiply, one, subtract, sum } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { minorAmount } from '../../core/money.ts'
import type { Currency } from '../../core/money.ts'
import { assert } from '../../core/result.ts'
import { explainCuts } from './cut-steps.ts'
import { exchange, reduce, roundLine } from './line.ts'
import type { LineContext, LineKind, RatedLine } from './line.ts'
import type { Commitment, OverLines, Surcharge } from '../model/over-lines.ts'
import { moneyWords, numberWords } from './number-words.ts'
import { isOverLines } from '../price-model.ts'
import type { Price } from '../price.ts'
import { proratePrice } from './proration.ts'
import { operand, sumFormula, traceStep } from './trace.ts'
import type { Trace, TraceStep } from './trace.ts'

/** What other lines cost together: in the currency, and in what the price counts in. */
interface Base {
  readonly total: Exact
  readonly inMoney: Exact
  /** The currency, or the pricing unit's name. */
  readonly money: string
  /** What one of `money` is worth in the currency. */
  readonly rate: Exact
  readonly currency: Currency
}

/** What a model makes of the base, before the modifiers. Quantities of such lines are amounts of the currency. */
interface Owed {
  readonly kind: LineKind
  readonly suffix: string
  readonly quantity: Exact
  readonly billable: Exact
  readonly unit: string
  readonly unitAmount: Exact | null
  /** In `money`. */
  readonly value: Exact
}

function baseStep(lines: readonly RatedLine[], amounts: readonly Exact[], currency: Currency): TraceStep {
  const parts = lines.map(({ description }, index) => {
    const amount = amounts[index] ?? one
    return [traceStep({ step: 'part', about: description, formula: formatExact(amount), unit: currency }, amount)]
  })
  const about = lines.length === 0 ? 'no other line in this time' : 'what the lines cost together'
  return traceStep({ step: 'add_up', about, formula: sumFormula(amounts), unit: currency, parts }, sum(amounts))
}

/** The lines' rounded amounts: what a reader sees is what is added up. */
function baseOf(price: Price, lines: readonly RatedLine[], { currency }: LineContext, trace: Trace): Base {
  const amounts = lines.map(({ amount }) => minorAmount(amount, currency))
  const total = sum(amounts)
  trace?.push(baseStep(lines, amounts, currency))
  const { pricingUnit } = price
  if (pricingUnit === null) return { total, inMoney: total, money: currency, rate: one, currency }
  const { rate, name: money } = pricingUnit
  const inMoney = divide(total, rate)
  if (trace !== null) {
    const about = `${moneyWords(total, currency)} in ${money}, each worth ${moneyWords(rate, currency)}`
    trace.push(
      traceStep({ step: 'exchange', about, formula: `${operand(total)} / ${operand(rate)}`, unit: money }, inMoney),
    )
  }
  return { total, inMoney, money, rate, currency }
}

function surcharge({ percent }: Surcharge, { total, inMoney, money, currency }: Base, trace: Trace): Owed {
  const value = divide(multiply(inMoney, percent), hundred)
  if (trace !== null) {
    const about = `${numberWords(percent)} % of ${moneyWords(inMoney, money)}`
    const formula = `${operand(inMoney)} * ${operand(percent)} / 100`
    trace.push(traceStep({ step: 'price', about, formula, unit: money }, value))
  }
  const unitAmount = divide(percent, hundred)
  return { kind: 'surcharge', suffix: '', quantity: total, billable: total, unit: currency, unitAmount, value }
}

function trueUp({ amount }: Commitment, { inMoney, money, rate }: Base, trace: Trace): Owed {
  const value = subtract(amount, inMoney)
  if (trace !== null) {
    const about = `${moneyWords(amount, money)} committed, less the ${moneyWords(inMoney, money)} that the lines cost`
    const formula = `max(${operand(amount)} - ${operand(inMoney)}, 0)`
    trace.push(traceStep({ step: 'price', about, formula, unit: money }, value))
  }
  // What the line says of itself is in the currency; the price's unit amounts are in its pricing unit.
  const unitAmount = compare(rate, one) === 0 ? value : null
  const unit = 'billing period'
  return { kind: 'true_up', suffix: ': true-up', quantity: one, billable: one, unit, unitAmount, value }
}

function overage({ amount, overageFactor }: Commitment, base: Base, trace: Trace): Owed {
  const { total, inMoney, money, rate, currency } = base
  const beyond = subtract(inMoney, amount)
  const unitAmount = subtract(overageFactor, one)
  const value = multiply(beyond, unitAmount)
  if (trace !== null) {
    const about =
      `${moneyWords(beyond, money)} beyond the ${moneyWords(amount, money)} committed × ${numberWords(unitAmount)}: ` +
      `it costs ${numberWords(overageFactor)} times as much, and the lines have charged it once`
    const formula = `(${operand(inMoney)} - ${operand(amount)}) * (${operand(overageFactor)} - 1)`
    trace.push(traceStep({ step: 'price', about, formula, unit: money }, value))
  }
  const billable = multiply(beyond, rate)
  return { kind: 'overage', suffix: ': overage', quantity: total, billable, unit: currency, unitAmount, value }
}

/** Null: a commitment that was met, and whose overage costs what the lines say. */
function owedOf(model: OverLines, base: Base, trace: Trace): Owed | null {
  if (model.kind === 'surcharge') return surcharge(model, base, trace)
  const order = compare(base.inMoney, model.amount)
  if (order < 0) return trueUp(model, base, trace)
  return order > 0 && compare(model.overageFactor, one) > 0 ? overage(model, base, trace) : null
}

/**
 * A price over lines, from the lines that it is over; null when nothing is owed. Its modifiers apply as on every line.
 * Pure. What the definition says per period is cut to the part's share under `bounds` and `amounts` alike: the lines
 * below are cut already, so that cutting the result as well would cut twice.
 */
export function rateOverLines(price: Price, lines: readonly RatedLine[], context: LineContext): RatedLine | null {
  const { currency, share, traced } = context
  const trace: TraceStep[] | null = traced ? [] : null
  const prorated = proratePrice(price, share, price.proration === 'none' ? 'none' : 'bounds')
  const { model } = prorated
  assert(isOverLines(model), 'this price is over lines')
  const base = baseOf(price, lines, context, trace)
  const owed = owedOf(model, base, trace)
  if (owed === null) return null
  const reduced = reduce(prorated, { value: owed.value, money: base.money }, trace)
  const exactAmount = exchange(price, { value: reduced, money: base.money }, { currency, trace })
  explainCuts(trace, { price, prorated, share, money: base.money })
  return {
    price: price.key,
    kind: owed.kind,
    description: `${price.name}${owed.suffix}`,
    meter: null,
    quantity: owed.quantity,
    unit: owed.unit,
    billableQuantity: owed.billable,
    unitAmount: owed.unitAmount,
    exactAmount,
    amount: roundLine(exactAmount, { currency, trace }),
    trace: trace ?? [],
  }
}
