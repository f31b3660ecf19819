import type { AccountKey, Offset } from '../core/ids.ts'
import { assert } from '../core/result.ts'
import { dayMicros, instantMax, instantMin } from '../core/time.ts'
import type { Micros, Period } from '../core/time.ts'
import { Parameters } from './condition.ts'
import type { Engine } from './engine.ts'
import { fence } from './counted-rows.ts'
import {
  limits as rules,
  livesOfFewSql,
  livesSql,
  orderSql,
  querySessions,
  sessionRows,
  spanAround,
} from './sessions.ts'
import type { SessionKind, SessionScope } from './sessions.ts'

export const limits = {
  /** Different clients, regions or sources that are named of one session; there may be more. */
  namesMax: 16,
  /** A session is told as a whole when it began at most so long before the time asked about. */
  historyMicros: 400 * dayMicros,
} as const

export const sessionStates = ['open', 'presumed_closed', 'closed'] as const
export type SessionState = (typeof sessionStates)[number]

export const byteFields = ['bytes_out_wire', 'bytes_out_body', 'bytes_in_wire', 'bytes_in_body'] as const
export type ByteField = (typeof byteFields)[number]
const legs = ['client', 'agent'] as const

/** Sums by leg; null: no record says so (L13). Decimal strings. */
export type Bytes = Readonly<Record<(typeof legs)[number], Readonly<Record<ByteField, string | null>>>>

/** What makes records those of one session. */
export interface SessionKey {
  readonly account: AccountKey
  readonly kind: SessionKind
  /** The source of a connection; empty for an agent's session, which may move. */
  readonly origin: string
  /** True: a record that names no session is one of its own, named by its event. */
  readonly unnamed: boolean
  readonly name: string
}

export interface StoredSession extends SessionKey {
  /** Number of the life among those of its key that are looked at. */
  readonly life: string
  /** A record of it by which it can be found again. */
  readonly firstOffset: Offset
  readonly firstRecord: Micros
  readonly lastRecord: Micros
  readonly started: Micros
  readonly startedBy: 'start' | 'duration' | 'first_record'
  /** When it ended, or will be presumed to have ended if nothing more comes. */
  readonly ends: Micros
  readonly isStopped: boolean
  /** When the next life of the same name begins, if it does. */
  readonly next: Micros | null
  readonly records: string
  readonly bytes: Bytes
  readonly endpoint: string | null
  readonly protocol: string | null
  readonly clients: readonly (readonly [client: string | null, version: string | null])[]
  /** The one of the last record that says any: it may have changed its version meanwhile. */
  readonly newestClient: readonly [client: string | null, version: string | null] | null
  readonly regions: readonly string[]
  readonly sources: readonly string[]
}

export const byteColumns = legs.flatMap((leg) =>
  byteFields.map(
    (field) => `toString(sumOrNull(if(leg = '${leg}', toUInt256(${field}), NULL))) AS ${leg}_${field.slice(6)}`,
  ),
)

export type Row = Readonly<Record<string, string | null | readonly unknown[] | boolean | number>>

export function bytesOf(row: Row): Bytes {
  const of = (leg: string): Readonly<Record<ByteField, string | null>> =>
    Object.fromEntries(
      byteFields.map((field) => [field, (row[`${leg}_${field.slice(6)}`] ?? null) as string | null]),
    ) as Readonly<Record<ByteField, string | null>>
  return { client: of('client'), agent: of('agent') }
}

const first = (field: string): string => `argMinIf(${field}, ${orderSql}, isNotNull(${field})) AS first_${field}`
const names = (value: string): string => `arraySlice(arraySort(groupUniqArray(${value})), 1, ${limits.namesMax})`

/** Columns of a record that a session is told by. */
export const recordColumns = [
  'toString(source) AS source',
  'toString(leg) AS leg',
  ...byteFields,
  ...['endpoint', 'protocol', 'region', 'client', 'client_version'].map(
    (field) => `CAST(${field} AS Nullable(String)) AS ${field}`,
  ),
]

