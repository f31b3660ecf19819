import { formatExact, multiply } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { at, expectFields, readAmount } from '../place.ts'
import type { Place } from '../place.ts'
import { operand, traceStep } from '../trace.ts'
import type { Trace } from '../trace.ts'
import type { Charge, Charged } from './charge.ts'

/** The same amount for every billing period, whatever was used. It has no meter. */
export interface Flat {
  readonly kind: 'flat'
  readonly amount: Exact
}

export function readFlat(place: Place): Flat {
  expectFields(place, ['kind', 'amount'])
  return { kind: 'flat', amount: readAmount(at(place, 'amount')) }
}

export function flatJson(model: Flat): object {
  return { kind: model.kind, amount: formatExact(model.amount) }
}

/** `charged.quantity` is how many of it an account has: 1, or the seats of an add-on. */
export function chargeFlat(model: Flat, { quantity, money }: Charged, trace: Trace): Charge {
  const amount = multiply(model.amount, quantity)
  trace?.push(
    traceStep(
      {
        step: 'price',
        about:
          formatExact(quantity) === '1'
            ? `${formatExact(model.amount)} ${money} for the billing period`
            : `${formatExact(quantity)} × ${formatExact(model.amount)} ${money} for the billing period`,
        formula:
          formatExact(quantity) === '1' ? operand(model.amount) : `${operand(quantity)} * ${operand(model.amount)}`,
        unit: money,
      },
      amount,
    ),
  )
  return { amount, unitAmount: model.amount }
}
