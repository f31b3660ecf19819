import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startCli } from '../support/cli.ts'
import { discardData, startService, temporaryDirectory } from '../support/service.ts'
import type { Answer, RunningService } from '../support/service.ts'

/** Ownership over time through the real service; every number is computed by hand. */
const data = temporaryDirectory('ownership')
let service: RunningService
const july = 'from=2026-07-01T00:00:00Z&to=2026-08-01T00:00:00Z'
const who = { author: 'Ada', reason: 'the contract says so' }

let next = 0
const event = (endpoint: string | null, time: string, bytes: number, more: object = {}) => ({
  source: 'edge-1',
  seq: (next += 1),
  kind: 'http_request',
  time: `2026-07-${time}Z`,
  bytes_out_wire: bytes,
  ...(endpoint === null ? {} : { endpoint }),
  ...more,
})
type Json = Record<string, unknown>
const bodyOf = ({ status, body }: Answer, expected = 200): Json => {
  expect(status, JSON.stringify(body)).toBe(expected)
  return body as Json
}
const codeOf = ({ status, body }: Answer) => [status, (body as { error?: { code: string } }).error?.code]
const send = async (...events: object[]) => bodyOf(await service.post('/v1/events', events))
const usage = async (account: string, meter = 'data_out_wire', more = ''): Promise<string> =>
  (bodyOf(await service.get(`/v1/usage?account=${account}&meter=${meter}&${july}${more}`)) as { total: string }).total
const own = (endpoint: string, body: object, query = '') =>
  service.post(`/v1/endpoints/${encodeURIComponent(endpoint)}/owners${query}`, { ...who, ...body })
const from = '2026-01-01T00:00:00Z'
const owner = async (endpoint: string, account: string, at = from) => bodyOf(await own(endpoint, { account, from: at }))

beforeAll(async () => {
  service = await startService({ data })
  for (const key of ['ada', 'bob', 'cy', 'dan', 'eve']) bodyOf(await service.post('/v1/accounts', { key }), 201)
})
afterAll(() => discardData(data))

