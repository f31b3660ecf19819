import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { parseJsonRecord, textOf } from './exact-json.ts'
import type { JsonRecord, JsonValue } from './exact-json.ts'
import { readJsonLog } from './json-log.ts'
import type { JsonLog, JsonLogField, JsonLogNames } from './json-log.ts'
import { limits } from './limits.ts'
import { mapNames } from './line-reader.ts'
import type { FieldMapping, LineReader } from './line-reader.ts'
import { parseDuration } from './log-quantity.ts'
import { parseExport } from './otlp-depth.ts'

/**
 * Attributes of HTTP requests (OpenTelemetry semantic conventions 1.44, and the names before 1.20 after them).
 * http.*.body.size is the size of the body as it was transferred; http.request.size and http.response.size are "the
 * total size […] over the wire", with request or status line and headers.
 */
export const otlpNames: JsonLogNames = {
  time: ['time'],
  request: [],
  method: ['http.request.method', 'http.method'],
  path: ['url.path', 'http.target'],
  protocol: ['network.protocol.version', 'http.flavor'],
  endpoint: ['server.address', 'http.host', 'host.name'],
  status: ['http.response.status_code', 'http.status_code'],
  bytes_out_body: ['http.response.body.size', 'http.response_content_length'],
  bytes_out_wire: ['http.response.size'],
  bytes_in_wire: ['http.request.size'],
  bytes_in_body: ['http.request.body.size', 'http.request_content_length'],
  request_time: ['http.server.request.duration'],
  duration_us: [],
  id: ['log.record.uid'],
  session: ['session.id'],
  region: ['cloud.region'],
  user: ['enduser.id', 'user.id'],
  client_address: ['client.address', 'http.client_ip', 'network.peer.address'],
  user_agent: ['user_agent.original', 'http.user_agent'],
  referer: ['http.request.header.referer'],
}

/**
 * OTLP logs as JSON, one ExportLogsServiceRequest per line. The entries of a line are its log records, so each has
 * a number of its own. An entry is a flat JSON object: the attributes of the resource and of the record (which wins)
 * under their own names, and the record's time.
 */
export function otlpJsonReader(mappings: readonly FieldMapping[]): LineReader {
  const log: JsonLog = { names: mapNames<JsonLogField>(otlpNames, mappings), duration: parseDuration('s') }
  const read: LineReader = (entry) => {
    const record = parseJsonRecord(entry)
    if (!record.ok) return record
    if (isExport(record.value))
      return fail(
        'the line is no export of logs (resourceLogs and scopeLogs are not lists), or one that is far too large',
      )
    const event = readJsonLog(record.value, log)
    if (event.ok && event.value.body.method === undefined && event.value.body.status === undefined)
      return fail('the log record has neither method nor status: it is not about a request')
    return event
  }
  return Object.assign(read, { entriesOf })
}

const isExport = (record: JsonRecord): boolean => Object.hasOwn(record, 'resourceLogs')

/** A line that is no export is one entry, and is refused when it is read. */
function entriesOf(line: string): readonly string[] {
  const request = parseExport(line)
  if (!request.ok) return [line]
  const entries = entriesOfExport(request.value)
  return entries.ok ? entries.value : [line]
}

type List = readonly JsonRecord[]

function listAt(record: JsonRecord, name: string): Result<List, string> {
  const value = record[name] ?? []
  const isList =
    Array.isArray(value) && value.every((one) => typeof one === 'object' && one !== null && !Array.isArray(one))
  return isList ? ok(value as List) : fail(`${name} is not a list of objects`)
}

/** The entries of an ExportLogsServiceRequest in JSON: one for each log record. */
export function entriesOfExport(request: JsonRecord): Result<readonly string[], string> {
  if (!isExport(request)) return fail('no resourceLogs')
  const entries = new OtlpEntries()
  const resources = listAt(request, 'resourceLogs')
  if (!resources.ok) return resources
  for (const resource of resources.value) {
    const scopes = listAt(resource, 'scopeLogs')
    if (!scopes.ok) return scopes
    const shared = attributesOf((resource['resource'] ?? {}) as JsonRecord)
    for (const scope of scopes.value) {
      const records = listAt(scope, 'logRecords')
      if (!records.ok) return records
      for (const record of records.value) if (!entries.add(record, shared)) return fail(entries.excess)
    }
  }
  return ok(entries.texts)
}

/**
 * Collects entries. What a resource says is repeated in each of its records, so a small export could become an
 * enormous one: beyond a bound nothing more is taken.
 */
export class OtlpEntries {
  readonly texts: string[] = []
  readonly excess = `the export has more than ${limits.otlpRecordsMax} log records, or they repeat what their resource says in more than ${limits.otlpEntriesBytesMax} bytes`
  #length = 0

  /** False when it is too much. */
  add(record: JsonRecord, shared: Record<string, JsonValue>): boolean {
    return this.addText(JSON.stringify({ ...shared, ...attributesOf(record), ...timeOf(record) }))
  }

  addText(text: string): boolean {
    this.#length += text.length
    this.texts.push(text)
    return this.texts.length <= limits.otlpRecordsMax && this.#length <= limits.otlpEntriesBytesMax
  }
}

/** A time of 0 means that none is known; then the one of its first observation stands for it (OTLP, LogRecord). */
function timeOf(record: JsonRecord): Record<string, JsonValue> {
  const time = [record['timeUnixNano'], record['observedTimeUnixNano']]
    .map(textOf)
    .find((text) => Number(text ?? 0) > 0)
  return time === undefined ? {} : { time }
}

/** The attributes of a record or of a resource, by name. */
export function attributesOf(holder: JsonRecord): Record<string, JsonValue> {
  const attributes = listAt(holder, 'attributes')
  if (!attributes.ok) return {}
  const entries = attributes.value.map(({ key, value }): [string, JsonValue] => [textOf(key) ?? '', plainValue(value)])
  return Object.fromEntries(entries.filter(([, value]) => value !== null))
}

/** The value inside an AnyValue; a list of texts stays a list, anything deeper is left out. */
function plainValue(value: JsonValue | undefined): JsonValue {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return null
  const { stringValue, intValue, doubleValue, boolValue, arrayValue } = value as JsonRecord
  const plain = stringValue ?? intValue ?? doubleValue ?? boolValue
  if (plain !== undefined) return plain
  const list = arrayValue === undefined || arrayValue === null ? undefined : listAt(arrayValue as JsonRecord, 'values')
  return list?.ok === true ? list.value.map(plainValue) : null
}
