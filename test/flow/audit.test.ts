import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Server } from '../../src/app/http/routes.ts'
import { auditHours, rollDue, rollPortsOf } from '../../src/app/rollups.ts'
import type { Service } from '../../src/app/service.ts'
import type { Micros } from '../../src/core/time.ts'
import { at } from '../support/invoice-desk.ts'
import { openInProcess } from '../support/in-process.ts'
import { freshDatabase } from '../support/postgres.ts'
import { removeDirectory, temporaryDirectory } from '../support/service.ts'

interface Windows {
  readonly windows: readonly { readonly from: string; readonly version: number | null; readonly sealed: boolean }[]
}

interface Discrepancies {
  readonly discrepancies: readonly { readonly id: string; readonly subject: string; readonly message: string }[]
}

/** Sealed hours, and the audit that recounts them. */
describe('the standing audit', () => {
  const data = temporaryDirectory('audit')
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let service: Service
  let server: Server
  let now = at('2026-06-01T12:00:00Z')
  let drawn = 0

  async function ask<T>(method: 'GET' | 'POST' | 'PUT', url: string, body?: object): Promise<T> {
    const headers = { authorization: `Bearer ${service.newKey ?? ''}` }
    const answer = await server.inject({ method, url, headers, ...(body === undefined ? {} : { payload: body }) })
    expect(answer.statusCode, answer.body).toBeLessThan(300)
    return answer.json<T>()
  }

  const windows = () =>
    ask<Windows>('GET', '/v1/meters/http_requests/windows?from=2026-06-01T00:00:00Z&to=2026-06-02T00:00:00Z')
  const sealedUntil = async (): Promise<unknown> => {
    const query = 'account=acme&meter=http_requests&from=2026-06-01T00:00:00Z&to=2026-06-01T12:00:00Z'
    return (await ask<Record<string, unknown>>('GET', `/v1/usage?${query}`))['sealed_until']
  }
  async function send(seq: number, hour: number): Promise<void> {
    const time = `2026-06-01T0${hour}:30:00Z`
    const event = { source: 'edge-1', seq, kind: 'http_request', time, account: 'acme', bytes_out_wire: '5' }
    await ask('POST', '/v1/events', event)
    await service.projector.reach(service.log.end(), 10_000)
  }

  /** Audits so many hours of one meter. */
  const audit = (meter: string, most: number) => {
    const ports = rollPortsOf(service)
    const meters = async () => (await ports.meters()).filter((rolled) => rolled.meter === meter)
    return auditHours({ ...ports, meters }, most)
  }

  beforeAll(async () => {
    database = await freshDatabase()
    // The audit draws the same hours in every run.
    const random = (size: number): Buffer => {
      drawn += 1
      return createHash('sha512').update(`audit ${drawn}`).digest().subarray(0, size)
    }
    const world = { now: (): Micros => now, random }
    const opened = await openInProcess({ databaseUrl: database.url, data, world })
    service = opened.service
    server = opened.server
    const registered = { kind: 'edge', owner: 'o', checkpoint_seconds: 86_400, expected_from: '2026-05-01T00:00:00Z' }
    await ask('PUT', '/v1/sources/edge-1', registered)
    for (const hour of [1, 2, 3]) await send(hour, hour)
    const checkpoint = { source: 'edge-1', epoch: '', seq: 3, time: '2026-06-01T12:00:00Z' }
    await ask('POST', '/v1/checkpoints', checkpoint)
  })
  afterAll(async () => {
    await server.close()
    await service.close()
    await database.close()
    removeDirectory(data)
  })

  test('an hour is sealed when it was recounted and is complete; a late event opens it until it is rolled again', async () => {
    expect((await windows()).windows.map(({ sealed }) => sealed)).toEqual([false, false, false])
    // The hour before the first event is known to be empty.
    expect(await sealedUntil()).toBe('2026-06-01T01:00:00Z')
    await rollDue(rollPortsOf(service))
    expect((await windows()).windows.map(({ version, sealed }) => [version, sealed])).toEqual([
      [3, true],
      [3, true],
      [3, true],
    ])
    now = at('2026-06-01T13:00:00Z')
    expect(await sealedUntil()).toBe('2026-06-01T12:00:00Z')
    await send(4, 2)
    expect((await windows()).windows.map(({ sealed }) => sealed)).toEqual([true, false, true])
    now = at('2026-06-01T14:00:00Z')
    expect(await sealedUntil()).toBe('2026-06-01T02:00:00Z')
    await rollDue(rollPortsOf(service))
    expect((await windows()).windows.map(({ version, sealed }) => [version, sealed])).toEqual([
      [3, true],
      [4, true],
      [3, true],
    ])
  })

  test('what is right is found right, whatever was rolled', async () => {
    const audited = await auditHours(rollPortsOf(service), 40)
    expect(audited.hours).toBe(40)
    expect(audited.differing).toBe(0)
    expect((await ask<Discrepancies>('GET', '/v1/discrepancies')).discrepancies).toEqual([])
  })

  test('a rolled row too many is found, raised once, and resolved by a named person', async () => {
    await ask('POST', '/v1/accounts', { key: 'globex' })
    await service.engine.command(
      "INSERT INTO rollup SELECT meter, meter_version, definition, 'globex', hour_us, generation, events, without, amount, at_us, at_offset FROM rollup WHERE meter = 'http_requests'",
    )
    await audit('http_requests', 40)
    // What an audit objects to is counted from its events, and rolled again.
    expect((await windows()).windows.some(({ sealed }) => !sealed)).toBe(true)
    expect(
      await ask(
        'GET',
        '/v1/usage?account=globex&meter=http_requests&from=2026-06-01T00:00:00Z&to=2026-06-01T12:00:00Z',
      ),
    ).toMatchObject({ total: '0' })
    now = at('2026-06-01T16:00:00Z')
    await rollDue(rollPortsOf(service))
    expect((await windows()).windows.every(({ sealed }) => sealed)).toBe(true)
    expect(await audit('http_requests', 40)).toEqual({ hours: 40, differing: 0 })
    const { discrepancies } = await ask<Discrepancies>('GET', '/v1/discrepancies')
    const subjects = discrepancies.map(({ subject }) => subject)
    expect(subjects.length).toBeGreaterThan(0)
    expect(new Set(subjects).size).toBe(subjects.length)
    expect(subjects.every((subject) => subject.startsWith('http_requests version 1, hour 2026-06-01T0'))).toBe(true)
    const [first] = discrepancies
    await ask('POST', `/v1/discrepancies/${first?.id}/resolve`, { author: 'Ann', reason: 'rolled again' })
    const left = await ask<Discrepancies>('GET', '/v1/discrepancies')
    expect(left.discrepancies).toHaveLength(discrepancies.length - 1)
  })

  test('an event that vanished from the store is found', async () => {
    await service.engine.command(
      "ALTER TABLE fact DELETE WHERE account = 'acme' AND seq = 1 SETTINGS mutations_sync = 2",
    )
    await audit('_events', 20)
    const { discrepancies } = await ask<Discrepancies>('GET', '/v1/discrepancies')
    const found = discrepancies.filter(({ subject }) => subject.includes('_events version 1, hour 2026-06-01T01'))
    expect(found).toHaveLength(1)
  })
})
