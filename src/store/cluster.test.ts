import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clusterDrops, clusterStatements } from './cluster.ts'
import { openChdb } from './engine.ts'
import type { Engine } from './engine.ts'
import { emptyStore, migrateStore } from './migrate.ts'

/** The statements of a cluster, checked as far as one engine can: by its parser, and by the columns they make. */
const folder = join(import.meta.dirname, '../../migrations/clickhouse')
const migrations = readdirSync(folder)
  .filter((name) => name.endsWith('.sql'))
  .toSorted()
  .map((name) => readFileSync(join(folder, name), 'utf8'))
const cluster = { name: 'edge', database: 'billing' }

let engine: Engine
let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'crossfoot-cluster-'))
  engine = openChdb(directory)
})
afterAll(async () => {
  await engine.close()
  rmSync(directory, { recursive: true, force: true })
})

test('a table of accounts becomes a replicated and a distributed one, a table of the store lies everywhere', () => {
  const sql = `-- Some events; by account
CREATE TABLE hit
(
    offset UInt64,
    account LowCardinality(String)
)
ENGINE = MergeTree
ORDER BY (account, offset)
SETTINGS non_replicated_deduplication_window = 500, fsync_after_insert = 1;

CREATE TABLE projected_range (first UInt64) ENGINE = MergeTree ORDER BY first;
ALTER TABLE hit ADD COLUMN size UInt8 AFTER offset;
ALTER TABLE hit MODIFY SETTING non_replicated_deduplication_window = 9;
ALTER TABLE projected_range ADD COLUMN next UInt64;
`
  expect(clusterStatements(sql, cluster).map((statement) => statement.sql.replaceAll(/\s+/g, ' '))).toEqual([
    "CREATE TABLE IF NOT EXISTS `billing`.`hit_local` ON CLUSTER 'edge' ( offset UInt64, account LowCardinality(String) ) " +
      "ENGINE = ReplicatedMergeTree('/clickhouse/tables/billing/hit/{shard}', '{replica}') ORDER BY (account, offset) " +
      'SETTINGS replicated_deduplication_window = 500, replicated_deduplication_window_seconds = 604800, fsync_after_insert = 1',
    "CREATE TABLE IF NOT EXISTS `billing`.`hit` ON CLUSTER 'edge' AS `billing`.`hit_local` " +
      "ENGINE = Distributed('edge', 'billing', 'hit_local', cityHash64(account))",
    "CREATE TABLE IF NOT EXISTS `billing`.`projected_range` ON CLUSTER 'edge' (first UInt64) " +
      "ENGINE = ReplicatedMergeTree('/clickhouse/tables/billing/projected_range', '{shard}-{replica}') ORDER BY first",
    "ALTER TABLE `billing`.`hit_local` ON CLUSTER 'edge' ADD COLUMN IF NOT EXISTS size UInt8 AFTER offset",
    "ALTER TABLE `billing`.`hit` ON CLUSTER 'edge' ADD COLUMN IF NOT EXISTS size UInt8 AFTER offset",
    "ALTER TABLE `billing`.`hit_local` ON CLUSTER 'edge' MODIFY SETTING replicated_deduplication_window = 9, " +
      'replicated_deduplication_window_seconds = 604800',
    "ALTER TABLE `billing`.`projected_range` ON CLUSTER 'edge' ADD COLUMN IF NOT EXISTS next UInt64",
  ])
  expect(clusterDrops('hit', cluster)).toEqual([
    "DROP TABLE IF EXISTS `billing`.`hit` ON CLUSTER 'edge' SYNC",
    "DROP TABLE IF EXISTS `billing`.`hit_local` ON CLUSTER 'edge' SYNC",
  ])
})

test('what would be a guess on a cluster is refused', () => {
  for (const sql of [
    'CREATE TABLE hit (offset UInt64) ENGINE = MergeTree ORDER BY offset;',
    'CREATE TABLE hit (account String) ENGINE = ReplacingMergeTree ORDER BY account;',
    'CREATE MATERIALIZED VIEW v TO fact AS SELECT 1;',
    'ALTER TABLE fact ADD COLUMN a UInt8, DROP COLUMN b;',
    'ALTER TABLE fact DELETE WHERE 1;',
    'INSERT INTO fact SELECT 1;',
  ])
    expect(() => clusterStatements(sql, cluster), sql).toThrow()
})

test('the engine can read every statement of every migration as it is for a cluster', async () => {
  const statements = migrations.flatMap((sql) => clusterStatements(sql, cluster)).map(({ sql }) => sql)
  const drops = ['fact', 'projected_range'].flatMap((table) => clusterDrops(table, cluster))
  expect(statements.length).toBeGreaterThan(migrations.length)
  for (const sql of [...statements, ...drops]) {
    expect(sql).toContain("ON CLUSTER 'edge'")
    expect(await engine.query<object>(`EXPLAIN AST ${sql}`, {}), sql).not.toEqual([])
    await expect(engine.query('SELECT formatQuery({sql:String}) AS q', { sql }), sql).resolves.toHaveLength(1)
  }
  await expect(engine.query(`EXPLAIN AST ${statements[0]?.replace('ENGINE', 'ENGIEN')}`, {})).rejects.toThrow('Syntax')
})

/** The same statement for one server without Keeper: the tables it makes have the columns that the cluster's have. */
function withoutCluster(sql: string): string {
  return sql
    .replace(" ON CLUSTER 'edge'", '')
    .replace(/Replicated(MergeTree)\('[^']+', '[^']+'\)/, '$1')
    .replace(/Distributed\(.*\)$/, 'Memory')
}

test('the tables of a cluster, local and distributed, have the columns of one server', async () => {
  await migrateStore(engine, folder)
  await engine.command('CREATE DATABASE billing')
  for (const { sql } of migrations.flatMap((migration) => clusterStatements(migration, cluster)))
    await engine.command(withoutCluster(sql))
  const columns = await engine.query<{ database: string; table: string; columns: readonly string[] }>(
    `SELECT database, table, groupArray(shape) AS columns FROM (
       SELECT database, table, concat(name, ' ', type, ' ', default_kind, ' ', default_expression, ' ', compression_codec) AS shape
       FROM system.columns WHERE database IN ('default', 'billing') ORDER BY table, position
     ) GROUP BY database, table ORDER BY table`,
    {},
  )
  const of = (database: string, table: string) =>
    columns.find((found) => found.database === database && found.table === table)?.columns
  const tables = columns.filter(({ database, table }) => database === 'default' && table !== 'schema_migration')
  expect(tables.map(({ table }) => table)).toEqual(expect.arrayContaining(['fact', 'inspection', 'projected_range']))
  for (const { table, columns: one } of tables) {
    expect(of('billing', table), table).toEqual(one)
    const isSharded = one.some((column) => column.startsWith('account '))
    expect(of('billing', `${table}_local`), table).toEqual(isSharded ? one : undefined)
  }
  await emptyStore(engine)
  const left = await engine.query("SELECT name FROM system.tables WHERE database = 'default'", {})
  // What a backfill has loaded is not in the log yet: emptying the store must not lose it.
  expect(left, 'emptyStore drops every table that can be made of the log').toEqual([{ name: 'staged_fact' }])
})