const clientsColumn = `arraySlice(arraySort(groupUniqArrayIf((client, client_version), isNotNull(client) OR isNotNull(client_version))), 1, ${limits.namesMax}) AS clients`

const tellingColumns = [
  'count() AS records',
  ...byteColumns,
  first('endpoint'),
  first('protocol'),
  clientsColumn,
  `argMaxIf((client, client_version), ${orderSql}, isNotNull(client) OR isNotNull(client_version)) AS newest_client`,
  `${names('region')} AS regions`,
  `${names('source')} AS sources`,
]

function sessionOf(row: Row): StoredSession {
  const number = (name: string): Micros => Number(row[name]) as Micros
  return {
    account: row['account'] as AccountKey,
    kind: row['session_kind'] as SessionKind,
    origin: row['origin'] as string,
    unnamed: Boolean(row['unnamed']),
    name: row['session_name'] as string,
    life: String(row['life']),
    firstOffset: Number(row['first_offset']) as Offset,
    firstRecord: number('first_us'),
    lastRecord: number('last_us'),
    started: number('start_us'),
    startedBy: row['started_by'] as StoredSession['startedBy'],
    ends: number('end_us'),
    isStopped: Number(row['stops_seen']) > 0,
    next: null,
    records: String(row['records']),
    bytes: bytesOf(row),
    endpoint: (row['first_endpoint'] ?? null) as string | null,
    protocol: (row['first_protocol'] ?? null) as string | null,
    clients: row['clients'] as StoredSession['clients'],
    newestClient:
      (row['clients'] as unknown[]).length === 0 ? null : (row['newest_client'] as StoredSession['newestClient']),
    regions: row['regions'] as readonly string[],
    sources: row['sources'] as readonly string[],
  }
}

/** Whether a session is over as of an instant: by its stop, by its silence, or not. */
export function stateOf({ ends, isStopped }: StoredSession, until: Micros): SessionState {
  if (ends > until) return 'open'
  return isStopped ? 'closed' : 'presumed_closed'
}

const stateSql = (until: string): string =>
  `multiIf(end_us > ${until}, 'open', stops_seen > 0, 'closed', 'presumed_closed')`

export interface SessionsQuestion extends SessionScope {
  /** Sessions that were open at some instant of it. */
  readonly period: Period
  /** The instant as of which is asked what is over. */
  readonly until: Micros
  readonly state: SessionState | null
  readonly kind: SessionKind | null
  readonly endpoint: string | null
  readonly client: string | null
  readonly name: string | null
}

export interface SessionsPage {
  readonly after: { readonly started: Micros; readonly offset: Offset } | null
  readonly most: number
}

/** What the lives of a period must meet, over the columns of `livesSql` with those of `tellingColumns`. */
export function wantedSql(question: SessionsQuestion, parameters: Parameters): string {
  const { period, until, state, endpoint, client } = question
  const text = (value: string): string => parameters.add(value, 'String')
  const from = parameters.add(period.from, 'Int64')
  return [
    `start_us < ${parameters.add(period.to, 'Int64')}`,
    `(end_us > ${from} OR start_us >= ${from})`,
    ...(state === null ? [] : [`${stateSql(parameters.add(until, 'Int64'))} = ${text(state)}`]),
    ...(endpoint === null ? [] : [`ifNull(first_endpoint = ${text(endpoint)}, 0)`]),
    ...(client === null ? [] : [`arrayExists(pair -> ifNull(pair.1 = ${text(client)}, 0), clients)`]),
  ].join(' AND ')
}

/**
 * The records by which the lives of a question are known. Whether one is over as of `until` is known from those up to
 * it, also where the period is long past.
 */
function seenSpan({ period, until, state }: SessionsQuestion, isOpenAsked = false): Period {
  const isAsked = state !== null || isOpenAsked
  return spanAround({ from: period.from, to: isAsked ? (Math.max(period.to, until) as Micros) : period.to })
}

