import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase } from '../../test/support/postgres.ts'
import type { FreshDatabase } from '../../test/support/postgres.ts'
import type { AccountKey } from '../core/ids.ts'
import type { Micros } from '../core/time.ts'
import { createAccount } from './accounts.ts'
import {
  assignEndpoint,
  followOwnership,
  listEndpoints,
  loadOwnership,
  ownerAt,
  releaseEndpoint,
  transferEndpoint,
} from './endpoints.ts'
import { ownershipIndex } from './ownership-index.ts'
import type { Ownership } from './ownership-index.ts'

const start = 1_790_000_000_000_001
const at = (offset: number): Micros => (start + offset) as Micros
const account = (name: string): AccountKey => name as AccountKey
const owns = (endpoint: string, name: string, from: number, to: number | null = null): Ownership => ({
  endpoint,
  account: account(name),
  from: at(from),
  to: to === null ? null : at(to),
})

/** Slow and obvious: looks at every row; the exact name counts first, then the longer wildcard. */
function oracle(rows: readonly Ownership[], endpoint: string, instant: number): AccountKey | null {
  const inForce = rows.filter((row) => row.from <= instant && (row.to === null || instant < row.to))
  const exact = inForce.find((row) => row.endpoint === endpoint)
  if (exact !== undefined) return exact.account
  const wild = inForce.filter((row) => row.endpoint.startsWith('*') && endpoint.endsWith(row.endpoint.slice(1)))
  return wild.toSorted((a, b) => b.endpoint.length - a.endpoint.length)[0]?.account ?? null
}

const names = ['a.example.com', 'b.a.example.com', 'example.com', 'c.d.b.a.example.com', '10.0.0.1:22', 'other']
const owned = [...names, '*.example.com', '*.a.example.com', '*.com']

/** Rows without overlap: cut points of a timeline, every other stretch possibly owned. */
const history = fc
  .tuple(
    fc.constantFrom(...owned),
    fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { minLength: 2, maxLength: 8 }),
    fc.array(fc.constantFrom('x', 'y', null), { minLength: 8, maxLength: 8 }),
    fc.boolean(),
  )
  .map(([endpoint, cuts, owners, open]) => {
    const sorted = cuts.toSorted((a, b) => a - b)
    return sorted.slice(0, open ? undefined : -1).flatMap((from, index) => {
      const name = owners[index] ?? null
      return name === null ? [] : [owns(endpoint, name, from, sorted[index + 1] ?? null)]
    })
  })
const histories = fc.uniqueArray(history, {
  selector: (rows) => rows[0]?.endpoint ?? '',
  maxLength: owned.length,
})
const questions = fc.array(fc.tuple(fc.constantFrom(...names), fc.integer({ min: -1, max: 42 })), {
  minLength: 1,
  maxLength: 30,
})

describe('the index in memory', () => {
  test('answers as a look at every row does', () => {
    fc.assert(
      fc.property(histories, questions, (perEndpoint, asked) => {
        const rows = perEndpoint.flat()
        const index = ownershipIndex(rows.toReversed())
        for (const [endpoint, offset] of asked)
          expect(index.ownerAt(endpoint, at(offset))).toBe(oracle(rows, endpoint, at(offset)))
      }),
      { numRuns: 500 },
    )
  })

  test('compares as host names are compared, and keeps ports apart', () => {
    const index = ownershipIndex([owns('api.Example.com', 'x', 0), owns('*.Wild.example.', 'y', 0)])
    const asked = ['API.example.COM', 'api.example.com.', 'api.example.com:443', 'A.B.wild.example', 'wild.example']
    expect(asked.map((endpoint) => index.ownerAt(endpoint, at(0)))).toEqual(['x', 'x', null, 'y', null])
  })

  test('owns from its first instant until before its last', () => {
    const index = ownershipIndex([owns('e', 'x', 0, 10), owns('e', 'y', 10)])
    expect([-1, 0, 9, 10, 1e12].map((offset) => index.ownerAt('e', at(offset)))).toEqual([null, 'x', 'x', 'y', 'y'])
  })
})

