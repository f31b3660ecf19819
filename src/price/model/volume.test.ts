import { describe, expect, test } from 'vitest'
import { dueFor } from '../../../test/support/price-lines.ts'

const tiers = [
  { up_to: '100', unit_amount: '2', flat_amount: '10' },
  { up_to: '200', unit_amount: '1' },
  { unit_amount: '0.5', flat_amount: '50' },
]
const model = { kind: 'volume', tiers }

describe('volume', () => {
  test.each([
    ['0', '0'],
    ['0.1', '10.2'],
    ['1', '12'],
    ['100', '210'],
    ['100.5', '100.5'],
    ['200', '200'],
    ['200.000000000000000001', '150.0000000000000000005'],
    ['300', '200'],
  ])('%s units cost %s: the whole quantity is in the tier that it falls in, bounds below included', (units, amount) => {
    expect(dueFor(model, units)).toBe(amount)
  })

  test('flat_at_zero charges the first flat amount for no usage', () => {
    expect(dueFor({ ...model, flat_at_zero: true }, '0')).toBe('10')
    expect(dueFor({ ...model, flat_at_zero: true }, '1')).toBe('12')
  })

  test('the tier is found after the allowance', () => {
    expect(dueFor(model, '150', { included: '50' })).toBe('210')
    expect(dueFor(model, '50', { included: '50' })).toBe('0')
  })
})
