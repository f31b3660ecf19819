import { compare, divide, exact, formatExact, larger, subtract, zero } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import type { MeterKey } from '../core/ids.ts'
import { currencyDigits, formatMinor, roundToMinor } from '../core/money.ts'
import type { Currency, Minor } from '../core/money.ts'
import { charge } from './model/model.ts'
import type { Price, PriceKey } from './price.ts'
import { counted, operand, traceStep } from './trace.ts'
import type { TraceStep } from './trace.ts'

/** One line of an invoice: a quantity, its amount, and every step between them. */
export interface RatedLine {
  readonly price: PriceKey
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
  readonly trace: readonly TraceStep[]
}

/** Quantity → unit conversion (DESIGN §9). */
function convert({ unit }: Price, quantity: Exact): { value: Exact; steps: TraceStep[] } {
  if (compare(unit.per, exact(1n)) === 0) return { value: quantity, steps: [] }
  const value = divide(quantity, unit.per)
  const about = `measured quantity in ${unit.name}; ${counted('1', unit.name)} is ${formatExact(unit.per)}`
  const formula = `${operand(quantity)} / ${operand(unit.per)}`
  return { value, steps: [traceStep({ step: 'convert', about, formula, unit: unit.name }, value)] }
}

/**
 * → allowance. What is left is never below zero: less than the allowance costs nothing, and a quantity that
 * corrections took below zero is not a credit (that is a document of its own, L6).
 */
function takeAllowance({ unit, included }: Price, quantity: Exact): { value: Exact; steps: TraceStep[] } {
  if (included.n === 0n && quantity.s >= 0n) return { value: quantity, steps: [] }
  const value = larger(subtract(quantity, included), zero)
  const about = `${counted(formatExact(included), unit.name)} included in the plan, never below zero`
  const formula = `max(${operand(quantity)} - ${operand(included)}, 0)`
  return { value, steps: [traceStep({ step: 'allowance', about, formula, unit: unit.name }, value)] }
}

function roundLine(amount: Exact, currency: Currency): { value: Minor; steps: TraceStep[] } {
  const value = roundToMinor(amount, currency)
  const digits = currencyDigits[currency]
  const step: TraceStep = {
    step: 'round',
    about: `rounded once, half away from zero, to ${digits} decimals of ${currency}`,
    formula: `round(${operand(amount)}, ${digits})`,
    result: formatMinor(value, currency),
    unit: currency,
  }
  return { value, steps: [step] }
}

/**
 * Prices one quantity (in the meter's unit; ignored by a flat price) and says how. Pure. A metered price
 * gives a line at zero usage too, because "nothing used" is an answer (L13).
 */
export function rateLine(price: Price, quantity: Exact, currency: Currency): RatedLine {
  const measured = price.model.kind === 'flat' ? exact(1n) : quantity
  const converted = convert(price, measured)
  const billable = takeAllowance(price, converted.value)
  const charged = charge(price.model, { quantity: billable.value, unit: price.unit.name, currency })
  const rounded = roundLine(charged.amount, currency)
  const trace = [...converted.steps, ...billable.steps, ...charged.steps, ...rounded.steps]
  return {
    price: price.key,
    description: price.name,
    meter: price.meter,
    quantity: measured,
    unit: price.unit.name,
    billableQuantity: billable.value,
    unitAmount: charged.unitAmount,
    exactAmount: charged.amount,
    amount: rounded.value,
    trace,
  }
}
