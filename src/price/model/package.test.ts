import { describe, expect, test } from 'vitest'
import { dueFor } from '../../../test/support/price-lines.ts'

const model = { kind: 'package', size: '10', package_amount: '100' }

describe('package', () => {
  test.each([
    ['0', '0'],
    ['0.000000000000000001', '100'],
    ['10', '100'],
    ['10.000000000000000001', '200'],
    ['121', '1300'],
  ])('%s units cost %s: a package that is begun is paid whole', (units, amount) => {
    expect(dueFor(model, units)).toBe(amount)
  })

  test.each([
    ['9.999999999999999999', '0'],
    ['10', '100'],
    ['129', '1200'],
  ])('rounded down, %s units cost %s: only full packages are paid', (units, amount) => {
    expect(dueFor({ ...model, round: 'down' }, units)).toBe(amount)
  })

  test('packages count from after the allowance', () => {
    expect(dueFor(model, '121', { included: '10' })).toBe('1200')
    expect(dueFor(model, '121', { included: '200' })).toBe('0')
  })

  test('the size may have a fraction, and need not end as a decimal in the unit', () => {
    expect(dueFor({ ...model, size: '2.5' }, '7.5')).toBe('300')
    expect(dueFor({ ...model, size: '1' }, '1', { unit: { name: 'trio', per: '3' } })).toBe('100')
  })

  test('10^30 units in packages of 3 are counted to the last one', () => {
    // 10^30 = 3 × 333333333333333333333333333333 + 1
    const one = { kind: 'package', size: '3', package_amount: '1' }
    expect(dueFor(one, `1${'0'.repeat(30)}`)).toBe('333333333333333333333333333334')
  })
})
