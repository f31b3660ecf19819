import { factFields, inspectionFields, limits } from '../../core/event.ts'
import type { EventField, FieldType } from '../../core/event.ts'
import { unreachable } from '../../core/result.ts'

type JsonSchema = Readonly<Record<string, unknown>>

function schemaOf(type: FieldType): JsonSchema {
  switch (type.kind) {
    case 'text':
      return { type: 'string', minLength: 1, maxLength: limits.textLengthMax }
    case 'choice':
      return { type: 'string', enum: type.of }
    case 'instant':
      return { type: 'string', format: 'date-time' }
    case 'key':
      return { type: 'string', maxLength: 128 }
    case 'count':
      return {
        oneOf: [
          { type: 'integer', minimum: 0 },
          { type: 'string', pattern: '^\\d{1,20}$' },
        ],
      }
    case 'status':
      return { type: 'integer', minimum: 0, maximum: 999 }
    case 'decimal':
      return { oneOf: [{ type: 'string', pattern: '^-?\\d+(\\.\\d+)?$' }, { type: 'number' }] }
    case 'attributes':
      return { type: 'object', additionalProperties: { type: 'string' }, maxProperties: limits.attributesMax }
    case 'inspection':
      return { type: 'string' }
    default:
      return unreachable(type)
  }
}

const fields: readonly EventField[] = [...factFields, ...inspectionFields]

/** JSON schema of an event, made of the same table that the parser is made of. */
export const eventSchema: JsonSchema = {
  type: 'object',
  required: ['source', 'kind', 'time'],
  additionalProperties: false,
  properties: Object.fromEntries(
    fields.map(({ name, type, about }) => [name, { ...schemaOf(type), description: about }]),
  ),
}

/** The body of POST /v1/events, for /openapi.json. */
export const eventsBody: JsonSchema = {
  required: true,
  content: {
    'application/json': { schema: { oneOf: [eventSchema, { type: 'array', items: eventSchema }] } },
    'application/cloudevents+json': {
      schema: {
        type: 'object',
        description: 'a CloudEvent 1.0; its data has the fields of the event but source, id and time',
      },
    },
    'application/cloudevents-batch+json': { schema: { type: 'array', items: { type: 'object' } } },
    'application/x-ndjson': { schema: { type: 'string', description: 'one event per line' } },
  },
}
