import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Server } from '../../src/app/http/routes.ts'
import type { Service } from '../../src/app/service.ts'
import { openInProcess } from '../support/in-process.ts'
import { at } from '../support/invoice-desk.ts'
import { freshDatabase } from '../support/postgres.ts'
import { removeDirectory, temporaryDirectory } from '../support/service.ts'

/** What of the answers these tests look at. */
interface Answer {
  readonly id: string
  readonly key: string
  readonly total: string
  readonly plans: readonly object[]
  readonly lines: readonly {
    readonly price: string
    readonly part?: { readonly from: string }
    readonly quantity: string
    readonly amount: string
  }[]
  readonly subscriptions: readonly object[]
  readonly decisions: readonly object[]
  readonly error: { readonly problems: readonly { readonly field: string }[] }
}

/** Contracts over HTTP, on the real store: what a change in the middle of a month makes of real traffic. */
describe('contracts by HTTP', () => {
  const data = temporaryDirectory('contract-api')
  const now = at('2026-11-02T12:00:00Z')
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let service: Service
  let server: Server

  async function inject(method: 'GET' | 'POST' | 'PUT', url: string, body?: object, key = service.newKey ?? '') {
    const headers = { authorization: `Bearer ${key}` }
    const answer = await server.inject({ method, url, headers, ...(body === undefined ? {} : { payload: body }) })
    return { status: answer.statusCode, body: answer.json<Answer>() }
  }

  async function post(url: string, body: object) {
    const answer = await inject('POST', url, body)
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
    return answer.body
  }

  const perRegion = (de: string, other: string) => ({
    key: 'out',
    name: 'Data out',
    meter: 'data_out_wire',
    unit: { name: 'GB', per: '1000000000' },
    model: {
      kind: 'matrix',
      dimensions: ['region'],
      cells: [{ when: { region: 'de' }, model: { kind: 'per_unit', unit_amount: de } }],
      default: { model: { kind: 'per_unit', unit_amount: other } },
    },
  })

  beforeAll(async () => {
    database = await freshDatabase()
    const opened = await openInProcess({ databaseUrl: database.url, data, world: { now: () => now } })
    service = opened.service
    server = opened.server
    await post('/v1/accounts', { key: 'acme', time_zone: 'Europe/Berlin', currency: 'EUR' })
    const plan = { name: 'Edge', currency: 'EUR', effective_from: '2026-01-01T00:00:00Z' }
    const each = {
      key: 'endpoints',
      name: 'Requests by endpoint',
      meter: 'http_requests',
      included: '1',
      each: { group_by: ['endpoint'] },
      model: { kind: 'per_unit', unit_amount: '1' },
    }
    await post('/v1/plans', { key: 'one', ...plan, prices: [perRegion('1', '2'), each] })
    await post('/v1/plans', { key: 'two', ...plan, prices: [perRegion('3', '4'), each] })
    await post('/v1/subscriptions', { account: 'acme', plan: 'one', from: '2026-01-01T00:00:00Z' })
    const event = (id: string, time: string, region: string, gigabytes: number) => ({
      source: 'test',
      id,
      kind: 'http_request',
      account: 'acme',
      endpoint: `${region}.example.com`,
      time,
      region,
      bytes_out_wire: gigabytes * 1e9,
    })
    await post('/v1/events', [
      event('1', '2026-10-05T10:00:00Z', 'de', 10),
      event('2', '2026-10-05T11:00:00Z', 'us', 20),
      event('3', '2026-10-24T22:00:00Z', 'de', 30),
      event('4', '2026-10-24T21:59:59.999999Z', 'us', 40),
      event('5', '2026-10-26T10:00:00Z', 'us', 50),
    ])
  })
  afterAll(async () => {
    await server.close()
    await service.close()
    await database.close()
    removeDirectory(data)
  })

  test('a preview, a move, the invoice of both halves, and the history with who decided', async () => {
    // Midnight in Berlin, in the night in which the clock goes back.
    const move = { account: 'acme', plan: 'two', at: '2026-10-24T22:00:00Z' }
    const preview = await post('/v1/subscriptions/move', { ...move, dry_run: true })
    expect(preview).toMatchObject({ dry_run: true, before: { total: '263.00' }, after: { total: '423.00' } })
    expect((await inject('GET', '/v1/subscriptions?account=acme')).body.decisions).toHaveLength(1)
    await post('/v1/subscriptions/move', move)

    const invoice = await post('/v1/invoices', { account: 'acme', month: '2026-10' })
    const lines = invoice.lines.map(({ price, part, quantity, amount }) => [
      price,
      part?.from ?? 'all',
      quantity,
      amount,
    ])
    // Until then 10 GB in de at 1 and 60 elsewhere at 2; after it 30 at 3 and 50 at 4. Requests: 2 of de less 1, 3 of us less 1.
    expect(lines).toEqual([
      ['out', '2026-09-30T22:00:00Z', '70000000000', '130.00'],
      ['out', '2026-10-24T22:00:00Z', '80000000000', '290.00'],
      ['endpoints', 'all', '5', '3.00'],
    ])
    expect(invoice.plans).toMatchObject([{ key: 'one' }, { key: 'two' }])

    const history = (await inject('GET', '/v1/subscriptions?account=acme')).body
    expect(history.subscriptions).toMatchObject([
      { plan: 'one', to: '2026-10-24T22:00:00Z' },
      { plan: 'two', to: null },
    ])
    expect(history.decisions).toMatchObject([
      { number: 1 },
      { number: 2, by: 'development', recorded_at: '2026-11-02T12:00:00Z' },
    ])

    // The question behind a line of a part has the line's quantity for an answer (L9).
    const explained = (await inject('GET', `/v1/invoices/${invoice.id}`)).body
    expect(explained.total).toBe(invoice.total)
    const query = 'account=acme&meter=data_out_wire&from=2026-10-24T22:00:00Z&to=2026-10-31T23:00:00Z'
    expect((await inject('GET', `/v1/usage?${query}`)).body.total).toBe('80000000000')
  })

  test('L11: a customer reads its own contract and not who decided; only an operator moves it', async () => {
    const { key } = await post('/v1/keys', { account: 'acme', name: 'acme', scopes: ['billing:read', 'billing:write'] })
    const own = await inject('GET', '/v1/subscriptions', undefined, key)
    expect(own.body.decisions.length).toBeGreaterThan(0)
    expect(JSON.stringify(own.body)).not.toContain('"by"')
    const move = { account: 'acme', plan: 'one', at: 'now' }
    expect((await inject('POST', '/v1/subscriptions/move', move, key)).status).toBe(403)
    await post('/v1/accounts', { key: 'other' })
    expect((await inject('GET', '/v1/subscriptions?account=other', undefined, key)).status).toBe(403)
  })

  test('terms that are wrong are told with their paths', async () => {
    const terms = { overrides: [{ free: ['nothing'] }], coupons: [{ key: 'none' }] }
    const { status, body } = await inject('POST', '/v1/subscriptions/move', { account: 'acme', at: 'now', ...terms })
    expect(status).toBe(400)
    const fields = body.error.problems.map(({ field }) => field)
    expect(fields.toSorted()).toEqual(['coupons.0.key', 'overrides.0.free'])
  })
})
