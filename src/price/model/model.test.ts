import { describe, expect, test } from 'vitest'
import { parsePrice } from '../price.ts'
import type { PriceUse } from '../price.ts'
import { needsValues, unitModelKinds } from './model.ts'
import { isUnitModel } from '../price-model.ts'

function complaints(price: object, use: PriceUse = 'in a plan'): readonly string[] {
  const parsed = parsePrice({ key: 'p', name: 'P', meter: 'bytes', ...price }, use)
  return parsed.ok ? [] : parsed.error.map(({ field, message }) => `${field} ${message}`)
}

const tiered = (...tiers: readonly object[]): object => ({ kind: 'graduated', tiers })
const unit = { unit_amount: '1' }
const atMost = (up_to: string): object => ({ up_to, ...unit })

describe('a bad model is refused with the path and what to write instead', () => {
  test.each<readonly [string, object, readonly string[]]>([
    ['no model', {}, [`model.kind is one of ${unitModelKinds.join(', ')}, matrix`]],
    ['an unknown kind', { kind: 'magic' }, ['model.kind is one of per_unit']],
    ['a field that is not known', { kind: 'per_unit', unit_amount: '1', minimum: '2' }, ['model.minimum is not known']],
    [
      'an amount as a number',
      { kind: 'per_unit', unit_amount: 0.1 },
      ['model.unit_amount is a decimal written as text'],
    ],
    ['an amount below zero', { kind: 'per_unit', unit_amount: '-1' }, ['model.unit_amount is not below zero']],
    [
      'an amount of 19 decimals',
      { kind: 'per_unit', unit_amount: '0.0000000000000000001' },
      ['model.unit_amount has at most 18 decimals'],
    ],
    ['an exponent', { kind: 'per_unit', unit_amount: '1e3' }, ['model.unit_amount is not a plain decimal']],
    ['no tiers', { kind: 'volume' }, ['model.tiers is a list of 1 to 50 items']],
    ['an empty list of tiers', tiered(), ['model.tiers is a list of 1 to 50 items']],
    [
      'tiers that overlap',
      tiered(atMost('10'), atMost('10'), unit),
      ['model.tiers.1.up_to is above the bound of the tier before'],
    ],
    [
      'tiers that fall',
      { kind: 'volume', tiers: [atMost('10'), atMost('5'), unit] },
      ['model.tiers.1.up_to is above the bound of the tier before'],
    ],
    ['a last tier with an end', tiered(atMost('10')), ['model.tiers.0.up_to is null or absent in the last tier']],
    ['a tier without an end before the last', tiered(unit, unit), ['model.tiers.0.up_to is needed in every tier but']],
    ['a bound of zero', tiered(atMost('0'), unit), ['model.tiers.0.up_to is above zero']],
    ['a bound below zero', tiered(atMost('-5'), unit), ['model.tiers.0.up_to is not below zero']],
    ['a tier without a price', tiered({}), ['model.tiers.0 has a "unit_amount", a "flat_amount" or both']],
    [
      'a tier of another model',
      { kind: 'graduated_percentage', tiers: [unit] },
      ['model.tiers.0.unit_amount is not known', 'model.tiers.0 has a "percent", a "flat_amount" or both'],
    ],
    [
      'percentages in tiers that overlap',
      {
        kind: 'graduated_percentage',
        tiers: [{ up_to: '2', percent: '1' }, { up_to: '1', percent: '1' }, { percent: '-2' }],
      },
      ['model.tiers.2.percent is not below zero', 'model.tiers.1.up_to is above the bound of the tier before'],
    ],
    ['a flag that is none', { ...tiered(unit), flat_at_zero: 'yes' }, ['model.flat_at_zero is true or false']],
    ['a package of nothing', { kind: 'package', size: '0', package_amount: '1' }, ['model.size is above zero']],
    ['a package below nothing', { kind: 'package', size: '-1', package_amount: '1' }, ['model.size is not below zero']],
    [
      'a package without size and amount',
      { kind: 'package', round: 'nearest' },
      [
        'model.size is a decimal written as text',
        'model.package_amount is a decimal written as text',
        'model.round is one of up, down',
      ],
    ],
    ['no percentage', { kind: 'percentage' }, ['model.percent is a decimal written as text']],
    ['a percentage below zero', { kind: 'percentage', percent: '-1' }, ['model.percent is not below zero']],
    [
      'a commitment to nothing',
      { kind: 'committed', quantity: '0', unit_amount: '1', overage_unit_amount: '1' },
      ['model.quantity is above zero'],
    ],
    [
      'a commitment without overage',
      { kind: 'committed', quantity: '1', unit_amount: '1' },
      ['model.overage_unit_amount is a decimal written as text'],
    ],
  ])('%s', (_, model, expected) => {
    const found = complaints({ model })
    expect(found).toHaveLength(expected.length)
    for (const [index, start] of expected.entries())
      expect(found[index]).toMatch(new RegExp(`^${start.replace(/[.()"]/g, '\\$&')}`))
  })

  test('51 tiers are one too many', () => {
    const tiers = Array.from({ length: 51 }, (_, index) => (index === 50 ? unit : atMost(String(index + 1))))
    expect(complaints({ model: tiered(...tiers) })).toEqual(['model.tiers is a list of 1 to 50 items'])
    expect(complaints({ model: tiered(...tiers.slice(1)) })).toEqual([])
  })

  test('what takes off more than there is', () => {
    const model = { kind: 'per_unit', unit_amount: '1' }
    expect(complaints({ model, discounts: [{ percent: '100.01' }], usage_discount: { percent: '101' } })).toEqual([
      'usage_discount.percent is at most "100"',
      'discounts.0.percent is at most "100"',
    ])
  })

  test('all that is wrong is said at once', () => {
    const price = {
      unit: { name: '', per: '0' },
      included: '-1',
      usage_discount: { percent: '101', quantity: '1' },
      model: tiered(atMost('5'), { up_to: '5', unit_amount: 1 }),
      discounts: [{ percent: '5', amount: '5' }],
      maximum: '1',
      minimum: '2',
      proration: 'half',
    }
    expect(complaints(price).map((text) => text.split(' ')[0])).toEqual([
      'model.tiers.1.unit_amount',
      'model.tiers.1.up_to',
      'unit.name',
      'unit.per',
      'included',
      'usage_discount',
      'usage_discount.percent',
      'discounts.0',
      'minimum',
      'proration',
    ])
  })
})

