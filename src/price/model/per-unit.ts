import { formatExact, multiply } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { at, expectFields, readDecimal } from '../place.ts'
import type { Place } from '../place.ts'
import { counted, operand, traceStep } from '../trace.ts'
import { amountRule } from './charge.ts'
import type { Charge, Charged } from './charge.ts'

/** Every unit at the same price; parts of a unit cost their part. */
export interface PerUnit {
  readonly kind: 'per_unit'
  readonly unitAmount: Exact
}

export function readPerUnit(place: Place): PerUnit {
  expectFields(place, ['kind', 'unit_amount'])
  return { kind: 'per_unit', unitAmount: readDecimal(at(place, 'unit_amount'), amountRule) }
}

export function perUnitJson(model: PerUnit): object {
  return { kind: model.kind, unit_amount: formatExact(model.unitAmount) }
}

export function chargePerUnit(model: PerUnit, { quantity, unit, currency }: Charged): Charge {
  const amount = multiply(quantity, model.unitAmount)
  const step = traceStep(
    {
      step: 'price',
      about: `${counted(formatExact(quantity), unit)} at ${formatExact(model.unitAmount)} ${currency} each`,
      formula: `${operand(quantity)} * ${operand(model.unitAmount)}`,
      unit: currency,
    },
    amount,
  )
  return { amount, unitAmount: model.unitAmount, steps: [step] }
}