/** The lives that a question is about, as they look from the records around its period. */
export function wantedLives(
  question: SessionsQuestion,
  parameters: Parameters,
  { clients = false, open = false }: { readonly clients?: boolean; readonly open?: boolean } = {},
): string {
  const { kind, name, endpoint, client } = question
  const rows = sessionRows(question, parameters)
  const span = seenSpan(question, open)
  // A life that is wanted has a record that says so: other names need not be looked at (L12).
  const saying = (field: string, value: string): string =>
    `ifNull(session, id) IN (SELECT ifNull(session, id) ${rows(span)} AND ifNull(${field} = ${parameters.add(value, 'String')}, 0))`
  const only = [
    ...(kind === null ? [] : [`kind = ${parameters.add(kind, 'String')}`]),
    ...(name === null ? [] : [`session = ${parameters.add(name, 'String')}`]),
    ...(endpoint === null ? [] : [saying('endpoint', endpoint)]),
    ...(client === null ? [] : [saying('client', client)]),
  ]
  const lives = livesSql(
    {
      parameters,
      rows,
      span,
      columns: recordColumns,
      ...(only.length === 0 ? {} : { only: only.join(' AND ') }),
    },
    // Sorting wide rows takes most of the time, so only what is asked for is carried.
    [...(endpoint === null ? [] : [first('endpoint')]), ...(client === null && !clients ? [] : [clientsColumn])],
  )
  return `SELECT * FROM (${lives}) WHERE ${wantedSql(question, parameters)}`
}

interface NamedRecord {
  readonly name: string
  readonly offset: Offset
}

/** A session, and those of the records asked about that are its own. */
interface WholeSession {
  readonly session: StoredSession
  readonly held: readonly number[]
}

/** All lives of the sessions of these records, told as a whole. */
async function askWhole(
  engine: Engine,
  { scope, below, span }: SessionScope & { readonly span: Period },
  records: readonly NamedRecord[],
): Promise<readonly WholeSession[]> {
  if (records.length === 0) return []
  const parameters = new Parameters()
  const wanted = parameters.add([...new Set(records.map(({ name }) => name))], 'Array(String)')
  const offsets = parameters.add(
    records.map(({ offset }) => offset),
    'Array(UInt64)',
  )
  const only = `has(${wanted}, ifNull(session, id))`
  const sql = livesOfFewSql(
    { parameters, rows: sessionRows({ scope, below }, parameters), span, columns: recordColumns, only },
    [...tellingColumns, `groupArrayIf(offset, has(${offsets}, offset)) AS held`],
  )
  const rows = await querySessions<Row>(engine, sql, parameters)
  const lives = rows
    .map((row) => ({ session: sessionOf(row), held: (row['held'] as readonly unknown[]).map(Number) }))
    .toSorted((one, other) => one.session.firstRecord - other.session.firstRecord)
  return [...Map.groupBy(lives, ({ session }) => keyText(session)).values()].flatMap((ofOne) =>
    ofOne.map(({ session, held }, index) => {
      return { session: { ...session, next: ofOne[index + 1]?.session.started ?? null }, held }
    }),
  )
}

export function keyText({ account, kind, origin, unnamed, name }: SessionKey): string {
  return JSON.stringify([account, kind, origin, unnamed, name])
}

interface SeenLife extends NamedRecord {
  readonly started: Micros
  readonly first: Micros
  readonly last: Micros
}

/**
 * Seen lives told as a whole. Those that lie well within the records that were looked at are whole there: nothing
 * before the longest silence is of them, nor after it. Only the others are looked for in the long history.
 */
