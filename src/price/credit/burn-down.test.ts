import { describe, expect, test } from 'vitest'
import { moment } from '../../../test/support/oracle-cases.ts'
import type { Minor } from '../../core/money.ts'
import { zonedOf } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import { burnDown } from './burn-down.ts'
import type { BurnDownGrant, BurnDownInput } from './burn-down.ts'
import type { GrantId } from './grant.ts'

const minor = (text: unknown): Minor => BigInt(String(text)) as Minor

const text = (amounts: ReadonlyMap<GrantId, Minor>): object =>
  Object.fromEntries([...amounts].map(([id, amount]) => [id, String(amount)]))

describe('burn-down', () => {
  const grant = (more: Partial<BurnDownGrant>): BurnDownGrant => ({
    id: 'g' as GrantId,
    amount: minor(100),
    priority: 1,
    effectiveFrom: moment('2026-01-31'),
    expiresAt: null,
    recurrence: null,
    rollover: null,
    zone: 'UTC',
    voidedAt: null,
    createdAt: 0 as Micros,
    ...more,
  })
  const shown = (input: Omit<BurnDownInput, 'from' | 'until'>) => {
    const { segments, overage } = burnDown({ ...input, from: moment('2026-01-01'), until: moment('2026-05-01') })
    return {
      overage,
      segments: segments.map(({ from, opening, burned, overage: open }) =>
        [zonedOf(from, 'UTC').toPlainDate().toString(), ...opening.values(), '-', ...burned.values(), open].join(' '),
      ),
    }
  }
  const used = (at: string, amount: number) => ({ at: moment(at), amount: minor(amount) })
  const monthly = {
    every: { unit: 'months', count: 1 },
    anchor: moment('2026-01-31'),
    amount: minor(60),
  } as const

  test('a rollover keeps what lies between its bounds, and the amount comes on top; the 31st returns', () => {
    const rolling = grant({ recurrence: monthly, rollover: { min: minor(10), max: minor(40) } })
    const usage = [used('2026-03-01', 55), used('2026-04-01', 200), used('2026-04-30', 1)]
    // 100, of which 40 go on: 40 + 60 − 55 = 45; 40 go on: 100, and 200 are due: 100 are left open; 10 + 60 pay 70 of 101.
    expect(shown({ grants: [rolling], usage })).toEqual({
      overage: 31n,
      segments: [
        '2026-01-01 - 0',
        '2026-01-31 100 - 0',
        '2026-02-28 100 - 55 0',
        '2026-03-31 100 - 100 0',
        '2026-04-30 70 - 70 100',
      ],
    })
  })

  test('usage at the very instant of a recurrence is of the new turn, and at the expiry of none', () => {
    const expiring = grant({ recurrence: monthly, expiresAt: moment('2026-03-31') })
    const usage = [used('2026-02-28', 50), used('2026-03-31', 7)]
    expect(shown({ grants: [expiring], usage })).toEqual({
      overage: 7n,
      segments: ['2026-01-01 - 0', '2026-01-31 100 - 0', '2026-02-28 60 - 50 0', '2026-03-31 - 0'],
    })
  })

  test('of grants that recur, the one whose turn ends first burns first', () => {
    const weekly = { ...monthly, every: { unit: 'weeks', count: 1 } } as const
    const grants = [
      grant({ id: 'month' as GrantId, recurrence: monthly }),
      grant({ id: 'week' as GrantId, recurrence: weekly, createdAt: 5 as Micros }),
      // All of it goes on, so it never ends.
      grant({ id: 'all' as GrantId, recurrence: weekly, rollover: { min: minor(0), max: null } }),
    ]
    const { burned } = burnDown({
      grants,
      usage: [used('2026-01-31', 250)],
      from: moment('2026-01-31'),
      until: moment('2026-02-01'),
    })
    expect(text(burned)).toEqual({ week: '100', month: '100', all: '50' })
  })

  test('a reset may keep what nobody has paid', () => {
    const input = {
      grants: [grant({ recurrence: monthly })],
      usage: [used('2026-02-01', 150)],
      from: moment('2026-01-31'),
      until: moment('2026-02-28'),
      resets: [moment('2026-02-28')],
    }
    expect(burnDown(input)).toMatchObject({ overage: 0n, usageSinceReset: 0n })
    expect(text(burnDown(input).balances)).toEqual({ g: '60' })
    // 50 are open, and the recurrence at that instant pays them.
    const kept = burnDown({ ...input, keepsOverage: true })
    expect(text(kept.balances)).toEqual({ g: '10' })
    expect(text(kept.burned)).toEqual({ g: '150' })
  })

  test('goes on from what was left and open before', () => {
    const input = { grants: [grant({})], from: moment('2026-02-01'), until: moment('2026-02-02') }
    const given = { balances: new Map([['g' as GrantId, minor(30)]]), overage: minor(12) }
    const { balances, usageSinceReset } = burnDown({ ...input, ...given, usage: [used('2026-02-01', 5)] })
    expect(text(balances)).toEqual({ g: '13' })
    expect(usageSinceReset).toBe(5n)
  })

  test('voided at an instant it pays nothing then, and a void of what is over changes nothing', () => {
    const usage = [used('2026-02-09', 10), used('2026-02-10', 10)]
    expect(shown({ grants: [grant({ voidedAt: moment('2026-02-10') })], usage })).toEqual({
      overage: 10n,
      segments: ['2026-01-01 - 0', '2026-01-31 100 - 10 0', '2026-02-10 - 0'],
    })
    const over = grant({ expiresAt: moment('2026-02-10'), voidedAt: moment('2026-02-20') })
    expect(shown({ grants: [over], usage }).segments).toEqual([
      '2026-01-01 - 0',
      '2026-01-31 100 - 10 0',
      '2026-02-10 - 0',
    ])
    for (const voidedAt of ['2026-01-30', '2026-01-31'])
      expect(shown({ grants: [grant({ voidedAt: moment(voidedAt) })], usage })).toEqual({
        overage: 20n,
        segments: ['2026-01-01 - 0'],
      })
  })

  test('what is due below zero, and a grant that is there twice, are bugs', () => {
    expect(() => shown({ grants: [grant({})], usage: [used('2026-02-09', -1)] })).toThrow('below zero')
    expect(() => shown({ grants: [grant({}), grant({})], usage: [] })).toThrow('once')
  })
})
