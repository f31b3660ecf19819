import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Server } from '../../src/app/http/routes.ts'
import { rollDue, rollPortsOf } from '../../src/app/rollups.ts'
import type { Service } from '../../src/app/service.ts'
import { at } from '../support/invoice-desk.ts'
import { openInProcess } from '../support/in-process.ts'
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

/** One dollar for so much of a meter. */
const planOf = (key: string, meter: string, per: string) => ({
  key,
  name: key,
  currency: 'USD',
  effective_from: '2020-01-01T00:00:00Z',
  prices: [
    { key: 'all', name: 'All', meter, unit: { name: 'unit', per }, model: { kind: 'per_unit', unit_amount: '1' } },
  ],
})

beforeAll(async () => {
  database = await freshDatabase()
  const opened = await openInProcess({ databaseUrl: database.url, data, world: { now: () => now } })
  service = opened.service
  server = opened.server
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
  const part = (names: string, [from, to]: readonly [string, string], day: string) => ({
    names,
    from_account: from,
    to_account: to,
    events: '1',
    first: `2026-05-${day}T10:00:00Z`,
    last: `2026-05-${day}T10:00:00Z`,
  })

  test('is previewed and settled by the owner at the time of each event', async () => {
    await accounts('a', 'b', 'c', 'd')
    await own('e.example', 'b', '2026-01-01T00:00:00Z')
    const split = { ...who, into: 'c', endpoints: ['e.example'], at: '2026-02-01T00:00:00Z' }
    await post('/v1/accounts/b/split', split)
    await own('e.example', 'd', '2026-05-15T00:00:00Z')
    const event = { account: 'a', endpoint: 'e.example', bytes_out_wire: 5 }
    await send({ ...event, time: '2026-05-10T10:00:00Z' }, { ...event, time: '2026-05-20T10:00:00Z' })
    const merge = { ...who, into: 'b', at: '2026-05-01T00:00:00Z' }
    const planned = await post('/v1/accounts/a/merge?dry_run=true', merge)
    expect(planned).toMatchObject({
      traffic: { events: '2', parts: [part('a', ['a', 'c'], '10'), part('a', ['a', 'd'], '20')] },
      left: '2',
    })
    expect(await post('/v1/accounts/a/merge', merge)).toMatchObject({ status: 'done', moved: 2, left: '0' })
    expect(await post('/v1/accounts/a/merge', merge)).toMatchObject({ status: 'done', moved: 0, left: '0' })
    expect(await get(`/v1/ownership/contradictions?${may}`)).toMatchObject({ events: '0' })
  })

  test('is checked by the accounts that events name as it is by all, through every merge that followed', async () => {
    await accounts('x', 'y')
    await send({ account: 'x', endpoint: 'e.example', time: '2026-05-21T10:00:00Z', bytes_out_wire: 7 })
    await post('/v1/accounts/x/merge', { ...who, into: 'y', at: '2026-05-01T00:00:00Z' })
    const merge = { ...who, into: 'b', at: '2026-05-01T00:00:00Z' }
    expect(await post('/v1/accounts/y/merge', merge)).toMatchObject({ moved: 1, left: '0' })
    // What d should pay is moved to c by hand.
    const moved = { from: '2026-05-15', to: '2026-06-01', from_account: 'd', endpoint: 'e.example', account: 'c' }
    expect(await post('/v1/corrections/reattribute', { ...moved, ...who })).toMatchObject({ left: 0 })
    const [one, two] = [part('a', ['c', 'd'], '20'), part('x', ['c', 'd'], '21')]
    const found = (more = '') => get(`/v1/ownership/contradictions?${may}${more}`)
    expect(await found()).toMatchObject({ events: '2', parts: [one, two] })
    expect(await found('&accounts=a')).toMatchObject({ events: '1', parts: [one] })
    expect(await found('&accounts=x')).toMatchObject({ events: '1', parts: [two] })
    const again = { ...who, from: '2026-05-01', to: '2026-06-01', accounts: ['x', 'a'] }
    expect(await post('/v1/ownership/reattribute', again)).toMatchObject({ moved: 2, left: '0' })
    expect(await found()).toMatchObject({ events: '0' })
  })
})

