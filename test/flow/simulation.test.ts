import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { invoiceDesk } from '../../src/app/desk.ts'
import { rollDue, rollPortsOf } from '../../src/app/rollups.ts'
import type { AccountKey, Offset } from '../../src/core/ids.ts'
import { formatMinor } from '../../src/core/money.ts'
import { hourMicros } from '../../src/core/time.ts'
import type { Period } from '../../src/core/time.ts'
import { previewInvoice } from '../../src/invoice/desk.ts'
import { streamFacts } from '../../src/store/query.ts'
import { changedBook, fillWorld, month, now, plans } from '../support/simulation-world.ts'
import { startCli } from '../support/cli.ts'
import { removeDirectory, temporaryDirectory } from '../support/service.ts'
import { until } from '../support/until.ts'
import { openUsageApi } from '../support/usage-api.ts'
import type { Json, UsageApi } from '../support/usage-api.ts'

interface Charged {
  readonly subtotal: string
  readonly net: string
  readonly total: string
}

interface Row {
  readonly account: string
  readonly currency: string
  readonly before: Charged
  readonly after: Charged
  readonly change: string
}

interface Part {
  readonly accounts: number
  readonly change: string
}

interface InCurrency extends Part {
  readonly currency: string
  readonly paying_more: number
  readonly paying_less: number
  readonly before: Charged
  readonly after: Charged
  readonly by_percent: readonly Part[]
  readonly by_amount: readonly Part[]
  readonly by_plan: readonly Part[]
}

interface Simulated {
  readonly begin: Json
  readonly rows: ReadonlyMap<string, Row>
  readonly summary: { readonly accounts: number; readonly currencies: readonly InCurrency[] }
}

