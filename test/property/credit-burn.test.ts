import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { MeterKey } from '../../src/core/ids.ts'
import type { Minor } from '../../src/core/money.ts'
import type { Micros } from '../../src/core/time.ts'
import { burnCredits } from '../../src/price/credit/burn.ts'
import type { AvailableCredit, GrantId, Payable } from '../../src/price/credit/grant.ts'

const never = Number.POSITIVE_INFINITY
const minor = (units: number): Minor => BigInt(units) as Minor

describe('what credits pay of lines', () => {
  const meters = ['out', 'requests', null] as const
  const scopes = fc.constantFrom<AvailableCredit['scope']>(
    'all',
    { meters: ['out' as MeterKey] },
    { meters: ['out' as MeterKey, 'requests' as MeterKey] },
  )
  const now = 5
  const credits = fc
    .array(
      fc.record({
        priority: fc.nat(2),
        scope: scopes,
        effectiveFrom: fc.nat(6),
        lasts: fc.option(fc.integer({ min: 1, max: 6 })),
        createdAt: fc.nat(1),
        balance: fc.nat(12),
      }),
      { maxLength: 5 },
    )
    .map((all) =>
      all.map(({ effectiveFrom, lasts, createdAt, balance, ...one }, index): AvailableCredit => ({
        ...one,
        id: `grant ${index}` as GrantId,
        kind: 'promotional',
        name: 'credit',
        currency: 'USD',
        effectiveFrom: effectiveFrom as Micros,
        expiresAt: lasts === null ? null : ((effectiveFrom + lasts) as Micros),
        createdAt: createdAt as Micros,
        balance: minor(balance),
      })),
    )
  const lines = fc
    .array(fc.record({ meter: fc.constantFrom(...meters), amount: fc.nat(12) }), { maxLength: 5 })
    .map((all) => all.map(({ meter, amount }) => ({ meter: meter as MeterKey | null, amount: minor(amount) })))

  const rank = ({ priority, expiresAt, createdAt, id }: AvailableCredit): readonly (number | string)[] => [
    priority,
    expiresAt ?? never,
    createdAt,
    id,
  ]
  const isFirst = (one: AvailableCredit, other: AvailableCredit): boolean => {
    const [a, b] = [rank(one), rank(other)]
    const index = a.findIndex((part, place) => part !== b[place])
    return (a[index] ?? 0) < (b[index] ?? 0)
  }

  /** Unit by unit: the first credit that still can pays one of the first line that it may pay. */
  function slowly(given: readonly AvailableCredit[], payables: readonly Payable[]): Readonly<Record<string, number>> {
    const owed = payables.map(({ amount }) => Number(amount))
    const left = new Map(given.map(({ id, balance }) => [id, Number(balance)]))
    const paid: Record<string, number> = {}
    const mayPay = ({ scope }: AvailableCredit, line: number): boolean => {
      const meter = payables[line]?.meter ?? null
      return (owed[line] ?? 0) > 0 && (scope === 'all' || scope.meters.some((one) => one === meter))
    }
    const canPay = (one: AvailableCredit): boolean => {
      const isOver = one.expiresAt !== null && one.expiresAt <= now
      if (one.effectiveFrom > now || isOver || left.get(one.id) === 0) return false
      return owed.some((_, line) => mayPay(one, line))
    }
    for (;;) {
      let payer: AvailableCredit | null = null
      for (const one of given.filter(canPay)) if (payer === null || isFirst(one, payer)) payer = one
      if (payer === null) return paid
      const { id } = payer
      const line = owed.findIndex((_, index) => payer !== null && mayPay(payer, index))
      owed[line] = (owed[line] ?? 0) - 1
      left.set(id, (left.get(id) ?? 0) - 1)
      paid[`${id}, line ${line}`] = (paid[`${id}, line ${line}`] ?? 0) + 1
    }
  }

  test('as unit by unit', () => {
    fc.assert(
      fc.property(credits, lines, (given, payables) => {
        const burns = burnCredits({ credits: given, lines: payables, at: now as Micros })
        const actual = burns.map(({ grant, line, amount }) => [`${grant}, line ${line}`, Number(amount)])
        expect(new Set(actual.map(([key]) => key)).size).toBe(actual.length)
        expect(Object.fromEntries(actual)).toEqual(slowly(given, payables))
      }),
      { numRuns: 1_000 },
    )
  })

  test('a line in two halves takes the same of each credit', () => {
    fc.assert(
      fc.property(credits, lines, (given, payables) => {
        const halves = payables.flatMap(({ meter, amount }) =>
          [amount / 2n, amount - amount / 2n].map((half) => ({ meter, amount: half as Minor })),
        )
        const taken = (all: typeof payables): object => {
          const sums: Record<string, bigint> = {}
          for (const { grant, amount } of burnCredits({ credits: given, lines: all, at: now as Micros }))
            sums[grant] = (sums[grant] ?? 0n) + amount
          return sums
        }
        expect(taken(halves)).toEqual(taken(payables))
      }),
      { numRuns: 300 },
    )
  })
})
