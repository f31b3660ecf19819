import { Pool } from 'pg'
import type pg from 'pg'
import type { Micros } from '../core/time.ts'

/** A pool or a client inside a transaction: what a statement needs to run. */
export type Queryable = Pick<pg.ClientBase, 'query'>

/** The pool of connections to Postgres, where contracts and money live. */
export type Database = pg.Pool

export const limits = { connections: 20, connectMillis: 10_000, statementMillis: 60_000, idleMillis: 30_000 } as const

/**
 * Opens the pool. A connection that breaks while nobody uses it (the server restarts) is reported and replaced by
 * the next query; without the listener it would end the process.
 */
export function openDatabase(url: string, onBroken: (error: Error) => void): Database {
  const pool = new Pool({
    connectionString: url,
    max: limits.connections,
    connectionTimeoutMillis: limits.connectMillis,
    idleTimeoutMillis: limits.idleMillis,
    statement_timeout: limits.statementMillis,
    application_name: 'crossfoot',
  })
  pool.on('error', onBroken)
  // A connection that is just being closed belongs to the pool no more, and may still hear that the server stops.
  pool.on('connect', (client) => client.on('error', () => undefined))
  return pool
}

/** Runs work in one transaction: everything of it is committed, or nothing. */
export async function inTransaction<T>(database: Database, work: (client: Queryable) => Promise<T>): Promise<T> {
  const client = await database.connect()
  let broken: Error | undefined
  try {
    await client.query('begin')
    const value = await work(client)
    await client.query('commit')
    return value
  } catch (error) {
    await client.query('rollback').catch((cause: Error) => {
      broken = cause
    })
    throw error
  } finally {
    // A connection that could not even roll back is thrown away, not handed to the next caller.
    client.release(broken)
  }
}

/**
 * Instants are `timestamptz`, which is exact to the microsecond, but a JavaScript Date is not: a statement selects
 * `${microsOf('created_at')}` and reads the answer with `readInstant`; it passes instants in with `formatInstant`.
 */
export function microsOf(column: string): string {
  return `(extract(epoch from ${column}) * 1000000)::bigint`
}

export function readInstant(micros: string): Micros
export function readInstant(micros: string | null): Micros | null
export function readInstant(micros: string | null): Micros | null {
  return micros === null ? null : (Number(micros) as Micros)
}

/** True when a statement was refused by this constraint. */
export function violates(error: unknown, constraint: string): boolean {
  return error instanceof Error && 'constraint' in error && error.constraint === constraint
}
