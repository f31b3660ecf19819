import type { EventInput } from '../core/event.ts'
import { factFields, inspectionFields } from '../core/event.ts'
import { ok } from '../core/result.ts'
import { fieldAt, parseJsonRecord, textOf } from './exact-json.ts'
import type { JsonRecord, JsonValue } from './exact-json.ts'
import type { EventBody, FieldMapping, LineReader, ReadLine } from './line-reader.ts'
import { utcOf } from './log-time.ts'
import { requestText } from './json-log.ts'
import { inspectionText } from './request-line.ts'

/** The fields that `--map` can name: all of the canonical event. */
export const ndjsonNames: ReadonlySet<string> = new Set([...factFields, ...inspectionFields].map(({ name }) => name))

/**
 * Canonical events, one per line. What a line says is for the service to judge; here only its identity is
 * settled, numbers keep all their digits, and times are written in UTC.
 */
export function ndjsonReader(mappings: readonly FieldMapping[]): LineReader {
  return (line) => {
    const record = parseJsonRecord(line)
    return record.ok ? ok(readRecord(applyMappings(record.value, mappings))) : record
  }
}

function applyMappings(record: JsonRecord, mappings: readonly FieldMapping[]): JsonRecord {
  if (mappings.length === 0) return record
  const mapped: Record<string, JsonValue> = { ...record }
  for (const { name } of mappings) if (!ndjsonNames.has(name)) delete mapped[name]
  const done = new Set<string>()
  for (const { field, name } of mappings) {
    const value = fieldAt(record, name)
    if (value === undefined || value === null || done.has(field)) continue
    mapped[field] = value
    done.add(field)
  }
  return mapped
}

function isPresent(value: JsonValue | undefined): boolean {
  return value !== undefined && value !== null && value !== ''
}

function readRecord(record: JsonRecord): ReadLine {
  const { source, epoch, seq, ...rest } = record
  const hasIdentity = isPresent(source) && (isPresent(record['id']) || isPresent(seq))
  const inUtc: Record<string, JsonValue | undefined> = hasIdentity ? { source, epoch, seq, ...rest } : rest
  for (const name of ['time', 'recorded_time']) inUtc[name] = utcText(record[name])
  for (const { name } of inspectionFields) {
    const value = inUtc[name]
    if (typeof value === 'string') inUtc[name] = inspectionText(value)
  }
  const body = inUtc as EventBody
  return { body, textOf: (field) => ruleText(field, record, body) }
}

/** In UTC when it can be read; otherwise as it is, so that the service quarantines it with its own reason. */
function utcText(value: JsonValue | undefined): JsonValue | undefined {
  const utc = utcOf(textOf(value))
  return utc.ok ? utc.value : value
}

function ruleText(field: string, record: JsonRecord, body: EventBody): string | undefined {
  const named: Partial<Record<string, keyof EventInput>> = { host: 'endpoint' }
  const text = textOf(fieldAt(record, named[field] ?? field))
  return text ?? (field === 'request' ? requestText(body) : undefined)
}
