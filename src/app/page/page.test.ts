import { describe, expect, test } from 'vitest'
import { exact } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import type { Minor } from '../../core/money.ts'
import { instantMin } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import { parsePlan } from '../../price/plan.ts'
import { rateLine, wholePeriod } from '../../price/rate/line.ts'
import { usageOf } from '../../price/rate/slice.ts'
import { samplePlans } from '../sample/plans.ts'
import { accountPage } from './account.ts'
import { crossfoot } from './crossfoot.ts'
import { homePage } from './home.ts'
import { emptyPage, errorPage } from './message.ts'
import { quarantinePage } from './quarantine.ts'
import { parseSort, sortAccounts } from './sort.ts'
import { sourcesPage } from './sources.ts'
import type { AccountRow, AccountView, Cost, Frame, HomeView, Known } from './view.ts'

const hostile = `<script>alert("1")</script>&'x'`
const now = 1_795_354_631_000_000 as Micros
const frame: Frame = { company: 'Northlight Edge', now, log: { records: 1_000, counted: 1_000, quarantined: 0 } }
const months = { shown: '2026-11', previousHref: '/?month=2026-10', nextHref: null }
const days = [
  { date: '2026-11-21', growing: false },
  { date: '2026-11-22', growing: true },
]

function known(value: bigint): Known<Exact> {
  return { known: true, value: exact(value) }
}

function unknown(why: string): Known<Exact> {
  return { known: false, why }
}

function usd(amount: bigint): Cost {
  return { kind: 'so_far', amount: amount as Minor, currency: 'USD' }
}

function row(key: string, change: Partial<AccountRow> = {}): AccountRow {
  return {
    key,
    name: key,
    plan: 'Pay as you go',
    cost: usd(100n),
    requests: known(10n),
    dataOut: known(1_000n),
    connections: known(0n),
    requestsByDay: [known(4n), known(6n)],
    dataOutByDay: [known(400n), known(600n)],
    ...change,
  }
}

function home(change: Partial<HomeView> = {}): HomeView {
  return {
    frame,
    period: 'November 2026 (UTC), so far',
    months,
    zone: 'UTC',
    days,
    accounts: [row('alpha'), row('beta')],
    unattributed: null,
    totals: { requests: known(20n), dataOut: known(2_000n), connections: known(0n) },
    sort: 'cost',
    more: null,
    ...change,
  }
}

function account(change: Partial<AccountView> = {}): AccountView {
  return {
    frame,
    key: 'alpha',
    name: 'Alpha',
    zone: 'Asia/Kolkata',
    currency: 'USD',
    plan: 'Volume',
    period: 'November 2026 (Asia/Kolkata), so far',
    months,
    days,
    meters: [
      {
        key: 'data_out_wire',
        name: 'Data transfer out',
        unit: 'bytes',
        total: known(106_899_154_902n),
        eventsWithoutValue: 18n,
        byDay: [known(1n), unknown('still being counted')],
      },
    ],
    cost: { kind: 'no_plan' },
    endpoints: [{ endpoint: 'api.alpha.example', from: instantMin, to: null }],
    invoices: [],
    ...change,
  }
}

function homeWith(log: Frame['log']): string {
  return textOf(homePage(home({ frame: { ...frame, log } })))
}

