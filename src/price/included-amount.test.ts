import { expect, test } from 'vitest'
import { formatExact } from '../core/exact.ts'
import { parsePlan, planJson } from './plan.ts'

const fee = { key: 'base', name: 'Base fee', model: { kind: 'flat', amount: '20' } }
const plan = (included_amounts: unknown): object => ({
  key: 'payg',
  name: 'Pay as you go',
  currency: 'USD',
  prices: [fee],
  included_amounts,
  effective_from: '2026-01-01T00:00:00Z',
})

test('what a plan includes in money is read, and written as it was read', () => {
  const included = [{ key: 'usage', name: '20 USD of usage included', amount: '20', of: ['base'] }]
  const parsed = parsePlan(plan(included))
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  expect(parsed.value.terms.includedAmounts.map(({ amount }) => formatExact(amount))).toEqual(['20'])
  expect(planJson({ ...parsed.value.terms, version: 1 })).toMatchObject({ included_amounts: included })
})

test('an amount of nothing, a price that is not there and a key twice are refused at once, each with its place', () => {
  const parsed = parsePlan(
    plan([
      { key: 'usage', name: 'Included', amount: '0', of: 'all' },
      { key: 'usage', name: 'Included', amount: '5', of: ['data'] },
    ]),
  )
  if (parsed.ok) throw new Error('it is refused')
  expect(new Set(parsed.error.map(({ field }) => field))).toEqual(
    new Set(['included_amounts', 'included_amounts.0.amount', 'included_amounts.1.of.0']),
  )
})
