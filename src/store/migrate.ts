import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { clusterDrops, clusterStatements, repeatable, statementsOf } from './cluster.ts'
import type { Engine } from './engine.ts'

const createRecord =
  'CREATE TABLE IF NOT EXISTS schema_migration (name String, sha256 String) ENGINE = MergeTree ORDER BY name SETTINGS fsync_after_insert = 1'

/** What an engine has to be told for a migration. */
function commandsOf(sql: string, { cluster }: Engine): readonly string[] {
  // A crash may have left a migration half done; creating what is there already is then not an error.
  if (cluster === null) return statementsOf(sql).map(repeatable)
  return clusterStatements(sql, cluster).map((statement) => statement.sql)
}

/**
 * Applies the migrations of a folder in order, each statement once. Statements are separated by a semicolon
 * at the end of a line. A file that was applied and then changed is refused: the schema would be a guess.
 */
export async function migrateStore(engine: Engine, folder: string): Promise<void> {
  for (const command of commandsOf(createRecord, engine)) await engine.command(command)
  const applied = await engine.query<{ name: string; sha256: string }>('SELECT name, sha256 FROM schema_migration', {})
  for (const name of readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .toSorted()) {
    const sql = readFileSync(join(folder, name), 'utf8')
    const sha256 = createHash('sha256').update(sql).digest('hex')
    const before = applied.find((migration) => migration.name === name)
    if (before !== undefined && before.sha256 !== sha256) {
      throw new Error(
        `${name} was changed after it had been applied to the event store; undo the change and add a new migration`,
      )
    }
    if (before !== undefined) continue
    for (const command of commandsOf(sql, engine)) await engine.command(command)
    await engine.insert({
      table: 'schema_migration',
      columns: ['name', 'sha256'],
      rows: JSON.stringify([name, sha256]),
      token: `${name}:${sha256}`,
    })
  }
}

const forgettable = [
  'schema_migration',
  'rolled_hour',
  'rollup',
  'touched_until',
  'touched_hour',
  'finished_range',
  'projected_range',
  'fact',
  'inspection',
  'correction',
  // Last: as long as anything of a log is there, it says of which.
  'log_name',
]

/**
 * Drops everything that can be rebuilt from the log; what a backfill has loaded is not in the log and stays. The record of migrations goes first: after a crash in
 * the middle the next start creates what is missing, finds the store damaged, and empties it again.
 */
export async function emptyStore(engine: Engine): Promise<void> {
  const { cluster } = engine
  for (const table of forgettable) {
    const drops = cluster === null ? [`DROP TABLE IF EXISTS ${table} SYNC`] : clusterDrops(table, cluster)
    for (const drop of drops) await engine.command(drop)
  }
}
