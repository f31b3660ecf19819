import { hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import * as fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freshDatabase } from '../../test/support/postgres.ts'
import type { FreshDatabase } from '../../test/support/postgres.ts'
import type { AccountKey } from '../core/ids.ts'
import type { Micros } from '../core/time.ts'
import { createAccount } from './accounts.ts'
import { isKeyText, newKeyText, randomText } from './api-key.ts'
import { authenticator, limits, requireAccount, requireScope } from './authenticate.ts'
import type { Authenticator } from './authenticate.ts'
import { createKey, hasKeys, listKeys, revokeKey } from './keys.ts'
import type { NewKey } from './keys.ts'

const start = 1_795_000_000_000_000 as Micros

/** Bytes that look random and are the same in every run. */
function seeded(seed: number): (size: number) => Uint8Array {
  let state = seed
  return (size) => Uint8Array.from({ length: size }, () => (state = (state * 1_103_515_245 + 12_345) >>> 0) >>> 24)
}

describe('the text of a key', () => {
  test('is cf_, 30 random characters, and the CRC32 of both in six digits of base 62', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1 }), (seed) => {
        const text = newKeyText(seeded(seed))
        expect(text).toMatch(/^cf_[0-9A-Za-z]{36}$/)
        const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
        const value = text
          .slice(-6)
          .split('')
          .reduce((sum, digit) => sum * 62n + BigInt(digits.indexOf(digit)), 0n)
        expect(value).toBe(BigInt(crc32(text.slice(0, 33))))
        expect(isKeyText(text)).toBe(true)
      }),
    )
  })

  test('is recognised as mistyped when any one character is another', () => {
    const text = newKeyText(seeded(7))
    fc.assert(
      fc.property(fc.nat({ max: text.length - 1 }), fc.constantFrom('0', 'a', 'Z', '9', '_', '-'), (index, other) => {
        fc.pre(text[index] !== other)
        expect(isKeyText(text.slice(0, index) + other + text.slice(index + 1))).toBe(false)
      }),
    )
    expect(['', 'cf_', `${text} `, text.slice(1), `${text}\n`].some(isKeyText)).toBe(false)
  })

  test('favours no character', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
    const counts = Map.groupBy(
      randomText(248, () => bytes),
      (character) => character,
    )
    expect(counts.size).toBe(62)
    expect(new Set([...counts.values()].map(({ length }) => length))).toEqual(new Set([4]))
  })
})

