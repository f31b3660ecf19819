import type { FactName } from '../core/event.ts'
import type { MeterKey } from '../core/ids.ts'
import { isKey } from '../core/ids.ts'
import type { Problem } from '../core/errors.ts'
import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { isDimension } from '../store/condition.ts'
import type { Condition, Dimension } from '../store/condition.ts'
import { isNumberField, numberFields } from '../store/expression.ts'
import type { Measure } from '../store/measure/measure.ts'

/** How events become a quantity. The other aggregations of DESIGN §8 join this union. */
export type Aggregation = Measure

/** A version of a definition is immutable; changing a meter makes a new version. */
export interface MeterDefinition {
  readonly key: MeterKey
  readonly version: number
  readonly name: string
  readonly unit: string
  readonly aggregation: Aggregation
  readonly filter: readonly Condition[]
  readonly groupBy: readonly Dimension[]
}

export type { Condition, Dimension }

export const limits = { conditionsMax: 20, valuesMax: 100, groupByMax: 5 } as const

type Loose = Readonly<Record<string, unknown>>

function isObject(value: unknown): value is Loose {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTexts(value: unknown, most: number): value is string[] {
  return Array.isArray(value) && value.length <= most && value.every((item) => typeof item === 'string')
}

function parseAggregation(input: unknown, problem: (field: string, message: string) => void): Aggregation {
  const value = isObject(input) ? input : {}
  switch (value['kind']) {
    case 'count':
      return { kind: 'count' }
    case 'sum':
      if (isNumberField(value['field'])) return { kind: 'sum', value: { kind: 'field', field: value['field'] } }
      problem('aggregation.field', `names what is added up, one of ${numberFields.join(', ')}`)
      return { kind: 'count' }
    case 'active_hours':
      if (
        typeof value['field'] === 'string' &&
        isDimension(value['field']) &&
        !value['field'].startsWith('attributes.')
      ) {
        return { kind: 'active_hours', field: value['field'] as FactName }
      }
      problem('aggregation.field', 'names the fact whose active hours are counted, such as "endpoint"')
      return { kind: 'count' }
    default:
      problem('aggregation.kind', 'is one of count, sum, active_hours')
      return { kind: 'count' }
  }
}

function parseCondition(input: unknown): Condition | string {
  const value = isObject(input) ? input : {}
  const { field, operator } = value
  if (operator === 'any_above_zero') {
    const { fields } = value
    if (Array.isArray(fields) && fields.length > 0 && fields.every(isNumberField)) return { operator, fields }
    return `any_above_zero takes "fields", a list out of ${numberFields.join(', ')}`
  }
  if (operator === 'above') {
    if (isNumberField(field) && typeof value['value'] === 'string' && /^\d{1,38}$/.test(value['value'])) {
      return { field, operator, value: value['value'] }
    }
    return `above takes "field" (one of ${numberFields.join(', ')}) and "value", a whole number as text`
  }
  if (operator === 'in' || operator === 'not_in' || operator === 'within') {
    const { values } = value
    if (typeof field === 'string' && isDimension(field) && isTexts(values, limits.valuesMax))
      return { operator, field, values }
    return `${operator} takes "field" (a fact field or attributes.NAME) and "values", a list of at most ${limits.valuesMax} texts`
  }
  return 'needs an "operator": in, not_in, above or any_above_zero'
}

/** Reads a definition as a person or program gives it; returns all problems at once, each with its field. */
export function parseMeter(input: unknown, version: number): Result<MeterDefinition, readonly Problem[]> {
  const problems: Problem[] = []
  const problem = (field: string, message: string): void => {
    problems.push({ code: 'REQUEST_INVALID', field, message })
  }
  const value = isObject(input) ? input : {}
  const { key, name, unit, filter = [], group_by: groupBy = [] } = value
  if (typeof key !== 'string' || !isKey(key)) problem('key', 'is a short name such as "http_requests"')
  if (typeof name !== 'string' || name === '') problem('name', 'says in words what is measured')
  if (typeof unit !== 'string' || unit === '') problem('unit', 'names the unit, such as "requests" or "bytes"')
  const aggregation = parseAggregation(value['aggregation'], problem)
  const conditions: Condition[] = []
  if (!Array.isArray(filter) || filter.length > limits.conditionsMax) {
    problem('filter', `is a list of at most ${limits.conditionsMax} conditions`)
  } else {
    filter.forEach((item, index) => {
      const condition = parseCondition(item)
      if (typeof condition === 'string') problem(`filter.${index}`, condition)
      else conditions.push(condition)
    })
  }
  if (!isTexts(groupBy, limits.groupByMax) || !groupBy.every(isDimension)) {
    problem('group_by', `is a list of at most ${limits.groupByMax} fact fields or attributes.NAME`)
  }
  if (problems.length > 0) return fail(problems)
  return ok({
    key: key as MeterKey,
    version,
    name: name as string,
    unit: unit as string,
    aggregation,
    filter: conditions,
    groupBy: groupBy as Dimension[],
  })
}
