import { describe, expect, test } from 'vitest'
import { parseRateRequest, rate } from './rate.ts'
import type { RateAnswer } from './rate.ts'

function answer(body: unknown): RateAnswer {
  const request = parseRateRequest(body)
  if (!request.ok) throw new Error(JSON.stringify(request.error))
  return rate(request.value)
}

const price = {
  unit: { name: 'GB', per: '1000000000' },
  included: '5',
  model: { kind: 'per_unit', unit_amount: '0.1' },
}

const day = (number: number, quantity: string): object => ({
  from: `2026-10-0${number}T00:00:00+02:00`,
  to: `2026-10-0${number + 1}T00:00:00+02:00`,
  quantity,
})

describe('POST /v1/rate', () => {
  test('answers a line, the total and the steps', () => {
    const { lines, total, trace } = answer({ currency: 'USD', price, quantity: '12500000000' })
    expect(lines).toEqual([
      {
        description: 'Price',
        quantity: '12500000000',
        billable_quantity: '7.5',
        unit: 'GB',
        unit_amount: '0.1',
        exact_amount: '0.75',
        amount: '0.75',
      },
    ])
    expect(total).toBe('0.75')
    expect(trace.map(({ step }) => step)).toEqual(['convert', 'allowance', 'price', 'round'])
  })

  test('windows add up to the quantity', () => {
    const body = { currency: 'USD', price, windows: [day(1, '18446744073709551616'), day(2, '1')] }
    expect(answer(body).lines[0]?.quantity).toBe('18446744073709551617')
  })

  test('a flat price needs no quantity', () => {
    expect(answer({ currency: 'JPY', price: { model: { kind: 'flat', amount: '1999.5' } } }).total).toBe('2000')
  })

  test.each([
    [{}, ['currency', 'price', 'price.model.kind', 'quantity']],
    [{ currency: 'USD', price, quantity: '-1' }, ['quantity']],
    [{ currency: 'USD', price, quantity: 5 }, ['quantity']],
    [{ currency: 'USD', price, quantity: '1e3' }, ['quantity']],
    [{ currency: 'USD', price, quantity: '1', windows: [] }, ['quantity', 'windows']],
    [{ currency: 'USD', price: { ...price, minimum_amount: '1' }, quantity: '1' }, ['price.minimum_amount']],
    [{ currency: 'USD', price, quantity: '1', timezone: 'Moon/Base' }, ['timezone']],
    [
      { currency: 'USD', price, quantity: '1', period: { from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' } },
      ['period.to'],
    ],
  ])('%j is refused', (body, fields) => {
    const parsed = parseRateRequest(body)
    expect(parsed.ok ? [] : parsed.error.map(({ field }) => field)).toEqual(fields)
  })
})
