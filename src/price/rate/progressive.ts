import { add, compare, divide, formatExact, isZero, larger, multiply, subtract, zero } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import type { Minor } from '../../core/money.ts'
import { assert } from '../../core/result.ts'
import type { Micros } from '../../core/time.ts'
import type { LineKind, RatedLine } from './line.ts'
import { at, complain, expectFields, isAbsent, readAmount, readList } from '../place.ts'
import type { Place } from '../place.ts'
import type { PriceKey } from '../price-key.ts'
import type { PartLine } from './rate-lines.ts'
import { roundQuantity } from './unit.ts'

/** Which line of a period it is. A part is known by where it begins, because it may still grow. */
export interface LineOf {
  readonly price: PriceKey
  readonly kind: LineKind
  readonly from: Micros
}

/** What earlier runs of a period billed for a line, together or one by one. */
export interface BilledLine extends LineOf {
  readonly quantity: Exact
  readonly amount: Minor
}

/** A line of the whole so far: what is owed for it, and the rating that says why. */
export interface WholeLine extends BilledLine {
  readonly rated: RatedLine
}

/** What is billed for a line now: what is owed, less what was billed before. Below zero where what is owed has fallen. */
export interface Difference<Line extends BilledLine> extends BilledLine {
  /** Null when nothing is owed for the line any more. */
  readonly owed: Line | null
  /** What was billed for it before; zero where nothing was. */
  readonly before: { readonly quantity: Exact; readonly amount: Minor }
}

export type RunLine = Difference<WholeLine>

export interface Run {
  /** The lines of all usage of the period so far, rated as one; until the period is over, rated with `isInterim`. */
  readonly whole: readonly PartLine[]
  /** Everything that earlier runs of the period billed. */
  readonly billed: readonly BilledLine[]
  /** Whether the period is over: what is missing to a minimum or commitment is not known before. */
  readonly isFinal: boolean
}

const keyOf = ({ price, kind, from }: LineOf): string => `${price} ${kind} ${from}`

function sumsOf(lines: readonly BilledLine[]): Map<string, BilledLine> {
  const sums = new Map<string, BilledLine>()
  for (const line of lines) {
    const { price, kind, from } = line
    const sum = sums.get(keyOf(line))
    const quantity = add(sum?.quantity ?? zero, line.quantity)
    const amount = ((sum?.amount ?? 0n) + line.amount) as Minor
    sums.set(keyOf(line), { price, kind, from, quantity, amount })
  }
  return sums
}

function differenceOf<Line extends BilledLine>(
  { price, kind, from }: LineOf,
  owed: Line | null,
  billed: BilledLine | undefined,
): Difference<Line> {
  const before = { quantity: billed?.quantity ?? zero, amount: billed?.amount ?? (0n as Minor) }
  const quantity = subtract(owed?.quantity ?? zero, before.quantity)
  return { price, kind, from, quantity, amount: ((owed?.amount ?? 0n) - before.amount) as Minor, owed, before }
}

/** What is owed for each line, less what was billed for the same line before. Lines that did not change are left out. */
export function difference<Line extends BilledLine>(
  owed: readonly Line[],
  billed: readonly BilledLine[],
): readonly Difference<Line>[] {
  const sums = sumsOf(billed)
  const lines = owed.map((line) => {
    const before = sums.get(keyOf(line))
    sums.delete(keyOf(line))
    return differenceOf(line, line, before)
  })
  const gone = [...sums.values()].map((line) => differenceOf<Line>(line, null, line))
  return [...lines, ...gone].filter(({ quantity, amount }) => amount !== 0n || !isZero(quantity))
}

/**
 * What a run of a period bills when the period is billed in several: the whole so far, less what earlier runs billed.
 * Rounded amounts are subtracted, so that all runs together are always the one rating of the whole, to the cent, in
 * whatever pieces usage came. Late usage raises a line of a period that was billed already, usage that was taken back
 * lowers it.
 */
export function progress({ whole, billed, isFinal }: Run): readonly RunLine[] {
  // To leave it out here would be too late: a surcharge would be a percentage of it already.
  const isRatedSo = isFinal || whole.every(({ line }) => line.kind !== 'true_up')
  assert(isRatedSo, 'before its period is over, a run is rated without what is missing to a minimum or commitment')
  const owed = whole.map(({ part, line }): WholeLine => {
    const { price, kind, quantity, amount } = line
    return { price, kind, from: part.part.from, quantity, amount, rated: line }
  })
  return difference(owed, billed)
}

/** When usage is billed before its period is over: as soon as it costs so much. */
export interface Thresholds {
  /** In rising order. */
  readonly amounts: readonly Exact[]
  /** After the last of them, again each time it costs so much more; null: never again. */
  readonly each: Exact | null
}

const thresholdsMax = 50

/** Reads `{ "amounts": ["200", "500"], "each": "500" }`. */
export function readThresholds(place: Place): Thresholds {
  expectFields(place, ['amounts', 'each'])
  const [amounts, each] = [at(place, 'amounts'), at(place, 'each')]
  if (isAbsent(amounts) && isAbsent(each)) complain(place, 'has "amounts", "each" or both')
  const places = isAbsent(amounts) ? [] : readList(amounts, thresholdsMax)
  const values = places.map(readAmount)
  places.forEach((item, index) => {
    if (compare(values[index] ?? zero, values[index - 1] ?? zero) <= 0)
      complain(item, index === 0 ? 'is above zero' : 'is above the one before')
  })
  const step = isAbsent(each) ? null : readAmount(each)
  if (step !== null && isZero(step)) complain(each, 'is above zero')
  return { amounts: values, each: step }
}

export function thresholdsJson({ amounts, each }: Thresholds): object {
  return {
    ...(amounts.length === 0 ? {} : { amounts: amounts.map(formatExact) }),
    ...(each === null ? {} : { each: formatExact(each) }),
  }
}

/**
 * The highest threshold that cost has reached since it was looked at last, or null: then an invoice is due for all that
 * is not billed yet. Cost that only falls reaches nothing, and a threshold is reached once.
 */
export function thresholdDue(
  { amounts, each }: Thresholds,
  { before, now }: { readonly before: Exact; readonly now: Exact },
): Exact | null {
  const reached = amounts.findLast((amount) => compare(before, amount) < 0 && compare(now, amount) >= 0) ?? null
  if (each === null) return reached
  const last = amounts.at(-1) ?? zero
  const turns = (cost: Exact): Exact => {
    const beyond = larger(subtract(cost, last), zero)
    return roundQuantity(divide(beyond, each), { mode: 'down', decimals: 0 })
  }
  const turn = turns(now)
  return compare(turn, turns(before)) > 0 ? add(last, multiply(each, turn)) : reached
}
