import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import type { Queryable } from '../../src/account/database.ts'
import { migrate, readMigrations } from '../../src/app/migrate.ts'
import { startPostgres } from '../../src/app/postgres.ts'

/**
 * The schema after all migrations as a stable text, so that a migration reads as a difference. From the catalog,
 * because the embedded Postgres comes without pg_dump. `node test/support/schema-dump.ts --write` writes it.
 */
export const migrationsFolder = join(import.meta.dirname, '../../migrations/postgres')
export const schemaFile = join(migrationsFolder, 'schema.sql')

const header =
  '-- The schema after all migrations, to be read and compared; it is not run.\n' +
  '-- Written by: node test/support/schema-dump.ts --write\n'

/** What an extension brought along is the extension's. */
const own = (catalog: string, oid: string): string =>
  `not exists (select from pg_depend d where d.classid = '${catalog}'::regclass and d.objid = ${oid} and d.deptype = 'e')`

const ofExtensions = `select 'extension ' || extname as line from pg_extension where extname <> 'plpgsql' order by 1`

const ofSequences = `
  select 'sequence ' || c.relname || ' as ' || format_type(s.seqtypid, null)
    || ' start ' || s.seqstart || ' increment ' || s.seqincrement || case when s.seqcycle then ' cycle' else '' end as line
  from pg_class c join pg_sequence s on s.seqrelid = c.oid
  where c.relnamespace = 'public'::regnamespace and ${own('pg_class', 'c.oid')}
  order by 1`

const ofTypes = `
  select 'type ' || t.typname || coalesce(
    ' enum (' || (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder)
                  from pg_enum e where e.enumtypid = t.oid) || ')',
    ' domain ' || format_type(t.typbasetype, t.typtypmod) || coalesce(
      (select ' ' || string_agg(pg_get_constraintdef(k.oid), ' ' order by k.conname)
       from pg_constraint k where k.contypid = t.oid), '')) as line
  from pg_type t
  where t.typnamespace = 'public'::regnamespace and t.typtype in ('e', 'd') and ${own('pg_type', 't.oid')}
  order by 1`

const ofFunctions = `
  select pg_get_functiondef(p.oid) as line
  from pg_proc p
  where p.pronamespace = 'public'::regnamespace and p.prokind in ('f', 'p') and ${own('pg_proc', 'p.oid')}
  order by p.proname, pg_get_function_identity_arguments(p.oid)`

const ofRelations = `
  select c.oid, c.relkind, c.relname as name, case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end as definition
  from pg_class c
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm') and ${own('pg_class', 'c.oid')}
  order by c.relname`

const ofColumns = `
  select '  ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
    || case when a.attcollation <> t.typcollation then ' collate "' || l.collname || '"' else '' end
    || case when a.attnotnull then ' not null' else '' end
    || case a.attidentity when 'a' then ' identity always' when 'd' then ' identity by default' else '' end
    || case when a.attgenerated <> '' then ' generated as ' || pg_get_expr(d.adbin, d.adrelid)
       else coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') end as line
  from pg_attribute a
  join pg_type t on t.oid = a.atttypid
  left join pg_collation l on l.oid = a.attcollation
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped
  order by a.attnum`

/** Not-null constraints are with their columns: only newer servers list them here too. */
const ofConstraints = `
  select '  constraint ' || conname || ' ' || pg_get_constraintdef(oid) as line
  from pg_constraint where conrelid = $1 and contype <> 'n' order by conname`

const ofIndexes = `
  select '  ' || pg_get_indexdef(i.indexrelid) as line
  from pg_index i
  where i.indrelid = $1 and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.conrelid = $1)
  order by 1`

const ofTriggers = `
  select '  ' || pg_get_triggerdef(oid) as line
  from pg_trigger where tgrelid = $1 and not tgisinternal order by tgname`

async function linesOf(queryable: Queryable, statement: string, values: readonly unknown[] = []): Promise<string[]> {
  const { rows } = await queryable.query<{ line: string }>(statement, [...values])
  return rows.map(({ line }) => line.trimEnd())
}

interface Relation {
  readonly oid: number
  readonly relkind: string
  readonly name: string
  readonly definition: string | null
}

async function relation(queryable: Queryable, { oid, relkind, name, definition }: Relation): Promise<string> {
  if (definition !== null)
    return `${relkind === 'v' ? 'view' : 'materialized view'} ${name} as\n${definition.trimEnd()}`
  const lines = [`table ${name}`]
  for (const statement of [ofColumns, ofConstraints, ofIndexes, ofTriggers])
    lines.push(...(await linesOf(queryable, statement, [oid])))
  return lines.join('\n')
}

/** The text for the schema `public` of a database. */
export async function dumpSchema(queryable: Queryable): Promise<string> {
  const paragraphs: string[] = []
  for (const statement of [ofExtensions, ofSequences, ofTypes])
    paragraphs.push((await linesOf(queryable, statement)).join('\n'))
  paragraphs.push(...(await linesOf(queryable, ofFunctions)))
  const { rows } = await queryable.query<Relation>(ofRelations)
  for (const row of rows) paragraphs.push(await relation(queryable, row))
  return `${[header.trimEnd(), ...paragraphs.filter((text) => text !== '')].join('\n\n')}\n`
}

async function write(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'crossfoot-schema-'))
  try {
    const server = await startPostgres({
      directory: join(folder, 'postgres'),
      created: [folder],
      random: randomBytes,
      log: () => undefined,
      settings: ['fsync=off'],
    })
    try {
      await migrate(server.url, readMigrations(migrationsFolder))
      const client = new Client({ connectionString: server.url })
      await client.connect()
      writeFileSync(schemaFile, await dumpSchema(client).finally(() => client.end()))
    } finally {
      await server.stop()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  if (process.argv[2] !== '--write') {
    console.error('usage: node test/support/schema-dump.ts --write')
    process.exit(2)
  }
  await write()
}
