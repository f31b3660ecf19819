import type { Micros } from '../core/time.ts'
import { Parameters } from './condition.ts'
import type { Engine } from './engine.ts'
import type { Offset } from '../core/ids.ts'
import { livedOfFewSql, querySessions, sessionRows } from './sessions.ts'
import type { SessionScope } from './sessions.ts'
import { byteColumns, byteFields, bytesOf, recordColumns } from './sessions-list.ts'
import type { Bytes, FoundSession, Row } from './sessions-list.ts'

/** The records of one life: `FROM (…) WHERE …`. */
function recordsOf({ session, span }: FoundSession, { scope, below }: SessionScope, parameters: Parameters): string {
  const name = parameters.add(session.name, 'String')
  const lived = livedOfFewSql({
    parameters,
    rows: sessionRows({ scope, below }, parameters),
    span,
    columns: [...recordColumns, 'id', 'duration_us'],
    only: `ifNull(session, id) = ${name}`,
  })
  const is = [
    `session_kind = ${parameters.add(session.kind, 'String')}`,
    `origin = ${parameters.add(session.origin, 'String')}`,
    `unnamed = ${session.unnamed ? 1 : 0}`,
    `life = ${parameters.add(session.life, 'UInt64')}`,
  ]
  return `FROM (${lived}) WHERE ${is.join(' AND ')}`
}

/** Bytes of a session in windows, each where its record says that they went. Windows without records have no row. */
export async function askSessionWindows(
  engine: Engine,
  found: FoundSession,
  { starts, ...scope }: SessionScope & { readonly starts: readonly Micros[] },
): Promise<ReadonlyMap<Micros, { readonly records: string; readonly bytes: Bytes }>> {
  const parameters = new Parameters()
  const window = `roundDown(time_us, ${parameters.add(starts, 'Array(Int64)')}) AS window_us`
  const rows = await querySessions<Row>(
    engine,
    `SELECT ${window}, count() AS records, ${byteColumns.join(', ')} ${recordsOf(found, scope, parameters)} GROUP BY window_us`,
    parameters,
  )
  return new Map(
    rows.map((row) => [Number(row['window_us']) as Micros, { records: String(row['records']), bytes: bytesOf(row) }]),
  )
}

/** One record of a session as it is stored. */
export type SessionRecord = Readonly<Record<string, string | null>>

const shown = ['offset', 'source', 'id', 'record_phase', 'time_us', 'duration_us', 'leg', ...byteFields] as const
const alsoShown = ['endpoint', 'protocol', 'region', 'client', 'client_version'] as const

export async function askSessionRecords(
  engine: Engine,
  found: FoundSession,
  { after, most, ...scope }: SessionScope & { after: { time: Micros; offset: Offset } | null; most: number },
): Promise<readonly SessionRecord[]> {
  const parameters = new Parameters()
  const columns = [...shown, ...alsoShown].map((name) => (name === 'record_phase' ? `${name} AS phase` : name))
  const records = recordsOf(found, scope, parameters)
  const cursor =
    after === null
      ? ''
      : ` AND (time_us, offset) > (${parameters.add(after.time, 'Int64')}, ${parameters.add(after.offset, 'UInt64')})`
  return querySessions<SessionRecord>(
    engine,
    `SELECT ${columns.join(', ')} ${records}${cursor} ORDER BY time_us, offset LIMIT ${parameters.add(most, 'UInt32')}`,
    parameters,
  )
}
