import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compare, divide, exact, formatExact, one } from '../../core/exact.ts'
import { formatMinor } from '../../core/money.ts'
import type { Micros, Period } from '../../core/time.ts'
import { parsePlan } from '../plan.ts'
import type { Price } from '../price.ts'
import { shareOf } from './proration.ts'
import { rateLines } from './rate-lines.ts'
import type { PartLine, PricedPart } from './rate-lines.ts'
import { replayTrace } from './replay.ts'
import { usageOf } from './slice.ts'

const month = { from: 0 as Micros, to: 3000 as Micros }
const early = { from: 0 as Micros, to: 1000 as Micros }
const late = { from: 1000 as Micros, to: 3000 as Micros }

function planOf(prices: readonly object[], extra: object = {}): readonly Price[] {
  const parsed = parsePlan({
    key: 'p',
    name: 'P',
    currency: 'USD',
    effective_from: '2026-01-01T00:00:00Z',
    prices: prices.map((price) => ({ name: 'N', ...price })),
    ...extra,
  })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  return parsed.value.terms.prices
}

function problemsOf(prices: readonly object[]): string[] {
  try {
    planOf(prices)
    return []
  } catch (error) {
    const problems = JSON.parse((error as Error).message) as { field: string; message: string }[]
    return problems.map(({ field, message }) => `${field} ${message}`)
  }
}

const unit = (key: string, amount = '1'): object => ({
  key,
  meter: 'm',
  model: { kind: 'per_unit', unit_amount: amount },
})
const fee = (key: string, amount: string): object => ({ key, model: { kind: 'flat', amount } })
const surcharge = (key: string, percent: string, of: unknown): object => ({
  key,
  model: { kind: 'surcharge', percent, of },
})
const commitment = (key: string, amount: string, of: unknown, factor?: string): object => ({
  key,
  model: { kind: 'commitment', amount, of, ...(factor === undefined ? {} : { overage_factor: factor }) },
})

/** All prices in a part of the month; quantities by key. */
function partsOf(
  prices: readonly Price[],
  part: Period,
  quantities: Readonly<Record<string, string>> = {},
): PricedPart[] {
  return prices.map((price) => ({
    price,
    part,
    share: shareOf(part, month),
    additive: true,
    count: one,
    usage: usageOf(exact(quantities[price.key] ?? '0')),
  }))
}

function rated(parts: readonly PricedPart[]): readonly PartLine[] {
  const lines = rateLines(parts, { currency: 'USD', traced: true })
  for (const { line } of lines) {
    const replayed = replayTrace(line.trace)
    expect(replayed.ok && formatExact(replayed.value)).toBe(formatExact(exact(formatMinor(line.amount, 'USD'))))
  }
  return lines
}

const shown = (lines: readonly PartLine[]): string[] =>
  lines.map(({ line }) => `${line.price} ${line.kind} ${formatMinor(line.amount, 'USD')}`)

describe('a surcharge', () => {
  test('is a percentage of the rounded amounts of the lines, true-ups among them', () => {
    // 3 × 0.335 = 1.005 → 1.01; the true-up brings 0.50 to 2.00; 50 % of 3.01 is 1.505 → 1.51. Of 3.005 it were 1.50.
    const prices = planOf([
      { ...unit('a', '0.335') },
      { ...unit('b'), minimum: '2' },
      surcharge('fips', '50', ['a', 'b']),
    ])
    expect(shown(rated(partsOf(prices, month, { a: '3', b: '0.5' })))).toEqual([
      'a usage 1.01',
      'b usage 0.50',
      'b true_up 1.50',
      'fips surcharge 1.51',
    ])
  })

  test('of nothing has a line of zero, and says what it is of', () => {
    const [, line] = rated(partsOf(planOf([unit('a'), surcharge('s', '50', 'all')]), month))
    expect(line?.line).toMatchObject({ kind: 'surcharge', amount: 0n, unit: 'USD', meter: null, description: 'N' })
    expect(line?.line.trace.map(({ step }) => step)).toEqual(['add_up', 'price', 'round'])
    expect(line?.line.trace[0]?.parts).toHaveLength(1)
  })

  test('`all` is every price that is not over lines, wherever they stand', () => {
    const prices = planOf([
      surcharge('s', '10', 'all'),
      unit('a'),
      commitment('c', '100', 'all'),
      surcharge('t', '100', 'all'),
      fee('f', '20'),
    ])
    expect(shown(rated(partsOf(prices, month, { a: '30' })))).toEqual([
      's surcharge 5.00',
      'a usage 30.00',
      'c true_up 50.00',
      't surcharge 50.00',
      'f fee 20.00',
    ])
  })

  test('its discount, maximum and minimum apply as on other lines', () => {
    const model = { kind: 'surcharge', percent: '50', of: ['a'] }
    const prices = planOf([
      unit('a'),
      { key: 'd', model, discounts: [{ percent: '10' }, { amount: '1' }] },
      { key: 'x', model, maximum: '7' },
      { key: 'n', model, minimum: '12' },
    ])
    expect(shown(rated(partsOf(prices, month, { a: '20' })))).toEqual([
      'a usage 20.00',
      'd surcharge 8.00',
      'x surcharge 7.00',
      'n surcharge 10.00',
      'n true_up 2.00',
    ])
  })
})

