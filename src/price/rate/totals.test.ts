import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { exact } from '../../core/exact.ts'
import type { MeterKey } from '../../core/ids.ts'
import type { Currency, Minor } from '../../core/money.ts'
import type { Micros } from '../../core/time.ts'
import type { AvailableCredit, CreditKind, GrantId } from '../credit/grant.ts'
import type { Lines } from '../model/over-lines.ts'
import type { PriceKey } from '../price-key.ts'
import { spread } from './spread.ts'
import { totalsJson, totalsOf } from './totals.ts'
import type { InvoiceDiscount, Tax, Totals, TotalsInput, TotalsLine } from './totals.ts'

const line = (key: string, cents: bigint): TotalsLine => ({
  price: key as PriceKey,
  meter: key as MeterKey,
  amount: cents as Minor,
})
const of = (keys: readonly string[] | 'all'): Lines => (keys === 'all' ? 'all' : keys.map((key) => key as PriceKey))
const percent = (text: string, keys: readonly string[] | 'all' = 'all'): InvoiceDiscount => ({
  coupon: `p${text}`,
  version: 1,
  discount: { kind: 'percent', name: `${text} %`, percent: exact(text) },
  of: of(keys),
})
const fixed = (text: string, keys: readonly string[] | 'all' = 'all'): InvoiceDiscount => ({
  coupon: `f${text}`,
  version: 2,
  discount: { kind: 'fixed', name: `${text} off`, amount: exact(text) },
  of: of(keys),
})
const tax = (text: string): Tax => ({ key: `t${text}`, name: 'VAT', percent: exact(text) })

interface Credit {
  readonly kind: CreditKind
  readonly balance: bigint
  readonly meters?: readonly string[]
  readonly currency?: Currency
}

const credit = ({ kind, balance, meters, currency = 'USD' }: Credit, index: number): AvailableCredit => ({
  id: `g${index}` as GrantId,
  kind,
  name: 'Credit',
  currency,
  priority: 0,
  scope: meters === undefined ? 'all' : { meters: meters.map((key) => key as MeterKey) },
  effectiveFrom: 0 as Micros,
  expiresAt: null,
  createdAt: index as Micros,
  balance: balance as Minor,
})

interface Question extends Partial<Omit<TotalsInput, 'credits'>> {
  readonly credits?: readonly Credit[]
}

function totals(lines: readonly TotalsLine[], { credits = [], ...rest }: Question): Totals {
  const input = { currency: 'USD', discounts: [], taxes: [], at: 5 as Micros, ...rest } as const
  return totalsOf(lines, { ...input, credits: credits.map(credit) })
}

describe('spread', () => {
  test.each([
    [100n, [1n, 1n, 1n], [34n, 33n, 33n]],
    [1n, [5n, 5n], [1n, 0n]],
    [2n, [3n, 5n, 0n], [1n, 1n, 0n]],
    [5n, [1n, 2n, 2n], [1n, 2n, 2n]],
    [0n, [0n, 0n], [0n, 0n]],
    [0n, [], []],
  ])('%s over %s', (amount, weights, parts) => {
    expect(spread(amount as Minor, weights as Minor[])).toEqual(parts)
  })

  test('adds up, each part within one unit of its share and never above its weight', () => {
    const weights = fc.array(fc.bigInt({ min: 0n, max: 10n ** 12n }), { minLength: 1, maxLength: 9 })
    fc.assert(
      fc.property(weights, fc.nat({ max: 1000 }), (all, thousandths) => {
        const whole = all.reduce((sum, one) => sum + one, 0n)
        const amount = (whole * BigInt(thousandths)) / 1000n
        const parts = spread(amount as Minor, all as Minor[])
        expect(parts.reduce((sum: bigint, one) => sum + one, 0n)).toBe(amount)
        parts.forEach((part, index) => {
          const weight = all[index] ?? 0n
          expect(part >= 0n && part <= weight).toBe(true)
          // |part − weight × amount / whole| < 1, without a division.
          const off = part * whole - weight * amount
          expect(whole === 0n || (off < whole && -off < whole)).toBe(true)
        })
      }),
    )
  })
})

