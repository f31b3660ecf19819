import { compare, formatExact, sum, zero } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { addMinor, formatMinor, minorAmount, roundToMinor } from '../../core/money.ts'
import type { Currency } from '../../core/money.ts'
import { formatInstant } from '../../core/time.ts'
import type { Micros, Period } from '../../core/time.ts'
import { lineKinds } from '../rate/line.ts'
import {
  amountRule,
  at,
  complain,
  expectFields,
  isAbsent,
  readChoice,
  readDecimal,
  readEach,
  readFlag,
  readInstant,
  readKey,
  readList,
} from '../place.ts'
import type { Place } from '../place.ts'
import type { PriceKey } from '../price-key.ts'
import { progress, readThresholds, thresholdDue } from '../rate/progressive.ts'
import type { BilledLine, RunLine, Thresholds } from '../rate/progressive.ts'
import type { PartLine } from '../rate/rate-lines.ts'

/** A period that is billed in several runs: what was billed of it, and from which cost on the next run is due. */
export interface ProgressiveInput {
  readonly thresholds: Thresholds | null
  readonly billed: readonly BilledLine[]
  /** Whether the period is over: minimums and commitments are settled by its last run only. */
  readonly isFinal: boolean
}

const billedMax = 1000

interface Context {
  readonly currency: Currency
  readonly period: Period | null
}

function readBilled(place: Place, { currency, period }: Context): BilledLine {
  expectFields(place, ['price', 'kind', 'from', 'quantity', 'amount'])
  const [from, quantity, amount] = [at(place, 'from'), at(place, 'quantity'), at(place, 'amount')]
  const billed = readDecimal(amount, amountRule)
  const minor = roundToMinor(billed, currency)
  if (compare(minorAmount(minor, currency), billed) !== 0)
    complain(amount, `is an amount that was billed, to the minor unit of ${currency}`)
  return {
    price: readKey(at(place, 'price'), 'data_transfer_out') as PriceKey,
    kind: readChoice(at(place, 'kind'), lineKinds, 'usage'),
    from: isAbsent(from) ? (period?.from ?? (0 as Micros)) : readInstant(from),
    quantity: isAbsent(quantity) ? zero : readDecimal(quantity, { decimalsMax: 18 }),
    amount: minor,
  }
}

/** Reads `{ "thresholds": {…}, "billed": […], "is_final": false }`; absent: the period is billed once. */
export function readProgressive(place: Place, context: Context): ProgressiveInput | null {
  if (isAbsent(place)) return null
  expectFields(place, ['thresholds', 'billed', 'is_final'])
  const [thresholds, billed] = [at(place, 'thresholds'), at(place, 'billed')]
  const isNothing = isAbsent(billed) || (Array.isArray(billed.value) && billed.value.length === 0)
  return {
    thresholds: isAbsent(thresholds) ? null : readThresholds(thresholds),
    billed: isNothing ? [] : readEach(readList(billed, billedMax), (item) => readBilled(item, context)),
    isFinal: readFlag(at(place, 'is_final')),
  }
}

function lineJson(
  { price, kind, from, quantity, amount, owed, before }: RunLine,
  { currency, period }: Context,
): object {
  return {
    price,
    kind,
    ...(period === null ? {} : { from: formatInstant(from) }),
    quantity: formatExact(quantity),
    amount: formatMinor(amount, currency),
    owed: owed === null ? null : formatMinor(owed.amount, currency),
    billed_before: formatMinor(before.amount, currency),
  }
}

/**
 * What the next run of a period bills, and which threshold it is due for. Without thresholds, or with a period that is
 * over, it is due anyway.
 */
export function progressiveJson(whole: readonly PartLine[], input: ProgressiveInput, context: Context): object {
  const { currency } = context
  const { thresholds, billed, isFinal } = input
  const run = progress({ whole, billed, isFinal })
  const cost = (amounts: readonly BilledLine['amount'][]): Exact =>
    sum(amounts.map((amount) => minorAmount(amount, currency)))
  const costs = { before: cost(billed.map(({ amount }) => amount)), now: cost(whole.map(({ line }) => line.amount)) }
  const reached = thresholds === null ? null : thresholdDue(thresholds, costs)
  return {
    is_due: isFinal || thresholds === null || reached !== null,
    threshold: reached === null ? null : formatExact(reached),
    lines: run.map((line) => lineJson(line, context)),
    total: formatMinor(addMinor(run.map(({ amount }) => amount)), currency),
  }
}
