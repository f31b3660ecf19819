import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { exact, formatExact, multiply } from '../../src/core/exact.ts'
import { formatMinor } from '../../src/core/money.ts'
import type { Currency } from '../../src/core/money.ts'
import { rateLine } from '../../src/price/rate/line.ts'
import type { RatedLine } from '../../src/price/rate/line.ts'
import { priceJson } from '../../src/price/price.ts'
import { replayTrace } from '../../src/price/rate/replay.ts'
import { rate } from '../../src/price/calculator/rate.ts'
import { parseRateRequest } from '../../src/price/calculator/rate-request.ts'
import { sentencesOf } from '../../src/price/rate/sentences.ts'
import { usageOf } from '../../src/price/rate/slice.ts'
import { isAbove, isSame, minus, plus, rational, rationalText, readRational, times } from '../support/plain-rational.ts'
import type { Rational } from '../support/plain-rational.ts'
import {
  addTexts,
  anyTotalModel,
  eventPrices,
  prices,
  quantities,
  sharedPrices,
  totalModels,
  usages,
} from '../support/price-arbitrary.ts'
import {
  lineContextOf,
  lineUsageOf,
  priceOurs,
  readPriceOf,
  slowContextOf,
  wholeDollars,
} from '../support/price-lines.ts'
import type { Surroundings } from '../support/price-lines.ts'
import { priceSlowly } from '../support/price-oracle.ts'
import type { Json, SlowUsage } from '../support/price-oracle.ts'
import { traceProblems } from '../support/trace-evaluator.ts'

const shares: fc.Arbitrary<readonly [bigint, bigint]> = fc
  .tuple(fc.bigInt({ min: 1n, max: 31n }), fc.bigInt({ min: 0n, max: 30n }))
  .map(([part, more]) => [part, part + more])

const surroundings: fc.Arbitrary<Surroundings> = fc.record({
  currency: fc.constantFrom<Currency>('USD', 'JPY', 'KWD'),
  share: fc.oneof(fc.constant<readonly [bigint, bigint]>([1n, 1n]), shares),
  additive: fc.boolean(),
})

const cent = readRational('0.01')
const totalUsage = (quantity: string): SlowUsage => ({ quantity, windows: [], groups: [], values: null })

/** A fee is one, whatever was used. */
const usedOf = (price: Json, usage: SlowUsage): SlowUsage => (price['model'].kind === 'flat' ? totalUsage('1') : usage)

function problemsOf(line: RatedLine, currency: Currency, quantity: string | null): readonly string[] {
  return traceProblems({ quantity, amount: formatMinor(line.amount, currency), trace: line.trace })
}

const exactOf = (json: Json, quantity: string, around = wholeDollars): Rational =>
  priceOurs(json, totalUsage(quantity), around).exact

const without = (price: Json, names: readonly string[]): Json =>
  Object.fromEntries(Object.entries(price).filter(([name]) => !names.includes(name)))

const alone = (model: Json): Json => ({ key: 'p', name: 'P', meter: 'bytes', model })

