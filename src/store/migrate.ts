import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Engine } from './engine.ts'

/**
 * Applies the migrations of a folder in order, each statement once. Statements are separated by a semicolon
 * at the end of a line. A file that was applied and then changed is refused: the schema would be a guess.
 */
export async function migrateStore(engine: Engine, folder: string): Promise<void> {
  await engine.command(
    'CREATE TABLE IF NOT EXISTS schema_migration (name String, sha256 String) ENGINE = MergeTree ORDER BY name SETTINGS fsync_after_insert = 1',
  )
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
    const bare = sql.replaceAll(/^--.*$/gm, '')
    for (const statement of bare.split(/;\s*$/m)) {
      // A crash may have left a migration half done; creating what is there already is then not an error.
      if (statement.trim() !== '')
        await engine.command(statement.replace(/CREATE TABLE (?!IF)/, 'CREATE TABLE IF NOT EXISTS '))
    }
    await engine.insert({
      table: 'schema_migration',
      columns: ['name', 'sha256'],
      rows: JSON.stringify([name, sha256]),
      token: `${name}:${sha256}`,
    })
  }
}

/**
 * Drops everything, so that it can be rebuilt from the log. The record of migrations goes first: after a crash in
 * the middle the next start creates what is missing, finds the store damaged, and empties it again.
 */
export async function emptyStore(engine: Engine): Promise<void> {
  for (const table of ['schema_migration', 'projected_range', 'fact', 'inspection', 'correction']) {
    await engine.command(`DROP TABLE IF EXISTS ${table} SYNC`)
  }
}
