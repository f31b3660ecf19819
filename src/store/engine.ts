import { createClient } from '@clickhouse/client'
import type { ClickHouseClient } from '@clickhouse/client'
import { Session } from 'chdb'
import { createChdbConnection, type ChdbConnection } from 'chdb/connection'
import { mkdirSync } from 'node:fs'

export type Parameter = string | number | readonly string[] | readonly number[]

export interface Insert {
  readonly table: string
  readonly columns: readonly string[]
  /** Rows as JSONCompactEachRow: one JSON array per line, in the order of `columns`; a row may end early. */
  readonly rows: string
  /** Equal tokens are inserted once, however often they are sent (within the table's window). */
  readonly token: string
}

/** A cluster of ClickHouse servers, as its servers know it. */
export interface Cluster {
  /** The name in the servers' `remote_servers`. */
  readonly name: string
  readonly database: string
}

/** ClickHouse, as the store uses it. 64-bit and larger integers come back as decimal strings. */
export interface Engine {
  /** Null: one server, or the one in this process. */
  readonly cluster: Cluster | null
  query<Row>(sql: string, parameters: Readonly<Record<string, Parameter>>): Promise<Row[]>
  /** A question of any size: rows in pieces, as they are taken. Whoever stops taking them ends it. */
  stream<Row>(sql: string, parameters: Readonly<Record<string, Parameter>>): AsyncIterable<readonly Row[]>
  command(sql: string): Promise<void>
  /** A statement that computes rows out of rows; however long it takes, it holds up neither questions nor inserts. */
  compute(sql: string, parameters: Readonly<Record<string, Parameter>>): Promise<void>
  /** A question whose answer nobody waits for: asked beside `compute`, in its time. */
  recount<Row>(sql: string, parameters: Readonly<Record<string, Parameter>>): Promise<Row[]>
  insert(insert: Insert): Promise<void>
  close(): Promise<void>
}

export const readSettings = {
  output_format_json_quote_64bit_integers: 1,
  // L4: a decimal that JSON would read as a floating-point number.
  output_format_json_quote_decimals: 1,
  // A question that would need more is refused with an error instead of taking the process down (L12).
  max_memory_usage: '2000000000',
  // One reader session answers one question at a time: nobody's may hold up the others for ever.
  max_execution_time: 60,
} as const

/** Sorts and groups on disk what does not fit; takes as long as its reader takes, within an hour. */
export const streamSettings = {
  ...readSettings,
  max_bytes_before_external_group_by: '300000000',
  max_bytes_before_external_sort: '300000000',
  max_block_size: '8192',
  max_threads: 1,
  max_execution_time: 3_600,
} as const

export const insertSettings = {
  // A record of the log may be older than the table's last columns: what it does not have is NULL or the default.
  input_format_json_compact_allow_variable_number_of_columns: 1,
  // The answer comes when the rows are in; with asynchronous inserts a token would not be looked at.
  async_insert: 0,
} as const

/** One core: what computes in the background leaves the other to those who wait. */
export const computeSettings = { ...readSettings, max_threads: 1, max_execution_time: 170 } as const

function queryWith(client: ClickHouseClient, settings: Readonly<Record<string, string | number>> = readSettings) {
  return async <Row>(query: string, parameters: Readonly<Record<string, Parameter>>): Promise<Row[]> => {
    const result = await client.query({
      query,
      format: 'JSONEachRow',
      query_params: parameters,
      clickhouse_settings: settings,
    })
    return result.json<Row>()
  }
}

/** A connection of its own for each: one carries one stream at a time, and nobody waits for a slow reader. */
function streamIn(directory: string) {
  return async function* <Row>(
    sql: string,
    parameters: Readonly<Record<string, Parameter>>,
  ): AsyncGenerator<readonly Row[]> {
    const session = new Session(directory)
    const settings = Object.entries(streamSettings).map(([name, value]) => `${name} = ${value}`)
    try {
      const pieces = session.queryStreamBind(`${sql} SETTINGS ${settings.join(', ')}`, parameters)
      for await (const piece of pieces) yield piece.rows<Row>()
    } finally {
      session.close()
    }
  }
}

/**
 * ClickHouse in this process, in one directory. Two connections: one session runs one query at a time, and
 * pages that read must never hold up what writes.
 */
export function openChdb(directory: string): Engine {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const writing: ChdbConnection = createChdbConnection({ path: directory })
  const reader = createClient({ connection: createChdbConnection({ path: directory }) as never })
  const writer = createClient({ connection: writing as never })
  const worker = createClient({ connection: createChdbConnection({ path: directory }) as never })
  return {
    cluster: null,
    query: queryWith(reader),
    recount: queryWith(worker, computeSettings),
    stream: streamIn(directory),
    async command(sql) {
      await writer.command({ query: sql })
    },
    async compute(query, parameters) {
      await worker.command({ query, query_params: parameters, clickhouse_settings: computeSettings })
    },
    async insert({ table, columns, rows, token }) {
      await writing.chdb.rawInsert({
        table,
        columns: [...columns],
        format: 'JSONCompactEachRow',
        values: Buffer.from(rows, 'utf8'),
        settings: { ...insertSettings, insert_deduplication_token: token },
      })
    },
    async close() {
      await reader.close()
      await worker.close()
      await writer.close()
    },
  }
}
