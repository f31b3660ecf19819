import type { Parameters } from '../condition.ts'
import { expressionSql } from '../expression.ts'
import { unreachable } from '../../core/result.ts'
import type { PlainMeasure } from './measure.ts'
import type { MeasurePart } from './question.ts'

/**
 * A part of a measure over some events, which can be put together with those of other events. `amount` is the sum, the
 * extreme or the newest value of the events that have one, NULL when none has.
 */
export const partialColumns = ['events', 'missing', 'amount', 'at_us', 'at_offset'] as const

/** Columns of a partial measure over stored rows. */
export function partialSql(measure: PlainMeasure, parameters: Parameters): readonly string[] {
  if (measure.kind === 'count') {
    return ['count() AS events', '0 AS missing', 'toDecimal256(count(), 18) AS amount', '0 AS at_us', '0 AS at_offset']
  }
  const { sql } = expressionSql(measure.value, parameters)
  const amount = {
    sum: `sumOrNull(${sql})`,
    average: `sumOrNull(${sql})`,
    min: `minOrNull(${sql})`,
    max: `maxOrNull(${sql})`,
    // argMax passes over rows whose value is absent.
    latest: `argMaxOrNull(${sql}, (time_us, offset))`,
  }[measure.kind]
  const isLatest = measure.kind === 'latest'
  const at = `maxOrNullIf((time_us, offset), isNotNull(${sql}))`
  return [
    'count() AS events',
    `countIf(isNull(${sql})) AS missing`,
    `toDecimal256(${amount}, 18) AS amount`,
    isLatest ? `ifNull(tupleElement(${at}, 1), 0) AS at_us` : '0 AS at_us',
    isLatest ? `ifNull(tupleElement(${at}, 2), 0) AS at_offset` : '0 AS at_offset',
  ]
}

/** What partial measures come to together. A sum over no values is zero; of the others there is none. */
export function wholeSql({ kind }: PlainMeasure): readonly string[] {
  const [amount, divisor] = ((): readonly [string, string] => {
    switch (kind) {
      case 'count':
      case 'sum':
        return ['ifNull(sum(amount), toDecimal256(0, 18))', '1']
      case 'average':
        return ['sum(amount)', 'sum(events) - sum(missing)']
      case 'min':
        return ['min(amount)', '1']
      case 'max':
        return ['max(amount)', '1']
      case 'latest':
        return ['argMax(amount, (at_us, at_offset))', '1']
      default:
        return unreachable(kind)
    }
  })()
  return [`${amount} AS measured`, `toInt256(${divisor}) AS divisor`, 'sum(missing) AS missing']
}

export function plainSql(measure: PlainMeasure, { question, parameters, groups, rows }: MeasurePart): string {
  const starts = parameters.add(question.starts, 'Array(Int64)')
  const by = ['window_us', ...groups.names].join(', ')
  const partial = [
    `roundDown(time_us, ${starts}) AS window_us`,
    ...groups.columns(groups.values),
    ...partialSql(measure, parameters),
  ]
  return `SELECT ${by}, ${wholeSql(measure).join(', ')} FROM (SELECT ${partial.join(', ')} ${rows()} GROUP BY ${by}) GROUP BY ${by}`
}
