import type { Result } from '../core/result.ts'
import { repairJsonEscapes } from './escapes.ts'
import { parseJsonRecord } from './exact-json.ts'
import type { JsonRecord } from './exact-json.ts'
import { readJsonLog } from './json-log.ts'
import type { JsonLogField, JsonLogNames } from './json-log.ts'
import { mapNames } from './line-reader.ts'
import type { FieldMapping, LineReader } from './line-reader.ts'
import { parseSeconds } from './log-quantity.ts'

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
} as const satisfies JsonLogNames

export function nginxJsonReader(mappings: readonly FieldMapping[]): LineReader {
  const log = { names: mapNames<JsonLogField>(nginxJsonNames, mappings), duration: parseSeconds }
  return (line) => {
    const record = parseRecord(line)
    return record.ok ? readJsonLog(record.value, log) : record
  }
}

function parseRecord(line: string): Result<JsonRecord, string> {
  const record = parseJsonRecord(line)
  if (record.ok || !line.includes('\\x')) return record
  const repaired = parseJsonRecord(repairJsonEscapes(line))
  return repaired.ok ? repaired : record
}
