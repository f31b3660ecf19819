import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase } from '../support/postgres.ts'
import type { FreshDatabase } from '../support/postgres.ts'
import { createAccount, getAccount } from '../../src/account/accounts.ts'
import type { AccountKey, PlanKey } from '../../src/core/ids.ts'
import { parseInstant } from '../../src/core/time.ts'
import type { Micros } from '../../src/core/time.ts'
import { lastPart } from '../../src/price/contract/contract.ts'
import { contractFor } from '../../src/price/contract/contract-table.ts'
import { getPlan, listPlans, planVersions, publishPlan } from '../../src/price/book/plan-catalogue.ts'
import { parsePlan } from '../../src/price/plan.ts'
import type { PlanInput, PlanVersion } from '../../src/price/plan.ts'
import {
  defaultPlans,
  endSubscription,
  setDefaultPlan,
  subscribe,
  subscriptionsOf,
} from '../../src/price/contract/subscription.ts'

let fresh: FreshDatabase
beforeAll(async () => {
  fresh = await freshDatabase()
})
afterAll(() => fresh.close())

function at(text: string): Micros {
  const parsed = parseInstant(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

const now = at('2026-11-22T12:00:00Z')
const decided = { by: 'test', now }

interface Terms {
  readonly key: string
  readonly amount?: string
  readonly from?: string
  readonly currency?: string
  readonly version?: number
}

function plan({ key, amount = '1', from = '2026-01-01T00:00:00Z', currency = 'USD', version }: Terms): PlanInput {
  const parsed = parsePlan({
    key,
    name: key,
    currency,
    effective_from: from,
    ...(version === undefined ? {} : { version }),
    prices: [{ key: 'fee', name: 'Fee', model: { kind: 'flat', amount } }],
  })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  return parsed.value
}

const publish = (terms: Terms): Promise<PlanVersion> => publishPlan(fresh.database, plan(terms), now)

async function chosen(account: string, instant: string): Promise<string> {
  const found = await getAccount(fresh.database, account)
  const from = at(instant)
  const { basis, plan: held } = lastPart(await contractFor(fresh.database, found, { from, to: (from + 1) as Micros }))
  return `${basis} ${held.key} ${held.version}`
}

async function account(key: string, currency = 'USD'): Promise<AccountKey> {
  return (await createAccount(fresh.database, { key, currency }, now)).key
}

describe('the catalogue of plans', () => {
  test('numbers versions, and the same terms again are the version that has them', async () => {
    expect((await publish({ key: 'a' })).version).toBe(1)
    expect((await publish({ key: 'a' })).version).toBe(1)
    expect((await publish({ key: 'a', amount: '2' })).version).toBe(2)
    expect((await publish({ key: 'a', version: 1 })).version).toBe(1)
    expect((await publish({ key: 'a', amount: '3', version: 3 })).version).toBe(3)
    expect(await planVersions(fresh.database, 'a')).toHaveLength(3)
    expect((await getPlan(fresh.database, 'a')).version).toBe(3)
    expect((await listPlans(fresh.database)).map(({ key, version }) => `${key} ${version}`)).toContain('a 3')
  })

  test('refuses other terms under a number that is taken, a hole, and an effect before the last version', async () => {
    await publish({ key: 'b', from: '2026-03-01T00:00:00Z' })
    await expect(publish({ key: 'b', amount: '2', version: 1 })).rejects.toMatchObject({ code: 'VERSION_IMMUTABLE' })
    await expect(publish({ key: 'b', amount: '2', version: 3, from: '2026-03-01T00:00:00Z' })).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
    })
    await expect(publish({ key: 'b', amount: '2', from: '2026-02-28T23:59:59Z' })).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
    })
    await expect(getPlan(fresh.database, 'nothing')).rejects.toMatchObject({ code: 'PLAN_NOT_FOUND' })
  })

  test('ten publishers at once give ten numbers without a hole', async () => {
    const published = await Promise.all(
      Array.from({ length: 10 }, (_, index) => publish({ key: 'busy', amount: `${index}` })),
    )
    expect(new Set(published.map(({ version }) => version))).toEqual(new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]))
  })

  test('the database refuses to change, delete or truncate a version and the policy', async () => {
    await publish({ key: 'c' })
    await setDefaultPlan(fresh.database, { plan: null, from: at('1999-01-01T00:00:00Z'), by: 'test' }, now)
    for (const statement of [
      "update plan_version set terms = '{}' where plan = 'c'",
      "delete from plan_version where plan = 'c'",
      'truncate plan_version',
      "update default_plan set decided_by = 'nobody'",
      'delete from default_plan',
      'truncate default_plan',
    ])
      await expect(fresh.database.query(statement)).rejects.toThrow('is history')
    expect((await getPlan(fresh.database, 'c')).version).toBe(1)
  })
})

