import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compare, exact, formatExact, multiply, one, sum, zero } from '../../src/core/exact.ts'
import type { AccountKey, PlanKey } from '../../src/core/ids.ts'
import { formatInstant, parseInstant, zonedOf } from '../../src/core/time.ts'
import type { Micros, Period } from '../../src/core/time.ts'
import { billingPeriod } from '../../src/invoice/billing-period.ts'
import { contractOf } from '../../src/price/contract/contract.ts'
import type { Contract } from '../../src/price/contract/contract.ts'
import { bookAsOf, factsAsOf } from '../../src/price/contract/contract-facts.ts'
import type { ContractFacts, SubscriptionDecision } from '../../src/price/contract/contract-facts.ts'
import { contractText, priceText, splitPrices } from '../../src/price/contract/contract-parts.ts'
import { parseAddOn } from '../../src/price/book/add-on.ts'
import { parsePlan } from '../../src/price/plan.ts'
import type { PlanVersion } from '../../src/price/plan.ts'
import { byKey } from '../../src/price/book/price-book.ts'
import type { AddOnKey, PriceBook } from '../../src/price/book/price-book.ts'
import { shareOf } from '../../src/price/rate/proration.ts'
import { rateLines } from '../../src/price/rate/rate-lines.ts'
import { usageOf } from '../../src/price/rate/slice.ts'
import { noTerms } from '../../src/price/contract/subscription-terms.ts'
import type { SubscriptionTerms } from '../../src/price/contract/subscription-terms.ts'

