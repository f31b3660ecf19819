import { Client } from 'pg'

const lockNumber = 6_072_601_019

export const limits = {
  /** After this time whoever waits says so: a process that says nothing looks as if it hung. */
  saidMillis: 10_000,
} as const

/** Does something while no other process of the installation does it; `waits` is told once when that takes long. */
export async function withLock<T>(url: string, work: () => Promise<T>, waits: () => void): Promise<T> {
  const client = new Client({ connectionString: url, application_name: 'crossfoot-lock' })
  client.on('error', () => undefined)
  await client.connect()
  const timer = setTimeout(waits, limits.saidMillis)
  try {
    await client.query('select pg_advisory_lock($1)', [lockNumber])
    clearTimeout(timer)
    return await work()
  } finally {
    clearTimeout(timer)
    await client.end()
  }
}
