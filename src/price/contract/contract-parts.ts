import { compare, formatExact } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import type { Period } from '../../core/time.ts'
import type { Contract, ContractPart, ContractPrice } from './contract.ts'
import { isOverLines } from '../price-model.ts'
import { priceJson } from '../price.ts'
import type { Price } from '../price.ts'
import { pricingUnitJson } from '../pricing-unit.ts'

/** A price and the part of a billing period in which it holds, across all changes that left it as it was. */
export interface SplitPrice {
  readonly price: Price
  readonly count: Exact
  readonly part: Period
  /** The parts of the contract that it holds in, oldest first; never empty. */
  readonly of: readonly ContractPart[]
  /** Where it came from in the newest of them. */
  readonly from: ContractPrice['from']
}

/** Everything that a price says, as text: prices with the same text are the same. */
export function priceText(price: Price): string {
  const remembered = texts.get(price)
  if (remembered !== undefined) return remembered
  const { pricingUnit } = price
  const text = JSON.stringify([priceJson(price), pricingUnit === null ? null : pricingUnitJson(pricingUnit)])
  texts.set(price, text)
  return text
}

const texts = new WeakMap<Price, string>()

export function isSamePrice(one: ContractPrice, other: ContractPrice): boolean {
  if (compare(one.count, other.count) !== 0) return false
  return one.price === other.price || priceText(one.price) === priceText(other.price)
}

function overLinesText({ prices }: ContractPart): string {
  return JSON.stringify(prices.filter(({ price }) => isOverLines(price.model)).map(({ price }) => priceText(price)))
}

function always(): boolean {
  return true
}

/** Which prices are asked of an account in a part: a fee is not owed by everybody. */
export type Owed = (part: ContractPart, price: ContractPrice) => boolean

/** Whether two parts that follow each other can have lines in common. */
function isOpen(one: ContractPart, next: ContractPart): boolean {
  return one.part.to === next.part.from && overLinesText(one) === overLinesText(next)
}

/**
 * The prices of a period, each over the parts in which it is the same: a change splits the lines that it changes and no
 * others. Where prices over lines change, all are split, so that a surcharge has whole lines in its part. In the order of
 * the plan, each price's parts one after the other.
 */
export function splitPrices(parts: readonly ContractPart[], isOwed: Owed = always): readonly SplitPrice[] {
  const byKey = new Map<string, SplitPrice[]>()
  parts.forEach((part, index) => {
    const before = parts[index - 1]
    const isContinued = before !== undefined && isOpen(before, part)
    for (const one of part.prices) {
      if (!isOwed(part, one)) continue
      const { price, count, from } = one
      const split = byKey.get(price.key) ?? []
      const last = split.at(-1)
      const goesOn = isContinued && last !== undefined && last.part.to === part.part.from && isSamePrice(last, one)
      if (goesOn)
        split[split.length - 1] = {
          ...last,
          part: { from: last.part.from, to: part.part.to },
          of: [...last.of, part],
          from,
        }
      else split.push({ price, count, part: part.part, of: [part], from })
      byKey.set(price.key, split)
    }
  })
  return [...byKey.values()].flat()
}

/** Everything in a contract that an amount depends on, as text: contracts with the same text price the same usage alike. */
export function contractText({ parts, gaps, coupons, taxes }: Contract): string {
  const prices = splitPrices(parts).map(({ price, count, part, of }) => {
    // Who is subscribed owes fees without using anything.
    const bases = price.meter === null ? of.map(({ part: { from }, basis }) => [from, basis]) : []
    return [priceText(price), formatExact(count), part.from, part.to, bases]
  })
  const discounts = coupons.map(({ coupon, version }) => [coupon, version])
  const taxed = taxes.map(({ key, name, percent }) => [key, name, formatExact(percent)])
  return JSON.stringify([prices, gaps.map(({ from, to }) => [from, to]), discounts, taxed])
}
