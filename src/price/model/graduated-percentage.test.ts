import { describe, expect, test } from 'vitest'
import { dueFor } from '../../../test/support/price-lines.ts'

const tiers = [
  { up_to: '10', percent: '1', flat_amount: '200' },
  { up_to: '20', percent: '2', flat_amount: '300' },
  { percent: '3', flat_amount: '400' },
]
const model = { kind: 'graduated_percentage', tiers }

describe('graduated percentage', () => {
  test.each([
    ['0', '0'],
    ['10', '200.1'],
    ['10.000000000000000001', '500.10000000000000000002'],
    ['12', '500.14'],
    ['20', '500.3'],
    ['30', '900.6'],
  ])('%s units cost %s: each part at the percentage of its tier', (units, amount) => {
    expect(dueFor(model, units)).toBe(amount)
  })

  test('flat_at_zero charges the first flat amount for no usage', () => {
    expect(dueFor({ ...model, flat_at_zero: true }, '0')).toBe('200')
  })

  test('a tier may have its flat amount only', () => {
    expect(dueFor({ kind: 'graduated_percentage', tiers: [{ flat_amount: '5' }] }, '700')).toBe('5')
  })
})
