import { unreachable } from '../../core/result.ts'
import { expressionSql } from '../expression.ts'
import { secondMicros } from '../../core/time.ts'
import type { PercentileMeasure } from './measure.ts'
import { untilOf, windowsOf } from './question.ts'
import type { MeasurePart } from './question.ts'

/** L13: an event that lacks a direction that is measured has an amount there that is not known, which is not zero. */
function unknownSql(
  { direction }: PercentileMeasure,
  { inward, outward }: Record<'inward' | 'outward', string>,
): string {
  switch (direction) {
    case 'in':
      return `isNull(${inward})`
    case 'out':
      return `isNull(${outward})`
    case 'higher':
    case 'sum':
      return `isNull(${inward}) OR isNull(${outward})`
    default:
      return unreachable(direction)
  }
}

/**
 * The percentile of interval rates: of N intervals of the window the highest floor(N × dropped) are dropped, and the
 * next is taken. Intervals without traffic are not stored: they are zeros, below those with traffic and above those
 * whose amount is negative. The last interval of a window may be shorter.
 */
export function percentileSql(measure: PercentileMeasure, { question, parameters, groups, rows }: MeasurePart): string {
  const { starts, ends } = windowsOf(question, parameters)
  const interval = measure.intervalSeconds * secondMicros
  const amount = (sql: string): string => `toDecimal256(ifNull(sumOrNull(${sql}), 0), 18)`
  const by = ['window_us', ...groups.names].join(', ')
  const inward = expressionSql(measure.inward, parameters).sql
  const outward = expressionSql(measure.outward, parameters).sql
  const samples = [
    `roundDown(time_us, ${starts}) AS window_us`,
    ...groups.columns(groups.values),
    `intDiv(time_us - window_us, ${interval}) AS sample`,
    `${amount(inward)} AS inward`,
    `${amount(outward)} AS outward`,
    `countIf(${unknownSql(measure, { inward, outward })}) AS without`,
  ]
  const end = `${ends}[indexOf(${starts}, window_us)]`
  const count = `intDiv(${end} - window_us + ${interval - 1}, ${interval})`
  const place = `toUInt64(intDiv(${count} * ${measure.dropped}, 10000) + 1)`
  const percentile = (sample: string): string => {
    const sorted = `arrayReverseSort(groupArray(${sample}))`
    const above = `countIf(${sample} >= 0)`
    const zeros = `(${count} - count())`
    const at = (index: string): string => `arrayElement(${sorted}, ${index})`
    return `if(${place} <= ${above}, ${at(place)}, if(${place} <= ${above} + ${zeros}, toDecimal256(0, 18), ${at(`${place} - ${zeros}`)}))`
  }
  const measured = ((): string => {
    switch (measure.direction) {
      case 'in':
        return percentile('inward')
      case 'out':
        return percentile('outward')
      case 'higher':
        return measure.combine === 'before'
          ? percentile('greatest(inward, outward)')
          : `greatest(${percentile('inward')}, ${percentile('outward')})`
      case 'sum':
        return measure.combine === 'before'
          ? percentile('inward + outward')
          : `${percentile('inward')} + ${percentile('outward')}`
      default:
        return unreachable(measure.direction)
    }
  })()
  const columns = [
    by,
    `(${measured}) * ${measure.factor} AS measured`,
    `toInt256(${measure.intervalSeconds}) AS divisor`,
    'sum(without) AS missing',
  ]
  // What lies after the last interval that is known is not one of its samples.
  const known = `time_us < ${parameters.add(untilOf(question), 'Int64')}`
  return `SELECT ${columns.join(', ')} FROM (SELECT ${samples.join(', ')} ${rows()} AND ${known} GROUP BY ${by}, sample) GROUP BY ${by}`
}
