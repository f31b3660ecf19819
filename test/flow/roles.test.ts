import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startClickHouse, urlOf } from '../support/clickhouse-server.ts'
import type { ClickHouseServer } from '../support/clickhouse-server.ts'
import { startKafka } from '../support/kafka/cluster.ts'
import type { Kafka } from '../support/kafka/cluster.ts'
import { available } from '../support/kafka/jars.ts'
import { bareDatabase } from '../support/postgres.ts'
import type { FreshDatabase } from '../support/postgres.ts'
import { discardData, startService, temporaryDirectory } from '../support/service.ts'
import type { RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'

/** An installation in parts: two that take events, two projectors, one that answers, one worker. */
describe.skipIf(!available())('roles (skipped without CROSSFOOT_KAFKA=1, Java and Maven)', () => {
  let kafka: Kafka
  let server: ClickHouseServer
  let database: FreshDatabase
  let api: RunningService
  const directories: string[] = []

  async function start(role: string): Promise<RunningService> {
    const data = temporaryDirectory(`role-${role}`)
    // Only the first key is written to a file, by the role that answers questions; the test gives it to all.
    if (role !== 'api') {
      mkdirSync(data, { recursive: true })
      cpSync(join(api.data, 'dev-api-key'), join(data, 'dev-api-key'))
    }
    directories.push(data)
    const env = {
      KAFKA_BROKERS: kafka.brokers,
      CROSSFOOT_KAFKA_PREFIX: 'roles',
      CLICKHOUSE_URL: urlOf(server.address),
      DATABASE_URL: database.url,
      CROSSFOOT_ROLE: role,
    }
    return startService({ data, env, args: [] })
  }

  beforeAll(async () => {
    ;[kafka, server, database] = await Promise.all([startKafka({ nodes: 1 }), startClickHouse(), bareDatabase()])
    api = await start('api')
  })
  afterAll(async () => {
    for (const data of directories) await discardData(data)
    await database.close()
    await server.close()
    await kafka.stop()
  })

  test('events through two doors are counted once and answered by a third process, also when the leader is killed', async () => {
    const doors = await Promise.all([start('ingest'), start('ingest')])
    const projectors = await Promise.all([start('project'), start('project')])
    const send = (door: RunningService, first: number, count: number) =>
      door.post(
        '/v1/events',
        Array.from({ length: count }, (_, index) => ({
          kind: 'http_request',
          source: 'edge',
          seq: first + index,
          time: '2026-11-02T10:00:00Z',
          account: 'acme',
          bytes_out_wire: 7,
        })),
      )
    const counted = (total: number) =>
      until(
        async () => {
          const answer = await api.get(
            '/v1/usage?account=acme&meter=data_out_wire&from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z',
          )
          const body = answer.body as { total: string; events_not_yet_counted: number }
          return answer.status === 200 && body.events_not_yet_counted === 0 && body.total === String(total)
        },
        30_000,
        `${total} bytes are counted`,
      )
    const leads = async (service: RunningService): Promise<boolean> =>
      String((await service.get('/metrics')).body).includes('crossfoot_leads 1')
    // The same events through both doors at once.
    await Promise.all(doors.map((door) => send(door, 1, 200)))
    await counted(200 * 7)
    const leader = (await leads(projectors[0])) ? 0 : 1
    expect(await leads(projectors[1 - leader] as RunningService)).toBe(false)
    const killed = projectors[leader]?.kill()
    await send(doors[0], 201, 100)
    await send(doors[1], 251, 100)
    await killed
    await counted(350 * 7)
    const worker = await start('worker')
    expect(await worker.stop()).toBe(0)
    expect((await doors[0].get('/v1/usage')).status).toBe(404)
    expect((await send(api, 1, 1)).status).toBe(404)
    expect((await doors[0].get('/readyz')).body).toMatchObject({ status: 'ready', events_not_yet_counted: null })
    for (const door of doors) expect(await door.stop()).toBe(0)
  })
})
