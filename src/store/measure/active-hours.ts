import { hourMicros } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import { dimensionSql } from '../condition.ts'
import type { ActiveHoursMeasure } from './measure.ts'
import type { MeasurePart } from './question.ts'

/**
 * An active hour is one unit that lies at its first event, so any cut of time into windows adds up. To know which event
 * was first, the hour in which the period begins is looked at from its start.
 */
export function activeHoursRows(
  measure: ActiveHoursMeasure,
  { question, parameters, groups, rows }: MeasurePart,
): string {
  const { period, starts } = question
  const hourStart = (period.from - (period.from % hourMicros)) as Micros
  const inner = [
    'account',
    `${dimensionSql(measure.field, parameters)} AS active_key`,
    `intDiv(time_us, ${hourMicros}) AS active_hour`,
    'min(time_us) AS first_us',
    ...groups.values.map((value, index) => `argMin(tuple(${value}), (time_us, offset)).1 AS k${index}`),
  ]
  // Two accounts that are active on one endpoint in one hour are two active hours, also in a sum over all.
  const hours = `SELECT ${inner.join(', ')} ${rows(hourStart)} GROUP BY account, active_key, active_hour`
  const by = ['window_us', ...groups.names].join(', ')
  const outer = [
    `roundDown(first_us, ${parameters.add(starts, 'Array(Int64)')}) AS window_us`,
    ...groups.columns(groups.values.map((_, index) => `k${index}`)),
    'toUInt64(0) AS events',
    'toUInt64(0) AS without',
    'toDecimal256(count(), 18) AS amount',
    'toInt64(0) AS at_us',
    'toUInt64(0) AS at_offset',
  ]
  return `SELECT ${outer.join(', ')} FROM (${hours}) WHERE first_us >= ${parameters.add(period.from, 'Int64')} GROUP BY ${by}`
}
