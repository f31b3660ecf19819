import { instantMin } from '../../core/time.ts'
import { dimensionSql } from '../condition.ts'
import type { Membership, UniqueMeasure } from './measure.ts'
import { liveWindows, overPlaces } from './live-windows.ts'
import { untilOf } from './question.ts'
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

/**
 * The events that put keys in or take them out, as `member`, `is_in` and the groups' values. Whom an event without a key
 * is about is not known (L13): it changes nothing, and is counted as missing.
 */
function operationsSql(
  { field }: UniqueMeasure,
  membership: Membership,
  { question, parameters, groups, rows }: MeasurePart,
): string {
  const operation = dimensionSql(membership.field, parameters)
  const added = parameters.add(membership.add, 'Array(String)')
  const removed = parameters.add(membership.remove, 'Array(String)')
  const key = dimensionSql(field, parameters)
  const columns = [
    'account',
    `${key} AS member`,
    'time_us',
    'offset',
    `has(${added}, ${operation}) AS is_in`,
    ...groups.values.map((value, index) => `${value} AS k${index}`),
  ]
  const about = [
    `ifNull(has(arrayConcat(${added}, ${removed}), ${operation}), 0)`,
    `time_us < ${parameters.add(untilOf(question), 'Int64')}`,
  ]
  const from = membership.carried ? instantMin : question.period.from
  return `SELECT ${columns.join(', ')} ${rows(from)} AND ${about.join(' AND ')}`
}

/** Keys whose last event of the window put them in. The group is that event's. Events without a key stay single. */
function insideSql(operations: string, { question, parameters, groups }: MeasurePart): string {
  const keys = groups.values.map((_, index) => `k${index}`)
  const last = [
    `roundDown(time_us, ${parameters.add(question.starts, 'Array(Int64)')}) AS window_us`,
    'account',
    'member',
    'argMax(is_in, (time_us, offset)) AS stays_in',
    ...keys.map((name) => `argMax(tuple(${name}), (time_us, offset)).1 AS last_${name}`),
  ]
  const columns = [
    'window_us',
    ...groups.columns(keys.map((name) => `last_${name}`)),
    'toDecimal256(countIf(isNotNull(member)), 18) AS measured',
    'toInt256(1) AS divisor',
    'countIf(isNull(member)) AS missing',
  ]
  const single = 'if(isNull(member), offset, 0)'
  const members = `SELECT ${last.join(', ')} FROM (${operations}) GROUP BY window_us, account, member, ${single}`
  return `SELECT ${columns.join(', ')} FROM (${members}) WHERE stays_in OR isNull(member) GROUP BY ${['window_us', ...groups.names].join(', ')}`
}

/**
 * Keys that are in at the end of a window: their last event by then put them in. The group is that event's. A key is
 * counted up where it comes in and down where its next event lies, so that it is not written out window by window.
 */
function carriedSql(operations: string, part: MeasurePart): string {
  const { groups } = part
  const windows = liveWindows(part)
  const keys = groups.values.map((_, index) => `k${index}`)
  const over = 'OVER (PARTITION BY account, member ORDER BY time_us, offset ROWS BETWEEN UNBOUNDED PRECEDING AND'
  const next = `leadInFrame(time_us, 1, ${lastInstant}) ${over} UNBOUNDED FOLLOWING) AS next_us`
  // Of a period that has not begun by the end of what is counted nothing is known yet.
  const stays = `${windows.from} < ${windows.end} AND if(isNull(member), time_us >= ${windows.from}, is_in AND next_us > ${windows.from})`
  const lasting = `SELECT * FROM (SELECT *, ${next} FROM (${operations})) WHERE ${stays}`
  const changes = [
    'account',
    ...keys,
    'if(isNull(member), 0, change) AS step',
    'toUInt64(isNull(member) AND change = 1) AS unknown',
    // A key that nothing takes out before the end of what is counted is counted down nowhere.
    `if(change = -1 AND (isNull(member) OR next_us >= ${windows.end}), 0, ${windows.placeOf('if(change = 1, time_us, next_us)')}) AS place`,
  ]
  const each = `SELECT ${changes.join(', ')} FROM (${lasting}) ARRAY JOIN [1, -1] AS change`
  const sums = ['sum(toInt64(step)) AS members', 'sum(unknown) AS without']
  const placed = ['place', ...groups.columns(keys), ...sums].join(', ')
  const byPlace = `SELECT ${placed} FROM (${each}) WHERE place > 0 GROUP BY ${['place', ...groups.names].join(', ')}`
  const columns = [
    `${windows.starts}[at] AS window_us`,
    ...groups.names,
    'toDecimal256(members_before + members, 18) AS measured',
    'toInt256(1) AS divisor',
    'if(at = place, without, 0) AS missing',
  ]
  const filled = `SELECT *, arrayJoin(range(place, next_place)) AS at FROM (${overPlaces(byPlace, part, windows, ['members'])})`
  return `SELECT ${columns.join(', ')} FROM (${filled}) WHERE measured > 0 OR missing > 0`
}

export function uniqueSql(measure: UniqueMeasure, part: MeasurePart): string {
  const { membership } = measure
  if (membership === null) return occurringSql(measure, part)
  const operations = operationsSql(measure, membership, part)
  return membership.carried ? carriedSql(operations, part) : insideSql(operations, part)
}
