import { parseInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { fieldAt, parseJsonRecord, textOf } from './exact-json.ts'
import type { JsonRecord } from './exact-json.ts'
import { mapNames } from './line-reader.ts'
import type { EventBody, FieldMapping, FieldNames, LineReader, ReadLine } from './line-reader.ts'
import { parseCount, parseStatus, quoted } from './log-quantity.ts'
import { requestText } from './json-log.ts'
import { utcOf } from './log-time.ts'
import { factText, hostOf, inspectionText, methodOf } from './request-line.ts'

/**
 * Traffic events in ngrok's form: an envelope, and an `object` whose fields are all optional, nested or with
 * dotted names. Names are looked for in the object first and then in the envelope.
 */
export const ngrokNames = {
  time: ['event_timestamp'],
  id: ['event_id'],
  endpoint: ['http.request.url.host', 'conn.server_name'],
  session: ['session.id'],
  protocol: ['http.request.version', 'transport'],
  region: ['region', 'conn.server_region'],
  method: ['http.request.method'],
  status: ['http.response.status_code'],
  bytes_in_body: ['http.request.body_length'],
  bytes_out_body: ['http.response.body_length'],
  bytes_in_wire: ['conn.bytes_in'],
  bytes_out_wire: ['conn.bytes_out'],
  client_address: ['conn.client_ip', 'agent_ip'],
  path: ['http.request.url.path', 'http.request.url.raw'],
  user_agent: ['http.request.user_agent', 'user_agent'],
} as const satisfies Record<string, readonly string[]>

type Field = keyof typeof ngrokNames

type TrafficEvent = Pick<EventBody, 'kind' | 'phase'> & { readonly span?: readonly [start: string, end: string] }

const trafficEvents: ReadonlyMap<string, TrafficEvent> = new Map<string, TrafficEvent>([
  [
    'http_request_complete.v0',
    { kind: 'http_request', phase: 'final', span: ['http.request.first_byte_ts', 'http.response.last_byte_ts'] },
  ],
  ['tcp_connection_closed.v0', { kind: 'tcp_connection', phase: 'final', span: ['conn.start_ts', 'conn.end_ts'] }],
  ['agent_session_start.v0', { kind: 'session', phase: 'start' }],
  ['agent_session_stop.v0', { kind: 'session', phase: 'final', span: ['started_at', 'stopped_at'] }],
])

export function ngrokEventsReader(mappings: readonly FieldMapping[]): LineReader {
  const names = mapNames<Field>(ngrokNames, mappings)
  return (line) => {
    const envelope = parseJsonRecord(line)
    if (!envelope.ok) return envelope
    const type = textOf(envelope.value['event_type'])
    if (type === undefined) return fail('the line has no event_type')
    const event = trafficEvents.get(type)
    if (event === undefined) return fail(`${quoted(type)} is not a traffic event`)
    return readEvent(envelope.value, event, names)
  }
}

/** Looks names up in the event's object first and then in its envelope. */
function lookup(envelope: JsonRecord): (name: string) => string | undefined {
  const inner = envelope['object']
  const isRecord = inner !== null && typeof inner === 'object' && !Array.isArray(inner)
  return (name) =>
    (isRecord ? textOf(fieldAt(inner as JsonRecord, name)) : undefined) ?? textOf(fieldAt(envelope, name))
}

function readEvent(envelope: JsonRecord, event: TrafficEvent, names: FieldNames<Field>): Result<ReadLine, string> {
  const at = lookup(envelope)
  const text = (field: Field): string | undefined => names[field].map(at).find((found) => found !== undefined)
  const inspection = (field: Field): string | undefined => {
    const found = text(field)
    return found === undefined ? undefined : inspectionText(found)
  }
  let error: string | undefined
  const read = <T>(field: Field, parse: (text: string | undefined) => Result<T, string>): T | undefined => {
    const value = parse(text(field))
    if (value.ok) return value.value
    error ??= `${names[field].join(' or ')} ${value.error}`
    return undefined
  }
  const time = utcOf(text('time') ?? (event.span === undefined ? undefined : at(event.span[1])))
  if (!time.ok) return time
  const body: EventBody = {
    id: factText(text('id')),
    kind: event.kind,
    phase: event.phase,
    time: time.value,
    endpoint: endpointOf(event, text('endpoint'), at('conn.server_port')),
    session: factText(text('session') ?? (event.kind === 'session' ? at('id') : undefined)),
    protocol: factText(text('protocol')),
    region: factText(text('region')),
    method: methodOf(text('method')),
    status: read('status', parseStatus),
    bytes_out_wire: read('bytes_out_wire', parseCount),
    bytes_out_body: read('bytes_out_body', parseCount),
    bytes_in_wire: read('bytes_in_wire', parseCount),
    bytes_in_body: read('bytes_in_body', parseCount),
    duration_us: durationOf(event, at),
    ...(event.kind === 'session' ? agentOf(text('user_agent'), at) : {}),
    client_address: inspection('client_address'),
    path: pathOf(inspection('path'), at('http.request.url.query')),
    user_agent: inspection('user_agent'),
  }
  if (error !== undefined) return fail(error)
  return ok({ body, textOf: (field) => ruleText(field, body, at) })
}

/**
 * The agent's software, such as `ngrok-agent/3.5.0 …`, and its machine. Between start and stop there are no events, which
 * the session says of itself: its silence means nothing.
 */
function agentOf(software: string | undefined, at: (name: string) => string | undefined): Partial<EventBody> {
  const [client, version] = /^\s*([^\s/]+)(?:\/(\S+))?/.exec(software ?? '')?.slice(1) ?? []
  const known = ['os', 'arch'].flatMap((name): [string, string][] => {
    const value = factText(at(name))
    return value === undefined ? [] : [[name, value]]
  })
  return {
    client: factText(client),
    client_version: factText(version),
    attributes: { ...Object.fromEntries(known), heartbeat_seconds: '0' },
  }
}

/** TCP addresses share host names and differ in their ports, so there the port is part of the endpoint. */
function endpointOf(event: TrafficEvent, name: string | undefined, port: string | undefined): string | undefined {
  const host = hostOf(name)
  if (event.kind !== 'tcp_connection' || host === undefined) return host
  return port === undefined || port === '0' ? host : factText(`${host}:${port}`)
}

function durationOf(event: TrafficEvent, at: (name: string) => string | undefined): number | undefined {
  const [start, end] = (event.span ?? []).map((name) => instantOf(at(name)))
  return start === undefined || end === undefined || end < start ? undefined : end - start
}

function instantOf(text: string | undefined): Micros | undefined {
  const instant = text === undefined ? undefined : parseInstant(text)
  return instant?.ok === true ? instant.value : undefined
}

function pathOf(path: string | undefined, query: string | undefined): string | undefined {
  if (path === undefined || query === undefined || path.includes('?')) return path
  return inspectionText(`${path}?${query.replace(/^\?/, '')}`)
}

function ruleText(field: string, body: EventBody, at: (name: string) => string | undefined): string | undefined {
  switch (field) {
    case 'request':
      return requestText(body)
    case 'host':
      return body.endpoint
    case 'path':
    case 'method':
    case 'client_address':
    case 'user_agent':
      return body[field] ?? at(field)
    default:
      return at(field)
  }
}
