import { instantMin } from '../../core/time.ts'
import { dimensionSql } from '../condition.ts'
import type { Membership, UniqueMeasure } from './measure.ts'
import { windowsOf } from './question.ts'
import type { MeasurePart } from './question.ts'

const lastInstant = '9223372036854775807'

/** Distinct values of a window's events. */
function occurringSql({ field }: UniqueMeasure, { question, parameters, groups, rows }: MeasurePart): string {
  const value = dimensionSql(field, parameters)
  const columns = [
    `roundDown(time_us, ${parameters.add(question.starts, 'Array(Int64)')}) AS window_us`,
    ...groups.columns(groups.values),
    // Two accounts that have one value are two, also over all.
    `toDecimal256(uniqExactIf((account, ${value}), isNotNull(${value})), 18) AS measured`,
    'toInt256(1) AS divisor',
    `countIf(isNull(${value})) AS missing`,
  ]
  return `SELECT ${columns.join(', ')} ${rows()} GROUP BY ${['window_us', ...groups.names].join(', ')}`
}

/** Keys that are in at the end of a window: their last event by then put them in. The group is that event's. */
function presentSql(
  { field }: UniqueMeasure,
  membership: Membership,
  { question, parameters, groups, rows }: MeasurePart,
): string {
  const { starts, ends } = windowsOf(question, parameters)
  const operation = dimensionSql(membership.field, parameters)
  const added = parameters.add(membership.add, 'Array(String)')
  const removed = parameters.add(membership.remove, 'Array(String)')
  const key = dimensionSql(field, parameters)
  const events = [
    'account',
    `${key} AS member`,
    'time_us',
    `has(${added}, ${operation}) AS is_in`,
    ...groups.values.map((value, index) => `${value} AS k${index}`),
    `leadInFrame(time_us, 1, ${lastInstant}) OVER (PARTITION BY account, member ORDER BY time_us, offset ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS next_us`,
  ]
  const from = membership.carried ? instantMin : question.period.from
  const about = `isNotNull(${key}) AND ifNull(has(arrayConcat(${added}, ${removed}), ${operation}), 0)`
  // The windows whose last instant lies between an event and the next of its key: start < end <= next.
  const at = membership.carried ? '' : `AND time_us >= ${starts}[at]`
  const windows = `arrayJoin(arrayFilter((at, end) -> time_us < end AND end <= next_us AND end > ${starts}[at] ${at}, arrayEnumerate(${ends}), ${ends}))`
  const members = `SELECT *, ${starts}[${windows}] AS window_us FROM (SELECT ${events.join(', ')} ${rows(from)} AND ${about}) WHERE is_in`
  const columns = [
    'window_us',
    ...groups.columns(groups.values.map((_, index) => `k${index}`)),
    'toDecimal256(uniqExact((account, member)), 18) AS measured',
    'toInt256(1) AS divisor',
    '0 AS missing',
  ]
  return `SELECT ${columns.join(', ')} FROM (${members}) GROUP BY ${['window_us', ...groups.names].join(', ')}`
}

export function uniqueSql(measure: UniqueMeasure, part: MeasurePart): string {
  return measure.membership === null ? occurringSql(measure, part) : presentSql(measure, measure.membership, part)
}
