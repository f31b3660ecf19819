import { unreachable } from '../../core/result.ts'
import { activeHoursRows } from './active-hours.ts'
import { partialColumns, plainRows, wholeSql } from './plain.ts'
import type { PartialMeasure } from './plain.ts'
import { groupsOf } from './question.ts'
import type { MeasurePart, Rolled } from './question.ts'
import type { Measure } from './measure.ts'

/** Whether hours of this measure can be rolled: parts of it over disjoint hours can be put together. */
export function isPartial(measure: Measure): measure is PartialMeasure {
  switch (measure.kind) {
    case 'count':
    case 'sum':
    case 'min':
    case 'max':
    case 'average':
    case 'latest':
    case 'active_hours':
      return true
    case 'unique':
    case 'level':
    case 'peak':
    case 'percentile':
      return false
    default:
      return unreachable(measure)
  }
}

/** Partial measures of the stored rows: window_us, the groups' columns, and `partialColumns`. */
export function partialRows(measure: PartialMeasure, part: MeasurePart): string {
  return measure.kind === 'active_hours' ? activeHoursRows(measure, part) : plainRows(measure, part)
}

/** The same columns out of rolled hours, which are by account alone. */
function rolledRows(rolled: Rolled, { question, parameters, groups, fence }: MeasurePart): string {
  const runs = parameters.add(rolled.runs, 'Array(Int64)')
  const generations = parameters.add(rolled.generations, 'Array(UInt64)')
  const columns = [
    `roundDown(hour_us, ${parameters.add(question.starts, 'Array(Int64)')}) AS window_us`,
    ...groups.columns([]),
    ...partialColumns,
  ]
  const where = [
    fence,
    `meter = ${parameters.add(rolled.meter, 'String')}`,
    `meter_version = ${parameters.add(rolled.version, 'UInt32')}`,
    `definition = ${parameters.add(rolled.definition, 'UInt64')}`,
    `hour_us >= ${parameters.add(Math.max(rolled.runs[0] ?? question.period.to, question.period.from), 'Int64')}`,
    `hour_us < ${parameters.add(question.period.to, 'Int64')}`,
    `generation = transform(roundDown(hour_us, ${runs}), ${runs}, ${generations}, toUInt64(0))`,
  ]
  return `SELECT ${columns.join(', ')} FROM rollup WHERE ${where.join(' AND ')}`
}

/** Rolled hours, and what is not rolled from the events, put together. */
export function partialSql(measure: PartialMeasure, part: MeasurePart): string {
  const { question, groups, parameters } = part
  const { rolled, apart: _, ...single } = question
  // Every group by itself first: which of them stay apart is looked at once for each, not for each event.
  const each = groupsOf(single, parameters)
  const partEach = { ...part, question: single, groups: each }
  const columns = ['window_us', ...each.names, ...partialColumns].join(', ')
  const counted = rolled === undefined || rolled.rest.length > 0 ? [partialRows(measure, partEach)] : []
  const parts = rolled === undefined ? counted : [...counted, rolledRows(rolled, partEach)]
  const rows = parts.map((sql) => `SELECT ${columns} FROM (${sql})`).join(' UNION ALL ')
  const by = ['window_us', ...groups.names].join(', ')
  const answered = groups.columns(groups.values.map((_, index) => `k${index}`))
  const keys = [
    'window_us',
    ...(groups.byAccount ? ['account'] : []),
    ...groups.values.map((_, index) => `d${index} AS k${index}`),
  ]
  const named = `SELECT ${[...keys, ...partialColumns].join(', ')} FROM (${rows})`
  const select = ['window_us', ...answered, ...wholeSql(measure)].join(', ')
  return `SELECT ${select} FROM (${named}) GROUP BY ${by}`
}
