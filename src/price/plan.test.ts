import { describe, expect, test } from 'vitest'
import { parsePlan, planJson, termsJson } from './plan.ts'
import { parsePrice } from './price.ts'

const plan = {
  key: 'pay-as-you-go',
  name: 'Pay as you go',
  currency: 'USD',
  effective_from: '2026-01-01T00:00:00Z',
  prices: [
    { key: 'base', name: 'Base fee', model: { kind: 'flat', amount: '20' } },
    {
      key: 'out',
      name: 'Data transfer out',
      meter: 'data_out_wire',
      unit: { name: 'GB', per: '1000000000' },
      included: '5',
      model: { kind: 'per_unit', unit_amount: '0.10' },
    },
    {
      key: 'requests',
      name: 'Requests',
      meter: 'http_requests',
      model: {
        kind: 'graduated',
        tiers: [
          { up_to: '1', unit_amount: '2' },
          { flat_amount: '7', unit_amount: '0.000000000000000001' },
        ],
      },
    },
  ],
}

function complaints(input: unknown): (string | undefined)[] {
  const parsed = parsePlan(input)
  return parsed.ok ? [] : parsed.error.map(({ field }) => field)
}

describe('a plan', () => {
  test('survives being written and read', () => {
    const parsed = parsePlan(plan)
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
    const again = parsePlan(JSON.parse(JSON.stringify(termsJson(parsed.value.terms))))
    expect(again).toEqual(parsed)
    const version = planJson({ ...parsed.value.terms, version: 3 })
    expect(parsePlan(version)).toEqual({ ok: true, value: { terms: parsed.value.terms, version: 3 } })
  })

  test('all its problems are told at once, each with its path', () => {
    const broken = {
      key: 'has spaces',
      name: '',
      currency: 'DOGE',
      effective_from: '2026-01-01',
      version: 0,
      discount: '5',
      prices: [
        { key: 'a', name: 'A', meter: 'm', model: { kind: 'per_unit', unit_amount: 0.1 } },
        { key: 'a', name: 'A', meter: 'm', unit: { name: 'GB', per: '0' }, model: { kind: 'volume' } },
        { key: 'b', name: 'B', meter: 'm', included: '-1', model: { kind: 'flat', amount: '1', minimum: '2' } },
        {
          key: 'c',
          name: 'C',
          model: { kind: 'graduated', tiers: [{ up_to: '5' }, { up_to: '5', unit_amount: '1' }] },
        },
        {
          key: 'd',
          name: 'D',
          meter: 'm',
          model: { kind: 'per_unit', unit_amount: '0.0000000000000000001' },
        },
      ],
    }
    expect(new Set(complaints(broken))).toEqual(
      new Set([
        'discount',
        'key',
        'name',
        'currency',
        'effective_from',
        'version',
        'prices.0.model.unit_amount',
        'prices.1.key',
        'prices.1.unit.per',
        'prices.1.model.tiers',
        'prices.2.meter',
        'prices.2.included',
        'prices.2.model.minimum',
        'prices.3.meter',
        'prices.3.model.tiers.0',
        'prices.3.model.tiers.1.up_to',
        'prices.4.model.unit_amount',
      ]),
    )
  })

  test.each([
    [[{ unit_amount: '1' }, { unit_amount: '2' }], ['model.tiers.0.up_to']],
    [
      [{ up_to: '10', unit_amount: '1' }, { up_to: '10', unit_amount: '1' }, { unit_amount: '2' }],
      ['model.tiers.1.up_to'],
    ],
    [[{ up_to: '10', unit_amount: '1' }], ['model.tiers.0.up_to']],
    [[], ['model.tiers']],
  ])('tiers %j are refused: a unit beyond them would never be billed', (tiers, fields) => {
    const parsed = parsePrice({ key: 'p', name: 'P', model: { kind: 'graduated', tiers } }, 'rated alone')
    expect(parsed.ok ? [] : parsed.error.map(({ field }) => field)).toEqual(fields)
  })

  test.each([null, [], 'plan', 7, {}])('%j is no plan and does not throw', (input) => {
    expect(parsePlan(input).ok).toBe(false)
  })
})
