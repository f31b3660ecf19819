import { parquetReadObjects } from 'hyparquet'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Micros } from '../../src/core/time.ts'
import { at } from '../support/invoice-desk.ts'
import { openUsageApi } from '../support/usage-api.ts'
import type { Json, UsageApi } from '../support/usage-api.ts'

interface Row {
  readonly from: string
  readonly to: string
  readonly group: Record<string, string | null>
  readonly others?: true
  readonly quantity: string | null
  readonly previous?: { from: string; quantity: string | null; difference: string | null; percent: string | null } | null
}
const rowsOf = (answer: Json): Row[] => answer['rows'] as Row[]
const quantities = (answer: Json): (string | null)[] => rowsOf(answer).map(({ quantity }) => quantity)
const added = (rows: readonly { quantity: string | null }[]): bigint =>
  rows.reduce((sum, { quantity }) => sum + BigInt(quantity ?? 0), 0n)

describe('GET /v1/usage', () => {
  let api: UsageApi
  let keys: { acme: string; globex: string }
  let seq = 0
  const usage = (query: string, key?: string) => api.call('GET', `/v1/usage?${query}`, undefined, key)
  const event = (account: string, time: string, more: object = {}) => {
    seq += 1
    return { source: 'edge', seq, kind: 'http_request', account, time, ...more }
  }
  const send = (...events: object[]) => api.call('POST', '/v1/events', events)
  const meter = (key: string, unit: string, aggregation: object, groups: readonly string[] = ['endpoint']) =>
    api.call('POST', '/v1/meters', { key, name: key, unit, aggregation, group_by: groups })

  beforeAll(async () => {
    api = await openUsageApi('usage-api', at('2026-06-15T12:00:00Z'))
    for (const account of ['acme', 'globex', 'quiet', 'zones', 'many'])
      await api.call('POST', '/v1/accounts', { key: account })
    keys = { acme: await api.boundKey('acme'), globex: await api.boundKey('globex') }
    await api.call('POST', '/v1/backfills', {}).catch(() => undefined)
  })
  afterAll(() => api.close())
