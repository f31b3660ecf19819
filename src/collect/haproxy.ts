import { formatInstant } from '../core/time.ts'
import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { requestField } from './json-log.ts'
import type { EventBody, FieldMapping, LineReader, ReadLine, ReaderOptions } from './line-reader.ts'
import { parseCount, parseDuration, parseStatus, quoted } from './log-quantity.ts'
import { parseLocalTime, utcOf } from './log-time.ts'
import { factText, hostOf, inspectionText, parseRequestLine } from './request-line.ts'

/** What an account rule can name besides the fields of every format. */
export const haproxyFields = ['frontend', 'backend', 'server', 'captured_request', 'captured_response'] as const
type OwnField = (typeof haproxyFields)[number]

/** `address:port [time] frontend backend/server timers status bytes`, wherever a syslog prefix ends. */
const httpPattern =
  /^(\S+):(\d+) \[([^\]]{1,40})\] (\S+) ([^\s/]+)\/(\S+) (-?\d+)\/(-?\d+)\/(-?\d+)\/(-?\d+)\/(\+?-?\d+) (-?\d+|-) (\S+) (.*)$/s
const tcpPattern =
  /^(\S+):(\d+) \[([^\]]{1,40})\] (\S+) ([^\s/]+)\/(\S+) (-?\d+)\/(-?\d+)\/(\+?-?\d+) (\S+) (\S\S) (\S+) (\S+)$/s
/** Cookies and state of the end, connections, queues, captured headers, request. */
const endPattern = /^(\S+) (\S+) (\S{2,8}) (\S+) (\S+) (?:\{([^}]*)\} )?(?:\{([^}]*)\} )?"(.*)$/s
const prefix = /^(?:<\d{1,3}>)?[^[\]"{}]{0,160}(?:\[\d+\])?: (?=\S+:\d+ \[)/

/**
 * HAProxy's HTTP and TCP logs ("option httplog", "option tcplog"). bytes_read is "the total number of bytes
 * transmitted to the client when the log is emitted. This does include HTTP headers" (HAProxy documentation, 8.2.3):
 * the wire out. Its times are those of a zone that the line does not name.
 */
export function haproxyReader(_mappings: readonly FieldMapping[], { timeZone }: ReaderOptions = {}): LineReader {
  return (line) => {
    const entry = line.replace(prefix, '')
    const http = httpPattern.exec(entry)
    if (http !== null) return readHttp(http, timeZone)
    const tcp = tcpPattern.exec(entry)
    return tcp === null ? fail("the line is neither of HAProxy's HTTP log nor of its TCP log") : readTcp(tcp, timeZone)
  }
}

function timeOf(text: string, timeZone: string | undefined): Result<string, string> {
  if (/[+-]\d{4}$/.test(text)) return utcOf(text)
  if (timeZone === undefined)
    return fail(`the time ${quoted(text)} has no zone; say which one the log is in with --timezone`)
  const instant = parseLocalTime(text, timeZone)
  return instant.ok ? ok(formatInstant(instant.value)) : fail(`the time ${quoted(text)} ${instant.error}`)
}

/** With "option logasap" the line is written before the transfer ends, and its size is only that of the beginning. */
function sizeOf(text: string): Result<EventBody['bytes_out_wire'], string> {
  if (text.startsWith('+'))
    return fail(
      `bytes_read ${quoted(text)} was written before the transfer ended (option logasap); the size is not known`,
    )
  const size = parseCount(text)
  return size.ok ? size : fail(`bytes_read ${size.error}`)
}

interface Parts {
  readonly at: string
  readonly timeZone: string | undefined
  readonly size: string
  readonly duration: string
}

function readParts({ at, timeZone, size, duration }: Parts): Result<Omit<EventBody, 'kind'>, string> {
  const time = timeOf(at, timeZone)
  if (!time.ok) return time
  const bytes = sizeOf(size)
  if (!bytes.ok) return bytes
  const micros = parseDuration('ms')(duration)
  if (!micros.ok) return fail(`the time active ${micros.error}`)
  return ok({ time: time.value, phase: 'final', bytes_out_wire: bytes.value, duration_us: micros.value })
}

function readHttp(match: RegExpExecArray, timeZone: string | undefined): Result<ReadLine, string> {
  const [, address = '', , at = '', frontend, backend, server, , , , , duration = '', code = '', size = '', rest = ''] =
    match
  const parts = readParts({ at, timeZone, size, duration })
  if (!parts.ok) return parts
  const status = parseStatus(code.startsWith('-') ? undefined : code)
  if (!status.ok) return fail(`the status ${status.error}`)
  const [, , , , , , first, second, quotedRequest] = endPattern.exec(rest) ?? []
  if (quotedRequest === undefined) return fail('the line ends before its request')
  // HAProxy cuts long requests, and with them the quote.
  const request = quotedRequest.replace(/"$/, '')
  const { method, path, protocol } = request === '<BADREQ>' ? {} : parseRequestLine(request)
  const [, host, target] = /^[a-z]+:\/\/([^/?]*)(.*)$/s.exec(path ?? '') ?? []
  const body: EventBody = {
    ...parts.value,
    kind: 'http_request',
    endpoint: hostOf(host === '' ? undefined : host),
    protocol,
    method,
    status: status.value,
    client_address: inspectionText(address),
    path: target === undefined ? path : target || '/',
  }
  const own = { frontend, backend, server, captured_request: first, captured_response: second }
  return ok({ body, textOf: (field) => ruleText(field, { body, request, own }) })
}

function readTcp(match: RegExpExecArray, timeZone: string | undefined): Result<ReadLine, string> {
  const [, address = '', , at = '', frontend, backend, server, , , duration = '', size = ''] = match
  const parts = readParts({ at, timeZone, size, duration })
  if (!parts.ok) return parts
  const body: EventBody = {
    ...parts.value,
    kind: 'tcp_connection',
    protocol: 'tcp',
    client_address: inspectionText(address),
  }
  const own = { frontend, backend, server, captured_request: undefined, captured_response: undefined }
  return ok({ body, textOf: (field) => ruleText(field, { body, request: undefined, own }) })
}

interface RuleSource {
  readonly body: EventBody
  readonly request: string | undefined
  readonly own: Readonly<Record<OwnField, string | undefined>>
}

function ruleText(field: string, { body, request, own }: RuleSource): string | undefined {
  // A frontend with TLS is marked with a ~ at its end.
  if (field === 'frontend') return factText(own.frontend?.replace(/~$/, ''))
  if (Object.hasOwn(own, field)) return own[field as OwnField]
  return requestField(field, { body, request, user: undefined })
}
