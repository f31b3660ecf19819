import { describe, expect, test } from 'vitest'
import { defineAddOn, defineCoupon, definePlan, definePriceBook } from './define-plan.ts'
import { parseCoupon } from './coupon.ts'
import type { ModelDocument } from './plan-document.ts'
import { parsePlan } from '../plan.ts'
import type { PriceModel } from '../price-model.ts'

const common = { key: 'p', name: 'P', effective_from: '2026-01-01T00:00:00Z' } as const
const usd = { ...common, currency: 'USD' } as const
const fee = { key: 'f', name: 'F', model: { kind: 'flat', amount: '1' } } as const
const metered = { key: 'out', name: 'Out', meter: 'data_out_wire' } as const

/** What does not compile is also refused when it runs, by the same parser that reads JSON. */
function refused(define: () => unknown): string {
  try {
    define()
  } catch (error) {
    return (error as Error).message.split('\n').slice(1).join('\n')
  }
  return 'accepted'
}

/** A model that has no type here, or a type that no model has, does not compile. */
type Same<One, Other> = [One] extends [Other] ? ([Other] extends [One] ? true : false) : false
const everyModelHasAType: Same<PriceModel['kind'], ModelDocument<string>['kind']> = true

describe('definePlan', () => {
  test('knows every model', () => {
    expect(everyModelHasAType).toBe(true)
    const tier = { up_to: '10', unit_amount: '1' } as const
    const percent = { up_to: '10', percent: '1' } as const
    const models = [
      { kind: 'per_unit', unit_amount: '1' },
      { kind: 'graduated', tiers: [tier, { unit_amount: '2' }] },
      { kind: 'volume', tiers: [tier, { unit_amount: '2' }], flat_at_zero: true },
      { kind: 'package', size: '100', package_amount: '1', round: 'down' },
      { kind: 'percentage', percent: '2.9' },
      { kind: 'graduated_percentage', tiers: [percent, { flat_amount: '2' }] },
      { kind: 'committed', quantity: '10', unit_amount: '1', overage_unit_amount: '2' },
    ] as const
    for (const model of models) expect(definePlan({ ...usd, prices: [{ ...metered, model }] }).prices).toHaveLength(1)
    const cell = { model: models[0], included: '5' } as const
    const matrix = {
      kind: 'matrix',
      dimensions: ['country'],
      cells: [{ when: { country: 'DE' }, ...cell }],
      default: cell,
    } as const
    const commitment = { key: 'c', name: 'C', model: { kind: 'commitment', amount: '5', of: ['out'] } } as const
    expect(definePlan({ ...usd, prices: [{ ...metered, model: matrix }, commitment] }).prices).toHaveLength(2)
  })

  test('gives the document back, which reads as the same JSON does', () => {
    const plan = definePlan({
      ...common,
      currencies: ['USD', 'JPY'],
      pricing_units: [{ key: 'credits', name: 'credits', rate: { USD: '0.01', JPY: '1' } }],
      prices: [
        { key: 'base', name: 'Base', model: { kind: 'flat', amount: { USD: '20', JPY: '3000' } } },
        {
          ...metered,
          unit: { name: 'GB', per: '1000000000', rounding: { mode: 'up', decimals: 2 } },
          included: '5',
          each: { window: 'day' },
          discounts: [{ percent: '10' }, { name: 'Off', amount: { USD: '1', JPY: '100' } }],
          maximum: { USD: '500', JPY: '70000' },
          model: {
            kind: 'graduated',
            tiers: [{ up_to: '10', unit_amount: { USD: '0.1', JPY: '15' } }, { flat_amount: { USD: '2', JPY: '300' } }],
          },
        },
        // Prices in a pricing unit are the same in all currencies.
        {
          key: 'tokens',
          name: 'Tokens',
          meter: 'http_requests',
          in: 'credits',
          model: { kind: 'per_unit', unit_amount: '3' },
        },
        { key: 'hipaa', name: 'Compliance', model: { kind: 'surcharge', percent: '50', of: 'all' } },
      ],
      phases: [{ key: 'trial', name: 'Trial', length: { days: 14 }, changes: [{ free: 'all' }] }],
    })
    const parsed = parsePlan(plan)
    expect(parsed.ok).toBe(true)
    expect(parsed).toEqual(parsePlan(JSON.parse(JSON.stringify(plan))))
  })

  test('what is wrong for itself does not compile', () => {
    expect(
      refused(() =>
        definePlan({
          ...common,
          currencies: ['USD', 'EUR'],
          // @ts-expect-error EUR is missing
          prices: [{ ...metered, model: { kind: 'per_unit', unit_amount: { USD: '0.10' } } }],
        }),
      ),
    ).toContain('prices.0.model.unit_amount.EUR: ')
    expect(
      refused(() =>
        definePlan({
          ...common,
          currencies: ['USD'],
          // @ts-expect-error GBP is none of the currencies
          prices: [{ ...metered, model: { kind: 'per_unit', unit_amount: { USD: '0.10', GBP: '0.08' } } }],
        }),
      ),
    ).toContain('prices.0.model.unit_amount.GBP: ')
    expect(
      refused(() =>
        definePlan({
          ...usd,
          // @ts-expect-error a model without its amount
          prices: [{ ...metered, model: { kind: 'per_unit' } }],
        }),
      ),
    ).toContain('prices.0.model.unit_amount: ')
    expect(
      refused(() =>
        definePlan({
          ...usd,
          // @ts-expect-error a number loses digits
          prices: [{ ...metered, model: { kind: 'per_unit', unit_amount: 0.1 } }],
        }),
      ),
    ).toContain('prices.0.model.unit_amount: ')
    expect(
      refused(() =>
        definePlan({
          ...usd,
          // @ts-expect-error a field of another model
          prices: [{ ...metered, model: { kind: 'per_unit', unit_amount: '1', tiers: [] } }],
        }),
      ),
    ).toContain('prices.0.model.tiers: ')
    expect(
      refused(() =>
        definePlan({
          ...usd,
          // @ts-expect-error there is no such model
          prices: [{ ...metered, model: { kind: 'per_dozen', unit_amount: '1' } }],
        }),
      ),
    ).toContain('prices.0.model.kind: ')
    expect(
      refused(() =>
        definePlan({
          ...usd,
          // @ts-expect-error a fee measures nothing
          prices: [{ ...metered, model: { kind: 'flat', amount: '1' } }],
        }),
      ),
    ).toContain('prices.0.meter: ')
    expect(
      refused(() =>
        definePlan({
          ...usd,
          // @ts-expect-error a field that does not exist
          prices: [{ ...metered, price: '1', model: { kind: 'per_unit', unit_amount: '1' } }],
        }),
      ),
    ).toContain('prices.0.price: ')
    expect(
      // @ts-expect-error no time from which it is sold
      refused(() => definePlan({ key: 'p', name: 'P', currency: 'USD', prices: [fee] })),
    ).toContain('effective_from: ')
    // @ts-expect-error no such currency
    expect(refused(() => definePlan({ ...common, currency: 'DOGE', prices: [fee] }))).toContain('currency: ')
  })

  test('rules between values are told when the file runs, all at once', () => {
    const tiers = [{ up_to: '5', unit_amount: '1' }, { up_to: '5', unit_amount: '1' }, { unit_amount: '1' }]
    const prices = [
      { ...metered, model: { kind: 'graduated', tiers } },
      { ...metered, model: { kind: 'per_unit', unit_amount: 'ten' } },
    ] as const
    expect(() => definePlan({ ...usd, prices })).toThrow(
      /^the definition of plan p has problems:\n {2}prices\.0\.model\.tiers\.1\.up_to: .*\n {2}prices\.1\.model\.unit_amount: .*\n {2}prices\.1\.key: /,
    )
  })
})

