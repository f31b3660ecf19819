import { afterAll, beforeAll, expect, test } from 'vitest'
import { startClickHouse, urlOf } from '../support/clickhouse-server.ts'
import type { ClickHouseServer } from '../support/clickhouse-server.ts'
import { discardData, startService, temporaryDirectory } from '../support/service.ts'
import type { RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'

/** The whole service with its store on a server (chDB behind ClickHouse's HTTP), which is killed and comes back. */
let server: ClickHouseServer
let service: RunningService
const data = temporaryDirectory('store-server')

beforeAll(async () => {
  server = await startClickHouse()
  service = await startService({ data, env: { CLICKHOUSE_URL: urlOf(server.address) } })
})
afterAll(async () => {
  await discardData(data)
  await server.close()
})

const send = async (first: number, count: number): Promise<void> => {
  const events = Array.from({ length: count }, (_, index) => ({
    kind: 'http_request',
    source: 'edge',
    seq: first + index,
    time: '2026-11-02T10:00:00Z',
    account: 'acme',
    bytes_out_wire: 7,
  }))
  const answer = await service.post('/v1/events', events)
  expect(answer.body).toMatchObject({ accepted: count })
}

async function usage(): Promise<{ total: string; events_not_yet_counted: number } | null> {
  const { status, body } = await service.get(
    '/v1/usage?account=acme&meter=data_out_wire&from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z',
  )
  return status === 200 ? (body as { total: string; events_not_yet_counted: number }) : null
}

test('events in, usage out; without its store it goes on taking events, and counts them when the store is back', async () => {
  await send(1, 100)
  expect(await usage()).toMatchObject({ total: '700', events_not_yet_counted: 0 })
  const killed = server.kill()
  await send(101, 50)
  await killed
  await send(151, 50)
  const away = await service.get(
    '/v1/usage/events?account=acme&meter=data_out_wire&from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z',
  )
  expect(away).toMatchObject({ status: 503, body: { error: { code: 'NOT_READY' } } })
  await until(async () => (await service.get('/readyz')).status === 503, 10_000, 'it says that the store is away')
  await server.restart()
  const back = await until(
    async () => {
      const found = await usage()
      return found?.events_not_yet_counted === 0 && found
    },
    30_000,
    'everything is counted',
  )
  expect(back).toMatchObject({ total: '1400' })
  await until(async () => (await service.get('/readyz')).status === 200, 10_000, 'it is ready again')
})

test('it is stopped and started again on the same store, and its messages do not have the password', async () => {
  expect(await service.stop()).toBe(0)
  const nowhere = urlOf({ ...server.address, url: 'http://127.0.0.1:1' })
  const refused = startService({ data, env: { CLICKHOUSE_URL: nowhere } })
  await expect(refused).rejects.toThrow(/event store at http:\/\/127\.0\.0\.1:1 .*CLICKHOUSE_URL/)
  const printed = service.output()
  service = await startService({ data, env: { CLICKHOUSE_URL: urlOf(server.address) } })
  expect(await usage()).toMatchObject({ total: '1400', events_not_yet_counted: 0 })
  await send(201, 1)
  expect(await usage()).toMatchObject({ total: '1407', events_not_yet_counted: 0 })
  expect(printed + service.output()).not.toMatch(/pass'word|pass%27word/)
})