describe('ownership in the database', () => {
  let fresh: FreshDatabase
  beforeAll(async () => {
    fresh = await freshDatabase()
    for (const key of ['x', 'y']) await createAccount(fresh.database, { key }, at(0))
  })
  afterAll(() => fresh.close())

  test('survives the way there and back, answers there as in memory, and as a look at every row', async () => {
    await fc.assert(
      fc.asyncProperty(histories, questions, async (perEndpoint, asked) => {
        const rows = perEndpoint.flat()
        await fresh.database.query('delete from endpoint_ownership')
        for (const row of rows) await assignEndpoint(fresh.database, row)
        const index = await loadOwnership(fresh.database)
        expect(index.size).toBe(rows.length)
        for (const [endpoint, offset] of asked) {
          const expected = oracle(rows, endpoint, at(offset))
          expect(index.ownerAt(endpoint, at(offset))).toBe(expected)
          expect(await ownerAt(fresh.database, endpoint, at(offset))).toBe(expected)
        }
      }),
      { numRuns: 15 },
    )
  })

  test('never has two owners of one endpoint at one instant, also when both come at once', async () => {
    await assignEndpoint(fresh.database, owns('once.example.net', 'x', 10, 20))
    for (const [from, to] of [
      [0, 11],
      [19, null],
      [12, 13],
      [0, null],
    ] as const)
      await expect(assignEndpoint(fresh.database, owns('ONCE.example.net', 'y', from, to))).rejects.toMatchObject({
        code: 'OWNERSHIP_OVERLAP',
      })
    await assignEndpoint(fresh.database, owns('once.example.net', 'y', 20))
    await assignEndpoint(fresh.database, owns('once.example.net', 'y', 0, 10))
    const race = await Promise.allSettled(
      ['x', 'y', 'x', 'y'].map((name) => assignEndpoint(fresh.database, owns('race.example.net', name, 0))),
    )
    expect(race.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  test('passes from one account to the next at an instant, or not at all', async () => {
    await assignEndpoint(fresh.database, owns('moves.example.net', 'x', 0))
    await transferEndpoint(fresh.database, owns('moves.example.net', 'y', 50))
    expect(
      (await listEndpoints(fresh.database, account('x'))).filter((row) => row.endpoint.startsWith('moves')),
    ).toEqual([owns('moves.example.net', 'x', 0, 50)])
    expect(await ownerAt(fresh.database, 'moves.example.net', at(49))).toBe('x')
    expect(await ownerAt(fresh.database, 'moves.example.net', at(50))).toBe('y')
    await expect(transferEndpoint(fresh.database, owns('moves.example.net', 'x', 20))).rejects.toMatchObject({
      code: 'OWNERSHIP_OVERLAP',
    })
    expect(await ownerAt(fresh.database, 'moves.example.net', at(49))).toBe('x')
  })

  test('ends when it is released', async () => {
    await assignEndpoint(fresh.database, owns('ends.example.net', 'x', 0))
    expect(await releaseEndpoint(fresh.database, 'Ends.Example.net', at(7))).toEqual(
      owns('ends.example.net', 'x', 0, 7),
    )
    expect(await releaseEndpoint(fresh.database, 'ends.example.net', at(9))).toBeNull()
    expect(await ownerAt(fresh.database, 'ends.example.net', at(7))).toBeNull()
  })

  test('refuses names that are no endpoint, times the wrong way round, and accounts that do not exist', async () => {
    for (const wrong of ['', 'a b', 'a.*.example.com', '*', 'x'.repeat(1025)])
      await expect(assignEndpoint(fresh.database, owns(wrong, 'x', 0))).rejects.toMatchObject({
        code: 'REQUEST_INVALID',
      })
    await expect(assignEndpoint(fresh.database, owns('e', 'x', 5, 5))).rejects.toThrow('to must be later than from')
    await expect(assignEndpoint(fresh.database, owns('e', 'z', 5))).rejects.toMatchObject({ code: 'ACCOUNT_NOT_FOUND' })
  })

  test('is followed by the index of ingest after each refresh', async () => {
    const current = await followOwnership(fresh.database)
    expect(current.ownerAt('new.example.net', at(0))).toBeNull()
    await assignEndpoint(fresh.database, owns('new.example.net', 'y', 0))
    await Promise.all([current.refresh(), current.refresh(), current.refresh()])
    expect(current.ownerAt('new.example.net', at(0))).toBe('y')
  })
})
