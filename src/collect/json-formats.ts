import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { fieldAt, parseJsonRecord, textOf } from './exact-json.ts'
import type { JsonRecord } from './exact-json.ts'
import { readJsonLog } from './json-log.ts'
import type { JsonLog, JsonLogField, JsonLogNames } from './json-log.ts'
import { mapNames } from './line-reader.ts'
import type { FieldMapping, LineReader } from './line-reader.ts'
import { parseDuration, quoted } from './log-quantity.ts'
import { microsOf } from './log-time.ts'

const nothing: JsonLogNames = {
  time: [],
  request: [],
  method: [],
  path: [],
  protocol: [],
  endpoint: [],
  status: [],
  bytes_out_body: [],
  bytes_out_wire: [],
  bytes_in_wire: [],
  bytes_in_body: [],
  request_time: [],
  duration_us: [],
  id: [],
  session: [],
  region: [],
  user: [],
  client_address: [],
  user_agent: [],
  referer: [],
}

/**
 * Caddy (module http.log.access, JSON encoder). `size` is the number of bytes of the response's body that were
 * written, `bytes_read` those of the request's body that were read (Caddy documentation, "log" directive and
 * "How logging works"): neither has headers, so the wire stays unknown.
 */
export const caddyNames: JsonLogNames = {
  ...nothing,
  time: ['ts'],
  method: ['request.method'],
  path: ['request.uri'],
  protocol: ['request.proto'],
  endpoint: ['request.host'],
  status: ['status'],
  bytes_out_body: ['size'],
  bytes_in_body: ['bytes_read'],
  request_time: ['duration'],
  user: ['user_id'],
  client_address: ['request.client_ip', 'request.remote_ip', 'request.remote_addr'],
  user_agent: ['request.headers.User-Agent'],
  referer: ['request.headers.Referer'],
}

/** The error log may lie in the same file and repeats the request of an access line; it is not one more request. */
function caddyFault(record: JsonRecord): string | undefined {
  const logger = textOf(record['logger'])
  if (logger !== undefined && !logger.startsWith('http.log.access')) return `${quoted(logger)} is not an access log`
  return record['request'] === undefined ? 'the line has no request: it is not of an access log' : undefined
}

export function caddyReader(mappings: readonly FieldMapping[]): LineReader {
  return jsonReader({ names: mapNames<JsonLogField>(caddyNames, mappings), duration: parseDuration('s') }, caddyFault)
}

/**
 * Traefik's JSON log. RequestContentSize and DownstreamContentSize are "the number of bytes in the request entity
 * (a.k.a. body)" and "the number of bytes in the response entity returned to the client" (Traefik documentation,
 * access logs): bodies. OriginContentSize is what the server behind sent, before compression, and is not billed.
 * Durations are nanoseconds.
 */
export const traefikNames: JsonLogNames = {
  ...nothing,
  time: ['StartUTC', 'StartLocal', 'time'],
  method: ['RequestMethod'],
  path: ['RequestPath'],
  protocol: ['RequestProtocol'],
  endpoint: ['RequestHost', 'RequestAddr'],
  status: ['DownstreamStatus'],
  bytes_out_body: ['DownstreamContentSize'],
  bytes_in_body: ['RequestContentSize'],
  request_time: ['Duration'],
  user: ['ClientUsername'],
  client_address: ['ClientHost', 'ClientAddr'],
  user_agent: ['request_User-Agent'],
  referer: ['request_Referer'],
}

export function traefikJsonReader(mappings: readonly FieldMapping[]): LineReader {
  return jsonReader({ names: mapNames<JsonLogField>(traefikNames, mappings), duration: parseDuration('ns') })
}

/**
 * Envoy's JSON log has the names that an installation gave; these are the usual ones, of Envoy's own examples and
 * of Istio. BYTES_RECEIVED and BYTES_SENT are "body bytes"; the *_WIRE_BYTES_* operators are "total bytes […] by
 * the downstream http stream", headers included (Envoy documentation, access logging, command operators).
 */
export const envoyNames: JsonLogNames = {
  ...nothing,
  time: ['start_time', 'time', 'timestamp'],
  method: ['method', 'request_method'],
  path: ['path', 'x_envoy_original_path', 'request_path'],
  protocol: ['protocol'],
  endpoint: ['authority', 'host', 'requested_server_name'],
  status: ['response_code', 'status'],
  bytes_out_body: ['bytes_sent'],
  bytes_in_body: ['bytes_received'],
  bytes_out_wire: ['downstream_wire_bytes_sent', 'wire_bytes_sent'],
  bytes_in_wire: ['downstream_wire_bytes_received', 'wire_bytes_received'],
  request_time: ['duration'],
  id: ['request_id', 'x_request_id'],
  client_address: ['downstream_remote_address', 'x_forwarded_for'],
  user_agent: ['user_agent'],
  referer: ['referer'],
}

/**
 * Cloudflare Logpush, data set http_requests. EdgeResponseBytes is the "size of the response returned by the edge to
 * the client" and EdgeResponseBodyBytes that of its body; ClientRequestBytes is the "number of bytes in the client
 * request" (Cloudflare documentation, http_requests). What the origin and the cache sent is another leg. Times are
 * seconds, nanoseconds (as numbers or texts) or RFC 3339, as the job was set up.
 */
export const cloudflareNames: JsonLogNames = {
  ...nothing,
  time: ['EdgeEndTimestamp', 'EdgeStartTimestamp'],
  method: ['ClientRequestMethod'],
  path: ['ClientRequestURI', 'ClientRequestPath'],
  protocol: ['ClientRequestProtocol'],
  endpoint: ['ClientRequestHost'],
  status: ['EdgeResponseStatus'],
  bytes_out_wire: ['EdgeResponseBytes'],
  bytes_out_body: ['EdgeResponseBodyBytes'],
  bytes_in_wire: ['ClientRequestBytes'],
  id: ['RayID'],
  region: ['EdgeColoCode'],
  client_address: ['ClientIP'],
  user_agent: ['ClientRequestUserAgent'],
  referer: ['ClientRequestReferer'],
}

export function cloudflareReader(mappings: readonly FieldMapping[]): LineReader {
  const log: JsonLog = { names: mapNames<JsonLogField>(cloudflareNames, mappings), duration: parseDuration('s') }
  return (line) => {
    const record = parseJsonRecord(line)
    if (!record.ok) return record
    const read = readJsonLog(record.value, log)
    if (!read.ok) return read
    // A request that a Worker made is in the same log and went to no visitor; the attribute lets a meter tell.
    const isSubrequest = textOf(record.value['WorkerSubrequest']) === 'true'
    const body = {
      ...read.value.body,
      duration_us: spanOf(record.value),
      attributes: isSubrequest ? { worker_subrequest: 'true' } : undefined,
    }
    return ok({ ...read.value, body })
  }
}

function spanOf(record: JsonRecord): number | undefined {
  const start = microsOf(textOf(fieldAt(record, 'EdgeStartTimestamp')))
  const end = microsOf(textOf(fieldAt(record, 'EdgeEndTimestamp')))
  return start === undefined || end === undefined || end < start ? undefined : end - start
}

function jsonReader(log: JsonLog, faultOf: (record: JsonRecord) => string | undefined = () => undefined): LineReader {
  return (line): ReturnType<LineReader> => {
    const record: Result<JsonRecord, string> = parseJsonRecord(line)
    if (!record.ok) return record
    const fault = faultOf(record.value)
    return fault === undefined ? readJsonLog(record.value, log) : fail(fault)
  }
}
