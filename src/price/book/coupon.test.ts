import { describe, expect, test } from 'vitest'
import { couponJson, couponTermsJson, parseCoupon } from './coupon.ts'

const common = { key: 'spring', name: 'Spring', effective_from: '2026-03-01T00:00:00Z' }

function fields(input: unknown): readonly (string | undefined)[] {
  const parsed = parseCoupon(input)
  return parsed.ok ? [] : parsed.error.map(({ field }) => field)
}

describe('a coupon', () => {
  test.each([
    { ...common, percent: '12.5', of: 'all' },
    { ...common, currency: 'JPY', amount: '500', of: ['out', 'requests'], periods: 3 },
    { ...common, currencies: ['EUR', 'USD'], amount: { USD: '10', EUR: '9.5' }, of: 'all', periods: null },
  ])('survives being written and read: %j', (input) => {
    const parsed = parseCoupon(input)
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
    const { terms } = parsed.value
    expect(parseCoupon(JSON.parse(JSON.stringify(couponTermsJson(terms))))).toEqual(parsed)
    expect(parseCoupon(couponJson({ ...terms, version: 2 }))).toEqual({ ok: true, value: { terms, version: 2 } })
  })

  test('a percentage holds in every currency, an amount in those that it names', () => {
    const percent = parseCoupon({ ...common, percent: '5', of: 'all' })
    const amount = parseCoupon({ ...common, currency: 'EUR', amount: '5', of: 'all' })
    if (!percent.ok || !amount.ok) throw new Error('both are coupons')
    expect(percent.value.terms.discounts.has('KWD')).toBe(true)
    expect([...amount.value.terms.discounts.keys()]).toEqual(['EUR'])
  })

  test('all its problems are told at once, each with its path', () => {
    const broken = { key: 'two words', name: '', percent: '101', currency: 'USD', of: ['a', 'a'], periods: 0, off: 1 }
    expect(new Set(fields(broken))).toEqual(
      new Set(['off', 'key', 'name', 'percent', 'currency', 'of', 'periods', 'effective_from']),
    )
  })

  test.each([
    [{ ...common, of: 'all' }, ['']],
    [{ ...common, of: 'all', percent: '5', amount: '5' }, ['']],
    [{ ...common, of: 'all', percent: '0' }, ['percent']],
    [{ ...common, of: 'all', currency: 'USD', amount: '0' }, ['amount']],
    [{ ...common, of: 'all', amount: '5' }, ['currency']],
    [{ ...common, of: 'all', currencies: ['USD', 'EUR'], amount: '5' }, ['amount']],
    [{ ...common, of: 'all', currencies: ['USD', 'EUR'], amount: { USD: '5' } }, ['amount.EUR']],
    [{ ...common, percent: '5' }, ['of']],
    [null, ['']],
    [[], ['']],
  ])('%j is refused at %j', (input, expected) => {
    expect(fields(input)).toEqual(expected)
  })
})
