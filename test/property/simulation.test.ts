import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AccountKey, PlanKey } from '../../src/core/ids.ts'
import type { Minor } from '../../src/core/money.ts'
import type { PriceKey } from '../../src/price/price-key.ts'
import { SimulationTally, compareSides, together } from '../../src/price/simulation/simulation.ts'
import type { AccountOutcome, CurrencyDocument, Side } from '../../src/price/simulation/simulation.ts'

const digits = { USD: 2, JPY: 0, KWD: 3 } as const
type Money = keyof typeof digits

const amount = fc.oneof(
  { weight: 1, arbitrary: fc.constant(0n) },
  { weight: 3, arbitrary: fc.bigInt({ min: 0n, max: 3_000n }) },
  { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 10n ** 20n }) },
)

const side: fc.Arbitrary<Side> = fc
  .record({ plan: fc.constantFrom('a', 'b', 'c'), first: amount, second: amount, off: fc.nat(100), tax: amount })
  .map(({ plan, first, second, off, tax }) => {
    const subtotal = first + second
    const net = (subtotal * BigInt(100 - off)) / 100n
    const prices = new Map([
      ['one', first],
      ['two', second],
    ]) as unknown as Map<PriceKey, Minor>
    const charged = { subtotal, net, total: net + tax } as unknown as Side['charged']
    return { plan: plan as PlanKey, charged, prices }
  })

const world = fc.array(
  fc.record({ before: side, after: side, isSame: fc.boolean(), currency: fc.constantFrom('USD', 'JPY', 'KWD') }),
  { maxLength: 60 },
)

interface Drawn {
  readonly before: Side
  readonly after: Side
  readonly isSame: boolean
  readonly currency: Money
}

function outcomesOf(drawn: readonly Drawn[]): readonly AccountOutcome[] {
  return drawn.map(({ before, after, isSame, currency }, index) =>
    compareSides({ account: `account-${index}` as AccountKey, currency }, { before, after: isSame ? before : after }),
  )
}

function tallied(outcomes: readonly AccountOutcome[], named = 5) {
  const tally = new SimulationTally(named)
  for (const outcome of outcomes) tally.add(outcome)
  return tally.document()
}

/** The amount as a whole number of the minor unit, without the code that wrote it. */
function minor(text: string): bigint {
  return BigInt(text.replace('.', ''))
}

function sumOf(outcomes: readonly AccountOutcome[], value: (outcome: AccountOutcome) => bigint): bigint {
  return outcomes.reduce((sum, outcome) => sum + value(outcome), 0n)
}

/** Whether a change lies in a bucket: both sides as whole numbers, put beside each other by multiplying. */
function isIn(
  { change, before }: AccountOutcome,
  bucket: CurrencyDocument['by_percent'][number],
  unit: { readonly of: bigint; readonly per: bigint },
): boolean {
  if (bucket.direction === 'same') return change === 0n
  if (change === 0n || change > 0n !== (bucket.direction === 'more')) return false
  const size = (change < 0n ? 0n - change : change) * unit.per
  if (unit.per === 100n && before.net === 0n) return bucket.above === null
  if (bucket.above === null) return false
  return size > BigInt(bucket.above) * unit.of && (bucket.up_to === null || size <= BigInt(bucket.up_to) * unit.of)
}

function checkCurrency(document: CurrencyDocument, mine: readonly AccountOutcome[], named: number): void {
  expect(document.accounts).toBe(mine.length)
  for (const name of ['subtotal', 'net', 'total'] as const) {
    expect(minor(document.before[name])).toBe(sumOf(mine, ({ before }) => before[name]))
    expect(minor(document.after[name])).toBe(sumOf(mine, ({ after }) => after[name]))
  }
  const [more, less] = [mine.filter(({ change }) => change > 0n), mine.filter(({ change }) => change < 0n)]
  expect([document.paying_more, document.paying_less]).toEqual([more.length, less.length])
  expect(document.paying_the_same).toBe(mine.length - more.length - less.length)
  expect(minor(document.change)).toBe(minor(document.more) - minor(document.less))
  expect(minor(document.more)).toBe(sumOf(more, ({ change }) => change))
  const size = ({ change }: AccountOutcome): bigint => (change < 0n ? 0n - change : change)
  const largest = (some: readonly AccountOutcome[]): readonly string[] =>
    some
      .toSorted((a, b) => (size(a) === size(b) ? (a.account < b.account ? -1 : 1) : size(a) > size(b) ? -1 : 1))
      .slice(0, named)
      .map(({ account }) => account)
  expect(document.most_more.map(({ account }) => account)).toEqual(largest(more))
  expect(document.most_less.map(({ account }) => account)).toEqual(largest(less))
}

