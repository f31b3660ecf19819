import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import type { TestProject } from 'vitest/node'
import { migrate, readMigrations } from '../../src/app/migrate.ts'
import { endLeftover } from '../../src/app/postgres-leftover.ts'
import { startPostgres } from '../../src/app/postgres.ts'
import { isRunning } from '../../src/app/running-process.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The run's Postgres; test/support/postgres.ts makes databases on it. */
    postgres: { readonly url: string; readonly template: string }
  }
}

const prefix = 'crossfoot-test-postgres-'
const template = 'crossfoot_template'
const migrationsFolder = join(import.meta.dirname, '../../migrations/postgres')

/** One Postgres for the whole run, with the migrated schema in a template that each test clones. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await removeAbandoned()
  const folder = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`))
  const server = await startPostgres({
    directory: join(folder, 'postgres'),
    created: [folder],
    random: randomBytes,
    log: (line) => {
      if (/PANIC|could not/.test(line)) console.error(`postgres: ${line}`)
    },
    // Nothing of a test outlives its run, so it need not survive a power cut.
    settings: ['fsync=off', 'full_page_writes=off', 'synchronous_commit=off', 'autovacuum=off', 'max_connections=200'],
  })
  const stop = async (): Promise<void> => {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await createTemplate(server.url)
  } catch (error) {
    await stop()
    throw error
  }
  project.provide('postgres', { url: server.url, template })
  return stop
}

async function createTemplate(url: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  await client.query(`create database ${template}`)
  await client.end()
  const target = new URL(url)
  target.pathname = `/${template}`
  await migrate(target.href, readMigrations(migrationsFolder))
}

/** A run that was killed could not clean up after itself. */
async function removeAbandoned(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((name) => name.startsWith(prefix))) {
    const pid = Number(name.slice(prefix.length).split('-', 1)[0])
    if (isRunning(pid)) continue
    const folder = join(tmpdir(), name)
    await endLeftover(join(folder, 'postgres', 'cluster'))
    rmSync(folder, { recursive: true, force: true })
  }
}
