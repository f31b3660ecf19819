import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Account } from '../../src/account/accounts.ts'
import { exact, sum, zero } from '../../src/core/exact.ts'
import type { AccountKey, MeterKey, Offset } from '../../src/core/ids.ts'
import { windowStarts } from '../../src/core/time.ts'
import type { Micros } from '../../src/core/time.ts'
import { billingPeriod } from '../../src/invoice/billing-period.ts'
import type { MeterUsage } from '../../src/invoice/collect-usage.ts'
import { documentOf } from '../../src/invoice/document.ts'
import type { InvoiceDocument } from '../../src/invoice/document.ts'
import { planInvoice } from '../../src/invoice/plan-invoice.ts'
import { partName } from '../../src/invoice/usage-wanted.ts'
import type { MeterDefinition } from '../../src/meter/definition.ts'
import { standardMeters } from '../../src/meter/standard.ts'
import type { UsageAnswer, UsageRow } from '../../src/meter/usage.ts'
import { plainContract } from '../../src/price/contract/contract.ts'
import { parsePlan } from '../../src/price/plan.ts'

/**
 * The oracle: rational numbers as two bigints, and the rules of DESIGN §9 written down once more, slowly. It
 * shares nothing with src/ but the JSON of a plan.
 */
interface Rational {
  readonly n: bigint
  readonly d: bigint
}

function read(decimal: string): Rational {
  const [whole = '', digits = ''] = decimal.split('.')
  return { n: BigInt(whole + digits), d: 10n ** BigInt(digits.length) }
}

const plus = (a: Rational, b: Rational): Rational => ({ n: a.n * b.d + b.n * a.d, d: a.d * b.d })
const minus = (a: Rational, b: Rational): Rational => ({ n: a.n * b.d - b.n * a.d, d: a.d * b.d })
const times = (a: Rational, b: Rational): Rational => ({ n: a.n * b.n, d: a.d * b.d })
const over = (a: Rational, b: Rational): Rational => ({ n: a.n * b.d, d: a.d * b.n })
const isAbove = (a: Rational, b: Rational): boolean => a.n * b.d > b.n * a.d
const nothing: Rational = { n: 0n, d: 1n }

/** Whole minor units; all amounts here are not below zero, so "away from zero" is up. */
function toMinor({ n, d }: Rational, digits: number): bigint {
  const scaled = n * 10n ** BigInt(digits)
  const down = scaled / d
  return (scaled - down * d) * 2n >= d ? down + 1n : down
}