describe('a model that prices single events', () => {
  const model = { kind: 'percentage', percent: '1', event_amount: '0.30' }

  test('is refused in a plan, whose meter answers totals, and taken where events have values', () => {
    expect(complaints({ model })).toEqual([expect.stringMatching(/^model prices single events.*POST \/v1\/rate/)])
    expect(complaints({ model }, 'rated alone')).toEqual([])
    expect(complaints({ model: { kind: 'percentage', percent: '1' } })).toEqual([])
  })

  test.each(['event_amount', 'minimum_each', 'maximum_each'])('so does %s, even of nothing', (name) => {
    const parsed = parsePrice({ model: { kind: 'percentage', percent: '1', [name]: '0' } }, 'rated alone')
    expect(parsed.ok && isUnitModel(parsed.value.model) && needsValues(parsed.value.model)).toBe(true)
  })

  test('free_events do, unless there are none of them', () => {
    const needs = [0, 1].map((free_events) => {
      const parsed = parsePrice({ model: { kind: 'percentage', percent: '1', free_events } }, 'rated alone')
      return parsed.ok && isUnitModel(parsed.value.model) && needsValues(parsed.value.model)
    })
    expect(needs).toEqual([false, true])
    expect(complaints({ model: { ...model, free_events: 1.5 } }, 'rated alone')).toEqual([
      expect.stringMatching(/^model.free_events is a whole number/),
    ])
  })

  test('bounds of an event do not cross', () => {
    expect(complaints({ model: { ...model, minimum_each: '2', maximum_each: '1' } }, 'rated alone')).toEqual([
      'model.minimum_each is not above "maximum_each"',
    ])
  })

  test('has no windows, groups or cells, no rounding of the total and no usage discount, which would free more of its events', () => {
    const rounded = { name: 'GB', per: '1', rounding: { mode: 'up' } }
    const terms = { each: { window: 'day' }, unit: rounded, usage_discount: { percent: '10' } }
    expect(complaints({ model, ...terms }, 'rated alone')).toEqual([
      'usage_discount is left out where single events are priced; "included" is taken from the first of them',
      'each is left out where single events are priced',
      'unit.rounding is left out where single events are priced',
    ])
    const cells = [{ when: { country: 'DE' }, model }]
    const matrix = {
      kind: 'matrix',
      dimensions: ['country'],
      cells,
      default: { model: { kind: 'percentage', percent: '1' } },
    }
    expect(complaints({ model: matrix }, 'rated alone')).toEqual([
      expect.stringMatching(/^model.cells.0.model prices single events/),
    ])
  })
})
