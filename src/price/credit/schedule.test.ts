import { describe, expect, test } from 'vitest'
import type { Minor } from '../../core/money.ts'
import { formatInstant, parseInstant } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import type { GrantSchedule, Recurrence } from './grant.ts'
import { expiryOf, instancesOf, rolledOver, turnAt } from './schedule.ts'

function at(text: string): Micros {
  const parsed = parseInstant(text.includes('T') ? text : `${text}T00:00:00Z`)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

const minor = (amount: number): Minor => BigInt(amount) as Minor
const justBefore = (instant: Micros): Micros => (instant - 1) as Micros
const shown = (instant: Micros | null): string =>
  instant === null ? 'never' : formatInstant(instant).replace('T00:00:00Z', '')

function schedule(more: Partial<GrantSchedule> = {}): GrantSchedule {
  return {
    amount: minor(100),
    effectiveFrom: at('2026-01-31'),
    expiresAt: null,
    recurrence: null,
    rollover: null,
    zone: 'UTC',
    voidedAt: null,
    ...more,
  }
}

function recurring(unit: Recurrence['every']['unit'], anchor: string, count = 1): Recurrence {
  return { every: { unit, count }, anchor: at(anchor), amount: minor(60) }
}

/** `turn from to amount`, and whether another turn follows. */
function turns(given: GrantSchedule, until: string): readonly string[] {
  return [...instancesOf(given, at(until))].map(({ turn, from, to, amount, recurs }) =>
    [turn, shown(from), shown(to), amount, recurs ? 'recurs' : 'ends'].join(' '),
  )
}

describe('the turns of a grant', () => {
  test('one without a recurrence has one, and none before it begins', () => {
    expect(turns(schedule(), '2026-01-30T23:59:59.999999Z')).toEqual([])
    expect(turns(schedule(), '2030-01-01')).toEqual(['0 2026-01-31 never 100 ends'])
    expect(turns(schedule({ expiresAt: at('2026-03-01') }), '2030-01-01')).toEqual(['0 2026-01-31 2026-03-01 100 ends'])
  })

  test('the 31st is cut to the last day of shorter months and returns; each turn ends where the next begins', () => {
    expect(turns(schedule({ recurrence: recurring('months', '2026-01-31') }), '2026-04-30')).toEqual([
      '0 2026-01-31 2026-02-28 100 recurs',
      '1 2026-02-28 2026-03-31 60 recurs',
      '2 2026-03-31 2026-04-30 60 recurs',
      '3 2026-04-30 2026-05-31 60 recurs',
    ])
  })

  test('the expiry ends the last turn, and at a recurrence no turn begins any more', () => {
    const recurrence = recurring('months', '2026-01-31')
    expect(turns(schedule({ recurrence, expiresAt: at('2026-03-10') }), '2027-01-01')).toEqual([
      '0 2026-01-31 2026-02-28 100 recurs',
      '1 2026-02-28 2026-03-10 60 ends',
    ])
    expect(turns(schedule({ recurrence, expiresAt: at('2026-02-28') }), '2027-01-01')).toEqual([
      '0 2026-01-31 2026-02-28 100 ends',
    ])
  })

  test('the first turn of a cycle that is anchored elsewhere is shorter, never longer', () => {
    const begins = { effectiveFrom: at('2026-01-31') }
    for (const anchor of ['2025-12-05', '2026-02-05', '2026-07-05'])
      expect(turns(schedule({ ...begins, recurrence: recurring('months', anchor) }), '2026-02-05')).toEqual([
        '0 2026-01-31 2026-02-05 100 recurs',
        '1 2026-02-05 2026-03-05 60 recurs',
      ])
  })

  test('a voided grant begins no turn after that instant', () => {
    const given = schedule({ recurrence: recurring('weeks', '2026-01-31', 2), voidedAt: at('2026-02-14') })
    expect(turns(given, '2027-01-01')).toEqual([
      '0 2026-01-31 2026-02-14 100 recurs',
      '1 2026-02-14 2026-02-28 60 recurs',
    ])
    expect(turns({ ...given, voidedAt: justBefore(at('2026-02-14')) }, '2027-01-01')).toHaveLength(1)
    expect(turns({ ...given, voidedAt: at('2026-01-30') }, '2027-01-01')).toEqual([])
  })

  test('an hour that the zone skips or repeats moves no other turn', () => {
    // Berlin: 02:30 does not exist on 29 March (03:30 it is), and comes twice on 25 October (the first of them counts).
    const daily = (from: string): GrantSchedule =>
      schedule({ zone: 'Europe/Berlin', effectiveFrom: at(from), recurrence: recurring('days', from) })
    const starts = (from: string, until: string): readonly string[] =>
      [...instancesOf(daily(from), at(until))].map((one) => formatInstant(one.from))
    expect(starts('2026-03-28T01:30:00Z', '2026-03-30T12:00:00Z')).toEqual([
      '2026-03-28T01:30:00Z',
      '2026-03-29T01:30:00Z',
      '2026-03-30T00:30:00Z',
    ])
    expect(starts('2026-10-24T00:30:00Z', '2026-10-26T12:00:00Z')).toEqual([
      '2026-10-24T00:30:00Z',
      '2026-10-25T00:30:00Z',
      '2026-10-26T01:30:00Z',
    ])
  })

  test('a day that the zone skips is no turn', () => {
    // Apia had no 30 December 2011. Its midnights are 10:00 UTC, before and after.
    const from = '2011-12-29T10:00:00Z'
    const apia = schedule({ zone: 'Pacific/Apia', effectiveFrom: at(from), recurrence: recurring('days', from) })
    expect(turns(apia, '2011-12-31T10:00:00Z')).toEqual([
      '0 2011-12-29T10:00:00Z 2011-12-30T10:00:00Z 100 recurs',
      '1 2011-12-30T10:00:00Z 2011-12-31T10:00:00Z 60 recurs',
      '2 2011-12-31T10:00:00Z 2012-01-01T10:00:00Z 60 recurs',
    ])
  })
})

describe('the turn at an instant', () => {
  const given = schedule({ recurrence: recurring('months', '2026-01-31'), expiresAt: at('2026-03-10') })
  const turnOf = (one: GrantSchedule, instant: Micros): number | null => turnAt(one, instant)?.turn ?? null

  test('begins at its first instant and ends before the next one; at the expiry there is none', () => {
    expect(turnOf(given, justBefore(at('2026-01-31')))).toBe(null)
    expect(turnOf(given, at('2026-01-31'))).toBe(0)
    expect(turnOf(given, justBefore(at('2026-02-28')))).toBe(0)
    expect(turnOf(given, at('2026-02-28'))).toBe(1)
    expect(turnOf(given, justBefore(at('2026-03-10')))).toBe(1)
    expect(turnOf(given, at('2026-03-10'))).toBe(null)
  })

  test('is there at the very instant of a void, for what was paid then, and is not after it', () => {
    const voided = { ...given, voidedAt: at('2026-02-10') }
    expect(turnOf(voided, at('2026-02-10'))).toBe(0)
    expect(turnOf(voided, (at('2026-02-10') + 1) as Micros)).toBe(null)
  })
})

describe('what goes on at a recurrence', () => {
  const rolls = (min: number, max: number | null, rest: number): readonly bigint[] => {
    const rollover = { min: minor(min), max: max === null ? null : minor(max) }
    const { kept, added } = rolledOver(minor(rest), schedule({ rollover }))
    return [kept, added]
  }

  test('min(max, max(rest, min)): what is kept of the rest, and what it is filled up with', () => {
    expect(rolledOver(70n, schedule())).toEqual({ kept: 0n, added: 0n })
    expect(rolls(0, 50, 70)).toEqual([50n, 0n])
    expect(rolls(0, 50, 50)).toEqual([50n, 0n])
    expect(rolls(0, 50, 20)).toEqual([20n, 0n])
    expect(rolls(30, 50, 20)).toEqual([20n, 10n])
    expect(rolls(30, 50, 0)).toEqual([0n, 30n])
    expect(rolls(50, 50, 90)).toEqual([50n, 0n])
    expect(rolls(0, 0, 90)).toEqual([0n, 0n])
    expect(rolls(5, null, 90)).toEqual([90n, 0n])
    expect(rolls(5, null, 1)).toEqual([1n, 4n])
  })

  test('credit expires with its turn, unless all of it goes on: then with the grant', () => {
    const expiresAt = at('2026-12-01')
    const given = schedule({ recurrence: recurring('months', '2026-01-31'), expiresAt })
    const expiry = (rollover: GrantSchedule['rollover']): string => {
      const terms = { ...given, rollover }
      const turn = turnAt(terms, at('2026-02-01'))
      return turn === null ? 'no turn' : shown(expiryOf(turn, terms))
    }
    expect(expiry(null)).toBe('2026-02-28')
    expect(expiry({ min: minor(0), max: minor(99) })).toBe('2026-02-28')
    expect(expiry({ min: minor(0), max: null })).toBe('2026-12-01')
  })
})