/** The text of a page, without markup and with single spaces. */
function textOf(page: string): string {
  return page
    .replaceAll(/<style>.*?<\/style>/gs, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
}

describe('escaping', () => {
  test.each([
    ['an account', homePage(home({ accounts: [row(hostile, { plan: hostile })] }))],
    ['the company', homePage(home({ frame: { ...frame, company: hostile } }))],
    ['a reason', homePage(home({ accounts: [row('a', { cost: { kind: 'not_known', why: hostile } })] }))],
    ['an account’s page', accountPage(account({ name: hostile, plan: hostile }))],
    ['an endpoint', accountPage(account({ endpoints: [{ endpoint: hostile, from: instantMin, to: now }] }))],
    ['an error', errorPage({ frame, status: 404, code: 'ACCOUNT_NOT_FOUND', message: hostile })],
    ['an address', emptyPage({ frame, address: hostile, keyFile: hostile })],
    [
      'a line in quarantine',
      quarantinePage({
        frame,
        state: 'released',
        counts: { open: 1, released: 2, duplicate: 0, written_off: 3 },
        nextHref: null,
        rows: [
          {
            number: 7,
            source: hostile,
            epoch: hostile,
            seq: '1',
            received: now,
            code: 'EVENT_UNREADABLE',
            message: hostile,
            line: hostile,
            resolution: { by: hostile, reason: hostile, at: now },
          },
        ],
      }),
    ],
  ])('%s that looks like markup stays text', (_, page) => {
    expect(page).not.toContain('<script>alert')
    expect(page).not.toContain(`"1"`)
    expect(page).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;x&#39;')
  })

  test('a key becomes one segment of an address', () => {
    expect(homePage(home({ accounts: [row('a/b?c#d@e')] }))).toContain('href="/accounts/a%2Fb%3Fc%23d%40e"')
  })
})

describe('zero and not known (L13)', () => {
  test('an account’s row shows zero as a number and what is not known in words, with the reason', () => {
    const page = homePage(home({ accounts: [row('alpha', { requests: unknown('the hour is being counted again') })] }))
    expect(page).toMatch(/<data class="num zero" value="0" title="0 connections"\s*>0</)
    expect(page).toMatch(/<span class="unknown" title="the hour is being counted again"\s*>not known yet</)
  })

  test('a cost that is not known is not 0.00, and a free account is', () => {
    const notKnown = textOf(homePage(home({ accounts: [row('a', { cost: { kind: 'not_known', why: 'x' } })] })))
    expect(notKnown).not.toContain('0.00')
    expect(notKnown).toContain('of 1 account not known yet')
    expect(textOf(homePage(home({ accounts: [row('a', { cost: usd(0n) })] })))).toContain('0.00 USD')
    expect(textOf(homePage(home({ accounts: [row('a', { cost: { kind: 'no_plan' } })] })))).toContain('no plan')
  })

  test('the account’s page says how many events had no value', () => {
    expect(textOf(accountPage(account()))).toMatch(/106,899,154,902 bytes 18 /)
  })

  test('the state of the log: how far the numbers go, and what is waiting', () => {
    expect(homeWith({ records: 1_212, counted: 1_000, quarantined: 3 })).toMatch(
      /Counted up to event 1,000 212 events in the log not yet counted 3 in quarantine/,
    )
    expect(homeWith({ records: 1_000, counted: 1_000, quarantined: 0 })).toContain('nothing in the log is waiting')
    expect(homeWith(null)).toContain('The log cannot be read right now')
  })
})

describe('crossfooting', () => {
  test('rows that add up to the whole agree, others are told by how much they do not', () => {
    expect(crossfoot([known(2n ** 64n), known(1n)], known(2n ** 64n + 1n))).toEqual({ kind: 'agrees' })
    expect(crossfoot([known(2n ** 64n), known(1n)], known(2n ** 64n)).kind).toBe('differs')
    expect(crossfoot([known(1n), unknown('x')], known(1n))).toEqual({ kind: 'open' })
    expect(textOf(homePage(home()))).toContain('✓ Crossfooted')
    const apart = home({ totals: { requests: known(23n), dataOut: known(2_000n), connections: known(0n) } })
    expect(textOf(homePage(apart))).toContain(
      'requests: the rows give 20 requests, the installation counted 23 requests, -3 requests apart',
    )
  })

  test('unattributed traffic is a row of its own, with its value, and belongs to the sum', () => {
    const unattributed = row('unattributed', {
      name: 'Unattributed',
      plan: null,
      cost: { kind: 'value', amount: 31n as Minor, currency: 'USD', plan: 'Pay as you go' },
    })
    const totals = { requests: known(30n), dataOut: known(3_000n), connections: known(0n) }
    const text = textOf(homePage(home({ unattributed, totals })))
    expect(text).toContain('worth 0.31 USD on Pay as you go, billed to nobody')
    expect(text).toContain('✓ Crossfooted')
    // What nobody pays is not in the sum of what accounts cost: two accounts of 1.00.
    expect(text).toMatch(/The whole installation .* 2\.00 USD/)
  })
})

describe('the order of accounts', () => {
  const rows = [
    row('cheap', { cost: usd(1n), requests: known(9n) }),
    row('yen', { cost: { kind: 'so_far', amount: 99_999n as Minor, currency: 'JPY' }, requests: unknown('x') }),
    row('dear', { cost: usd(2n ** 70n), requests: known(10n) }),
    row('free', { cost: { kind: 'no_plan' }, requests: known(2n ** 65n) }),
  ]
  const keys = (sort: unknown): string[] => sortAccounts(rows, parseSort(sort)).map(({ key }) => key)

  test('is by cost unless asked otherwise, one currency after the other', () => {
    expect(keys(undefined)).toEqual(['dear', 'cheap', 'yen', 'free'])
    expect(keys('nonsense')).toEqual(keys('cost'))
  })

  test('puts what is not known last', () => {
    expect(keys('requests')).toEqual(['free', 'dear', 'cheap', 'yen'])
    expect(keys('name')).toEqual(['cheap', 'dear', 'free', 'yen'])
  })
})

describe('the month', () => {
  const over = home({
    days: [{ date: '2026-10-31', growing: false }],
    months: { shown: '2026-10', previousHref: '/?month=2026-09', nextHref: '/?month=2026-11' },
  })

  test('that is not over is marked so far, and has no month after it', () => {
    expect(textOf(homePage(home()))).toContain('Cost so far')
    expect(homePage(home())).not.toContain('later')
  })

  test('that is over is not, and stays the month when one sorts or opens an account', () => {
    const page = homePage(over)
    expect(textOf(page)).not.toContain('Cost so far')
    expect(page).toContain('href="/?month=2026-11"')
    expect(page).toContain('href="/?month=2026-10&amp;sort=name#accounts"')
    expect(page).toContain('href="/accounts/alpha?month=2026-10"')
  })
})

describe('the account’s page', () => {
  test('explains each line down to its formula (L10)', () => {
    const plan = parsePlan({
      ...samplePlans.find(({ key }) => key === 'volume'),
      effective_from: '2026-10-01T00:00:00Z',
    })
    if (!plan.ok) throw new Error(JSON.stringify(plan.error))
    const price = plan.value.terms.prices.find(({ key }) => key === 'data_out')
    if (price === undefined) throw new Error('the plan prices data')
    const line = rateLine(price, usageOf(exact(106_899_154_902n)), wholePeriod('USD'))
    const cost = { kind: 'so_far' as const, currency: 'USD' as const, lines: [line], total: line.amount }
    const text = textOf(accountPage(account({ cost })))
    expect(text).toContain('(min(101.899154902, 200) − 50) × 0.08 = 4.15193239216 USD')
    expect(text).toMatch(/Together, so far 9\.15 USD/)
  })

  test('of traffic without an owner says that nobody is billed for it', () => {
    expect(textOf(accountPage(account({ key: 'unattributed' })))).toContain('billed to nobody')
    expect(textOf(accountPage(account()))).not.toContain('billed to nobody')
  })

  test('shows ownership in the account’s zone, invoices with their state, and a draft without number', () => {
    const moved = (Date.UTC(2026, 9, 16, 6) * 1000) as Micros
    const page = accountPage(
      account({
        endpoints: [{ endpoint: 'studio.example', from: instantMin, to: moved }],
        invoices: [
          {
            href: '/i/1',
            number: null,
            period: 'November 2026',
            state: 'draft',
            total: { known: true, value: 5n as Minor },
            currency: 'USD',
          },
          {
            href: '/i/2',
            number: 'N-7',
            period: 'October 2026',
            state: 'issued',
            total: { known: false, why: 'x' },
            currency: 'USD',
          },
        ],
      }),
    )
    const text = textOf(page)
    expect(page).toContain('datetime="2026-10-16T06:00:00Z"')
    expect(text).toContain('studio.example 1970-01-01 05:30 2026-10-16 11:30')
    expect(text).toMatch(/Draft November 2026 draft 0\.05 USD/)
    expect(text).toMatch(/N-7 October 2026 issued not known yet/)
  })
})

describe('every page', () => {
  const pages = {
    home: homePage(home()),
    account: accountPage(account()),
    quarantine: quarantinePage({
      frame,
      state: 'open',
      counts: { open: 0, released: 0, duplicate: 0, written_off: 0 },
      rows: [],
      nextHref: null,
    }),
    sources: sourcesPage({ frame, period: '2026-11', months, complete: true, rows: [], hidden: 0, risk: null }),
    error: errorPage({ frame, status: 404, code: 'ROUTE_NOT_FOUND', message: 'There is no such page.' }),
    empty: emptyPage({ frame, address: 'http://127.0.0.1:8080', keyFile: './data/dev-api-key' }),
  }

  test.each(Object.entries(pages))(
    '%s has its landmarks, one heading, a language and ids that occur once',
    (_, page) => {
      expect(page).toMatch(/^<!doctype html>\s*<html lang="en">/)
      expect(page).toMatch(/<header.*<nav.*<main.*<footer/s)
      expect(page.match(/<h1/g)).toHaveLength(1)
      expect(page.match(/<main/g)).toHaveLength(1)
      const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id)
      expect(new Set(ids).size).toBe(ids.length)
      const named = [...page.matchAll(/aria-labelledby="([^"]+)"/g)].flatMap(([, names = '']) => names.split(' '))
      expect(named.filter((name) => !ids.includes(name))).toEqual([])
    },
  )

  test.each(Object.entries(pages))('%s opens and closes its elements in pairs', (_, page) => {
    const open: string[] = []
    const stray: string[] = []
    const without = page.replaceAll(/<style>.*?<\/style>/gs, '')
    for (const [, closes, name = '', rest = ''] of without.matchAll(/<(\/?)([a-z][a-z0-9]*)\b([^>]*)>/g)) {
      if (['meta', 'link', 'br'].includes(name) || rest.trimEnd().endsWith('/')) continue
      if (closes === '') open.push(name)
      else if (open.pop() !== name) stray.push(name)
    }
    expect([...open, ...stray]).toEqual([])
  })

  test('the commands of an empty installation can be copied as they stand', () => {
    const command = textOf(pages.empty).replaceAll('&quot;', '"').replaceAll('&#39;', "'")
    expect(command).toContain(
      `curl http://127.0.0.1:8080/v1/events \\ -H "Authorization: Bearer $(cat './data/dev-api-key')"`,
    )
    const [, event = ''] = /-d '(\{.*?\})'/.exec(command) ?? []
    expect(JSON.parse(event)).toMatchObject({ source: 'edge-1', kind: 'http_request' })
  })
})
