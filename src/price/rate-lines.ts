import type { Exact } from '../core/exact.ts'
import type { Currency } from '../core/money.ts'
import type { Period } from '../core/time.ts'
import { minimumTrueUp, rateLine } from './line.ts'
import type { LineContext, RatedLine } from './line.ts'
import { isOverLines } from './price-model.ts'
import type { Price } from './price.ts'
import type { LineUsage } from './slice.ts'

/** A price, where in the billing period it held, and what was used of it then. */
export interface PricedPart {
  readonly price: Price
  /** The billing period, or the part of it in which the price held. */
  readonly part: Period
  /** Of the billing period; 1 where it held in all of it. */
  readonly share: Exact
  /** Whether the meter's windows add up. */
  readonly additive: boolean
  /** How many of a fee. */
  readonly count: Exact
  readonly usage: LineUsage
}

/** A line of a part of the billing period. */
export interface PartLine {
  readonly part: PricedPart
  readonly line: RatedLine
}

export interface LinesContext {
  readonly currency: Currency
  readonly traced: boolean
}

/**
 * Rates all prices of a billing period, in their order: each one's line, then what is missing to its minimum, and
 * prices over lines from the rounded amounts of the lines that lie in their part (the total is the sum of rounded
 * lines, and so is what a surcharge is a percentage of).
 */
export function rateLines(parts: readonly PricedPart[], { currency, traced }: LinesContext): readonly PartLine[] {
  return parts.flatMap((part) => {
    if (isOverLines(part.price.model)) return []
    const { share, additive, count, price } = part
    const context: LineContext = { currency, share, additive, traced, count }
    const line = rateLine(price, part.usage, context)
    const trueUp = minimumTrueUp(price, line, context)
    return (trueUp === null ? [line] : [line, trueUp]).map((one) => ({ part, line: one }))
  })
}
