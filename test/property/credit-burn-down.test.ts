import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Minor } from '../../src/core/money.ts'
import { hourMicros } from '../../src/core/time.ts'
import type { Micros } from '../../src/core/time.ts'
import { burnDown } from '../../src/price/credit/burn-down.ts'
import type { BurnDown, BurnDownGrant, BurnDownInput } from '../../src/price/credit/burn-down.ts'
import type { GrantId } from '../../src/price/credit/grant.ts'
import { balanceAt, dueEntries } from '../../src/price/credit/ledger.ts'

/*
 * Time is a row of ticks of twelve hours, two to a day in UTC, and credits are counted by the unit: the oracle below walks
 * tick by tick and burns unit by unit, and shares nothing with src/ but these words.
 */
const tick = 12 * hourMicros
const origin = Date.UTC(2026, 0, 1) * 1000
const instant = (ticks: number): Micros => (origin + ticks * tick) as Micros
const end = 24

interface Terms {
  readonly amount: number
  readonly priority: number
  readonly created: number
  readonly begins: number
  readonly expires: number
  readonly voided: number
  readonly recurs: { readonly days: number; readonly anchor: number; readonly amount: number } | null
  readonly rolls: { readonly min: number; readonly max: number } | null
}

interface World {
  readonly terms: readonly Terms[]
  readonly usage: readonly { readonly at: number; readonly units: number }[]
  readonly resets: readonly number[]
  readonly keepsOverage: boolean
}

const never = Number.POSITIVE_INFINITY
const orNever = (ticks: fc.Arbitrary<number>): fc.Arbitrary<number> => fc.option(ticks, { nil: never, freq: 3 })

const rolls = fc
  .record({ min: fc.nat(6), beyond: fc.constantFrom(0, 1, 4, never) })
  .map(({ min, beyond }) => ({ min, max: min + beyond }))

const recurs = fc.record({
  days: fc.integer({ min: 1, max: 4 }),
  anchor: fc.integer({ min: -6, max: 20 }),
  amount: fc.integer({ min: 1, max: 12 }),
})

const terms: fc.Arbitrary<Terms> = fc
  .record({
    amount: fc.integer({ min: 1, max: 15 }),
    priority: fc.nat(2),
    created: fc.nat(1),
    begins: fc.nat(14),
    lasts: orNever(fc.integer({ min: 1, max: 12 })),
    voided: orNever(fc.nat(20)),
    recurs: fc.option(recurs),
    rolls: fc.option(rolls),
  })
  .map(({ lasts, ...one }) => ({ ...one, expires: one.begins + lasts }))

const world: fc.Arbitrary<World> = fc.record({
  terms: fc.array(terms, { maxLength: 4 }),
  usage: fc.array(fc.record({ at: fc.nat(end - 1), units: fc.nat(9) }), { maxLength: 10 }),
  resets: fc.uniqueArray(fc.integer({ min: 1, max: end }), { maxLength: 2 }),
  keepsOverage: fc.boolean(),
})

const nameOf = (index: number): GrantId => `grant ${index}` as GrantId
const minor = (units: number): Minor => BigInt(units) as Minor
const orNull = <T>(ticks: number, made: (ticks: number) => T): T | null => (ticks === never ? null : made(ticks))

function grantOf(one: Terms, index: number): BurnDownGrant {
  const { recurs: again, rolls: rolled } = one
  const recurrence = again && {
    every: { unit: 'days', count: again.days } as const,
    anchor: instant(again.anchor),
    amount: minor(again.amount),
  }
  return {
    id: nameOf(index),
    amount: minor(one.amount),
    priority: one.priority,
    createdAt: one.created as Micros,
    effectiveFrom: instant(one.begins),
    expiresAt: orNull(one.expires, instant),
    voidedAt: orNull(one.voided, instant),
    recurrence,
    rollover: rolled && { min: minor(rolled.min), max: orNull(rolled.max, minor) },
    zone: 'UTC',
  }
}

function inputOf({ terms: all, usage, resets, keepsOverage }: World, until: number): BurnDownInput {
  return {
    grants: all.map(grantOf),
    usage: usage.map(({ at, units }) => ({ at: instant(at), amount: minor(units) })),
    from: instant(0),
    until: instant(until),
    resets: resets.filter((at) => at <= until).map(instant),
    keepsOverage,
  }
}

