import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { fieldAt, textOf } from './exact-json.ts'
import type { JsonRecord, JsonValue } from './exact-json.ts'
import type { EventBody, FieldNames, ReadLine } from './line-reader.ts'
import { parseCount, parseStatus } from './log-quantity.ts'
import { utcOf } from './log-time.ts'
import { factText, hostOf, inspectionText, methodOf, parseRequestLine } from './request-line.ts'

/** What access logs in JSON say about a request, under whatever names. */
export const jsonLogFields = [
  'time',
  'request',
  'method',
  'path',
  'protocol',
  'endpoint',
  'status',
  'bytes_out_body',
  'bytes_out_wire',
  'bytes_in_wire',
  'bytes_in_body',
  /** In the unit of the log; each format has its own. */
  'request_time',
  'duration_us',
  'id',
  'session',
  'region',
  'user',
  'client_address',
  'user_agent',
  'referer',
] as const
export type JsonLogField = (typeof jsonLogFields)[number]
export type JsonLogNames = FieldNames<JsonLogField>

/** A format of JSON access logs: where its fields are, and the unit of its durations. */
export interface JsonLog {
  readonly names: JsonLogNames
  readonly duration: (text: string | undefined) => Result<EventBody['duration_us'], string>
}

/** A list of one is that one: some logs write every header as a list. */
function single(value: JsonValue | undefined): JsonValue | undefined {
  return Array.isArray(value) && value.length === 1 ? (value[0] as JsonValue) : value
}

/** Looks fields up by their names in this log, and collects what is wrong with those that cannot be read. */
class Fields {
  readonly #record: JsonRecord
  readonly #names: JsonLogNames
  error: string | undefined

  constructor(record: JsonRecord, names: JsonLogNames) {
    this.#record = record
    this.#names = names
  }

  text(field: JsonLogField): string | undefined {
    for (const name of this.#names[field]) {
      const text = textOf(single(fieldAt(this.#record, name)))
      if (text !== undefined) return text
    }
    return undefined
  }

  inspection(field: JsonLogField): string | undefined {
    const text = this.text(field)
    return text === undefined ? undefined : inspectionText(text)
  }

  read<T>(field: JsonLogField, parse: (text: string | undefined) => Result<T, string>): T | undefined {
    const value = parse(this.text(field))
    if (value.ok) return value.value
    this.error ??= `${this.#names[field].join(' or ')} ${value.error}`
    return undefined
  }
}

/** One record of a JSON access log as an event. A field that is not there stays unknown (L13). */
export function readJsonLog(record: JsonRecord, { names, duration }: JsonLog): Result<ReadLine, string> {
  const fields = new Fields(record, names)
  const time = utcOf(fields.text('time'))
  if (!time.ok) return time
  const request = fields.text('request')
  const target = parseRequestLine(request)
  const body: EventBody = {
    id: factText(fields.text('id')),
    kind: 'http_request',
    phase: 'final',
    time: time.value,
    endpoint: hostOf(fields.text('endpoint')),
    session: factText(fields.text('session')),
    protocol: target.protocol ?? factText(fields.text('protocol')),
    region: factText(fields.text('region')),
    method: methodOf(fields.text('method')) ?? target.method,
    status: fields.read('status', parseStatus),
    bytes_out_wire: fields.read('bytes_out_wire', parseCount),
    bytes_out_body: fields.read('bytes_out_body', parseCount),
    bytes_in_wire: fields.read('bytes_in_wire', parseCount),
    bytes_in_body: fields.read('bytes_in_body', parseCount),
    duration_us: fields.read('duration_us', parseCount) ?? fields.read('request_time', duration),
    client_address: fields.inspection('client_address'),
    path: target.path ?? fields.inspection('path'),
    user_agent: fields.inspection('user_agent'),
    referer: fields.inspection('referer'),
  }
  if (fields.error !== undefined) return fail(fields.error)
  const user = fields.text('user')
  return ok({
    body,
    textOf: (field) => requestField(field, { body, request, user }) ?? ownField(field, record),
  })
}

/** What an account rule can name in a line that stands for a request. */
export interface RequestFields {
  readonly body: EventBody
  readonly request: string | undefined
  readonly user: string | undefined
}

/** The fields that rules know in every format, from what was read. */
export function requestField(field: string, { body, request, user }: RequestFields): string | undefined {
  switch (field) {
    case 'request':
      return request ?? requestText(body)
    case 'host':
      return body.endpoint
    case 'path':
    case 'method':
    case 'client_address':
    case 'user_agent':
      return body[field]
    case 'user':
      return user
    default:
      return undefined
  }
}

const known: ReadonlySet<string> = new Set([
  'request',
  'host',
  'path',
  'method',
  'client_address',
  'user_agent',
  'user',
])

function ownField(field: string, record: JsonRecord): string | undefined {
  return known.has(field) ? undefined : textOf(single(fieldAt(record, field)))
}

/** The request line of a log that has only its parts. */
export function requestText({ method, path, protocol }: EventBody): string | undefined {
  if (method === undefined || path === undefined) return undefined
  return protocol === undefined ? `${method} ${path}` : `${method} ${path} ${protocol}`
}
