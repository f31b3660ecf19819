import { unreachable } from '../../core/result.ts'
import { expressionSql } from '../expression.ts'
import { secondMicros } from '../../core/time.ts'
import type { PercentileMeasure } from './measure.ts'
import { windowsOf } from './question.ts'
import type { MeasurePart } from './question.ts'

/**
 * The percentile of interval rates: of N intervals of the window the highest floor(N × dropped) are dropped, and the
 * next is taken; it is 0 when fewer intervals than that had traffic. The last interval of a window may be shorter.
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
    // Events that carry neither.
    `countIf(isNull(${inward}) AND isNull(${outward})) AS without`,
  ]
  const end = `${ends}[indexOf(${starts}, window_us)]`
  const count = `intDiv(${end} - window_us + ${interval - 1}, ${interval})`
  const place = `toUInt64(intDiv(${count} * ${measure.dropped}, 10000) + 1)`
  // A place beyond the samples with traffic gives the type's default, which is 0.
  const percentile = (sample: string): string => `arrayElement(arrayReverseSort(groupArray(${sample})), ${place})`
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
  return `SELECT ${columns.join(', ')} FROM (SELECT ${samples.join(', ')} ${rows()} GROUP BY ${by}, sample) GROUP BY ${by}`
}
