/** The form of usage: from a question to the store's question, and from measured rows to rows of an answer. */
import { Refusal } from '../core/errors.ts'
import { divide, exact, zero } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import type { AccountKey, Offset } from '../core/ids.ts'
import { assert } from '../core/result.ts'
import { windowStarts } from '../core/time.ts'
import type { Micros, Period, WindowSize } from '../core/time.ts'
import type { Measure } from '../store/measure/measure.ts'
import type { FactQuestion, MeasuredRow, Scope, Supposition } from '../store/query.ts'
import type { Dimension, MeterDefinition } from './definition.ts'

/** Only events of which a dimension has one of these values; an absent value is none of them (L13). */
export interface Only {
  readonly field: Dimension
  readonly values: readonly string[]
}

/** One question for one number. */
export interface UsageQuestion {
  readonly account: AccountKey
  readonly meter: MeterDefinition
  readonly period: Period
  /** Without a window there is one row for the whole period (and group). */
  readonly window: WindowSize | null
  readonly zone: string
  /** The zone that the period is a month of, where it is another one than `zone`. */
  readonly periodZone?: string
  readonly groupBy: readonly Dimension[]
  /** Only events with a log offset below this: usage is a pure function of the log up to an offset (L5). */
  readonly below: Offset
  /** Levels, sessions and intervals count up to here; what comes later is not known. Left out: to the period's end. */
  readonly until?: Micros
  /** Only the groups of the largest quantities, so many; all others together are one more. */
  readonly top?: number
  /** Names of the groups that stay apart, as `UsageAnswer.apart` gave them. Left out: `top` decides. */
  readonly apart?: readonly string[]
  /** Only some values of declared dimensions. Left out: all of them. */
  readonly only?: readonly Only[]
  /** Usage as it would be if this were done: for previews. Left out: as it is. */
  readonly supposing?: Supposition
}

export interface UsageRow {
  readonly from: Micros
  readonly to: Micros
  /** Absent dimension values are null, which is not the empty text. */
  readonly group: Readonly<Record<string, string | null>>
  /** The row of all groups that are not among the top ones; its group is empty. */
  readonly others?: true
  /** Null: no event has a value, so there is no smallest, newest or average one, which is not zero (L13). */
  readonly quantity: Exact | null
  /** Matching events that carried no value for the summed field: not known, which is not zero (L13). */
  readonly eventsWithoutValue: bigint
}

type Span = Pick<UsageQuestion, 'period' | 'window' | 'zone'>

/** The starts of a question's windows; refuses more than `most`. */
export function startsOf({ period, window, zone }: Span, most: number): readonly Micros[] {
  if (period.from >= period.to) throw new Refusal('REQUEST_INVALID', 'from must be before to')
  if (window === null) return [period.from]
  const starts = windowStarts(period, window, zone, most)
  if (!starts.ok) throw new Refusal('QUERY_TOO_LARGE', starts.error)
  return starts.value
}

export function checkDimensions(meter: MeterDefinition, dimensions: readonly Dimension[], verb: string): void {
  const undeclared = dimensions.filter((dimension) => !meter.groupBy.includes(dimension))
  if (undeclared.length > 0) {
    throw new Refusal(
      'REQUEST_INVALID',
      `meter ${meter.key} is not ${verb} by ${undeclared.join(', ')}; it declares ${meter.groupBy.join(', ') || 'nothing'}`,
    )
  }
}

/** What a window without events measures: counted and found empty is zero, but there is no smallest of nothing. */
export function emptyQuantity({ kind }: Measure): Exact | null {
  return kind === 'min' || kind === 'max' || kind === 'average' || kind === 'latest' ? null : zero
}

export function factQuestionOf(question: Omit<UsageQuestion, 'account'>, scope: Scope): Omit<FactQuestion, 'starts'> {
  const { meter, period, groupBy, below, until, supposing } = question
  return {
    scope,
    period,
    below,
    measure: meter.aggregation,
    conditions: meter.filter,
    dimensions: groupBy,
    ...(until === undefined ? {} : { until }),
    ...(supposing === undefined ? {} : { supposing }),
  }
}

/** Where each window ends. */
export function endsOf(starts: readonly Micros[], period: Period): ReadonlyMap<Micros, Micros> {
  return new Map(starts.map((start, index) => [start, starts[index + 1] ?? period.to]))
}

function quantityOf({ quantity, divisor }: MeasuredRow): Exact | null {
  if (quantity === null) return null
  return divisor === '1' ? exact(quantity) : divide(exact(quantity), exact(divisor))
}

export function usageRow(
  row: MeasuredRow,
  { ends, groupBy }: { readonly ends: ReadonlyMap<Micros, Micros>; readonly groupBy: readonly Dimension[] },
): UsageRow {
  const to = ends.get(row.windowStart)
  assert(to !== undefined, 'the store answers in the windows it was asked for')
  const others = row.groupName === '' && (true as const)
  return {
    from: row.windowStart,
    to,
    group: others
      ? {}
      : Object.fromEntries(groupBy.map((dimension, index) => [dimension, row.dimensions[index] ?? null])),
    ...(others ? { others } : {}),
    quantity: quantityOf(row),
    eventsWithoutValue: BigInt(row.missing),
  }
}

/** Puts measured rows into windows. Without groups every window has a row. */
export function rowsOf(
  measured: readonly MeasuredRow[],
  starts: readonly Micros[],
  { period, groupBy, meter }: Pick<UsageQuestion, 'period' | 'groupBy' | 'meter'>,
): UsageRow[] {
  const ends = endsOf(starts, period)
  const rows = measured.map((row) => usageRow(row, { ends, groupBy }))
  if (groupBy.length > 0) return rows
  const byStart = new Map(rows.map((row) => [row.from, row]))
  const quantity = emptyQuantity(meter.aggregation)
  return starts.map((from): UsageRow => {
    const empty = { from, to: ends.get(from) ?? period.to, group: {}, quantity, eventsWithoutValue: 0n }
    return byStart.get(from) ?? empty
  })
}
