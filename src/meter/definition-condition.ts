import { didYouMean } from '../core/did-you-mean.ts'
import { factFields } from '../core/event.ts'
import { operators } from '../store/condition.ts'
import type { Condition, Dimension } from '../store/condition.ts'
import { isNumberField, numberFields } from '../store/expression.ts'
import type { NumberField } from '../store/expression.ts'
import { isObject } from './definition-reader.ts'
import type { Loose, Reader } from './definition-reader.ts'

const fieldsOf: Readonly<Record<Condition['operator'], readonly string[]>> = {
  in: ['field', 'operator', 'values'],
  not_in: ['field', 'operator', 'values'],
  within: ['field', 'operator', 'values'],
  known: ['field', 'operator'],
  above: ['field', 'operator', 'value'],
  between: ['field', 'operator', 'min', 'max'],
  any_above_zero: ['operator', 'fields'],
}

function numberField(value: unknown, path: string, reader: Reader): NumberField | null {
  if (isNumberField(value)) return value
  const guess = typeof value === 'string' ? didYouMean(value, numberFields) : ''
  return reader.problem(path, `is one of ${numberFields.join(', ')}.${guess}`)
}

/** A field that holds one of a few words is not compared with another one: it would never match. */
function checkChoices(field: Dimension, values: readonly string[], path: string, reader: Reader): void {
  const type = factFields.find(({ name }) => name === field)?.type
  if (type?.kind !== 'choice' || reader.isStored) return
  const of: readonly string[] = type.of
  for (const [index, value] of values.entries()) {
    if (!of.includes(value))
      reader.problem(`${path}.values.${index}`, `${field} is one of ${of.join(', ')}.${didYouMean(value, of)}`)
  }
}

function readValues(
  value: Loose,
  operator: 'in' | 'not_in' | 'within',
  at: { path: string; reader: Reader },
): Condition | null {
  const { path, reader } = at
  const field = reader.dimension(value['field'], `${path}.field`)
  const values = reader.texts(value['values'], `${path}.values`)
  if (field === null || values === null) return null
  if (operator !== 'within') checkChoices(field, values, path, reader)
  return { operator, field, values }
}

function readBetween(value: Loose, path: string, reader: Reader): Condition | null {
  const field = numberField(value['field'], `${path}.field`, reader)
  const min = reader.whole(value['min'], `${path}.min`)
  const max = reader.whole(value['max'], `${path}.max`)
  if (field === null || min === null || max === null) return null
  if (BigInt(min) > BigInt(max)) return reader.problem(`${path}.max`, 'is below min, so nothing would ever match')
  return { operator: 'between', field, min, max }
}

export function readCondition(input: unknown, path: string, reader: Reader): Condition | null {
  const operator = reader.choice(isObject(input) ? input['operator'] : undefined, `${path}.operator`, operators)
  if (operator === null) return null
  const value = reader.object(input, path, fieldsOf[operator])
  if (value === null) return null
  switch (operator) {
    case 'in':
    case 'not_in':
    case 'within':
      return readValues(value, operator, { path, reader })
    case 'known': {
      const field = reader.dimension(value['field'], `${path}.field`)
      return field === null ? null : { operator, field }
    }
    case 'above': {
      const field = numberField(value['field'], `${path}.field`, reader)
      const least = reader.whole(value['value'], `${path}.value`)
      return field === null || least === null ? null : { field, operator, value: least }
    }
    case 'between':
      return readBetween(value, path, reader)
    case 'any_above_zero': {
      const { fields } = value
      if (!Array.isArray(fields) || fields.length === 0 || (fields.length > numberFields.length && !reader.isStored))
        return reader.problem(`${path}.fields`, `is a list out of ${numberFields.join(', ')}`)
      const read = fields.map((field, index) => numberField(field, `${path}.fields.${index}`, reader))
      return read.every((field) => field !== null) ? { operator, fields: read } : null
    }
  }
}