describe('who owns an endpoint', () => {
  test('changes in the middle of an hour, to the microsecond; the hour is active for both', async () => {
    await owner('mid.example.com', 'ada')
    expect(await owner('mid.example.com', 'bob', '2026-07-01T10:30:00.000001Z')).toMatchObject({
      status: 'done',
      changes: true,
      removed: [{ account: 'ada', to: null }],
      added: [
        { account: 'ada', from, to: '2026-07-01T10:30:00.000001Z' },
        { account: 'bob', from: '2026-07-01T10:30:00.000001Z', to: null },
      ],
    })
    await send(
      event('mid.example.com', '01T10:00:00', 1),
      event('mid.example.com', '01T10:30:00.000000', 2),
      event('mid.example.com', '01T10:30:00.000001', 4),
      event('mid.example.com', '01T11:00:00', 8),
    )
    expect([await usage('ada'), await usage('bob')]).toEqual(['3', '12'])
    // 10 o'clock was active for ada and for bob: a transfer within an hour makes one more active hour.
    expect([await usage('ada', 'active_endpoint_hours'), await usage('bob', 'active_endpoint_hours')]).toEqual([
      '1',
      '2',
    ])
  })

  test('is found by one name, however it was written, and by the longest wildcard', async () => {
    await owner('*.wild.example', 'ada')
    await owner('*.deep.wild.example', 'bob')
    await owner('Exact.Deep.Wild.Example.', 'cy', '2026-07-10T00:00:00Z')
    await owner('[2001:DB8:0:0::1]:0443', 'dan')
    await owner('2001:db8::2', 'dan')
    await owner('10.0.0.1:22', 'dan')
    await owner('Bücher.example', 'eve')
    await send(
      event('a.wild.example', '02T10:00:00', 100),
      event('A.DEEP.wild.example.', '02T10:00:00', 1000),
      event('exact.deep.wild.example', '09T23:59:59.999999', 2000),
      event('EXACT.deep.wild.example', '10T00:00:00', 10),
      event('wild.example', '10T00:00:00', 7),
      event('[2001:db8::1]:443', '02T10:00:00', 1),
      event('[2001:db8::1]', '02T10:00:00', 5),
      event('[2001:0db8::0002]', '02T10:00:00', 2),
      event('10.0.0.1:22', '02T10:00:00', 4),
      event('10.0.0.1', '02T10:00:00', 3),
      event('xn--bcher-kva.example.', '02T10:00:00', 16),
      event('BÜCHER.example', '02T10:00:00', 32),
    )
    const all = await Promise.all(['ada', 'bob', 'cy', 'dan', 'eve', 'unattributed'].map((account) => usage(account)))
    expect(all).toEqual(['103', '3012', '10', '7', '48', '15'])
    const shown = bodyOf(await service.get('/v1/endpoints/EXACT.deep.wild.example/owners'))
    expect(shown).toMatchObject({
      endpoint: 'exact.deep.wild.example',
      owners: [{ account: 'cy', from: '2026-07-10T00:00:00Z', to: null }],
      wildcards: [
        { endpoint: '*.deep.wild.example', account: 'bob' },
        { endpoint: '*.wild.example', account: 'ada' },
      ],
      decisions: [{ kind: 'owner', ...who, accounts: ['cy'] }],
    })
  })

  test('is corrected for the past: planned, recorded, and the traffic moved, once (L2, L5)', async () => {
    await owner('past.example.com', 'ada')
    await send(
      event('past.example.com', '03T10:00:00', 10_000),
      event('PAST.example.com', '04T10:00:00', 20_000),
      event('past.example.com', '05T10:00:00', 40_000),
      event('past.example.com', '04T11:00:00', 80_000, { account: 'cy' }),
    )
    const before = [await usage('ada'), await usage('bob'), await usage('cy')]
    expect(before).toEqual(['70103', '3012', '80010'])
    const { counted_below: below } = bodyOf(await service.get(`/v1/unattributed?${july}`)) as { counted_below: string }
    const change = { account: 'bob', from: '2026-07-04T00:00:00Z', to: '2026-07-05T00:00:00Z' }
    const planned = bodyOf(await own('past.example.com', change, '?dry_run=true'))
    expect(planned).toMatchObject({
      status: 'planned',
      decision: null,
      traffic: {
        events: '1',
        parts: [
          {
            endpoint: 'PAST.example.com',
            names: null,
            from_account: 'ada',
            to_account: 'bob',
            first: '2026-07-04T10:00:00Z',
          },
        ],
        effects: expect.arrayContaining([
          { account: 'ada', meter: 'data_out_wire', unit: 'bytes', change: '-20000' },
          { account: 'bob', meter: 'data_out_wire', unit: 'bytes', change: '20000' },
          { account: 'bob', meter: 'http_requests', unit: 'requests', change: '1' },
        ]),
        not_previewed: expect.arrayContaining(['active_endpoint_hours']),
      },
      left: '1',
    })
    expect(bodyOf(await own('past.example.com', change))).toMatchObject({ status: 'recorded', moved: 0, left: '1' })
    expect([await usage('ada'), await usage('bob')]).toEqual(['70103', '3012'])
    const found = bodyOf(await service.get(`/v1/ownership/contradictions?${july}&endpoints=past.example.com`))
    expect(found).toMatchObject({ events: '1' })
    expect(bodyOf(await own('past.example.com', { ...change, reattribute: true }))).toMatchObject({
      status: 'done',
      changes: false,
      moved: 1,
      left: '0',
    })
    expect(bodyOf(await own('past.example.com', { ...change, reattribute: true }))).toMatchObject({ moved: 0 })
    expect([await usage('ada'), await usage('bob'), await usage('cy')]).toEqual(['50103', '23012', '80010'])
    expect(await usage('ada', 'data_out_wire', `&below=${below}`)).toBe('70103')
    expect(bodyOf(await service.get('/v1/endpoints/past.example.com/owners'))['owners']).toMatchObject([
      { account: 'ada', to: '2026-07-04T00:00:00Z' },
      { account: 'bob' },
      { account: 'ada', from: '2026-07-05T00:00:00Z', to: null },
    ])
  })

  test('ends when it is released, and is not taken from who owns it later by mistake', async () => {
    const early = { account: 'cy', from: '2026-07-03T00:00:00Z' }
    expect(codeOf(await own('past.example.com', early))).toEqual([409, 'OWNERSHIP_OVERLAP'])
    expect(codeOf(await own('past.example.com', { account: 'nobody', from }))).toEqual([404, 'ACCOUNT_NOT_FOUND'])
    expect(codeOf(await own('past.example.com', { account: 'unattributed', from }))).toEqual([400, 'REQUEST_INVALID'])
    expect(codeOf(await own('a.*.com', { account: 'ada', from }))).toEqual([400, 'REQUEST_INVALID'])
    const release = { at: '2026-07-20T00:00:00Z', ...who }
    expect(bodyOf(await service.post('/v1/endpoints/past.example.com/release', release))).toMatchObject({
      status: 'done',
      changes: true,
    })
    await send(event('past.example.com', '20T00:00:00', 6))
    expect([await usage('ada'), await usage('unattributed')]).toEqual(['50103', '21'])
  })
})

