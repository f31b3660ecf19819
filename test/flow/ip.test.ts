import { copyFileSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Server } from '../../src/app/http/routes.ts'
import type { Service } from '../../src/app/service.ts'
import type { Micros } from '../../src/core/time.ts'
import { addVersion, findVersion } from '../../src/ip/catalogue.ts'
import { at } from '../support/invoice-desk.ts'
import { openInProcess } from '../support/in-process.ts'
import { freshDatabase } from '../support/postgres.ts'
import type { FreshDatabase } from '../support/postgres.ts'
import { removeDirectory, temporaryDirectory } from '../support/service.ts'
import { until } from '../support/until.ts'

type Json = Record<string, unknown>

interface Answered {
  readonly status: number
  readonly body: Json
}

const author = { author: 'Ada', reason: 'the address was another one' }
const google = '8.8.8.8'

/** The service in this process, with a clock that the test sets; it can be stopped and opened again on its data. */
describe('IP metadata', () => {
  const data = temporaryDirectory('ip')
  let now = at('2026-06-01T12:00:00Z')
  let fresh: FreshDatabase
  let service: Service
  let server: Server
  let operator = ''

  async function open(): Promise<void> {
    const opened = await openInProcess({
      databaseUrl: fresh.url,
      data,
      world: { now: (): Micros => now },
      prepare: (one) => one.ip.openNewest(),
    })
    service = opened.service
    server = opened.server
    if (service.newKey !== null) operator = service.newKey
  }

  async function close(): Promise<void> {
    await server.close()
    await service.close()
  }

  type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

  async function call(method: Method, url: string, body?: unknown, key = operator): Promise<Answered> {
    const isFile = typeof body === 'string' || Buffer.isBuffer(body)
    const type = url.includes('/backfills/') ? 'application/x-ndjson' : 'application/octet-stream'
    const answer = await server.inject({
      method,
      url,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': isFile ? type : 'application/json' }),
      },
      ...(body === undefined ? {} : { payload: isFile ? body : JSON.stringify(body) }),
    })
    return { status: answer.statusCode, body: JSON.parse(answer.body) as Json }
  }

  const get = (url: string, key?: string): Promise<Answered> => call('GET', url, undefined, key)
  const categoriesOf = ({ body }: Answered): string[] =>
    (body['categories'] as { name: string }[]).map(({ name }) => name)

  function event(id: string, more: Json = {}): Json {
    const time = '2026-05-30T10:00:00Z'
    return {
      source: 'edge',
      id,
      kind: 'http_request',
      account: 'acme',
      time,
      bytes_out_wire: 5,
      client_address: google,
      ...more,
    }
  }

  /** The newest version of what is stored under an id. */
  async function stored(id: string): Promise<Json | undefined> {
    const rows = await service.engine.query<Json>(
      'SELECT country, asn, ip_categories, ip_version FROM fact WHERE id = {id:String} ORDER BY offset DESC LIMIT 1',
      { id },
    )
    return rows[0]
  }

  async function send(...events: Json[]): Promise<Json> {
    const { body } = await call('POST', '/v1/events', events)
    await service.projector.reach(service.log.end(), 10_000)
    return body
  }

  async function keyOf(account: string): Promise<string> {
    const { body } = await call('POST', '/v1/keys', { name: account, scopes: ['usage:read'], account })
    return String(body['key'])
  }

  beforeAll(async () => {
    fresh = await freshDatabase()
    await open()
    // Of a new machine, the sources that come with Crossfoot are read and compiled first, which takes seconds.
    await until(async () => (await get(`/v1/ip/${google}`)).status === 200, 60_000, 'IP metadata is there')
  }, 90_000)
  afterAll(async () => {
    await close()
    await fresh.close()
    removeDirectory(data)
  })

  test('answers without any file: network, number, country, provider, categories, flags', async () => {
    const { status, body } = await get(`/v1/ip/${google}`)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      address: google,
      version: 'crossfoot:1',
      asn: { number: 15_169, list: 'asn' },
      country: { located: 'US', registered: 'US' },
      provider: { name: 'Google', hosting: true, region: null },
      flags: { bogon: false, hosting: true, vpn: null },
      confidence: null,
    })
    expect((await get('/v1/ip/::ffff:8.8.8.8')).body).toEqual(body)
    expect((await get('/v1/ip/2606:4700:4700::1111')).body).toMatchObject({ asn: { number: 13_335 } })
    expect((await get('/v1/ip/192.168.1.1')).body).toMatchObject({
      asn: null,
      country: { located: null, registered: null },
      categories: [
        { name: 'bogon', implied: true },
        { name: 'bogon.private-use', implied: false, reference: 'RFC 1918' },
      ],
      flags: { bogon: true },
    })
    expect(await get('/v1/ip/8.8.8')).toMatchObject({ status: 400, body: { error: { code: 'IP_ADDRESS_INVALID' } } })
  })

  test('many at once, in their order, a bad one not at the cost of the others', async () => {
    const { body } = await call('POST', '/v1/ip', { addresses: ['2001:DB8::1', 'nobody', google] })
    expect(body['results']).toMatchObject([
      { address: '2001:db8::1', flags: { bogon: true } },
      { address: 'nobody', error: { code: 'IP_ADDRESS_INVALID' } },
      { address: google, asn: { number: 15_169 } },
    ])
    const many = Array.from({ length: 10_001 }, () => google)
    expect((await call('POST', '/v1/ip', { addresses: many })).status).toBe(400)
  })

  test('events keep what was known of the address when they came in, and the version that said so', async () => {
    expect(
      await send(event('e1'), event('e2', { client_address: '10.1.2.3' }), event('e3', { country: 'DE' })),
    ).toMatchObject({ accepted: 3 })
    expect(await stored('e1')).toEqual({
      country: 'US',
      asn: '15169',
      ip_categories: 'com.google',
      ip_version: 'crossfoot:1',
    })
    expect(await stored('e2')).toEqual({
      country: null,
      asn: null,
      ip_categories: 'bogon.private-use',
      ip_version: 'crossfoot:1',
    })
    expect(await stored('e3')).toEqual({
      country: 'DE',
      asn: '15169',
      ip_categories: 'com.google',
      ip_version: 'crossfoot:1/asn,ip_categories',
    })
  })

  test('a list of one’s own is in force at once, says so in answers, and changes nothing that was recorded (L2)', async () => {
    now = at('2026-06-02T00:00:00Z')
    const list = '8.8.8.0/24\n2001:db8::/32 # ours\n'
    const added = await call('PUT', '/v1/ip/sources/vpn?category=proxy.vpn.example&version=june', list)
    expect(added).toMatchObject({
      status: 200,
      body: { changed: true, version: 'crossfoot:2', in_force_from: '2026-06-02T00:00:00Z' },
    })
    const { body } = await get(`/v1/ip/${google}`)
    expect(body).toMatchObject({ version: 'crossfoot:2', flags: { vpn: true } })
    expect(body['categories']).toContainEqual({
      name: 'proxy.vpn.example',
      implied: false,
      reference: null,
      list: 'vpn',
      list_version: 'june',
    })
    expect(await call('PUT', '/v1/ip/sources/vpn?category=proxy.vpn.example&version=june', list)).toMatchObject({
      body: { changed: false, version: 'crossfoot:2' },
    })

    expect(await send(event('e1'), event('e4'))).toMatchObject({ accepted: 1, duplicates: 1, quarantined: 0 })
    expect(await stored('e1')).toMatchObject({ ip_categories: 'com.google', ip_version: 'crossfoot:1' })
    expect(await stored('e4')).toMatchObject({
      ip_categories: 'com.google proxy.vpn.example',
      ip_version: 'crossfoot:2',
    })
    expect(await send(event('e1', { country: 'CH' }))).toMatchObject({ quarantined: 1 })
  })

  test('a past time is answered by the version that was in force then', async () => {
    const before = await get(`/v1/ip/${google}?as_of=2026-06-01T23:59:59.999999Z`)
    expect(before.body).toMatchObject({ version: 'crossfoot:1', flags: { vpn: null } })
    expect(categoriesOf(before)).not.toContain('proxy.vpn.example')
    expect((await get(`/v1/ip/${google}?as_of=2026-06-02T00:00:00Z`)).body).toMatchObject({ version: 'crossfoot:2' })
    // Before the first version nothing is known, which is not "nothing is there" (L13).
    const none = await get(`/v1/ip/192.168.1.1?as_of=2020-01-01T00:00:00Z`)
    expect(none.body).toMatchObject({ version: null, network: null, categories: [], flags: { bogon: null } })
    const bulk = await call('POST', '/v1/ip', { addresses: [google], as_of: '2026-06-01T13:00:00Z' })
    expect(bulk.body).toMatchObject({ version: 'crossfoot:1', results: [{ version: 'crossfoot:1' }] })
  })

  test('a broken file is refused with the reason, and what was in force stays', async () => {
    const marker = Buffer.from('\u{ab}\u{cd}\u{ef}MaxMind.com', 'latin1')
    const folder = join(import.meta.dirname, '../../../shared/data/ip/maxmind-test')
    const names = [
      'MaxMind-DB-test-broken-pointers-24',
      'MaxMind-DB-test-broken-search-tree-24',
      'GeoIP2-City-Test-Invalid-Node-Count',
    ]
    const shared = names.map((name) => join(folder, `${name}.mmdb`)).filter((path) => existsSync(path))
    if (shared.length === 0)
      process.stderr.write('skipped: the broken databases of MaxMind are not beside the project\n')
    const files = [
      marker,
      Buffer.concat([Buffer.alloc(64), marker, Buffer.from([0xe0])]),
      Buffer.from('10.0.0.0/8\nnonsense\n'),
      ...shared.map((path) => readFileSync(path)),
    ]
    for (const file of files) {
      const refused = await call('PUT', '/v1/ip/sources/broken?category=a.b', file)
      expect(refused, JSON.stringify(refused.body)).toMatchObject({
        status: 422,
        body: { error: { code: 'IP_SOURCE_INVALID' } },
      })
    }
    expect((await get('/v1/ip/sources')).body).toMatchObject({ version: 'crossfoot:2' })
    expect((await get(`/v1/ip/${google}`)).body).toMatchObject({ version: 'crossfoot:2', asn: { number: 15_169 } })
    expect(readdirSync(join(data, 'ip/incoming'))).toEqual([])
  })

  test('only operators with the scope change sources; what comes with Crossfoot is not changed', async () => {
    const customer = await keyOf('acme')
    expect((await call('PUT', '/v1/ip/sources/x?category=a', '10.0.0.0/8', customer)).status).toBe(403)
    expect((await call('DELETE', '/v1/ip/sources/vpn', undefined, customer)).status).toBe(403)
    expect(await get(`/v1/ip/${google}`, customer)).toMatchObject({ status: 200 })
    for (const name of ['asn', 'No%20Name']) {
      const refused = await call('PUT', `/v1/ip/sources/${name}?category=a`, '10.0.0.0/8')
      expect(refused).toMatchObject({ status: 422, body: { error: { code: 'IP_SOURCE_INVALID' } } })
    }
    expect(await call('DELETE', '/v1/ip/sources/asn')).toMatchObject({
      status: 404,
      body: { error: { code: 'IP_SOURCE_NOT_FOUND' } },
    })
  })

  test('L11: when an address was seen is told of the caller’s own traffic', async () => {
    await send(
      event('s1', { client_address: '198.51.100.7', time: '2026-05-29T01:00:00Z' }),
      event('s2', { client_address: '::ffff:198.51.100.7', time: '2026-05-29T02:00:00Z' }),
      event('s3', { client_address: '198.51.100.7', time: '2026-05-29T03:00:00Z', account: 'globex' }),
      event('s4', { account: 'initech' }),
    )
    const seen = async (key: string): Promise<unknown[]> => {
      const { body } = await get('/v1/ip/198.51.100.7?seen=true', key)
      return [body['first_seen'], body['last_seen']]
    }
    expect(await seen(await keyOf('acme'))).toEqual(['2026-05-29T01:00:00Z', '2026-05-29T02:00:00Z'])
    expect(await seen(await keyOf('globex'))).toEqual(['2026-05-29T03:00:00Z', '2026-05-29T03:00:00Z'])
    expect(await seen(await keyOf('initech'))).toEqual([null, null])
    expect(await seen(operator)).toEqual(['2026-05-29T01:00:00Z', '2026-05-29T03:00:00Z'])
    expect(Object.hasOwn((await get('/v1/ip/198.51.100.7')).body, 'first_seen')).toBe(false)
  })

  test('a backfill sees the same event under other lists as a duplicate, and what it brings is the event that was sent (L2)', async () => {
    const asked = { source: 'edge', from: '2026-05-01', to: '2026-06-01', ...author }
    const opened = await call('POST', '/v1/backfills', asked)
    const job = `/v1/backfills/${String(opened.body['id'])}`
    // e1 was recorded by version 1, e4 by version 2, e3 said its country; b1 is new.
    const lines = [event('e1'), event('e3', { country: 'DE' }), event('e4'), event('b1')]
      .map((one) => JSON.stringify(one))
      .join('\n')
    const loaded = await call('POST', `${job}/events`, lines)
    expect(loaded.body).toMatchObject({ received: 4, staged: 4 })
    now = at('2026-06-03T00:00:00Z')
    await call('PUT', '/v1/ip/sources/more?category=com.example.more', '8.8.8.8\n')
    // The same lines under another version are the same load.
    expect((await call('POST', `${job}/events`, lines)).body['load']).toBe(loaded.body['load'])
    expect((await get(`${job}/preview`)).body['events']).toMatchObject({ new: 1, duplicates: 3, conflicts: 0 })
    await call('POST', `${job}/close`, author)
    await until(async () => (await get(job)).body['state'] === 'closed', 20_000, 'the job is closed')
    await service.projector.reach(service.log.end(), 10_000)
    expect(await stored('b1')).toMatchObject({ country: 'US', ip_version: 'crossfoot:2' })
    expect(await send(event('b1'))).toMatchObject({ duplicates: 1, quarantined: 0 })
  })

  test('a correction leaves what was looked up, unless it corrects the address', async () => {
    const amend = async (id: string, change: Json): Promise<unknown> => {
      const made = await call('POST', '/v1/corrections', {
        kind: 'amend',
        event: { source: 'edge', id },
        change,
        ...author,
      })
      expect(made.status, JSON.stringify(made.body)).toBeLessThan(300)
      await service.projector.reach(service.log.end(), 10_000)
      return stored(id)
    }
    expect(await amend('e1', { bytes_out_wire: '6' })).toMatchObject({
      ip_categories: 'com.google',
      ip_version: 'crossfoot:1',
    })
    expect(await amend('e1', { country: 'CH' })).toEqual({
      country: 'CH',
      asn: '15169',
      ip_categories: 'com.google',
      ip_version: 'crossfoot:1/asn,ip_categories',
    })
    expect(await amend('e4', { client_address: '10.0.0.1' })).toEqual({
      country: null,
      asn: null,
      ip_categories: 'bogon.private-use',
      ip_version: 'crossfoot:3',
    })
  })

  test('a source that is taken out is gone from now on, and stays in the past', async () => {
    now = at('2026-06-04T00:00:00Z')
    expect((await call('DELETE', '/v1/ip/sources/vpn')).body).toMatchObject({ changed: true, version: 'crossfoot:4' })
    expect(categoriesOf(await get(`/v1/ip/${google}`))).toEqual([
      'com',
      'com.example',
      'com.example.more',
      'com.google',
    ])
    expect(categoriesOf(await get(`/v1/ip/${google}?as_of=2026-06-03T12:00:00Z`))).toContain('proxy.vpn.example')
    expect((await call('DELETE', '/v1/ip/sources/vpn')).status).toBe(404)
    const { body } = await get('/v1/ip/versions?limit=3')
    expect(body['versions']).toMatchObject([{ number: 4 }, { number: 3 }, { number: 2 }])
    expect((await get(`/v1/ip/versions?cursor=${String(body['next_cursor'])}`)).body).toMatchObject({
      versions: [{ number: 1 }],
      next_cursor: null,
    })
  })

  test('what a crash left half done, and files that were damaged or lost, cost nothing but time', async () => {
    await close()
    const compiled = join(data, 'ip/compiled')
    const [first = '', ...others] = readdirSync(compiled)
    copyFileSync(join(compiled, first), join(compiled, `${first}.abc.unfinished`))
    writeFileSync(join(data, 'ip/incoming/leftover'), 'x')
    for (const name of [first, ...others]) writeFileSync(join(compiled, name), 'damaged')
    now = at('2026-06-05T00:00:00Z')
    await open()
    expect((await get(`/v1/ip/${google}`)).body).toMatchObject({ version: 'crossfoot:4', asn: { number: 15_169 } })
    expect(readdirSync(join(data, 'ip/incoming'))).toEqual([])
    expect(readdirSync(compiled).filter((name) => name.endsWith('.unfinished'))).toEqual([])
    // Nothing was different, so there is no new version.
    expect((await findVersion(fresh.database, null))?.number).toBe(4)
  }, 60_000)

  test('of two changes at the same moment one is made anew', async () => {
    const after = await findVersion(fresh.database, null)
    const members = (after?.sources ?? []).map((source) => ({ kind: 'kept', source }) as const)
    const change = { after, members, change: 'test', by: 'Ada', now }
    expect(await addVersion(fresh.database, change)).toBe(true)
    expect(await addVersion(fresh.database, change)).toBe(false)
    // A clock that went back makes no version that is in force before the one it follows.
    const newest = await findVersion(fresh.database, null)
    expect(await addVersion(fresh.database, { ...change, after: newest, now: at('2026-01-01T00:00:00Z') })).toBe(true)
    const last = await findVersion(fresh.database, null)
    expect(last?.from).toBe((newest?.from ?? 0) + 1)
  })
})
