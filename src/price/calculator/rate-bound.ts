import { compare, decimalsOf, divide, formatExact, isZero, one } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import type { UnitModel } from '../model/model.ts'
import type { OverLines } from '../model/over-lines.ts'
import { isOverLines, isUnitModel } from '../price-model.ts'
import type { Price } from '../price.ts'
import type { PricedPart } from '../rate/rate-lines.ts'

export const limits = { charactersMax: 10_000_000 } as const

/** What a step takes besides its numbers and names: its fields, its words, and the sentence that says it again. */
const stepCharacters = 200
/** How often a step and its sentence together write a number, and a name. */
const timesWritten = 4
/** What a division that never ends adds to a number: decimals of all sides stand in it as digits, and take time. */
const endlessDigits = 60
/** What the currency of a line adds to its rounded amount: decimals, point and sign. */
const moneyDigits = 5

const lengthOf = (value: Exact): number => formatExact(value).length

/** A fold, because there may be more numbers than a call takes arguments. */
function longest(values: readonly Exact[]): number {
  return values.reduce((most, value) => Math.max(most, lengthOf(value)), 0)
}

/** The longest number of a model: its fields are numbers, words, or tiers that have such fields themselves. */
function longestIn(model: UnitModel): number {
  const tiers: readonly object[] = 'tiers' in model ? model.tiers : [model]
  const fields: readonly unknown[] = tiers.flatMap((tier) => Object.values(tier))
  return longest(fields.filter((field): field is Exact => typeof field === 'object' && field !== null))
}

function tiersOf(model: UnitModel): number {
  return 'tiers' in model ? model.tiers.length : 0
}

/** What a price does to each quantity: the size of the numbers that come of it, and the names beside them. */
interface Sizes {
  readonly price: Price
  /** Of the numbers that quantities become; those of the model come to it. */
  readonly digits: number
  readonly names: number
}

function sizesOf({ price, share, usage }: PricedPart): Sizes {
  const { per } = price.unit
  const { windows, groups, values } = usage
  const quantities = [...windows, ...groups].map(({ quantity }) => quantity)
  const isEndless = decimalsOf(divide(one, per)) === null || decimalsOf(share) === null
  const cut = (by: Exact): number => (compare(by, one) === 0 ? 0 : 2 * lengthOf(by))
  return {
    price,
    digits:
      longest([usage.quantity, ...quantities, ...(values ?? [])]) +
      cut(per) +
      cut(share) +
      (isEndless ? endlessDigits : 0),
    names: price.unit.name.length + (price.pricingUnit?.name.length ?? 0),
  }
}

const stepOf = (digits: number, names: number): number => stepCharacters + timesWritten * (digits + names)

/** In a part of a billing period, what the price says of a whole one is cut, and each cut is a step (`explainCuts`). */
function cutsOf({ digits, names }: Sizes, model: UnitModel, share: Exact): number {
  if (compare(share, one) === 0) return 0
  return (2 + 2 * tiersOf(model)) * stepOf(digits + longestIn(model), names)
}

/** A window, group or cell of its own: its name, what becomes of its quantity, and each tier that it can enter. */
function sliceOf({ price, digits, names }: Sizes, model: UnitModel, included: Exact): number {
  const { unit, usageDiscount } = price
  const optional = [compare(unit.per, one) !== 0, unit.rounding !== null, !isZero(included), usageDiscount !== null]
  // A tier's step has the quantity, both bounds and two amounts in it, half as much again as others.
  const steps = 2 + optional.filter((is) => is).length + 1.5 * tiersOf(model)
  return steps * stepOf(digits + longestIn(model) + (isZero(included) ? 0 : lengthOf(included)), names)
}

/** What is given, and how often the price is applied to it. */
function charactersOfPart(part: PricedPart): number {
  const sizes = sizesOf(part)
  const { price, usage } = part
  const { model, each, included, discounts } = price
  const { windows, groups, values } = usage
  const given = (windows.length + groups.length + (values?.length ?? 0)) * stepOf(sizes.digits, sizes.names)
  // Each discount makes the number longer that the next one is taken off.
  const cutsMost = compare(part.share, one) === 0 ? 0 : discounts.length + 1
  const line =
    (discounts.length + cutsMost + 5) * stepOf(sizes.digits + 20 * discounts.length, sizes.names + price.name.length)
  if (model.kind === 'matrix') {
    const cells = [...model.cells.map(({ price: cell }) => cell), model.otherwise]
    return cells.reduce(
      (sum, cell) => sum + sliceOf(sizes, cell.model, cell.included) + cutsOf(sizes, cell.model, part.share),
      line,
    )
  }
  if (!isUnitModel(model)) return line
  const slice = sliceOf(sizes, model, included)
  const cuts = cutsOf(sizes, model, part.share)
  if (each !== null) return line + cuts + (each.kind === 'window' ? windows.length : groups.length) * slice
  const events = (values?.length ?? 0) * stepOf(sizes.digits + longestIn(model), sizes.names)
  return line + cuts + given + slice + events
}

/** The lines that a price is over, as `rateLines` finds them, whether or not they lie in its part. */
function belowOf({ of }: OverLines, parts: readonly PricedPart[]): readonly number[] {
  const named = of === 'all' ? null : new Set<string>(of)
  return parts.flatMap(({ price }, index) => {
    const isBelow = named === null ? !isOverLines(price.model) : named.has(price.key)
    return isBelow ? [index] : []
  })
}

/** How long the rounded amount of each line can be: a surcharge on a surcharge on a surcharge grows with each of them. */
function amountsOf(parts: readonly PricedPart[], below: readonly (readonly number[])[]): readonly number[] {
  const known: (number | undefined)[] = []
  const lengthAt = (index: number): number => {
    const length = known[index]
    const part = parts[index]
    if (length !== undefined || part === undefined) return length ?? 0
    // A circle is refused elsewhere; here it must only come to an end.
    known[index] = 0
    const { model, minimum } = part.price
    const own = isUnitModel(model) ? longestIn(model) : model.kind === 'surcharge' ? lengthOf(model.percent) : 43
    const of = (below[index] ?? []).reduce((most, other) => Math.max(most, lengthAt(other)), 0)
    const start = of === 0 ? longest([part.usage.quantity]) : of
    const most = Math.max(start + own + moneyDigits, minimum === null ? 0 : lengthOf(minimum) + moneyDigits)
    known[index] = most
    return most
  }
  return parts.map((_, index) => lengthAt(index))
}

/** A price over lines says each line that it is over. */
function charactersOverLines(parts: readonly PricedPart[]): number {
  const below = parts.map(({ price: { model } }) => (isOverLines(model) ? belowOf(model, parts) : []))
  const amounts = amountsOf(parts, below)
  const sayings = parts.map(({ price: { name, minimum } }, index) => {
    const lines = minimum === null ? 1 : 2
    return lines * stepOf(amounts[index] ?? 0, name.length)
  })
  return below.flat().reduce((sum, index) => sum + (sayings[index] ?? 0), 0)
}

/**
 * About how many characters explain the lines of a request: the bound of its work (L12). Ten thousand windows of fifty
 * tiers each would be an answer of 250 MB, and so would a few with numbers of many digits. It is known from the
 * request, so that it is refused before anything is calculated.
 */
export function charactersOf(parts: readonly PricedPart[]): number {
  return Math.ceil(parts.reduce((sum, part) => sum + charactersOfPart(part), 0) + charactersOverLines(parts))
}
