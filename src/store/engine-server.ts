/**
 * ClickHouse behind HTTP: one server, or a cluster. The same statements, tokens and limits as in process; what a
 * network adds (lost answers, cut connections, servers that are away) is told as an error, never as fewer rows.
 */
import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import type { ClickHouseClient } from '@clickhouse/client'
import { Readable } from 'node:stream'
import { Refusal } from '../core/errors.ts'
import { computeSettings, insertSettings, readSettings, streamSettings } from './engine.ts'
import type { Engine, Insert } from './engine.ts'

export interface ServerAddress {
  /** `http://host:8123` or https, without user, password and path. */
  readonly url: string
  readonly username: string
  readonly password: string
  readonly database: string
  /** The name of the cluster whose servers share the store; null: one server. */
  readonly cluster: string | null
}

export const limits = {
  /** Above the 60 seconds of a question and the 120 of a statement on a cluster: the server gives up first. */
  requestMillis: 180_000,
  connections: 20,
  /** Rows go over the connection in pieces of this size. */
  pieceBytes: 1024 * 1024,
} as const

const readSettingsOfServer = {
  ...readSettings,
  // The status is decided when the whole answer is there: one that fails half way is an error, not a shorter answer.
  wait_end_of_query: 1,
} as const

/**
 * NOT RUN ON A REAL CLUSTER. Reasons are in docs/decisions/0024. Reading: every shard, or an error; only replicas
 * that have everything that was acknowledged; conditions on other tables are answered by each shard for itself,
 * because all rows of an account lie on one shard.
 */
export const clusterReadSettings = {
  skip_unavailable_shards: 0,
  select_sequential_consistency: 1,
  distributed_product_mode: 'local',
  optimize_skip_unused_shards: 1,
  prefer_localhost_replica: 1,
} as const

/** Writing: acknowledged when most replicas of each shard that is concerned have it, one block at a time. */
export const clusterInsertSettings = {
  insert_distributed_sync: 1,
  insert_quorum: 'auto',
  insert_quorum_parallel: 0,
  insert_quorum_timeout: '60000',
} as const

/** A statement ON CLUSTER fails when a server has not done it in this time. */
export const clusterCommandSettings = { distributed_ddl_task_timeout: '120' } as const

/** What says of itself that it will pass: no connection, or a server that is not whole at the moment. */
const passingCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_STREAM_PREMATURE_CLOSE',
  // TOO_MANY_SIMULTANEOUS_QUERIES, NETWORK_ERROR, ALL_CONNECTION_TRIES_FAILED, REPLICA_IS_NOT_IN_QUORUM, KEEPER_EXCEPTION
  '202',
  '210',
  '279',
  '289',
  '999',
])

function codeOf(error: unknown): string {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
  if (typeof code === 'string') return code
  if (message === 'aborted' || message === 'socket hang up') return 'ECONNRESET'
  return message === 'Timeout error.' ? 'ETIMEDOUT' : ''
}

/** A question may be asked again: a connection that was kept open may have been closed by the other side just now. */
async function twice<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (!['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'].includes(codeOf(error))) throw error
    return await ask()
  }
}

async function orNotReady<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    const code = codeOf(error)
    if (!passingCodes.has(code)) throw error
    throw new Refusal('NOT_READY', `the event store does not answer at the moment (${code}); try again shortly`, {
      retryAfterSeconds: 5,
    })
  }
}

function* piecesOf(rows: string): Generator<Buffer> {
  const bytes = Buffer.from(rows, 'utf8')
  for (let from = 0; from < bytes.length; from += limits.pieceBytes)
    yield bytes.subarray(from, from + limits.pieceBytes)
}

function insertWith(client: ClickHouseClient, settings: Readonly<Record<string, string | number>>) {
  return async ({ table, columns, rows, token }: Insert): Promise<void> => {
    // The client's own insert would take the rows apart into values; as they lie in the log they are the format.
    const { stream } = await client.exec({
      query: `INSERT INTO ${table} (${columns.join(', ')}) FORMAT JSONCompactEachRow`,
      values: Readable.from(piecesOf(rows), { objectMode: false }),
      clickhouse_settings: { ...insertSettings, ...settings, insert_deduplication_token: token },
    })
    for await (const _ of stream);
  }
}

interface Asked {
  readonly query: string
  readonly parameters: Readonly<Record<string, unknown>>
  readonly settings: object
}

async function askWith<Row>(client: ClickHouseClient, { query, parameters, settings }: Asked): Promise<Row[]> {
  const result = await client.query({
    query,
    format: 'JSONEachRow',
    query_params: parameters,
    clickhouse_settings: settings as never,
  })
  return result.json<Row>()
}

function streamWith(client: ClickHouseClient, settings: Readonly<Record<string, string | number>>) {
  return async function* <Row>(
    query: string,
    parameters: Readonly<Record<string, unknown>>,
  ): AsyncGenerator<readonly Row[]> {
    const stopping = new AbortController()
    try {
      const result = await orNotReady(
        client.query({
          query,
          format: 'JSONEachRow',
          query_params: parameters,
          // `wait_end_of_query`: the server keeps the answer until it is whole, on its disk where it is large.
          clickhouse_settings: { ...readSettingsOfServer, ...streamSettings, ...settings },
          abort_signal: stopping.signal,
        }),
      )
      for await (const rows of result.stream<Row>()) yield rows.map((row) => row.json())
    } finally {
      stopping.abort()
    }
  }
}

/** Opens nothing yet: a connection is made when something is asked, and made again when it broke. */
export function openClickHouse(address: ServerAddress): Engine {
  const { url, username, password, database, cluster } = address
  const client = createClient({
    url,
    username,
    password,
    database,
    request_timeout: limits.requestMillis,
    max_open_connections: limits.connections,
    // A question with thousands of values does not fit into an address.
    use_multipart_params_auto: true,
    // It would print what fails, with settings; errors are told by whoever asked.
    log: { level: ClickHouseLogLevel.OFF },
  })
  // Rows that were computed are counted right afterwards: the insert is whole when the statement is over.
  const computing = {
    ...computeSettings,
    ...(cluster === null ? {} : { ...clusterReadSettings, ...clusterInsertSettings }),
  }
  const reading = { ...readSettingsOfServer, ...(cluster === null ? {} : clusterReadSettings) }
  return {
    cluster: cluster === null ? null : { name: cluster, database },
    query: (query, parameters) => orNotReady(twice(() => askWith(client, { query, parameters, settings: reading }))),
    recount: (query, parameters) =>
      orNotReady(twice(() => askWith(client, { query, parameters, settings: { ...reading, ...computeSettings } }))),
    stream: streamWith(client, cluster === null ? {} : clusterReadSettings),
    async command(query) {
      await client.command({ query, ...(cluster === null ? {} : { clickhouse_settings: clusterCommandSettings }) })
    },
    async compute(query, parameters) {
      await client.command({ query, query_params: parameters, clickhouse_settings: computing as never })
    },
    insert: insertWith(client, cluster === null ? {} : clusterInsertSettings),
    close: () => client.close(),
  }
}
