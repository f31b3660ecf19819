import { formatExact, multiply } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { at, expectFields, readAmount } from '../place.ts'
import type { Place } from '../place.ts'
import { moneyWords, quantityWords } from '../rate/number-words.ts'
import { operand, traceStep } from '../rate/trace.ts'
import type { Trace } from '../rate/trace.ts'
import type { Charge, Charged } from './charge.ts'

/** Every unit at the same price; parts of a unit cost their part. */
export interface PerUnit {
  readonly kind: 'per_unit'
  readonly unitAmount: Exact
}

export function readPerUnit(place: Place): PerUnit {
  expectFields(place, ['kind', 'unit_amount'])
  return { kind: 'per_unit', unitAmount: readAmount(at(place, 'unit_amount')) }
}

export function perUnitJson(model: PerUnit): object {
  return { kind: model.kind, unit_amount: formatExact(model.unitAmount) }
}

export function chargePerUnit({ unitAmount }: PerUnit, { quantity, unit, money }: Charged, trace: Trace): Charge {
  const amount = multiply(quantity, unitAmount)
  trace?.push(
    traceStep(
      {
        step: 'price',
        about: `${quantityWords(quantity, unit)} × ${moneyWords(unitAmount, money)}`,
        formula: `${operand(quantity)} * ${operand(unitAmount)}`,
        unit: money,
      },
      amount,
    ),
  )
  return { amount, unitAmount }
}