describe('keys', () => {
  let fresh: FreshDatabase
  let now: number = start
  let asked = 0
  let auth: Authenticator
  const random = seeded(42)
  const create = (key: NewKey): ReturnType<typeof createKey> =>
    createKey(fresh.database, key, { now: now as Micros, random })

  beforeAll(async () => {
    fresh = await freshDatabase()
    await createAccount(fresh.database, { key: 'acme' }, start)
  })
  afterAll(() => fresh.close())
  beforeEach(() => {
    now = start
    asked = 0
    const counting = {
      query: (text: string, values: unknown[]) => {
        asked += 1
        return fresh.database.query(text, values)
      },
    } as unknown as typeof fresh.database
    auth = authenticator(counting, { now: () => now as Micros })
  })

  test('are told once, and stored as their hash', async () => {
    expect(await hasKeys(fresh.database)).toBe(false)
    const { key, text } = await create({ name: 'edge', scopes: ['events:write'] })
    expect(await hasKeys(fresh.database)).toBe(true)
    const { rows } = await fresh.database.query<{ sha256: Buffer; everything: string }>(
      'select sha256, api_key::text as everything from api_key',
    )
    expect(rows[0]?.sha256.toString('hex')).toBe(hash('sha256', text))
    expect(rows[0]?.everything).not.toContain(text.slice(3))
    expect(await listKeys(fresh.database)).toEqual([key])
    expect(await auth.authenticate(text)).toEqual({
      ok: true,
      value: { keyId: key.id, name: 'edge', scopes: new Set(['events:write']), account: null },
    })
  })

  test('are refused when they are missing, malformed or unknown; only the last asks the database', async () => {
    const codes: string[] = []
    const unknown = newKeyText(seeded(1_000_003))
    for (const text of [null, '', 'cf_x', `${unknown.slice(0, -1)}-`, unknown, unknown]) {
      const result = await auth.authenticate(text)
      codes.push(result.ok ? 'ok' : result.error.code)
    }
    expect(codes).toEqual(['KEY_MISSING', 'KEY_MISSING', 'KEY_INVALID', 'KEY_INVALID', 'KEY_INVALID', 'KEY_INVALID'])
    expect(asked).toBe(1)
  })

  test('are asked about once by many requests, and again after the cache’s time', async () => {
    const { text } = await create({ name: 'busy', scopes: ['admin'] })
    await Promise.all(Array.from({ length: 20 }, () => auth.authenticate(text)))
    expect(asked).toBe(1)
    now = start + limits.cacheMicros - 1
    await auth.authenticate(text)
    expect(asked).toBe(1)
    now = start + limits.cacheMicros
    await auth.authenticate(text)
    expect(asked).toBe(2)
  })

  test('that are revoked are refused within the cache’s time, and at once by the process that revoked', async () => {
    const { key, text } = await create({ name: 'leaked', scopes: ['admin'] })
    expect((await auth.authenticate(text)).ok).toBe(true)
    expect(await revokeKey(fresh.database, key.id, now as Micros)).toBe(true)
    expect(await revokeKey(fresh.database, key.id, (now + 9) as Micros)).toBe(true)
    expect(await revokeKey(fresh.database, 'key_none', now as Micros)).toBe(false)
    now = start + limits.cacheMicros
    expect(await auth.authenticate(text)).toMatchObject({
      ok: false,
      error: { code: 'KEY_REVOKED', message: `key ${key.id} was revoked at 2026-11-18T11:06:40Z` },
    })
    const { key: other, text: otherText } = await create({ name: 'leaked too', scopes: ['admin'] })
    expect((await auth.authenticate(otherText)).ok).toBe(true)
    await revokeKey(fresh.database, other.id, now as Micros)
    auth.forget()
    expect((await auth.authenticate(otherText)).ok).toBe(false)
  })

  test('expire at their instant, also from the cache', async () => {
    const { text } = await create({ name: 'short', scopes: ['admin'], expiresAt: (start + 100) as Micros })
    now = start + 99
    expect((await auth.authenticate(text)).ok).toBe(true)
    now = start + 100
    expect(await auth.authenticate(text)).toMatchObject({ ok: false, error: { code: 'KEY_REVOKED' } })
  })

  test('are asked about again after the database failed', async () => {
    const { text } = await create({ name: 'retry', scopes: ['admin'] })
    let broken = true
    const flaky = {
      query: (sql: string, values: unknown[]) =>
        broken ? Promise.reject(new Error('connection lost')) : fresh.database.query(sql, values),
    } as unknown as typeof fresh.database
    const other = authenticator(flaky, { now: () => now as Micros })
    await expect(other.authenticate(text)).rejects.toThrow('connection lost')
    broken = false
    expect((await other.authenticate(text)).ok).toBe(true)
  })

  test('are refused when they are made wrong', async () => {
    for (const wrong of [
      { name: '', scopes: ['admin'] },
      { name: 'x', scopes: [] },
      { name: 'x', scopes: ['root'] },
      { name: 'x', scopes: ['admin'], account: 'acme' as AccountKey },
      { name: 'x', scopes: ['admin'], expiresAt: start },
    ])
      await expect(create(wrong)).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
    await expect(create({ name: 'x', scopes: ['usage:read'], account: 'none' as AccountKey })).rejects.toMatchObject({
      code: 'ACCOUNT_NOT_FOUND',
    })
  })

  test('allow what their scopes say; admin allows everything; a customer’s sees its account only (L11)', async () => {
    const customer = await create({ name: 'c', scopes: ['usage:read', 'usage:read'], account: 'acme' as AccountKey })
    const principal = await auth.authenticate(customer.text)
    const admin = await auth.authenticate((await create({ name: 'a', scopes: ['admin'] })).text)
    if (!principal.ok || !admin.ok) throw new Error('both keys are good')
    requireScope(principal.value, 'usage:read')
    requireScope(admin.value, 'billing:write')
    expect(() => requireScope(principal.value, 'billing:read')).toThrow(/lacks the scope billing:read/)
    requireAccount(principal.value, 'acme' as AccountKey)
    requireAccount(admin.value, 'other' as AccountKey)
    expect(() => requireAccount(principal.value, 'other' as AccountKey)).toThrow(/belongs to another account/)
  })
})
