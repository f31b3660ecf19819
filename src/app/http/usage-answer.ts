/** The form of GET /v1/usage, for /openapi.json and for the code that writes it. */
import { z } from 'zod'
import { formatQuantity, formatScaled, roundToInteger } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { formatInstant, secondMicros } from '../../core/time.ts'
import type { Micros, Period } from '../../core/time.ts'
import type { Aggregation } from '../../meter/definition.ts'
import { intervalsOf, joined } from '../../meter/intervals.ts'
import type { UsageRow } from '../../meter/usage.ts'
import type { AsOf } from '../usage-as-of.ts'
import { changeOf } from '../usage-compare.ts'
import type { Compared } from '../usage-compare.ts'
import type { Forecasted } from '../usage-forecast.ts'
import { decimal } from './schema.ts'

const change = {
  difference: decimal.nullable(),
  percent: z.string().nullable().meta({ description: 'of the earlier quantity; null where that is zero or not known' }),
}

const row = z.object({
  from: z.string(),
  to: z.string(),
  group: z.record(z.string(), z.string().nullable()),
  others: z.literal(true).optional().meta({ description: 'all groups that are not among the top ones, as one' }),
  quantity: decimal.nullable().meta({
    description:
      'null: no event has a value, which is not zero. At most 18 decimals: where a quantity has more, as levels can, each row and the total are rounded by themselves, and the rows may differ from the total in the last of them',
  }),
  events_without_value: decimal,
  intervals: z.number().optional().meta({ description: 'of a percentile: the intervals of the window so far' }),
  unknown_intervals: z.number().optional().meta({
    description: 'of these, intervals for which it is not known whether everything has arrived',
  }),
  lower_bound: z
    .literal(true)
    .optional()
    .meta({ description: 'the percentile can become more: intervals are unknown' }),
  previous: z
    .object({ from: z.string(), to: z.string(), quantity: decimal.nullable(), ...change })
    .nullable()
    .optional()
    .meta({ description: 'the window in the same place of the period before; null: it has no such window' }),
})

const span = { from: z.string(), to: z.string() }

export const usageAnswer = z.object({
  account: z.string(),
  meter: z.string(),
  meter_version: z.number(),
  unit: z.string(),
  timezone: z.string(),
  ...span,
  additive: z.boolean().meta({ description: 'whether rows may be added up: windows of a period, groups of a window' }),
  why_not_additive: z.string().nullable(),
  sealed_until: z.string().nullable(),
  complete_until: z.string().nullable(),
  gaps: z.number().meta({
    description: 'gaps in numbered sources that can hold events of the period; GET /v1/completeness names them',
  }),
  counted_below_offset: z.number(),
  events_not_yet_counted: z.number(),
  measured_until: z.string().meta({ description: 'levels, peaks and intervals are measured up to here' }),
  rows: z.array(row),
  total: decimal
    .nullable()
    .meta({ description: 'of the whole period: the sum of the rows only where `additive` is true' }),
  events_without_value: decimal,
  compare: z
    .object({
      ...span,
      total: decimal.nullable(),
      ...change,
      same_part: z
        .object({ to: z.string(), total: decimal.nullable(), ...change })
        .nullable()
        .meta({ description: 'of a period that is not over: the part of the one before that is as long' }),
      only_then: z.array(row).meta({ description: 'rows of the period before that have no counterpart' }),
    })
    .nullable()
    .optional(),
  forecast: z
    .object({
      estimate: decimal.nullable(),
      low: decimal.nullable(),
      high: decimal.nullable(),
      method: z.string(),
      days: z.number(),
      basis: z.object(span).nullable(),
    })
    .optional()
    .meta({ description: 'an estimate to the end of the period; never part of a total' }),
  as_of: z
    .object({
      at: z.string(),
      counted_below_offset: z
        .number()
        .nullable()
        .meta({ description: 'for operators: how far the log had got says how much all accounts sent' }),
      total: decimal.nullable(),
      difference: decimal.nullable().meta({ description: 'what has been added since: total − as_of.total' }),
      rows: z.array(row),
    })
    .optional(),
})
type RowJson = z.output<typeof row>
export type UsageJson = z.output<typeof usageAnswer>