describe('the contract of a period', () => {
  test('is the version in effect at its start, to the microsecond', async () => {
    const key = await account('versions')
    await publish({ key: 'v' })
    await publish({ key: 'v', amount: '2', from: '2026-06-01T00:00:00.000001Z' })
    await subscribe(
      fresh.database,
      { account: key, plan: 'v' as PlanKey, from: at('2026-01-01T00:00:00Z'), to: null },
      decided,
    )
    expect(await chosen(key, '2026-06-01T00:00:00Z')).toBe('subscribed v 1')
    expect(await chosen(key, '2026-06-01T00:00:00.000001Z')).toBe('subscribed v 2')
    await publish({ key: 'v', amount: '3', from: '2026-06-01T00:00:00.000001Z' })
    expect(await chosen(key, '2026-07-01T00:00:00Z')).toBe('subscribed v 3')
  })

  test('without a subscription it is the default plan of that time, else PLAN_MISSING', async () => {
    const key = await account('defaults')
    await expect(chosen(key, '2026-01-01T00:00:00Z')).rejects.toMatchObject({ code: 'PLAN_MISSING' })
    await publish({ key: 'd1' })
    await publish({ key: 'd2' })
    const decide = (plan: string | null, from: string): Promise<void> =>
      setDefaultPlan(fresh.database, { plan: plan as PlanKey | null, from: at(from), by: 'ada' }, now)
    await decide('d1', '2026-02-01T00:00:00Z')
    await decide('d2', '2026-04-01T00:00:00Z')
    await decide(null, '2026-05-01T00:00:00Z')
    await expect(chosen(key, '2026-01-31T23:59:59Z')).rejects.toMatchObject({ code: 'PLAN_MISSING' })
    expect(await chosen(key, '2026-02-01T00:00:00Z')).toBe('default d1 1')
    expect(await chosen(key, '2026-04-01T00:00:00Z')).toBe('default d2 1')
    await expect(chosen(key, '2026-05-01T00:00:00Z')).rejects.toMatchObject({ code: 'PLAN_MISSING' })
    expect((await defaultPlans(fresh.database)).map(({ plan }) => plan)).toEqual([null, 'd1', 'd2', null])
    await subscribe(
      fresh.database,
      { account: key, plan: 'd2' as PlanKey, from: at('2026-03-01T00:00:00Z'), to: null },
      decided,
    )
    expect(await chosen(key, '2026-05-01T00:00:00Z')).toBe('subscribed d2 1')
  })

  test('a subscription to a plan that is not in effect is refused, and does not fall back to the default', async () => {
    const key = await account('early')
    await publish({ key: 'late', from: '2026-04-01T00:00:00Z' })
    await subscribe(
      fresh.database,
      {
        account: key,
        plan: 'late' as PlanKey,
        from: at('2026-02-01T00:00:00Z'),
        to: null,
      },
      decided,
    )
    await expect(chosen(key, '2026-03-01T00:00:00Z')).rejects.toMatchObject({ code: 'PLAN_MISSING' })
    expect(await chosen(key, '2026-04-01T00:00:00Z')).toBe('subscribed late 1')
  })

  test('a default plan in another currency does not price an account', async () => {
    await expect(chosen(await account('euros', 'EUR'), '2026-02-01T00:00:00Z')).rejects.toThrow(
      'pays in EUR and plan d1 is in USD',
    )
  })
})

describe('subscriptions', () => {
  test('do not overlap; the end of one is the start of the next', async () => {
    const key = await account('moves')
    await publish({ key: 's1' })
    await publish({ key: 's2' })
    const from = at('2026-01-01T00:00:00Z')
    const change = at('2026-05-01T00:00:00Z')
    await subscribe(fresh.database, { account: key, plan: 's1' as PlanKey, from, to: null }, decided)
    const second = { account: key, plan: 's2' as PlanKey, from: change, to: null }
    await expect(subscribe(fresh.database, second, decided)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    expect(await endSubscription(fresh.database, { account: key, at: change }, decided)).toMatchObject({
      plan: 's1',
      to: change,
    })
    await subscribe(fresh.database, second, decided)
    expect(await chosen(key, '2026-04-30T23:59:59.999999Z')).toBe('subscribed s1 1')
    expect(await chosen(key, '2026-05-01T00:00:00Z')).toBe('subscribed s2 1')
    expect((await subscriptionsOf(fresh.database, key)).map(({ plan }) => plan)).toEqual(['s1', 's2'])
  })

  test('name an account and a plan that exist, in one currency', async () => {
    const from = at('2026-01-01T00:00:00Z')
    const yen = await account('yen', 'JPY')
    await publish({ key: 'dollars' })
    const wrong = { account: yen, plan: 'dollars' as PlanKey, from, to: null }
    await expect(subscribe(fresh.database, wrong, decided)).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
    await expect(subscribe(fresh.database, { ...wrong, plan: 'none' as PlanKey }, decided)).rejects.toMatchObject({
      code: 'PLAN_NOT_FOUND',
    })
    await expect(subscribe(fresh.database, { ...wrong, account: 'none' as AccountKey }, decided)).rejects.toMatchObject(
      {
        code: 'ACCOUNT_NOT_FOUND',
      },
    )
  })
})
