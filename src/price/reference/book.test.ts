import { describe, expect, test } from 'vitest'
import type { AccountKey, PlanKey } from '../../core/ids.ts'
import { exact, one, sum } from '../../core/exact.ts'
import { formatMinor, readMinor } from '../../core/money.ts'
import { parseInstant } from '../../core/time.ts'
import type { Micros, Period } from '../../core/time.ts'
import { libraryEntry } from '../../meter/library.ts'
import { standardMeters } from '../../meter/standard.ts'
import { contractOf } from '../contract/contract.ts'
import { splitPrices } from '../contract/contract-parts.ts'
import type { AvailableCredit, GrantId } from '../credit/grant.ts'
import { parsePriceBook } from '../book/price-book-file.ts'
import { bookOf } from '../book/price-book-import.ts'
import type { AddOnKey, PriceBook } from '../book/price-book.ts'
import { shareOf } from '../rate/proration.ts'
import { rateLines } from '../rate/rate-lines.ts'
import type { LineUsage } from '../rate/slice.ts'
import { noTerms } from '../contract/subscription-terms.ts'
import { totalsOf } from '../rate/totals.ts'
import book from './book.ts'
import { freeCredit } from './credits.ts'
import { libraryMeters, referenceMeters } from './meters.ts'

// Hand-computed invoices of the reference price book: every expected number is worked out beside it.

