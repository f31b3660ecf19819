import { describe, expect, test } from 'vitest'
import { casesOf, isOracleThere, moment } from '../../../test/support/oracle-cases.ts'
import type { Json } from '../../../test/support/oracle-cases.ts'
import type { Cycle } from '../../core/cycle.ts'
import type { Minor } from '../../core/money.ts'
import { zonedOf } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import { burnDown } from './burn-down.ts'
import type { BurnDown, BurnDownGrant, BurnDownInput } from './burn-down.ts'
import type { GrantId } from './grant.ts'

const units: Readonly<Record<string, Cycle['unit']>> = { d: 'days', mo: 'months', y: 'years' }

function lengthOf(text: unknown): { readonly unit: Cycle['unit']; readonly count: number } {
  const [, count, unit = ''] = /^(\d+)(d|mo|y)$/.exec(String(text)) ?? []
  const found = units[unit]
  if (found === undefined) throw new Error(`no length: ${String(text)}`)
  return { unit: found, count: Number(count) }
}

const minor = (text: unknown): Minor => BigInt(String(text)) as Minor

function after(at: Micros, text: unknown): Micros {
  const { unit, count } = lengthOf(text)
  return Number(zonedOf(at, 'UTC').add({ [unit]: count }).epochNanoseconds / 1000n) as Micros
}

/** Their grants in our words: what they call an amount is one of our minor units. */
function grantOf(given: Json): BurnDownGrant {
  const { id, amount, priority, effective_at, expires_after, voided_at, recurrence, reset_max_rollover: max } = given
  const effectiveFrom = moment(effective_at)
  const renewed = { amount: minor(amount), anchor: moment(recurrence?.anchor ?? effective_at) }
  return {
    id: id as GrantId,
    amount: minor(amount),
    priority,
    effectiveFrom,
    expiresAt: after(effectiveFrom, expires_after),
    recurrence: recurrence === undefined ? null : { ...renewed, every: lengthOf(recurrence.interval) },
    rollover: max === undefined ? null : { min: 0n as Minor, max: minor(max) },
    zone: 'UTC',
    voidedAt: voided_at === undefined ? null : moment(voided_at),
    createdAt: 0 as Micros,
  }
}

const others = '99,999 others'

/** One of their cases stands for 100,000 grants. */
function grantsOf(given: readonly Json[]): readonly BurnDownGrant[] {
  return given.flatMap((one) => {
    const grant = grantOf(one)
    if (one['id'] !== others) return [grant]
    return Array.from({ length: 99_999 }, (_, index) => ({ ...grant, id: `other ${index}` as GrantId }))
  })
}

function run({ grants, balances_at_start, usage = [], from, until, resets = [], preserve_overage }: Json): BurnDown {
  const all = grantsOf(grants).toReversed()
  const given = all.map(({ id }) => [id, minor(balances_at_start[id] ?? balances_at_start['every grant'])] as const)
  return burnDown({
    grants: all,
    balances: new Map(given),
    usage: usage.map(({ at, quantity }: Json) => ({ at: moment(at), amount: minor(quantity) })),
    from: moment(from),
    until: moment(until),
    resets: resets.map((at: string) => moment(at)),
    keepsOverage: preserve_overage === true,
  })
}

const text = (amounts: ReadonlyMap<GrantId, Minor>): object =>
  Object.fromEntries([...amounts].map(([id, amount]) => [id, String(amount)]))

describe.skipIf(!isOracleThere)('burn-downs of another billing system', () => {
  const cases = isOracleThere
    ? casesOf('openmeter_credits_and_usage').filter(({ kind }) => kind === 'grant_burn_down')
    : []

  test('there are some', () => {
    expect(cases).toHaveLength(18)
  })

  test.each(cases)('$id $test', ({ input, expected }) => {
    if (expected['error'] !== undefined) {
      expect(() => run(input)).toThrow('resets are after the beginning')
      return
    }
    const { balances, overage, segments, usageSinceReset } = run(input)
    const { 'every other': other, ...named } = expected['balances'] ?? {}
    expect(text(balances)).toMatchObject(named)
    if (other !== undefined) {
      expect(balances.size).toBe(100_000)
      const rest = [...balances].flatMap(([id, balance]) => (named[id] === undefined ? [String(balance)] : []))
      expect([...new Set(rest)]).toEqual([other])
    }
    if (expected['overage'] !== undefined) expect(String(overage)).toBe(expected['overage'])
    if (expected['segments'] !== undefined) expect(segments).toHaveLength(expected['segments'])
    if (expected['usage_since_reset'] !== undefined) expect(String(usageSinceReset)).toBe(expected['usage_since_reset'])
    if (expected['segment_start_balance_g1'] !== undefined)
      expect(segments.map(({ opening }) => String(opening.get('g1' as GrantId)))).toEqual(
        expected['segment_start_balance_g1'],
      )
  })
})

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
    expect(text(burnDown({ ...input, keepsOverage: true }).balances)).toEqual({ g: '10' })
  })
})