describe('defineAddOn, defineCoupon and definePriceBook', () => {
  test('give the document back', () => {
    const addOn = defineAddOn({ ...usd, prices: [{ key: 'f', name: 'F', model: { kind: 'flat', amount: '1' } }] })
    const coupon = defineCoupon({ ...common, currencies: ['USD', 'EUR'], amount: { EUR: '9', USD: '10' }, of: ['f'] })
    expect(parseCoupon(coupon)).toMatchObject({ ok: true, value: { version: null, terms: { periods: null } } })
    const book = definePriceBook({ add_ons: [{ version: 1, ...addOn }], coupons: [{ version: 1, ...coupon }] })
    expect(book.add_ons).toHaveLength(1)
    expect(() => definePriceBook({ add_ons: [addOn] })).toThrow('add_ons.0.version: ')
  })

  test('a coupon is a percentage, or an amount in every currency that it names', () => {
    const both = { ...common, currencies: ['USD', 'EUR'], of: 'all' } as const
    // @ts-expect-error EUR is missing
    expect(refused(() => defineCoupon({ ...both, amount: { USD: '1' } }))).toContain('amount.EUR: ')
    // @ts-expect-error both
    expect(refused(() => defineCoupon({ ...usd, percent: '5', amount: '1', of: 'all' }))).toContain(
      'has a "percent" or an "amount"',
    )
    // @ts-expect-error a percentage holds in all currencies
    expect(refused(() => defineCoupon({ ...usd, percent: '5', of: 'all' }))).toContain('currency: ')
    // @ts-expect-error of which lines
    expect(refused(() => defineCoupon({ ...common, percent: '5' }))).toContain('of: ')
  })
})
