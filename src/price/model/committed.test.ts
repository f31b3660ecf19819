import { describe, expect, test } from 'vitest'
import { rationalText } from '../../../test/support/plain-rational.ts'
import { dueFor, priceOurs } from '../../../test/support/price-lines.ts'

const model = { kind: 'committed', quantity: '10', unit_amount: '5', overage_unit_amount: '7' }

describe('committed', () => {
  test.each([
    ['0', '50'],
    ['9.5', '50'],
    ['10', '50'],
    ['12.5', '67.5'],
  ])('%s Mbit/s cost %s: ten are paid always, what is beyond costs overage', (quantity, amount) => {
    expect(dueFor(model, quantity)).toBe(amount)
  })

  test('95th percentile in bits, priced in Mbit/s', () => {
    expect(dueFor(model, '12500000', { unit: { name: 'Mbit/s', per: '1000000' } })).toBe('67.5')
  })

  test('in half a period a level costs half; usage that adds up has half the commitment', () => {
    const price = { key: 'p', name: 'P', meter: 'bandwidth', model }
    const used = { quantity: '12', windows: [], groups: [], values: null }
    const half = { currency: 'USD', share: [1n, 2n] } as const
    // (10 × 5 + 2 × 7) / 2
    expect(rationalText(priceOurs(price, used, { ...half, additive: false }).exact)).toBe('32')
    // 5 × 5 + 7 × 7
    expect(rationalText(priceOurs(price, used, { ...half, additive: true }).exact)).toBe('74')
  })
})
