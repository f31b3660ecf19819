import { describe, expect, test } from 'vitest'
import type { Account } from '../account/accounts.ts'
import { exact, sum, zero } from '../core/exact.ts'
import type { AccountKey, InvoiceId, MeterKey, Offset } from '../core/ids.ts'
import { parseInstant, windowStarts } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { standardMeters } from '../meter/standard.ts'
import type { UsageRow } from '../meter/usage.ts'
import { plainContract } from '../price/contract/contract.ts'
import { parsePlan } from '../price/plan.ts'
import { billingPeriod } from './billing-period.ts'
import type { MeterUsage } from './collect-usage.ts'
import { documentOf } from './document.ts'
import type { Invoice, Issue } from './document.ts'
import { explainLine } from './explain.ts'
import { html } from './html.ts'
import { invoicePage } from './page.ts'
import { planInvoice } from './plan-invoice.ts'
import type { InvoiceState } from './state.ts'
import { partName } from './usage-wanted.ts'
import { invoiceText, lineText, textWidth } from './text.ts'
import { groupDigits } from './wording.ts'

function at(text: string): Micros {
  const parsed = parseInstant(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

const zone = 'Europe/Berlin'
const period = billingPeriod('2026-10', zone)

/** The first days of the month with these quantities; on the second day 669 events carried no size. */
function usageOf(key: string, days: readonly string[]): readonly [MeterKey, MeterUsage] {
  const meter = standardMeters.find((one) => one.key === key)
  const starts = windowStarts(period, 'day', zone, 40)
  if (meter === undefined || !starts.ok) throw new Error('no meter or windows')
  const rows = starts.value.map((from, index): UsageRow => {
    const to = starts.value[index + 1] ?? period.to
    const eventsWithoutValue = index === 1 && meter.unit === 'bytes' ? 669n : 0n
    return { from, to, group: {}, quantity: exact(days[index] ?? '0'), eventsWithoutValue }
  })
  const total = sum(rows.map(({ quantity }) => quantity ?? zero))
  const eventsWithoutValue = rows.reduce((all, row) => all + row.eventsWithoutValue, 0n)
  const daily = { rows, total, eventsWithoutValue }
  const whole = { ...daily, rows: [] }
  const used = { part: period, whole, windows: new Map([['day' as const, daily]]), groups: new Map() }
  return [meter.key, { meter, whole, parts: new Map([[partName(period), used]]), gaps: [] }]
}

interface Given {
  readonly status: InvoiceState
  readonly name?: string
  readonly bytes?: readonly string[]
  readonly reasons?: readonly string[]
  readonly waiver?: Issue['waiver']
}

function invoice({ status, name = 'Acme', bytes = ['12000000000'], reasons = [], waiver = null }: Given): Invoice {
  const parsed = parsePlan({
    key: 'plan',
    name: 'Plan',
    currency: 'USD',
    effective_from: '2026-01-01T00:00:00Z',
    prices: [
      { key: 'fee', name: 'Base fee', model: { kind: 'flat', amount: '20' } },
      {
        key: 'out',
        name: 'Data out',
        meter: 'data_out_wire',
        unit: { name: 'GB', per: '1000000000' },
        included: '5',
        model: { kind: 'per_unit', unit_amount: '0.1' },
      },
      { key: 'in', name: 'Connections', meter: 'connections', model: { kind: 'per_unit', unit_amount: '1' } },
    ],
  })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  const account: Account = {
    key: 'acme' as AccountKey,
    name,
    timeZone: zone,
    currency: 'USD',
    billable: true,
    createdAt: at('2026-01-01T00:00:00Z'),
    firstSeen: null,
  }
  const contract = plainContract({ ...parsed.value.terms, version: 7 }, 'subscribed', period)
  const usage = new Map([usageOf('data_out_wire', bytes), usageOf('connections', [])])
  const plan = planInvoice({ account, contract, period, usage })
  const issuer = { key: 'main', name: 'Edge & Sons', address: 'Quay 1\nHamburg' }
  const completeness = { complete: reasons.length === 0, reasons }
  const issue = status === 'draft' ? null : { number: 'INV-000042', at: at('2026-11-02T08:00:00Z'), waiver }
  const document = documentOf({ plan, below: 1234 as Offset, completeness, issuer }, issue)
  return { id: 'inv_1' as InvoiceId, status, document }
}

const now = at('2026-10-03T12:00:00Z')
const page = (given: Given): string => invoicePage(invoice(given), { now }).replaceAll('<wbr />', '')
const occurrences = (text: string, word: string): number => text.split(word).length - 1

describe('the printable page', () => {
  test('says who, what, how much, and why', () => {
    const text = page({ status: 'issued' })
    for (const words of [
      'Invoice INV-000042',
      'Issued 2 Nov 2026, 09:00',
      'Edge &amp; Sons',
      '1 Oct 2026 to 31 Oct 2026 (Europe/Berlin)',
      'Plan (plan version 7)',
      '12,000,000,000 bytes measured',
      '669 events carried no size',
      '12,000,000,000 ÷ 1,000,000,000',
      'max(12 − 5, 0)',
      '= 0.70 USD',
      'out in plan version 7, in effect since 1 Jan 2026',
      '20.70 USD',
      'below offset 1,234',
    ])
      expect(text).toContain(words)
  })

  test('draws each day, and none where nothing was used', () => {
    const text = page({ status: 'issued' })
    expect(occurrences(text, 'class="bar"')).toBe(31)
    expect(occurrences(text, '<svg')).toBe(1)
    expect(text).toContain('31 days of Europe/Berlin add up to 0 connections.')
    expect(text).toContain('<title>2 Oct 2026: 0 bytes; 669 events without a size</title>')
  })

  test('a draft is marked, and days that have not come are not shown as days without traffic', () => {
    const text = page({ status: 'draft', reasons: ['edge-1 misses seq 7'] })
    expect(text).toContain('Draft for 2026-10')
    expect(text).toContain('class="watermark"')
    expect(text).toContain('Usage may be missing: edge-1 misses seq 7.')
    expect(occurrences(text, 'class="bar"')).toBe(3)
    expect(occurrences(text, 'not known yet')).toBe(28)
    expect(page({ status: 'issued' })).not.toContain('class="watermark"')
  })

  test('a waiver stands on it with its name, reason and risk', () => {
    const waiver = { by: 'Ada', reason: 'edge-1 was off', valueAtRisk: null }
    const text = page({ status: 'issued', reasons: ['edge-1 misses seq 7'], waiver })
    expect(text).toContain('by decision of Ada: edge-1 was off. Value at risk: not known.')
  })

  test('needs no script and nothing from elsewhere', () => {
    const text = page({ status: 'draft' })
    expect(text).not.toMatch(/<script|<link|<img|@import|url\(|https?:/)
  })

  test('a name that is markup stays text', () => {
    const text = page({ status: 'issued', name: `<img src=x onerror=alert(1)>"'&` })
    expect(text).not.toContain('<img')
    expect(text).toContain('&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;')
    expect(html`<b title="${'"'}">${'<i>'}${html`<i>x</i>`}</b>`.toString()).toBe(
      '<b title="&quot;">&lt;i&gt;<i>x</i></b>',
    )
  })
})

describe('the invoice as text', () => {
  const huge = ['1208925819614629174706176000000000']

  test('fits its width, and shows every digit of a number that does not', () => {
    for (const given of [{ status: 'issued' }, { status: 'draft', bytes: huge }] as const) {
      const lines = invoiceText(invoice(given)).split('\n')
      expect(lines.filter((line) => line.length > textWidth)).toEqual([])
    }
    const text = invoiceText(invoice({ status: 'draft', bytes: huge }))
    expect(text).toContain('1,208,925,819,614,629,174,706,171 GB')
    expect(text).toContain('120,892,581,961,462,917,470,617.10')
  })

  test('says what the page says', () => {
    const text = invoiceText(invoice({ status: 'issued' }))
    for (const words of ['Invoice INV-000042', '7 GB', '0.10', '0.70', '669 events carried no size', '20.70 USD'])
      expect(text).toContain(words)
  })

  test('a line opens to its steps, its days and their sum', () => {
    const text = lineText(invoice({ status: 'issued', bytes: ['12000000000', '1'] }), 2)
    expect(text).toContain('max(12.000000001 − 5, 0) = 7.000000001 GB')
    expect(text).toMatch(/1 Oct 2026 +12,000,000,000\n/)
    expect(text).toMatch(/2 Oct 2026 +1 +669 without a size\n/)
    expect(text).toMatch(/Sum +12,000,000,001\n/)
  })

  test('a line that there is not is refused', () => {
    expect(() => explainLine(invoice({ status: 'issued' }), 4)).toThrow('its lines are 1 to 3')
  })
})

test.each([
  ['1234567', '1,234,567'],
  ['-1234.56789', '-1,234.56789'],
  ['max(1000 - 5, 0)', 'max(1,000 - 5, 0)'],
  ['999', '999'],
])('%s is written %s', (text, grouped) => {
  expect(groupDigits(text)).toBe(grouped)
})
