import { expect, test } from 'vitest'
import { parsePlan, termsJson } from './plan.ts'

const perUnit = { kind: 'per_unit', unit_amount: { USD: '1', EUR: '2' } }

/** A plan in two currencies with everything that holds amounts, over a dimension of this name. */
function planOver(dimension: string): object {
  return {
    key: 'p',
    name: 'P',
    currencies: ['USD', 'EUR'],
    pricing_units: [{ key: 'c', name: 'credits', rate: { USD: '0.01', EUR: '0.02' } }],
    prices: [
      {
        key: 'matrix',
        name: 'Matrix',
        meter: 'm',
        unit: { name: 'units', per: '1' },
        model: {
          kind: 'matrix',
          dimensions: [dimension],
          cells: [
            { when: { [dimension]: 'x' }, included: '0', model: perUnit },
            { when: { [dimension]: ['y', 'z'] }, included: '0', model: perUnit },
          ],
          default: { included: '0', model: perUnit },
        },
        maximum: { USD: '9', EUR: '8' },
        minimum: { USD: '3', EUR: '4' },
      },
      {
        key: 'tokens',
        name: 'Tokens',
        meter: 'm',
        unit: { name: 'units', per: '1' },
        included: '0',
        model: { kind: 'per_unit', unit_amount: '5' },
        discounts: [{ name: 'Off', amount: '7' }],
        maximum: '90',
        in: 'c',
      },
    ],
    included_amounts: [{ key: 'usage', name: 'Included', amount: { USD: '6', EUR: '7' }, of: 'all' }],
    phases: [
      {
        key: 'first',
        name: 'First',
        length: { months: 1 },
        changes: [{ discount: { keys: ['matrix'], name: 'Off', amount: { USD: '1', EUR: '2' } } }],
      },
    ],
    effective_from: '2026-01-01T00:00:00Z',
  }
}

function written(plan: object): unknown {
  const parsed = parsePlan(plan)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  return JSON.parse(JSON.stringify(termsJson(parsed.value.terms)))
}

// Names of dimensions are the traffic's: some are called as our amounts are.
test.each(['country', 'rate', 'amount', 'minimum', 'unit_amount', 'in', 'when', 'USD', 'model'])(
  'a plan in two currencies, with a price in a pricing unit, over the dimension %s is written as it was read',
  (dimension) => {
    const plan = planOver(dimension)
    expect(written(plan)).toEqual(plan)
  },
)
