import { describe, expect, test } from 'vitest'
import type { Minor } from '../../core/money.ts'
import { formatInstant, parseInstant } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import type { GrantSchedule } from './grant.ts'
import { balanceAt, burnableAt, dueEntries, missingEntries } from './ledger.ts'
import type { Movement } from './ledger.ts'
import { instancesOf } from './schedule.ts'

function at(text: string): Micros {
  const parsed = parseInstant(text.length === 10 ? `${text}T00:00:00Z` : text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

const minor = (amount: number): Minor => BigInt(amount) as Minor

const monthly = { every: { unit: 'months', count: 1 }, anchor: at('2026-01-01'), amount: minor(20) } as const

function schedule(more: Partial<GrantSchedule> = {}): GrantSchedule {
  return {
    amount: minor(20),
    effectiveFrom: at('2026-01-01'),
    expiresAt: null,
    recurrence: null,
    rollover: null,
    zone: 'UTC',
    voidedAt: null,
    ...more,
  }
}

const moved = (...moves: readonly (readonly [string, number])[]): readonly Movement[] =>
  moves.map(([when, amount]) => ({ at: at(when), amount: BigInt(amount) }))

/** `turn kind date amount` of each entry. */
function due(given: GrantSchedule, movements: readonly Movement[], until: string): readonly string[] {
  return dueEntries(given, movements, at(until)).map(
    ({ turn, kind, at: when, amount }) => `${turn} ${kind} ${formatInstant(when).slice(0, 10)} ${amount}`,
  )
}

function starts(given: GrantSchedule, until: string): readonly string[] {
  return [...instancesOf(given, at(until))].map(({ from }) => formatInstant(from))
}

describe('the turns of a grant', () => {
  test('on the 31st, on the last day of shorter months, on the 31st again', () => {
    const anchor = at('2026-01-31')
    const given = schedule({ effectiveFrom: anchor, recurrence: { ...monthly, anchor } })
    expect(starts(given, '2026-05-30').map((start) => start.slice(0, 10))).toEqual([
      '2026-01-31',
      '2026-02-28',
      '2026-03-31',
      '2026-04-30',
    ])
  })

  test('a cycle that is anchored later recurs from the grant on; a 29th of February comes every four years', () => {
    const weekly = { ...monthly, every: { unit: 'weeks', count: 1 }, anchor: at('2024-01-04') } as const
    const begins = { effectiveFrom: at('2024-01-02') }
    expect(starts(schedule({ ...begins, recurrence: weekly }), '2024-01-18').map((one) => one.slice(5, 10))).toEqual([
      '01-02',
      '01-04',
      '01-11',
      '01-18',
    ])
    const leap = { ...monthly, every: { unit: 'years', count: 1 }, anchor: at('2024-02-29') } as const
    expect(
      starts(schedule({ effectiveFrom: leap.anchor, recurrence: leap }), '2028-03-01').map((one) => one.slice(0, 10)),
    ).toEqual(['2024-02-29', '2025-02-28', '2026-02-28', '2027-02-28', '2028-02-29'])
  })

  test('midnights of the zone on days of 23 and 25 hours, and a day that a zone skips', () => {
    const daily = { ...monthly, every: { unit: 'days', count: 1 } } as const
    const berlin = { zone: 'Europe/Berlin', effectiveFrom: at('2026-03-27T23:00:00Z') }
    const spring = schedule({ ...berlin, recurrence: { ...daily, anchor: berlin.effectiveFrom } })
    expect(starts(spring, '2026-03-30T22:00:00Z')).toEqual([
      '2026-03-27T23:00:00Z',
      '2026-03-28T23:00:00Z',
      '2026-03-29T22:00:00Z',
      '2026-03-30T22:00:00Z',
    ])
    // Apia had no 30th of December 2011: one turn fewer, and none without length.
    const apia = { zone: 'Pacific/Apia', effectiveFrom: at('2011-12-29T10:00:00Z') }
    const skipped = schedule({ ...apia, recurrence: { ...daily, anchor: apia.effectiveFrom } })
    expect(starts(skipped, '2011-12-31T10:00:00Z')).toEqual([
      '2011-12-29T10:00:00Z',
      '2011-12-30T10:00:00Z',
      '2011-12-31T10:00:00Z',
    ])
  })
})

describe('what follows from a grant', () => {
  test('nothing before it is in effect; all of the rest expires at the very instant', () => {
    const once = schedule({ expiresAt: at('2026-02-01') })
    expect(due(once, [], '2025-12-31T23:59:59.999999Z')).toEqual([])
    expect(due(once, moved(['2026-01-10', -5]), '2026-01-31T23:59:59.999999Z')).toEqual(['0 granted 2026-01-01 20'])
    expect(due(once, moved(['2026-01-10', -5]), '2026-02-01')).toEqual([
      '0 granted 2026-01-01 20',
      '0 expired 2026-02-01 -15',
    ])
    expect(balanceAt(once, moved(['2026-01-10', -5]), at('2026-01-31T23:59:59.999999Z'))).toBe(15n)
    expect(balanceAt(once, moved(['2026-01-10', -5]), at('2026-02-01'))).toBe(0n)
  })

  test('a rollover keeps what lies between its bounds', () => {
    const rolling = schedule({ recurrence: monthly, rollover: { min: minor(3), max: minor(8) } })
    // January leaves 20, of which 8 go on; February 8 + 20 − 28 = 0, filled up to 3.
    expect(due(rolling, moved(['2026-02-10', -28]), '2026-03-01')).toEqual([
      '0 granted 2026-01-01 20',
      '0 expired 2026-02-01 -12',
      '0 rolled_over 2026-02-01 -8',
      '1 rolled_over 2026-02-01 8',
      '1 granted 2026-02-01 20',
      '2 filled_up 2026-03-01 3',
      '2 granted 2026-03-01 20',
    ])
    expect(balanceAt(rolling, moved(['2026-02-10', -28]), at('2026-03-01'))).toBe(23n)
  })

  test('voided: the rest goes, no more turns come, and what was burned at that instant stays burned', () => {
    const ended = schedule({ recurrence: monthly, voidedAt: at('2026-02-10') })
    expect(due(ended, moved(['2026-02-10', -5]), '2026-06-01')).toEqual([
      '0 granted 2026-01-01 20',
      '0 expired 2026-02-01 -20',
      '1 granted 2026-02-01 20',
      '1 voided 2026-02-10 -15',
    ])
    expect(due(schedule({ voidedAt: at('2025-12-01') }), [], '2026-06-01')).toEqual([])
    const atTheTurn = schedule({ recurrence: monthly, voidedAt: at('2026-02-01') })
    expect(due(atTheTurn, [], '2026-06-01').slice(1)).toEqual([
      '0 expired 2026-02-01 -20',
      '1 granted 2026-02-01 20',
      '1 voided 2026-02-01 -20',
    ])
  })

  test('a burn that is dated before what is written down changes what follows from it, and nothing else', () => {
    const rolling = schedule({ recurrence: monthly, rollover: { min: minor(0), max: minor(8) } })
    const before = dueEntries(rolling, [], at('2026-02-15'))
    // Of 20 in January 12 expired and 8 went on; after a burn of 15 nothing expires and 5 go on.
    const after = dueEntries(rolling, moved(['2026-01-31', -15]), at('2026-02-15'))
    expect(missingEntries(after, before).map(({ turn, kind, amount }) => [turn, kind, amount])).toEqual([
      [0, 'rolled_over', 3n],
      [1, 'rolled_over', -3n],
      [0, 'expired', 12n],
    ])
    expect(missingEntries(before, before)).toEqual([])
  })
})

describe('what may burn', () => {
  test('at an instant: what is there, and what later burns can spare', () => {
    const once = schedule({ expiresAt: at('2026-03-01') })
    expect(burnableAt(once, [], at('2025-12-31'))).toBe(0n)
    expect(burnableAt(once, [], at('2026-03-01'))).toBe(0n)
    expect(burnableAt(once, moved(['2026-02-10', -5], ['2026-02-20', -7]), at('2026-01-10'))).toBe(8n)
    expect(burnableAt(once, moved(['2026-02-10', -5], ['2026-02-20', -7]), at('2026-02-15'))).toBe(8n)
    expect(burnableAt(schedule({ voidedAt: at('2026-05-01') }), [], at('2026-02-01'))).toBe(0n)
  })

  test('in a turn that is over, what expired with it is there to burn', () => {
    const plain = schedule({ recurrence: monthly })
    expect(burnableAt(plain, moved(['2026-02-10', -20]), at('2026-01-31T23:59:59.999999Z'))).toBe(20n)
    expect(burnableAt(plain, moved(['2026-02-10', -20]), at('2026-02-01'))).toBe(0n)
  })

  test('what was rolled over and is burned by now is there no more', () => {
    const rolling = schedule({ recurrence: monthly, rollover: { min: minor(0), max: minor(8) } })
    // February begins with 28 and burns 25: of January's 20 the 12 that expired and the 3 that are left may burn.
    expect(burnableAt(rolling, moved(['2026-02-10', -25]), at('2026-01-31'))).toBe(15n)
    // Filled up to 3 whatever is burned: of the 8 that went on, 5 at most are missed.
    const filled = { ...rolling, rollover: { min: minor(3), max: minor(8) } }
    expect(burnableAt(filled, moved(['2026-02-10', -23]), at('2026-01-31'))).toBe(20n)
    expect(burnableAt(filled, moved(['2026-02-10', -24]), at('2026-01-31'))).toBe(16n)
  })
})
