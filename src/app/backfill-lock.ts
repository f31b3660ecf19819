import { Client } from 'pg'

export const limits = { connectMillis: 10_000, statementMillis: 60_000 } as const

/**
 * One attempt at a job while no other process works on it; false also when another one does. The lock lies on a
 * connection of its own: on one of the pool's, jobs would hold connections that their own work is waiting for. It ends
 * with that connection, so a process that was killed holds up nobody.
 */
export async function whileLocked(url: string, job: string, attempt: () => Promise<boolean>): Promise<boolean> {
  const client = new Client({
    connectionString: url,
    keepAlive: true,
    connectionTimeoutMillis: limits.connectMillis,
    statement_timeout: limits.statementMillis,
    application_name: 'crossfoot-backfill',
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<{ got: boolean }>(
      'select pg_try_advisory_lock(hashtextextended($1, 0)) as got',
      [`backfill ${job}`],
    )
    return rows[0]?.got === true && (await attempt())
  } finally {
    await client.end().catch(() => undefined)
  }
}
