import { compare, formatExact, multiply, one } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { at, expectFields, readAmount } from '../place.ts'
import type { Place } from '../place.ts'
import { moneyWords, numberWords } from '../rate/number-words.ts'
import { operand, traceStep } from '../rate/trace.ts'
import type { Trace } from '../rate/trace.ts'
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
  if (trace !== null) {
    const isOne = compare(quantity, one) === 0
    const times = isOne ? '' : `${numberWords(quantity)} × `
    const about = `${times}${moneyWords(model.amount, money)} for the billing period`
    const formula = isOne ? operand(model.amount) : `${operand(quantity)} * ${operand(model.amount)}`
    trace.push(traceStep({ step: 'price', about, formula, unit: money }, amount))
  }
  return { amount, unitAmount: model.amount }
}