/** A grant of the slow oracle: what is left of its turn, or null where it is not in effect. */
interface Slow {
  readonly id: string
  readonly terms: Terms
  left: number | null
  burned: number
}

const isRecurrence = ({ recurs: again, begins, expires }: Terms, at: number): boolean =>
  again !== null && at > begins && at < expires && (at - again.anchor) % (2 * again.days) === 0

function kept(left: number, { rolls: rolled }: Terms): number {
  return rolled === null ? 0 : Math.min(rolled.max, Math.max(left, rolled.min))
}

function turnOver(one: Slow, at: number): void {
  const { begins, expires, voided, amount, recurs: again } = one.terms
  if (at === begins) one.left = amount
  else if (one.left !== null && isRecurrence(one.terms, at)) one.left = kept(one.left, one.terms) + (again?.amount ?? 0)
  if (at === expires || at >= voided) one.left = null
}

/** The tick at which what is left now stops paying. */
function lastsUntil({ terms: { expires, rolls: rolled, ...one } }: Slow, now: number): number {
  if (rolled?.max === never) return expires
  for (let at = now + 1; at < Math.min(expires, now + 9); at += 1)
    if (isRecurrence({ ...one, expires, rolls: rolled }, at)) return at
  return expires
}

function isBefore(one: Slow, other: Slow, now: number): boolean {
  if (one.terms.priority !== other.terms.priority) return one.terms.priority < other.terms.priority
  const [ends, otherEnds] = [lastsUntil(one, now), lastsUntil(other, now)]
  if (ends !== otherEnds) return ends < otherEnds
  if (one.terms.created !== other.terms.created) return one.terms.created < other.terms.created
  return one.id < other.id
}

/** Pays unit by unit; what remains is open. */
function payUnits(grants: readonly Slow[], open: number, now: number): number {
  for (let unpaid = open; ; unpaid -= 1) {
    let best: Slow | null = null
    for (const one of grants)
      if (one.left !== null && one.left > 0 && (best === null || isBefore(one, best, now))) best = one
    if (unpaid === 0 || best === null) return unpaid
    best.left = (best.left ?? 0) - 1
    best.burned += 1
  }
}

interface Told {
  readonly balances: Readonly<Record<string, string>>
  readonly burned: Readonly<Record<string, string>>
  readonly overage: string
  readonly used: string
}

/** What is true at a tick, before it; of a reset, after it. */
function slowly({ terms: all, usage, resets, keepsOverage }: World, until: number): Told {
  const grants: readonly Slow[] = all.map((one, index) => ({ id: nameOf(index), terms: one, left: null, burned: 0 }))
  let [open, used] = [0, 0]
  for (let at = 0; at <= until; at += 1) {
    const isReset = resets.includes(at)
    if (at === until && !isReset) break
    if (isReset) {
      for (const one of grants) if (one.left !== null) one.left = kept(one.left, one.terms)
      if (!keepsOverage) open = 0
      used = 0
    }
    for (const one of grants) turnOver(one, at)
    open = payUnits(grants, open, at)
    if (at === until) break
    for (const due of usage.filter((one) => one.at === at)) {
      used += due.units
      open = payUnits(grants, open + due.units, at)
    }
  }
  return {
    balances: Object.fromEntries(grants.map(({ id, left }) => [id, String(left ?? 0)])),
    burned: Object.fromEntries(grants.flatMap(({ id, burned }) => (burned === 0 ? [] : [[id, String(burned)]]))),
    overage: String(open),
    used: String(used),
  }
}

const shown = (amounts: ReadonlyMap<GrantId, Minor>): Readonly<Record<string, string>> =>
  Object.fromEntries([...amounts].map(([id, amount]) => [id, String(amount)]))

function told({ balances, burned, overage, usageSinceReset }: BurnDown): Told {
  return {
    balances: shown(balances),
    burned: shown(burned),
    overage: String(overage),
    used: String(usageSinceReset),
  }
}

const total = (amounts: Iterable<bigint>): bigint => [...amounts].reduce((sum, amount) => sum + amount, 0n)

