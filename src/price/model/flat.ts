import { formatExact } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { at, expectFields, readDecimal } from '../place.ts'
import type { Place } from '../place.ts'
import { operand, traceStep } from '../trace.ts'
import { amountRule } from './charge.ts'
import type { Charge, Charged } from './charge.ts'

/** The same amount for every billing period, whatever was used. It has no meter. */
export interface Flat {
  readonly kind: 'flat'
  readonly amount: Exact
}

export function readFlat(place: Place): Flat {
  expectFields(place, ['kind', 'amount'])
  return { kind: 'flat', amount: readDecimal(at(place, 'amount'), amountRule) }
}

export function flatJson(model: Flat): object {
  return { kind: model.kind, amount: formatExact(model.amount) }
}

export function chargeFlat(model: Flat, { currency }: Charged): Charge {
  const about = `${formatExact(model.amount)} ${currency} for the billing period`
  const step = traceStep({ step: 'price', about, formula: operand(model.amount), unit: currency }, model.amount)
  return { amount: model.amount, unitAmount: model.amount, steps: [step] }
}
