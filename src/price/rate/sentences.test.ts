import { describe, expect, test } from 'vitest'
import { exact } from '../../core/exact.ts'
import type { Currency } from '../../core/money.ts'
import type { Micros } from '../../core/time.ts'
import { minimumTrueUp, rateLine } from './line.ts'
import { moneyWords, numberWords } from './number-words.ts'
import { sentencesOf } from './sentences.ts'
import { lineContextOf, priceOurs, readPriceOf, wholeDollars } from '../../../test/support/price-lines.ts'
import type { Surroundings } from '../../../test/support/price-lines.ts'
import type { SlowUsage } from '../../../test/support/price-oracle.ts'

const gigabytes = { name: 'GB', per: '1000000000' }

function used(quantity: string, more: Partial<SlowUsage> = {}): SlowUsage {
  return { quantity, windows: [], groups: [], values: null, ...more }
}

function said(price: object, usage: SlowUsage, around: Surroundings = wholeDollars): readonly string[] {
  return sentencesOf(priceOurs({ name: 'Data', ...price }, usage, around).line, around.currency)
}

const perUnit = { kind: 'per_unit', unit_amount: '0.10' }
const tiers = [
  { up_to: '10', unit_amount: '1', flat_amount: '2' },
  { up_to: '1000', unit_amount: '0.5' },
  { unit_amount: '0.125' },
]

