import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase } from '../../test/support/postgres.ts'
import type { FreshDatabase } from '../../test/support/postgres.ts'
import { unattributed } from '../core/ids.ts'
import type { AccountKey } from '../core/ids.ts'
import type { Micros } from '../core/time.ts'
import {
  createAccount,
  findAccount,
  getAccount,
  installationDefaults,
  listAccounts,
  registerSeen,
  rememberSeen,
  requireBillable,
  setInstallationDefaults,
  updateAccount,
} from './accounts.ts'

const now = 1_795_000_000_123_457 as Micros
const keys = (...names: string[]): AccountKey[] => names as AccountKey[]

let fresh: FreshDatabase
beforeAll(async () => {
  fresh = await freshDatabase()
})
afterAll(() => fresh.close())

describe('an account', () => {
  test('is created with what is given and the defaults of the installation, exact to the microsecond', async () => {
    const account = await createAccount(fresh.database, { key: 'acme', timeZone: 'Asia/Tokyo' }, now)
    expect(account).toEqual({
      key: 'acme',
      name: 'acme',
      timeZone: 'Asia/Tokyo',
      currency: 'USD',
      billable: true,
      createdAt: 1_795_000_000_123_457,
      firstSeen: null,
    })
    expect(await getAccount(fresh.database, 'acme')).toEqual(account)
  })

  test('is refused under a key that is taken or no key, in a zone or currency that does not exist', async () => {
    await expect(createAccount(fresh.database, { key: 'acme' }, now)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    for (const wrong of [
      { key: '' },
      { key: '-x' },
      { key: 'a b' },
      { key: 'x'.repeat(129) },
      { key: 'ok', name: '' },
      { key: 'ok', timeZone: 'Mars/Olympus' },
      { key: 'ok', timeZone: '+02:00' },
      { key: 'ok', currency: 'XXQ' },
    ])
      await expect(createAccount(fresh.database, wrong, now)).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
    expect(await findAccount(fresh.database, 'ok')).toBeNull()
    await expect(getAccount(fresh.database, 'ok')).rejects.toMatchObject({ code: 'ACCOUNT_NOT_FOUND' })
  })

  test('changes only in what is given, and not in its terms once an invoice is issued', async () => {
    await createAccount(fresh.database, { key: 'changing' }, now)
    const change = { name: 'Changed', currency: 'EUR' }
    expect(await updateAccount(fresh.database, 'changing', change, false)).toMatchObject({
      name: 'Changed',
      currency: 'EUR',
      timeZone: 'UTC',
    })
    await expect(updateAccount(fresh.database, 'changing', { timeZone: 'Asia/Tokyo' }, true)).rejects.toThrow(
      /settled; create a new account instead/,
    )
    expect(await updateAccount(fresh.database, 'changing', { name: 'Again' }, true)).toMatchObject({ name: 'Again' })
    await expect(updateAccount(fresh.database, 'nobody', {}, false)).rejects.toMatchObject({
      code: 'ACCOUNT_NOT_FOUND',
    })
  })

  test('unattributed exists from the start and is never billed', async () => {
    const account = await getAccount(fresh.database, unattributed)
    expect(account.billable).toBe(false)
    expect(() => requireBillable(account)).toThrow(/no account owns cannot be invoiced/)
  })
})

describe('accounts first seen in traffic', () => {
  test('are registered once, with the defaults of that moment', async () => {
    await setInstallationDefaults(fresh.database, { timeZone: 'Europe/Berlin', currency: 'EUR' })
    expect(await installationDefaults(fresh.database)).toEqual({ timeZone: 'Europe/Berlin', currency: 'EUR' })
    expect(await registerSeen(fresh.database, keys('s2', 's1', 's2'), now)).toEqual(['s1', 's2'])
    await setInstallationDefaults(fresh.database, { timeZone: 'UTC', currency: 'USD' })
    expect(await registerSeen(fresh.database, keys('s1', 's3'), (now + 1) as Micros)).toEqual(['s3'])
    expect(await getAccount(fresh.database, 's1')).toMatchObject({
      timeZone: 'Europe/Berlin',
      currency: 'EUR',
      createdAt: now,
      firstSeen: now,
    })
    expect(await registerSeen(fresh.database, [], now)).toEqual([])
  })

  test('keep their description, and get the time of their first traffic', async () => {
    await createAccount(fresh.database, { key: 'described', name: 'Described' }, now)
    expect(await registerSeen(fresh.database, keys('described'), (now + 5) as Micros)).toEqual([])
    await registerSeen(fresh.database, keys('described'), (now + 9) as Micros)
    expect(await getAccount(fresh.database, 'described')).toMatchObject({ name: 'Described', firstSeen: now + 5 })
  })

  test('may be registered by many batches at once, in any order', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `many-${index}`)
    const batches = Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? names : names.toReversed()))
    const created = await Promise.all(batches.map((batch) => registerSeen(fresh.database, keys(...batch), now)))
    expect(created.flat().toSorted()).toEqual(names.toSorted())
  })

  test('that were registered are not asked about again', async () => {
    const asked: unknown[] = []
    const queryable = {
      query: (text: string, values: unknown[]) => {
        asked.push(values[0])
        return fresh.database.query(text, values)
      },
    } as unknown as typeof fresh.database
    const seen = rememberSeen(queryable)
    expect(await seen.register(keys('r1', 'r2'), now)).toEqual(['r1', 'r2'])
    expect(await seen.register(keys('r2', 'r1'), now)).toEqual([])
    expect(await seen.register(keys('r1', 'r3'), now)).toEqual(['r3'])
    expect(asked).toEqual([['r1', 'r2'], ['r3']])
  })
})

test('accounts are listed page by page in the order of their keys, all of them once', async () => {
  const other = await freshDatabase()
  try {
    const names = ['Z', 'a', 'b', 'aa', 'B', '0', 'a-1', 'a.1', unattributed]
    for (const key of names.filter((name) => name !== unattributed)) await createAccount(other.database, { key }, now)
    const listed: string[] = []
    let after: string | undefined
    do {
      const page = await listAccounts(other.database, { after, limit: 2 })
      listed.push(...page.accounts.map(({ key }) => key))
      after = page.next ?? undefined
    } while (after !== undefined)
    // The order of the bytes, on every server.
    expect(listed).toEqual(['0', 'B', 'Z', 'a', 'a-1', 'a.1', 'aa', 'b', 'unattributed'])
    for (const limit of [0, 1001, 1.5, Number.NaN])
      await expect(listAccounts(other.database, { limit })).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
  } finally {
    await other.close()
  }
})