describe('a commitment', () => {
  test.each([
    ['40', undefined, ['c true_up 60.00']],
    ['99.99', undefined, ['c true_up 0.01']],
    ['100', '1.5', []],
    ['130', undefined, []],
    ['130', '1', []],
    // 30 beyond, at one and a half times: the lines have charged 30, so 15 are to come.
    ['130', '1.5', ['c overage 15.00']],
    ['100.01', '1.5', ['c overage 0.01']],
  ])('of 100 with %s used and factor %s', (used, factor, expected) => {
    const lines = rated(partsOf(planOf([unit('a'), commitment('c', '100', ['a'], factor)]), month, { a: used }))
    expect(shown(lines).slice(1)).toEqual(expected)
  })

  test('says how much was beyond, in money', () => {
    const lines = rated(partsOf(planOf([unit('a'), commitment('c', '100', ['a'], '1.2')]), month, { a: '150' }))
    const line = lines[1]?.line
    expect(line?.description).toBe('N: overage')
    expect(
      [line?.quantity, line?.billableQuantity, line?.unitAmount].map((value) => value && formatExact(value)),
    ).toEqual(['150', '50', '0.2'])
  })

  test('in a pricing unit is converted once, and its modifiers are in the unit', () => {
    const prices = planOf([unit('a'), { ...commitment('c', '300', ['a']), in: 'cr', discounts: [{ amount: '20' }] }], {
      pricing_units: [{ key: 'cr', name: 'credits', rate: '0.5' }],
    })
    // 40 USD are 80 credits; 220 are missing, 200 after the discount, worth 100 USD.
    expect(shown(rated(partsOf(prices, month, { a: '40' })))[1]).toBe('c true_up 100.00')
    const twice = planOf([unit('a'), { ...commitment('c', '100', ['a'], '2'), in: 'cr' }], {
      pricing_units: [{ key: 'cr', name: 'credits', rate: '0.5' }],
    })
    // 60 USD are 120 credits, 20 beyond, worth 10 USD, charged once more.
    const [, beyond] = rated(partsOf(twice, month, { a: '60' }))
    expect(beyond?.line.amount).toBe(1000n)
    expect(beyond && formatExact(beyond.line.billableQuantity)).toBe('10')
  })

  test('its minimum is owed also where no line is', () => {
    const prices = planOf([unit('a'), { ...commitment('c', '10', ['a']), minimum: '3' }])
    expect(shown(rated(partsOf(prices, month, { a: '50' })))).toEqual(['a usage 50.00', 'c true_up 3.00'])
  })

  test('is refused with a factor that would take money back', () => {
    expect(problemsOf([unit('a'), commitment('c', '1', ['a'], '0.5')])[0]).toMatch(/^prices\.1\.model\.overage_factor/)
  })
})

describe('parts of a period', () => {
  test('a commitment is cut to its part and looks at the lines inside it', () => {
    const prices = planOf([unit('a'), commitment('c', '300', ['a'])])
    const lines = rated([...partsOf(prices, early, { a: '40' }), ...partsOf(prices, late, { a: '250' })])
    // A third of 300 is 100, two thirds are 200.
    expect(shown(lines)).toEqual(['a usage 40.00', 'c true_up 60.00', 'a usage 250.00'])
  })

  test('proration by amounts cuts it no second time, and none not at all', () => {
    const cut = (proration: string): string[] =>
      shown(
        rated(
          partsOf(
            planOf([
              unit('a'),
              { ...commitment('c', '300', 'all'), proration },
              { ...surcharge('s', '50', 'all'), proration },
            ]),
            early,
            { a: '40' },
          ),
        ),
      )
    expect(cut('amounts')).toEqual(['a usage 40.00', 'c true_up 60.00', 's surcharge 20.00'])
    expect(cut('bounds')).toEqual(cut('amounts'))
    expect(cut('none')).toEqual(['a usage 40.00', 'c true_up 260.00', 's surcharge 20.00'])
  })

  test('what lies in part outside is not of it', () => {
    const [a] = planOf([unit('a')])
    const [, s] = planOf([unit('a'), surcharge('s', '100', ['a'])])
    if (a === undefined || s === undefined) throw new Error('two prices')
    const of = (price: Price, part: Period): PricedPart[] => partsOf([price], part, { a: '10' })
    expect(shown(rated([...of(a, month), ...of(s, early)]))).toEqual(['a usage 10.00', 's surcharge 0.00'])
    expect(shown(rated([...of(a, early), ...of(a, late), ...of(s, month)]))[2]).toBe('s surcharge 20.00')
  })
})

