import { describe, expect, test } from 'vitest'
import { parseRateRequest, rate } from './rate.ts'
import type { RateAnswer } from './rate.ts'

function answer(body: unknown): RateAnswer {
  const request = parseRateRequest(body)
  if (!request.ok) throw new Error(JSON.stringify(request.error))
  return rate(request.value)
}

function fields(body: unknown): readonly unknown[] {
  const parsed = parseRateRequest(body)
  return parsed.ok ? [] : parsed.error.map(({ field }) => field)
}

const price = { model: { kind: 'per_unit', unit_amount: '0.1' } }
const day = (number: number, quantity: string): object => ({
  from: `2026-10-0${number}T00:00:00Z`,
  to: `2026-10-0${number + 1}T00:00:00Z`,
  quantity,
})

describe('what a request says is what is rated', () => {
  const flat = { model: { kind: 'flat', amount: '10' } }
  const hinted = 'is left out of a flat price, which measures nothing; write "count": "5" for so many of it'

  test('a quantity of a flat price is not thrown away without a word', () => {
    expect(answer({ currency: 'USD', price: flat, count: '5' }).total).toBe('50.00')
    expect(answer({ currency: 'USD', price: flat, quantity: '1' }).total).toBe('10.00')
    const refused = parseRateRequest({ currency: 'USD', price: flat, quantity: '5' })
    expect(refused).toMatchObject({ ok: false, error: [{ field: 'quantity', message: hinted }] })
    expect(fields({ currency: 'USD', price: flat, windows: [day(1, '2'), day(2, '3')] })).toEqual(['windows'])
    expect(fields({ currency: 'USD', prices: [{ price: flat, quantity: '0' }] })).toEqual(['prices.0.quantity'])
  })

  test('no windows are nothing used, as no groups are', () => {
    const each = { each: { window: 'day' }, model: { kind: 'per_unit', unit_amount: '1' } }
    for (const one of [price, each]) {
      const { lines } = answer({ currency: 'USD', price: one, windows: [] })
      expect(lines.map(({ quantity, amount }) => [quantity, amount])).toEqual([['0', '0.00']])
    }
  })

  const period = { from: '2026-06-01T00:00:00Z', to: '2026-07-01T00:00:00Z' }
  const firstHalf = { period, part: { from: '2026-06-01T00:00:00Z', to: '2026-06-16T00:00:00Z' } }

  test('a level without a meter is prorated as one with a meter is on an invoice', () => {
    const level = { included: '4', model: { kind: 'per_unit', unit_amount: '1' } }
    const ask = { currency: 'USD', quantity: '10', additive: false, ...firstHalf }
    // (10 − 4) × 1, half of it; half of the allowance would make it 10 − 2 = 8.
    expect(answer({ ...ask, price: level }).total).toBe('3.00')
    expect(answer({ ...ask, price: { ...level, meter: 'p95' } }).total).toBe('3.00')
  })

  test('the windows of a level lie in the part already, and are not cut a second time', () => {
    const daily = { meter: 'p95', each: { window: 'day' }, model: { kind: 'per_unit', unit_amount: '1' } }
    const windows = Array.from({ length: 15 }, (_, index) => ({
      from: `2026-06-${String(index + 1).padStart(2, '0')}T00:00:00Z`,
      to: `2026-06-${String(index + 2).padStart(2, '0')}T00:00:00Z`,
      quantity: '10',
    }))
    const ask = { currency: 'USD', windows, quantity: '10', additive: false, ...firstHalf }
    // 15 days × 10; what is said of the whole period is halved all the same.
    expect(answer({ ...ask, price: daily }).total).toBe('150.00')
    expect(answer({ ...ask, price: { ...daily, proration: 'amounts' } }).total).toBe('150.00')
    expect(answer({ ...ask, price: { ...daily, maximum: '200' } }).total).toBe('100.00')
  })

  test('a true-up in the currency names no unit amount of a price in a pricing unit', () => {
    const pricing_units = [{ key: 'c', name: 'credits', rate: '0.01' }]
    const metered = { key: 'm', in: 'c', minimum: '500', model: { kind: 'per_unit', unit_amount: '2' } }
    const commitment = { key: 'o', in: 'c', model: { kind: 'commitment', amount: '900', of: ['m'] } }
    const ask = { currency: 'USD', pricing_units, prices: [{ price: metered, quantity: '10' }, { price: commitment }] }
    // 10 × 2 × 0.01; then 5.00 less that; then 9.00 less both.
    expect(answer(ask).lines.map(({ kind, unit_amount, amount }) => [kind, unit_amount, amount])).toEqual([
      ['usage', '2', '0.20'],
      ['true_up', null, '4.80'],
      ['true_up', null, '4.00'],
    ])
  })
})
