import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { MeterKey } from '../../src/core/ids.ts'
import type { Minor } from '../../src/core/money.ts'
import { zonedOf } from '../../src/core/time.ts'
import type { Micros } from '../../src/core/time.ts'
import { burnCredits } from '../../src/price/credit/burn.ts'
import type { AvailableCredit, Burn, GrantId, GrantSchedule, Payable } from '../../src/price/credit/grant.ts'
import { balanceAt, burnableAt, dueEntries, missingEntries } from '../../src/price/credit/ledger.ts'
import type { DueEntry, Movement } from '../../src/price/credit/ledger.ts'
import { sumsAt } from '../../src/price/credit/summary.ts'

const minor = (amount: number): Minor => BigInt(amount) as Minor

describe('what credits pay, against paying cent by cent', () => {
  const meters = ['out', 'in', 'requests'] as const as readonly string[] as readonly MeterKey[]
  const credit = fc.record({
    priority: fc.integer({ min: 0, max: 2 }),
    scope: fc.oneof(
      fc.constant('all' as const),
      fc.subarray([...meters]).map((some) => ({ meters: some })),
    ),
    effectiveFrom: fc.integer({ min: 0, max: 12 }),
    expiresAt: fc.option(fc.integer({ min: 8, max: 14 })),
    createdAt: fc.integer({ min: 0, max: 2 }),
    balance: fc.integer({ min: 0, max: 30 }),
  })
  const credits = fc.array(credit, { maxLength: 6 }).map((all) =>
    all.map((one, index): AvailableCredit => ({
      id: `g${(index * 5) % 7}` as GrantId,
      kind: 'prepaid',
      name: '',
      currency: 'USD',
      priority: one.priority,
      scope: one.scope,
      effectiveFrom: one.effectiveFrom as Micros,
      expiresAt: one.expiresAt as Micros | null,
      createdAt: one.createdAt as Micros,
      balance: minor(one.balance),
    })),
  )
  const lines = fc.array(
    fc.record({ meter: fc.option(fc.constantFrom(...meters)), amount: fc.integer({ min: 0, max: 25 }).map(minor) }),
    { maxLength: 6 },
  )
  const now = 10 as Micros

  const key = (burn: Pick<Burn, 'grant' | 'line'>): string => `${burn.grant} ${burn.line}`
  const sumsOf = (burns: readonly Burn[]): Record<string, number> =>
    Object.fromEntries(burns.map((burn) => [key(burn), Number(burn.amount)]))

  /** What a row of a table would be sorted by: text, with never as the largest. */
  const rank = ({ priority, expiresAt, createdAt, id }: AvailableCredit): string =>
    [priority, expiresAt ?? 999, createdAt].map((part) => String(part).padStart(4, '0')).join(' ') + id

  function centByCent(all: readonly AvailableCredit[], owed: readonly Payable[]): Record<string, number> {
    const left = owed.map(({ amount }) => Number(amount))
    const paid: Record<string, number> = {}
    const sorted = all.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1))
    for (const one of sorted) {
      if (one.effectiveFrom > now || (one.expiresAt !== null && one.expiresAt <= now)) continue
      for (let cents = Number(one.balance); cents > 0; cents -= 1) {
        const line = owed.findIndex(({ meter }, index) => {
          const isInside = one.scope === 'all' || one.scope.meters.some((inside) => inside === meter)
          return isInside && (left[index] ?? 0) > 0
        })
        if (line < 0) break
        left[line] = (left[line] ?? 0) - 1
        const place = key({ grant: one.id, line })
        paid[place] = (paid[place] ?? 0) + 1
      }
    }
    return paid
  }

  test('every burn is that of the slow way', () => {
    fc.assert(
      fc.property(credits, lines, (all, owed) => {
        expect(sumsOf(burnCredits({ credits: all, lines: owed, at: now }))).toEqual(centByCent(all, owed))
      }),
      { numRuns: 300 },
    )
  })

  test('lines on several invoices, one after the other, are paid as on one', () => {
    fc.assert(
      fc.property(credits, lines, fc.nat({ max: 6 }), (all, owed, cut) => {
        const whole = burnCredits({ credits: all, lines: owed, at: now })
        const first = burnCredits({ credits: all, lines: owed.slice(0, cut), at: now })
        const left = all.map((one) => ({
          ...one,
          balance: (one.balance -
            first.filter(({ grant }) => grant === one.id).reduce((sum, { amount }) => sum + amount, 0n)) as Minor,
        }))
        const second = burnCredits({ credits: left, lines: owed.slice(cut), at: now })
        const moved = second.map((burn) => ({ ...burn, line: burn.line + cut }))
        expect(sumsOf([...first, ...moved])).toEqual(sumsOf(whole))
      }),
      { numRuns: 200 },
    )
  })
})