describe('totals', () => {
  test('of an invoice by hand', () => {
    // 100.00 + 50.00 + 25.05; 10 % of all is 17.505 → 17.51, leaving 157.54; 20 off the fee; 30 promotional on `out`.
    const lines = [line('out', 10_000n), line('requests', 5000n), line('fee', 2505n)]
    const answer = totals(lines, {
      discounts: [percent('10'), fixed('20', ['fee'])],
      credits: [
        { kind: 'promotional', balance: 3000n, meters: ['out'] },
        { kind: 'prepaid', balance: 5000n, meters: ['requests'] },
        { kind: 'prepaid', balance: 1000n },
      ],
      taxes: [tax('19'), tax('1.5')],
    })
    // 10 % spread: 10.0028…, 5.0014…, 2.5057… → 10.00, 5.00, 2.50 and one cent to the fee, which lost the most.
    expect(answer.lines.map(({ discount }) => discount)).toEqual([1000n, 500n, 2251n])
    expect(answer.taxable).toBe(17_505n - 1751n - 2000n - 3000n)
    // 107.54 × 19 % = 20.4326, × 1.5 % = 1.6131.
    expect(totalsJson(answer)).toMatchObject({
      subtotal: '175.05',
      discounts: [
        { coupon: 'p10', version: 1, of: 'all', percent: '10', base: '175.05', amount: '17.51' },
        { coupon: 'f20', version: 2, of: ['fee'], fixed: '20', base: '22.54', amount: '20.00' },
      ],
      promotional_credits: [{ grant: 'g0', line: 0, amount: '30.00' }],
      taxable: '107.54',
      taxes: [
        { key: 't19', percent: '19', amount: '20.43' },
        { key: 't1.5', percent: '1.5', amount: '1.61' },
      ],
      total: '129.58',
      due: '69.58',
    })
    // Taxable 60.00, 45.00, 2.54; the scoped prepaid credit pays of `requests` and its tax 50.00 of 54.22.
    expect(answer.lines.map(({ taxable }) => taxable)).toEqual([6000n, 4500n, 254n])
    expect(answer.prepaid.find(({ line: index }) => index === 1)).toEqual({
      grant: 'g1',
      name: 'Credit',
      line: 1,
      amount: 5000n,
    })
  })

  test('a prepaid credit for some lines pays them and their tax, and nothing else', () => {
    const lines = [line('a', 10_000n), line('b', 10_000n)]
    const answer = totals(lines, {
      taxes: [tax('20')],
      credits: [{ kind: 'prepaid', balance: 99_999n, meters: ['a'] }],
    })
    expect(answer.prepaid).toEqual([{ grant: 'g0', name: 'Credit', line: 0, amount: 12_000n }])
    expect(answer.due).toBe(12_000n)
  })

  test('discounts are taken in the order in which they stand', () => {
    const lines = [line('a', 10_000n)]
    expect(totals(lines, { discounts: [percent('50'), fixed('20')] }).taxable).toBe(3000n)
    expect(totals(lines, { discounts: [fixed('20'), percent('50')] }).taxable).toBe(4000n)
  })

  test('a fixed discount is never more than what is left, and one of nothing takes nothing', () => {
    const lines = [line('a', 100n), line('b', 500n)]
    const answer = totals(lines, { discounts: [fixed('3', ['a']), percent('50', ['a']), fixed('1', ['gone'])] })
    expect(answer.discounts.map(({ base, taken }) => [base, taken])).toEqual([
      [100n, 100n],
      [0n, 0n],
      [0n, 0n],
    ])
    expect(answer.due).toBe(500n)
  })

  test('`all` takes surcharges in: everything off leaves nothing', () => {
    const answer = totals([line('a', 101n), line('surcharge', 51n)], {
      discounts: [percent('100')],
      taxes: [tax('19')],
    })
    expect([answer.taxable, answer.total, answer.due]).toEqual([0n, 0n, 0n])
  })

  test('each tax is rounded once, on the whole', () => {
    // 3 × 0.03 × 10 % would be 3 × 0.003 → 0; of 0.09 it is 0.009 → 0.01.
    const answer = totals([line('a', 3n), line('b', 3n), line('c', 3n)], { taxes: [tax('10')] })
    expect(answer.taxes[0]?.amount).toBe(1n)
    expect(answer.lines.map((one) => one.tax)).toEqual([1n, 0n, 0n])
  })

  test('promotional credits come before tax, prepaid ones after it; credits of another currency pay nothing', () => {
    const lines = [line('a', 10_000n)]
    const paid = (kind: CreditKind, currency: Currency = 'USD'): bigint =>
      totals(lines, { taxes: [tax('10')], credits: [{ kind, balance: 5000n, currency }] }).due
    expect([paid('promotional'), paid('prepaid'), paid('prepaid', 'EUR')]).toEqual([5500n, 6000n, 11_000n])
  })

  test('of no line is zero', () => {
    const answer = totals([], { discounts: [percent('10'), fixed('5')], taxes: [tax('19')], credits: [] })
    expect([answer.subtotal, answer.total, answer.due]).toEqual([0n, 0n, 0n])
  })
})

