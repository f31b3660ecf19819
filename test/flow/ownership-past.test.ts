import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '../../src/app/config.ts'
import { buildServer } from '../../src/app/http/server.ts'
import type { Server } from '../../src/app/http/routes.ts'
import { openService } from '../../src/app/service.ts'
import type { Service } from '../../src/app/service.ts'
import { systemWorld } from '../../src/app/world.ts'
import { at } from '../support/invoice-desk.ts'
import { freshDatabase } from '../support/postgres.ts'
import { removeDirectory, temporaryDirectory } from '../support/service.ts'

/** Changes of who pays that reach into the past; every number is computed by hand. */
const data = temporaryDirectory('ownership-past')
const who = { author: 'Ada', reason: 'the contract says so' }
const now = at('2026-06-15T12:00:00Z')
let database: Awaited<ReturnType<typeof freshDatabase>>
let service: Service
let server: Server

type Json = Record<string, unknown>
async function call(method: 'GET' | 'POST' | 'PUT', url: string, body?: object): Promise<Json> {
  const headers = { authorization: `Bearer ${service.newKey ?? ''}` }
  const answer = await server.inject({ method, url, headers, ...(body === undefined ? {} : { payload: body }) })
  expect(answer.statusCode, answer.body).toBeLessThan(300)
  return answer.json<Json>()
}
const get = (url: string) => call('GET', url)
const post = (url: string, body: object) => call('POST', url, body)
let sent = 0
async function send(...events: object[]): Promise<void> {
  const whole = events.map((event) => ({ source: 'edge-1', seq: (sent += 1), kind: 'http_request', ...event }))
  await post('/v1/events', whole)
  await service.projector.reach(service.log.end(), 10_000)
}
const accounts = async (...keys: string[]) => {
  for (const key of keys) await post('/v1/accounts', { key })
}

beforeAll(async () => {
  database = await freshDatabase()
  const env = { DATABASE_URL: database.url, CROSSFOOT_DATA: data, LOG_LEVEL: 'silent' }
  const config = readConfig({ env: { ...env, CROSSFOOT_DISK_RESERVE_BYTES: '0' }, args: ['--empty'], cwd: '/' })
  if (!config.ok) throw new Error('the configuration is good')
  service = await openService({
    config: config.value,
    world: { ...systemWorld, now: () => now },
    logger: pino({ level: 'silent' }),
    onFatal: (reason) => {
      throw new Error(reason)
    },
  })
  server = await buildServer(service)
  await server.ready()
})
afterAll(async () => {
  await server.close()
  await service.close()
  await database.close()
  removeDirectory(data)
})

describe('a merge into an account that was split', () => {
  const may = 'from=2026-05-01T00:00:00Z&to=2026-06-01T00:00:00Z'
  const own = (endpoint: string, account: string, from: string) =>
    post(`/v1/endpoints/${endpoint}/owners`, { ...who, account, from })
  const part = (from: string, to: string, day: string) => ({
    names: 'a',
    from_account: from,
    to_account: to,
    events: '1',
    first: `2026-05-${day}T10:00:00Z`,
    last: `2026-05-${day}T10:00:00Z`,
  })

  test('is previewed and settled by the owner at the time of each event', async () => {
    await accounts('a', 'b', 'c', 'd', 'last')
    await own('e.example', 'b', '2026-01-01T00:00:00Z')
    const split = { ...who, into: 'c', endpoints: ['e.example'], at: '2026-02-01T00:00:00Z' }
    await post('/v1/accounts/b/split', split)
    await own('e.example', 'd', '2026-05-15T00:00:00Z')
    const event = { account: 'a', endpoint: 'e.example', bytes_out_wire: 5 }
    await send({ ...event, time: '2026-05-10T10:00:00Z' }, { ...event, time: '2026-05-20T10:00:00Z' })
    const merge = { ...who, into: 'b', at: '2026-05-01T00:00:00Z' }
    const planned = await post('/v1/accounts/a/merge?dry_run=true', merge)
    expect(planned).toMatchObject({
      traffic: { events: '2', parts: [part('a', 'c', '10'), part('a', 'd', '20')] },
      left: '2',
    })
    expect(await post('/v1/accounts/a/merge', merge)).toMatchObject({ status: 'done', moved: 2, left: '0' })
    expect(await post('/v1/accounts/a/merge', merge)).toMatchObject({ status: 'done', moved: 0, left: '0' })
    expect(await get(`/v1/ownership/contradictions?${may}`)).toMatchObject({ events: '0' })
  })

  test('is checked by the accounts that are named as it is without them, through every merge that followed', async () => {
    // What d should pay is moved to c by hand.
    const reattribute = { from: '2026-05-15', to: '2026-06-01', from_account: 'd', endpoint: 'e.example', account: 'c' }
    expect(await post('/v1/corrections/reattribute', { ...reattribute, ...who })).toMatchObject({ left: 0 })
    await accounts('z')
    await post('/v1/accounts/z/merge', { ...who, into: 'a2', at: '2026-05-01T00:00:00Z' }).catch(() => null)
    const one = { events: '1', parts: [part('c', 'd', '20')] }
    expect(await get(`/v1/ownership/contradictions?${may}`)).toMatchObject(one)
    expect(await get(`/v1/ownership/contradictions?${may}&accounts=a`)).toMatchObject(one)
    const again = { ...who, from: '2026-05-01', to: '2026-06-01', accounts: ['a'] }
    expect(await post('/v1/ownership/reattribute', again)).toMatchObject({ moved: 1, left: '0' })
  })
})

