import protobuf from 'protobufjs/light.js'
import type { INamespace, Message, Type } from 'protobufjs'
import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import type { JsonRecord } from './exact-json.ts'
import { limits } from './limits.ts'

/**
 * What is read of opentelemetry-proto (collector/logs/v1, logs/v1, common/v1, resource/v1), with its field numbers;
 * everything else is skipped by its wire type. Two things are simpler here than there and the same on the wire: a
 * record and a resource are bytes, so that each is unpacked by itself and a broken one costs its neighbours nothing,
 * and a list holds plain values only, so that no depth of nesting costs anything.
 */
const descriptor: INamespace = {
  nested: {
    Export: { fields: { resourceLogs: { rule: 'repeated', type: 'ResourceLogs', id: 1 } } },
    ResourceLogs: {
      fields: { resource: { type: 'bytes', id: 1 }, scopeLogs: { rule: 'repeated', type: 'ScopeLogs', id: 2 } },
    },
    ScopeLogs: { fields: { logRecords: { rule: 'repeated', type: 'bytes', id: 2 } } },
    Resource: { fields: { attributes: { rule: 'repeated', type: 'KeyValue', id: 1 } } },
    LogRecord: {
      fields: {
        timeUnixNano: { type: 'fixed64', id: 1 },
        attributes: { rule: 'repeated', type: 'KeyValue', id: 6 },
        observedTimeUnixNano: { type: 'fixed64', id: 11 },
      },
    },
    KeyValue: { fields: { key: { type: 'string', id: 1 }, value: { type: 'AnyValue', id: 2 } } },
    AnyValue: {
      oneofs: { value: { oneof: ['stringValue', 'boolValue', 'intValue', 'doubleValue', 'arrayValue'] } },
      fields: {
        stringValue: { type: 'string', id: 1 },
        boolValue: { type: 'bool', id: 2 },
        intValue: { type: 'int64', id: 3 },
        doubleValue: { type: 'double', id: 4 },
        arrayValue: { type: 'ArrayValue', id: 5 },
      },
    },
    ArrayValue: { fields: { values: { rule: 'repeated', type: 'PlainValue', id: 1 } } },
    PlainValue: {
      oneofs: { value: { oneof: ['stringValue', 'boolValue', 'intValue', 'doubleValue'] } },
      fields: {
        stringValue: { type: 'string', id: 1 },
        boolValue: { type: 'bool', id: 2 },
        intValue: { type: 'int64', id: 3 },
        doubleValue: { type: 'double', id: 4 },
      },
    },
    Response: { fields: { partialSuccess: { type: 'PartialSuccess', id: 1 } } },
    PartialSuccess: {
      fields: { rejectedLogRecords: { type: 'int64', id: 1 }, errorMessage: { type: 'string', id: 2 } },
    },
    /** google.rpc.Status, with which every refusal is answered. */
    Status: { fields: { code: { type: 'int32', id: 1 }, message: { type: 'string', id: 2 } } },
  },
}

const root = protobuf.Root.fromJSON(descriptor)
const typeOf = (name: string): Type => root.lookupType(name)
const [exportType, resourceType, recordType] = [typeOf('Export'), typeOf('Resource'), typeOf('LogRecord')]

/** In the form that OTLP has in JSON: 64-bit numbers as text, an unset value without a name. */
function plain(type: Type, bytes: Uint8Array): JsonRecord {
  return type.toObject(type.decode(bytes), { longs: String })
}

interface PackedExport {
  readonly resourceLogs?: readonly {
    readonly resource?: Uint8Array
    readonly scopeLogs?: readonly { readonly logRecords?: readonly Uint8Array[] }[]
  }[]
}

/** A resource with the records that it emitted; a record that cannot be unpacked is the reason why. */
export interface ResourceRecords {
  readonly resource: JsonRecord
  readonly records: Iterable<Result<JsonRecord, string>>
}

/**
 * The records of a binary ExportLogsServiceRequest. Fails when the whole cannot be unpacked, or holds more records
 * than `limits.otlpRecordsMax`, which is counted before anything is unpacked.
 */
export function decodeExport(body: Uint8Array): Result<readonly ResourceRecords[], 'broken' | 'too many'> {
  try {
    if (countAt(protobuf.Reader.create(body), body.length, [1, 2, 2]) > limits.otlpRecordsMax) return fail('too many')
    const { resourceLogs = [] } = exportType.decode(body) as Message & PackedExport
    const found: ResourceRecords[] = []
    for (const { resource, scopeLogs = [] } of resourceLogs) {
      const packed = scopeLogs.flatMap(({ logRecords = [] }) => logRecords)
      const isLarge = (resource?.length ?? 0) > limits.lineBytesMax
      if (isLarge) return fail('broken')
      found.push({ resource: resource === undefined ? {} : plain(resourceType, resource), records: unpacked(packed) })
    }
    return ok(found)
  } catch {
    return fail('broken')
  }
}

function* unpacked(records: readonly Uint8Array[]): Generator<Result<JsonRecord, string>> {
  for (const bytes of records) {
    if (bytes.length > limits.lineBytesMax) {
      yield fail(`the log record has ${bytes.length} bytes, more than ${limits.lineBytesMax}`)
      continue
    }
    try {
      yield ok(plain(recordType, bytes))
    } catch (error) {
      yield fail(`the log record is not a message of OTLP (${(error as Error).message})`)
    }
  }
}

/** How many fields there are at this path of field numbers: a record may be two bytes long and cost a hundred. */
function countAt(reader: protobuf.Reader, end: number, [first, ...rest]: readonly number[]): number {
  let count = 0
  while (reader.pos < end) {
    const tag = reader.uint32()
    if (tag >>> 3 !== first || (tag & 7) !== 2) reader.skipType(tag & 7)
    else {
      const length = reader.uint32()
      count += 1
      if (rest.length === 0) reader.skip(length)
      else count += countAt(reader, reader.pos + length, rest)
    }
  }
  return count
}

/** How an export is answered, in either encoding. */
export type OtlpAnswer =
  | { readonly kind: 'taken'; readonly rejected: number; readonly message: string }
  /** `code` is one of gRPC's. */
  | { readonly kind: 'refused'; readonly code: number; readonly message: string }

export function encodeAnswer(answer: OtlpAnswer, encoding: 'json' | 'protobuf'): Buffer {
  const [name, value] =
    answer.kind === 'taken' ? (['Response', taken(answer)] as const) : (['Status', status(answer)] as const)
  if (encoding === 'json') return Buffer.from(JSON.stringify(value))
  const type = typeOf(name)
  return Buffer.from(type.encode(type.fromObject(value)).finish())
}

function taken({ rejected, message }: Extract<OtlpAnswer, { kind: 'taken' }>): Record<string, unknown> {
  if (rejected === 0 && message === '') return {}
  // In JSON a 64-bit number is a text.
  return { partialSuccess: { rejectedLogRecords: String(rejected), errorMessage: message } }
}

function status({ code, message }: Extract<OtlpAnswer, { kind: 'refused' }>): Record<string, unknown> {
  return { code, message }
}
