import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compare, divide, exact, formatExact, formatQuantity, zero } from '../core/exact.ts'
import { forecastOf, rootUp } from './forecast.ts'
import type { ComingDay, PastDay } from './forecast.ts'

const one = exact(1n)
const days = (quantities: readonly number[], firstWeekday = 1): PastDay[] =>
  quantities.map((quantity, index) => ({
    weekday: ((firstWeekday - 1 + index) % 7) + 1,
    quantity: exact(BigInt(quantity)),
  }))
const coming = (...weekdays: number[]): ComingDay[] => weekdays.map((weekday) => ({ weekday, share: one }))

describe('forecast', () => {
  test('property: the root is the smallest whole number whose square is not smaller', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 80n }), (value) => {
        const root = rootUp(value)
        expect(root * root >= value && (root === 0n || (root - 1n) * (root - 1n) < value)).toBe(true)
      }),
    )
  })

  test('few days: the mean of whole days for what is left, and two standard deviations around it', () => {
    // 10, 20, 30: mean 20, variance 100. Two days are left: 2 × √(100 × (2 + 4/3)) = 2 × √(1000/3) = 36.5148…
    const forecast = forecastOf({ counted: exact(60n), past: days([10, 20, 30]), coming: coming(4, 5) })
    expect(formatExact(forecast?.estimate ?? zero)).toBe('100')
    expect(formatQuantity(forecast?.interval?.high ?? zero)).toMatch(/^136\.514837/)
    expect(formatQuantity(forecast?.interval?.low ?? zero)).toMatch(/^63\.485162/)
    expect(forecast?.method).toContain('the mean of the last 3 whole days')
  })

  test('from two whole weeks on each weekday has a mean of its own; equal weeks leave no doubt', () => {
    const week = [100, 100, 100, 100, 100, 10, 0]
    const forecast = forecastOf({
      counted: exact(7n),
      past: days([...week, ...week]),
      coming: [...coming(6, 7, 1), { weekday: 2, share: divide(one, exact(4n)) }],
    })
    expect(forecast?.method).toContain('each weekday in the last 14 whole days')
    // 7 counted, 10 + 0 + 100 + a quarter of 100.
    expect(
      [forecast?.estimate, forecast?.interval?.low, forecast?.interval?.high].map((value) =>
        formatExact(value ?? zero),
      ),
    ).toEqual(['142', '142', '142'])
  })

  test('days before the first traffic say nothing; without a whole day there is no forecast, with one no interval', () => {
    expect(forecastOf({ counted: zero, past: [], coming: coming(1) })).toBeNull()
    const begun = forecastOf({ counted: exact(5n), past: days([0, 0, 0, 8]), coming: coming(1, 2) })
    expect(begun).toMatchObject({ days: 1, interval: null })
    expect(formatExact(begun?.estimate ?? zero)).toBe('21')
    const nothing = forecastOf({ counted: zero, past: days([0, 0, 0]), coming: coming(1, 2) })
    expect(formatExact(nothing?.estimate ?? one)).toBe('0')
  })

  test('property: what never shrank is not forecast to be less than it is; low, estimate and high stand in this order', () => {
    const past = fc.array(fc.nat(10_000), { minLength: 2, maxLength: 40 })
    fc.assert(
      fc.property(
        past,
        fc.nat(100_000),
        fc.array(fc.integer({ min: 1, max: 7 }), { maxLength: 20 }),
        (values, sum, left) => {
          const forecast = forecastOf({ counted: exact(BigInt(sum)), past: days(values), coming: coming(...left) })
          if (forecast?.interval === null || forecast === null) return
          const { low, high } = forecast.interval
          expect(compare(low, exact(BigInt(sum)))).toBeGreaterThanOrEqual(0)
          expect(compare(low, forecast.estimate)).toBeLessThanOrEqual(0)
          expect(compare(forecast.estimate, high)).toBeLessThanOrEqual(0)
        },
      ),
    )
  })
})