function at(text: string): Micros {
  const parsed = parseInstant(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

function planVersion(key: string, version: number, given: object): PlanVersion {
  const parsed = parsePlan({ key, name: key, currency: 'USD', effective_from: '1990-01-01T00:00:00Z', ...given })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  return { ...parsed.value.terms, version }
}

const fee = (amount: string): object => ({ key: 'fee', name: 'Fee', model: { kind: 'flat', amount } })
const requests = (unit: string): object => ({
  key: 'requests',
  name: 'Requests',
  meter: 'http_requests',
  included: '100',
  model: { kind: 'per_unit', unit_amount: unit },
})
const surcharge = (percent: string): object => ({
  key: 'extra',
  name: 'Surcharge',
  model: { kind: 'surcharge', percent, of: 'all' },
})

const seats = parseAddOn({
  key: 'seats',
  name: 'Seats',
  currency: 'USD',
  effective_from: '1990-01-01T00:00:00Z',
  prices: [{ key: 'seat', name: 'Seat', model: { kind: 'flat', amount: '7' } }],
})
if (!seats.ok) throw new Error('the add-on is well formed')

const book: PriceBook = {
  plans: byKey([
    planVersion('a', 1, { prices: [fee('31'), requests('0.01')] }),
    planVersion('b', 1, { prices: [fee('62'), requests('0.01')] }),
    planVersion('c', 1, { prices: [fee('31'), requests('0.02'), surcharge('10')] }),
    planVersion('ramp', 1, {
      prices: [fee('31'), requests('0.01')],
      phases: [
        { key: 'trial', name: 'Trial', length: { days: 10 }, changes: [{ free: 'all' }] },
        { key: 'year', name: 'Year', length: { months: 2 }, changes: [{ replace: requests('0.005') }] },
      ],
    }),
  ]),
  addOns: byKey([{ ...seats.value.terms, version: 1 }]),
  coupons: new Map(),
}

interface Given {
  readonly plan: string | null
  readonly from: Micros
  readonly to?: Micros | null
  readonly begun?: Micros
  readonly terms?: Partial<SubscriptionTerms>
}

function factsOf(zone: string, given: readonly Given[], fallback: string | null = null): ContractFacts {
  const account = { key: 'acme' as AccountKey, timeZone: zone, currency: 'USD' as const }
  const decisions = given.map(({ plan, from, to = null, begun = from, terms = {} }, index): SubscriptionDecision => ({
    account: account.key,
    number: index + 1,
    plan: plan as PlanKey | null,
    from,
    to,
    begun,
    terms: { ...noTerms, ...terms },
    recordedAt: 0 as Micros,
    by: 'test',
  }))
  const defaults = fallback === null ? [] : [{ id: 1, plan: fallback as PlanKey, from: 0 as Micros, by: 'test' }]
  return { account, decisions, defaults }
}

/** Months with days of 23 and 25 hours, a day that is skipped, half-hour changes, and February. */
const months = [
  ['2026-03', 'Europe/Berlin'],
  ['2026-10', 'Europe/Berlin'],
  ['2026-11', 'America/New_York'],
  ['2026-04', 'Australia/Lord_Howe'],
  ['2011-12', 'Pacific/Apia'],
  ['2018-11', 'America/Sao_Paulo'],
  ['2024-02', 'Asia/Kolkata'],
  ['2026-02', 'UTC'],
] as const

const decided = fc.record({
  plan: fc.constantFrom('a', 'b', 'c', 'ramp', null),
  from: fc.double({ min: -0.3, max: 1.1, noNaN: true }),
  length: fc.option(fc.double({ min: 0.01, max: 1, noNaN: true })),
  seats: fc.integer({ min: 0, max: 2 }),
})

const scenario = fc.record({
  month: fc.constantFrom(...months),
  decisions: fc.array(decided, { maxLength: 6 }),
  fallback: fc.constantFrom('a', null),
})

type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never

function factsIn({ month: [month, zone], decisions, fallback }: Scenario): { facts: ContractFacts; period: Period } {
  const period = billingPeriod(month, zone)
  const place = (share: number): Micros => Math.floor(period.from + share * (period.to - period.from)) as Micros
  const given = decisions.map(({ plan, from, length, seats: count }): Given => ({
    plan,
    from: place(from),
    to: length === null ? null : ((place(from + length) + 1) as Micros),
    terms: count === 0 ? {} : { addOns: [{ key: 'seats' as AddOnKey, count, from: null, to: null }] },
  }))
  return { facts: factsOf(zone, given, fallback), period }
}

/** Which plan holds at an instant, by looking at every decision from the newest on. */
function planAt({ decisions, defaults }: ContractFacts, instant: Micros): string | null {
  const held = decisions.toReversed().find(({ from, to }) => from <= instant && (to === null || instant < to))
  return held?.plan ?? defaults[0]?.plan ?? null
}

function contractIn(given: Scenario): { contract: Contract | null; facts: ContractFacts; period: Period } {
  const { facts, period } = factsIn(given)
  try {
    return { contract: contractOf(facts, book, period), facts, period }
  } catch (error) {
    expect((error as { code?: string }).code).toBe('PLAN_MISSING')
    return { contract: null, facts, period }
  }
}

describe('the parts of a period', () => {
  test('with its gaps they make it up, without a gap or overlap, and each has the plan that was decided last', () => {
    fc.assert(
      fc.property(scenario, fc.double({ min: 0, max: 0.999, noNaN: true }), (given, where) => {
        const { contract, facts, period } = contractIn(given)
        const probe = Math.floor(period.from + where * (period.to - period.from)) as Micros
        if (contract === null) {
          expect(planAt(facts, probe)).toBe(null)
          return
        }
        const spans = [...contract.parts.map(({ part }) => part), ...contract.gaps].toSorted((x, y) => x.from - y.from)
        expect(spans[0]?.from).toBe(period.from)
        expect(spans.at(-1)?.to).toBe(period.to)
        spans.forEach(({ from, to }, index) => {
          expect(from).toBeLessThan(to)
          if (index > 0) expect(from).toBe(spans[index - 1]?.to)
        })
        const there = contract.parts.find(({ part }) => part.from <= probe && probe < part.to)
        expect(there?.plan.key ?? null).toBe(planAt(facts, probe))
      }),
      { numRuns: 400 },
    )
  })

  test('their shares add up to one, and so do those of each price that holds in all of it', () => {
    fc.assert(
      fc.property(scenario, (given) => {
        const { contract, period } = contractIn(given)
        if (contract === null) return
        const shares = [...contract.parts.map(({ part }) => part), ...contract.gaps].map((part) =>
          shareOf(part, period),
        )
        expect(compare(sum(shares), one)).toBe(0)
        const held = sum(contract.parts.map(({ part }) => shareOf(part, period)))
        const split = splitPrices(contract.parts).filter(({ price }) => price.key === 'fee')
        expect(compare(sum(split.map(({ part }) => shareOf(part, period))), held)).toBe(0)
      }),
      { numRuns: 200 },
    )
  })

  test('a fee that is the same before and after costs the same, wherever and however often it is cut', () => {
    fc.assert(
      fc.property(scenario, (given) => {
        const { contract, period } = contractIn(given)
        if (contract === null) return
        // Each part by itself, exactly, beside what is rated: differences are only those of rounding once a line.
        const amounts = { a: '31', b: '62', c: '31', ramp: '31' } as Record<string, string>
        const owed = sum(
          contract.parts.map(({ part, plan, phase }) =>
            phase?.key === 'trial' ? zero : multiply(exact(amounts[plan.key] ?? '0'), shareOf(part, period)),
          ),
        )
        const priced = splitPrices(contract.parts).map(({ price, part, count }) => ({
          price,
          part,
          count,
          share: shareOf(part, period),
          additive: true,
          usage: usageOf(zero),
        }))
        const lines = rateLines(priced, { currency: 'USD', traced: false }).filter(({ line }) => line.price === 'fee')
        expect(compare(sum(lines.map(({ line }) => line.exactAmount)), owed)).toBe(0)
      }),
      { numRuns: 200 },
    )
  })

  test('a line is split where its price changes, and nowhere else unless a surcharge changes', () => {
    fc.assert(
      fc.property(scenario, (given) => {
        const { contract } = contractIn(given)
        if (contract === null) return
        const split = splitPrices(contract.parts)
        for (const { price, part, count } of split) {
          const next = split.find((other) => other.price.key === price.key && other.part.from === part.to)
          if (next === undefined) continue
          const [before, after] = [part.to - 1, part.to].map((instant) =>
            contract.parts.find((one) => one.part.from <= instant && instant < one.part.to),
          )
          const isSurcharged = (plan: string | undefined): boolean => plan === 'c'
          if (isSurcharged(before?.plan.key) !== isSurcharged(after?.plan.key)) continue
          expect(`${priceText(next.price)} ${formatExact(next.count)}`).not.toBe(
            `${priceText(price)} ${formatExact(count)}`,
          )
        }
        // A surcharge has whole lines in its part.
        for (const { part } of split.filter(({ price }) => price.key === 'extra'))
          for (const other of split)
            expect(
              (other.part.from >= part.from && other.part.to <= part.to) ||
                other.part.to <= part.from ||
                other.part.from >= part.to,
            ).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  test('read again as it was known, it is the same, whatever is decided later', () => {
    fc.assert(
      fc.property(scenario, fc.array(decided, { minLength: 1, maxLength: 3 }), (given, later) => {
        const { contract, period } = contractIn(given)
        if (contract === null) return
        const all = factsIn({ ...given, decisions: [...given.decisions, ...later] }).facts
        const newer = planVersion('a', 2, { prices: [fee('99')] })
        const grown = { ...book, plans: byKey<PlanKey, PlanVersion>([...[...book.plans.values()].flat(), newer]) }
        const again = contractOf(factsAsOf(all, contract.known), bookAsOf(grown, contract.known), period)
        expect(contractText(again)).toBe(contractText(contract))
        expect(again.known).toEqual(contract.known)
      }),
      { numRuns: 150 },
    )
  })
})

describe('changes at odd instants', () => {
  const halves = (zone: string, month: string, change: string): readonly string[] => {
    const period = billingPeriod(month, zone)
    const facts = factsOf(zone, [
      { plan: 'a', from: at('1999-01-01T00:00:00Z') },
      { plan: 'b', from: at(change) },
    ])
    const { parts } = contractOf(facts, book, period)
    return splitPrices(parts)
      .filter(({ price }) => price.key === 'fee')
      .map(({ part }) => {
        const share = shareOf(part, period)
        return formatExact(share)
      })
  }

  test('after a day of 25 hours the first half is longer than its days', () => {
    // October 2026 in Berlin has 31 × 24 + 1 = 745 hours; midnight of the 26th is 25 × 24 + 1 hours after its start.
    expect(halves('Europe/Berlin', '2026-10', '2026-10-25T23:00:00Z')).toEqual(['601/745', '144/745'])
  })

  test('after a day of 23 hours it is shorter', () => {
    // March 2026 has 743 hours; midnight of the 30th is 29 × 24 - 1 = 695 hours after its start.
    expect(halves('Europe/Berlin', '2026-03', '2026-03-29T22:00:00Z')).toEqual(['695/743', '48/743'])
  })

  test('the repeated hour is two hours: half past two comes twice', () => {
    // Half past two of October 25, in summer time and an hour later in winter time.
    expect(halves('Europe/Berlin', '2026-10', '2026-10-25T00:30:00Z')).toEqual(['1157/1490', '333/1490'])
    expect(halves('Europe/Berlin', '2026-10', '2026-10-25T01:30:00Z')).toEqual(['1159/1490', '331/1490'])
  })

  test('a month that skips a day has one day less', () => {
    // December 2011 in Apia went from the 29th to the 31st: 30 days, 29 of them before the 31st.
    expect(halves('Pacific/Apia', '2011-12', '2011-12-30T10:00:00Z')).toEqual(['29/30', '1/30'])
  })
})

describe('phases', () => {
  const starts = (zone: string, begun: string, phases: readonly object[], until: string): readonly string[] => {
    const plan = planVersion('p', 1, { prices: [fee('1')], phases })
    const facts = factsOf(zone, [{ plan: 'p', from: at(begun) }])
    const { parts } = contractOf(facts, { ...book, plans: byKey([plan]) }, { from: at(begun), to: at(until) })
    return parts.map(({ part, phase }) => {
      const local = zonedOf(part.from, zone).toPlainDateTime().toString({ smallestUnit: 'minute' })
      return `${local} ${phase?.key ?? '-'}`
    })
  }
  const month = (key: string): object => ({
    key,
    name: key,
    length: { months: 1 },
    changes: [{ discount: { keys: 'all', percent: key.slice(1) } }],
  })

  test('from the 31st on they are cut to the end of a shorter month and return', () => {
    expect(
      starts('Europe/Berlin', '2026-01-30T23:00:00Z', [month('m1'), month('m2'), month('m3')], '2026-06-01T00:00:00Z'),
    ).toEqual(['2026-01-31T00:00 m1', '2026-02-28T00:00 m2', '2026-03-31T00:00 m3', '2026-04-30T00:00 -'])
  })

  test('from the 29th and 30th on, in a leap year', () => {
    expect(starts('UTC', '2024-01-29T00:00:00Z', [month('m1'), month('m2')], '2024-06-01T00:00:00Z')).toEqual([
      '2024-01-29T00:00 m1',
      '2024-02-29T00:00 m2',
      '2024-03-29T00:00 -',
    ])
    expect(starts('UTC', '2024-01-30T00:00:00Z', [month('m1'), month('m2')], '2024-06-01T00:00:00Z')).toEqual([
      '2024-01-30T00:00 m1',
      '2024-02-29T00:00 m2',
      '2024-03-30T00:00 -',
    ])
  })

  test('days are those of the zone: a trial over the change of clocks ends at the same time of day', () => {
    const trial = { key: 'trial', name: 'Trial', length: { days: 14 }, changes: [{ free: 'all' }] }
    expect(starts('Europe/Berlin', '2026-03-20T08:00:00Z', [trial], '2026-06-01T00:00:00Z')).toEqual([
      '2026-03-20T09:00 trial',
      '2026-04-03T09:00 -',
    ])
  })

  test('a day that the zone skips takes no time', () => {
    const day = (key: string): object => ({ ...month(key), length: { days: 1 } })
    // In Apia the day after December 29, 2011 was the 31st.
    expect(
      starts('Pacific/Apia', '2011-12-29T10:00:00Z', [day('m1'), day('m2'), day('m3')], '2012-01-10T00:00:00Z'),
    ).toEqual(['2011-12-29T00:00 m1', '2011-12-31T00:00 m3', '2012-01-01T00:00 -'])
  })

  test('a free trial shows its lines at nothing, also at a negotiated rate', () => {
    const period = billingPeriod('2026-10', 'UTC')
    const overrides = planVersion('n', 1, { prices: [requests('0.003')] }).prices.map((price) => ({
      kind: 'replace' as const,
      price,
    }))
    const terms = { overrides }
    const facts = factsOf('UTC', [{ plan: 'ramp', from: at('2026-10-01T00:00:00Z'), terms }])
    const split = splitPrices(contractOf(facts, book, period).parts)
    const priced = split.map(({ price, part, count }) => ({
      price,
      part,
      count,
      share: shareOf(part, period),
      additive: true,
      usage: usageOf(exact('1000')),
    }))
    const lines = rateLines(priced, { currency: 'USD', traced: false }).map(
      ({ part, line }) => `${line.price} ${formatInstant(part.part.from).slice(5, 10)} ${line.amount}`,
    )
    // 21 of 31 days: fee 21.00; 1000 − 100 × 21/31 = 932.26 requests at 0.003 are 2.80.
    expect(lines).toEqual(['fee 10-01 0', 'fee 10-11 2100', 'requests 10-01 0', 'requests 10-11 280'])
  })
})