describe('traffic that nobody owns', () => {
  test('is shown by endpoint, adds up, is valued, and names who may own it', async () => {
    const bare = bodyOf(await service.get(`/v1/unattributed?${july}`))
    expect(bare).toMatchObject({ value: null, no_value: expect.stringContaining('default plan') })
    await service.post('/v1/plans', {
      key: 'plan',
      name: 'Plan',
      currency: 'USD',
      effective_from: '2020-01-01T00:00:00Z',
      prices: [
        { key: 'fee', name: 'Fee', model: { kind: 'flat', amount: '5' } },
        {
          key: 'out',
          name: 'Data out',
          meter: 'data_out_wire',
          unit: { name: 'byte', per: '1' },
          model: { kind: 'per_unit', unit_amount: '0.5' },
        },
      ],
    })
    const headers = { authorization: `Bearer ${service.key}`, 'content-type': 'application/json' }
    const policy = JSON.stringify({ plan: 'plan', from: '2020-01-01T00:00:00Z' })
    bodyOf(await service.ask('PUT', '/v1/default-plan', { body: policy, headers }))
    await send(event(null, '21T00:00:00', 9), event('Wild.Example', '22T00:00:00', 1))
    const answer = bodyOf(await service.get(`/v1/unattributed?${july}&top=2`)) as {
      endpoints: { endpoint: string | null; candidates: Json[] }[]
    }
    // 7 + 1 of wild.example, 5 of the address, 3 of 10.0.0.1, 6 after the release, 9 without an endpoint.
    expect(answer).toMatchObject({
      events: '6',
      quantities: { data_out_wire: '31', http_requests: '6', active_endpoint_hours: '6' },
      value: { amount: '15.50', currency: 'USD', plan: 'Plan' },
      no_value: null,
      others: { endpoints: 3 },
    })
    expect(answer.endpoints[0]).toMatchObject({
      endpoint: 'wild.example',
      written: ['Wild.Example', 'wild.example'],
      events: '2',
      first_seen: '2026-07-10T00:00:00Z',
      last_seen: '2026-07-22T00:00:00Z',
      quantities: { data_out_wire: '8', http_requests: '2', active_endpoint_hours: '2' },
    })
    const all = bodyOf(await service.get(`/v1/unattributed?${july}&top=200`)) as typeof answer
    expect(all).toMatchObject({ others: { endpoints: 0, events: '0', quantities: { data_out_wire: '0' } } })
    const of = (endpoint: string | null) => all.endpoints.find((one) => one.endpoint === endpoint)
    expect(of(null)).toMatchObject({ quantities: { data_out_wire: '9', http_requests: '1' }, candidates: [] })
    expect(of('past.example.com')?.candidates).toMatchObject([
      { account: 'ada', why: 'owned_before', ownership: { to: '2026-07-20T00:00:00Z' } },
      { account: 'bob', why: 'pays_there' },
      { account: 'cy', why: 'pays_there' },
    ])
  })

  test('goes to its owner when that is known', async () => {
    const change = { account: 'eve', from: '2026-07-01T00:00:00Z', to: null, reattribute: true }
    expect(bodyOf(await own('wild.example', change))).toMatchObject({ status: 'done', moved: 2, left: '0' })
    expect([await usage('eve'), await usage('unattributed')]).toEqual(['56', '23'])
  })
})

