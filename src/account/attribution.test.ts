import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase } from '../../test/support/postgres.ts'
import type { FreshDatabase } from '../../test/support/postgres.ts'
import type { AccountKey } from '../core/ids.ts'
import type { Micros } from '../core/time.ts'
import { createAccount } from './accounts.ts'
import { attributionOf } from './attribution.ts'
import type { Merge, Split } from './attribution.ts'
import { inTransaction } from './database.ts'
import { endpointName, ownerNames } from './endpoint-name.ts'
import { assignEndpoint, followOwnership } from './endpoints.ts'
import type { Ownership } from './ownership-index.ts'
import { handedOver, withOwner } from './ownership-plan.ts'
import { listDecisions, lockOwnership, writeChange } from './ownership-table.ts'

const key = (name: string): AccountKey => name as AccountKey
const at = (instant: number): Micros => instant as Micros
const owns = (endpoint: string, account: string, from: number, to: number | null = null): Ownership => ({
  endpoint,
  account: key(account),
  from: at(from),
  to: to === null ? null : at(to),
})
const merged = (account: string, into: string, instant: number): Merge => ({
  account: key(account),
  into: key(into),
  at: at(instant),
})
const split = (account: string, endpoint: string, instant: number): Split => ({
  account: key(account),
  endpoint,
  at: at(instant),
})

describe('the name of an endpoint', () => {
  test.each([
    ['API.Example.com', 'api.example.com'],
    ['api.example.com.', 'api.example.com'],
    ['a.example.com.:0443', 'a.example.com:443'],
    ['Bücher.Example.', 'xn--bcher-kva.example'],
    ['XN--BCHER-KVA.example', 'xn--bcher-kva.example'],
    ['*.BÜCHER.example', '*.xn--bcher-kva.example'],
    ['2001:DB8:0:0::1', '[2001:db8::1]'],
    ['[2001:db8::0:1]:0443', '[2001:db8::1]:443'],
    ['::1', '[::1]'],
    ['10.0.0.1:22', '10.0.0.1:22'],
    ['10.0.0.1', '10.0.0.1'],
    // None of these: compared as they are.
    ['[2001:db8::1]:99999', '[2001:db8::1]:99999'],
    ['host:0', 'host:0'],
    ['Tcp://X:1', 'tcp://x:1'],
    ['.', '.'],
  ])('%s is %s, and so is its own name', (written, name) => {
    expect(endpointName(written)).toBe(name)
    expect(endpointName(name)).toBe(name)
  })

  test('is held by wildcards of hosts, the longest first, and an address in brackets by none', () => {
    expect(ownerNames('a.b.example')).toEqual(['a.b.example', '*.b.example', '*.example'])
    expect(ownerNames('[2001:db8::1.2.3.4]')).toHaveLength(1)
  })
})

describe('who pays', () => {
  const rules = {
    owned: [owns('e', 'a', 0, 50), owns('e', 'b', 50), owns('*.wild', 'a', 0)],
    merges: [merged('b', 'c', 80), merged('c', 'd', 60)],
    splits: [split('x', 'e', 40), split('y', '*.wild', 10)],
  }
  const attribution = attributionOf(rules)
  const payer = (given: string | null, endpoint: string | null, time: number): AccountKey =>
    attribution.payerOf({ given: given === null ? null : key(given), endpoint, time: at(time) })

  test('the owner at its time, through merges that follow one another', () => {
    expect([0, 49, 50, 79, 80].map((time) => payer(null, 'E.', time))).toEqual(['a', 'a', 'b', 'b', 'd'])
    expect([payer(null, 'other', 5), payer(null, null, 5)]).toEqual(['unattributed', 'unattributed'])
  })

  test('the account that is named, through merges by the time of the event', () => {
    expect([59, 60].map((time) => payer('c', null, time))).toEqual(['c', 'd'])
    expect([79, 80].map((time) => payer('b', 'e', time))).toEqual(['b', 'd'])
  })

  test('the owner of what was split off from the account that is named', () => {
    expect([39, 40, 50].map((time) => payer('x', 'e', time))).toEqual(['x', 'a', 'b'])
    expect([payer('x', 'other', 60), payer('y', 'q.wild', 9), payer('y', 'q.wild', 10)]).toEqual(['x', 'y', 'a'])
    const released = attributionOf({ owned: [], merges: [], splits: [split('x', 'e', 40)] })
    expect(released.payerOf({ given: key('x'), endpoint: 'e', time: at(60) })).toBe('x')
  })
})

