import { unreachable } from '../../core/result.ts'
import { dayMicros, hourMicros, instantMin, secondMicros } from '../../core/time.ts'
import { dimensionSql } from '../condition.ts'
import { expressionSql } from '../expression.ts'
import type { LevelMeasure, LevelUnit } from './measure.ts'
import { liveWindows, overPlaces } from './live-windows.ts'
import type { LiveWindows } from './live-windows.ts'
import type { MeasurePart } from './question.ts'

const lastInstant = '9223372036854775807'

/** Microseconds of a unit; of `window` the length of the window itself. */
function unitSql(per: LevelUnit, { lengths }: LiveWindows): string {
  switch (per) {
    case 'second':
      return String(secondMicros)
    case 'minute':
      return String(60 * secondMicros)
    case 'hour':
      return String(hourMicros)
    case 'day':
      return String(dayMicros)
    case 'window':
      return `${lengths}[at]`
    default:
      return unreachable(per)
  }
}

/** Each event with its level and until when it holds; and the events that carry no value, as `unknown`. */
function segmentsSql(measure: LevelMeasure, { parameters, groups, rows }: MeasurePart, windows: LiveWindows): string {
  const { sql: value } = expressionSql(measure.value, parameters)
  const key = measure.field === null ? "''" : `ifNull(toString(${dimensionSql(measure.field, parameters)}), '')`
  const keys = groups.values.map((_, index) => `k${index}`)
  const events = [
    'account',
    'time_us',
    'offset',
    `${key} AS level_key`,
    ...groups.values.map((dimension, index) => `${dimension} AS k${index}`),
    `toDecimal256(${value}, 18) AS given`,
  ]
  // A change belongs to the group of its event; what an event sets is the level of its key, whatever the group before.
  const partition = ['account', 'level_key', ...(measure.mode === 'change' ? keys : [])].join(', ')
  const over = `OVER (PARTITION BY ${partition} ORDER BY time_us, offset ROWS BETWEEN UNBOUNDED PRECEDING AND`
  const levels = [
    'account',
    ...keys,
    'time_us AS begin_us',
    `leadInFrame(time_us, 1, ${lastInstant}) ${over} UNBOUNDED FOLLOWING) AS end_us`,
    `assumeNotNull(${measure.mode === 'set' ? 'given' : `sum(given) ${over} CURRENT ROW)`}) AS level`,
    'toUInt64(0) AS unknown',
  ]
  const read = `SELECT ${events.join(', ')} ${rows(instantMin)}`
  const nothing = ['account', ...keys, 'time_us', 'time_us + 1', 'toDecimal256(0, 18)', 'toUInt64(1)'].join(', ')
  const valued = `SELECT ${levels.join(', ')} FROM (${read}) WHERE isNotNull(given)`
  const without = `SELECT ${nothing} FROM (${read}) WHERE isNull(given) AND time_us >= ${windows.from}`
  return `SELECT * FROM (${valued} UNION ALL ${without}) WHERE greatest(begin_us, ${windows.from}) < least(end_us, ${windows.end})`
}

/**
 * Level times time. A level holds from its event until the next of its key, also from before the period; it is cut at
 * the windows' ends, so that any cut of time into windows adds up. Before the first event there is no level.
 *
 * Each level is two steps, up where it begins and down where it ends. A step counts for the rest of its own window, and
 * is there in all later ones; so a level that holds for years is not written out window by window for each event.
 */
export function levelSql(measure: LevelMeasure, part: MeasurePart): string {
  const { groups } = part
  const windows = liveWindows(part)
  const { from, end, starts, ends } = windows
  const keys = groups.values.map((_, index) => `k${index}`)
  const steps = [
    'account',
    ...keys,
    'sign',
    'unknown',
    'level * sign AS step',
    `if(sign = 1, greatest(begin_us, ${from}), least(end_us, ${end})) AS step_us`,
    // What ends with a window ends in it.
    `${windows.placeOf('if(sign = 1, step_us, step_us - 1)')} AS place`,
  ]
  const placed = [
    'place',
    ...groups.columns(keys),
    `sum(step * (${ends}[place] - step_us)) AS here`,
    'sum(step) AS level',
    'sum(toInt64(sign)) AS open',
    'countIf(sign = 1) AS begun',
    'sumIf(unknown, sign = 1) AS without',
  ]
  const each = `SELECT ${steps.join(', ')} FROM (${segmentsSql(measure, part, windows)}) ARRAY JOIN [1, -1] AS sign`
  const byPlace = `SELECT ${placed.join(', ')} FROM (${each}) GROUP BY ${['place', ...groups.names].join(', ')}`
  const columns = [
    `${starts}[at] AS window_us`,
    ...groups.names,
    `level_before * (${ends}[at] - ${starts}[at]) + if(at = place, here, level * (${ends}[at] - ${starts}[at])) AS measured`,
    `toInt256(${unitSql(measure.per, windows)}) AS divisor`,
    'if(at = place, without, 0) AS missing',
  ]
  const filled = `SELECT *, arrayJoin(range(place, next_place)) AS at FROM (${overPlaces(byPlace, part, windows, ['level', 'open'])})`
  const there = 'if(at = place, open_before > 0 OR begun > 0, open_before + open > 0)'
  return `SELECT ${columns.join(', ')} FROM (${filled}) WHERE ${there}`
}
