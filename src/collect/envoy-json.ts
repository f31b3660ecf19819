import { formatInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { fieldAt, parseJsonRecord, textOf } from './exact-json.ts'
import type { JsonRecord } from './exact-json.ts'
import { envoyNames } from './json-formats.ts'
import { readJsonLog } from './json-log.ts'
import type { JsonLog, JsonLogField } from './json-log.ts'
import { mapNames } from './line-reader.ts'
import type { Cumulative, EventBody, FieldMapping, LineReader, ReadLine } from './line-reader.ts'
import { parseDuration, quoted } from './log-quantity.ts'
import { microsOf } from './log-time.ts'
import { factText } from './request-line.ts'

/**
 * When a record was written (%ACCESS_LOG_TYPE%). The periodic ones and those at a beginning have the counts since
 * then, as the one at the end has. Records of the upstream repeat what the downstream's say, on the other leg.
 */
const recordTypes: ReadonlyMap<string, 'start' | 'interim' | 'final'> = new Map([
  ['TcpUpstreamConnected', 'start'],
  ['TcpPeriodic', 'interim'],
  ['TcpConnectionEnd', 'final'],
  ['DownstreamStart', 'start'],
  ['DownstreamTunnelSuccessfullyEstablished', 'start'],
  ['DownstreamPeriodic', 'interim'],
  ['DownstreamEnd', 'final'],
] as const)

const typeNames = ['access_log_type', 'log_type'] as const

export function envoyJsonReader(mappings: readonly FieldMapping[]): LineReader {
  const log: JsonLog = { names: mapNames<JsonLogField>(envoyNames, mappings), duration: parseDuration('ms') }
  return (line) => {
    const record = parseJsonRecord(line)
    if (!record.ok) return record
    const read = readJsonLog(record.value, log)
    return read.ok ? withPhase(read.value, record.value) : read
  }
}

function firstText(record: JsonRecord, names: readonly string[]): string | undefined {
  return names.map((name) => textOf(fieldAt(record, name))).find((text) => text !== undefined)
}

function withPhase(read: ReadLine, record: JsonRecord): Result<ReadLine, string> {
  const type = firstText(record, typeNames)
  const isTcp = type === undefined || type === 'NotSet' ? isConnection(read.body) : type.startsWith('Tcp')
  const body = isTcp ? connectionBody(read.body) : read.body
  if (type === undefined || type === 'NotSet') return ok({ ...read, body })
  const phase = recordTypes.get(type)
  if (phase === undefined) return fail(`${quoted(type)} is not a record of the downstream's HTTP or TCP`)
  const id = firstText(record, isTcp ? ['connection_id', 'stream_id'] : ['stream_id', 'request_id', 'x_request_id'])
  const start = firstText(record, ['start_time'])
  const session = body.session ?? (id === undefined ? undefined : factText(id))
  if (id === undefined || start === undefined) {
    // Nobody can tell which connection goes on, so it counts at its end, which says all.
    if (phase === 'final') return ok({ ...read, body })
    return fail(
      `a ${quoted(type)} record needs start_time and ${isTcp ? 'connection_id' : 'stream_id or request_id'}: its counts are those since the beginning, and nobody knows of what`,
    )
  }
  const cumulative: Cumulative = {
    connection: `${id}\n${start}`,
    isLast: phase === 'final',
    at: writtenAt(start, body),
  }
  return ok({ ...read, body: { ...body, phase, session }, cumulative })
}

/** A connection that is no request: no method, path nor protocol, and the code is 0. */
function isConnection({ method, path, protocol, status }: EventBody): boolean {
  return method === undefined && path === undefined && protocol === undefined && status === 0
}

/** In TCP the bytes are those of the connection. */
function connectionBody(body: EventBody): EventBody {
  const { bytes_out_body: sent, bytes_in_body: received, status: _, ...rest } = body
  return {
    ...rest,
    kind: 'tcp_connection',
    protocol: 'tcp',
    bytes_out_wire: body.bytes_out_wire ?? sent,
    bytes_in_wire: body.bytes_in_wire ?? received,
  }
}

/** START_TIME and DURATION up to now; without a duration nothing later than the start is known. */
function writtenAt(start: string, { time, duration_us: duration }: EventBody): string {
  const began = microsOf(start)
  if (began === undefined || duration === undefined) return time ?? ''
  return formatInstant((began + Number(duration)) as Micros)
}