describe('rows of owners', () => {
  const rows = [owns('e', 'a', 0, 50), owns('e', 'b', 70)]

  test('are cut where they change, and put together where they agree', () => {
    const change = { endpoint: 'e', account: key('a'), from: at(50), to: at(60) }
    expect(withOwner(rows, change)).toEqual([owns('e', 'a', 0, 60), owns('e', 'b', 70)])
    expect(withOwner(rows, { ...change, account: null, from: at(10), to: at(80) })).toEqual([
      owns('e', 'a', 0, 10),
      owns('e', 'b', 80),
    ])
    expect(() => withOwner(rows, { ...change, to: undefined })).toThrow('b owns e from')
    expect(withOwner(rows, { ...change, to: null })).toEqual([owns('e', 'a', 0)])
    expect(() => withOwner(rows, { ...change, to: at(50) })).toThrow('to must be later than from')
  })

  test('go over from an instant on', () => {
    expect(handedOver(rows, { account: key('a'), into: key('b'), at: at(20) })).toEqual([
      owns('e', 'a', 0, 20),
      owns('e', 'b', 20, 50),
      owns('e', 'b', 70),
    ])
  })
})

describe('decisions in the database', () => {
  let fresh: FreshDatabase
  beforeAll(async () => {
    fresh = await freshDatabase()
    for (const name of ['a', 'b']) await createAccount(fresh.database, { key: name }, at(1_000_000))
  })
  afterAll(() => fresh.close())

  test('reach whoever asks again, all of one decision at once; and are never changed', async () => {
    const { database } = fresh
    const instant = 1_790_000_000_000_001
    await assignEndpoint(database, owns('e', 'a', 0))
    const elsewhere = await followOwnership(database)
    const before = [owns('e', 'a', 0)]
    const merge = merged('a', 'b', instant)
    const after = handedOver(before, merge)
    const id = await inTransaction(database, async (client) => {
      await lockOwnership(client)
      return writeChange(
        client,
        { before, after, merges: [merge], splits: [] },
        {
          kind: 'merge',
          at: at(instant),
          keyId: 'key',
          decision: { by: 'Ada', reason: 'bought' },
          accounts: [key('a'), key('b')],
          endpoints: ['e'],
          from: at(instant),
          to: null,
          document: {},
        },
      )
    })
    const claim = { given: key('a'), endpoint: null, time: at(instant) }
    expect(elsewhere.current().payerOf(claim)).toBe('a')
    await elsewhere.refresh()
    expect([elsewhere.current().payerOf(claim), elsewhere.ownerAt('e', at(instant))]).toEqual(['b', 'b'])
    expect(elsewhere.ownerAt('e', at(instant - 1))).toBe('a')
    expect(await listDecisions(database, { account: key('b'), endpoint: 'e', most: 10 })).toMatchObject([
      { id, kind: 'merge', decision: { by: 'Ada', reason: 'bought' }, from: instant, to: null },
    ])
    expect(await listDecisions(database, { account: key('other'), most: 10 })).toEqual([])
    await expect(assignEndpoint(database, owns('f', 'a', 0))).rejects.toMatchObject({ code: 'ACCOUNT_MERGED' })
    await assignEndpoint(database, owns('f', 'a', 0, instant))
    for (const table of ['ownership_decision', 'account_merge'])
      await expect(database.query(`delete from ${table}`)).rejects.toThrow('history')
  })
})