describe('prices over each other', () => {
  test('are rated from the inside, and stand in their own order', () => {
    const prices = planOf([
      surcharge('outer', '10', ['inner', 'c']),
      surcharge('inner', '50', ['a']),
      commitment('c', '100', ['a']),
      unit('a'),
    ])
    expect(shown(rated(partsOf(prices, month, { a: '20' })))).toEqual([
      'outer surcharge 9.00',
      'inner surcharge 10.00',
      'c true_up 80.00',
      'a usage 20.00',
    ])
  })

  test('a name that is not there, and each circle once, are told when the plan is read', () => {
    const problems = problemsOf([
      unit('transfer'),
      surcharge('a', '1', ['b', 'transfre']),
      surcharge('b', '1', ['c']),
      surcharge('c', '1', ['a', 'transfer']),
      surcharge('self', '1', ['self']),
      surcharge('fine', '1', ['c', 'a']),
    ])
    expect(problems).toEqual([
      'prices.1.model.of.1 names no price that is here: "transfre". Did you mean transfer?',
      'prices.1.model.of goes round in a circle: a → b → c → a; a price cannot be over its own lines',
      'prices.4.model.of goes round in a circle: self → self; a price cannot be over its own lines',
    ])
  })

  test('a circle is found by a way that crosses another', () => {
    expect(
      problemsOf([surcharge('a', '1', ['b', 'c']), surcharge('b', '1', ['c']), surcharge('c', '1', ['a'])]),
    ).toEqual([
      'prices.0.model.of goes round in a circle: a → c → a; a price cannot be over its own lines',
      'prices.1.model.of goes round in a circle: b → c → a → b; a price cannot be over its own lines',
    ])
  })

  test('any plan is refused exactly where a price comes back to itself', () => {
    const graph = fc.array(fc.uniqueArray(fc.nat({ max: 5 }), { minLength: 1, maxLength: 3 }), {
      minLength: 6,
      maxLength: 6,
    })
    fc.assert(
      fc.property(graph, (edges) => {
        const reached = edges.map((to) => new Set(to))
        // Slow closure: who can be reached at all.
        for (let round = 0; round < 6; round += 1)
          for (const set of reached) for (const node of set) for (const next of reached[node] ?? []) set.add(next)
        const isCircular = reached.some((set, node) => set.has(node))
        const problems = problemsOf(
          edges.map((to, index) =>
            surcharge(
              `k${index}`,
              '1',
              to.map((node) => `k${node}`),
            ),
          ),
        )
        expect(problems.length > 0).toBe(isCircular)
      }),
    )
  })
})

test('any lines: a surcharge and a commitment against plain cents', () => {
  const cents = fc.bigInt({ min: 0n, max: 10_000_000n })
  fc.assert(
    fc.property(
      fc.array(cents, { minLength: 1, maxLength: 6 }),
      cents,
      fc.nat({ max: 300 }),
      fc.nat({ max: 200 }),
      (used, owed, percent, more) => {
        const names = used.map((_, index) => `a${index}`)
        const decimal = (value: bigint, digits: number): string =>
          formatExact(divide(exact(value), exact(10n ** BigInt(digits))))
        const prices = planOf([
          ...names.map((key) => unit(key, '0.01')),
          surcharge('s', String(percent), names),
          commitment('c', decimal(owed, 2), 'all', decimal(BigInt(100 + more), 2)),
        ])
        const quantities = Object.fromEntries(names.map((key, index) => [key, String(used[index])]))
        const lines = rated(partsOf(prices, month, quantities))
        const total = used.reduce((sum, one) => sum + one, 0n)
        const half = (hundredths: bigint): bigint => (hundredths + 50n) / 100n
        const amount = (key: string): bigint => lines.find(({ line }) => line.price === key)?.line.amount ?? 0n
        expect(amount('s')).toBe(half(total * BigInt(percent)))
        expect(amount('c')).toBe(total < owed ? owed - total : half((total - owed) * BigInt(more)))
        expect(lines.every(({ line }) => compare(line.exactAmount, exact(0n)) >= 0)).toBe(true)
      },
    ),
    { numRuns: 50 },
  )
})