describe('the books of a grant, against a plain account of its days', () => {
  /** Ends of months, leap years, days of 23 and 25 hours, a zone that skips a day, changes of half an hour. */
  const places = [
    ['2026-01-31T00:00', 'Europe/Berlin'],
    ['2024-02-29T12:30', 'America/New_York'],
    ['2026-10-25T02:30', 'Europe/Berlin'],
    ['2011-12-29T23:00', 'Pacific/Apia'],
    ['2026-03-30T01:45', 'Australia/Lord_Howe'],
    ['2018-10-31T00:00', 'America/Sao_Paulo'],
  ] as const

  const schedule = fc
    .record({
      place: fc.constantFrom(...places),
      amount: fc.integer({ min: 1, max: 30 }),
      recurring: fc.option(
        fc.record({
          unit: fc.constantFrom('days', 'weeks', 'months' as const),
          count: fc.integer({ min: 1, max: 3 }),
          amount: fc.integer({ min: 1, max: 30 }),
          /** The grant begins so many days after the anchor of the cycle, or before it. */
          after: fc.integer({ min: -40, max: 40 }),
        }),
        { freq: 8 },
      ),
      rollover: fc.option(
        fc.record({ min: fc.integer({ min: 0, max: 9 }), over: fc.option(fc.integer({ min: 0, max: 20 })) }),
      ),
      days: fc.option(fc.integer({ min: 1, max: 110 })),
    })
    .map(({ place: [local, zone], amount, recurring, rollover, days }): GrantSchedule => {
      const anchor = Temporal.PlainDateTime.from(local).toZonedDateTime(zone)
      const begin = anchor.add({ days: recurring?.after ?? 0 })
      const micros = (zoned: Temporal.ZonedDateTime): Micros => Number(zoned.epochNanoseconds / 1000n) as Micros
      return {
        amount: minor(amount),
        effectiveFrom: micros(begin),
        expiresAt: days === null ? null : micros(begin.add({ days })),
        recurrence:
          recurring === null
            ? null
            : {
                every: { unit: recurring.unit, count: recurring.count },
                anchor: micros(anchor),
                amount: minor(recurring.amount),
              },
        rollover:
          rollover === null || recurring === null
            ? null
            : { min: minor(rollover.min), max: rollover.over === null ? null : minor(rollover.min + rollover.over) },
        zone,
        voidedAt: null,
      }
    })

  const spanDays = 120
  const day = 86_400_000_000
  const instantOf = ({ effectiveFrom }: GrantSchedule, share: number): Micros =>
    Math.floor(effectiveFrom + (share * (spanDays + 10) - 5) * day) as Micros

  /** When the grant recurs: the clock time of the anchor on every date that the cycle names, by its calendar. */
  function recurrencesOf({ recurrence, effectiveFrom, zone, expiresAt }: GrantSchedule): readonly Micros[] {
    if (recurrence === null) return []
    const { unit, count } = recurrence.every
    const anchor = zonedOf(recurrence.anchor, zone).toPlainDateTime()
    const found = new Set<Micros>()
    for (let turn = -45; turn <= 185; turn += 1) {
      const start = anchor.add({ [unit]: turn * count }).toZonedDateTime(zone)
      const instant = Number(start.epochNanoseconds / 1000n) as Micros
      const isInside = instant > effectiveFrom && instant < effectiveFrom + (spanDays + 20) * day
      if (isInside && (expiresAt === null || instant < expiresAt)) found.add(instant)
    }
    return [...found].toSorted((a, b) => a - b)
  }

  const known = new WeakMap<object, readonly Micros[]>()
  function recurrences(given: GrantSchedule): readonly Micros[] {
    const key = given.recurrence ?? given
    const found = known.get(key) ?? recurrencesOf(given)
    known.set(key, found)
    return found
  }

  interface Story {
    readonly lowest: bigint
    readonly balance: bigint
    readonly granted: bigint
    readonly expired: bigint
    readonly voided: bigint
  }

  /** Goes through the grant's life event by event. */
  function tell(given: GrantSchedule, movements: readonly Movement[], until: Micros): Story {
    const { amount, effectiveFrom, expiresAt, recurrence, rollover, voidedAt } = given
    const story = { lowest: 0n, balance: 0n, granted: 0n, expired: 0n, voided: 0n }
    const events: { readonly at: Micros; readonly rank: number; readonly run: () => void }[] = [
      {
        at: effectiveFrom,
        rank: 0,
        run: () => {
          story.granted += amount
          story.balance += amount
        },
      },
    ]
    const expire = (most: bigint): void => {
      if (story.balance <= most) return
      story.expired += story.balance - most
      story.balance = most
    }
    for (const instant of recurrences(given)) {
      events.push({
        at: instant,
        rank: 0,
        run: () => {
          if (rollover === null) expire(0n)
          else if (rollover.max !== null) expire(rollover.max)
          const least = rollover?.min ?? 0n
          const added = (story.balance < least ? least - story.balance : 0n) + (recurrence?.amount ?? 0n)
          story.granted += added
          story.balance += added
        },
      })
    }
    if (expiresAt !== null) events.push({ at: expiresAt, rank: 0, run: () => expire(0n) })
    for (const at of new Set(movements.map((movement) => movement.at)))
      events.push({
        at,
        rank: 1,
        run: () => {
          for (const movement of movements) if (movement.at === at) story.balance += movement.amount
          if (story.balance < story.lowest) story.lowest = story.balance
        },
      })
    for (const { at: when, run } of events.toSorted((a, b) => a.at - b.at || a.rank - b.rank)) {
      if (when > until || (voidedAt !== null && when > voidedAt)) break
      run()
    }
    if (voidedAt !== null && voidedAt <= until) [story.voided, story.balance] = [story.balance, 0n]
    return story
  }

  const action = fc.record({
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    wanted: fc.integer({ min: 0, max: 40 }),
    kind: fc.constantFrom('burn', 'burn', 'burn', 'return', 'look' as const),
    /** At the very instant of a recurrence or the expiry, or one microsecond before it. */
    edge: fc.option(fc.record({ index: fc.nat({ max: 8 }), before: fc.boolean() })),
  })
  const actions = fc.array(action, { maxLength: 12 })

  function whenOf(
    given: GrantSchedule,
    {
      share,
      edge,
    }: { readonly share: number; readonly edge: { readonly index: number; readonly before: boolean } | null },
  ): Micros {
    const edges = [...recurrences(given), ...(given.expiresAt === null ? [] : [given.expiresAt]), given.effectiveFrom]
    const chosen = edge === null ? undefined : edges[edge.index % edges.length]
    return chosen === undefined ? instantOf(given, share) : ((chosen - (edge?.before === true ? 1 : 0)) as Micros)
  }

  /** What may burn, by trying: of more than can burn, no more burns either. */
  function mostBurnable(given: GrantSchedule, movements: readonly Movement[], when: Micros): number {
    if (when < given.effectiveFrom || (given.expiresAt !== null && when >= given.expiresAt)) return 0
    const end = (given.effectiveFrom + 400 * day) as Micros
    const holds = (amount: number): boolean =>
      tell(given, [...movements, { at: when, amount: BigInt(-amount) }], end).lowest === 0n
    let [amount, tooMuch] = [0, 10_000]
    while (tooMuch - amount > 1) {
      const middle = Math.floor((amount + tooMuch) / 2)
      if (holds(middle)) amount = middle
      else tooMuch = middle
    }
    return amount
  }

  test('whatever invoices burn and give back, in any order of time, is what the plain account says', () => {
    fc.assert(
      fc.property(
        schedule,
        actions,
        fc.double({ min: 0.3, max: 1, noNaN: true }),
        fc.boolean(),
        (given, steps, end, voids) => {
          const movements: Movement[] = []
          const returned = new Set<string>()
          const written: DueEntry[] = []
          const last = instantOf(given, 1)
          for (const step of steps) {
            const when = whenOf(given, step)
            const burnable = burnableAt(given, movements, when)
            expect(Number(burnable)).toBe(mostBurnable(given, movements, when))
            const burned = movements.find(({ at: once, amount }) => amount < 0n && !returned.has(`${once} ${amount}`))
            const amount = BigInt(step.wanted) < burnable ? BigInt(step.wanted) : burnable
            if (step.kind === 'burn' && amount > 0n) movements.push({ at: when, amount: -amount })
            if (step.kind === 'return' && burned !== undefined) {
              returned.add(`${burned.at} ${burned.amount}`)
              movements.push({ at: burned.at, amount: -burned.amount })
            }
            const now = (
              step.kind === 'look'
                ? Math.max(when, ...movements.map((one) => one.at), ...written.map((one) => one.at))
                : last
            ) as Micros
            written.push(...missingEntries(dueEntries(given, movements, now), written))
          }
          const latest = Math.max(instantOf(given, end), ...movements.map((one) => one.at)) as Micros
          const voided = voids ? { ...given, voidedAt: latest } : given
          for (const until of [
            latest,
            (latest - 1) as Micros,
            last,
            ...recurrences(given),
            ...movements.map((one) => one.at),
          ]) {
            const story = tell(voided, movements, until)
            const sums = sumsAt({ grant: voided as never, movements }, until)
            const burned = movements.filter((one) => one.at <= until).reduce((sum, { amount }) => sum - amount, 0n)
            expect(sums).toEqual({
              granted: story.granted,
              burned,
              expired: story.expired,
              voided: story.voided,
              balance: story.balance,
            })
            expect(story.granted).toBe(burned + story.expired + story.voided + story.balance)
            expect(story.balance >= 0n).toBe(true)
            expect(balanceAt(voided, movements, until)).toBe(story.balance)
          }
          // Written down bit by bit, by whoever looked, it is what is due at once.
          written.push(...missingEntries(dueEntries(given, movements, last), written))
          expect(missingEntries(dueEntries(given, movements, last), written)).toEqual([])
          const total = written.reduce((sum, { amount }) => sum + amount, 0n)
          expect(total).toBe(dueEntries(given, movements, last).reduce((sum, { amount }) => sum + amount, 0n))
        },
      ),
      { numRuns: 150 },
    )
  })

  test('an expiry is exclusive', () => {
    fc.assert(
      fc.property(schedule, (given) => {
        const { expiresAt } = given
        fc.pre(expiresAt !== null)
        if (expiresAt === null) return
        const before = (expiresAt - 1) as Micros
        expect(burnableAt(given, [], expiresAt)).toBe(0n)
        expect(balanceAt(given, [], expiresAt)).toBe(0n)
        expect(burnableAt(given, [], before)).toBe(balanceAt(given, [], before))
        expect(balanceAt(given, [], before) > 0n).toBe(true)
      }),
      { numRuns: 60 },
    )
  })
})
