import { formatExact, isZero } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import type { Lines } from './model/over-lines.ts'
import { readLines } from './model/over-lines.ts'
import { at, complain, expectFields, isAbsent, readAmount, readKey, readList, readText, someOf } from './place.ts'
import type { Place } from './place.ts'
import type { Price } from './price.ts'

/**
 * Money's worth that a plan includes in each billing period: a base fee of 20 that comes with 20 of usage. It is taken
 * off the invoice's lines as a discount is, before coupons, and what is not used of it is gone.
 */
export interface IncludedAmount {
  readonly key: string
  readonly name: string
  /** Above zero, per billing period; a part of one includes its share. */
  readonly amount: Exact
  readonly of: Lines
}

const amountsMax = 20

function readIncludedAmount(place: Place, prices: readonly Price[]): IncludedAmount {
  expectFields(place, ['key', 'name', 'amount', 'of'])
  const [amount, of] = [readAmount(at(place, 'amount')), readLines(at(place, 'of'))]
  if (isZero(amount) && !isAbsent(at(place, 'amount'))) complain(at(place, 'amount'), 'is above zero')
  if (of !== 'all') {
    of.forEach((key, index) => {
      if (!prices.some((price) => price.key === key))
        complain(at(at(place, 'of'), String(index)), `is no price of the plan; its prices are ${keysOf(prices)}`)
    })
  }
  return {
    key: readKey(at(place, 'key'), 'usage-included'),
    name: readText(at(place, 'name'), 'is what customers read, such as "20 USD of usage included"'),
    amount,
    of,
  }
}

function keysOf(prices: readonly Price[]): string {
  return someOf(prices.map(({ key }) => key))
}

/** Reads what a plan includes; absent: nothing. */
export function readIncludedAmounts(place: Place, prices: readonly Price[]): readonly IncludedAmount[] {
  if (isAbsent(place)) return []
  const amounts = readList(place, amountsMax).map((item) => readIncludedAmount(item, prices))
  if (new Set(amounts.map(({ key }) => key)).size < amounts.length) complain(place, 'names a key twice')
  return amounts
}

export function includedAmountJson({ key, name, amount, of }: IncludedAmount): object {
  return { key, name, amount: formatExact(amount), of }
}
