import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { freshDatabase } from './postgres.ts'
import { dumpSchema, schemaFile } from './schema-dump.ts'

test('migrations/postgres/schema.sql is the schema after all migrations', async () => {
  const { database, close } = await freshDatabase()
  try {
    const actual = await dumpSchema(database)
    expect(readFileSync(schemaFile, 'utf8'), 'run: node test/support/schema-dump.ts --write').toBe(actual)
  } finally {
    await close()
  }
})