function checkBuckets(document: CurrencyDocument, mine: readonly AccountOutcome[]): void {
  const whole = 10n ** BigInt(digits[document.currency as Money])
  for (const outcome of mine) {
    const percent = { of: outcome.before.net, per: 100n }
    expect(document.by_percent.filter((bucket) => isIn(outcome, bucket, percent))).toHaveLength(1)
    expect(document.by_amount.filter((bucket) => isIn(outcome, bucket, { of: whole, per: 1n }))).toHaveLength(1)
  }
  for (const bucket of document.by_percent) {
    const inside = mine.filter((outcome) => isIn(outcome, bucket, { of: outcome.before.net, per: 100n }))
    expect([bucket.accounts, minor(bucket.change)]).toEqual([inside.length, sumOf(inside, ({ change }) => change)])
  }
  for (const bucket of document.by_amount) {
    const inside = mine.filter((outcome) => isIn(outcome, bucket, { of: whole, per: 1n }))
    expect([bucket.accounts, minor(bucket.change)]).toEqual([inside.length, sumOf(inside, ({ change }) => change)])
  }
}

describe('the summary of a simulation', () => {
  test('is what adding up all accounts by hand gives, in each currency', () => {
    fc.assert(
      fc.property(world, fc.nat(8), (drawn, named) => {
        const outcomes = outcomesOf(drawn)
        const document = tallied(outcomes, named)
        expect(document.accounts).toBe(outcomes.length)
        expect(document.currencies.map(({ currency }) => currency)).toEqual(
          [...new Set(outcomes.map(({ currency }) => currency))].toSorted(),
        )
        for (const one of document.currencies) {
          const mine = outcomes.filter(({ currency }) => currency === one.currency)
          checkCurrency(one, mine, named)
          checkBuckets(one, mine)
          for (const { key, accounts, before, after } of one.by_plan) {
            const under = mine.filter(({ plans }) => plans.before === key)
            expect(accounts).toBe(under.length)
            expect([minor(before), minor(after)]).toEqual([
              sumOf(under, (outcome) => outcome.before.net),
              sumOf(under, (outcome) => outcome.after.net),
            ])
          }
          const lines = one.by_price.reduce((sum, { before }) => sum + minor(before), 0n)
          expect(lines).toBe(minor(one.before.subtotal))
        }
      }),
    )
  })

  test('does not depend on the order of the accounts', () => {
    fc.assert(
      fc.property(world, fc.array(fc.nat(1_000), { minLength: 60, maxLength: 60 }), (drawn, places) => {
        const outcomes = outcomesOf(drawn)
        const shuffled = outcomes
          .map((outcome, index) => ({ outcome, place: places[index] ?? 0 }))
          .toSorted((a, b) => a.place - b.place)
          .map(({ outcome }) => outcome)
        expect(tallied(shuffled)).toEqual(tallied(outcomes))
      }),
    )
  })

  test('several periods of an account add up', () => {
    fc.assert(
      fc.property(fc.array(side, { minLength: 1, maxLength: 5 }), (sides) => {
        const whole = together(sides)
        for (const name of ['subtotal', 'net', 'total'] as const)
          expect(whole.charged[name]).toBe(sides.reduce((sum, { charged }) => sum + charged[name], 0n))
        for (const price of ['one', 'two'] as PriceKey[])
          expect(whole.prices.get(price)).toBe(sides.reduce((sum, { prices }) => sum + (prices.get(price) ?? 0n), 0n))
        expect(whole.plan).toBe(sides.at(-1)?.plan)
      }),
    )
  })

  test('lists are as long as stated, however many accounts there are (L12)', () => {
    const tally = new SimulationTally(3)
    const charged = (net: bigint) => ({ subtotal: net, net, total: net }) as unknown as Side['charged']
    for (let index = 0; index < 2_000; index += 1) {
      const plan = `plan-${index}` as PlanKey
      const prices = new Map([[`price-${index}` as PriceKey, 5n as Minor]])
      const before = { plan, charged: charged(5n), prices }
      const after = { plan, charged: charged(BigInt(index)), prices }
      const about = { account: `account-${index}` as AccountKey, currency: 'USD' } as const
      tally.add(compareSides(about, { before, after }))
      tally.addNotPriced({ account: about.account, reason: 'no plan' })
    }
    const [dollars] = tally.document().currencies
    expect(dollars?.most_more.map(({ account }) => account)).toEqual(['account-1999', 'account-1998', 'account-1997'])
    expect([dollars?.by_plan.length, dollars?.by_plan.at(-1)?.key]).toEqual([501, null])
    expect([dollars?.by_price.length, dollars?.by_price.at(-1)?.accounts]).toEqual([1_001, 1_000])
    const { accounts, named } = tally.document().not_priced
    expect([accounts, named.length]).toEqual([2_000, 100])
  })
})