describe('accounts that are merged and split', () => {
  const merge = (account: string, body: object, query = '') =>
    service.post(`/v1/accounts/${account}/merge${query}`, { ...who, ...body })
  const at = '2026-07-10T00:00:00Z'

  test('merge: from an instant on everything of one is the other’s; what lies before stays', async () => {
    for (const key of ['old', 'new', 'newest']) bodyOf(await service.post('/v1/accounts', { key }), 201)
    await service.post('/v1/subscriptions', { account: 'old', plan: 'plan', from: '2026-01-01T00:00:00Z' })
    const made = bodyOf(
      await service.post('/v1/keys', { name: 'old', scopes: ['events:write', 'usage:read'], account: 'old' }),
      201,
    ) as { id: string; key: string }
    await owner('shop.example', 'old')
    await send(
      event('shop.example', '09T23:00:00', 1),
      event('shop.example', '10T00:00:00', 2),
      event(null, '09T12:00:00', 10, { account: 'old' }),
      event(null, '11T12:00:00', 20, { account: 'old' }),
    )
    expect(bodyOf(await merge('old', { into: 'new', at }, '?dry_run=true'))).toMatchObject({
      status: 'planned',
      traffic: { events: '2' },
      subscriptions: [{ plan: 'plan', becomes: 'ended' }],
      keys: [{ id: made.id, name: 'old' }],
    })
    expect([await usage('old'), await usage('new')]).toEqual(['33', '0'])
    const done = bodyOf(await merge('old', { into: 'new', at }))
    expect(done).toMatchObject({ status: 'done', changes: true, moved: 2, left: '0' })
    // Again: nothing is left to do.
    expect(bodyOf(await merge('old', { into: 'new', at }))).toMatchObject({ changes: false, moved: 0, decision: null })
    expect([await usage('old'), await usage('new')]).toEqual(['11', '22'])
    expect(bodyOf(await service.get('/v1/accounts/old'))).toMatchObject({ merged: { into: 'new', at } })
    expect(bodyOf(await service.get('/v1/accounts/new'))).toMatchObject({
      merged: null,
      merged_accounts: [{ account: 'old', at }],
    })
    // What names it is paid by the other from then on, also by its own key; the fact keeps the name.
    const asOld = { authorization: `Bearer ${made.key}` }
    const own = { source: 'old-edge', id: 'x', kind: 'http_request', time: '2026-11-20T00:00:00Z', bytes_out_wire: 5 }
    expect(bodyOf(await service.post('/v1/events', own, asOld))).toMatchObject({ accepted: 1 })
    await send(event(null, '12T00:00:00', 40, { account: 'old' }), event(null, '08T00:00:00', 80, { account: 'old' }))
    expect([await usage('old'), await usage('new')]).toEqual(['91', '62'])
    const opened = bodyOf(await service.get(`/v1/usage/events?account=new&meter=http_requests&${july}`))
    expect(JSON.stringify(opened)).toContain('"given_account":"old"')
    const november = 'from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z'
    expect(bodyOf(await service.get(`/v1/usage?account=new&meter=data_out_wire&${november}`))).toMatchObject({
      total: '5',
    })
    const asked = await service.ask('GET', `/v1/usage?account=old&meter=data_out_wire&${july}`, { headers: asOld })
    expect(bodyOf(asked)).toMatchObject({ total: '91' })
    // To a customer its account is merged; into whose, operators know (L11).
    const shown = bodyOf(await service.ask('GET', '/v1/accounts/old', { headers: asOld }))
    expect([shown['merged'], 'merged_accounts' in shown]).toEqual([{ at }, false])
    expect((await service.ask('GET', '/v1/ownership/history', { headers: asOld })).status).toBe(403)
  })

  test('merges follow one another, and never in a circle', async () => {
    expect(codeOf(await merge('new', { into: 'old', at }))).toEqual([409, 'ACCOUNT_MERGED'])
    expect(codeOf(await merge('ada', { into: 'old', at }))).toEqual([409, 'ACCOUNT_MERGED'])
    expect(codeOf(await merge('old', { into: 'newest', at }))).toEqual([409, 'ACCOUNT_MERGED'])
    expect(codeOf(await merge('ada', { into: 'ada', at }))).toEqual([400, 'REQUEST_INVALID'])
    expect(codeOf(await merge('unattributed', { into: 'ada', at }))).toEqual([400, 'REQUEST_INVALID'])
    expect(codeOf(await own('x.example', { account: 'old', from: at }))).toEqual([409, 'ACCOUNT_MERGED'])
    const key = { name: 'k', scopes: ['usage:read'], account: 'old' }
    expect(codeOf(await service.post('/v1/keys', key))).toEqual([409, 'ACCOUNT_MERGED'])
    // new is newest from the 12th on: of old's events that new paid for, those of the 12th go on.
    expect(bodyOf(await merge('new', { into: 'newest', at: '2026-07-12T00:00:00Z' }))).toMatchObject({
      status: 'done',
    })
    await send(event(null, '13T00:00:00', 100, { account: 'old' }), event('shop.example', '13T00:00:00', 200))
    expect([await usage('old'), await usage('new'), await usage('newest')]).toEqual(['91', '22', '340'])
  })

  test('split: endpoints go to another account, with what names the old one there', async () => {
    await owner('*.city.example', 'dan')
    await send(
      event('a.city.example', '14T00:00:00', 1_000),
      event('a.city.example', '16T00:00:00', 2_000),
      event('a.city.example', '16T00:00:00', 4_000, { account: 'dan' }),
      event('b.city.example', '16T00:00:00', 8_000),
      event('b.city.example', '16T00:00:00', 16_000, { account: 'dan' }),
    )
    const split = { into: 'part', endpoints: ['A.city.example'], at: '2026-07-15T00:00:00Z', ...who }
    expect(codeOf(await service.post('/v1/accounts/dan/split', split))).toEqual([404, 'ACCOUNT_NOT_FOUND'])
    const create = { ...split, create: { name: 'Part' } }
    expect(bodyOf(await service.post('/v1/accounts/dan/split?dry_run=true', create))).toMatchObject({
      traffic: { events: '2' },
    })
    expect((await service.get('/v1/accounts/part')).status).toBe(404)
    expect(bodyOf(await service.post('/v1/accounts/dan/split', create))).toMatchObject({ status: 'done', moved: 2 })
    expect(bodyOf(await service.post('/v1/accounts/dan/split', create))).toMatchObject({ changes: false, moved: 0 })
    await send(event('a.city.example', '17T00:00:00', 32_000, { account: 'dan' }))
    // dan had 7 bytes before.
    expect([await usage('dan'), await usage('part')]).toEqual(['25007', '38000'])
    const other = { ...split, into: 'ada', endpoints: ['a.city.example'] }
    expect(codeOf(await service.post('/v1/accounts/bob/split', other))).toEqual([409, 'OWNERSHIP_OVERLAP'])
  })

  test('every decision is kept, and nothing stored contradicts them in the end', async () => {
    const { decisions } = bodyOf(await service.get('/v1/ownership/history?account=old')) as { decisions: Json[] }
    expect(decisions.map(({ kind }) => kind)).toEqual(['merge', 'owner'])
    expect(decisions[0]).toMatchObject({
      ...who,
      accounts: ['old', 'new'],
      endpoints: ['shop.example'],
      subscriptions: [{ plan: 'plan', becomes: 'ended' }],
    })
    expect(bodyOf(await service.get(`/v1/ownership/contradictions?${july}`))).toMatchObject({ events: '0', parts: [] })
  })

  test('the command line does the same', async () => {
    const env = { CROSSFOOT_URL: service.address, CROSSFOOT_KEY: service.key }
    const run = (...args: string[]) => startCli(['ownership', ...args], env).ended
    const why = ['--by', 'Ada', '--reason', 'test']
    const dry = await run('set', '10.0.0.1', '--account', 'bob', '--from', '2026-07-01T00:00:00Z', '--dry-run', ...why)
    expect([dry.code, dry.stdout]).toEqual([0, expect.stringContaining('1 event')])
    const set = ['set', '10.0.0.1', '--account', 'bob', '--from', '2026-07-01T00:00:00Z', '--reattribute']
    const moved = await run(...set, ...why)
    expect([moved.code, moved.stdout]).toEqual([0, expect.stringContaining('1 event moved')])
    const shown = await run('show', '10.0.0.1')
    expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining('bob')])
    const nobody = await run('unattributed', '--from', '2026-07-01', '--to', '2026-08-01')
    expect([nobody.code, nobody.stdout]).toEqual([0, expect.stringContaining('past.example.com')])
    const history = await run('history', '--account', 'part', '--json')
    expect(JSON.parse(history.stdout)).toMatchObject([{ kind: 'split' }])
    const check = await run('check', '--from', '2026-07-01', '--to', '2026-08-01')
    expect([check.code, check.stdout]).toEqual([0, expect.stringContaining('no stored traffic contradicts')])
    const plan = await run('merge', 'cy', '--into', 'ada', '--at', '2026-07-01T00:00:00Z', '--dry-run', ...why)
    expect([plan.code, plan.stdout]).toEqual([0, expect.stringContaining('cy → ada')])
    expect((await run('merge', 'cy', ...why)).code).toBe(2)
  })
})

