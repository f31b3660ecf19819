import { factFields } from '../core/event.ts'
import type { FactName } from '../core/event.ts'
import { unreachable } from '../core/result.ts'
import type { Parameters } from './condition.ts'

/** Fact fields that hold an amount: whole numbers, and the decimal `quantity`. */
export const numberFields = [
  'bytes_out_wire',
  'bytes_out_body',
  'bytes_in_wire',
  'bytes_in_body',
  'duration_us',
  'quantity',
] as const satisfies readonly FactName[]
export type NumberField = (typeof numberFields)[number]

export function isNumberField(field: unknown): field is NumberField {
  return (numberFields as readonly unknown[]).includes(field)
}

/** What an event contributes to a measure: a value out of its own fields. A part that is absent makes it absent (L13). */
export type Expression = { readonly kind: 'field'; readonly field: NumberField }

/** A number of a statement. Whole numbers are 256 bits wide, others Decimal(76, 18): sums cannot wrap around (L4). */
export interface Sql {
  readonly sql: string
  readonly whole: boolean
}

export function expressionSql(expression: Expression, _parameters: Parameters): Sql {
  switch (expression.kind) {
    case 'field': {
      const whole = factFields.find(({ name }) => name === expression.field)?.type.kind === 'count'
      return { sql: whole ? `toInt256(${expression.field})` : expression.field, whole }
    }
    default:
      return unreachable(expression.kind)
  }
}
