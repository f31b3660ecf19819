import { describe, expect, test } from 'vitest'
import { exact, formatExact } from '../../core/exact.ts'
import { formatMinor } from '../../core/money.ts'
import type { Currency } from '../../core/money.ts'
import { rateLine, wholePeriod } from './line.ts'
import { usageOf } from './slice.ts'
import type { LineUsage } from './slice.ts'
import { parsePrice } from '../price.ts'
import { replayTrace } from './replay.ts'

interface Given {
  readonly model: object
  readonly unit?: object
  readonly included?: string
}

function amountOf(given: Given, quantity: string, currency: Currency = 'USD'): string {
  const price = parsePrice({ key: 'p', name: 'P', ...given }, 'rated alone')
  if (!price.ok) throw new Error(JSON.stringify(price.error))
  const line = rateLine(price.value, usageOf(exact(quantity)), wholePeriod(currency))
  const replayed = replayTrace(line.trace)
  expect(replayed.ok && formatExact(replayed.value)).toBe(
    formatMinor(line.amount, currency)
      .replace(/(\.\d*?)0+$/, '$1')
      .replace(/\.$/, ''),
  )
  return formatMinor(line.amount, currency)
}

const perUnit = (unit_amount: string): object => ({ kind: 'per_unit', unit_amount })
const gigabytes = { name: 'GB', per: '1000000000' }

describe('per unit', () => {
  test('half a minor unit is rounded away from zero, less is not', () => {
    expect(amountOf({ model: perUnit('1') }, '1.004999999999999999')).toBe('1.00')
    expect(amountOf({ model: perUnit('1') }, '1.005')).toBe('1.01')
  })

  test('yen have no decimals, Kuwaiti dinars three', () => {
    expect(amountOf({ model: perUnit('0.5') }, '1', 'JPY')).toBe('1')
    expect(amountOf({ model: perUnit('0.5') }, '0.99', 'JPY')).toBe('0')
    expect(amountOf({ model: perUnit('0.0005') }, '1', 'KWD')).toBe('0.001')
    expect(amountOf({ model: perUnit('0.0005') }, '0.99', 'KWD')).toBe('0.000')
  })

  test('nothing used costs nothing and still gives a line', () => {
    expect(amountOf({ model: perUnit('0.10') }, '0')).toBe('0.00')
  })

  test('a unit amount with 18 decimals and a quantity beyond 2^80 lose no digit', () => {
    // 2^80 + 1 = 1208925819614629174706177 requests at 0.000000000000000001
    expect(amountOf({ model: perUnit('0.000000000000000001') }, '1208925819614629174706177')).toBe('1208925.82')
    // 18 decimals times 18 decimals has 36
    expect(amountOf({ model: perUnit('0.000000000000000001') }, '0.000000000000000001')).toBe('0.00')
  })
})

describe('unit and allowance', () => {
  const price: Given = { model: perUnit('0.10'), unit: gigabytes, included: '5' }

  test('bytes are priced as gigabytes and the first five are free', () => {
    expect(amountOf(price, '4999999999')).toBe('0.00')
    expect(amountOf(price, '5000000000')).toBe('0.00')
    expect(amountOf(price, '5049999999')).toBe('0.00')
    expect(amountOf(price, '5050000000')).toBe('0.01')
    expect(amountOf(price, '15649667000')).toBe('1.06')
  })

  test('a quantity that corrections took below zero is no credit', () => {
    expect(amountOf({ model: perUnit('1') }, '-3')).toBe('0.00')
    expect(amountOf(price, '-3')).toBe('0.00')
  })

  test('a conversion without end, such as a third, stays exact', () => {
    expect(amountOf({ model: perUnit('3'), unit: { name: 'trio', per: '3' } }, '1')).toBe('1.00')
    expect(amountOf({ model: perUnit('1'), unit: { name: 'trio', per: '3' } }, '2')).toBe('0.67')
  })
})

describe('graduated', () => {
  const tiers = [
    { up_to: '10', unit_amount: '1', flat_amount: '2' },
    { up_to: '20', unit_amount: '0.5', flat_amount: '3' },
    { unit_amount: '0.1' },
  ]
  const model = { kind: 'graduated', tiers }

  test.each([
    ['0', '0.00'],
    ['0.001', '2.00'],
    ['10', '12.00'],
    ['10.001', '15.00'],
    ['10.01', '15.01'],
    ['20', '20.00'],
    ['120', '30.00'],
  ])(
    '%s units cost %s: the upper bound belongs to the tier, its flat amount falls due on entering',
    (units, amount) => {
      expect(amountOf({ model }, units)).toBe(amount)
    },
  )

  test('flat_at_zero charges the first flat amount for no usage, once', () => {
    expect(amountOf({ model: { ...model, flat_at_zero: true } }, '0')).toBe('2.00')
    expect(amountOf({ model: { ...model, flat_at_zero: true } }, '10')).toBe('12.00')
  })

  test('tiers count from after the allowance', () => {
    expect(amountOf({ model, included: '100' }, '100')).toBe('0.00')
    expect(amountOf({ model, included: '100' }, '110')).toBe('12.00')
  })

  test('tiers are rounded together, once', () => {
    const cheap = { kind: 'graduated', tiers: [{ up_to: '1', unit_amount: '0.004' }, { unit_amount: '0.004' }] }
    expect(amountOf({ model: cheap }, '2')).toBe('0.01')
  })
})