describe('the doors', () => {
  test('a backfill job takes a CloudEvent in binary mode, as POST /v1/events does', async () => {
    const job = bodyOf(
      await service.post('/v1/backfills', { source: 'cloud', from: '2026-01-01', to: '2026-02-01', ...who }),
      201,
    )
    const headers = {
      'ce-specversion': '1.0',
      'ce-type': 'http_request',
      'ce-source': 'cloud',
      'ce-id': '1',
      'ce-time': '2026-01-05T00:00:00Z',
    }
    const loaded = await service.post(`/v1/backfills/${String(job['id'])}/events`, { bytes_out_wire: 7 }, headers)
    expect(bodyOf(loaded)).toMatchObject({ received: 1, staged: 1, refused: [] })
  })

  test('L4: a correction reads a number as it is written, or refuses it', async () => {
    const about = `"event": {"source": "edge-1", "seq": 1}, "author": "Ada", "reason": "x"`
    const amend = (bytes: string) =>
      service.post('/v1/corrections', `{"kind": "amend", "change": {"bytes_out_wire": ${bytes}}, ${about}}`)
    for (const bytes of ['5.0000000000000000001', '9007199254740993', '1e400'])
      expect(codeOf(await amend(bytes)), bytes).toEqual([400, 'REQUEST_INVALID'])
    expect(bodyOf(await amend('"9007199254740993"'))).toMatchObject({
      after: { event: { bytes_out_wire: '9007199254740993' } },
    })
  })
})
