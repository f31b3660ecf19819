import { divide, formatExact, hundred, isNegative, isZero, larger, multiply, subtract, zero } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import {
  at,
  complain,
  expectFields,
  isAbsent,
  readAmount,
  readDecimal,
  readList,
  readPercent,
  readText,
} from './place.ts'
import type { Place } from './place.ts'
import { moneyWords, numberWords, quantityWords } from './number-words.ts'
import { operand, traceStep } from './trace.ts'
import type { Trace } from './trace.ts'

/** Takes a part of an amount off, or a fixed amount, never more than there is. */
export type Discount =
  | { readonly kind: 'percent'; readonly name: string; readonly percent: Exact }
  | { readonly kind: 'fixed'; readonly name: string; readonly amount: Exact }

/** Takes a part of the quantity off before it is priced, or so many units. */
export type UsageDiscount =
  | { readonly kind: 'percent'; readonly percent: Exact }
  | { readonly kind: 'quantity'; readonly quantity: Exact }

const discountsMax = 20

export function readDiscount(place: Place): Discount {
  expectFields(place, ['name', 'percent', 'amount'])
  const [named, percent, amount] = [at(place, 'name'), at(place, 'percent'), at(place, 'amount')]
  const name = isAbsent(named) ? 'Discount' : readText(named, 'says what the discount is for')
  if (isAbsent(percent) === isAbsent(amount)) complain(place, 'has a "percent" or an "amount", one of them')
  if (isAbsent(percent)) return { kind: 'fixed', name, amount: readAmount(amount) }
  return { kind: 'percent', name, percent: readPercent(percent, { wholeMax: true }) }
}

/** Reads line discounts; absent: none. They are taken in the order in which they stand. */
export function readDiscounts(place: Place): readonly Discount[] {
  return isAbsent(place) ? [] : readList(place, discountsMax).map(readDiscount)
}

export function discountJson(discount: Discount): object {
  const { name } = discount
  return discount.kind === 'percent'
    ? { name, percent: formatExact(discount.percent) }
    : { name, amount: formatExact(discount.amount) }
}

export function readUsageDiscount(place: Place): UsageDiscount | null {
  if (isAbsent(place)) return null
  expectFields(place, ['percent', 'quantity'])
  const [percent, quantity] = [at(place, 'percent'), at(place, 'quantity')]
  if (isAbsent(percent) === isAbsent(quantity)) complain(place, 'has a "percent" or a "quantity", one of them')
  if (isAbsent(percent)) return { kind: 'quantity', quantity: readDecimal(quantity, { decimalsMax: 18 }) }
  return { kind: 'percent', percent: readPercent(percent, { wholeMax: true }) }
}

export function usageDiscountJson(discount: UsageDiscount): object {
  return discount.kind === 'percent'
    ? { percent: formatExact(discount.percent) }
    : { quantity: formatExact(discount.quantity) }
}

/** What is left of an amount; fixed discounts are per billing period and have been cut to its share before. */
export function takeDiscount(discount: Discount, amount: Exact, { money, trace }: DiscountContext): Exact {
  const before = operand(amount)
  if (discount.kind === 'percent') {
    const value = multiply(amount, divide(subtract(hundred, discount.percent), hundred))
    const about = `${discount.name}: ${numberWords(discount.percent)} % off`
    const formula = `${before} * (100 - ${operand(discount.percent)}) / 100`
    trace?.push(traceStep({ step: 'discount', about, formula, unit: money }, value))
    return value
  }
  const value = larger(subtract(amount, discount.amount), zero)
  const about = `${discount.name}: ${moneyWords(discount.amount, money)} off${isZero(value) ? ', never below zero' : ''}`
  const formula = `max(${before} - ${operand(discount.amount)}, 0)`
  trace?.push(traceStep({ step: 'discount', about, formula, unit: money }, value))
  return value
}

export interface DiscountContext {
  readonly money: string
  readonly trace: Trace
}

/** → allowance (DESIGN §9). What is left is never below zero; corrections below zero are documents of their own. */
export function takeAllowance(included: Exact, quantity: Exact, { unit, trace }: QuantityContext): Exact {
  if (isZero(included) && !isNegative(quantity)) return quantity
  const value = larger(subtract(quantity, included), zero)
  const about = isZero(included)
    ? `${quantityWords(quantity, unit)}: less than nothing was used, which is no credit`
    : isZero(value)
      ? `${quantityWords(quantity, unit)}, all of it within the ${quantityWords(included, unit)} included`
      : `${quantityWords(quantity, unit)} less ${quantityWords(included, unit)} included`
  const formula = `max(${operand(quantity)} - ${operand(included)}, 0)`
  trace?.push(traceStep({ step: 'allowance', about, formula, unit }, value))
  return value
}

export interface QuantityContext {
  readonly unit: string
  readonly trace: Trace
}

/** → usage discount. */
export function takeUsageDiscount(discount: UsageDiscount, quantity: Exact, { unit, trace }: QuantityContext): Exact {
  if (discount.kind === 'percent') {
    const value = multiply(quantity, divide(subtract(hundred, discount.percent), hundred))
    const about = `${quantityWords(quantity, unit)} less ${numberWords(discount.percent)} % usage discount`
    const formula = `${operand(quantity)} * (100 - ${operand(discount.percent)}) / 100`
    trace?.push(traceStep({ step: 'usage_discount', about, formula, unit }, value))
    return value
  }
  const value = larger(subtract(quantity, discount.quantity), zero)
  const off = quantityWords(discount.quantity, unit)
  const about = `${quantityWords(quantity, unit)} less ${off} usage discount, never below zero`
  const formula = `max(${operand(quantity)} - ${operand(discount.quantity)}, 0)`
  trace?.push(traceStep({ step: 'usage_discount', about, formula, unit }, value))
  return value
}