function at(text: string): Micros {
  const parsed = parseInstant(text.length === 10 ? `${text}T00:00:00Z` : text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

function read(document: unknown): PriceBook {
  const parsed = parsePriceBook(document)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  return bookOf(parsed.value)
}

const whole = read(book)

function monthOf(month: string): Period {
  const [year, number] = month.split('-').map(Number)
  const next = number === 12 ? `${(year ?? 0) + 1}-01` : `${year}-${String((number ?? 0) + 1).padStart(2, '0')}`
  return { from: at(`${month}-01`), to: at(`${next}-01`) }
}

/** What was used, on which days: `{ policy_units: { '2026-06-10': '20000000' } }`. */
type Used = Readonly<Record<string, Readonly<Record<string, string>>>>

/** What does not add up over days is told for the period: distinct users, certificates. */
const levels = new Set(['monthly_identities', 'users', 'certificates'])
const hour = 3_600_000_000

/** So many addresses were held all the time from that day on; each clock hour of a part has that quantity. */
function heldUsage(days: Readonly<Record<string, string>>, part: Period): LineUsage {
  const [[day, count] = ['2199-01-01', '0']] = Object.entries(days)
  const windows = []
  for (let from = Math.max(part.from, at(day)); from < part.to; from += hour)
    windows.push({ from: from as Micros, to: (from + hour) as Micros, quantity: exact(count) })
  return { quantity: sum(windows.map(({ quantity }) => quantity)), groups: [], windows, values: null }
}

function usageIn(used: Used, meter: string, part: Period): LineUsage {
  const days = used[meter] ?? {}
  if (meter === 'reserved_address_hours') return heldUsage(days, part)
  const inside = Object.entries(days).filter(
    ([day]) => levels.has(meter) || (at(day) >= part.from && at(day) < part.to),
  )
  return { quantity: sum(inside.map(([, quantity]) => exact(quantity))), groups: [], windows: [], values: null }
}

interface Case {
  readonly plan: string
  readonly month: string
  readonly used: Used
  readonly addOns?: Readonly<Record<string, number>>
  readonly credit?: string
  readonly book?: PriceBook
}

function contractFor({ plan, month, addOns = {}, book: of = whole }: Case) {
  const from = at('2025-10-01')
  const taken = Object.entries(addOns).map(([key, count]) => ({ key: key as AddOnKey, count, from: null, to: null }))
  const account = { key: 'acme' as AccountKey, timeZone: 'UTC', currency: 'USD' } as const
  const decision = {
    account: account.key,
    number: 1,
    plan: plan as PlanKey,
    from,
    to: null,
    begun: from,
    terms: { ...noTerms, addOns: taken },
    recordedAt: from,
    by: 'test',
  }
  return contractOf({ account, decisions: [decision], defaults: [] }, of, monthOf(month))
}

function creditOf(balance: string): AvailableCredit {
  const { effective_from, ...named } = freeCredit
  const begun = at(effective_from)
  const more = { priority: 0, scope: 'all', effectiveFrom: begun, expiresAt: null, createdAt: begun } as const
  return { id: 'free' as GrantId, ...named, ...more, balance: readMinor(balance, 'USD') }
}

/** Lines by price, the subtotal, and what is due after the plan's credit. */
function bill(given: Case): Readonly<Record<string, string | readonly string[]>> {
  const contract = contractFor(given)
  const parts = splitPrices(contract.parts).map(({ price, count, part }) => ({
    price,
    part,
    share: shareOf(part, contract.period),
    additive: price.meter === null || !levels.has(price.meter),
    count,
    usage:
      price.meter === null
        ? { quantity: one, groups: [], windows: [], values: null }
        : usageIn(given.used, price.meter, part),
  }))
  const lines = rateLines(parts, { currency: 'USD', traced: false }).map(({ line }) => line)
  const credits = given.credit === undefined ? [] : [creditOf(given.credit)]
  const totals = totalsOf(lines, {
    currency: 'USD',
    discounts: contract.coupons,
    credits,
    taxes: [],
    at: contract.period.to,
  })
  const amounts = new Map<string, string[]>()
  for (const { price, amount } of lines)
    if (amount !== 0n) amounts.set(price, [...(amounts.get(price) ?? []), formatMinor(amount, 'USD')])
  const shown = [...amounts].map(([key, all]) => [key, all.length === 1 ? all[0] : all] as const)
  return {
    ...Object.fromEntries(shown),
    subtotal: formatMinor(totals.subtotal, 'USD'),
    due: formatMinor(totals.due, 'USD'),
  }
}

/** The book as it was published before a day. */
function bookBefore(day: string): PriceBook {
  const earlier = <Version extends { readonly effective_from?: unknown }>(versions: readonly Version[] = []) =>
    versions.filter((version) => at(version.effective_from as string) < at(day))
  return read({ plans: earlier(book.plans as never), add_ons: earlier(book.add_ons as never) })
}

const on = (month: string, quantity: string): Readonly<Record<string, string>> => ({ [`${month}-05`]: quantity })

/** 12.4 GB, 350,000 requests, 5,000 connections, one endpoint all the time. */
function small(month: string, hours: string): Used {
  return {
    data_out_all_legs: on(month, '12400000000'),
    http_requests: on(month, '350000'),
    connections: on(month, '5000'),
    public_endpoint_hours: on(month, hours),
    users: on(month, '2'),
    monthly_identities: on(month, '5'),
  }
}
// (12.4 − 5) × 0.10; (3.5 − 1) × 1; nothing beyond 5,000 connections; 0.015 an hour.
const smallLines = { data_out: '0.74', requests: '2.50' }

/** Of a large account in a month of 31 days; what changes in the month is given apart. */
const large: Used = {
  data_out_all_legs: on('2026-08', '5005000000000'),
  http_requests: on('2026-08', '80100000'),
  connections: on('2026-08', '1005000'),
  public_endpoint_hours: on('2026-08', '14880'),
  policy_units: on('2026-08', '25000000'),
  pinned_endpoint_hours: on('2026-08', '744'),
  custom_domain_hours: on('2026-08', '1488'),
  reserved_address_hours: { '2026-08-01': '3' },
  certificate_hours: on('2026-08', '744'),
  monthly_identities: on('2026-08', '205'),
  log_exports: on('2026-08', '1000001'),
  users: on('2026-08', '8'),
}

describe('the reference price book', () => {
  test('bills meters that are there: of every installation, of the library, and one beside it', () => {
    const sold = [...whole.plans.values(), ...whole.addOns.values()].flat().flatMap(({ prices }) => prices)
    const billed = new Set(sold.flatMap(({ meter }) => (meter === null ? [] : [meter as string])))
    const known = new Set([
      ...standardMeters.map(({ key }) => key as string),
      ...libraryMeters,
      ...referenceMeters.map(({ key }) => key),
    ])
    expect([...billed].filter((meter) => !known.has(meter))).toEqual([])
    for (const key of libraryMeters) expect(libraryEntry(key).isStandard).toBe(false)
    expect(libraryMeters.filter((meter) => !billed.has(meter))).toEqual([])
  })

  test('free: within its limits nothing is due, because the credit pays for its endpoint', () => {
    const used = {
      data_out_all_legs: on('2026-03', '900000000'),
      http_requests: on('2026-03', '19000'),
      connections: on('2026-03', '40'),
      public_endpoint_hours: on('2026-03', '100'),
      monthly_identities: on('2026-03', '3'),
    }
    // 100 × 0.015
    expect(bill({ plan: 'free', month: '2026-03', used, credit: '5' })).toEqual({
      endpoint_hours: '1.50',
      subtotal: '1.50',
      due: '0.00',
    })
  })

  test('hobbyist: policy units at a tenth from 30 June on', () => {
    const used = (month: string): Used => ({
      data_out_all_legs: on(month, '8000000000'),
      http_requests: on(month, '250000'),
      connections: on(month, '6000'),
      public_endpoint_hours: on(month, '300'),
      policy_units: on(month, '400000'),
    })
    // 8; 3 × 0.10; 1.5 × 1; (0.06 − 0.05) × 2; 300 × 0.015; 4 × 1.00, later 4 × 0.10
    const lines = { base: '8.00', data_out: '0.30', requests: '1.50', connections: '0.02', endpoint_hours: '4.50' }
    expect(bill({ plan: 'hobbyist', month: '2026-03', used: used('2026-03') })).toEqual({
      ...lines,
      policy_units: '4.00',
      subtotal: '18.32',
      due: '13.32',
    })
    // 10.32 of usage less 5; in August usage is 6.72.
    expect(bill({ plan: 'hobbyist', month: '2026-08', used: used('2026-08') })).toEqual({
      ...lines,
      policy_units: '0.40',
      subtotal: '14.72',
      due: '9.72',
    })
  })

  test('pay as you go, small: no base fee in February, 20 with 20 of usage in April', () => {
    // 672 × 0.015
    expect(bill({ plan: 'pay-as-you-go', month: '2026-02', used: small('2026-02', '672') })).toEqual({
      ...smallLines,
      endpoint_hours: '10.08',
      subtotal: '13.32',
      due: '13.32',
    })
    // 720 × 0.015; usage of 14.04 is paid by the 20 that come with the fee.
    expect(bill({ plan: 'pay-as-you-go', month: '2026-04', used: small('2026-04', '720') })).toEqual({
      base: '20.00',
      ...smallLines,
      endpoint_hours: '10.80',
      subtotal: '34.04',
      due: '20.00',
    })
  })

  test('March is split where the base fee began: 6 of 31 days of it', () => {
    // 20 × 6/31 = 3.8709…; 744 × 0.015. Nothing else changed, so nothing else is split.
    expect(bill({ plan: 'pay-as-you-go', month: '2026-03', used: small('2026-03', '744') })).toEqual({
      ...smallLines,
      endpoint_hours: '11.16',
      base: '3.87',
      subtotal: '18.27',
      due: '14.40',
    })
  })

  test('last March re-rates as last March was sold, whatever was published since', () => {
    const march: Case = { plan: 'pay-as-you-go', month: '2026-03', used: small('2026-03', '744') }
    const then = bookBefore('2026-04-01')
    expect(then.plans.get('pay-as-you-go' as PlanKey)).toHaveLength(2)
    expect(bill({ ...march, book: then })).toEqual(bill(march))
    const october: Case = { plan: 'pay-as-you-go', month: '2025-10', used: small('2025-10', '744') }
    expect(bill({ ...october, book: bookBefore('2025-11-01') })).toEqual(bill(october))
    // The same usage at the prices of now is another invoice.
    expect(bill({ ...march, month: '2026-08', used: small('2026-08', '744') })).not.toEqual(bill(march))
  })

  test('pay as you go, large, in August', () => {
    expect(bill({ plan: 'pay-as-you-go', month: '2026-08', used: large })).toEqual({
      base: '20.00',
      data_out: '500.00', // 5,000 × 0.10
      requests: '800.00', // 800 × 1
      connections: '20.00', // (10.05 − 0.05) × 2
      endpoint_hours: '223.20', // 14,880 × 0.015
      policy_units: '13.75', // all 250 × 0.055
      region_pinning: '14.88', // 744 × 0.02
      custom_domains: '14.88', // 1,488 × 0.01
      certificates: '200.88', // 744 × 0.27
      identities: '200.00', // 200 × 1
      log_exports: '125.25', // 501 begun packages × 0.25
      users: '25.00', // 5 × 5
      tcp_addresses: '7.44', // 744 hours × 2 beyond the first × 0.005
      subtotal: '2165.28',
      due: '2145.28',
    })
  })

  test('each tier of policy units prices all of them; exactly a million is in the first', () => {
    const cost = (units: string): unknown =>
      bill({ plan: 'pay-as-you-go', month: '2026-08', used: { policy_units: on('2026-08', units) } })['policy_units']
    // 10 × 0.10; 10.00001 × 0.075; 100 × 0.075; 1,000 × 0.055; 10,000 × 0.035; 20,000 × 0.025
    expect(['1000000', '1000001', '10000000', '100000000', '1000000000', '2000000000'].map(cost)).toEqual([
      '1.00',
      '0.75',
      '7.50',
      '55.00',
      '350.00',
      '500.00',
    ])
  })

  test('June: policy units of its last day are at the new price, in tiers cut to a day', () => {
    const used = { policy_units: { '2026-06-10': '20000000', '2026-06-30': '5000000' } }
    // 200 in 29 of 30 days: above 100 × 29/30, all × 0.55. 50 on the last day: above 1,000/30, all × 0.035.
    expect(bill({ plan: 'pay-as-you-go', month: '2026-06', used })).toEqual({
      base: '20.00',
      policy_units: ['110.00', '1.75'],
      subtotal: '131.75',
      due: '111.75',
    })
  })

  test('July: domains from the 7th, addresses from the 16th, certificates from the 28th, each split alone', () => {
    const used = {
      // Two domains: 6 days, then 25.
      custom_domain_hours: { '2026-07-03': '288', '2026-07-20': '1200' },
      reserved_address_hours: { '2026-07-01': '3' },
      certificates: on('2026-07', '1'),
      certificate_hours: { '2026-07-03': '648', '2026-07-29': '96' },
    }
    expect(bill({ plan: 'pay-as-you-go', month: '2026-07', used })).toEqual({
      base: '20.00',
      // (288 − 744 × 6/31) × 0.01, then 1,200 × 0.01
      custom_domains: ['1.44', '12.00'],
      // 200 × 27/31 = 174.193…, then 96 × 0.27
      certificates: ['174.19', '25.92'],
      // 16 days × 24 hours × 2 beyond the first × 0.005
      tcp_addresses: '3.84',
      subtotal: '237.39',
      due: '217.39',
    })
  })

  test('before and after: what one domain, three addresses and one certificate cost in a whole month', () => {
    const used = (month: string, hours: string): Used => ({
      custom_domain_hours: on(month, hours),
      reserved_address_hours: { [`${month}-01`]: '3' },
      certificates: on(month, '1'),
      certificate_hours: on(month, hours),
    })
    const {
      subtotal: _,
      due: __,
      ...may
    } = bill({ plan: 'pay-as-you-go', month: '2026-05', used: used('2026-05', '744') })
    expect(may).toEqual({ base: '20.00', certificates: '200.00' })
    const {
      subtotal: ___,
      due: ____,
      ...august
    } = bill({ plan: 'pay-as-you-go', month: '2026-08', used: used('2026-08', '744') })
    expect(august).toEqual({ base: '20.00', custom_domains: '7.44', tcp_addresses: '7.44', certificates: '200.88' })
  })

  test('health data compliance adds half of every line, add-ons among them; the credit pays for usage only', () => {
    const used = {
      data_out_all_legs: on('2026-04', '45000000000'),
      http_requests: on('2026-04', '1100000'),
      public_endpoint_hours: on('2026-04', '1440'),
    }
    const addOns = { hipaa: 1, 'sso-rbac': 8 }
    expect(bill({ plan: 'pay-as-you-go', month: '2026-04', used, addOns })).toEqual({
      base: '20.00',
      data_out: '4.00', // 40 × 0.10
      requests: '10.00', // 10 × 1
      endpoint_hours: '21.60', // 1,440 × 0.015
      sso_rbac: '80.00', // 8 × 10
      hipaa: '67.80', // half of 135.60
      subtotal: '203.40',
      due: '183.40', // 35.60 of usage less 20
    })
  })

  test('every add-on is sold since the base fee, and its fees are counted', () => {
    const addOns = { 'dedicated-addresses': 2, 'agent-urls': 3, 'support-channel': 1, 'identity-governance': 10 }
    expect(bill({ plan: 'pay-as-you-go', month: '2026-04', used: {}, addOns })).toEqual({
      base: '20.00',
      dedicated_addresses: '1800.00',
      agent_urls: '750.00',
      support_channel: '200.00',
      identity_governance: '150.00',
      subtotal: '2920.00',
      due: '2920.00',
    })
    expect(whole.addOns.size).toBe(6)
    expect(() => contractFor({ plan: 'pay-as-you-go', month: '2026-02', used: {}, addOns: { hipaa: 1 } })).toThrow(
      'its add-on hipaa has no version in effect',
    )
  })
})
