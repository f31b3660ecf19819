import { expect } from 'vitest'
import type { Server } from '../../src/app/http/routes.ts'
import type { Service } from '../../src/app/service.ts'
import type { Micros } from '../../src/core/time.ts'
import { openInProcess } from './in-process.ts'
import { freshDatabase } from './postgres.ts'
import { removeDirectory, temporaryDirectory } from './service.ts'

export type Json = Record<string, unknown>
type Method = 'GET' | 'POST' | 'PUT'

/** The service and its API in this process, at a time that the test sets. */
export interface UsageApi {
  readonly service: Service
  readonly server: Server
  readonly clock: { now: Micros }
  /** Any call; what is refused fails the test. */
  call(method: Method, url: string, body?: object, key?: string): Promise<Json>
  /** A refusal: its status and code. */
  refused(url: string, key?: string): Promise<[number, string, string]>
  text(url: string, headers?: Record<string, string>): Promise<{ type: string; bytes: Buffer }>
  /** A key of an account that may read usage. */
  boundKey(account: string): Promise<string>
  close(): Promise<void>
}

export async function openUsageApi(name: string, first: Micros): Promise<UsageApi> {
  const clock = { now: first }
  const data = temporaryDirectory(name)
  const database = await freshDatabase()
  const world = { now: (): Micros => clock.now }
  const { service, server } = await openInProcess({ databaseUrl: database.url, data, world })
  const ask = (method: Method, url: string, { body, key = service.newKey ?? '' }: { body?: object; key?: string }) =>
    server.inject({
      method,
      url,
      headers: { authorization: `Bearer ${key}` },
      ...(body === undefined ? {} : { payload: body }),
    })
  const api: UsageApi = {
    service,
    server,
    clock,
    async call(method, url, body, key) {
      const answer = await ask(method, url, { ...(body && { body }), ...(key && { key }) })
      expect(answer.statusCode, `${url} ${answer.body.slice(0, 500)}`).toBeLessThan(300)
      return answer.json()
    },
    async refused(url, key) {
      const answer = await ask('GET', url, key === undefined ? {} : { key })
      const { error } = answer.json<{ error?: { code: string; message: string } }>()
      return [answer.statusCode, error?.code ?? '', error?.message ?? '']
    },
    async text(url, headers = {}) {
      const authorization = `Bearer ${service.newKey ?? ''}`
      const answer = await server.inject({ method: 'GET', url, headers: { authorization, ...headers } })
      expect(answer.statusCode, answer.body.slice(0, 500)).toBe(200)
      return { type: String(answer.headers['content-type']).split(';')[0] ?? '', bytes: answer.rawPayload }
    },
    async boundKey(account) {
      const wanted = { account, name: account, scopes: ['usage:read', 'events:write'] }
      return String((await api.call('POST', '/v1/keys', wanted))['key'])
    },
    async close() {
      await server.close()
      await service.close()
      await database.close()
      removeDirectory(data)
    },
  }
  return api
}
