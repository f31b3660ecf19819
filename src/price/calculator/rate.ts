import { formatExact, sum } from '../../core/exact.ts'
import { addMinor, formatMinor, minorAmount } from '../../core/money.ts'
import type { Currency } from '../../core/money.ts'
import { formatInstant } from '../../core/time.ts'
import type { LineKind, RatedLine } from '../rate/line.ts'
import { rateLines } from '../rate/rate-lines.ts'
import type { PartLine } from '../rate/rate-lines.ts'
import { progressiveJson } from './rate-progressive.ts'
import type { RateRequest } from './rate-request.ts'
import { sentencesOf } from '../rate/sentences.ts'
import { totalsJson, totalsOf } from '../rate/totals.ts'
import { sumFormula, traceStep } from '../rate/trace.ts'
import type { TraceStep } from '../rate/trace.ts'

export { parseRateRequest } from './rate-request.ts'
export type { RateRequest } from './rate-request.ts'

/** The answer of POST /v1/rate (DESIGN §11). */
export interface RateAnswer {
  readonly lines: readonly RateLineJson[]
  /** With discounts, credits or taxes: what the invoice would say, tax included. Otherwise what the lines add up to. */
  readonly total: string
  /** Of the one line; of several, how they add up: each has its own. */
  readonly trace: readonly TraceStep[]
  readonly totals?: object
  /** What the next run of the period bills, where it is billed in several. */
  readonly progressive?: object
}

export interface RateLineJson {
  /** The key of the price. */
  readonly price: string
  readonly kind: LineKind
  readonly description: string
  readonly quantity: string
  readonly billable_quantity: string
  readonly unit: string
  readonly unit_amount: string | null
  readonly exact_amount: string
  readonly amount: string
  /** Where the request names a period: when the price held. */
  readonly from?: string
  readonly to?: string
  readonly trace: readonly TraceStep[]
  /** The trace in words that a customer understands. */
  readonly sentences: readonly string[]
}

function lineJson({ line, part: { part } }: PartLine, { currency, period }: RateRequest): RateLineJson {
  return {
    price: line.price,
    kind: line.kind,
    description: line.description,
    quantity: formatExact(line.quantity),
    billable_quantity: formatExact(line.billableQuantity),
    unit: line.unit,
    unit_amount: line.unitAmount === null ? null : formatExact(line.unitAmount),
    exact_amount: formatExact(line.exactAmount),
    amount: formatMinor(line.amount, currency),
    ...(period === null ? {} : { from: formatInstant(part.from), to: formatInstant(part.to) }),
    trace: line.trace,
    sentences: sentencesOf(line, currency),
  }
}

function traceOf(lines: readonly RatedLine[], currency: Currency): readonly TraceStep[] {
  const [only, ...more] = lines
  if (only !== undefined && more.length === 0) return only.trace
  const amounts = lines.map(({ amount }) => minorAmount(amount, currency))
  const about = lines.length === 0 ? 'no line' : 'all lines together'
  return [traceStep({ step: 'add_up', about, formula: sumFormula(amounts), unit: currency }, sum(amounts))]
}

/** Rates a request. Pure: the same request always has the same answer. */
export function rate(request: RateRequest): RateAnswer {
  const { currency } = request
  const { progressive } = request
  const isInterim = progressive !== null && !progressive.isFinal
  const rated = rateLines(request.parts, { currency, traced: true, isInterim })
  const lines = rated.map(({ line }) => line)
  const totals = request.totals === null ? null : totalsOf(lines, request.totals)
  return {
    lines: rated.map((one) => lineJson(one, request)),
    total: formatMinor(totals?.total ?? addMinor(lines.map(({ amount }) => amount)), currency),
    trace: traceOf(lines, currency),
    ...(totals === null ? {} : { totals: totalsJson(totals) }),
    ...(progressive === null ? {} : { progressive: progressiveJson(rated, progressive, request) }),
  }
}
