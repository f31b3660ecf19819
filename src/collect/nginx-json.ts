import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { repairJsonEscapes } from './escapes.ts'
import { parseJsonRecord, textOf } from './exact-json.ts'
import type { JsonRecord } from './exact-json.ts'
import { mapNames } from './line-reader.ts'
import type { EventBody, FieldMapping, FieldNames, LineReader, ReadLine } from './line-reader.ts'
import { parseCount, parseSeconds, parseStatus } from './log-quantity.ts'
import { utcOf } from './log-time.ts'
import { factText, hostOf, inspectionText, methodOf, parseRequestLine } from './request-line.ts'

/**
 * JSON access logs of nginx. `server` is not an endpoint: logs use that name for the upstream.
 * More exact names of the time come first.
 */
export const nginxJsonNames = {
  time: ['msec', 'time_iso8601', 'time_local', 'time', 'timestamp', '@timestamp', 'ts'],
  request: ['request'],
  method: ['request_method', 'method'],
  path: ['request_uri', 'uri', 'path'],
  protocol: ['server_protocol', 'protocol'],
  endpoint: ['host', 'http_host', 'server_name'],
  status: ['status'],
  bytes_out_body: ['body_bytes_sent'],
  bytes_out_wire: ['bytes_sent', 'sent'],
  bytes_in_wire: ['request_length'],
  bytes_in_body: [],
  request_time: ['request_time'],
  duration_us: [],
  id: ['request_id'],
  session: [],
  region: [],
  user: ['remote_user'],
  client_address: ['remote_addr'],
  user_agent: ['http_user_agent'],
  referer: ['http_referer'],
} as const satisfies Record<string, readonly string[]>

type Field = keyof typeof nginxJsonNames

export function nginxJsonReader(mappings: readonly FieldMapping[]): LineReader {
  const names = mapNames<Field>(nginxJsonNames, mappings)
  return (line) => {
    const record = parseRecord(line)
    return record.ok ? readRecord(record.value, names) : record
  }
}

function parseRecord(line: string): Result<JsonRecord, string> {
  const record = parseJsonRecord(line)
  if (record.ok || !line.includes('\\x')) return record
  const repaired = parseJsonRecord(repairJsonEscapes(line))
  return repaired.ok ? repaired : record
}

/** Looks fields up by their names in this log, and collects what is wrong with those that cannot be read. */
class Fields {
  readonly #record: JsonRecord
  readonly #names: FieldNames<Field>
  error: string | undefined

  constructor(record: JsonRecord, names: FieldNames<Field>) {
    this.#record = record
    this.#names = names
  }

  text(field: Field): string | undefined {
    const names = this.#names[field]
    for (const name of names) {
      const text = Object.hasOwn(this.#record, name) ? textOf(this.#record[name]) : undefined
      if (text !== undefined) return text
    }
    return undefined
  }

  inspection(field: Field): string | undefined {
    const text = this.text(field)
    return text === undefined ? undefined : inspectionText(text)
  }

  read<T>(field: Field, parse: (text: string | undefined) => Result<T, string>): T | undefined {
    const value = parse(this.text(field))
    if (value.ok) return value.value
    this.error ??= `${this.#names[field].join(' or ')} ${value.error}`
    return undefined
  }
}

function readRecord(record: JsonRecord, names: FieldNames<Field>): Result<ReadLine, string> {
  const fields = new Fields(record, names)
  const time = utcOf(fields.text('time'))
  if (!time.ok) return time
  const request = fields.text('request')
  const target = parseRequestLine(request)
  const method = methodOf(fields.text('method')) ?? target.method
  const path = target.path ?? fields.inspection('path')
  const protocol = target.protocol ?? factText(fields.text('protocol'))
  const body: EventBody = {
    id: factText(fields.text('id')),
    kind: 'http_request',
    phase: 'final',
    time: time.value,
    endpoint: hostOf(fields.text('endpoint')),
    session: factText(fields.text('session')),
    protocol,
    region: factText(fields.text('region')),
    method,
    status: fields.read('status', parseStatus),
    bytes_out_wire: fields.read('bytes_out_wire', parseCount),
    bytes_out_body: fields.read('bytes_out_body', parseCount),
    bytes_in_wire: fields.read('bytes_in_wire', parseCount),
    bytes_in_body: fields.read('bytes_in_body', parseCount),
    duration_us: fields.read('duration_us', parseCount) ?? fields.read('request_time', parseSeconds),
    client_address: fields.inspection('client_address'),
    path,
    user_agent: fields.inspection('user_agent'),
    referer: fields.inspection('referer'),
  }
  if (fields.error !== undefined) return fail(fields.error)
  return ok({ body, textOf: (field) => ruleText(field, { record, fields, body, request }) })
}

interface RuleSource {
  readonly record: JsonRecord
  readonly fields: Fields
  readonly body: EventBody
  readonly request: string | undefined
}

function ruleText(field: string, { record, fields, body, request }: RuleSource): string | undefined {
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
      return fields.text('user')
    default:
      return Object.hasOwn(record, field) ? textOf(record[field]) : undefined
  }
}

/** The request line of a log that has only its parts. */
export function requestText({ method, path, protocol }: EventBody): string | undefined {
  if (method === undefined || path === undefined) return undefined
  return protocol === undefined ? `${method} ${path}` : `${method} ${path} ${protocol}`
}