function written(minor: bigint, digits: number): string {
  const text = minor.toString().padStart(digits + 1, '0')
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`
}

type ModelJson =
  | { readonly kind: 'flat'; readonly amount: string }
  | { readonly kind: 'per_unit'; readonly unit_amount: string }
  | { readonly kind: 'graduated'; readonly tiers: readonly TierJson[]; readonly flat_at_zero: boolean }

interface TierJson {
  readonly up_to: string | null
  readonly unit_amount: string
  readonly flat_amount: string
}

interface PriceJson {
  readonly key: string
  readonly name: string
  readonly meter?: string
  readonly unit?: { readonly name: string; readonly per: string }
  readonly included?: string
  readonly model: ModelJson
}

/** Unit by unit of the tiers: what lies above the bound before and not above the own one. */
function graduatedAmount(tiers: readonly TierJson[], quantity: Rational, flatAtZero: boolean): Rational {
  let total = nothing
  let below = nothing
  tiers.forEach((tier, index) => {
    const isEntered = isAbove(quantity, below) || (index === 0 && flatAtZero)
    const bound = tier.up_to === null ? quantity : read(tier.up_to)
    const top = isAbove(quantity, bound) ? bound : quantity
    if (isEntered) total = plus(total, plus(times(minus(top, below), read(tier.unit_amount)), read(tier.flat_amount)))
    below = bound
  })
  return total
}

function amountOf({ unit, included, model }: PriceJson, quantity: string): Rational {
  if (model.kind === 'flat') return read(model.amount)
  const converted = over(read(quantity), read(unit?.per ?? '1'))
  const free = read(included ?? '0')
  const billable = isAbove(converted, free) ? minus(converted, free) : nothing
  if (model.kind === 'per_unit') return times(billable, read(model.unit_amount))
  return graduatedAmount(model.tiers, billable, model.flat_at_zero)
}

const decimal = (wholeMax: bigint, digitsMax: number): fc.Arbitrary<string> =>
  fc
    .tuple(fc.bigInt({ min: 0n, max: wholeMax }), fc.integer({ min: 0, max: digitsMax }), fc.nat())
    .map(([whole, digits, seed]) => {
      if (digits === 0) return whole.toString()
      return `${whole}.${(BigInt(seed) ** 3n).toString().padStart(digits, '0').slice(-digits)}`
    })

const unitAmount = fc.oneof(decimal(3n, 18), fc.constantFrom('0', '0.5', '0.005', '0.000000000000000001'))
const per = fc.constantFrom('1', '3', '7', '100000', '1000000000', '1073741824', '0.5')
const meters = ['http_requests', 'data_out_wire', 'data_out_body']

const tiers = fc
  .tuple(
    fc.uniqueArray(fc.bigInt({ min: 1n, max: 1n << 70n }), { maxLength: 4 }),
    fc.array(fc.tuple(unitAmount, fc.oneof(fc.constant('0'), decimal(20n, 4))), { minLength: 5, maxLength: 5 }),
  )
  .map(([bounds, amounts]): TierJson[] => {
    const sorted: (string | null)[] = bounds.toSorted((a, b) => (a < b ? -1 : 1)).map(String)
    return [...sorted, null].map((up_to, index) => {
      const [unit_amount, flat_amount] = amounts[index] ?? ['0', '0']
      return { up_to, unit_amount, flat_amount }
    })
  })

const model: fc.Arbitrary<ModelJson> = fc.oneof(
  unitAmount.map((unit_amount): ModelJson => ({ kind: 'per_unit', unit_amount })),
  fc.record({ tiers, flat_at_zero: fc.boolean() }).map((graduated): ModelJson => ({ kind: 'graduated', ...graduated })),
  decimal(100n, 6).map((amount): ModelJson => ({ kind: 'flat', amount })),
)

const price = fc
  .record({
    model,
    per,
    included: fc.oneof(fc.constant('0'), decimal(1n << 40n, 3)),
    meter: fc.constantFrom(...meters),
  })
  .map((parts): Omit<PriceJson, 'key' | 'name'> => {
    if (parts.model.kind === 'flat') return { model: parts.model }
    return { meter: parts.meter, unit: { name: 'U', per: parts.per }, included: parts.included, model: parts.model }
  })

/** Quantities of the days: empty ones, small ones, and ones beyond 2^64 and 2^80, with and without fractions. */
const dayQuantity = fc.oneof(
  fc.constant('0'),
  decimal(1n << 20n, 0),
  decimal(1n << 65n, 0),
  decimal((1n << 90n) - 1n, 0),
  decimal(1n << 70n, 9),
)

const scenario = fc.record({
  prices: fc
    .array(price, { minLength: 1, maxLength: 6 })
    .map((list) => list.map((one, index): PriceJson => ({ key: `p${index}`, name: `Price ${index}`, ...one }))),
  days: fc.array(fc.array(dayQuantity, { minLength: 31, maxLength: 31 }), { minLength: 3, maxLength: 3 }),
  currency: fc.constantFrom('USD' as const, 'JPY' as const, 'KWD' as const),
})

type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never

const digitsOf = { USD: 2, JPY: 0, KWD: 3 } as const
const zone = 'Europe/Berlin'
const period = billingPeriod('2026-10', zone)

function answer(rows: readonly UsageRow[]): UsageAnswer {
  return { rows, total: sum(rows.map(({ quantity }) => quantity ?? zero)), eventsWithoutValue: 0n }
}

function usageIn(meter: MeterDefinition, whole: UsageAnswer, daily: UsageAnswer): MeterUsage {
  const used = { part: period, whole, windows: new Map([['day' as const, daily]]), groups: new Map() }
  return { meter, whole, parts: new Map([[partName(period), used]]), gaps: [] }
}

function usageOf(days: readonly string[], key: string): MeterUsage {
  const meter = standardMeters.find((one) => one.key === key)
  const starts = windowStarts(period, 'day', zone, 40)
  if (meter === undefined || !starts.ok) throw new Error('no meter or windows')
  const rows = starts.value.map((from, index): UsageRow => {
    const to = starts.value[index + 1] ?? period.to
    return { from, to, group: {}, quantity: exact(days[index] ?? '0'), eventsWithoutValue: 0n }
  })
  const whole: UsageRow = {
    from: period.from,
    to: period.to,
    group: {},
    quantity: answer(rows).total,
    eventsWithoutValue: 0n,
  }
  return usageIn(meter, answer([whole]), answer(rows))
}

const account: Account = {
  key: 'acme' as AccountKey,
  name: 'Acme',
  timeZone: zone,
  currency: 'USD',
  billable: true,
  createdAt: 0 as Micros,
  firstSeen: null,
}

function invoiced({ prices, days, currency }: Scenario): InvoiceDocument {
  const parsed = parsePlan({ key: 'plan', name: 'Plan', currency, prices, effective_from: '2020-01-01T00:00:00Z' })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  const usage = new Map(meters.map((key, index) => [key as MeterKey, usageOf(days[index] ?? [], key)]))
  const contract = plainContract({ ...parsed.value.terms, version: 1 }, 'subscribed', period)
  const plan = planInvoice({ account, contract, period, usage })
  const completeness = { complete: true, reasons: [] }
  return documentOf({ plan, below: 1 as Offset, completeness, issuer: { key: 'main', name: '', address: '' } }, null)
}

/** The sum of decimals as a decimal without trailing zeros. */
function total(decimals: readonly string[]): string {
  const { n, d } = decimals.map(read).reduce(plus, nothing)
  const digits = d.toString().length - 1
  const text = written(n, digits)
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

describe('an invoice', () => {
  test('has the lines and the total of an independent calculation, to the last digit', () => {
    fc.assert(
      fc.property(scenario, (given) => {
        const document = invoiced(given)
        const digits = digitsOf[given.currency]
        const expected = given.prices.map((one) => {
          const days = given.days[meters.indexOf(one.meter ?? '')] ?? ['1']
          return toMinor(amountOf(one, total(days)), digits)
        })
        expect(document.lines.map(({ amount }) => amount)).toEqual(expected.map((minor) => written(minor, digits)))
        const all = expected.reduce((one, other) => one + other, 0n)
        expect(document.total).toBe(written(all, digits))
      }),
      { numRuns: 300 },
    )
  })

  test('crossfoots: the days of a line are those that were measured, and add up to its quantity', () => {
    fc.assert(
      fc.property(scenario, (given) => {
        for (const { meter, quantity, windows } of invoiced(given).lines) {
          const days = given.days[meters.indexOf(meter?.key ?? '')]
          if (days === undefined) continue
          expect(quantity).toBe(total(days))
          expect(total(windows.map((window) => window.quantity))).toBe(quantity)
          expect(windows).toHaveLength(31)
        }
      }),
      { numRuns: 100 },
    )
  })

  test('is the same bytes when it is computed again', () => {
    fc.assert(
      fc.property(scenario, (given) => {
        expect(JSON.stringify(invoiced(structuredClone(given)))).toBe(JSON.stringify(invoiced(given)))
      }),
      { numRuns: 50 },
    )
  })

  test('is not made when the days and the period differ by one', () => {
    const usage = usageOf(['5', '6'], 'http_requests')
    const { meter, whole, parts } = usage
    const daily = parts.get(partName(period))?.windows.get('day')
    if (whole === null || daily === undefined) throw new Error('a whole and days')
    const wrong = usageIn(meter, { ...whole, total: exact('12') }, daily)
    const parsed = parsePlan({
      key: 'plan',
      name: 'Plan',
      currency: 'USD',
      effective_from: '2020-01-01T00:00:00Z',
      prices: [{ key: 'p', name: 'P', meter: 'http_requests', model: { kind: 'per_unit', unit_amount: '1' } }],
    })
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
    const contract = plainContract({ ...parsed.value.terms, version: 1 }, 'subscribed', period)
    const plan = (given: MeterUsage): unknown =>
      planInvoice({ account, contract, period, usage: new Map([['http_requests' as MeterKey, given]]) })
    expect(() => plan(wrong)).toThrow('add up')
    expect(() => plan(usage)).not.toThrow()
  })

  test('quantities beyond 2^64 and 2^80 are exact on the line', () => {
    const given: Scenario = {
      prices: [
        { key: 'p', name: 'P', meter: 'http_requests', model: { kind: 'per_unit', unit_amount: '0.01' } },
        { key: 'q', name: 'Q', meter: 'data_out_wire', model: { kind: 'per_unit', unit_amount: '1' } },
      ],
      days: [['18446744073709551616', '1'], ['1208925819614629174706176', '18446744073709551617'], []],
      currency: 'USD',
    }
    const { lines, total: sumOfLines } = invoiced(given)
    // 2^64 + 1 cents; 2^80 + 2^64 + 1 dollars.
    expect(lines.map(({ amount }) => amount)).toEqual(['184467440737095516.17', '1208944266358702884257793.00'])
    expect(sumOfLines).toBe('1208944450826143621353309.17')
  })
})