describe('any price with any modifiers', () => {
  test('costs what the slow oracle says, to the last digit, and so does its true-up', () => {
    fc.assert(
      fc.property(prices, usages, surroundings, (price, usage, around) => {
        const ours = priceOurs(price, usage, around)
        const slow = priceSlowly(price, usedOf(price, usage), slowContextOf(price, around))
        expect([ours.exact, ours.amount, ours.missing].map(rationalText)).toEqual(
          [slow.exact, slow.amount, slow.missing].map(rationalText),
        )
      }),
      { numRuns: 1200 },
    )
  })

  test('explains every number: an evaluator that knows no prices gets each step again, from the quantity to the amount', () => {
    fc.assert(
      fc.property(prices, usages, surroundings, (price, usage, around) => {
        const { line, trueUp } = priceOurs(price, usage, around)
        // A fee is the same whatever was used: it starts from its amount.
        const start = line.kind === 'fee' ? null : formatExact(line.quantity)
        expect(problemsOf(line, around.currency, start)).toEqual([])
        if (trueUp !== null) expect(problemsOf(trueUp, around.currency, null)).toEqual([])
        const replayed = replayTrace(line.trace)
        expect(replayed.ok && formatExact(replayed.value)).toBe(
          formatExact(exact(formatMinor(line.amount, around.currency))),
        )
        expect(sentencesOf(line, around.currency).every((sentence) => sentence.trim() !== '')).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  test('costs the same where nobody asks for a trace', () => {
    fc.assert(
      fc.property(prices, usages, surroundings, (json, usage, around) => {
        const price = readPriceOf(json)
        const context = lineContextOf(around)
        const [told, quiet] = [true, false].map((traced) => rateLine(price, lineUsageOf(usage), { ...context, traced }))
        expect({ ...quiet, trace: [] }).toEqual({ ...told, trace: [] })
        expect(quiet?.trace).toEqual([])
      }),
      { numRuns: 200 },
    )
  })

  test('stays below its maximum, and reaches its minimum with its true-up', () => {
    fc.assert(
      fc.property(prices, usages, surroundings, (price, usage, around) => {
        const { exact: due, amount, missing } = priceOurs(price, usage, around)
        const { rate: worth, share } = slowContextOf(price, around)
        const cut = price['proration'] === 'none' ? rational(1n) : share
        const limit = (name: string): Rational => times(times(readRational(price[name] ?? '0'), cut), worth)
        if (price['maximum'] !== undefined) expect(isAbove(due, limit('maximum'))).toBe(false)
        // The true-up is rounded too, so it may be short by half of the smallest unit.
        const short = minus(limit('minimum'), plus(amount, missing))
        const smallest = { USD: '0.005', JPY: '0.5', KWD: '0.0005' }[around.currency as 'USD' | 'JPY' | 'KWD']
        if (price['minimum'] !== undefined) expect(isAbove(short, readRational(smallest))).toBe(false)
      }),
      { numRuns: 300 },
    )
  })

  test('survives being written as JSON and read again', () => {
    fc.assert(
      fc.property(prices, usages, surroundings, (json, usage, around) => {
        const written = JSON.parse(JSON.stringify(priceJson(readPriceOf(json)))) as Json
        expect(priceJson(readPriceOf(written))).toEqual(written)
        // What was written means the same to the oracle, which reads JSON only.
        const used = usedOf(json, usage)
        const [before, after] = [json, written].map((price) => priceSlowly(price, used, slowContextOf(json, around)))
        expect(after).toEqual(before)
        expect(written['in']).toBe(json['in'])
      }),
      { numRuns: 300 },
    )
  })
})

describe('more use never costs less', () => {
  const promised = Object.entries(totalModels).filter(([kind]) => kind !== 'volume')

  test.each(promised)('%s', (_, models) => {
    fc.assert(
      fc.property(sharedPrices(models), quantities, quantities, (price, quantity, more) => {
        const [before, after] = [exactOf(price, quantity), exactOf(price, addTexts([quantity, more]))]
        expect(isAbove(before, after)).toBe(false)
      }),
      { numRuns: 100 },
    )
  })

  test('volume promises no such thing: the eleventh unit makes the ten before it cheaper', () => {
    const price = alone({ kind: 'volume', tiers: [{ up_to: '10', unit_amount: '1' }, { unit_amount: '0.5' }] })
    expect(rationalText(exactOf(price, '10'))).toBe('10')
    expect(rationalText(exactOf(price, '11'))).toBe('11/2')
  })

  test('one more event never makes all of them cheaper', () => {
    fc.assert(
      fc.property(eventPrices, usages, quantities, (price, usage, value) => {
        const more = { ...usage, quantity: addTexts([usage.quantity, value]), values: [...(usage.values ?? []), value] }
        const dueOf = (used: SlowUsage): Rational => priceOurs(price, used, wholeDollars).exact
        expect(isAbove(dueOf(usage), dueOf(more))).toBe(false)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('how a quantity is told changes nothing', () => {
  const totalOf = (price: Json, used: object): string => {
    const request = parseRateRequest({ currency: 'USD', price: without(price, ['meter', 'key', 'name']), ...used })
    if (!request.ok) throw new Error(JSON.stringify(request.error))
    return JSON.stringify(rate(request.value).lines.map(({ exact_amount, amount }) => [exact_amount, amount]))
  }
  const dayAt = (index: number): string => new Date(Date.UTC(2026, 0, 1 + index)).toISOString()
  const models = sharedPrices(anyTotalModel).map((price) => without(price, ['in']))

  test('windows are together what their sum is', () => {
    fc.assert(
      fc.property(models, fc.array(quantities, { minLength: 1, maxLength: 6 }), (price, parts) => {
        const windows = parts.map((quantity, index) => ({ from: dayAt(index), to: dayAt(index + 1), quantity }))
        expect(totalOf(price, { windows })).toBe(totalOf(price, { quantity: addTexts(parts) }))
      }),
      { numRuns: 150 },
    )
  })

  test('a quantity split into events in any way is the same quantity', () => {
    fc.assert(
      fc.property(models, fc.array(quantities, { minLength: 1, maxLength: 8 }), (price, values) => {
        expect(totalOf(price, { values })).toBe(totalOf(price, { quantity: addTexts(values) }))
        expect(totalOf(price, { values: values.toReversed() })).toBe(totalOf(price, { values }))
      }),
      { numRuns: 150 },
    )
  })
})

describe('bounds of tiers have no gap and no overlap', () => {
  const smallest = '0.000000000000000001'
  const epsilon = readRational(smallest)
  const tiersOf = (price: Json): readonly Json[] => price['model'].tiers as readonly Json[]
  const rateOf = (tier: Json | undefined): Rational =>
    tier?.['percent'] === undefined
      ? readRational(tier?.['unit_amount'] ?? '0')
      : times(readRational(tier['percent']), cent)
  const flatOf = (tier: Json | undefined): Rational => readRational(tier?.['flat_amount'] ?? '0')
  const around = (price: Json, bound: string): readonly [Rational, Rational, Rational] => {
    const [whole = '', decimals = ''] = bound.split('.')
    const scaled = BigInt(whole + decimals.padEnd(18, '0'))
    const below = (scaled - 1n).toString().padStart(19, '0')
    const under = `${below.slice(0, -18)}.${below.slice(-18)}`
    return [exactOf(price, under), exactOf(price, bound), exactOf(price, addTexts([bound, smallest]))]
  }

  test.each(['graduated', 'graduated_percentage'] as const)(
    '%s: the last part of a unit below a bound costs its tier, the first above it the next',
    (kind) => {
      fc.assert(
        fc.property((totalModels[kind] ?? anyTotalModel).map(alone), (price) => {
          const tiers = tiersOf(price)
          tiers.slice(0, -1).forEach((tier, index) => {
            const [under, on, beyond] = around(price, String(tier['up_to']))
            expect(rationalText(minus(on, under))).toBe(rationalText(times(epsilon, rateOf(tier))))
            const next = tiers[index + 1]
            const step = plus(times(epsilon, rateOf(next)), flatOf(next))
            expect(rationalText(minus(beyond, on))).toBe(rationalText(step))
          })
        }),
        { numRuns: 60 },
      )
    },
  )

  test('volume: the bound belongs to the tier below, all that is beyond to the next', () => {
    fc.assert(
      fc.property((totalModels['volume'] ?? anyTotalModel).map(alone), (price) => {
        const tiers = tiersOf(price)
        tiers.slice(0, -1).forEach((tier, index) => {
          const bound = readRational(String(tier['up_to']))
          const [under, on, beyond] = around(price, String(tier['up_to']))
          const costs = (one: Json | undefined, quantity: Rational): string =>
            rationalText(plus(times(quantity, rateOf(one)), flatOf(one)))
          expect(rationalText(under)).toBe(costs(tier, minus(bound, epsilon)))
          expect(rationalText(on)).toBe(costs(tier, bound))
          expect(rationalText(beyond)).toBe(costs(tiers[index + 1], plus(bound, epsilon)))
        })
      }),
      { numRuns: 60 },
    )
  })

  test('packages: the smallest part beyond a full one begins the next', () => {
    const price = (round: string): Json => alone({ kind: 'package', size: '2.5', package_amount: '7', round })
    expect(around(price('up'), '10').map(rationalText)).toEqual(['28', '28', '35'])
    expect(around(price('down'), '10').map(rationalText)).toEqual(['21', '28', '28'])
  })

  test('committed: the smallest part beyond costs overage, what is below costs nothing more', () => {
    const model = { kind: 'committed', quantity: '10', unit_amount: '2', overage_unit_amount: '3' }
    const [under, on, beyond] = around(alone(model), '10')
    expect([under, on, minus(beyond, on)].map(rationalText)).toEqual([
      '20',
      '20',
      rationalText(times(epsilon, rational(3n))),
    ])
  })
})

describe('the parts of a period are together the whole', () => {
  const spread = anyTotalModel.filter(({ kind }) => kind !== 'package')

  test('under "bounds", where the usage is spread as the time is', () => {
    fc.assert(
      fc.property(sharedPrices(spread), quantities, shares, (json, quantity, [part, whole]) => {
        const price = readPriceOf({ ...json, proration: 'bounds' })
        const dueOf = (count: bigint): Rational => {
          const { share, ...context } = lineContextOf({ ...wholeDollars, share: [count, whole] })
          const used = usageOf(multiply(exact(quantity), share))
          return readRational(formatExact(rateLine(price, used, { ...context, share }).exactAmount))
        }
        expect(rationalText(plus(dueOf(part), dueOf(whole - part)))).toBe(rationalText(dueOf(whole)))
      }),
      { numRuns: 200 },
    )
  })

  test('under "amounts", where each part has the level of the whole', () => {
    fc.assert(
      fc.property(sharedPrices(anyTotalModel), quantities, shares, (json, quantity, [part, whole]) => {
        // A fixed discount or maximum is cut as the amount is, so the parts still add up.
        const price = { ...json, proration: 'amounts' }
        const dueOf = (count: bigint): Rational => exactOf(price, quantity, { ...wholeDollars, share: [count, whole] })
        expect(rationalText(plus(dueOf(part), dueOf(whole - part)))).toBe(rationalText(dueOf(whole)))
      }),
      { numRuns: 200 },
    )
  })

  test('a third of a month is exact until the one rounding: three of them are the month', () => {
    // 31 days at 10.00 are 10.00; a third is 10/3, not 3.33. Three thirds are exactly 10 again.
    const fee = { key: 'p', name: 'P', model: { kind: 'flat', amount: '10' } }
    const third = priceOurs(fee, totalUsage('1'), { ...wholeDollars, share: [1n, 3n] })
    expect([rationalText(third.exact), rationalText(third.amount)]).toEqual(['10/3', '333/100'])
    expect(isSame(times(third.exact, rational(3n)), rational(10n))).toBe(true)
    // 100 GB are included in the month, 33.33… in a third of it: of 40 GB 6.66… are beyond, at 0.30 they cost 2.00.
    const usage = { ...alone({ kind: 'per_unit', unit_amount: '0.30' }), included: '100' }
    const cut = priceOurs(usage, totalUsage('40'), { ...wholeDollars, share: [1n, 3n] })
    expect([formatExact(cut.line.billableQuantity), rationalText(cut.exact)]).toEqual(['20/3', '2'])
    expect(problemsOf(cut.line, 'USD', '40')).toEqual([])
  })
})

describe('no digit is lost', () => {
  test('10^30 units at 18 decimals', () => {
    // (10^30 + 1) × 0.000000000000000001 = 10^12 and 18 decimals
    const price = alone({ kind: 'per_unit', unit_amount: '0.000000000000000001' })
    const line = priceOurs(price, totalUsage(`1${'0'.repeat(29)}1`), wholeDollars).line
    expect(formatExact(line.exactAmount)).toBe('1000000000000.000000000000000001')
    // 123456789012345678901234567890.123456789012345678 × 3 % in two tiers of 1 % and 3 %, by hand:
    // 10^29 × 0.01 = 10^27, and the 23456789012345678901234567890.123456789012345678 beyond × 0.03
    const tiers = [{ up_to: `1${'0'.repeat(29)}`, percent: '1' }, { percent: '3' }]
    const two = alone({ kind: 'graduated_percentage', tiers })
    expect(
      formatExact(
        priceOurs(two, totalUsage('123456789012345678901234567890.123456789012345678'), wholeDollars).line.exactAmount,
      ),
    ).toBe('1703703670370370367037037036.70370370367037037034')
  })
})
