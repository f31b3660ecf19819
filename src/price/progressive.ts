import { add, compare, divide, isZero, larger, multiply, subtract, zero } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import type { Minor } from '../core/money.ts'
import type { Micros } from '../core/time.ts'
import type { LineKind, RatedLine } from './line.ts'
import { at, complain, expectFields, isAbsent, readAmount, readList } from './place.ts'
import type { Place } from './place.ts'
import type { PriceKey } from './price-key.ts'
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

/** What a run bills for a line: the whole so far, less what was billed before. Below zero where the whole has fallen. */
export interface RunLine extends BilledLine {
  /** The line of the whole so far, with its trace; null when there is no such line any more. */
  readonly whole: RatedLine | null
  /** What earlier runs billed for it; zero where there was nothing. */
  readonly before: { readonly quantity: Exact; readonly amount: Minor }
}

export interface Run {
  /** The lines of all usage of the period so far, rated as one. */
  readonly whole: readonly PartLine[]
  /** Everything that earlier runs of the period billed. */
  readonly billed: readonly BilledLine[]
  /** Whether the period is over: what is missing to a minimum or commitment is not known before. */
  readonly isFinal: boolean
}

interface Sum {
  readonly line: LineOf
  quantity: Exact
  amount: bigint
}

const keyOf = ({ price, kind, from }: LineOf): string => `${price} ${kind} ${from}`

function sumsOf(lines: readonly BilledLine[]): Map<string, Sum> {
  const sums = new Map<string, Sum>()
  for (const { price, kind, from, quantity, amount } of lines) {
    const line = { price, kind, from }
    const sum = sums.get(keyOf(line)) ?? { line, quantity: zero, amount: 0n }
    sum.quantity = add(sum.quantity, quantity)
    sum.amount += amount
    sums.set(keyOf(line), sum)
  }
  return sums
}

function runLine(line: LineOf, whole: RatedLine | null, billed: Sum | undefined): RunLine {
  const before = { quantity: billed?.quantity ?? zero, amount: (billed?.amount ?? 0n) as Minor }
  return {
    ...line,
    quantity: subtract(whole?.quantity ?? zero, before.quantity),
    amount: ((whole?.amount ?? 0n) - before.amount) as Minor,
    whole,
    before,
  }
}

/**
 * What a run of a period bills when the period is billed in several: each line of the whole so far, less what earlier
 * runs billed for the same line. Rounded amounts are subtracted, so that all runs together are always the one rating of
 * the whole, to the cent, in whatever pieces usage came. Late usage raises a line of a period that was billed already,
 * usage that was taken back lowers it. Lines that did not change are left out.
 */
export function progress({ whole, billed, isFinal }: Run): readonly RunLine[] {
  const sums = sumsOf(billed)
  const now = whole.filter(({ line }) => isFinal || line.kind !== 'true_up')
  const lines = now.map(({ part, line }) => {
    const which = { price: line.price, kind: line.kind, from: part.part.from }
    const run = runLine(which, line, sums.get(keyOf(which)))
    sums.delete(keyOf(which))
    return run
  })
  const gone = [...sums.values()].map((sum) => runLine(sum.line, null, sum))
  return [...lines, ...gone].filter(({ quantity, amount }) => amount !== 0n || !isZero(quantity))
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

/**
 * The highest threshold that cost has reached since it was looked at last, or null: then an invoice is due for all that
 * is not billed yet. Cost that only falls reaches nothing, and a threshold is reached once.
 */
export function thresholdDue(
  { amounts, each }: Thresholds,
  { before, now }: { readonly before: Exact; readonly now: Exact },
): Exact | null {
  const reached = amounts.filter((amount) => compare(before, amount) < 0 && compare(now, amount) >= 0).at(-1) ?? null
  if (each === null) return reached
  const last = amounts.at(-1) ?? zero
  const turns = (cost: Exact): Exact => {
    const beyond = larger(subtract(cost, last), zero)
    return roundQuantity(divide(beyond, each), { mode: 'down', decimals: 0 })
  }
  const turn = turns(now)
  return compare(turn, turns(before)) > 0 ? add(last, multiply(each, turn)) : reached
}
