import { describe, expect, test } from 'vitest'
import { parseRateRequest, rate } from './rate.ts'
import type { RateAnswer } from './rate.ts'

function answer(body: unknown): RateAnswer {
  const request = parseRateRequest(body)
  if (!request.ok) throw new Error(JSON.stringify(request.error))
  return rate(request.value)
}

const price = {
  unit: { name: 'GB', per: '1000000000' },
  included: '5',
  model: { kind: 'per_unit', unit_amount: '0.1' },
}

const day = (number: number, quantity: string): object => ({
  from: `2026-10-0${number}T00:00:00+02:00`,
  to: `2026-10-0${number + 1}T00:00:00+02:00`,
  quantity,
})

describe('POST /v1/rate', () => {
  test('answers a line, the total and the steps', () => {
    const { lines, total, trace } = answer({ currency: 'USD', price, quantity: '12500000000' })
    expect(lines).toEqual([
      {
        price: 'price',
        kind: 'usage',
        description: 'Price',
        quantity: '12500000000',
        billable_quantity: '7.5',
        unit: 'GB',
        unit_amount: '0.1',
        exact_amount: '0.75',
        amount: '0.75',
        trace,
        sentences: expect.arrayContaining(['Price: $0.75']),
      },
    ])
    expect(total).toBe('0.75')
    expect(trace.map(({ step }) => step)).toEqual(['convert', 'allowance', 'price', 'round'])
  })

  test('windows add up to the quantity', () => {
    const body = { currency: 'USD', price, windows: [day(1, '18446744073709551616'), day(2, '1')] }
    expect(answer(body).lines[0]?.quantity).toBe('18446744073709551617')
  })

  test('a flat price needs no quantity', () => {
    expect(answer({ currency: 'JPY', price: { model: { kind: 'flat', amount: '1999.5' } } }).total).toBe('2000')
  })

  test.each([
    [{}, ['currency', 'price', 'price.model.kind', 'quantity']],
    [{ currency: 'USD', price, quantity: '-1' }, ['quantity']],
    [{ currency: 'USD', price, quantity: 5 }, ['quantity']],
    [{ currency: 'USD', price, quantity: '1e3' }, ['quantity']],
    [{ currency: 'USD', price, quantity: '1', windows: [] }, ['quantity']],
    [{ currency: 'USD', price: { ...price, minimum_amount: '1' }, quantity: '1' }, ['price.minimum_amount']],
    [{ currency: 'USD', price, quantity: '1', timezone: 'Moon/Base' }, ['timezone']],
    [
      { currency: 'USD', price, quantity: '1', period: { from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' } },
      ['period.to'],
    ],
  ])('%j is refused', (body, fields) => {
    const parsed = parseRateRequest(body)
    expect(parsed.ok ? [] : parsed.error.map(({ field }) => field)).toEqual(fields)
  })
})

const fields = (body: unknown): (string | undefined)[] => {
  const parsed = parseRateRequest(body)
  return parsed.ok ? [] : parsed.error.map(({ field }) => field)
}
const amounts = (body: unknown): string[] =>
  answer(body).lines.map(({ price: key, kind, amount }) => `${key} ${kind} ${amount}`)
const unit = (amount = '1'): object => ({ kind: 'per_unit', unit_amount: amount })

describe('windows that are priced one by one', () => {
  // 2 free units in each day.
  const daily = { each: { window: 'day' }, included: '2', model: unit() }
  const days = (list: readonly string[]): object[] =>
    list.map((span) => {
      const [from = '', to = '', quantity = ''] = span.split(' ')
      return { from, to, quantity }
    })
  const ask = (windows: readonly object[], more: object = {}): object => ({
    currency: 'USD',
    price: daily,
    windows,
    ...more,
  })

  test('each has its own allowance, and the trace its parts', () => {
    const windows = days(['2026-10-01T00:00:00Z 2026-10-02T00:00:00Z 5', '2026-10-03T00:00:00Z 2026-10-04T00:00:00Z 1'])
    const { total, trace, lines } = answer(ask(windows))
    expect(total).toBe('3.00')
    expect(lines[0]?.quantity).toBe('6')
    expect(trace[0]?.parts).toHaveLength(2)
  })

  test('a day of 25 hours in a zone is whole, and one of 24 hours that day is not', () => {
    const timezone = 'Europe/Berlin'
    expect(fields(ask(days(['2026-10-24T22:00:00Z 2026-10-25T23:00:00Z 5']), { timezone }))).toEqual([])
    expect(fields(ask(days(['2026-10-24T22:00:00Z 2026-10-25T22:00:00Z 5']), { timezone }))).toEqual(['windows.0'])
    expect(fields(ask(days(['2026-10-24T22:00:00Z 2026-10-25T23:00:00Z 5'])))).toEqual(['windows.0'])
  })

  test('half a day is one only at an end of the period, or of the part', () => {
    const halves = days(['2026-10-01T12:00:00Z 2026-10-02T00:00:00Z 5', '2026-10-02T00:00:00Z 2026-10-02T06:00:00Z 5'])
    const period = { from: '2026-10-01T12:00:00Z', to: '2026-10-02T06:00:00Z' }
    expect(fields(ask(halves))).toEqual(['windows.0', 'windows.1'])
    expect(fields(ask(halves, { period }))).toEqual([])
    const month = { from: '2026-10-01T00:00:00Z', to: '2026-11-01T00:00:00Z' }
    expect(fields(ask(halves, { period: month }))).toEqual(['windows.0', 'windows.1'])
    expect(fields(ask(halves, { period: month, part: period }))).toEqual([])
  })

  test('two days in one, days out of order, twice the same and outside of the period are refused', () => {
    const period = { from: '2026-10-02T00:00:00Z', to: '2026-11-01T00:00:00Z' }
    expect(fields(ask(days(['2026-10-02T00:00:00Z 2026-10-04T00:00:00Z 5'])))).toEqual(['windows.0'])
    const third = '2026-10-03T00:00:00Z 2026-10-04T00:00:00Z 5'
    expect(fields(ask(days([third, '2026-10-02T00:00:00Z 2026-10-03T00:00:00Z 5'])))).toEqual(['windows.1'])
    expect(fields(ask(days([third, third])))).toEqual(['windows.1'])
    expect(fields(ask(days(['2026-10-01T00:00:00Z 2026-10-02T00:00:00Z 5']), { period }))).toEqual(['windows.0'])
    expect(fields(ask([], { quantity: '5' }))).toEqual(['quantity'])
    expect(fields({ currency: 'USD', price: daily, quantity: '5' })).toEqual(['windows'])
  })

  test('a level of the whole stands beside its windows, because they do not add up to it', () => {
    const windows = days(['2026-10-01T00:00:00Z 2026-10-02T00:00:00Z 5'])
    expect(fields(ask(windows, { additive: false }))).toEqual(['quantity'])
    expect(answer(ask(windows, { additive: false, quantity: '4' })).lines[0]?.quantity).toBe('4')
  })
})

describe('groups', () => {
  const matrix = {
    model: {
      kind: 'matrix',
      dimensions: ['country'],
      cells: [{ when: { country: ['DE', 'FR'] }, model: unit('2') }],
      default: { model: unit('3') },
    },
  }
  const group = (country: unknown, quantity = '1'): object => ({ group: { country }, quantity })

  test('are priced in their cells; what has no value is in the default one', () => {
    const groups = [group('DE'), group('FR', '2'), group('US', '10'), group(null, '100')]
    expect(answer({ currency: 'USD', price: matrix, groups }).total).toBe('336.00')
  })

  test('each for itself, with its own allowance', () => {
    const price = { each: { group_by: ['country'] }, included: '4', model: unit() }
    expect(answer({ currency: 'USD', price, groups: [group('DE', '5'), group('FR', '5')] }).total).toBe('2.00')
  })

  test.each([
    [{ price: matrix, quantity: '5' }, ['groups']],
    [{ price: matrix, groups: [group('DE'), group('DE')] }, ['groups.1.group']],
    [{ price: matrix, groups: [{ group: { city: 'X' }, quantity: '1' }] }, ['groups.0.group.city']],
    [{ price: matrix, groups: [group(5)] }, ['groups.0.group.country']],
    [{ price: matrix, groups: [{ group: null, quantity: '1' }] }, ['groups.0.group']],
    [{ price: matrix, groups: 'all' }, ['groups']],
  ])('%j is refused', (body, expected) => {
    expect(fields({ currency: 'USD', ...body })).toEqual(expected)
  })
})

describe('values of single events', () => {
  const price = { model: { kind: 'percentage', percent: '10', minimum_each: '1' } }

  test('are priced each for itself', () => {
    // 10 % of 5 is below 1; of 30 it is 3.
    const { total, lines } = answer({ currency: 'USD', price, values: ['5', '30'] })
    expect([total, lines[0]?.quantity]).toEqual(['4.00', '35'])
    expect(answer({ currency: 'USD', price, values: [] }).total).toBe('0.00')
  })

  test('are asked for where the price looks at them', () => {
    expect(fields({ currency: 'USD', price, quantity: '35' })).toEqual(['values'])
    expect(fields({ currency: 'USD', price, values: ['1', 2] })).toEqual(['values.1'])
    expect(fields({ currency: 'USD', price, values: Array.from({ length: 10_001 }, () => '1') })).toEqual(['values'])
  })
})

describe('a part of a period', () => {
  const period = { from: '2026-04-01T00:00:00Z', to: '2026-05-01T00:00:00Z' }
  const half = { from: '2026-04-01T00:00:00Z', to: '2026-04-16T00:00:00Z' }

  test('cuts a fee, an allowance and not the amount of a level', () => {
    const ask = (body: object): string => answer({ currency: 'USD', period, part: half, ...body }).total
    expect(ask({ price: { model: { kind: 'flat', amount: '30' } }, count: '3' })).toBe('45.00')
    expect(ask({ price: { included: '10', model: unit() }, quantity: '8' })).toBe('3.00')
    const level = { meter: 'peak', included: '10', model: unit() }
    expect(ask({ price: level, quantity: '18', additive: false })).toBe('4.00')
  })

  test('both halves stand side by side under one key, and say when', () => {
    const second = { from: half.to, to: period.to }
    const fee = (amount: string, part: object): object => ({
      price: { key: 'fee', model: { kind: 'flat', amount } },
      part,
    })
    const { lines, total } = answer({ currency: 'USD', period, prices: [fee('30', half), fee('60', second)] })
    expect(lines.map(({ from, to, amount }) => [from, to, amount])).toEqual([
      [half.from, half.to, '15.00'],
      [second.from, second.to, '30.00'],
    ])
    expect(total).toBe('45.00')
    expect(fields({ currency: 'USD', period, prices: [fee('1', half), fee('1', period)] })).toEqual([
      'prices.1.price.key',
    ])
  })

  test.each([
    [{ part: half }, ['part']],
    [{ part: { from: '2026-03-31T00:00:00Z', to: half.to }, period }, ['part']],
    [{ part: { from: half.to, to: half.from }, period }, ['part.to']],
    [{ count: '2' }, ['count']],
    [{ additive: 'no' }, ['additive']],
  ])('%j is refused', (body, expected) => {
    expect(fields({ currency: 'USD', price: { model: unit() }, quantity: '1', ...body })).toEqual(expected)
  })
})

describe('several prices', () => {
  const prices = [
    { price: { key: 'out', model: unit('0.335') }, quantity: '3' },
    { price: { model: { kind: 'flat', amount: '20' } } },
    { price: { key: 'fips', model: { kind: 'surcharge', percent: '50', of: ['out', 'price_2'] } } },
    { price: { key: 'commit', model: { kind: 'commitment', amount: '100', of: 'all' } } },
  ]

  test('with prices over lines; the trace adds the lines up, and each line has its own', () => {
    const asked = { currency: 'USD', prices }
    expect(amounts(asked)).toEqual([
      'out usage 1.01',
      'price_2 fee 20.00',
      'fips surcharge 10.51',
      'commit true_up 78.99',
    ])
    const { total, trace, lines } = answer(asked)
    expect(total).toBe('110.51')
    expect(trace).toMatchObject([{ formula: '1.01 + 20 + 10.51 + 78.99', result: '110.51' }])
    expect(lines.every((line) => line.trace.length > 0)).toBe(true)
  })

  test('are at most 200', () => {
    const fees = (length: number): object => ({ currency: 'USD', prices: Array.from({ length }, () => prices[1]) })
    expect(fields(fees(200))).toEqual([])
    expect(fields(fees(201))).toEqual(['prices'])
  })

  test('nothing owed is no line and a total of zero', () => {
    const paid = [
      { price: { key: 'a', model: unit() }, quantity: '0' },
      { price: { model: { kind: 'commitment', amount: '0', of: ['a'] } } },
    ]
    expect(amounts({ currency: 'JPY', prices: paid })).toEqual(['a usage 0'])
  })

  test.each([
    [{ prices, quantity: '5' }, ['quantity']],
    [{ prices: [] }, ['prices']],
    [{ prices: [...prices, prices[0]] }, ['prices.4.price.key']],
    [{ prices: [{ ...prices[0], tax: '5' }] }, ['prices.0.tax']],
    [{ prices: prices.slice(2, 3) }, ['prices.0.price.model.of.0', 'prices.0.price.model.of.1']],
    [{ prices: [prices[0], { ...prices[3], quantity: '5' }] }, ['prices.1.quantity']],
    [
      { prices: [{ price: { key: 's', model: { kind: 'surcharge', percent: '1', of: ['s'] } } }] },
      ['prices.0.price.model.of'],
    ],
    [{ price: { model: { kind: 'surcharge', percent: '1', of: 'all' } } }, ['price.model.kind']],
    [
      {
        prices: [{ price: { model: unit() } }, { price: { model: unit('-1') }, quantity: 5 }],
        period: {},
        timezone: 5,
      },
      [
        'period.from',
        'period.to',
        'period.to',
        'timezone',
        'prices.1.price.model.unit_amount',
        'prices.0.quantity',
        'prices.1.quantity',
      ],
    ],
  ])('%j is refused', (body, expected) => {
    expect(fields({ currency: 'USD', ...body })).toEqual(expected)
  })
})

describe('totals', () => {
  const line = { price: { key: 'out', meter: 'data_out', model: unit() }, quantity: '100' }
  const fee = { price: { key: 'fee', model: { kind: 'flat', amount: '50' } } }
  const asked = {
    currency: 'USD',
    prices: [line, fee],
    discounts: [
      { name: 'Spring', percent: '10' },
      { coupon: 'five', amount: '5', of: ['fee'] },
    ],
    credits: [
      { kind: 'promotional', balance: '20', scope: { meters: ['data_out'] } },
      { kind: 'prepaid', balance: '1000', expires_at: '2026-05-01T00:00:00Z' },
    ],
    taxes: [{ key: 'vat', name: 'VAT', percent: '20' }],
    at: '2026-05-01T00:00:00Z',
  }

  test('are there when they are asked for, and `total` is what the invoice would say', () => {
    // 150 − 15 − 5 = 130; −20 = 110; + 22. The prepaid credit has expired: its instant is exclusive.
    const { total, totals } = answer(asked)
    expect(total).toBe('132.00')
    expect(totals).toMatchObject({
      subtotal: '150.00',
      taxable: '110.00',
      total: '132.00',
      due: '132.00',
      prepaid_credits: [],
    })
    expect(answer({ ...asked, at: '2026-04-30T23:59:59.999999Z' }).totals).toMatchObject({
      total: '132.00',
      due: '0.00',
    })
    expect(answer({ currency: 'USD', ...line }).totals).toBeUndefined()
  })

  test.each([
    [{ at: null }, ['at']],
    [
      { discounts: [{ percent: '101' }, { percent: '1', amount: '1' }, { amount: '1', of: ['gone'] }] },
      ['discounts.0.percent', 'discounts.1', 'discounts.2.of.0'],
    ],
    [{ discounts: [{ percent: '1', up_to: '5' }] }, ['discounts.0.up_to']],
    [{ credits: [{ kind: 'gift', balance: '1.005' }] }, ['credits.0.kind', 'credits.0.balance']],
    [
      {
        credits: [
          { id: 'a', kind: 'prepaid', balance: '1' },
          { id: 'a', kind: 'prepaid', balance: '-1' },
        ],
      },
      ['credits.1.balance', 'credits.1.id'],
    ],
    [{ credits: [{ kind: 'prepaid', balance: '1', scope: 'some' }] }, ['credits.0.scope']],
    [{ taxes: [{ percent: '5' }, { key: 'tax_1', percent: '-5' }] }, ['taxes.1.percent', 'taxes.1.key']],
    [{ taxes: [] }, ['taxes']],
  ])('%j is refused', (body, expected) => {
    expect(fields({ ...asked, ...body })).toEqual(expected)
  })

  test('prices in a pricing unit become money once', () => {
    const pricing_units = [{ key: 'cr', name: 'credits', rate: '0.25' }]
    const price = { in: 'cr', model: unit('3') }
    expect(answer({ currency: 'EUR', pricing_units, price, quantity: '7' }).total).toBe('5.25')
    expect(fields({ currency: 'EUR', price, quantity: '7' })).toEqual(['price.in'])
  })
})

test('what would take too many steps is refused before it is calculated', () => {
  const tiers = [
    ...Array.from({ length: 49 }, (_, index) => ({ up_to: String(index + 1), unit_amount: '1' })),
    { unit_amount: '1' },
  ]
  const groups = (length: number): object[] =>
    Array.from({ length }, (_, index) => ({ group: { endpoint: String(index) }, quantity: '60' }))
  const graduated = { kind: 'graduated', tiers }
  const each = { each: { group_by: ['endpoint'] } }
  const ask = (length: number): object => ({
    currency: 'USD',
    price: { ...each, model: graduated },
    groups: groups(length),
  })
  expect(fields(ask(500))).toEqual([])
  expect(fields(ask(1000))).toEqual([''])
  const many = { price: { model: unit() }, groups: groups(9000) }
  expect(fields({ currency: 'USD', prices: [many, many] })).toEqual([])
  expect(fields({ currency: 'USD', prices: [many, many, many, many, many] })).toEqual([''])
})

test('the same request has the same answer, byte by byte', () => {
  const body = { currency: 'USD', price, windows: [day(1, '7000000000'), day(2, '1')] }
  expect(JSON.stringify(answer(body))).toBe(JSON.stringify(answer(structuredClone(body))))
})
