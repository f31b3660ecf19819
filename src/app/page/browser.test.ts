import chromium from '@sparticuz/chromium'
import { chromium as playwright } from 'playwright-core'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exact } from '../../core/exact.ts'
import type { Minor } from '../../core/money.ts'
import type { Micros } from '../../core/time.ts'
import { homePage } from './home.ts'
import { contentSecurityPolicy } from './layout.ts'
import { emptyPage } from './message.ts'
import { quarantinePage } from './quarantine.ts'
import type { AccountRow, Frame, Known } from './view.ts'

// The browser of the tests is a Linux build from npm.
const here = process.platform === 'linux'
if (!here) console.warn('skipped: the pages in a browser, because the browser of the tests runs on Linux only')

const now = 1_795_354_631_000_000 as Micros
const frame: Frame = { company: 'Northlight Edge', now, log: { records: 5, counted: 3, quarantined: 1 } }
const long = 'x'.repeat(120)
const days = Array.from({ length: 53 }, (_, index) => ({
  date: new Date(Date.UTC(2026, 9, 1 + index)).toISOString().slice(0, 10),
  growing: index === 52,
}))
const daily: readonly Known<ReturnType<typeof exact>>[] = days.map((_, day) => ({
  known: true,
  value: exact(BigInt(day)),
}))
const much: Known<ReturnType<typeof exact>> = { known: true, value: exact(2n ** 62n) }

function row(key: string): AccountRow {
  return {
    key,
    name: key,
    plan: long,
    cost: { kind: 'so_far', amount: (10n ** 14n) as Minor, currency: 'USD' },
    requests: much,
    dataOut: much,
    connections: { known: false, why: 'still being counted' },
    requestsByDay: daily,
    dataOutByDay: daily,
  }
}

const pages = {
  home: homePage({
    frame,
    period: 'November 2026 (UTC), so far',
    months: { shown: '2026-11', previousHref: '/?month=2026-10', nextHref: null },
    zone: 'UTC',
    days,
    accounts: ['alpha', 'beta', 'gamma', long].map(row),
    unattributed: null,
    totals: { requests: much, dataOut: much, connections: much },
    sort: 'cost',
    more: null,
  }),
  quarantine: quarantinePage({
    frame,
    state: 'written_off',
    counts: { open: 1, released: 2, duplicate: 0, written_off: 3 },
    nextHref: null,
    rows: [
      {
        number: 7,
        source: long,
        epoch: null,
        seq: '1',
        received: now,
        code: 'EVENT_UNREADABLE',
        message: long,
        line: long.repeat(9),
        resolution: { by: long, reason: long, at: now },
      },
    ],
  }),
  empty: emptyPage({ frame, address: 'http://127.0.0.1:8080', keyFile: long }),
} as const

let browser: Browser | undefined

beforeAll(async () => {
  if (!here) return
  // One process for everything, as that build starts by default, dies when a second page opens.
  const args = chromium.args.filter((argument) => argument !== '--single-process')
  browser = await playwright.launch({ executablePath: await chromium.executablePath(), args })
})

afterAll(async () => {
  await browser?.close()
})

describe.skipIf(!here)('the pages in a browser', () => {
  test.each([360, 1280])('fit %i pixels, and their policy lets their style through and nothing else', async (width) => {
    const page = await browser?.newPage({ viewport: { width, height: 800 } })
    if (page === undefined) throw new Error('the browser has started')
    const complaints: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    for (const [name, body] of Object.entries(pages)) {
      const address = `http://page.example/${name}`
      const headers = { 'content-security-policy': contentSecurityPolicy }
      await page.route(address, (route) => route.fulfill({ body, contentType: 'text/html; charset=utf-8', headers }))
      await page.goto(address)
      await page
        .locator('summary')
        .evaluateAll((all) => all.forEach((summary) => summary.parentElement?.setAttribute('open', '')))
      expect([name, await page.evaluate('document.documentElement.scrollWidth - innerWidth')]).toEqual([name, 0])
      expect(await page.evaluate('getComputedStyle(document.querySelector("h1")).margin')).toBe('0px 0px 6px')
    }
    expect(complaints).toEqual([])
    await page.close()
  })
})