describe('a simulation', () => {
  let api: UsageApi
  beforeAll(async () => {
    api = await openUsageApi('simulation', now)
    await fillWorld(api)
  })
  afterAll(() => api.close())

  async function ask(body: object, key = api.service.newKey ?? '') {
    const headers = { authorization: `Bearer ${key}` }
    return api.server.inject({ method: 'POST', url: '/v1/prices/simulate', headers, payload: body })
  }

  async function simulated(body: object): Promise<Simulated> {
    const answer = await ask({ months: [month], ...body })
    expect(answer.statusCode, answer.body.slice(0, 500)).toBe(200)
    const records = answer.body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Json & { readonly type: string })
    const of = (type: string) => records.filter((record) => record.type === type)
    expect(of('not_priced')).toEqual([])
    const [begin, summary] = [records[0], records.at(-1)]
    expect([begin?.type, summary?.type]).toEqual(['simulation', 'summary'])
    const rows = of('account') as unknown as readonly Row[]
    return {
      begin: begin as Json,
      rows: new Map(rows.map((row) => [row.account, row])),
      summary: summary as unknown as Simulated['summary'],
    }
  }

  /** What each account's invoice would say now: asked one by one, in the way of an invoice. */
  async function previews(which: string): Promise<ReadonlyMap<string, Charged>> {
    // Whether usage is complete is asked of all sources, for each account, and changes no amount.
    const completeness = async () => ({ complete: true, reasons: [] })
    const desk = { ...invoiceDesk(api.service), completeness }
    const statement = 'select key from account where billable and key ~ $1'
    const { rows } = await api.service.database.query<{ key: string }>(statement, [which])
    const invoices = new Map<string, Charged>()
    for (const { key } of rows) {
      const { plan } = await previewInvoice(desk, { account: key, month })
      const { subtotal, taxable, total } = plan.totals
      const money = (amount: typeof total): string => formatMinor(amount, plan.currency)
      invoices.set(key, { subtotal: money(subtotal), net: money(taxable), total: money(total) })
    }
    return invoices
  }

  const cents = (amount: string): bigint => BigInt(amount.replace('.', ''))

  function checkSums({ rows, summary }: Simulated): void {
    expect(summary.currencies.map(({ currency }) => currency)).toEqual(['JPY', 'USD'])
    for (const told of summary.currencies) {
      const mine = [...rows.values()].filter(({ currency }) => currency === told.currency)
      expect(told.accounts).toBe(mine.length)
      for (const side of ['before', 'after'] as const)
        for (const name of ['subtotal', 'net', 'total'] as const)
          expect(cents(told[side][name])).toBe(mine.reduce((sum, row) => sum + cents(row[side][name]), 0n))
      expect(told.paying_more).toBe(mine.filter(({ change }) => cents(change) > 0n).length)
      expect(told.paying_less).toBe(mine.filter(({ change }) => cents(change) < 0n).length)
      for (const list of ['by_percent', 'by_amount', 'by_plan'] as const) {
        const parts = told[list]
        expect(parts.reduce((sum, { accounts }) => sum + accounts, 0)).toBe(mine.length)
        expect(parts.reduce((sum, { change }) => sum + cents(change), 0n)).toBe(cents(told.change))
      }
    }
  }

  let invoices: ReadonlyMap<string, Charged>

  test('without a change every account costs what its invoice says, to the cent (L9)', async () => {
    invoices = await previews('')
    const same = await simulated({})
    expect(new Map([...same.rows].map(([key, { before }]) => [key, before]))).toEqual(invoices)
    for (const { before, after, change } of same.rows.values()) expect([after, cents(change)]).toEqual([before, 0n])
    // The world is one in which something is billed at all.
    expect([...invoices.values()].filter(({ net }) => cents(net) > 0n).length).toBeGreaterThan(30)
    checkSums(same)
    // Who asks about some of the accounts is told of no other.
    const engine = api.service.engine
    const scope = { kind: 'operator', question: 'usage_by_account', among: ['plain-1', 'yen'] as AccountKey[] } as const
    const all = { from: now - 40 * 24 * hourMicros, to: now } as Period
    const asked = { scope, period: all, below: 10_000 as Offset, conditions: [], dimensions: [], starts: [all.from] }
    const told = await Array.fromAsync(streamFacts(engine, { ...asked, measure: { kind: 'count' } }))
    expect(told.flat().map(({ account }) => account)).toEqual(['plain-1', 'yen'])
    // Rolled hours are read instead of their events, and say the same.
    expect(await rollDue(rollPortsOf(api.service))).toBeGreaterThan(0)
    expect((await simulated({})).rows).toEqual(same.rows)
  })

  test('a published version may be written otherwise, one without a number comes next, and others stay as they are', async () => {
    const [pro, , , hobby] = plans
    const free = { ...hobby, prices: hobby?.prices.map((price) => ({ ...price, included: '1000000' })) }
    const { begin, rows, summary } = await simulated({
      book: {
        plans: [
          { ...pro, version: 1 },
          { ...free, effective_from: '2030-01-01T00:00:00Z' },
        ],
      },
      rows: 'changed',
    })
    expect(begin['changed']).toMatchObject([{ kind: 'plan', key: 'hobby', version: 2, replaces: false }])
    expect([...rows.keys()].every((key) => /^(default-|moved-|joined)/.test(key))).toBe(true)
    for (const [key, { after }] of rows) if (key.startsWith('default-')) expect(cents(after.net)).toBe(0n)
    const stated = await simulated({
      book: { plans: [{ ...free, effective_from: '2030-01-01T00:00:00Z' }] },
      takes_effect: 'as_stated',
    })
    expect([...stated.rows.values()].every(({ change }) => cents(change) === 0n)).toBe(true)
    const replaced = await simulated({ book: { plans: [{ ...free, version: 1 }] }, rows: 'changed' })
    expect(replaced.rows).toEqual(rows)
    expect(replaced.summary).toEqual(summary)
  })

  test('accounts of one plan as if they were under another, and only some accounts', async () => {
    const moved = await simulated({ assign: { hobby: 'trial' }, plans: ['hobby'], rows: 'all' })
    expect([...moved.rows.keys()].toSorted()).toEqual([0, 1, 2, 3, 4].map((index) => `default-${index}`))
    // The base fee is owed by who uses the default plan at all.
    for (const { before, after } of moved.rows.values()) expect(after.net).not.toBe(before.net)
    const some = await simulated({ accounts: ['plain-3', 'yen', 'nobody'], rows: 'none' })
    expect([some.rows.size, some.summary.accounts]).toEqual([0, 2])
  })

  test('what cannot be simulated is refused before anything is counted', async () => {
    const [pro] = plans
    const refused = async (body: object): Promise<string> => {
      const answer = await ask({ months: [month], ...body })
      expect(answer.statusCode).toBeGreaterThanOrEqual(400)
      return JSON.stringify(answer.json())
    }
    expect(await refused({ months: ['2026-13'] })).toContain('2026-13')
    expect(await refused({ months: [] })).toContain('months')
    expect(await refused({ assign: { pro: 'gold' } })).toContain('gold')
    expect(await refused({ book: { plans: [{ ...pro, version: 4 }] } })).toContain('book.plans.0.version')
    expect(await refused({ book: { plans: [{ ...pro, name: 7 }] } })).toContain('book.plans.0.name')
    const unknown = {
      key: 'x',
      name: 'X',
      meter: 'no_such_meter',
      unit: { name: 'x', per: '1' },
      model: { kind: 'per_unit', unit_amount: '1' },
    }
    expect(await refused({ book: { plans: [{ ...pro, prices: [unknown] }] } })).toContain('METER_NOT_FOUND')
    const bound = await api.call('POST', '/v1/keys', { account: 'plain-1', name: 'customer', scopes: ['billing:read'] })
    expect((await ask({ months: [month] }, String(bound['key']))).statusCode).toBe(403)
  })

  test('who cannot be priced is told apart from who pays nothing (L13)', async () => {
    const dollars = plans.find(({ key }) => key === 'pro')
    const answer = await ask({ months: [month], assign: { 'pro-yen': 'pro' }, rows: 'changed' })
    const records = answer.body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Json)
    expect(dollars?.currency).toBe('USD')
    expect(records.filter(({ type }) => type === 'not_priced')).toMatchObject([
      { account: 'yen', reason: expect.stringContaining('JPY') as string },
    ])
    expect(records.at(-1)).toMatchObject({ type: 'summary', not_priced: { accounts: 1, named: [{ account: 'yen' }] } })
  })

  test('by command line: one at a time; Ctrl-C ends it here and there, and nothing is left behind', async () => {
    const { server, service } = api
    const address = await server.listen({ host: '127.0.0.1', port: 0 })
    const key = service.newKey ?? ''
    const env = { CROSSFOOT_URL: address, CROSSFOOT_KEY: key }
    const folder = temporaryDirectory('simulation-files')
    const [csv, picture] = [join(folder, 'accounts.csv'), join(folder, 'picture.html')]
    const words = [
      'prices',
      'simulate',
      '--month',
      month,
      '--assign',
      'hobby=trial',
      '--csv',
      csv,
      '--picture',
      picture,
    ]
    const post = (): Promise<Response> =>
      fetch(`${address}/v1/prices/simulate`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ months: [month], accounts: ['idle'] }),
        signal: AbortSignal.timeout(1_000),
      })
    const client = await service.database.connect()
    try {
      // Contracts cannot be read meanwhile: a simulation that has begun waits.
      await client.query('begin; lock table subscription_decision in access exclusive mode')
      const cancelled = startCli(words, env)
      const isTaken = async (): Promise<boolean> =>
        existsSync(`${csv}.part`) && (await post().catch(() => null))?.status === 429
      await until(isTaken, 20_000, 'the only place is taken')
      cancelled.process.kill('SIGINT')
      expect(await cancelled.ended).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringContaining('cancelled') as string,
      })
    } finally {
      await client.query('rollback')
      client.release()
    }
    expect(readdirSync(folder)).toEqual([])
    await until(async () => (await post().catch(() => null))?.status === 200, 10_000, 'the place is given back')
    const { code, stdout, stderr } = await startCli(words, env).ended
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain('pay more')
    expect(readFileSync(csv, 'utf8').trimEnd().split('\r\n')).toHaveLength(1 + 33)
    expect(readFileSync(picture, 'utf8')).toContain('Price simulation of 2026-10')
    expect(readdirSync(folder).toSorted()).toEqual(['accounts.csv', 'picture.html'])
    removeDirectory(folder)
  })

  test('after is what invoices say once the change is published, from the middle of the month on', async () => {
    const book = changedBook('2026-10-10T12:34:56Z')
    const told = await simulated({ book, takes_effect: 'as_stated' })
    checkSums(told)
    expect(new Map([...told.rows].map(([key, { before }]) => [key, before]))).toEqual(invoices)
    await api.call('POST', '/v1/prices/import', book)
    const published = await previews('^(plain-1|zone-3|default-[12]|moved-[02]|joined|yen|terms|idle)$')
    for (const [key, charged] of published) {
      expect([key, told.rows.get(key)?.after]).toEqual([key, charged])
      expect([key, charged]).not.toEqual([key, invoices.get(key)])
    }
  })
})
