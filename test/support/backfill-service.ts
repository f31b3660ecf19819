import { expect } from 'vitest'
import type { Service } from '../../src/app/service.ts'
import type { Micros } from '../../src/core/time.ts'
import { at } from './invoice-desk.ts'
import { openInProcess } from './in-process.ts'
import { freshDatabase } from './postgres.ts'
import type { FreshDatabase } from './postgres.ts'
import { removeDirectory, temporaryDirectory } from './service.ts'
import { until } from './until.ts'

export type Json = Record<string, unknown>

export const author = { author: 'Ada', reason: 'the disk of edge-7 was found' }
export const may = 'from=2026-05-01T00:00:00Z&to=2026-06-01T00:00:00Z'

/** An event of acme in May 2026. */
export function event(id: string, bytes: number, more: object = {}): object {
  return {
    source: 'edge-7',
    id,
    kind: 'http_request',
    account: 'acme',
    endpoint: 'api.example.com',
    time: '2026-05-28T10:00:00Z',
    bytes_out_wire: bytes,
    ...more,
  }
}

export function ndjson(...events: readonly (object | string)[]): string {
  return events.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n')
}

interface Answered {
  readonly status: number
  readonly body: Json
}

/** A service in this process with a clock that the test sets, and what tests of backfill jobs ask of it. */
export interface BackfillService {
  readonly fresh: FreshDatabase
  readonly service: Service
  now: Micros
  call(method: 'GET' | 'POST', url: string, body?: unknown, contentType?: string): Promise<Answered>
  post(url: string, body: unknown): Promise<Answered>
  get(url: string): Promise<Json>
  /** Of acme in May 2026. */
  usage(meter?: string): Promise<unknown>
  open(source?: string, more?: object): Promise<string>
  load(job: string, text: string): Promise<Answered>
  reached(job: string, state: string): Promise<unknown>
  close(): Promise<void>
}

export async function openBackfillService(): Promise<BackfillService> {
  const data = temporaryDirectory('backfill')
  const fresh = await freshDatabase()
  const opened = { now: at('2026-06-01T12:00:00Z') }
  const world = { now: (): Micros => opened.now }
  const { service, server } = await openInProcess({ databaseUrl: fresh.url, data, world })
  const key = service.newKey ?? ''
  const call: BackfillService['call'] = async (method, url, body, contentType = 'application/json') => {
    const payload = typeof body === 'string' ? body : JSON.stringify(body)
    const headers = { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': contentType }) }
    const answer = await server.inject({ method, url, headers, ...(body === undefined ? {} : { payload }) })
    return { status: answer.statusCode, body: JSON.parse(answer.body) as Json }
  }
  const get = async (url: string): Promise<Json> => (await call('GET', url)).body
  return Object.assign(opened, {
    fresh,
    service,
    call,
    get,
    post: (url: string, body: unknown) => call('POST', url, body),
    usage: async (meter = 'data_out_wire') => (await get(`/v1/usage?account=acme&meter=${meter}&${may}`))['total'],
    async open(source = 'edge-7', more: object = {}) {
      const asked = { source, from: '2026-05-01', to: '2026-06-01', ...author, ...more }
      const answer = await call('POST', '/v1/backfills', asked)
      expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 201, body: { state: 'open' } })
      return String(answer.body['id'])
    },
    load: (job: string, text: string) => call('POST', `/v1/backfills/${job}/events`, text, 'application/x-ndjson'),
    reached: (job: string, state: string) =>
      until(async () => (await get(`/v1/backfills/${job}`))['state'] === state, 20_000, `the job is ${state}`),
    async close() {
      await server.close()
      await service.close()
      await fresh.close()
      removeDirectory(data)
    },
  })
}
