import { describe, expect, test } from 'vitest'
import type { AccountKey } from '../../core/ids.ts'
import { parseInstant } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import type { GrantId } from './grant.ts'
import { parseGrant } from './parse-grant.ts'

function at(text: string): Micros {
  const parsed = parseInstant(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

const now = at('2026-11-22T12:00:00Z')
const context = {
  account: { key: 'acme' as AccountKey, currency: 'USD', timeZone: 'Europe/Berlin' },
  id: 'crd_1' as GrantId,
  now,
} as const
const least = { account: 'acme', kind: 'promotional', name: 'Welcome', amount: '20', author: 'Ann' }

function problemsOf(input: unknown, given: Parameters<typeof parseGrant>[1] = context): readonly string[] {
  const parsed = parseGrant(input, given)
  return parsed.ok ? [] : parsed.error.map(({ field, message }) => `${field}: ${message}`)
}

describe('a grant as a person wrote it', () => {
  test('what is left out', () => {
    const parsed = parseGrant(least, context)
    expect(parsed.ok && parsed.value).toMatchObject({
      amount: 2_000n,
      priority: 100,
      scope: 'all',
      effectiveFrom: now,
      expiresAt: null,
      recurrence: null,
      rollover: null,
      paid: null,
      zone: 'Europe/Berlin',
    })
  })

  test('a recurrence gives the amount from the beginning on, a rollover everything', () => {
    const parsed = parseGrant({ ...least, recurrence: { every: { unit: 'months' } }, rollover: {} }, context)
    expect(parsed.ok && parsed.value).toMatchObject({
      recurrence: { every: { unit: 'months', count: 1 }, anchor: now, amount: 2_000n },
      rollover: { min: 0n, max: null },
    })
  })

  test('every problem at once', () => {
    const problems = problemsOf({
      kind: 'gift',
      name: '',
      currency: 'EUR',
      amount: 20,
      paid_amount: '-1',
      priority: 1.5,
      scope: { meters: [] },
      effective_from: 'now',
      recurrence: { every: { unit: 'days', count: 0 }, amount: '0' },
      rollover: { min: '5', max: '4.999' },
      expiry: 'never',
    })
    expect(problems.map((problem) => problem.split(':')[0] ?? '').toSorted()).toEqual([
      'amount',
      'author',
      'currency',
      'effective_from',
      'expiry',
      'kind',
      'name',
      'paid_amount',
      'paid_amount',
      'priority',
      'recurrence.amount',
      'recurrence.every.count',
      'rollover.max',
      'rollover.max',
      'scope.meters',
    ])
  })

  test('amounts have the digits of the currency', () => {
    const yen = { ...context, account: { ...context.account, currency: 'JPY' } } as const
    expect(problemsOf({ ...least, amount: '0.5' }, yen)).toEqual(['amount: has at most 0 decimals'])
    expect(problemsOf({ ...least, amount: '0.005' })).toEqual(['amount: has at most 2 decimals'])
    expect(problemsOf({ ...least, amount: '0' })).toEqual(['amount: is above zero'])
    expect(problemsOf({ ...least, amount: '1000000000000000' })).toEqual([
      'amount: has at most 15 digits before the point',
    ])
  })

  test('what does not go together', () => {
    const daily = { every: { unit: 'days', count: 1 } }
    expect(problemsOf({ ...least, rollover: { max: '1' } })[0]).toContain('rollover: needs a recurrence')
    expect(problemsOf({ ...least, paid_amount: '1' })[0]).toContain('paid_amount: is of prepaid')
    expect(problemsOf({ ...least, expires_at: '2026-11-22T12:00:00Z' })).toEqual([
      'expires_at: is later than effective_from',
    ])
    expect(problemsOf({ ...least, recurrence: daily, effective_from: '2010-01-01T00:00:00Z' })[0]).toContain(
      'at most 4000',
    )
    expect(problemsOf({ ...least, recurrence: daily, expires_at: '2040-01-01T00:00:00Z' })[0]).toContain('at most 4000')
    expect(problemsOf({ ...least, recurrence: daily, expires_at: '2030-01-01T00:00:00Z' })).toEqual([])
    expect(problemsOf('20')).toHaveLength(1)
  })
})
