import { factFields } from '../core/event.ts'
import type { FactName } from '../core/event.ts'
import { unreachable } from '../core/result.ts'
import { columnOf } from './columns.ts'
import type { Parameter } from './engine.ts'
import type { NumberField } from './expression.ts'

/** A fact field to filter and group by, or one of the event's own attributes. */
export type Dimension = FactName | `attributes.${string}`

/** Which events a question is about. An absent value meets no condition: not known is not a match (L13). */
export type Condition =
  /**
   * `within`: one of the names in a list of names, such as `ip_categories`, is one of the values or lies below it, as
   * com.aws.ec2 lies below com.aws.
   */
  | { readonly operator: 'in' | 'not_in' | 'within'; readonly field: Dimension; readonly values: readonly string[] }
  /** The event carries the field at all. */
  | { readonly operator: 'known'; readonly field: Dimension }
  | { readonly operator: 'above'; readonly field: NumberField; readonly value: string }
  /** From `min` to `max`, both included. */
  | { readonly operator: 'between'; readonly field: NumberField; readonly min: string; readonly max: string }
  /** At least one of the fields is above zero: traffic went out, however the source measured it. */
  | { readonly operator: 'any_above_zero'; readonly fields: readonly NumberField[] }

export const operators = [
  'in',
  'not_in',
  'within',
  'known',
  'above',
  'between',
  'any_above_zero',
] as const satisfies readonly Condition['operator'][]

export function isDimension(field: string): field is Dimension {
  if (field.startsWith('attributes.')) return /^attributes\.[\w.-]{1,64}$/.test(field)
  return factFields.some(({ name, type }) => name === field && type.kind !== 'attributes' && type.kind !== 'instant')
}

/** Collects the values of one statement under names of its own, so that no text of a caller is ever SQL. */
export class Parameters {
  readonly values: Record<string, Parameter> = {}

  add(value: Parameter, type: string): string {
    const name = `p${Object.keys(this.values).length}`
    this.values[name] = value
    return `{${name}:${type}}`
  }
}

/** A dimension as nullable text. An attribute that the event does not carry is null, like any absent fact. */
export function dimensionSql(field: Dimension, parameters: Parameters): string {
  if (field.startsWith('attributes.')) {
    const key = parameters.add(field.slice('attributes.'.length), 'String')
    return `if(mapContains(attributes, ${key}), attributes[${key}], NULL)`
  }
  const column = columnOf(field as FactName)
  const type = factFields.find(({ name }) => name === field)?.type.kind
  return type === 'count' || type === 'status' || type === 'decimal' ? `toString(${column})` : column
}

function boundSql(field: NumberField, value: string, parameters: Parameters): string {
  return parameters.add(value, field === 'quantity' ? 'Decimal(76, 18)' : 'UInt256')
}

export function conditionSql(condition: Condition, parameters: Parameters): string {
  switch (condition.operator) {
    case 'in':
    case 'not_in': {
      const value = dimensionSql(condition.field, parameters)
      const values = parameters.add(condition.values, 'Array(String)')
      // An absent value (NULL) is neither in a list nor outside it.
      return `ifNull(${value} ${condition.operator === 'in' ? 'IN' : 'NOT IN'} ${values}, 0)`
    }
    case 'within': {
      const names = `splitByChar(' ', ifNull(${dimensionSql(condition.field, parameters)}, ''))`
      const values = parameters.add(condition.values, 'Array(String)')
      return `arrayExists(name -> arrayExists(value -> name = value OR startsWith(name, concat(value, '.')), ${values}), ${names})`
    }
    case 'above':
      return `ifNull(${condition.field} > ${boundSql(condition.field, condition.value, parameters)}, 0)`
    case 'between': {
      const { field, min, max } = condition
      return `ifNull(${field} >= ${boundSql(field, min, parameters)} AND ${field} <= ${boundSql(field, max, parameters)}, 0)`
    }
    case 'known':
      return `isNotNull(${dimensionSql(condition.field, parameters)})`
    case 'any_above_zero':
      return `(${condition.fields.map((field) => `ifNull(${field} > 0, 0)`).join(' OR ')})`
    default:
      return unreachable(condition)
  }
}
