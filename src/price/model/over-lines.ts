import { compare, formatExact, isZero, one } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import {
  at,
  complain,
  expectFields,
  isAbsent,
  readAmount,
  readDecimal,
  readEach,
  readKey,
  readList,
  readPercent,
} from '../place.ts'
import type { Place } from '../place.ts'
import type { PriceKey } from '../price-key.ts'

/** Other prices of the plan, by key; `all` is every price of the plan that is not itself over lines. */
export type Lines = 'all' | readonly PriceKey[]

/** A percentage of what other lines cost: a 50 % compliance surcharge. */
export interface Surcharge {
  readonly kind: 'surcharge'
  readonly percent: Exact
  readonly of: Lines
}

/**
 * So much is owed for some lines together, used or not. What is missing is the true-up, a line of its own; what is
 * beyond costs the overage factor times what the lines say (1: nothing more).
 */
export interface Commitment {
  readonly kind: 'commitment'
  readonly amount: Exact
  readonly overageFactor: Exact
  readonly of: Lines
}

export type OverLines = Surcharge | Commitment

export const overLinesKinds = ['surcharge', 'commitment'] as const satisfies readonly OverLines['kind'][]

const linesMax = 200

export function readLines(place: Place): Lines {
  if (place.value === 'all') return 'all'
  if (!Array.isArray(place.value)) {
    complain(place, 'is "all" or a list of the keys of other prices of the plan')
    return 'all'
  }
  const keys = readEach(readList(place, linesMax), (item) => readKey(item, 'data_transfer_out') as PriceKey)
  if (new Set(keys).size < keys.length) complain(place, 'names a price twice')
  return keys
}

export function readSurcharge(place: Place): Surcharge {
  expectFields(place, ['kind', 'percent', 'of'])
  return {
    kind: 'surcharge',
    percent: readPercent(at(place, 'percent'), { wholeMax: false }),
    of: readLines(at(place, 'of')),
  }
}

/** The lines have charged what is beyond once; a factor below 1 would have to take some of that back. */
function readFactor(place: Place): Exact {
  if (isAbsent(place)) return one
  const factor = readDecimal(place, { decimalsMax: 18, integerDigitsMax: 6, positive: true })
  if (!isZero(factor) && compare(factor, one) < 0)
    complain(place, 'is at least "1"; what is cheaper beyond a bound is a price with tiers')
  return factor
}

export function readCommitment(place: Place): Commitment {
  expectFields(place, ['kind', 'amount', 'overage_factor', 'of'])
  return {
    kind: 'commitment',
    amount: readAmount(at(place, 'amount')),
    overageFactor: readFactor(at(place, 'overage_factor')),
    of: readLines(at(place, 'of')),
  }
}

export function overLinesJson(model: OverLines): object {
  const { of } = model
  if (model.kind === 'surcharge') return { kind: model.kind, percent: formatExact(model.percent), of }
  const { kind, amount, overageFactor } = model
  return { kind, amount: formatExact(amount), overage_factor: formatExact(overageFactor), of }
}
