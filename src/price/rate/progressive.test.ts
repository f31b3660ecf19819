import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { exact, formatExact, one, zero } from '../../core/exact.ts'
import { addMinor, formatMinor } from '../../core/money.ts'
import type { Micros, Period } from '../../core/time.ts'
import { documentOf } from '../place.ts'
import { parsePrice } from '../price.ts'
import type { Price } from '../price.ts'
import { progress, readThresholds, thresholdDue, thresholdsJson } from './progressive.ts'
import type { BilledLine, RunLine } from './progressive.ts'
import { rateLines } from './rate-lines.ts'
import type { PartLine } from './rate-lines.ts'
import { usageOf } from './slice.ts'

const period: Period = { from: 0 as Micros, to: 2_592_000_000_000 as Micros }

function priceOf(price: object): Price {
  const parsed = parsePrice({ key: 'p', name: 'P', ...price }, 'rated alone')
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  return parsed.value
}

function rated(prices: readonly Price[], quantity: string, isInterim = false): readonly PartLine[] {
  const usage = usageOf(exact(quantity))
  const parts = prices.map((price) => ({ price, part: period, share: one, additive: true, count: one, usage }))
  return rateLines(parts, { currency: 'USD', traced: true, isInterim })
}

const shown = (lines: readonly RunLine[]): string[] =>
  lines.map(
    ({ price, kind, quantity, amount }) => `${price} ${kind} ${formatExact(quantity)} ${formatMinor(amount, 'USD')}`,
  )

const perUnit = priceOf({ model: { kind: 'per_unit', unit_amount: '0.001' } })
const withMinimum = priceOf({ key: 'm', minimum: '5', model: { kind: 'per_unit', unit_amount: '1' } })

