import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startCli } from '../support/cli.ts'
import { recountThedash, semicomplete, thedash } from '../support/recount.ts'
import type { Count } from '../support/recount.ts'
import { removeDirectory, startService, temporaryDirectory } from '../support/service.ts'
import type { RunningService } from '../support/service.ts'

const missing = !existsSync(thedash)

interface LineDocument {
  readonly meter: { readonly key: string } | null
  readonly quantity: string
  readonly windows: readonly { readonly quantity: string }[]
}

interface InvoiceDocument {
  readonly id: string
  readonly total: string
  readonly lines: readonly LineDocument[]
}

const meters = ['http_requests', 'data_out_body', 'data_out_wire', 'active_endpoint_hours'] as const
const range = 'from=2013-01-01T00:00:00Z&to=2016-01-01T00:00:00Z'

function expected(count: Count): Record<(typeof meters)[number], string> {
  return {
    http_requests: String(count.requests),
    data_out_body: String(count.body),
    data_out_wire: String(count.wire),
    active_endpoint_hours: String(count.hours),
  }
}

/** One price for each meter, so that every quantity is on an invoice. */
const plan = {
  key: 'everything',
  name: 'Everything',
  currency: 'USD',
  effective_from: '2013-01-01T00:00:00Z',
  prices: meters.map((meter) => ({
    key: meter.replaceAll('_', '-'),
    name: meter,
    meter,
    unit: { name: 'unit', per: '1' },
    model: { kind: 'per_unit', unit_amount: '0.000001' },
  })),
}

describe.skipIf(missing)(
  `real access logs, from file to invoice${missing ? ' (skipped: ../shared is absent)' : ''}`,
  () => {
    const data = temporaryDirectory('access-log')
    let service: RunningService
    beforeAll(async () => {
      service = await startService({ data })
    })
    afterAll(async () => {
      await service.stop()
      removeDirectory(data)
    })
    const run = (...args: string[]) =>
      startCli([...args, '--json'], { CROSSFOOT_URL: service.address, CROSSFOOT_KEY: service.key }).ended
    const usage = async (account: string, meter: string): Promise<{ total: string; events_without_value: string }> => {
      const answer = await service.get(`/v1/usage?account=${encodeURIComponent(account)}&meter=${meter}&${range}`)
      expect(answer.status, JSON.stringify(answer.body)).toBe(200)
      return answer.body as { total: string; events_without_value: string }
    }

    test('thedash: every account has the requests, bytes and active hours of a plain recount, and so do its invoices', async () => {
      const imported = await run(
        'import',
        thedash,
        '--format',
        'nginx-json',
        '--account-from',
        '/dashboard/([A-Za-z0-9]+)',
      )
      expect(imported.code, imported.stderr).toBe(0)
      const oracle = recountThedash()
      const published = await service.post('/v1/plans', plan)
      expect(published.status, JSON.stringify(published.body)).toBe(201)
      const policy = await fetch(`${service.address}/v1/default-plan`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${service.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ plan: 'everything', from: '2013-01-01T00:00:00Z' }),
      })
      expect(policy.status).toBe(200)

      const columns = new Map<string, bigint>(meters.map((meter) => [meter, 0n]))
      let rows = 0n
      for (const [account, count] of oracle) {
        const wanted = expected(count)
        for (const meter of meters)
          expect((await usage(account, meter)).total, `${account} ${meter}`).toBe(wanted[meter])
        const draft = await service.post('/v1/invoices', { account, month: '2013-11' })
        expect(draft.status, JSON.stringify(draft.body)).toBe(200)
        const { lines } = draft.body as InvoiceDocument
        for (const { meter, quantity, windows } of lines) {
          const key = meter?.key as (typeof meters)[number]
          expect(quantity, `${account} ${key}`).toBe(wanted[key])
          expect(String(windows.reduce((sum, window) => sum + BigInt(window.quantity), 0n))).toBe(quantity)
          columns.set(key, (columns.get(key) ?? 0n) + BigInt(quantity))
          rows += BigInt(quantity)
        }
      }
      // The file's totals, as the issue states them.
      expect(columns.get('http_requests')).toBe(10_049n)
      expect(columns.get('data_out_body')).toBe(13_677_583n)
      expect(columns.get('data_out_wire')).toBe(15_649_667n)
      // Crossfoot: the sum of the rows is the sum of the columns.
      expect(rows).toBe([...columns.values()].reduce((sum, value) => sum + value, 0n))
      const { body } = await service.get('/v1/accounts?limit=1000')
      const keys = (body as { accounts: { key: string }[] }).accounts.map(({ key }) => key)
      expect(new Set(keys)).toEqual(new Set(oracle.keys()))
    })

    test('an account’s invoice is issued with a number, never changes, and opens down to its events', async () => {
      const account = [...recountThedash()]
        .filter(([key]) => key !== 'unattributed')
        .toSorted(([, a], [, b]) => b.requests - a.requests)[0]
      const key = account?.[0] ?? ''
      const draft = (await service.post('/v1/invoices', { account: key, month: '2013-11' })).body as InvoiceDocument
      const issued = await service.post(`/v1/invoices/${draft.id}/issue`, {})
      expect(issued.status, JSON.stringify(issued.body)).toBe(200)
      expect(issued.body).toMatchObject({
        status: 'issued',
        number: 'INV-000001',
        lines: draft.lines,
        total: draft.total,
      })
      expect((await service.post(`/v1/invoices/${draft.id}/issue`, {})).body).toEqual(issued.body)
      expect((await service.get('/v1/invoices/INV-000001')).body).toEqual(issued.body)
      const events: unknown[] = []
      let cursor: string | null = ''
      while (cursor !== null) {
        const next: string = cursor === '' ? '' : `&cursor=${cursor}`
        const page = (
          await service.get(`/v1/usage/events?account=${key}&meter=http_requests&${range}&limit=500${next}`)
        ).body as { events: unknown[]; cursor: string | null }
        events.push(...page.events)
        cursor = page.cursor
      }
      expect(events.length).toBe(account?.[1].requests)
      const unowned = (await service.post('/v1/invoices', { account: 'unattributed', month: '2013-11' }))
        .body as InvoiceDocument
      const refused = await service.post(`/v1/invoices/${unowned.id}/issue`, {})
      expect(refused).toMatchObject({ status: 409, body: { error: { code: 'INVOICE_NOT_BILLABLE' } } })
    })

    test('semicomplete: 10,000 events, and 669 lines without a size are not lines of size zero', async () => {
      const imported = await run(
        'import',
        semicomplete,
        '--format',
        'apache-combined',
        '--account-from',
        'account=semicomplete',
      )
      expect(imported.code, imported.stderr).toBe(0)
      expect((await usage('semicomplete', 'http_requests')).total).toBe('10000')
      expect(await usage('semicomplete', 'data_out_body')).toMatchObject({
        total: '2747282740',
        events_without_value: '669',
      })
      // The format has no wire bytes at all: nothing is known of any of them.
      expect(await usage('semicomplete', 'data_out_wire')).toMatchObject({ total: '0', events_without_value: '10000' })
    })
  },
)
