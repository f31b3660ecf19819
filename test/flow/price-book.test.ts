import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Micros } from '../../src/core/time.ts'
import { formatPriceBook, parsePriceBook } from '../../src/price/book/price-book-file.ts'
import type { PriceBookFile } from '../../src/price/book/price-book-file.ts'
import { bookOf, countOf } from '../../src/price/book/price-book-import.ts'
import { loadPriceBook } from '../../src/price/book/price-book-load.ts'
import { importPriceBook } from '../../src/price/book/price-book-publish.ts'
import { freshDatabase } from '../support/postgres.ts'
import type { FreshDatabase } from '../support/postgres.ts'

const now = 1_780_000_000_000_000 as Micros

function fileOf(document: unknown): PriceBookFile {
  const parsed = parsePriceBook(document)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  return parsed.value
}

/** So many versions of a plan and an add-on, and a coupon off the plan's price. */
function bookWith(versions: number, amount = '1') {
  const sold = (key: string) =>
    Array.from({ length: versions }, (_, index) => ({
      key,
      version: index + 1,
      name: key,
      currency: 'USD',
      prices: [{ key: 'fee', name: 'Fee', model: { kind: 'flat', amount: `${amount}${index}` } }],
      effective_from: '2026-01-01T00:00:00Z',
    }))
  const coupon = { key: 'c', version: 1, name: 'C', percent: '5', of: ['fee'], effective_from: '2026-01-01T00:00:00Z' }
  return fileOf({ plans: sold('plan'), add_ons: sold('extra'), coupons: [coupon] })
}

describe('the price book in Postgres', () => {
  let fresh: FreshDatabase
  beforeAll(async () => {
    fresh = await freshDatabase()
  })
  afterAll(() => fresh.close())

  test('imports of one book at once publish it once', async () => {
    const file = bookWith(4)
    const done = await Promise.all(
      Array.from({ length: 6 }, async () => importPriceBook(fresh.database, file, { now, dryRun: false })),
    )
    expect(done.every(({ publish, unchanged }) => countOf(publish) + unchanged === 9)).toBe(true)
    // Each says what it published itself.
    expect(done.map(({ publish }) => countOf(publish)).toSorted((a, b) => b - a)).toEqual([9, 0, 0, 0, 0, 0])
    expect(formatPriceBook(await loadPriceBook(fresh.database))).toBe(formatPriceBook(bookOf(file)))
  })

  test('two books that contradict each other: one is imported, the other refused as a whole', async () => {
    const rest = bookWith(6, '1')
    const other = bookWith(6, '2')
    const [one, two] = [
      { ...rest, plans: rest.plans.slice(4), add_ons: rest.add_ons.slice(4) },
      { ...rest, plans: other.plans.slice(4), add_ons: other.add_ons.slice(4) },
    ]
    const outcomes = await Promise.allSettled(
      [one, two].map(async (file) => importPriceBook(fresh.database, file, { now, dryRun: false })),
    )
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    const refused = outcomes.find((outcome) => outcome.status === 'rejected')
    expect(refused?.reason).toMatchObject({ code: 'VERSION_IMMUTABLE' })
    const { plans, addOns } = await loadPriceBook(fresh.database)
    const amounts = [...plans.values(), ...addOns.values()].map((versions) =>
      versions.map((of) =>
        JSON.stringify(of.prices[0]?.model, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
      ),
    )
    expect(amounts[0]).toEqual(amounts[1])
    expect(amounts[0]).toHaveLength(6)
  })

  test.each(['add_on_version', 'coupon_version'])('%s is never changed, deleted or truncated', async (table) => {
    for (const statement of [`update ${table} set version = version + 1`, `delete from ${table}`, `truncate ${table}`])
      await expect(fresh.database.query(statement)).rejects.toThrow(/is history|immutable/)
  })
})