describe('a merge in a past that has invoices', () => {
  test('probe', async () => {
    await accounts('old', 'new')
    await post('/v1/plans', {
      key: 'plan',
      name: 'Plan',
      currency: 'USD',
      effective_from: '2020-01-01T00:00:00Z',
      prices: [
        {
          key: 'out',
          name: 'Data out',
          meter: 'data_out_wire',
          unit: { name: 'kB', per: '1000' },
          model: { kind: 'per_unit', unit_amount: '1' },
        },
      ],
    })
    for (const account of ['old', 'new'])
      await post('/v1/subscriptions', { account, plan: 'plan', from: '2020-01-01T00:00:00Z' })
    const event = (account: string, time: string, bytes: number) => ({ account, time: `2026-${time}T10:00:00Z`, bytes_out_wire: bytes })
    await send(
      event('old', '03-10', 1000),
      event('old', '04-05', 500),
      event('old', '04-20', 2000),
      event('new', '04-20', 3000),
      event('old', '05-20', 4000),
      event('new', '05-20', 8000),
    )
    const draft = async (account: string, month: string) => await post('/v1/invoices', { account, month })
    const issue = async (one: Json) => post(`/v1/invoices/${String(one['id'])}/issue`, {})
    const issued = []
    for (const [a, m] of [['old', '2026-03'], ['old', '2026-04'], ['new', '2026-04']] as const) issued.push(await issue(await draft(a, m)))
    const drafts = [await draft('old', '2026-05'), await draft('new', '2026-05')]
    const before = await Promise.all(issued.map((one) => get(`/v1/invoices/${String(one['id'])}`)))
    const dry = await post('/v1/accounts/old/merge?dry_run=true', { ...who, into: 'new', at: '2026-04-10T00:00:00Z' })
    console.log(JSON.stringify(dry, null, 1), issued.map((x) => x['id']))
    console.log(JSON.stringify(await post('/v1/accounts/old/merge', { ...who, into: 'new', at: '2026-04-10T00:00:00Z' })).slice(0, 3000))
    const after = await Promise.all(issued.map((one) => get(`/v1/invoices/${String(one['id'])}`)))
    expect(after).toEqual(before)
    for (const one of issued) console.log(JSON.stringify((await get(`/v1/invoices/${String(one['id'])}/drift`))['total']))
    console.log(JSON.stringify(await get('/v1/drift?month=2026-04')))
    for (const one of drafts) {
      const headers = { authorization: `Bearer ${service.newKey ?? ''}` }
      const answer = await server.inject({ method: 'GET', url: `/v1/invoices/${String(one['id'])}`, headers })
      console.log(answer.statusCode, answer.body)
      const i = await server.inject({ method: 'POST', url: `/v1/invoices/${String(one['id'])}/issue`, headers, payload: {} })
      console.log(i.statusCode, i.body)
    }
    console.log(JSON.stringify((await get(`/v1/invoices/${String(drafts[1]?.['id'])}/drift`))['total']))
  })
})
