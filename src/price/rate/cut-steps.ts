import { compare, formatExact, isZero } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import type { Discount } from './discount.ts'
import type { Matrix } from '../model/matrix.ts'
import type { UnitModel } from '../model/model.ts'
import { moneyWords, numberWords, quantityWords } from './number-words.ts'
import type { PriceModel } from '../price-model.ts'
import type { Price } from '../price.ts'
import { cellName } from './slice.ts'
import { operand, traceStep } from './trace.ts'
import type { Trace, TraceStep } from './trace.ts'

/** A number that a price says per billing period, and what is left of it in a part of one. */
interface Cut {
  /** The number in words: `5 GB included`. */
  readonly words: string
  readonly whole: Exact
  readonly cut: Exact
  readonly unit: string
}

/** A price as it is written and as `proratePrice` cut it. */
export interface CutPrice {
  readonly price: Price
  readonly prorated: Price
  readonly share: Exact
  /** What amounts of the price count. */
  readonly money: string
}

/** Two sides of the same shape, of which the cut one has the cut numbers. */
interface Sides<Value> {
  readonly whole: Value
  readonly cut: Value
}

/** What numbers of a price count. */
interface Units {
  readonly unit: string
  readonly money: string
}

/** One number, cut, as a step: `5 GB included × 0.5, the share of the billing period in which this price held`. */
export function cutStep({ words, whole, cut, unit }: Cut, share: Exact): TraceStep {
  const about = `${words} × ${numberWords(share)}, the share of the billing period in which this price held`
  return traceStep({ step: 'prorate', about, formula: `${operand(whole)} * ${operand(share)}`, unit }, cut)
}

const quantityCut = ({ whole, cut }: Sides<Exact>, what: string, unit: string): Cut => ({
  words: `${quantityWords(whole, unit)} ${what}`,
  whole,
  cut,
  unit,
})

const moneyCut = ({ whole, cut }: Sides<Exact>, what: string, money: string): Cut => ({
  words: what.replace('{}', () => moneyWords(whole, money)),
  whole,
  cut,
  unit: money,
})

function tierCuts(whole: UnitModel, cut: UnitModel, { unit, money }: Units): readonly Cut[] {
  if (!('tiers' in whole) || !('tiers' in cut)) return []
  return whole.tiers.flatMap(({ upTo, flatAmount }, index) => {
    const after = cut.tiers[index]
    if (after === undefined) return []
    const tier = `tier ${index + 1}`
    const flat = moneyCut({ whole: flatAmount, cut: after.flatAmount }, `{} for entering ${tier}`, money)
    if (upTo === null || after.upTo === null) return [flat]
    return [quantityCut({ whole: upTo, cut: after.upTo }, `as the bound of ${tier}`, unit), flat]
  })
}

function matrixCuts(whole: Matrix, cut: Matrix, units: Units): readonly Cut[] {
  const named = (name: string, before: Matrix['otherwise'], after: Matrix['otherwise']): readonly Cut[] =>
    [
      quantityCut({ whole: before.included, cut: after.included }, 'included', units.unit),
      ...modelCuts(before.model, after.model, units),
    ].map((one) => ({ ...one, words: `${name}: ${one.words}` }))
  const cells = whole.cells.flatMap((cell, index) => {
    const after = cut.cells[index]
    return after === undefined ? [] : named(cellName(cell), cell.price, after.price)
  })
  return [...cells, ...named('all others', whole.otherwise, cut.otherwise)]
}

function modelCuts(whole: PriceModel, cut: PriceModel, units: Units): readonly Cut[] {
  const { unit, money } = units
  if (whole.kind === 'matrix' && cut.kind === 'matrix') return matrixCuts(whole, cut, units)
  if (whole.kind === 'flat' && cut.kind === 'flat')
    return [moneyCut({ whole: whole.amount, cut: cut.amount }, '{} for the billing period', money)]
  if (whole.kind === 'committed' && cut.kind === 'committed')
    return [quantityCut({ whole: whole.quantity, cut: cut.quantity }, 'committed', unit)]
  if (whole.kind === 'commitment' && cut.kind === 'commitment')
    return [moneyCut({ whole: whole.amount, cut: cut.amount }, '{} committed', money)]
  return tierCuts(whole as UnitModel, cut as UnitModel, units)
}

function discountCuts(discount: Discount, after: Discount | undefined, money: string): readonly Cut[] {
  if (discount.kind !== 'fixed' || after?.kind !== 'fixed') return []
  const cut = moneyCut({ whole: discount.amount, cut: after.amount }, '{} off', money)
  return [{ ...cut, words: `${discount.name}: ${cut.words}` }]
}

/** Everything that a price says per billing period, but its minimum: that is the true-up's. */
function cutsOf({ price, prorated, money }: CutPrice): readonly Cut[] {
  const units = { unit: price.unit.name, money }
  const [off, offAfter] = [price.usageDiscount, prorated.usageDiscount]
  return [
    quantityCut({ whole: price.included, cut: prorated.included }, 'included', units.unit),
    ...(off?.kind === 'quantity' && offAfter?.kind === 'quantity'
      ? [quantityCut({ whole: off.quantity, cut: offAfter.quantity }, 'usage discount', units.unit)]
      : []),
    ...modelCuts(price.model, prorated.model, units),
    ...price.discounts.flatMap((discount, index) => discountCuts(discount, prorated.discounts[index], money)),
    ...(price.maximum === null || prorated.maximum === null
      ? []
      : [moneyCut({ whole: price.maximum, cut: prorated.maximum }, 'at most {}', money)]),
  ]
}

const numberPattern = /\d+\/\d+|\d+(?:,\d{3})*(?:\.\d+)?…?/g

function noteNumbers(steps: readonly TraceStep[], seen: Set<string>): void {
  for (const { step, formula, about, parts } of steps) {
    if (step === 'round') continue
    for (const text of [formula, about]) for (const [number] of text.matchAll(numberPattern)) seen.add(number)
    for (const part of parts ?? []) noteNumbers(part, seen)
  }
}

/**
 * Says before all other steps what in them is not what the price says, but the share of it (L10): a customer who reads
 * "2.5 GB included" looks for the 5 that the plan promises. Only numbers that the steps write are said, so that forty
 * tiers that nobody entered are not explained.
 */
export function explainCuts(trace: Trace, cutPrice: CutPrice): void {
  const { price, prorated, share, money } = cutPrice
  if (trace === null || prorated === price) return
  const seen = new Set<string>()
  noteNumbers(trace, seen)
  const written = (cut: Exact): boolean =>
    [formatExact(cut), numberWords(cut), moneyWords(cut, money)].some((words) =>
      seen.has(words.match(numberPattern)?.[0] ?? ''),
    )
  const cuts = cutsOf(cutPrice).filter(({ whole, cut }) => !isZero(whole) && compare(whole, cut) !== 0 && written(cut))
  trace.unshift(...cuts.map((cut) => cutStep(cut, share)))
}
