import type { Exact } from '../../core/exact.ts'
import type { Currency, Minor } from '../../core/money.ts'
import { assert } from '../../core/result.ts'
import type { Period } from '../../core/time.ts'
import { minimumTrueUp, rateLine } from './line.ts'
import type { LineContext, RatedLine } from './line.ts'
import type { Lines } from '../model/over-lines.ts'
import { isOverLines } from '../price-model.ts'
import type { Price } from '../price.ts'
import { rateOverLines } from './rate-over-lines.ts'
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
  /**
   * The period goes on, and more usage may come: what is missing to a minimum or commitment is not known yet. No such
   * line is made then, so that nothing is a percentage of one either (`progressive.ts`).
   */
  readonly isInterim?: boolean
}

/** Lines of a part: its line, where it has one, and what is missing to its minimum. */
type LinesOf = (index: number) => readonly RatedLine[]

function isInside(part: Period, whole: Period): boolean {
  return part.from >= whole.from && part.to <= whole.to
}

/** Whether a price is one of those that a surcharge or commitment is over; `all` leaves out prices over lines. */
function isOne(price: Price, of: Lines): boolean {
  return of === 'all' ? !isOverLines(price.model) : of.includes(price.key)
}

function contextOf({ share, additive, count }: PricedPart, { currency, traced }: LinesContext): LineContext {
  return { currency, share, additive, traced, count }
}

function withTrueUp(
  part: PricedPart,
  line: RatedLine | null,
  { context, isInterim }: { readonly context: LineContext; readonly isInterim: boolean },
): readonly RatedLine[] {
  if (isInterim) return line === null || line.kind === 'true_up' ? [] : [line]
  const trueUp = minimumTrueUp(part.price, line ?? { amount: 0n as Minor }, context)
  if (line === null) return trueUp === null ? [] : [trueUp]
  return trueUp === null ? [line] : [line, trueUp]
}

/** The lines of one part. A price over lines looks at the parts that lie inside its own, in the order of the parts. */
function linesOfPart(part: PricedPart, parts: readonly PricedPart[], linesOf: LinesOf, all: LinesContext) {
  const context = contextOf(part, all)
  const around = { context, isInterim: all.isInterim === true }
  const { price, usage } = part
  const { model } = price
  if (!isOverLines(model)) return withTrueUp(part, rateLine(price, usage, context), around)
  const below: RatedLine[] = []
  for (const [index, other] of parts.entries())
    if (isOne(other.price, model.of) && isInside(other.part, part.part)) below.push(...linesOf(index))
  return withTrueUp(part, rateOverLines(price, below, context), around)
}

/**
 * Rates all prices of a billing period, in their order: each one's line, then what is missing to its minimum, and
 * prices over lines from the rounded amounts of the lines that lie in their part (the total is the sum of rounded
 * lines, and so is what a surcharge is a percentage of). A price over lines may be over others of its kind; a circle
 * of them is refused when the plan is read (`over-lines-check.ts`).
 */
export function rateLines(parts: readonly PricedPart[], context: LinesContext): readonly PartLine[] {
  const rated: (readonly RatedLine[] | 'under way' | undefined)[] = parts.map(() => undefined)
  const linesOf: LinesOf = (index) => {
    const part = parts[index]
    const known = rated[index]
    assert(known !== 'under way' && part !== undefined, 'prices over lines do not go round in a circle')
    if (known !== undefined) return known
    rated[index] = 'under way'
    const lines = linesOfPart(part, parts, linesOf, context)
    rated[index] = lines
    return lines
  }
  const lines: PartLine[] = []
  for (const [index, part] of parts.entries()) for (const line of linesOf(index)) lines.push({ part, line })
  return lines
}