describe('how grants burn down', () => {
  test('as unit by unit, at every instant', () => {
    fc.assert(
      fc.property(world, fc.integer({ min: 1, max: end }), (given, until) => {
        expect(told(burnDown(inputOf(given, until)))).toEqual(slowly(given, until))
      }),
      { numRuns: 1_500 },
    )
  })

  test('nothing is below zero, all usage is paid or open, and nobody pays who is not in effect', () => {
    fc.assert(
      fc.property(world, (given) => {
        const input = inputOf({ ...given, resets: [] }, end)
        const { segments, burned, overage, balances } = burnDown(input)
        expect(total(burned.values()) + overage).toBe(total(input.usage.map(({ amount }) => amount)))
        expect([...balances.values()].every((balance) => balance >= 0n)).toBe(true)
        for (const { from, opening, burned: paid } of segments)
          for (const [id, amount] of paid) {
            const grant = input.grants.find((one) => one.id === id)
            expect(amount <= (opening.get(id) ?? 0n)).toBe(true)
            expect(from >= (grant?.effectiveFrom ?? never)).toBe(true)
            expect(from < (grant?.expiresAt ?? never) && from < (grant?.voidedAt ?? never)).toBe(true)
          }
      }),
      { numRuns: 400 },
    )
  })

  test('granted = burned + expired + voided + left at every instant, and what rolls over is neither', () => {
    fc.assert(
      fc.property(world, fc.integer({ min: 1, max: end }), (given, until) => {
        const { grants, ...input } = inputOf({ ...given, resets: [] }, until)
        const { segments, burned, balances } = burnDown({ ...input, grants })
        const last = (instant(until) - 1) as Micros
        for (const grant of grants) {
          const movements = segments.map(({ from, burned: paid }) => ({
            at: from,
            amount: 0n - (paid.get(grant.id) ?? 0n),
          }))
          const moved = movements.filter(({ amount }) => amount !== 0n)
          const entries = dueEntries(grant, moved, last)
          const of = (...kinds: readonly string[]): bigint =>
            total(entries.flatMap(({ kind, amount }) => (kinds.includes(kind) ? [amount] : [])))
          const left = balances.get(grant.id) ?? 0n
          expect(of('granted', 'filled_up')).toBe((burned.get(grant.id) ?? 0n) - of('expired', 'voided') + left)
          expect(of('rolled_over')).toBe(0n)
          expect(balanceAt(grant, moved, last)).toBe(left)
        }
      }),
      { numRuns: 400 },
    )
  })

  test('the order in which grants and usage come, and usage in parts, change nothing', () => {
    const parts = world.chain((given) =>
      fc.record({
        given: fc.constant(given),
        first: fc.array(fc.nat(9), { minLength: given.usage.length, maxLength: given.usage.length }),
        isReversed: fc.boolean(),
      }),
    )
    fc.assert(
      fc.property(parts, ({ given, first, isReversed }) => {
        const input = inputOf(given, end)
        const usage = given.usage.flatMap(({ at, units }, index) => {
          const part = Math.min(first[index] ?? 0, units)
          return [part, units - part].map((some) => ({ at: instant(at), amount: minor(some) }))
        })
        const other = { ...input, usage: usage.toReversed() }
        const otherwise = burnDown(isReversed ? { ...other, grants: input.grants.toReversed() } : other)
        expect(told(otherwise)).toEqual(told(burnDown(input)))
      }),
      { numRuns: 400 },
    )
  })

  test('in two runs as in one, wherever it is cut', () => {
    fc.assert(
      fc.property(world, fc.integer({ min: 0, max: end - 1 }), (given, at) => {
        const input = inputOf(given, end)
        const cut = (instant(at) + tick / 4) as Micros
        const { resets = [] } = input
        const before = burnDown({ ...input, until: cut, resets: resets.filter((one) => one <= cut) })
        const after = burnDown({
          ...input,
          from: cut,
          balances: before.balances,
          overage: before.overage,
          resets: resets.filter((one) => one > cut),
        })
        const whole = burnDown(input)
        expect(shown(after.balances)).toEqual(shown(whole.balances))
        expect(after.overage).toBe(whole.overage)
        for (const { id } of input.grants)
          expect((before.burned.get(id) ?? 0n) + (after.burned.get(id) ?? 0n)).toBe(whole.burned.get(id) ?? 0n)
      }),
      { numRuns: 400 },
    )
  })
})
