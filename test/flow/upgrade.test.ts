import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { migrate, readMigrations } from '../../src/app/migrate.ts'
import type { AccountKey } from '../../src/core/ids.ts'
import type { Micros } from '../../src/core/time.ts'
import { contractFor, contractFactsOf } from '../../src/price/contract/contract-table.ts'
import { bareDatabase } from '../support/postgres.ts'
import type { FreshDatabase } from '../support/postgres.ts'

const folder = join(import.meta.dirname, '../../migrations/postgres')
const at = (text: string): Micros => (Date.parse(`${text}T00:00:00Z`) * 1000) as Micros

/** The columns that the tables had before contracts were decisions. */
const before = `
  insert into account (key, name, time_zone, currency, created_at, billable)
    values ('acme', 'Acme', 'UTC', 'USD', '2026-01-01Z', true);
  insert into plan (key) values ('small'), ('large');
  insert into plan_version (plan, version, currency, effective_from, published_at, terms) values
    ('small', 1, 'USD', '2026-01-01Z', '2026-01-01Z', '{"key":"small","name":"Small","currency":"USD",
      "prices":[{"key":"fee","name":"Fee","model":{"kind":"flat","amount":"5"}}],"effective_from":"2026-01-01T00:00:00Z"}'),
    ('large', 1, 'USD', '2026-01-01Z', '2026-01-01Z', '{"key":"large","name":"Large","currency":"USD",
      "prices":[{"key":"fee","name":"Fee","model":{"kind":"flat","amount":"50"}}],"effective_from":"2026-01-01T00:00:00Z"}');
  insert into subscription (account, plan, starts_at, ends_at) values
    ('acme', 'small', '2026-01-01Z', '2026-06-16Z'), ('acme', 'large', '2026-06-16Z', null);`

describe('a database of before contracts were decisions', () => {
  let bare: FreshDatabase
  beforeAll(async () => {
    bare = await bareDatabase()
    const all = readMigrations(folder)
    await migrate(
      bare.url,
      all.filter(({ name }) => name < '0014'),
    )
    await bare.database.query(before)
    await migrate(bare.url, all)
  })
  afterAll(() => bare.close())

  test('keeps who is under what since when, and is priced by it', async () => {
    const facts = await contractFactsOf(bare.database, 'acme')
    expect(facts.decisions.map(({ number, plan, from, to }) => ({ number, plan, from, to }))).toEqual([
      { number: 1, plan: 'small', from: at('2026-01-01'), to: at('2026-06-16') },
      { number: 2, plan: 'large', from: at('2026-06-16'), to: null },
    ])
    const account = { key: 'acme' as AccountKey, timeZone: 'UTC', currency: 'USD' as const }
    const june = { from: at('2026-06-01'), to: at('2026-07-01') }
    const { parts } = await contractFor(bare.database, account, june)
    expect(parts.map(({ plan, part }) => [plan.key, part.to - part.from])).toEqual([
      ['small', 15 * 86_400_000_000],
      ['large', 15 * 86_400_000_000],
    ])
  })
})