describe('a period that is billed in several runs', () => {
  test('rounded amounts are subtracted: 0.33 and then 0.34 make the 0.67 of the whole', () => {
    const first = progress({ whole: rated([perUnit], '333'), billed: [], isFinal: false })
    const second = progress({ whole: rated([perUnit], '666'), billed: first, isFinal: true })
    expect(shown(first)).toEqual(['p usage 333 0.33'])
    expect(shown(second)).toEqual(['p usage 333 0.34'])
    expect(second[0]?.before.amount).toBe(33n)
    expect(second[0]?.owed?.rated.trace.length).toBeGreaterThan(0)
  })

  test('a whole that has fallen gives a line below zero, one that is the same gives none', () => {
    const first = progress({ whole: rated([perUnit], '5000'), billed: [], isFinal: false })
    expect(shown(progress({ whole: rated([perUnit], '3000'), billed: first, isFinal: false }))).toEqual([
      'p usage -2000 -2.00',
    ])
    expect(progress({ whole: rated([perUnit], '5000'), billed: first, isFinal: true })).toEqual([])
  })

  test('what is missing to a minimum is billed by the last run only', () => {
    const first = progress({ whole: rated([withMinimum], '2', true), billed: [], isFinal: false })
    expect(shown(first)).toEqual(['m usage 2 2.00'])
    const last = progress({ whole: rated([withMinimum], '3'), billed: first, isFinal: true })
    expect(shown(last)).toEqual(['m usage 1 1.00', 'm true_up 1 2.00'])
    // Late usage of a period that was closed: less is missing.
    const late = progress({ whole: rated([withMinimum], '9'), billed: [...first, ...last], isFinal: true })
    expect(shown(late)).toEqual(['m usage 6 6.00', 'm true_up -1 -2.00'])
  })

  test('a surcharge of an interim run is no percentage of what is missing, which that run leaves out', () => {
    const surcharge = priceOf({ key: 's', model: { kind: 'surcharge', percent: '50', of: 'all' } })
    const overCommitment = priceOf({ key: 'oc', model: { kind: 'surcharge', percent: '50', of: ['c'] } })
    const commitment = priceOf({ key: 'c', model: { kind: 'commitment', amount: '100', of: ['m'] } })
    const prices = [withMinimum, surcharge, commitment, overCommitment]
    const first = progress({ whole: rated(prices, '2', true), billed: [], isFinal: false })
    // Half of the 2.00 that were used, and not of the minimum of 5.00 or the commitment of 100.00.
    expect(shown(first)).toEqual(['m usage 2 2.00', 's surcharge 2 1.00'])
    const last = progress({ whole: rated(prices, '2'), billed: first, isFinal: true })
    // 5.00 are owed, half of them 2.50, 95.00 are missing, half of them 47.50.
    expect(shown(last)).toEqual([
      'm true_up 1 3.00',
      's surcharge 3 1.50',
      'c true_up 1 95.00',
      'oc surcharge 95 47.50',
    ])
    expect(() => progress({ whole: rated(prices, '2'), billed: [], isFinal: false })).toThrow('before its period')
  })

  test('a line that is not owed any more is given back', () => {
    const first = progress({ whole: rated([perUnit, withMinimum], '2000'), billed: [], isFinal: true })
    expect(shown(progress({ whole: rated([perUnit], '2000'), billed: first, isFinal: true }))).toEqual([
      'm usage -2000 -2000.00',
    ])
  })

  test('property: any runs together are the one rating of the whole', () => {
    const tiers = [{ up_to: '10', unit_amount: '1.005', flat_amount: '0.333' }, { unit_amount: '0.007' }]
    const prices = [
      perUnit,
      withMinimum,
      priceOf({ key: 'g', model: { kind: 'graduated', tiers } }),
      priceOf({ key: 'v', maximum: '12.345', model: { kind: 'volume', tiers } }),
      priceOf({
        key: 'd',
        discounts: [{ percent: '33.3' }],
        model: { kind: 'package', size: '7', package_amount: '0.5' },
      }),
      priceOf({ key: 's', model: { kind: 'surcharge', percent: '12.5', of: 'all' } }),
    ]
    const quantities = fc.array(fc.integer({ min: 0, max: 60_000 }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(quantities, fc.subarray(prices, { minLength: 1 }), fc.boolean(), (runs, some, isFinal) => {
        const billed: BilledLine[] = []
        let whole: readonly PartLine[] = []
        for (const [index, thousandths] of runs.entries()) {
          const isLast = isFinal && index === runs.length - 1
          whole = rated(some, (thousandths / 1000).toString(), !isLast)
          billed.push(...progress({ whole, billed, isFinal: isLast }))
        }
        const owed = whole
        expect(owed.some(({ line }) => line.kind === 'true_up') && !isFinal).toBe(false)
        for (const { line } of owed) {
          const own = billed.filter(({ price, kind }) => price === line.price && kind === line.kind)
          expect(addMinor(own.map(({ amount }) => amount))).toBe(line.amount)
        }
        expect(addMinor(billed.map(({ amount }) => amount))).toBe(addMinor(owed.map(({ line }) => line.amount)))
      }),
      { numRuns: 100 },
    )
  })
})

describe('thresholds', () => {
  const due = (thresholds: { amounts: string[]; each: string | null }, before: string, now: string): string | null => {
    const { amounts, each } = thresholds
    const read = { amounts: amounts.map(exact), each: each === null ? null : exact(each) }
    const found = thresholdDue(read, { before: exact(before), now: exact(now) })
    return found === null ? null : formatExact(found)
  }
  const fixed = { amounts: ['200', '500'], each: null }
  const recurring = { amounts: ['200', '500'], each: '100' }

  test.each([
    [fixed, '0', '199.99', null],
    [fixed, '0', '200', '200'],
    [fixed, '200', '499', null],
    [fixed, '100', '900', '500'],
    [fixed, '500', '9000', null],
    [fixed, '300', '100', null],
    [recurring, '500', '599', null],
    [recurring, '500', '600', '600'],
    [recurring, '0', '855', '800'],
    [recurring, '0', '255', '200'],
    [recurring, '855', '500', null],
    [{ amounts: [], each: '0.3' }, '0', '1', '0.9'],
  ])('%j from %s to %s: %s', (thresholds, before, now, reached) => {
    expect(due(thresholds, before, now)).toBe(reached)
  })

  test('are read with every problem at its place', () => {
    const read = (value: unknown): readonly string[] => {
      const place = documentOf(value)
      readThresholds(place)
      return place.problems.map(({ field }) => field ?? '')
    }
    expect(read({ amounts: ['200', '500.50'], each: '100' })).toEqual([])
    expect(read({ each: '100' })).toEqual([])
    expect(read({})).toEqual([''])
    expect(read({ amounts: ['0', '5', '5'] })).toEqual(['amounts.0', 'amounts.2'])
    expect(read({ amounts: ['5'], each: '0', other: 1 })).toEqual(['other', 'each'])
  })

  test.each([{ amounts: ['200', '500.5'], each: '100' }, { each: '100' }, { amounts: ['0.01'] }])(
    '%j is written as it was read',
    (terms) => {
      expect(thresholdsJson(readThresholds(documentOf(terms)))).toEqual(terms)
    },
  )

  test('no cost reaches nothing', () => {
    expect(thresholdDue({ amounts: [], each: one }, { before: zero, now: zero })).toBeNull()
  })
})
