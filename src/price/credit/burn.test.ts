import { describe, expect, test } from 'vitest'
import type { MeterKey } from '../../core/ids.ts'
import type { Minor } from '../../core/money.ts'
import type { Micros } from '../../core/time.ts'
import { burnCredits } from './burn.ts'
import type { AvailableCredit, GrantId, Payable } from './grant.ts'

const at = 1_000 as Micros

function credit(id: string, balance: bigint, more: Partial<AvailableCredit> = {}): AvailableCredit {
  return {
    id: id as GrantId,
    kind: 'promotional',
    name: id,
    currency: 'USD',
    priority: 10,
    scope: 'all',
    effectiveFrom: 0 as Micros,
    expiresAt: null,
    createdAt: 0 as Micros,
    balance: balance as Minor,
    ...more,
  }
}

const line = (amount: bigint, meter: string | null = null): Payable => ({
  meter: meter as MeterKey | null,
  amount: amount as Minor,
})

function burnt(credits: readonly AvailableCredit[], lines: readonly Payable[]): readonly string[] {
  return burnCredits({ credits, lines, at }).map((burn) => `${burn.grant} ${burn.line} ${burn.amount}`)
}

describe('what credits pay', () => {
  test('as much as a credit has, line by line, and the next credit goes on where it ended', () => {
    // 100 pay all of 30 and 70 of 90; 50 pay the last 20 and 25 of 25, and keep 5.
    expect(burnt([credit('a', 100n), credit('b', 50n)], [line(30n), line(90n), line(25n)])).toEqual([
      'a 0 30',
      'a 1 70',
      'b 1 20',
      'b 2 25',
    ])
  })

  test('priority, then earlier expiry, then earlier creation, then the id', () => {
    const credits = [
      credit('younger', 1n, { createdAt: 7 as Micros }),
      credit('z', 1n),
      credit('never', 1n, { priority: 2 }),
      credit('late', 1n, { priority: 2, expiresAt: 3_000 as Micros }),
      credit('a', 1n),
      credit('soon', 1n, { priority: 2, expiresAt: 2_000 as Micros, createdAt: 9 as Micros }),
      credit('first', 1n, { priority: -1, createdAt: 9 as Micros }),
    ]
    const expected = ['first', 'soon', 'late', 'never', 'a', 'z', 'younger']
    expect(burnt(credits, [line(9n)])).toEqual(expected.map((id) => `${id} 0 1`))
    expect(burnt(credits.toReversed(), [line(9n)])).toEqual(expected.map((id) => `${id} 0 1`))
  })

  test('from its first instant on, and at its expiry no more', () => {
    const credits = [
      credit('begins', 1n, { effectiveFrom: at }),
      credit('to come', 1n, { effectiveFrom: 1_001 as Micros }),
      credit('ends', 1n, { expiresAt: at }),
      credit('in its last instant', 1n, { expiresAt: 1_001 as Micros }),
    ]
    expect(burnt(credits, [line(9n)])).toEqual(['in its last instant 0 1', 'begins 0 1'])
  })

  test('a scope of meters pays their lines only, also before a credit for everything', () => {
    const lines = [line(40n, 'out'), line(10n), line(40n, 'requests')]
    const scoped = credit('scoped', 100n, { priority: 1, scope: { meters: ['requests' as MeterKey] } })
    expect(burnt([scoped, credit('any', 60n)], lines)).toEqual(['scoped 2 40', 'any 0 40', 'any 1 10'])
    expect(burnt([{ ...scoped, scope: { meters: [] } }], lines)).toEqual([])
  })

  test('nothing is paid of nothing, or by nothing', () => {
    expect(burnt([credit('empty', 0n), credit('full', 5n)], [line(0n), line(3n), line(0n)])).toEqual(['full 1 3'])
    expect(burnt([], [line(3n)])).toEqual([])
    expect(burnt([credit('a', 3n)], [])).toEqual([])
  })

  test('amounts beyond what a double holds', () => {
    const much = 10n ** 30n
    expect(burnt([credit('a', much + 1n)], [line(much), line(7n)])).toEqual([`a 0 ${much}`, 'a 1 1'])
  })

  test('a balance or a line below zero is a bug', () => {
    expect(() => burnt([credit('a', -1n)], [line(1n)])).toThrow('below zero')
    expect(() => burnt([credit('a', 1n)], [line(-1n)])).toThrow('below zero')
    expect(() => burnt([credit('a', 1n), credit('a', 1n)], [line(1n)])).toThrow('once')
  })
})
