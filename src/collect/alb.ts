import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { requestField } from './json-log.ts'
import type { EventBody, LineReader, ReadLine } from './line-reader.ts'
import { parseCount, parseSeconds, parseStatus } from './log-quantity.ts'
import { utcOf } from './log-time.ts'
import { quotedFields } from './quoted-fields.ts'
import { factText, hostOf, inspectionText, parseRequestLine } from './request-line.ts'

/** The fields in their order (AWS documentation, "Access log entries"); newer ones come after these. */
const names = [
  'type',
  'time',
  'elb',
  'client',
  'target',
  'request_processing_time',
  'target_processing_time',
  'response_processing_time',
  'elb_status_code',
  'target_status_code',
  'received_bytes',
  'sent_bytes',
  'request',
  'user_agent',
  'ssl_cipher',
  'ssl_protocol',
  'target_group_arn',
  'trace_id',
  'domain_name',
] as const
type Name = (typeof names)[number]

export const albFields: ReadonlySet<string> = new Set(names)

/** ALB says which request line was cut, so a bound well above its 8 KB lines. */
const fieldsMax = 64

/**
 * Access logs of AWS's Application Load Balancer. received_bytes and sent_bytes are "the size of the request" and
 * "of the response, in bytes", "for HTTP requests, this includes the headers": the wire, and for WebSockets all
 * bytes of the connection. The time is that of the answer, or of a WebSocket's close.
 */
export const albReader: LineReader = (line) => {
  const fields = quotedFields(line, fieldsMax)
  if (fields.length < names.length)
    return fail(`the line has ${fields.length} fields, and an entry of a load balancer has at least ${names.length}`)
  const text = (name: Name): string | undefined => {
    const value = fields[names.indexOf(name)]
    return value === '' || value === '-' ? undefined : value
  }
  const type = text('type') ?? ''
  if (!/^(https?|h2|grpcs|wss?)$/.test(type)) return fail(`"${type.slice(0, 40)}" is not a type of request`)
  return readFields(text)
}

function readFields(text: (name: Name) => string | undefined): Result<ReadLine, string> {
  const time = utcOf(text('time'))
  if (!time.ok) return time
  const status = parseStatus(text('elb_status_code'))
  if (!status.ok) return fail(`elb_status_code ${status.error}`)
  const received = parseCount(text('received_bytes'))
  if (!received.ok) return fail(`received_bytes ${received.error}`)
  const sent = parseCount(text('sent_bytes'))
  if (!sent.ok) return fail(`sent_bytes ${sent.error}`)
  const request = text('request')
  const { host, target, method, protocol } = urlParts(request)
  const body: EventBody = {
    kind: 'http_request',
    phase: 'final',
    time: time.value,
    endpoint: hostOf(host ?? text('domain_name')),
    protocol,
    method,
    status: status.value,
    bytes_out_wire: sent.value,
    bytes_in_wire: received.value,
    duration_us: durationOf(text),
    client_address: addressOf(text('client')),
    path: target,
    user_agent: cut(text('user_agent')),
  }
  return ok({
    body,
    textOf: (field) =>
      requestField(field, { body, request, user: undefined }) ??
      (albFields.has(field) ? factText(text(field as Name)) : undefined),
  })
}

function cut(text: string | undefined): string | undefined {
  return text === undefined ? undefined : inspectionText(text)
}

/** `GET https://host:443/path HTTP/1.1`: the request line of a load balancer names the host. */
function urlParts(request: string | undefined) {
  const { method, path, protocol } = parseRequestLine(request)
  const [, host, target] = /^[a-z]+:\/\/((?:\[[^\]]*\]|[^/?:]*)(?::\d*)?)(.*)$/s.exec(path ?? '') ?? []
  return { method, protocol, host: host === '' ? undefined : host, target: target === undefined ? path : target || '/' }
}

/** The sum of the three times; -1 stands for one that is not known, and then the sum is not. */
function durationOf(text: (name: Name) => string | undefined): number | undefined {
  const parts = (['request_processing_time', 'target_processing_time', 'response_processing_time'] as const).map(
    (name) => parseSeconds(text(name)),
  )
  const micros = parts.map((part) => (part.ok && part.value !== undefined ? Number(part.value) : undefined))
  return micros.reduce((sum, part) => (sum === undefined || part === undefined ? undefined : sum + part), 0)
}

function addressOf(client: string | undefined): string | undefined {
  return client?.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
}
