import type { Micros } from '../core/time.ts'
import { Parameters } from './condition.ts'
import type { Engine } from './engine.ts'
import { whereOf } from './counted-rows.ts'
import { byteColumns, bytesOf, wantedLives } from './sessions-list.ts'
import type { Bytes, SessionsQuestion, StoredSession } from './sessions-list.ts'
import { limits as rules, querySessions } from './sessions.ts'
import type { SessionScope } from './sessions.ts'

/** What other events say that they belong to a session: requests on a connection, all that went through an agent. */
export interface SessionTraffic {
  readonly requests: string
  readonly connections: string
  readonly bytes: Bytes
}

/**
 * Up to when, and not at it, an event is of a session: for as long after its stop as its records may come late, but
 * never when the next life has begun.
 */
function untilOf({ ends, isStopped, next }: StoredSession): Micros {
  const late = ends + (isStopped ? rules.stragglerMicros : 0) + 1
  return Math.min(next ?? late, late) as Micros
}

/** The list of sessions as a table of the statement. */
function sessionTable(sessions: readonly StoredSession[], parameters: Parameters): string {
  const texts = (of: (one: StoredSession) => string): string => parameters.add(sessions.map(of), 'Array(String)')
  const times = (of: (one: StoredSession) => Micros): string => parameters.add(sessions.map(of), 'Array(Int64)')
  const columns = [
    `arrayEnumerate(${texts(({ name }) => name)}) AS n`,
    `${texts(({ name }) => name)} AS s_name`,
    `${texts(({ kind }) => kind)} AS s_kind`,
    `${texts(({ origin }) => origin)} AS s_origin`,
    `${times(({ started }) => started)} AS s_from`,
    `${times(untilOf)} AS s_to`,
  ]
  return `SELECT n, s_name, s_kind, s_origin, s_from, s_to FROM (SELECT 1 AS one) ARRAY JOIN ${columns.join(', ')}`
}

/**
 * The traffic of each session that names it, from its start to its end and a while after a stop. These are other events than its own
 * records, and may speak of the same bytes: so they are told apart and never added up.
 */
export async function askSessionTraffic(
  engine: Engine,
  { scope, below }: SessionScope,
  sessions: readonly StoredSession[],
): Promise<ReadonlyMap<StoredSession, SessionTraffic>> {
  const named = sessions.filter(({ unnamed, kind }) => !unnamed && kind !== 'http_request')
  if (named.length === 0) return new Map()
  const parameters = new Parameters()
  const table = sessionTable(named, parameters)
  const period = {
    from: Math.min(...named.map(({ started }) => started)) as Micros,
    to: Math.max(...named.map(untilOf)) as Micros,
  }
  const where = whereOf({ scope, below, period, conditions: [] }, parameters, period.from)
  const belongs = `if(s_kind = 'session', kind IN ('http_request', 'tcp_connection', 'tls_connection'), kind = 'http_request' AND source = s_origin)`
  const rows = await querySessions<Record<string, string | null>>(
    engine,
    `SELECT toString(n) AS number, toString(countIf(kind = 'http_request' AND phase = 'final')) AS requests,
       toString(countIf(kind != 'http_request' AND phase = 'final')) AS connections, ${byteColumns.join(', ')}
     FROM (SELECT ifNull(session, '') AS named, * FROM fact WHERE ${where} AND isNotNull(session)) AS event
     INNER JOIN (${table}) AS list ON event.named = list.s_name
     WHERE time_us >= s_from AND time_us < s_to AND ${belongs} GROUP BY n`,
    parameters,
  )
  const byNumber = new Map(rows.map((row) => [Number(row['number']), row]))
  return new Map(
    named.map((session, index) => {
      const row = byNumber.get(index + 1) ?? {}
      return [
        session,
        { requests: row['requests'] ?? '0', connections: row['connections'] ?? '0', bytes: bytesOf(row) },
      ]
    }),
  )
}

/** Sessions of a period that were seen with one client and version; null: their records do not say. */
export interface ClientSummary {
  readonly client: string | null
  readonly version: string | null
  readonly sessions: string
  /** Of them, those that are not over. */
  readonly open: string
}

export const limits = { clientsMax: 1_000 } as const

/** Which clients there were, the most frequent first. A session that changed its version counts under each of them. */
export async function askClients(engine: Engine, question: SessionsQuestion): Promise<readonly ClientSummary[]> {
  const parameters = new Parameters()
  const lives = wantedLives(question, parameters, { clients: true, open: true })
  const pairs =
    'arrayJoin(if(empty(clients), [(CAST(NULL AS Nullable(String)), CAST(NULL AS Nullable(String)))], clients))'
  return querySessions<ClientSummary>(
    engine,
    `SELECT pair.1 AS client, pair.2 AS version, toString(count()) AS sessions,
       toString(countIf(end_us > ${parameters.add(question.until, 'Int64')})) AS open
     FROM (SELECT ${pairs} AS pair, end_us FROM (${lives}))
     GROUP BY client, version ORDER BY count() DESC, client, version LIMIT ${limits.clientsMax}`,
    parameters,
  )
}
