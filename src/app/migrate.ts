import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'

export interface Migration {
  readonly name: string
  readonly sha256: string
  readonly sql: string
}

/** Any number will do, as long as it never changes: two services that start at once take turns. */
const lockNumber = 6_072_601_017

const createTable = `
  create table if not exists schema_migration (
    name text primary key,
    sha256 text not null,
    applied_at timestamptz not null default now()
  )`

/** The migrations of a folder in the order of their numbers. */
export function readMigrations(folder: string): readonly Migration[] {
  const names = readdirSync(folder).filter((name) => /^\d{4}_[a-z0-9_]+\.sql$/.test(name))
  const migrations = names.toSorted().map((name) => {
    const sql = readFileSync(join(folder, name), 'utf8')
    return { name, sql, sha256: createHash('sha256').update(sql).digest('hex') }
  })
  const numbers = migrations.map(({ name }) => name.slice(0, 4))
  const twice = numbers.find((number, index) => numbers.indexOf(number) !== index)
  if (twice !== undefined) throw new Error(`two migrations in ${folder} have the number ${twice}; renumber one`)
  return migrations
}

/**
 * Applies what is missing, each migration once and in a transaction of its own, and returns the names of what it
 * applied. Refuses a database whose history differs from the code's: one that an applied file no longer matches,
 * and one that a newer Crossfoot has already changed.
 */
export async function migrate(url: string, migrations: readonly Migration[]): Promise<readonly string[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('select pg_advisory_lock($1)', [lockNumber])
    await client.query(createTable)
    const { rows } = await client.query<AppliedRow>('select name, sha256 from schema_migration order by name')
    const missing = missingOf(migrations, rows)
    for (const migration of missing) await apply(client, migration)
    return missing.map(({ name }) => name)
  } finally {
    await client.end()
  }
}

interface AppliedRow {
  readonly name: string
  readonly sha256: string
}

function missingOf(migrations: readonly Migration[], applied: readonly AppliedRow[]): readonly Migration[] {
  const known = new Map(migrations.map((migration) => [migration.name, migration]))
  for (const { name, sha256 } of applied) {
    const migration = known.get(name)
    if (migration === undefined)
      throw new Error(`the database is newer than this Crossfoot: it has ${name}; start the newer version`)
    if (migration.sha256 !== sha256)
      throw new Error(`migration ${name} was changed after it was applied; restore the file and add a new one instead`)
  }
  const done = new Set(applied.map(({ name }) => name))
  const missing = migrations.filter(({ name }) => !done.has(name))
  const last = applied.at(-1)?.name ?? ''
  const late = missing.find(({ name }) => name < last)
  if (late !== undefined)
    throw new Error(`migration ${late.name} comes before ${last}, which is applied already; give it a higher number`)
  return missing
}

async function apply(client: Client, { name, sha256, sql }: Migration): Promise<void> {
  await client.query('begin')
  try {
    await client.query(sql)
    await client.query('insert into schema_migration (name, sha256) values ($1, $2)', [name, sha256])
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw new Error(`migration ${name} failed and was rolled back: ${(error as Error).message}`, { cause: error })
  }
}
