import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { inject } from 'vitest'
import { openDatabase } from '../../src/account/database.ts'
import type { Database } from '../../src/account/database.ts'

export interface FreshDatabase {
  readonly database: Database
  readonly url: string
  /** Ends the connections and drops the database. */
  readonly close: () => Promise<void>
}

/** An empty database with all migrations applied, on the Postgres that test/support/global-setup.ts started. */
export async function freshDatabase(): Promise<FreshDatabase> {
  const { template } = inject('postgres')
  return createDatabase(`template ${template}`)
}

/** A database without any table, for tests of the migrations themselves. */
export async function bareDatabase(): Promise<FreshDatabase> {
  return createDatabase('template template0')
}

async function createDatabase(how: string): Promise<FreshDatabase> {
  const server = inject('postgres')
  const name = `test_${process.pid}_${randomBytes(6).toString('hex')}`
  await onServer(`create database ${name} ${how}`)
  const url = new URL(server.url)
  url.pathname = `/${name}`
  const database = openDatabase(url.href, () => undefined)
  return {
    database,
    url: url.href,
    close: async () => {
      await database.end()
      await onServer(`drop database ${name} with (force)`)
    },
  }
}

async function onServer(statement: string): Promise<void> {
  const client = new Client({ connectionString: inject('postgres').url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
