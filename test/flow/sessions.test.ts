import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dispatch } from '../../src/app/cli/main.ts'
import type { Server } from '../../src/app/http/routes.ts'
import type { Service } from '../../src/app/service.ts'
import type { Micros } from '../../src/core/time.ts'
import { at } from '../support/invoice-desk.ts'
import { openInProcess } from '../support/in-process.ts'
import { freshDatabase } from '../support/postgres.ts'
import { removeDirectory, temporaryDirectory } from '../support/service.ts'

interface Told {
  readonly id: string
  readonly session: string | null
  readonly state: string
  readonly ended: string | null
  readonly [field: string]: unknown
}

/** Sessions over HTTP and on the command line, on real engines. The figures are worked out by hand. */
describe('sessions', () => {
  const data = temporaryDirectory('sessions')
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let service: Service
  let server: Server
  let now = at('2026-06-01T12:00:00Z')
  let seq = 0

  async function ask(method: 'GET' | 'POST' | 'PUT', url: string, body?: object, key = service.newKey ?? '') {
    const headers = { authorization: `Bearer ${key}` }
    return server.inject({ method, url, headers, ...(body === undefined ? {} : { payload: body }) })
  }
  async function call(method: 'GET' | 'POST' | 'PUT', url: string, body?: object, key?: string) {
    const answer = await ask(method, url, body, key)
    expect(answer.statusCode, answer.body).toBeLessThan(300)
    return answer.json<Record<string, unknown>>()
  }
  /** Sends records of sessions; each is numbered, so that they may be of any age. */
  async function send(...records: object[]): Promise<void> {
    const events = records.map((record) => ({
      kind: 'session',
      source: 'edge-1',
      account: 'acme',
      seq: ++seq,
      ...record,
    }))
    expect(await call('POST', '/v1/events', events)).toMatchObject({ accepted: events.length })
  }
  async function list(query: string, account = 'acme', key?: string): Promise<readonly Told[]> {
    return (await call('GET', `/v1/sessions?account=${account}&${query}`, undefined, key))[
      'sessions'
    ] as readonly Told[]
  }
  async function boundKey(account: string): Promise<string> {
    const wanted = { account, name: account, scopes: ['usage:read', 'events:write'] }
    return String((await call('POST', '/v1/keys', wanted))['key'])
  }

  beforeAll(async () => {
    database = await freshDatabase()
    const opened = await openInProcess({ databaseUrl: database.url, data, world: { now: (): Micros => now } })
    service = opened.service
    server = opened.server
    for (const account of ['acme', 'other', 'third'])
      await call('POST', '/v1/accounts', { key: account, time_zone: 'UTC' })
  })
  afterAll(async () => {
    await server.close()
    await service.close()
    await database.close()
    removeDirectory(data)
  })

  test('an agent’s session is open, presumed closed, open again by a late heartbeat, and closed by its stop', async () => {
    const day = 'from=2026-06-01&to=2026-06-02'
    const agent = { session: 'ts_1', client: 'agent', client_version: '3.5.0', endpoint: 'api.example.com' }
    await send(
      { ...agent, phase: 'start', time: '2026-06-01T11:59:30Z', region: 'eu' },
      { session: 'ts_1', phase: 'interim', time: '2026-06-01T11:59:40Z', source: 'edge-2', seq: 1 },
    )
    const told = { session: 'ts_1', kind: 'session', endpoint: 'api.example.com', started: '2026-06-01T11:59:30Z' }
    // 11:59:40 and the grace of 35 s is after 12:00:00.
    const open = { ...told, state: 'open', ended: null, duration_us: '30000000', sources: ['edge-1', 'edge-2'] }
    expect(await list(day)).toMatchObject([
      { ...open, clients: [{ client: 'agent', version: '3.5.0' }], regions: ['eu'] },
    ])
    now = at('2026-06-01T12:05:00Z')
    const presumed = { ...told, state: 'presumed_closed', ended: '2026-06-01T12:00:15Z', duration_us: '45000000' }
    expect(await list(day)).toMatchObject([presumed])
    expect(await list(`${day}&state=open`)).toEqual([])
    await send({ session: 'ts_1', phase: 'interim', time: '2026-06-01T12:04:50Z' })
    expect(await list(`${day}&state=open`)).toMatchObject([{ ...told, state: 'open', ended: null, records: '3' }])
    await send({ session: 'ts_1', phase: 'final', time: '2026-06-01T12:05:00Z', duration_us: 330_000_000 })
    expect(await list(day)).toMatchObject([{ ...told, state: 'closed', ended: '2026-06-01T12:05:00Z', records: '4' }])
    // Used again after its stop, the name is another session.
    await send({ ...agent, phase: 'start', time: '2026-06-01T12:05:00Z', client_version: '3.6.0' })
    expect((await list(day)).map(({ state }) => state)).toEqual(['closed', 'open'])
    const clients = await call('GET', `/v1/sessions/clients?account=acme&${day}`)
    expect(clients['clients']).toEqual([
      { client: 'agent', version: '3.5.0', sessions: '1', open: '0' },
      { client: 'agent', version: '3.6.0', sessions: '1', open: '1' },
    ])
  })

  test('requests that name an agent’s session are its traffic, apart from its own records', async () => {
    now = at('2026-06-02T12:00:00Z')
    const request = { kind: 'http_request', session: 'ts_2', bytes_out_wire: 500, endpoint: 'api.example.com' }
    await send(
      { session: 'ts_2', phase: 'start', time: '2026-06-02T11:00:00Z' },
      { ...request, time: '2026-06-02T11:00:01Z' },
      { ...request, time: '2026-06-02T11:00:02Z', source: 'edge-2', seq: 2 },
      { session: 'ts_2', phase: 'final', time: '2026-06-02T11:00:10Z' },
      // As late as a record may be, and later.
      { ...request, time: '2026-06-02T11:00:45Z' },
      { ...request, time: '2026-06-02T11:00:45.000001Z' },
    )
    const [session, ...more] = await list('from=2026-06-02&to=2026-06-03&session=ts_2')
    expect(more).toEqual([])
    expect(session).toMatchObject({ records: '2', bytes: { client: { bytes_out_wire: null } } })
    expect(session?.['traffic']).toMatchObject({
      requests: '3',
      connections: '0',
      bytes: { client: { bytes_out_wire: '1500', bytes_in_body: null } },
    })
  })

  test('traffic at the boundary of two lives is of the one that begins there, and of one only', async () => {
    now = at('2026-06-02T16:00:00Z')
    const request = { kind: 'http_request', session: 'ts_twice', bytes_out_wire: 1 }
    await send(
      { session: 'ts_twice', phase: 'start', time: '2026-06-02T14:00:00Z' },
      { ...request, time: '2026-06-02T14:59:59.999999Z' },
      { session: 'ts_twice', phase: 'final', duration_us: 3_600_000_000, time: '2026-06-02T15:00:00Z' },
      { session: 'ts_twice', phase: 'start', time: '2026-06-02T15:00:00Z' },
      { ...request, time: '2026-06-02T15:00:00Z', bytes_out_wire: 10 },
      { ...request, time: '2026-06-02T15:00:20Z', bytes_out_wire: 100 },
      { session: 'ts_twice', phase: 'final', time: '2026-06-02T15:30:00Z' },
    )
    const both = await list('from=2026-06-02&to=2026-06-03&session=ts_twice')
    expect(both.map(({ traffic }) => traffic)).toMatchObject([
      { requests: '1', bytes: { client: { bytes_out_wire: '1' } } },
      { requests: '2', bytes: { client: { bytes_out_wire: '110' } } },
    ])
    // Told alone, each has the same.
    const [first] = both
    expect(await call('GET', `/v1/sessions/${first?.id}?account=acme`)).toMatchObject({ traffic: { requests: '1' } })
  })

  test('what is open now is known of a period long past, and a session of months is told by days', async () => {
    now = at('2026-05-31T00:00:00Z')
    const socket = { kind: 'http_request', session: 'ws_long', account: 'third' }
    const days = ['02-01', '02-20', '03-10', '03-30', '04-20', '05-10', '05-30'].map((day) => ({
      ...socket,
      phase: 'interim',
      client: day === '05-30' ? 'a-new' : 'z-old',
      client_version: '1',
      attributes: { heartbeat_seconds: '2000000' },
      time: `2026-${day}T00:00:00Z`,
    }))
    await send({ ...socket, phase: 'start', time: '2026-01-05T00:00:00Z' }, ...days)
    const january = 'from=2026-01-05&to=2026-01-06'
    for (const state of ['open', 'presumed_closed'])
      expect(await list(`${january}&state=${state}`, 'third'), state).toHaveLength(state === 'open' ? 1 : 0)
    const clients = await call('GET', `/v1/sessions/clients?account=third&${january}`)
    expect((clients['clients'] as { open: string }[]).map(({ open }) => open)).toEqual(['1', '1'])
    const [session] = await list(january, 'third')
    const told = await call('GET', `/v1/sessions/${session?.id}?account=third`)
    // From 5 January to 30 May, and on until now.
    expect([told['window'], (told['windows'] as unknown[]).length]).toEqual(['day', 146])
    const tooMany = await ask('GET', `/v1/sessions/${session?.id}?account=third&window=hour`)
    expect([tooMany.statusCode, tooMany.json<{ error: { code: string } }>().error.code]).toEqual([
      422,
      'QUERY_TOO_LARGE',
    ])
    const page = await server.inject({ url: '/accounts/third/sessions?month=2026-01', headers: { host: 'localhost' } })
    const [table] = page.body.split('id="peaks"')
    expect(table).toContain('a-new 1')
    expect(table).not.toContain('z-old')
  })

  test('a cursor that no number can hold is not one that was given out', async () => {
    const huge = '9999999999999999'
    const day = 'account=acme&from=2026-06-04&to=2026-06-05'
    for (const cursor of [`5-5-5-${huge}`, `5-5-${huge}-5`, `${huge}-5-5-5`, `5-${huge}-5-5`]) {
      const answer = await ask('GET', `/v1/sessions?${day}&cursor=${cursor}`)
      expect([answer.statusCode, answer.json<{ error: { code: string } }>().error.code]).toEqual([
        400,
        'REQUEST_INVALID',
      ])
    }
    expect((await ask('GET', `/v1/sessions/${huge}?account=acme`)).statusCode).toBe(404)
    const { paths } = (await call('GET', '/openapi.json')) as { paths: Record<string, { get: { responses: object } }> }
    expect(JSON.stringify(paths['/v1/sessions']?.get.responses)).toContain('"presumed_closed"')
  })

  test('the page of the account leads to its sessions, and a long page says how to get the rest', async () => {
    now = at('2026-04-15T12:00:00Z')
    const page = async (url: string): Promise<string> =>
      (await server.inject({ url, headers: { host: 'localhost' } })).body.replaceAll(/\s+/g, ' ')
    expect(await page('/accounts/acme')).toContain('<a href="/accounts/acme/sessions">')
    const one = { kind: 'tcp_connection', account: 'third', phase: 'final', time: '2026-04-14T10:00:00Z' }
    await send(...Array.from({ length: 101 }, (_, n) => ({ ...one, session: `many_${n}` })))
    const words = 'crossfoot sessions third --from DATE --to DATE'
    expect(await page('/accounts/third/sessions?month=2026-04')).toContain(words)
  })

  test('bytes of a websocket lie where they occurred: over a month’s end and over the hour that Berlin skips', async () => {
    now = at('2026-06-02T12:00:00Z')
    const socket = { kind: 'http_request', session: 'ws_1', source: 'edge-1', endpoint: 'ws.example.com' }
    // From Saturday 28 March 22:00 UTC to 1 April 00:30 UTC. In Berlin 29 March has 23 hours, from 23:00 to 22:00 UTC.
    const records = [
      ['interim', '2026-03-28T22:59:59.999999Z', 1],
      ['interim', '2026-03-28T23:00:00Z', 10],
      ['interim', '2026-03-29T21:59:59.999999Z', 100],
      ['interim', '2026-03-29T22:00:00Z', 1_000],
      ['interim', '2026-03-31T21:59:59.999999Z', 10_000],
      ['interim', '2026-03-31T22:00:00Z', 100_000],
      ['final', '2026-04-01T00:30:00Z', 1_000_000],
    ] as const
    await send(
      { ...socket, phase: 'start', time: '2026-03-28T22:00:00Z' },
      ...records.map(([phase, time, bytes]) => ({ ...socket, phase, time, bytes_out_wire: bytes })),
    )
    const [session] = await list('from=2026-03-30&to=2026-03-31&kind=http_request')
    expect(session).toMatchObject({
      session: 'ws_1',
      state: 'closed',
      bytes: { client: { bytes_out_wire: '1111111' } },
    })
    const path = `/v1/sessions/${session?.id}?account=acme&timezone=Europe/Berlin`
    interface Window {
      readonly from: string
      readonly to: string
      readonly bytes: { readonly client: { readonly bytes_out_wire: string | null } }
    }
    const windowsOf = async (window: string): Promise<unknown> =>
      ((await call('GET', `${path}&window=${window}`))['windows'] as Window[]).map(({ from, to, bytes }) => [
        from,
        to,
        bytes.client.bytes_out_wire,
      ])
    expect(await windowsOf('day')).toEqual([
      ['2026-03-28T22:00:00Z', '2026-03-28T23:00:00Z', '1'],
      ['2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z', '110'],
      ['2026-03-29T22:00:00Z', '2026-03-30T22:00:00Z', '1000'],
      ['2026-03-30T22:00:00Z', '2026-03-31T22:00:00Z', '10000'],
      ['2026-03-31T22:00:00Z', '2026-04-01T00:30:00.000001Z', '1100000'],
    ])
    expect(await windowsOf('month')).toEqual([
      ['2026-03-28T22:00:00Z', '2026-03-31T22:00:00Z', '11111'],
      ['2026-03-31T22:00:00Z', '2026-04-01T00:30:00.000001Z', '1100000'],
    ])
    const paged = `/v1/sessions/${session?.id}/records?account=acme&limit=5`
    const first = await call('GET', paged)
    const second = await call('GET', `${paged}&cursor=${String(first['cursor'])}`)
    const phases = [first, second].map((page) => (page['records'] as { phase: string }[]).map(({ phase }) => phase))
    expect(phases).toEqual([
      ['start', 'interim', 'interim', 'interim', 'interim'],
      ['interim', 'interim', 'final'],
    ])
    expect(second['cursor']).toBeNull()
  })

  test('L13: the level is carried into windows in which nothing starts, and windows that have not begun have no row', async () => {
    now = at('2026-05-10T12:30:00Z')
    const connection = { kind: 'tcp_connection', account: 'other', endpoint: 'tcp.example.com:1' }
    await send(
      { ...connection, session: 'a', phase: 'start', time: '2026-05-10T08:30:00Z' },
      { ...connection, session: 'b', phase: 'start', time: '2026-05-10T09:00:00Z' },
      // Ends where the next begins: never three at once.
      { ...connection, session: 'b', phase: 'final', time: '2026-05-10T09:10:00Z' },
      { ...connection, session: 'c', phase: 'start', time: '2026-05-10T09:10:00Z' },
      { ...connection, session: 'c', phase: 'final', time: '2026-05-10T09:20:00Z' },
      { ...connection, session: 'a', phase: 'final', time: '2026-05-10T11:00:00Z' },
    )
    const hours = 'from=2026-05-10T08:00:00Z&to=2026-05-10T15:00:00Z&window=hour'
    const answer = await call('GET', `/v1/sessions/concurrency?account=other&${hours}`)
    expect(answer['rows']).toEqual([
      { from: '2026-05-10T08:00:00Z', to: '2026-05-10T09:00:00Z', sessions: '1', at: '2026-05-10T08:30:00Z' },
      { from: '2026-05-10T09:00:00Z', to: '2026-05-10T10:00:00Z', sessions: '2', at: '2026-05-10T09:00:00Z' },
      { from: '2026-05-10T10:00:00Z', to: '2026-05-10T11:00:00Z', sessions: '1', at: '2026-05-10T10:00:00Z' },
      { from: '2026-05-10T11:00:00Z', to: '2026-05-10T12:00:00Z', sessions: '0', at: null },
      { from: '2026-05-10T12:00:00Z', to: '2026-05-10T13:00:00Z', sessions: '0', at: null },
    ])
    expect(answer['peak']).toEqual({ sessions: '2', at: '2026-05-10T09:00:00Z' })
    const only = 'from=2026-05-10&to=2026-05-11&endpoint=tcp.example.com:1'
    expect((await list(only, 'other')).map(({ session }) => session)).toEqual(['a', 'b', 'c'])
    expect(await list(`${only}&client=agent`, 'other')).toEqual([])
    const later = 'from=2026-05-11&to=2026-05-12&window=hour'
    expect(await call('GET', `/v1/sessions/concurrency?account=other&${later}`)).toMatchObject({ rows: [], peak: null })
  })

  test('L11: a session of another account is not there, and cannot be seen from its name', async () => {
    now = at('2026-06-03T12:00:00Z')
    const [mine, theirs] = [await boundKey('acme'), await boundKey('other')]
    await send({ session: 'ts_secret', phase: 'start', time: '2026-06-03T11:59:59Z', account: 'other' })
    const day = 'from=2026-06-03&to=2026-06-04'
    const [session] = await list(day, 'other', theirs)
    expect(session).toMatchObject({ session: 'ts_secret' })
    const code = async (url: string, key: string): Promise<unknown> => {
      const answer = await ask('GET', url, undefined, key)
      return [answer.statusCode, answer.json<{ error: { code: string } }>().error?.code]
    }
    const id = String(session?.id)
    expect((await ask('GET', `/v1/sessions/${id}`, undefined, theirs)).statusCode).toBe(200)
    for (const path of [id, `${id}/records`, '99999999', 'ts_secret'])
      expect(await code(`/v1/sessions/${path}`, mine), path).toEqual([404, 'SESSION_NOT_FOUND'])
    expect(await code(`/v1/sessions?account=other&${day}`, mine)).toEqual([403, 'ACCOUNT_FORBIDDEN'])
    expect(await list(`${day}&session=ts_secret`, 'acme', mine)).toEqual([])
  })

  test('pages are of one state of the log, and an earlier state can be asked for', async () => {
    now = at('2026-06-04T12:00:00Z')
    const shared = { kind: 'tcp_connection', phase: 'final', duration_us: 1_000_000 }
    await send(...[1, 2, 3].map((n) => ({ ...shared, time: `2026-06-04T10:00:0${n}Z`, session: `c${n}` })))
    const day = 'account=acme&from=2026-06-04&to=2026-06-05&limit=2'
    const first = await call('GET', `/v1/sessions?${day}`)
    await send({ ...shared, time: '2026-06-04T10:00:04Z', session: 'c4' })
    const second = await call('GET', `/v1/sessions?${day}&cursor=${String(first['cursor'])}`)
    const names = (page: Record<string, unknown>): unknown => (page['sessions'] as Told[]).map(({ session }) => session)
    expect([names(first), names(second), second['cursor']]).toEqual([['c1', 'c2'], ['c3'], null])
    const below = String(first['counted_below_offset'])
    expect(names(await call('GET', `/v1/sessions?${day}0&below=${below}`))).toEqual(['c1', 'c2', 'c3'])
    expect(names(await call('GET', `/v1/sessions?${day}0`))).toEqual(['c1', 'c2', 'c3', 'c4'])
    expect((await ask('GET', `/v1/sessions?${day}&cursor=1-2`)).statusCode).toBe(400)
  })

  test('on a page, names of sessions are text', async () => {
    now = at('2026-05-20T12:00:00Z')
    await send({ session: '<b>x</b>', phase: 'start', time: '2026-05-20T11:59:59Z', account: 'other' })
    const page = await server.inject({ url: '/accounts/other/sessions?month=2026-05', headers: { host: 'localhost' } })
    expect(page.statusCode).toBe(200)
    const text = page.body
      .replaceAll(/<style>.*?<\/style>/gs, '')
      .replaceAll(/<[^>]*>/g, ' ')
      .replaceAll(/\s+/g, ' ')
    expect(text).toMatch(
      / a tcp_connection closed 2026-05-10 08:30 2026-05-10 11:00 tcp.example.com:1 not known not known /,
    )
    expect(text).toMatch(/ 2026-05-10 00:00 2 2026-05-10 09:00 /)
    expect(text).toContain('&lt;b&gt;x&lt;/b&gt;')
    expect((await server.inject({ url: '/accounts/nobody/sessions', headers: { host: 'localhost' } })).statusCode).toBe(
      404,
    )
  })

  test('on the command line', async () => {
    const address = await server.listen({ host: '127.0.0.1', port: 0 })
    const run = async (...words: string[]): Promise<[number, string]> => {
      let out = ''
      const stdout = { write: (text: string) => (out += text) }
      const env = { CROSSFOOT_URL: address, CROSSFOOT_KEY: service.newKey ?? '' }
      const terminal = { stdout, stderr: stdout, isTTY: false, columns: 80, env }
      return [await dispatch(['sessions', ...words], terminal), out]
    }
    const day = ['--from', '2026-05-10', '--to', '2026-05-11']
    const [code, text] = await run('other', ...day)
    expect(code).toBe(0)
    expect(text).toMatch(
      /\n\d+ +a +tcp_connection +closed +2026-05-10T08:30:00Z +2026-05-10T11:00:00Z +9,000 s +not known +tcp/,
    )
    expect((await run('other', ...day, '--peaks'))[1]).toMatch(/highest: 2 at 2026-05-10T09:00:00Z\n$/)
    const [, json] = await run('other', ...day, '--json')
    expect((JSON.parse(json) as { sessions: unknown[] }).sessions).toHaveLength(3)
    expect((await run('other'))[0]).toBe(2)
    expect((await run('other', ...day, '--window', 'hour'))[0]).toBe(2)
  })
})