describe('a merge in a past that has invoices', () => {
  const merge = { ...who, into: 'new', at: '2026-04-10T00:00:00Z' }
  const event = (account: string, day: string, bytes: number) => ({
    account,
    time: `2026-${day}T10:00:00Z`,
    bytes_out_wire: bytes,
  })
  const draft = (account: string, month: string) => post('/v1/invoices', { account, month })
  const issue = async (account: string, month: string): Promise<string> => {
    const { id } = await draft(account, month)
    await post(`/v1/invoices/${String(id)}/issue`, {})
    return String(id)
  }
  const drift = (id: string) => get(`/v1/invoices/${id}/drift`)
  const total = (issued: string, wouldBe: string, difference: string) => ({
    total: { issued, now: wouldBe, difference },
  })

  test('leaves those that are issued, shows their drift, and counts in those that are not (L6)', async () => {
    await accounts('old', 'new')
    await post('/v1/plans', planOf('plan', 'data_out_wire', '1000'))
    for (const account of ['old', 'new'])
      await post('/v1/subscriptions', { account, plan: 'plan', from: '2020-01-01T00:00:00Z' })
    await send(
      event('old', '03-10', 1_000),
      event('old', '04-05', 500),
      event('old', '04-20', 2_000),
      event('new', '04-20', 3_000),
      event('old', '05-20', 4_000),
      event('new', '05-20', 8_000),
    )
    const march = await issue('old', '2026-03')
    const april = { old: await issue('old', '2026-04'), new: await issue('new', '2026-04') }
    const may = await draft('new', '2026-05')
    expect(may).toMatchObject({ total: '8.00' })
    const issued = () => Promise.all([march, april.old, april.new].map((id) => get(`/v1/invoices/${id}`)))
    const before = await issued()
    expect(before).toMatchObject([{ total: '1.00' }, { total: '2.50' }, { total: '3.00' }])

    const planned = await post('/v1/accounts/old/merge?dry_run=true', merge)
    expect(planned).toMatchObject({ traffic: { events: '2', invoices: [april.new, april.old] } })
    expect(await drift(april.old)).toMatchObject({ drifted: false })
    expect(await post('/v1/accounts/old/merge', merge)).toMatchObject({ moved: 2, left: '0' })

    expect(await issued()).toEqual(before)
    expect(await drift(march)).toMatchObject({ drifted: false })
    expect(await drift(april.old)).toMatchObject({ drifted: true, ...total('2.50', '0.50', '-2.00') })
    expect(await drift(april.new)).toMatchObject({ drifted: true, ...total('3.00', '5.00', '2.00') })
    const drifted = (await get('/v1/drift?month=2026-04'))['invoices'] as { invoice: { id: string } }[]
    expect(drifted.map(({ invoice }) => invoice.id)).toEqual([april.new, april.old])
    // What is not issued yet is issued with what came over, and is not said to have drifted.
    const id = String(may['id'])
    expect(await get(`/v1/invoices/${id}`)).toMatchObject({ status: 'draft', total: '12.00' })
    expect(await post(`/v1/invoices/${id}/issue`, {})).toMatchObject({ status: 'issued', total: '12.00' })
    expect(await drift(id)).toMatchObject({ drifted: false })
  })
})

describe('traffic that nobody owns', () => {
  test('of a time that still runs: a level costs up to now', async () => {
    await post('/v1/meters', {
      key: 'seat_hours',
      name: 'Seat hours',
      unit: 'hours',
      aggregation: { kind: 'level', value: 'quantity', mode: 'set', per: 'hour' },
      filter: [{ field: 'kind', operator: 'in', values: ['usage'] }],
      group_by: [],
    })
    await post('/v1/plans', planOf('seats', 'seat_hours', '1'))
    await call('PUT', '/v1/default-plan', { plan: 'seats', from: '2020-01-01T00:00:00Z' })
    await send({ kind: 'usage', name: 'seats', quantity: '3', time: '2026-06-15T10:00:00Z' })
    // Three seats from 10 to 12 o'clock, which is now; to the end of June they would be 1122.
    const june = 'from=2026-06-01T00:00:00Z&to=2026-07-01T00:00:00Z'
    expect(await get(`/v1/unattributed?${june}`)).toMatchObject({ value: { amount: '6.00' }, no_value: null })
  })

  test('is the same by endpoint before and after its hours are rolled', async () => {
    const event = { time: '2026-06-01T01:30:00Z', bytes_out_wire: 5 }
    const named = { ...event, endpoint: 'nobody.example' }
    await send(named, named, event, event, event)
    const report = () => get('/v1/unattributed?from=2026-06-01T00:00:00Z&to=2026-06-02T00:00:00Z')
    const before = await report()
    expect(before).toMatchObject({
      quantities: { http_requests: '5', data_out_wire: '25', active_endpoint_hours: '2' },
      endpoints: [
        { endpoint: null, quantities: { http_requests: '3', data_out_wire: '15', active_endpoint_hours: '1' } },
        {
          endpoint: 'nobody.example',
          quantities: { http_requests: '2', data_out_wire: '10', active_endpoint_hours: '1' },
        },
      ],
    })
    expect(await rollDue(rollPortsOf(service))).toBeGreaterThan(0)
    expect(await report()).toEqual(before)
  })
})
