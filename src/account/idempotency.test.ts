import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase } from '../../test/support/postgres.ts'
import type { FreshDatabase } from '../../test/support/postgres.ts'
import type { Micros } from '../core/time.ts'
import { inTransaction } from './database.ts'
import { claimWrite, completeWrite, forgetAnswers, limits, releaseWrite } from './idempotency.ts'
import type { Claim, Claimed, Write } from './idempotency.ts'

const start = 1_795_000_000_000_000
const at = (offset: number): Micros => (start + offset) as Micros
const answer = { status: 201, response: '{"id":"inv_1"}' }

function write(key: string, more: { principal?: string; route?: string; body?: string } = {}): Write {
  return { principal: 'key_1', key, route: 'POST /v1/invoices', body: '{"account":"acme"}', ...more }
}

describe('a write with an Idempotency-Key', () => {
  let fresh: FreshDatabase
  beforeAll(async () => {
    fresh = await freshDatabase()
  })
  afterAll(() => fresh.close())

  const claim = (key: string, offset = 0): Promise<Claimed> => claimWrite(fresh.database, write(key), at(offset))

  async function newClaim(key: string, offset = 0): Promise<Claim> {
    const claimed = await claim(key, offset)
    if (claimed.kind !== 'new') throw new Error('the claim is new')
    return claimed.claim
  }

  test('is done once; its repetition gets the first answer', async () => {
    await completeWrite(fresh.database, await newClaim('a'), answer, at(1))
    expect(await claim('a', 2)).toEqual({ kind: 'replay', ...answer })
    expect(await claim('a', limits.claimMicros * 3)).toEqual({ kind: 'replay', ...answer })
  })

  test('is refused when the key stands for another body or route, answered or not', async () => {
    const mine = await newClaim('b')
    for (const more of [{ body: '{"account":"other"}' }, { route: 'POST /v1/accounts' }])
      await expect(claimWrite(fresh.database, write('b', more), at(limits.claimMicros * 2))).rejects.toMatchObject({
        code: 'IDEMPOTENCY_CONFLICT',
      })
    await completeWrite(fresh.database, mine, answer, at(1))
    await expect(claimWrite(fresh.database, write('b', { body: '' }), at(2))).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
    })
  })

  test('does not meet the key of another caller', async () => {
    await newClaim('c')
    const other = await claimWrite(fresh.database, write('c', { principal: 'key_2', body: 'x' }), at(0))
    expect(other.kind).toBe('new')
  })

  test('is done by one of ten that come at once', async () => {
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => claim('d')))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const codes = results.flatMap((result) => (result.status === 'rejected' ? [(result.reason as Refused).code] : []))
    expect(new Set(codes)).toEqual(new Set(['IDEMPOTENCY_IN_PROGRESS']))
  })

  test('whose process died is taken over after the stated time, and then commits nothing of its own', async () => {
    await fresh.database.query('create table done (by text)')
    const dead = await newClaim('e')
    await expect(claim('e', limits.claimMicros - 1)).rejects.toMatchObject({ code: 'IDEMPOTENCY_IN_PROGRESS' })
    const taker = await newClaim('e', limits.claimMicros)
    const finish = (mine: Claim, by: string): Promise<void> =>
      inTransaction(fresh.database, async (client) => {
        await client.query('insert into done values ($1)', [by])
        await completeWrite(client, mine, answer, at(limits.claimMicros + 1))
      })
    await expect(finish(dead, 'dead')).rejects.toMatchObject({ code: 'IDEMPOTENCY_IN_PROGRESS' })
    await finish(taker, 'taker')
    await expect(finish(dead, 'dead again')).rejects.toMatchObject({ code: 'IDEMPOTENCY_IN_PROGRESS' })
    expect((await fresh.database.query('select by from done')).rows).toEqual([{ by: 'taker' }])
  })

  test('that failed gives the key back, and its old claim stays worthless', async () => {
    const failed = await newClaim('f')
    await releaseWrite(fresh.database, failed)
    const second = await newClaim('f', 1)
    await expect(completeWrite(fresh.database, failed, answer, at(2))).rejects.toMatchObject({
      code: 'IDEMPOTENCY_IN_PROGRESS',
    })
    await releaseWrite(fresh.database, failed)
    await completeWrite(fresh.database, second, answer, at(2))
    await releaseWrite(fresh.database, second)
    expect((await claim('f', 3)).kind).toBe('replay')
  })

  test('is forgotten when it is old', async () => {
    await completeWrite(fresh.database, await newClaim('g', 1_000), answer, at(1_001))
    await forgetAnswers(fresh.database, at(limits.keptMicros + 1_000))
    expect((await claim('g', 5)).kind).toBe('replay')
    await forgetAnswers(fresh.database, at(limits.keptMicros + 1_001))
    expect((await claim('g', 5)).kind).toBe('new')
  })

  test('has a key of a bounded length', async () => {
    for (const key of ['', 'x'.repeat(256), 'a\0b'])
      await expect(claim(key)).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
    expect((await claim('x'.repeat(255))).kind).toBe('new')
  })
})

interface Refused {
  readonly code: string
}
