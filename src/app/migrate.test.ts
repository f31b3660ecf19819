import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bareDatabase } from '../../test/support/postgres.ts'
import type { FreshDatabase } from '../../test/support/postgres.ts'
import { migrate, readMigrations } from './migrate.ts'

let folder = ''
let bare: FreshDatabase
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'crossfoot-migrate-'))
  bare = await bareDatabase()
})
afterEach(async () => {
  rmSync(folder, { recursive: true, force: true })
  await bare.close()
})

function write(name: string, sql: string): void {
  writeFileSync(join(folder, name), sql)
}

const run = (): Promise<readonly string[]> => migrate(bare.url, readMigrations(folder))

async function steps(): Promise<string[]> {
  const { rows } = await bare.database.query<{ name: string }>('select name from step order by position')
  return rows.map(({ name }) => name)
}

const first = `create table step (position serial, name text); insert into step (name) values ('first');`

describe('migrations', () => {
  test('are applied in the order of their numbers, each once', async () => {
    write('0002_second.sql', `insert into step (name) values ('second');`)
    write('0001_first.sql', first)
    write('schema.sql', 'this is not a migration')
    expect(await run()).toEqual(['0001_first.sql', '0002_second.sql'])
    expect(await run()).toEqual([])
    write('0010_third.sql', `insert into step (name) values ('third');`)
    expect(await run()).toEqual(['0010_third.sql'])
    expect(await steps()).toEqual(['first', 'second', 'third'])
  })

  test('are applied once by four services that start at once', async () => {
    write('0001_first.sql', first)
    write('0002_second.sql', `insert into step (name) values ('second');`)
    const applied = await Promise.all([run(), run(), run(), run()])
    expect(applied.flat()).toEqual(['0001_first.sql', '0002_second.sql'])
    expect(await steps()).toEqual(['first', 'second'])
  })

  test('that fail leave nothing of themselves, and keep what came before', async () => {
    write('0001_first.sql', first)
    write('0002_second.sql', `insert into step (name) values ('half'); select 1 / 0;`)
    await expect(run()).rejects.toThrow('migration 0002_second.sql failed and was rolled back: division by zero')
    expect(await steps()).toEqual(['first'])
    write('0002_second.sql', `insert into step (name) values ('whole');`)
    expect(await run()).toEqual(['0002_second.sql'])
    expect(await steps()).toEqual(['first', 'whole'])
  })

  test('are refused when one that is applied was changed', async () => {
    write('0001_first.sql', first)
    await run()
    write('0001_first.sql', `${first} -- harmless?`)
    write('0002_second.sql', `insert into step (name) values ('second');`)
    await expect(run()).rejects.toThrow(/0001_first\.sql was changed after it was applied; restore the file/)
    expect(await steps()).toEqual(['first'])
  })

  test('are refused when the database is newer than the code', async () => {
    write('0001_first.sql', first)
    write('0002_second.sql', `insert into step (name) values ('second');`)
    await run()
    rmSync(join(folder, '0002_second.sql'))
    await expect(run()).rejects.toThrow(/newer than this Crossfoot: it has 0002_second\.sql; start the newer version/)
  })

  test('are refused when one would come before what is applied, and when two have one number', async () => {
    write('0002_second.sql', first)
    await run()
    write('0001_first.sql', `insert into step (name) values ('late');`)
    await expect(run()).rejects.toThrow(/0001_first\.sql comes before 0002_second\.sql, which is applied already/)
    write('0001_other.sql', '')
    expect(() => readMigrations(folder)).toThrow(/have the number 0001; renumber one/)
  })
})
