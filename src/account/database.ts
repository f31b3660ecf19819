import type pg from 'pg'

/** A pool or a client inside a transaction: what a statement needs to run. */
export type Queryable = Pick<pg.ClientBase, 'query'>

/** The pool of connections to Postgres, where contracts and money live. */
export type Database = pg.Pool

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
