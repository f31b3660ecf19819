import { isUtf8 } from 'node:buffer'
import type { Problem } from '../core/errors.ts'
import { eventKinds } from '../core/event.ts'
import type { EventKind } from '../core/event.ts'
import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { ExactNumber } from './json.ts'

type Fields = Readonly<Record<string, unknown>>

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber)
}

function invalid(field: string, message: string): { readonly ok: false; readonly error: Problem } {
  return fail({ code: 'EVENT_FIELD_INVALID', field, message: `${field} ${message}` })
}

/** `http_request` or, as types are usually written, `com.example.http_request`. */
function kindOf(type: unknown): EventKind | undefined {
  return eventKinds.find((kind) => type === kind || (typeof type === 'string' && type.endsWith(`.${kind}`)))
}

/** What the envelope says; in the data it would be a second, perhaps another, answer. */
const ofEnvelope = ['source', 'id', 'time', 'recorded_time'] as const

/**
 * A CloudEvent (1.0, structured JSON) as the event that its `data` describes: identity and time are the envelope's,
 * the kind is that of the data or the end of `type`, the other fields are those of `data`. Attributes of the
 * envelope that say nothing about quantities (subject, dataschema, traceparent, …) are not kept.
 */
export function fromCloudEvent(value: unknown): Result<Fields, Problem> {
  if (!isFields(value)) return fail({ code: 'EVENT_FIELD_INVALID', message: 'a CloudEvent is a JSON object' })
  const { specversion, type, source, id, time, recordedtime, sampledrate, data } = value
  if (specversion !== '1.0') return invalid('specversion', 'is "1.0"')
  // One event that stands for many has no place on an invoice.
  if (sampledrate !== undefined && sampledrate !== 1) {
    return invalid('sampledrate', 'says that events were left out; usage counts every event, so send them all')
  }
  if (!isFields(data)) return invalid('data', 'is an object with the fields of the event')
  const twice = ofEnvelope.find((name) => data[name] !== undefined)
  if (twice !== undefined) return invalid(`data.${twice}`, 'stands in the envelope')
  return ok({ ...data, kind: data['kind'] ?? kindOf(type), source, id, time, recorded_time: recordedtime })
}

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

function attributeOf(header: string): string {
  try {
    return decodeURIComponent(header)
  } catch {
    return header
  }
}

/**
 * A CloudEvent in binary mode as the same event in structured mode: its attributes are the `ce-` headers, with percent
 * encoding (HTTP binding 1.0, §3.1), its data is the body. Null when the request is none, or its body is no JSON
 * in UTF-8: then the body itself is refused as any other.
 */
export function structuredForm(headers: Headers, body: Buffer): Buffer | null {
  if (headers['ce-specversion'] === undefined || !isUtf8(body)) return null
  const attributes: Record<string, string | number> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith('ce-') || typeof value !== 'string') continue
    const text = attributeOf(value)
    attributes[name.slice('ce-'.length)] = name === 'ce-sampledrate' && /^\d{1,9}$/.test(text) ? Number(text) : text
  }
  const data = body.toString('utf8')
  try {
    JSON.parse(data)
  } catch {
    return null
  }
  // The data keeps its own text, and with it every digit.
  return Buffer.from(`${JSON.stringify(attributes).slice(0, -1)},"data":${data}}`)
}
