import { add, formatExact, isZero, larger, multiply, subtract, zero } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { at, expectFields, readAmount, readDecimal } from '../place.ts'
import type { Place } from '../place.ts'
import { moneyWords, numberWords, quantityWords } from '../rate/number-words.ts'
import { operand, traceStep } from '../rate/trace.ts'
import type { Trace, TraceStep } from '../rate/trace.ts'
import type { Charge, Charged } from './charge.ts'

/**
 * So many units are paid whether they are used or not, and what is beyond them has its own price: how bandwidth is
 * sold by its 95th percentile (commit and overage).
 */
export interface Committed {
  readonly kind: 'committed'
  /** In priced units, per billing period. */
  readonly quantity: Exact
  readonly unitAmount: Exact
  readonly overageUnitAmount: Exact
}

export function readCommitted(place: Place): Committed {
  expectFields(place, ['kind', 'quantity', 'unit_amount', 'overage_unit_amount'])
  return {
    kind: 'committed',
    quantity: readDecimal(at(place, 'quantity'), { decimalsMax: 18, positive: true }),
    unitAmount: readAmount(at(place, 'unit_amount')),
    overageUnitAmount: readAmount(at(place, 'overage_unit_amount')),
  }
}

export function committedJson({ kind, quantity, unitAmount, overageUnitAmount }: Committed): object {
  return {
    kind,
    quantity: formatExact(quantity),
    unit_amount: formatExact(unitAmount),
    overage_unit_amount: formatExact(overageUnitAmount),
  }
}

interface Used {
  readonly beyond: Exact
  readonly amount: Exact
}

function committedStep(model: Committed, { quantity, unit, money }: Charged, { beyond, amount }: Used): TraceStep {
  const { quantity: committed, unitAmount, overageUnitAmount } = model
  const always = `${quantityWords(committed, unit)} committed × ${moneyWords(unitAmount, money)}, used or not`
  const more = isZero(beyond)
    ? 'nothing beyond'
    : `${numberWords(beyond)} beyond × ${moneyWords(overageUnitAmount, money)}`
  const about = `${always}, and ${more}`
  const whole = `${operand(committed)} * ${operand(unitAmount)}`
  const formula = `${whole} + max(${operand(quantity)} - ${operand(committed)}, 0) * ${operand(overageUnitAmount)}`
  return traceStep({ step: 'price', about, formula, unit: money }, amount)
}

export function chargeCommitted(model: Committed, charged: Charged, trace: Trace): Charge {
  const beyond = larger(subtract(charged.quantity, model.quantity), zero)
  const amount = add(multiply(model.quantity, model.unitAmount), multiply(beyond, model.overageUnitAmount))
  trace?.push(committedStep(model, charged, { beyond, amount }))
  return { amount, unitAmount: null }
}

/** For a part of a billing period whose usage is a part too: less is committed, a unit costs the same. */
export function scaleCommitted(model: Committed, share: Exact): Committed {
  return { ...model, quantity: multiply(model.quantity, share) }
}
