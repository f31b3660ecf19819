import { intervalNames, measureKinds } from '../../meter/definition-aggregation.ts'
import { limits } from '../../meter/definition.ts'
import { operators } from '../../store/condition.ts'
import { numberFields } from '../../store/expression.ts'
import { directions, levelUnits } from '../../store/measure/measure.ts'

type JsonSchema = Readonly<Record<string, unknown>>

const dimension: JsonSchema = {
  type: 'string',
  description: 'a field of the event that is a word or number, or attributes.NAME',
  examples: ['endpoint', 'attributes.plan'],
}

const expression: JsonSchema = {
  type: 'string',
  description:
    `What each event adds: ${numberFields.join(', ')}, number(attributes.NAME), exact numbers, + - *, division by a written ` +
    'number, == != < <= > >= && || !, if(test, a, b) or test ? a : b, least, greatest, coalesce, known, ceil_div(x, n), ' +
    'floor_div(x, n). A part that is absent makes the value absent, but in coalesce. docs/data/meters.md explains all of it.',
  examples: ['bytes_out_wire', 'if(status >= 500, 0, bytes_out_wire)'],
}

const texts: JsonSchema = { type: 'array', items: { type: 'string' } }
const numberField: JsonSchema = { type: 'string', enum: numberFields }
const whole: JsonSchema = { type: ['string', 'integer'], description: 'a whole number from 0' }

function object(required: readonly string[], properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return { type: 'object', required, additionalProperties: false, properties }
}

function condition(operator: (typeof operators)[number]): JsonSchema {
  const named = { operator: { type: 'string', enum: [operator] } }
  switch (operator) {
    case 'in':
    case 'not_in':
    case 'within':
      return object(['operator', 'field', 'values'], { ...named, field: dimension, values: texts })
    case 'known':
      return object(['operator', 'field'], { ...named, field: dimension })
    case 'above':
      return object(['operator', 'field', 'value'], { ...named, field: numberField, value: whole })
    case 'between':
      return object(['operator', 'field', 'min', 'max'], { ...named, field: numberField, min: whole, max: whole })
    case 'any_above_zero':
      return object(['operator', 'fields'], { ...named, fields: { type: 'array', items: numberField } })
  }
}

const membership: JsonSchema = object(['field', 'add', 'remove'], {
  field: dimension,
  add: texts,
  remove: texts,
  carried: { type: 'boolean', default: true },
})

const percentile: Readonly<Record<string, JsonSchema>> = {
  percent: { type: 'string', examples: ['95'] },
  interval: { type: 'string', enum: intervalNames },
  direction: { type: 'string', enum: directions },
  combine: { type: 'string', enum: ['before', 'after'], default: 'before' },
  in: { ...expression, default: 'bytes_in_wire' },
  out: { ...expression, default: 'bytes_out_wire' },
  unit_factor: { type: ['string', 'integer'], default: '1', description: '"8" makes bits of bytes' },
}

function aggregation(kind: (typeof measureKinds)[number]): JsonSchema {
  const named = { kind: { type: 'string', enum: [kind] } }
  switch (kind) {
    case 'count':
    case 'peak':
      return object(['kind'], named)
    case 'sum':
    case 'min':
    case 'max':
    case 'average':
    case 'latest':
      return object(['kind', 'value'], { ...named, value: expression })
    case 'active_hours':
      return object(['kind', 'field'], { ...named, field: dimension })
    case 'unique':
      return object(['kind', 'field'], { ...named, field: dimension, membership })
    case 'level': {
      const mode = { type: 'string', enum: ['set', 'change'] }
      const per = { type: 'string', enum: levelUnits }
      return object(['kind', 'value', 'mode', 'per'], { ...named, value: expression, mode, key: dimension, per })
    }
    case 'percentile':
      return object(['kind', 'percent', 'interval', 'direction'], { ...named, ...percentile })
  }
}

/** JSON schema of a definition, out of the same lists that its parser reads by. */
export const meterSchema: JsonSchema = {
  type: 'object',
  required: ['key', 'name', 'unit', 'aggregation'],
  properties: {
    key: { type: 'string', maxLength: 128, examples: ['tokens'] },
    name: { type: 'string', maxLength: limits.nameLengthMax },
    unit: { type: 'string', maxLength: limits.unitLengthMax, examples: ['bytes', 'requests'] },
    aggregation: { oneOf: measureKinds.map(aggregation) },
    filter: { type: 'array', maxItems: limits.conditionsMax, items: { oneOf: operators.map(condition) } },
    group_by: { type: 'array', maxItems: limits.groupByMax, items: dimension },
  },
}

/** A new meter or version: active at once, or a draft. */
export const newMeterSchema: JsonSchema = {
  ...meterSchema,
  properties: {
    ...(meterSchema['properties'] as JsonSchema),
    draft: { type: 'boolean', default: false, description: 'true: counts nothing until it is activated' },
  },
}

/** What is put in the place of a draft, whose key the path names. */
export const draftMeterSchema: JsonSchema = { ...meterSchema, required: ['name', 'unit', 'aggregation'] }

export const meterExample = {
  key: 'tokens',
  name: 'Model tokens',
  unit: 'tokens',
  aggregation: { kind: 'sum', value: 'quantity' },
  filter: [
    { field: 'kind', operator: 'in', values: ['usage'] },
    { field: 'name', operator: 'in', values: ['tokens'] },
  ],
  group_by: ['attributes.model'],
} as const