const keys = ['a', 'b', 'c'] as const
const scopes = fc.oneof(fc.constant('all' as const), fc.subarray([...keys], { minLength: 1 }))
const lineList = fc.array(fc.tuple(fc.constantFrom(...keys), fc.bigInt({ min: 0n, max: 10n ** 9n })), { maxLength: 6 })
const hundredths = (value: number): string => `${Math.floor(value / 100)}.${String(value % 100).padStart(2, '0')}`
const discounts = fc.array(
  fc.oneof(
    fc.tuple(fc.nat({ max: 10_000 }), scopes).map(([value, scope]) => percent(hundredths(value), scope)),
    fc.tuple(fc.nat({ max: 5_000_000 }), scopes).map(([value, scope]) => fixed(hundredths(value), scope)),
  ),
  { maxLength: 4 },
)
const creditList = fc.array(
  fc.record({
    kind: fc.constantFrom<CreditKind>('promotional', 'prepaid'),
    balance: fc.bigInt({ min: 0n, max: 10n ** 9n }),
    meters: fc.oneof(fc.constant([...keys]), fc.subarray([...keys])),
  }),
  { maxLength: 4 },
)
const taxList = fc.array(
  fc.nat({ max: 3000 }).map((value) => tax(hundredths(value))),
  { maxLength: 3 },
)

/** round(amount × hundredths / 10000), half away from zero, in plain integers. */
function portion(amount: bigint, text: string): bigint {
  return (amount * BigInt(text.replace('.', '')) + 5000n) / 10_000n
}

test('any invoice: it adds up along rows and columns, nothing is below zero, and each step is what it says', () => {
  fc.assert(
    fc.property(lineList, discounts, creditList, taxList, (given, taken, credits, taxes) => {
      const lines = given.map(([key, cents]) => line(key, cents))
      const answer = totals(lines, { discounts: taken, credits, taxes })
      const column = (name: keyof Totals['lines'][number]): bigint =>
        answer.lines.reduce((sum: bigint, one) => sum + one[name], 0n)
      const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((total, one) => total + one, 0n)

      // Columns.
      expect(column('amount')).toBe(answer.subtotal)
      expect(column('discount')).toBe(sum(answer.discounts.map((one) => one.taken)))
      expect(column('promotional')).toBe(sum(answer.promotional.map(({ amount }) => amount)))
      expect(column('taxable')).toBe(answer.taxable)
      expect(column('tax')).toBe(sum(answer.taxes.map(({ amount }) => amount)))
      expect(column('prepaid')).toBe(sum(answer.prepaid.map(({ amount }) => amount)))
      expect(column('due')).toBe(answer.due)
      expect(answer.total).toBe(answer.taxable + column('tax'))
      expect(answer.due).toBe(answer.total - column('prepaid'))
      // Rows.
      for (const row of answer.lines) {
        expect(row.taxable).toBe(row.amount - row.discount - row.promotional)
        expect(row.due).toBe(row.taxable + row.tax - row.prepaid)
        expect(Object.values(row).every((amount) => amount >= 0n)).toBe(true)
      }
      // Steps, in plain integers.
      for (const { discount, base, taken: off } of answer.discounts) {
        if (discount.discount.kind === 'percent') expect(off).toBe(portion(base, discount.discount.name.slice(0, -2)))
        else {
          const most = BigInt(discount.discount.name.slice(0, -4).replace('.', ''))
          expect(off).toBe(most < base ? most : base)
        }
      }
      for (const { tax: one, amount } of answer.taxes) expect(amount).toBe(portion(answer.taxable, one.key.slice(1)))
      // No grant pays more than it has, or a line outside its scope.
      credits.forEach(({ kind, balance, meters }, index) => {
        const burns = (kind === 'prepaid' ? answer.prepaid : answer.promotional).filter(
          ({ grant }) => grant === `g${index}`,
        )
        expect(sum(burns.map(({ amount }) => amount)) <= balance).toBe(true)
        expect(burns.every(({ line: at }) => meters.some((meter) => meter === lines[at]?.price))).toBe(true)
      })
    }),
    { numRuns: 200 },
  )
})

test('the first discount is of all lines in its scope, the next of what is left of them', () => {
  fc.assert(
    fc.property(lineList, discounts, (given, taken) => {
      const lines = given.map(([key, cents]) => line(key, cents))
      const inScope = (scope: Lines) => (one: TotalsLine) => scope === 'all' || scope.includes(one.price)
      taken.forEach((discount, index) => {
        // Taking the first ones alone leaves what the next one is of.
        const before = totals(lines, { discounts: taken.slice(0, index) })
        const left = before.lines.filter((_, at) => {
          const one = lines[at]
          return one !== undefined && inScope(discount.of)(one)
        })
        const base = left.reduce((sum: bigint, one) => sum + one.taxable, 0n)
        expect(totals(lines, { discounts: taken }).discounts[index]?.base).toBe(base)
      })
    }),
    { numRuns: 60 },
  )
})