export function quantityText(quantity: Exact | null): string | null {
  return quantity === null ? null : formatQuantity(quantity)
}

export function rowJson({ from, to, group, others, quantity, eventsWithoutValue }: UsageRow): RowJson {
  return {
    from: formatInstant(from),
    to: formatInstant(to),
    group,
    ...(others === true ? { others } : {}),
    quantity: quantityText(quantity),
    events_without_value: String(eventsWithoutValue),
  }
}

function changeJson(now: Exact | null, then: Exact | null): { difference: string | null; percent: string | null } {
  const { difference, percent } = changeOf(now, then)
  return { difference: quantityText(difference), percent }
}

export type RowNote = (row: Pick<UsageRow, 'from' | 'to'>) => Partial<RowJson>

/** What a percentile says of its intervals (L13): those without traffic are samples of zero only where that is known. */
export function intervalNote(
  aggregation: Aggregation,
  { unknown, until }: { readonly unknown: readonly Period[]; readonly until: Micros },
): RowNote {
  if (aggregation.kind !== 'percentile') return () => ({})
  const interval = aggregation.intervalSeconds * secondMicros
  const times = joined(unknown)
  const known = new Map<Micros, Partial<RowJson>>()
  return ({ from, to }) => {
    const window = { from, to: Math.max(from, Math.min(to, until)) as Micros }
    const noted = known.get(from)
    if (noted !== undefined) return noted
    const intervals = intervalsOf(window, interval, times)
    const note = {
      intervals: intervals.count,
      unknown_intervals: intervals.unknown,
      ...(intervals.unknown > 0 ? { lower_bound: true as const } : {}),
    }
    known.set(from, note)
    return note
  }
}

/** What stood in the place of a row in the period before. */
export function previousNote(compared: Compared | null | undefined): (row: UsageRow) => Partial<RowJson> {
  if (compared === null || compared === undefined) return () => ({})
  return (row) => {
    const before = compared.rowBefore(row)
    if (before === null) return { previous: null }
    const { from, to, quantity } = before
    const span = { from: formatInstant(from), to: formatInstant(to) }
    return { previous: { ...span, quantity: quantityText(quantity), ...changeJson(row.quantity, quantity) } }
  }
}

export function compareJson(compared: Compared | null, total: Exact | null): UsageJson['compare'] {
  if (compared === null) return null
  const { period, answer, samePart, onlyThen } = compared
  return {
    from: formatInstant(period.from),
    to: formatInstant(period.to),
    total: quantityText(answer.total),
    ...changeJson(total, answer.total),
    same_part:
      samePart === null
        ? null
        : {
            to: formatInstant(samePart.to),
            total: quantityText(samePart.total),
            ...changeJson(total, samePart.total),
          },
    only_then: onlyThen.map(rowJson),
  }
}

/** Rounded to the decimals of the days that it is made of; the interval outwards by no more than one of the last. */
export function forecastJson(forecasted: Forecasted | null): NonNullable<UsageJson['forecast']> {
  const none = { estimate: null, low: null, high: null, days: 0, basis: null }
  if (forecasted === null) return { ...none, method: 'none: the period is over' }
  const { forecast, digits, basis } = forecasted
  if (forecast === null) return { ...none, method: 'none: there is no whole day with a count to go by yet' }
  const text = (value: Exact): string => formatScaled(roundToInteger(value, digits), digits)
  return {
    estimate: text(forecast.estimate),
    low: forecast.interval === null ? null : text(forecast.interval.low),
    high: forecast.interval === null ? null : text(forecast.interval.high),
    method: forecast.method,
    days: forecast.days,
    basis: { from: formatInstant(basis.from), to: formatInstant(basis.to) },
  }
}

/** L11: offsets of any two instants would say how much all other accounts sent between them. */
export function asOfJson(
  { at, below, answer }: AsOf,
  { total, isOperator }: { readonly total: Exact | null; readonly isOperator: boolean },
): NonNullable<UsageJson['as_of']> {
  return {
    at: formatInstant(at),
    counted_below_offset: isOperator ? below : null,
    total: quantityText(answer.total),
    difference: changeJson(total, answer.total).difference,
    rows: answer.rows.filter(({ from }) => from < at).map(rowJson),
  }
}
