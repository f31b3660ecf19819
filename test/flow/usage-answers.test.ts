import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Server } from '../../src/app/http/routes.ts'
import { rollDue, rollPortsOf } from '../../src/app/rollups.ts'
import type { Service } from '../../src/app/service.ts'
import type { Micros } from '../../src/core/time.ts'
import { at } from '../support/invoice-desk.ts'
import { openInProcess } from '../support/in-process.ts'
import { freshDatabase } from '../support/postgres.ts'
import { removeDirectory, temporaryDirectory } from '../support/service.ts'

/** What an answer about usage may say of itself (L7, L13), and what a customer may read in it (L11). */
describe('answers about usage', () => {
  const data = temporaryDirectory('usage-answers')
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let service: Service
  let server: Server
  let now = at('2026-06-01T12:00:00Z')

  async function call(method: 'GET' | 'POST' | 'PUT', url: string, body?: object, key = service.newKey ?? '') {
    const headers = { authorization: `Bearer ${key}` }
    const answer = await server.inject({ method, url, headers, ...(body === undefined ? {} : { payload: body }) })
    expect(answer.statusCode, answer.body).toBeLessThan(300)
    return answer.json<Record<string, unknown>>()
  }
  const post = (url: string, body: object, key?: string) => call('POST', url, body, key)
  const boundKey = async (account: string): Promise<string> => {
    await post('/v1/accounts', { key: account })
    const wanted = { account, name: account, scopes: ['usage:read', 'events:write'] }
    return String((await post('/v1/keys', wanted))['key'])
  }

  beforeAll(async () => {
    database = await freshDatabase()
    const opened = await openInProcess({ databaseUrl: database.url, data, world: { now: (): Micros => now } })
    service = opened.service
    server = opened.server
  })
  afterAll(async () => {
    await server.close()
    await service.close()
    await database.close()
    removeDirectory(data)
  })

  test('L13: nothing is called complete over an event that is not counted yet, or that `below` leaves out', async () => {
    const registered = { kind: 'edge', owner: 'o', checkpoint_seconds: 60, expected_from: '2026-05-01T00:00:00Z' }
    await call('PUT', '/v1/sources/edge-9', registered)
    const period = { from: '2026-05-30T00:00:00Z', to: '2026-05-31T00:00:00Z' }
    const usage = (more = '') =>
      call('GET', `/v1/usage?account=acme&meter=data_out_wire&from=${period.from}&to=${period.to}${more}`)
    const event = { source: 'edge-9', kind: 'http_request', account: 'acme', time: '2026-05-30T10:00:00Z' }
    await post('/v1/events', { ...event, seq: 1, bytes_out_wire: 700 })
    expect(await usage()).toMatchObject({ total: '700', complete_until: null })
    const stopped = [
      vi.spyOn(service.projector, 'reach').mockResolvedValue(false),
      vi.spyOn(service.projector, 'wake').mockReturnValue(),
    ]
    await post('/v1/events', { ...event, seq: 2, bytes_out_wire: 77 })
    await post('/v1/checkpoints', { source: 'edge-9', seq: '2', time: '2026-06-01T11:59:00Z' })
    now = (now + 10_000_000) as Micros
    expect(await usage()).toMatchObject({ total: '700', complete_until: null, events_not_yet_counted: 1 })
    for (const spy of stopped) spy.mockRestore()
    expect(await usage()).toMatchObject({ total: '777', complete_until: period.to, events_not_yet_counted: 0 })
    expect(await usage('&below=1')).toMatchObject({ total: '700', complete_until: null })
    expect(await usage('&below=2')).toMatchObject({ total: '777', complete_until: period.to })
    // Complete, and the hour with events not recounted yet; then sealed, but not where events are left out.
    expect(await usage()).toMatchObject({ sealed_until: '2026-05-30T10:00:00Z' })
    await rollDue(rollPortsOf(service))
    expect(await usage()).toMatchObject({ total: '777', sealed_until: period.to })
    expect(await usage('&below=1')).toMatchObject({ total: '700', sealed_until: null })
  })

  test('L11: whom an event named before it was corrected, and another customer’s source, are not shown', async () => {
    const [mine, theirs] = [await boundKey('mine'), await boundKey('theirs')]
    const event = { kind: 'http_request', endpoint: 'api.example.com', time: '2026-05-20T10:00:00Z' }
    await post('/v1/events', { ...event, source: 'their-secret-host', id: 'a' }, theirs)
    await post('/v1/events', { ...event, source: 'edge-1', id: 'b', account: 'theirs' })
    await post('/v1/events', { ...event, source: 'my-host', id: 'c' }, mine)
    const moved = { endpoint: event.endpoint, from: '2026-05-01', to: '2026-06-01', from_account: 'theirs' }
    const decision = { account: 'mine', author: 'Ada Osei', reason: 'wrong owner' }
    expect(await post('/v1/corrections/reattribute', { ...moved, ...decision })).toMatchObject({ left: 0 })
    const range = 'meter=http_requests&from=2026-05-01&to=2026-06-01'
    const shown = async (key?: string): Promise<unknown> => {
      const { events } = await call('GET', `/v1/usage/events?account=mine&${range}`, undefined, key)
      return (events as { id: string; source: unknown; given_account?: unknown }[])
        .toSorted((one, two) => (one.id < two.id ? -1 : 1))
        .map(({ source, given_account: given }) => [source, given])
    }
    expect(await shown(mine)).toEqual([
      [null, undefined],
      ['edge-1', undefined],
      ['mine~my-host', 'mine'],
    ])
    expect(await shown()).toEqual([
      ['theirs~their-secret-host', 'theirs'],
      ['edge-1', 'theirs'],
      ['mine~my-host', 'mine'],
    ])
  })

  test('L13: a percentile says of how many intervals nobody knows what they had', async () => {
    const registered = { kind: 'edge', owner: 'o', checkpoint_seconds: 60, expected_from: '2026-01-01T00:00:00Z' }
    await call('PUT', '/v1/sources/edge-p', registered)
    await post('/v1/meters', {
      key: 'p95',
      name: 'p95',
      unit: 'bit/s',
      aggregation: { kind: 'percentile', percent: '50', interval: '5minutes', direction: 'out', unit_factor: '8' },
      filter: [{ field: 'account', operator: 'in', values: ['tube'] }],
    })
    const sent = (seq: number, time: string) =>
      post('/v1/events', { source: 'edge-p', seq, kind: 'http_request', account: 'tube', time, bytes_out_wire: 300 })
    await sent(1, '2026-05-01T00:00:00Z')
    await sent(2, '2026-05-01T00:05:00Z')
    // Number 3 is missing between 00:07 and 00:12: the intervals from 00:05 and from 00:10 are in doubt.
    await sent(4, '2026-05-01T00:12:00Z')
    await post('/v1/checkpoints', { source: 'edge-p', seq: '4', time: '2026-05-01T00:40:00Z' })
    now = (now + 10_000_000) as Micros
    const hour = async (): Promise<unknown> =>
      (await call('GET', '/v1/usage?account=tube&meter=p95&from=2026-05-01T00:00:00Z&to=2026-05-01T01:00:00Z'))['rows']
    // Of twelve the highest six are dropped: the next has no traffic. Known are 00:00, and 00:15 to 00:40.
    expect(await hour()).toMatchObject([{ quantity: '0', intervals: 12, unknown_intervals: 6, lower_bound: true }])
    await sent(3, '2026-05-01T00:08:00Z')
    await post('/v1/checkpoints', { source: 'edge-p', seq: '4', time: '2026-06-01T11:59:00Z' })
    now = (now + 10_000_000) as Micros
    const [row] = (await hour()) as object[]
    expect(row).toMatchObject({ quantity: '0', intervals: 12, unknown_intervals: 0 })
    expect(row).not.toHaveProperty('lower_bound')
    const { orders } = await call(
      'GET',
      '/v1/usage/explain?account=tube&meter=p95&from=2026-05-01T00:00:00Z&to=2026-05-01T00:25:00Z',
    )
    // Of five the highest two are dropped; the third has 300 bytes in 300 seconds. The highest is 00:05 with twice that.
    expect(orders).toMatchObject([
      {
        by: 'out',
        set_by: { from: '2026-05-01T00:10:00Z', to: '2026-05-01T00:15:00Z', out: '8', events: '1' },
        highest: [{ from: '2026-05-01T00:05:00Z', out: '16', events: '2' }, { out: '8' }, { out: '8' }],
      },
    ])
  })
})
