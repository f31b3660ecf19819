import { unreachable } from '../../core/result.ts'
import { dayMicros, hourMicros, instantMin, secondMicros } from '../../core/time.ts'
import { dimensionSql } from '../condition.ts'
import { expressionSql } from '../expression.ts'
import type { LevelMeasure, LevelUnit } from './measure.ts'
import { windowsOf } from './question.ts'
import type { MeasurePart, Windows } from './question.ts'

const lastInstant = '9223372036854775807'

/** Microseconds of a unit; of `window` the length of the window itself. */
function unitSql(per: LevelUnit, { starts }: Windows, end: string): string {
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
      return `(if(at = length(${starts}), ${end}, ${starts}[at + 1]) - ${starts}[at])`
    default:
      return unreachable(per)
  }
}

/**
 * Level times time. A level holds from its event until the next of its key, also from before the period; it is cut at
 * the windows' ends, so that any cut of time into windows adds up. Before the first event there is no level.
 */
export function levelSql(measure: LevelMeasure, { question, parameters, groups, rows }: MeasurePart): string {
  const windows = windowsOf(question, parameters)
  const { starts, ends } = windows
  const { sql: value } = expressionSql(measure.value, parameters)
  const from = parameters.add(question.period.from, 'Int64')
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
    measure.mode === 'set' ? 'given AS level' : `sum(given) ${over} CURRENT ROW) AS level`,
    '0 AS unknown',
  ]
  const read = `SELECT ${events.join(', ')} ${rows(instantMin)}`
  const valued = `SELECT ${levels.join(', ')} FROM (${read}) WHERE isNotNull(given)`
  const without = `SELECT account, ${keys.map((name) => `${name}, `).join('')}time_us, time_us + 1, toDecimal256(0, 18), 1 FROM (${read}) WHERE isNull(given) AND time_us >= ${from}`
  const at = `arrayJoin(arrayFilter((at, start, end) -> greatest(begin_us, start) < least(end_us, end), arrayEnumerate(${starts}), ${starts}, ${ends})) AS at`
  const held = `(least(end_us, ${ends}[at]) - greatest(begin_us, ${starts}[at]))`
  const columns = [
    `${starts}[at] AS window_us`,
    ...groups.columns(keys),
    `sum(assumeNotNull(level) * ${held}) AS measured`,
    `toInt256(any(${unitSql(measure.per, windows, parameters.add(question.period.to, 'Int64'))})) AS divisor`,
    'sum(unknown) AS missing',
  ]
  const by = ['window_us', ...groups.names].join(', ')
  return `SELECT ${columns.join(', ')} FROM (SELECT *, ${at} FROM (${valued} UNION ALL ${without})) GROUP BY ${by}`
}
