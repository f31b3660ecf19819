/**
 * Who leads: one process at a time, by an advisory lock of Postgres on a connection of its own. The lock ends with
 * that connection. A leader that cannot confirm its connection stops before Postgres gives the lock away, as long as
 * clocks run; where they do not, ranges and tokens keep every row once (docs/decisions/0025, src/store/claim.ts).
 */
import { setTimeout as pause } from 'node:timers/promises'
import { Client } from 'pg'
import type { Engine } from '../store/engine.ts'

/** Any number will do, as long as it never changes. */
const lockNumber = 6_072_601_018

export const limits = {
  /** Who stands by asks so often. */
  askMillis: 500,
  /** The leader confirms its connection so often, and waits so long for the answer. */
  confirmMillis: 1_000,
  answerMillis: 3_000,
  /** Without a confirmation a leader does nothing more after this time. */
  heldMillis: 6_000,
  /** Postgres gives up a connection of which it hears nothing after 6 + 3 × 2 seconds: later than the leader. */
  keepaliveIdleSeconds: 6,
  keepaliveIntervalSeconds: 2,
  keepaliveCount: 3,
} as const

export interface Lease {
  /** Whether this process may still write. Asked before each write; never true on faith. */
  isHeld(): boolean
  /** Resolves with the reason when the lead is over. */
  readonly lost: Promise<string>
  release(): Promise<void>
}

export class NotLeading extends Error {
  override readonly name = 'NotLeading'
}

async function connect(url: string): Promise<Client> {
  const client = new Client({
    connectionString: url,
    keepAlive: true,
    connectionTimeoutMillis: limits.answerMillis,
    query_timeout: limits.answerMillis,
    application_name: 'crossfoot-leader',
  })
  // Broken connections are found by the next question; without a listener they would end the process.
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query(
      `set tcp_keepalives_idle = ${limits.keepaliveIdleSeconds}; set tcp_keepalives_interval = ${limits.keepaliveIntervalSeconds}; ` +
        `set tcp_keepalives_count = ${limits.keepaliveCount}`,
    )
    return client
  } catch (error) {
    await hangUp(client)
    throw error
  }
}

/** Ends a connection that may hang: a polite end would wait for an answer. */
async function hangUp(client: Client): Promise<void> {
  const polite = client.end().catch(() => undefined)
  await Promise.race([polite, pause(limits.answerMillis, undefined, { ref: false })])
}

function leaseOn(client: Client, lockedAt: number): Lease {
  const lost = Promise.withResolvers<string>()
  let confirmed = lockedAt
  let isOver = false
  const lose = (reason: string): void => {
    isOver = true
    clearInterval(timer)
    lost.resolve(reason)
  }
  const confirm = async (): Promise<void> => {
    // What counts is when the question was asked: the answer may have been on its way for long.
    const asked = performance.now()
    await client.query('select 1')
    confirmed = asked
  }
  const timer = setInterval(() => {
    confirm().catch((error: unknown) => lose(error instanceof Error ? error.message : String(error)))
  }, limits.confirmMillis)
  client.on('end', () => lose('the connection to Postgres ended'))
  return {
    isHeld: () => !isOver && performance.now() - confirmed < limits.heldMillis,
    lost: lost.promise,
    async release() {
      lose('given back')
      await hangUp(client)
    },
  }
}

/** Waits until this process leads; null when the signal ended the waiting. */
export async function waitForLead(url: string, signal: AbortSignal): Promise<Lease | null> {
  const client = await connect(url)
  let leads = false
  try {
    while (!signal.aborted) {
      const asked = performance.now()
      const { rows } = await client.query<{ leads: boolean }>('select pg_try_advisory_lock($1) as leads', [lockNumber])
      leads = rows[0]?.leads === true
      if (leads) return leaseOn(client, asked)
      await pause(limits.askMillis, undefined, { signal }).catch(() => undefined)
    }
    return null
  } finally {
    if (!leads) await hangUp(client)
  }
}

/** An engine that writes only while the lease is held. */
export function fenced(engine: Engine, lease: Lease): Engine {
  const require = (): void => {
    if (!lease.isHeld())
      throw new NotLeading('another process may be projecting: the connection to Postgres is not confirmed')
  }
  return {
    ...engine,
    async insert(insert) {
      require()
      await engine.insert(insert)
    },
    async command(sql) {
      require()
      await engine.command(sql)
    },
    async compute(sql, parameters) {
      require()
      await engine.compute(sql, parameters)
    },
  }
}
