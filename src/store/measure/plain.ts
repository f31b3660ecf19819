import type { Parameters } from '../condition.ts'
import { expressionSql } from '../expression.ts'
import { unreachable } from '../../core/result.ts'
import type { ActiveHoursMeasure, PlainMeasure } from './measure.ts'
import type { MeasurePart } from './question.ts'

/** Measures whose parts over disjoint hours can be put together. */
export type PartialMeasure = PlainMeasure | ActiveHoursMeasure

/**
 * A part of a measure over some events, which can be put together with those of other events. `amount` is the sum, the
 * extreme or the newest value of the events that have one, NULL when none has.
 */
export const partialColumns = ['events', 'without', 'amount', 'at_us', 'at_offset'] as const

/** Columns of a partial measure over stored rows. */
function valuesSql(measure: PlainMeasure, parameters: Parameters): readonly string[] {
  if (measure.kind === 'count') {
    return [
      'count() AS events',
      'toUInt64(0) AS without',
      'toDecimal256(count(), 18) AS amount',
      'toInt64(0) AS at_us',
      'toUInt64(0) AS at_offset',
    ]
  }
  const { value } = measure
  const { sql, whole } = expressionSql(value, parameters)
  // A plain count of bytes fits 128 bits for 10^19 events of the largest size, and is added up twice as fast in them.
  const summed = value.kind === 'field' && whole ? `toInt128(${value.field})` : sql
  const amount = {
    sum: `sumOrNull(${summed})`,
    average: `sumOrNull(${summed})`,
    min: `minOrNull(${sql})`,
    max: `maxOrNull(${sql})`,
    // argMax passes over rows whose value is absent.
    latest: `argMaxOrNull(${sql}, (time_us, offset))`,
  }[measure.kind]
  const isLatest = measure.kind === 'latest'
  const at = `maxOrNullIf((time_us, offset), isNotNull(${sql}))`
  return [
    'count() AS events',
    `toUInt64(count() - count(${value.kind === 'field' ? value.field : sql})) AS without`,
    `toDecimal256(${amount}, 18) AS amount`,
    isLatest ? `ifNull(tupleElement(${at}, 1), 0) AS at_us` : 'toInt64(0) AS at_us',
    isLatest ? `ifNull(tupleElement(${at}, 2), 0) AS at_offset` : 'toUInt64(0) AS at_offset',
  ]
}

/** What partial measures come to together. A sum over no values is zero; of the others there is none. */
export function wholeSql({ kind }: PartialMeasure): readonly string[] {
  const [amount, divisor] = ((): readonly [string, string] => {
    switch (kind) {
      case 'count':
      case 'sum':
      case 'active_hours':
        return ['ifNull(sum(amount), toDecimal256(0, 18))', '1']
      case 'average':
        // Without values the amount is NULL, whatever it is divided by; but by zero nothing is divided.
        return ['sum(amount)', 'greatest(sum(events) - sum(without), 1)']
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
  return [`${amount} AS measured`, `toInt256(${divisor}) AS divisor`, 'sum(without) AS missing']
}

/** Partial measures of the stored rows, by window and group. */
export function plainRows(measure: PlainMeasure, { question, parameters, groups, rows }: MeasurePart): string {
  const columns = [
    `roundDown(time_us, ${parameters.add(question.starts, 'Array(Int64)')}) AS window_us`,
    ...groups.columns(groups.values),
    ...valuesSql(measure, parameters),
  ]
  return `SELECT ${columns.join(', ')} ${rows()} GROUP BY ${['window_us', ...groups.names].join(', ')}`
}