describe('a line in plain sentences: models', () => {
  test('per unit, with an allowance', () => {
    expect(said({ unit: gigabytes, included: '5', model: perUnit }, used('17400000000'))).toEqual([
      'Data: $1.24',
      '  17,400,000,000 measured, of which 1,000,000,000 make 1 GB = 17.4 GB',
      '  17.4 GB less 5 GB included = 12.4 GB',
      '  12.4 GB beyond the 5 GB included × $0.10 = $1.24',
    ])
    expect(said({ included: '5', model: perUnit }, used('3'))).toEqual([
      'Data: $0.00',
      '  3 units, all of it within the 5 units included = 0 units',
      '  0 units × $0.10 = $0.00',
    ])
  })

  test('a unit whose name begins with a number', () => {
    expect(said({ unit: { name: '100k requests', per: '100000' }, model: perUnit }, used('250000'))).toEqual([
      'Data: $0.25',
      '  250,000 measured, of which 100,000 make 1 × 100k requests = 2.5 × 100k requests',
      '  2.5 × 100k requests × $0.10 = $0.25',
    ])
  })

  test('graduated: what each tier costs, below what they are together', () => {
    expect(said({ unit: { ...gigabytes, per: '1' }, model: { kind: 'graduated', tiers } }, used('1500'))).toEqual([
      'Data: $569.50',
      '  all tiers together: $569.50',
      '    10 GB × $1.00 in tier 1 (up to 10), and $2.00 for entering it = $12.00',
      '    990 GB × $0.50 in tier 2 (above 10, up to 1,000) = $495.00',
      '    500 GB × $0.125 in tier 3 (above 1,000) = $62.50',
    ])
    expect(said({ model: { kind: 'graduated', tiers } }, used('0'))).toEqual([
      'Data: $0.00',
      '  nothing used, no tier entered: $0.00',
    ])
  })

  test('volume', () => {
    expect(said({ model: { kind: 'volume', tiers } }, used('1500'))).toEqual([
      'Data: $187.50',
      '  1,500 units × $0.125 for all of them, the price of tier 3 (above 1,000) = $187.50',
    ])
    expect(said({ model: { kind: 'volume', tiers } }, used('5'))).toEqual([
      'Data: $7.00',
      '  5 units × $1.00 for all of them, the price of tier 1 (up to 10), and $2.00 for it = $7.00',
    ])
  })

  test('packages', () => {
    const model = { kind: 'package', size: '10', package_amount: '100' }
    expect(said({ model, included: '10' }, used('121'))).toEqual([
      'Data: $1,200.00',
      '  121 units less 10 units included = 111 units',
      '  111 units beyond the 10 units included, in packages of 10 (a begun one counts): 12 packages × $100.00 = $1,200.00',
    ])
    expect(said({ model: { ...model, round: 'down' } }, used('19'))).toEqual([
      'Data: $100.00',
      '  19 units, in packages of 10 (only full ones count): 1 package × $100.00 = $100.00',
    ])
  })

  test('a percentage', () => {
    expect(
      said({ unit: { name: 'USD processed', per: '1' }, model: { kind: 'percentage', percent: '2.9' } }, used('1000')),
    ).toEqual(['Data: $29.00', '  2.9 % of 1,000 USD processed = $29.00'])
  })

  test('a percentage of events, some free, some included', () => {
    const model = { kind: 'percentage', percent: '1.3', event_amount: '2', free_events: 1, maximum_each: '5' }
    const values = ['10', '100', '150', '400']
    expect(said({ model, included: '150' }, used('660', { values }))).toEqual([
      'Data: $8.43',
      '  660 units less 150 units included = 510 units',
      '  all events together: $8.43',
      '    event 1: 10 units less 10 units included = 0 units',
      '      free, as the first event is = $0.00',
      '    event 2: 100 units less 100 units included = 0 units',
      '      free, all of it is included = $0.00',
      '    event 3: 150 units less 40 units included = 110 units',
      '      1.3 % of 110 units, and $2.00 for the event, at most $5.00 = $3.43',
      '    event 4: 400 units',
      '      1.3 % of 400 units, and $2.00 for the event, at most $5.00 = $5.00',
    ])
  })

  test('tiers of percentages', () => {
    const model = { kind: 'graduated_percentage', tiers: [{ up_to: '1000', percent: '3' }, { percent: '2.5' }] }
    expect(said({ model }, used('1500'))).toEqual([
      'Data: $42.50',
      '  all tiers together: $42.50',
      '    3 % of 1,000 units in tier 1 (up to 1,000) = $30.00',
      '    2.5 % of 500 units in tier 2 (above 1,000) = $12.50',
    ])
  })

  test('commit and overage', () => {
    const price = {
      unit: { name: 'Mbit/s', per: '1000000' },
      model: { kind: 'committed', quantity: '10', unit_amount: '5', overage_unit_amount: '7' },
    }
    expect(said(price, used('12500000')).slice(2)).toEqual([
      '  10 Mbit/s committed × $5.00, used or not, and 2.5 beyond × $7.00 = $67.50',
    ])
    expect(said(price, used('1000000')).slice(2)).toEqual([
      '  10 Mbit/s committed × $5.00, used or not, and nothing beyond = $50.00',
    ])
  })

  test('a fee, whole and for a third of the period', () => {
    const fee = { name: 'Platform', model: { kind: 'flat', amount: '1000' } }
    expect(said(fee, used('1'))).toEqual(['Platform: $1,000.00', '  $1,000.00 for the billing period'])
    expect(said(fee, used('1'), { ...wholeDollars, share: [1n, 3n] })).toEqual([
      'Platform: $333.33',
      '  $1,000.00 for the billing period',
      '  $1,000.00 × 0.333333…, the share of the billing period in which this price held = $333.333333…',
      '  $333.333333… rounded once, half away from zero, to 2 decimals = $333.33',
    ])
  })

  test('a matrix: what is in each cell, and how it is priced', () => {
    const model = {
      kind: 'matrix',
      dimensions: ['country'],
      cells: [{ when: { country: ['DE', 'FR'] }, included: '1', model: perUnit }],
      default: { model: { kind: 'graduated', tiers: [{ unit_amount: '0.20' }] } },
    }
    const groups = [
      { group: { country: 'DE' }, quantity: '5000000000' },
      { group: { country: null }, quantity: '2000000000' },
    ]
    expect(said({ unit: gigabytes, model }, used('7000000000', { groups }))).toEqual([
      'Data: $0.80',
      '  all parts together: $0.80',
      '    country DE or FR: 5,000,000,000',
      '      5,000,000,000 measured, of which 1,000,000,000 make 1 GB = 5 GB',
      '      5 GB less 1 GB included = 4 GB',
      '      4 GB beyond the 1 GB included × $0.10 = $0.40',
      '    all others: 2,000,000,000',
      '      2,000,000,000 measured, of which 1,000,000,000 make 1 GB = 2 GB',
      '      all tiers together: $0.40',
      '        2 GB × $0.20 in the only tier = $0.40',
    ])
  })
})