describe('flat', () => {
  test('costs the same whatever was used', () => {
    expect(amountOf({ model: { kind: 'flat', amount: '20' } }, '0')).toBe('20.00')
    expect(amountOf({ model: { kind: 'flat', amount: '20.005' } }, '7')).toBe('20.01')
  })
})

test('the trace says each step, and another number in it is noticed', () => {
  const price = parsePrice(
    { key: 'p', name: 'P', unit: gigabytes, included: '5', model: perUnit('0.10') },
    'rated alone',
  )
  if (!price.ok) throw new Error('unreadable')
  const { trace } = rateLine(price.value, usageOf(exact('12500000000')), wholePeriod('USD'))
  expect(trace.map(({ step, formula, result, unit }) => [step, formula, result, unit])).toEqual([
    ['convert', '12500000000 / 1000000000', '12.5', 'GB'],
    ['allowance', 'max(12.5 - 5, 0)', '7.5', 'GB'],
    ['price', '7.5 * 0.1', '0.75', 'USD'],
    ['round', 'round(0.75, 2)', '0.75', 'USD'],
  ])
  const forged = trace.map((step) => (step.step === 'price' ? { ...step, result: '0.85' } : step))
  expect(replayTrace(forged).ok).toBe(false)
})

describe('modifiers', () => {
  const dueOf = (given: object, quantity: string, groups: LineUsage['groups'] = []): string => {
    const price = parsePrice({ name: 'P', ...given }, 'rated alone')
    if (!price.ok) throw new Error(JSON.stringify(price.error))
    const usage = { ...usageOf(exact(quantity)), groups }
    return formatExact(rateLine(price.value, usage, wholePeriod('USD')).exactAmount)
  }
  const model = perUnit('10')

  test('take turns in the order of DESIGN §9', () => {
    const given = {
      unit: { ...gigabytes, rounding: { mode: 'up' } },
      included: '5',
      usage_discount: { percent: '10' },
      model,
      discounts: [
        { name: 'Loyalty', percent: '10' },
        { name: 'Voucher', amount: '5' },
      ],
    }
    // 170.4 GB → 171 → 166 → 149.4 → 1494 → 1344.6 → 1339.6
    expect(dueOf(given, '170400000000')).toBe('1339.6')
    // The voucher before the percentage: (1494 - 5) × 0.9
    expect(dueOf({ ...given, discounts: given.discounts.toReversed() }, '170400000000')).toBe('1340.1')
    expect(dueOf({ ...given, maximum: '1339.59' }, '170400000000')).toBe('1339.59')
    expect(dueOf({ ...given, maximum: '1339.61' }, '170400000000')).toBe('1339.6')
  })

  test.each([
    ['up', '2.31', '24'],
    ['down', '2.39', '23'],
    ['half_away', '2.35', '24'],
    ['half_away', '2.349', '23'],
  ])('rounded %s to one decimal, %s units cost %s', (mode, quantity, amount) => {
    expect(dueOf({ unit: { name: 'unit', per: '1', rounding: { mode, decimals: 1 } }, model }, quantity)).toBe(amount)
  })

  test('each group has its own allowance and its own tiers; the amounts are added and rounded once', () => {
    const groups = [
      { group: { endpoint: 'a' }, quantity: exact('7') },
      { group: { endpoint: 'b' }, quantity: exact('4') },
      { group: { endpoint: 'c' }, quantity: exact('12') },
    ]
    const each = { group_by: ['endpoint'] }
    // 2, 0 and 7 beyond
    expect(dueOf({ each, included: '5', model }, '23', groups)).toBe('90')
    const tiers = [{ up_to: '5', unit_amount: '1' }, { unit_amount: '0.1' }]
    // 5.2 + 4 + 5.7
    expect(dueOf({ each, model: { kind: 'graduated', tiers } }, '23', groups)).toBe('14.9')
    expect(dueOf({ model: { kind: 'graduated', tiers } }, '23', groups)).toBe('6.8')
  })
})
