import { expect, test } from 'vitest'
import { bareDatabase, freshDatabase } from './postgres.ts'

test('a fresh database has the schema, and nothing of another one', async () => {
  const [one, other] = await Promise.all([freshDatabase(), freshDatabase()])
  try {
    await one.database.query('create table only_here ()')
    const { rows } = await other.database.query(`select to_regclass('only_here') is null as absent`)
    expect(rows).toEqual([{ absent: true }])
    const { rows: migrated } = await other.database.query('select count(*)::int as many from schema_migration')
    expect(migrated).toHaveLength(1)
  } finally {
    await Promise.all([one.close(), other.close()])
  }
})

test('a bare database has no table at all', async () => {
  const bare = await bareDatabase()
  try {
    const { rows } = await bare.database.query(`select 1 from pg_tables where schemaname = 'public'`)
    expect(rows).toEqual([])
  } finally {
    await bare.close()
  }
})