describe('a line in plain sentences: modifiers', () => {
  test('rounding of the quantity, usage discount, discounts, maximum', () => {
    const price = {
      unit: { ...gigabytes, rounding: { mode: 'up' } },
      included: '5',
      usage_discount: { percent: '10' },
      model: { kind: 'per_unit', unit_amount: '10' },
      discounts: [
        { name: 'Loyalty', percent: '10' },
        { name: 'Voucher 2026', amount: '5' },
      ],
      maximum: '1000',
    }
    expect(said(price, used('170400000000'))).toEqual([
      'Data: $1,000.00',
      '  170,400,000,000 measured, of which 1,000,000,000 make 1 GB = 170.4 GB',
      '  170.4 GB rounded up to a whole number = 171 GB',
      '  171 GB less 5 GB included = 166 GB',
      '  166 GB less 10 % usage discount = 149.4 GB',
      '  149.4 GB × $10.00 = $1,494.00',
      '  Loyalty: 10 % off, leaves $1,344.60',
      '  Voucher 2026: $5.00 off, leaves $1,339.60',
      '  at most $1,000.00: $1,000.00',
    ])
  })

  test('a discount of more than there is, and units of usage that are discounted', () => {
    const price = { model: perUnit, usage_discount: { quantity: '2' }, discounts: [{ amount: '5' }] }
    expect(said(price, used('12'))).toEqual([
      'Data: $0.00',
      '  12 units less 2 units usage discount, never below zero = 10 units',
      '  10 units × $0.10 = $1.00',
      '  Discount: $5.00 off, never below zero, leaves $0.00',
    ])
  })

  test('windows that make up the quantity', () => {
    expect(said({ model: perUnit }, used('30', { windows: ['10', '20'] }))).toEqual([
      'Data: $3.00',
      '  measured: 30',
      '    1970-01-01T00:00:00Z to 1970-01-01T01:00:00Z: 10',
      '    1970-01-01T01:00:00Z to 1970-01-01T02:00:00Z: 20',
      '  30 units × $0.10 = $3.00',
    ])
  })

  test('each window for itself', () => {
    const price = { each: { window: 'hour' }, included: '15', model: perUnit }
    expect(said(price, used('30', { windows: ['10', '20'] }))).toEqual([
      'Data: $0.50',
      '  all parts together: $0.50',
      '    1970-01-01T00:00:00Z to 1970-01-01T01:00:00Z: 10',
      '      10 units, all of it within the 15 units included = 0 units',
      '      0 units × $0.10 = $0.00',
      '    1970-01-01T01:00:00Z to 1970-01-01T02:00:00Z: 20',
      '      20 units less 15 units included = 5 units',
      '      5 units beyond the 15 units included × $0.10 = $0.50',
    ])
  })

  test('each group for itself', () => {
    const groups = [
      { group: { country: 'DE' }, quantity: '12' },
      { group: { country: null }, quantity: '1' },
    ]
    const price = { each: { group_by: ['country'] }, model: perUnit }
    expect(said(price, used('13', { groups }))).toEqual([
      'Data: $1.30',
      '  all parts together: $1.30',
      '    country DE: 12',
      '      12 units × $0.10 = $1.20',
      '    country not known: 1',
      '      1 units × $0.10 = $0.10',
    ])
  })

  test('tokens of account become money at the end', () => {
    const price = { in: 'credits', model: { kind: 'per_unit', unit_amount: '3' } }
    expect(said(price, used('500'))).toEqual([
      'Data: $105.00',
      '  500 units × 3 credits = 1,500 credits',
      '  1,500 credits × $0.07 = $105.00',
    ])
  })

  test('a date or a name in which the number occurs does not stand for the number', () => {
    const day = (date: string): Micros => (Date.parse(`${date}T00:00:00Z`) * 1000) as Micros
    const windows = [{ from: day('2026-06-10'), to: day('2026-06-11'), quantity: exact('10') }]
    const line = rateLine(
      readPriceOf({ name: 'Data', each: { window: 'day' }, model: perUnit }),
      { quantity: exact('10'), windows, groups: [], values: null },
      lineContextOf(wholeDollars),
    )
    expect(sentencesOf(line, 'USD')).toContain('    2026-06-10T00:00:00Z to 2026-06-11T00:00:00Z: 10')
    const grouped = { each: { group_by: ['endpoint'] }, model: perUnit }
    const groups = [{ group: { endpoint: 'host 10' }, quantity: '10' }]
    expect(said(grouped, used('10', { groups }))).toContain('    endpoint host 10: 10')
  })

  test('the true-up to a minimum', () => {
    const price = readPriceOf({ name: 'Data', model: perUnit, minimum: '1000' })
    const { line } = priceOurs({ name: 'Data', model: perUnit }, used('12'), wholeDollars)
    const trueUp = minimumTrueUp(price, line, lineContextOf(wholeDollars))
    expect(trueUp === null ? [] : sentencesOf(trueUp, 'USD')).toEqual([
      'Data: minimum: $998.80',
      '  at least $1,000.00, less the $1.20 that the line costs = $998.80',
    ])
  })
})

describe('numbers for people', () => {
  test.each<readonly [string, Currency, string]>([
    ['1234567.5', 'USD', '$1,234,567.50'],
    ['-1234', 'EUR', '-€1,234.00'],
    ['0.0000001', 'USD', '$0.0000001'],
    ['1234', 'JPY', '¥1,234'],
    ['0.5', 'KWD', 'KWD 0.500'],
    ['999', 'CHF', 'CHF 999.00'],
  ])('%s %s is %s', (amount, currency, words) => {
    expect(moneyWords(exact(amount), currency)).toBe(words)
  })

  test('what never ends is cut off, and says so', () => {
    const third = priceOurs({ model: perUnit, unit: { name: 'trio', per: '3' } }, used('1'), wholeDollars)
    expect(numberWords(third.line.billableQuantity)).toBe('0.333333…')
    const small = priceOurs({ model: perUnit, unit: { name: 'many', per: '3000000000' } }, used('2'), wholeDollars)
    expect(numberWords(small.line.billableQuantity)).toBe('0.000000000666…')
  })
})
