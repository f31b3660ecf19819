import { describe, expect, test } from 'vitest'
import { parseRateRequest, rate } from './rate.ts'

const prices = (quantity: string): object[] => [
  { price: { key: 'base', model: { kind: 'flat', amount: '20' } } },
  { price: { key: 'data', minimum: '100', model: { kind: 'per_unit', unit_amount: '0.10' } }, quantity },
]

function run(quantity: string, progressive: object): Record<string, unknown> {
  const parsed = parseRateRequest({ currency: 'USD', prices: prices(quantity), progressive })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  return rate(parsed.value).progressive as Record<string, unknown>
}

describe('a period that is billed in several runs', () => {
  const thresholds = { amounts: ['50'], each: '40' }

  test('is due when its cost reaches a threshold, and bills what is not billed yet', () => {
    expect(run('299', { thresholds })).toMatchObject({ is_due: false, threshold: null })
    expect(run('300', { thresholds })).toEqual({
      is_due: true,
      threshold: '50',
      lines: [
        { price: 'base', kind: 'fee', quantity: '1', amount: '20.00', owed: '20.00', billed_before: '0.00' },
        { price: 'data', kind: 'usage', quantity: '300', amount: '30.00', owed: '30.00', billed_before: '0.00' },
      ],
      total: '50.00',
    })
  })

  test('the last run settles the minimum, and all runs together are the one rating', () => {
    const billed = [
      { price: 'base', kind: 'fee', quantity: '1', amount: '20.00' },
      { price: 'data', kind: 'usage', quantity: '300', amount: '30.00' },
    ]
    // The whole: 20 + 75 + 25 to the minimum of 100.
    expect(run('750', { billed, is_final: true })).toEqual({
      is_due: true,
      threshold: null,
      lines: [
        { price: 'data', kind: 'usage', quantity: '450', amount: '45.00', owed: '75.00', billed_before: '30.00' },
        { price: 'data', kind: 'true_up', quantity: '1', amount: '25.00', owed: '25.00', billed_before: '0.00' },
      ],
      total: '70.00',
    })
  })

  test('usage that was taken back is a line below zero', () => {
    const billed = [
      { price: 'base', kind: 'fee', quantity: '1', amount: '20.00' },
      { price: 'data', kind: 'usage', quantity: '300', amount: '30.00' },
    ]
    expect(run('250', { thresholds, billed })).toMatchObject({ is_due: false, total: '-5.00' })
  })

  test('what cannot have been billed is refused, each with its place', () => {
    const parsed = parseRateRequest({
      currency: 'USD',
      prices: prices('1'),
      progressive: { thresholds: { amounts: ['5', '5'] }, billed: [{ price: 'data', kind: 'tax', amount: '0.001' }] },
    })
    if (parsed.ok) throw new Error('it is refused')
    expect(new Set(parsed.error.map(({ field }) => field))).toEqual(
      new Set(['progressive.thresholds.amounts.1', 'progressive.billed.0.kind', 'progressive.billed.0.amount']),
    )
  })
})
