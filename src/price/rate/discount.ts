import { divide, formatExact, hundred, isNegative, isZero, larger, multiply, subtract, zero } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
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
} from '../place.ts'
import type { Place } from '../place.ts'
import { moneyWords, numberWords, quantityWords } from './number-words.ts'
import { operand, traceStep } from './trace.ts'
import type { Trace, TraceStep } from './trace.ts'

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
  const value =
    discount.kind === 'percent'
      ? withoutPercent(amount, discount.percent)
      : larger(subtract(amount, discount.amount), zero)
  trace?.push(discountStep(discount, { before: amount, after: value }, money))
  return value
}

export interface DiscountContext {
  readonly money: string
  readonly trace: Trace
}

/** What something was before a part of it was taken off, and after. */
interface Reduced {
  readonly before: Exact
  readonly after: Exact
}

function withoutPercent(whole: Exact, percent: Exact): Exact {
  return multiply(whole, divide(subtract(hundred, percent), hundred))
}

function discountStep(discount: Discount, { before, after }: Reduced, money: string): TraceStep {
  const { name } = discount
  if (discount.kind === 'percent') {
    const about = `${name}: ${numberWords(discount.percent)} % off`
    const formula = `${operand(before)} * (100 - ${operand(discount.percent)}) / 100`
    return traceStep({ step: 'discount', about, formula, unit: money }, after)
  }
  const about = `${name}: ${moneyWords(discount.amount, money)} off${isZero(after) ? ', never below zero' : ''}`
  const formula = `max(${operand(before)} - ${operand(discount.amount)}, 0)`
  return traceStep({ step: 'discount', about, formula, unit: money }, after)
}

/** → allowance (DESIGN §9). What is left is never below zero; corrections below zero are documents of their own. */
export function takeAllowance(included: Exact, quantity: Exact, { unit, trace }: QuantityContext): Exact {
  if (isZero(included) && !isNegative(quantity)) return quantity
  const value = larger(subtract(quantity, included), zero)
  trace?.push(allowanceStep(included, { before: quantity, after: value }, unit))
  return value
}

function allowanceStep(included: Exact, { before, after }: Reduced, unit: string): TraceStep {
  const about = isZero(included)
    ? `${quantityWords(before, unit)}: less than nothing was used, which is no credit`
    : isZero(after)
      ? `${quantityWords(before, unit)}, all of it within the ${quantityWords(included, unit)} included`
      : `${quantityWords(before, unit)} less ${quantityWords(included, unit)} included`
  const formula = `max(${operand(before)} - ${operand(included)}, 0)`
  return traceStep({ step: 'allowance', about, formula, unit }, after)
}

export interface QuantityContext {
  readonly unit: string
  readonly trace: Trace
}

/** → usage discount. */
export function takeUsageDiscount(discount: UsageDiscount, quantity: Exact, { unit, trace }: QuantityContext): Exact {
  const value =
    discount.kind === 'percent'
      ? withoutPercent(quantity, discount.percent)
      : larger(subtract(quantity, discount.quantity), zero)
  trace?.push(usageDiscountStep(discount, { before: quantity, after: value }, unit))
  return value
}

function usageDiscountStep(discount: UsageDiscount, { before, after }: Reduced, unit: string): TraceStep {
  if (discount.kind === 'percent') {
    const about = `${quantityWords(before, unit)} less ${numberWords(discount.percent)} % usage discount`
    const formula = `${operand(before)} * (100 - ${operand(discount.percent)}) / 100`
    return traceStep({ step: 'usage_discount', about, formula, unit }, after)
  }
  const off = quantityWords(discount.quantity, unit)
  const about = `${quantityWords(before, unit)} less ${off} usage discount, never below zero`
  const formula = `max(${operand(before)} - ${operand(discount.quantity)}, 0)`
  return traceStep({ step: 'usage_discount', about, formula, unit }, after)
}