async function askSeen(
  engine: Engine,
  question: SessionsQuestion,
  seen: readonly SeenLife[],
): Promise<ReadonlyMap<number, StoredSession>> {
  const { period, until } = question
  const looked = seenSpan(question)
  const to = Math.min(instantMax, Math.max(period.to, until) + rules.silenceMaxMicros) as Micros
  const begins = ({ first: firstRecord }: SeenLife): boolean => firstRecord >= period.from
  const ends = ({ last }: SeenLife): boolean => last + rules.silenceMaxMicros < looked.to
  const parts = Map.groupBy(seen, (life) => `${begins(life)} ${ends(life)}`)
  const found = new Map<number, StoredSession>()
  for (const lives of parts.values()) {
    const isBegun = lives.every(begins)
    const from = isBegun ? looked.from : (Math.max(instantMin, period.from - limits.historyMicros) as Micros)
    const span = { from, to: lives.every(ends) ? looked.to : to }
    for (const { session, held } of await askWhole(engine, { ...question, span }, lives))
      for (const offset of held) found.set(offset, session)
  }
  return found
}

export interface SessionsFound {
  readonly sessions: readonly StoredSession[]
  /** Where the next page begins; null on the last. */
  readonly next: SessionsPage['after']
}

/**
 * Sessions of a period in the order in which they started. Which they are is seen from the records around the period;
 * each is then told as a whole, also where it began long before.
 */
export async function askSessions(
  engine: Engine,
  question: SessionsQuestion,
  { after, most }: SessionsPage,
): Promise<SessionsFound> {
  const parameters = new Parameters()
  const lives = wantedLives(question, parameters)
  const cursor =
    after === null
      ? ''
      : ` WHERE (start_us, first_offset) > (${parameters.add(after.started, 'Int64')}, ${parameters.add(after.offset, 'UInt64')})`
  const rows = await querySessions<Row>(
    engine,
    `SELECT * FROM (${lives})${cursor} ORDER BY start_us, first_offset LIMIT ${parameters.add(most + 1, 'UInt32')}`,
    parameters,
  )
  const seen = rows.slice(0, most).map((row) => ({
    name: row['session_name'] as string,
    offset: Number(row['first_offset']) as Offset,
    started: Number(row['start_us']) as Micros,
    first: Number(row['first_us']) as Micros,
    last: Number(row['last_us']) as Micros,
  }))
  const last = seen.at(-1)
  const byOffset = await askSeen(engine, question, seen)
  const sessions = seen.map(({ offset }) => {
    const session = byOffset.get(offset)
    assert(session !== undefined, 'a session that was found is found again by its record')
    return session
  })
  return {
    sessions,
    next: rows.length > most && last !== undefined ? { started: last.started, offset: last.offset } : null,
  }
}

export interface FoundSession {
  readonly session: StoredSession
  /** Where its records are looked for. */
  readonly span: Period
}

/**
 * The session that a record belongs to, by the record's offset. A record that was corrected leads to the session that it
 * would be of. Null: there is no such record behind the fence, or it is of no session.
 */
export async function askSession(
  engine: Engine,
  { scope, below, offset }: SessionScope & { readonly offset: Offset },
): Promise<FoundSession | null> {
  const parameters = new Parameters()
  const where = fence(scope, parameters)
  const [row] = await querySessions<{ time_us: string; kind: string; source: string; name: string }>(
    engine,
    `SELECT time_us, toString(kind) AS kind, toString(source) AS source, ifNull(session, id) AS name FROM fact WHERE ${where} AND offset = ${parameters.add(offset, 'UInt64')} AND offset < ${parameters.add(below, 'UInt64')}`,
    parameters,
  )
  if (row === undefined) return null
  const at = Number(row.time_us) as Micros
  const span = {
    from: Math.max(instantMin, at - limits.historyMicros) as Micros,
    to: (at + limits.historyMicros) as Micros,
  }
  const lives = await askWhole(engine, { scope, below, span }, [{ name: row.name, offset }])
  const session =
    lives.find(({ held }) => held.length > 0)?.session ??
    lives
      .map(({ session }) => session)
      .filter(({ kind, origin }) => kind === row.kind && (origin === '' || origin === row.source))
      .find(({ firstRecord, lastRecord }) => firstRecord <= at && at <= lastRecord)
  return session === undefined ? null : { session, span }
}
