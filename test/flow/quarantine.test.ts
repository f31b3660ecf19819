import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startCli } from '../support/cli.ts'
import { discardData, startService, temporaryDirectory } from '../support/service.ts'
import type { RunningService } from '../support/service.ts'

/** L1 to the end: what could not be counted is worked off by named people, and everything adds up at every step. */
describe('the quarantine', () => {
  const data = temporaryDirectory('quarantine')
  let service: RunningService
  const now = new Date().toISOString()
  const decision = { by: 'Ada Osei', reason: 'sign dropped' }
  const request = (seq: number, more: object = {}) => ({
    source: 'edge-q',
    seq,
    kind: 'http_request',
    account: 'acme',
    time: now,
    bytes_out_wire: 10,
    ...more,
  })
  /** Known by its envelope, and good as soon as it is read as what it is. */
  const cloudEvent = (id: string) => ({
    specversion: '1.0',
    type: 'com.example.http_request',
    source: 'edge-c',
    id,
    time: now,
    data: { account: 'acme', bytes_out_wire: 10 },
  })
  type Row = { number: number; state: string; resolution: object | null; problem: { code: string } }
  const list = async (query = ''): Promise<Row[]> =>
    ((await service.get(`/v1/quarantine?${query}`)).body as { rows: Row[] }).rows
  const post = async (path: string, body: object) => service.post(`/v1/quarantine/${path}`, { ...decision, ...body })
  const requests = async (): Promise<unknown> =>
    (
      (await service.get('/v1/usage?account=acme&meter=http_requests&from=2020-01-01&to=2100-01-01')).body as {
        total: string
      }
    ).total
  const balance = async () =>
    (await service.get('/v1/balance')).body as { total: Record<string, unknown>; rows: Record<string, string>[] }
  const cli = (...args: string[]) =>
    startCli(args, { CROSSFOOT_URL: service.address, CROSSFOOT_KEY: service.key }).ended

  beforeAll(async () => {
    service = await startService({ data })
    const sent = await service.post('/v1/events', [
      request(1),
      request(1, { bytes_out_wire: 11 }),
      request(2, { bytes_out_wire: -1 }),
      request(3, { bytes_out_wire: -1 }),
      { source: 'edge-q', seq: 4, unreadable: { message: 'no idea', line: 'GET / HTTP/1.1 \u0007' } },
      ...['a', 'b', 'c'].map(cloudEvent),
    ])
    expect(sent.body).toMatchObject({ received: 8, accepted: 1, quarantined: 7 })
  })
  afterAll(async () => {
    await service.stop()
    await discardData(data)
  })

  test('is searched by state, source, code, text and time of arrival, and each input by its number', async () => {
    expect(await list()).toHaveLength(7)
    expect(await list('state=released')).toHaveLength(0)
    expect(await list('source=edge-c')).toHaveLength(3)
    expect(await list('code=EVENT_CONFLICT')).toMatchObject([{ number: 0, state: 'open', resolution: null }])
    expect(await list('text=no%20idea')).toHaveLength(0)
    expect(await list('text=GET%20/')).toMatchObject([{ number: 3, problem: { code: 'EVENT_UNREADABLE' } }])
    expect(await list('to=2020-01-01T00:00:00Z')).toHaveLength(0)
    expect(await service.get('/v1/quarantine/3')).toMatchObject({
      body: { number: 3, seq: 4, raw: 'GET / HTTP/1.1 \u0007' },
    })
    expect(await service.get('/v1/quarantine/99')).toMatchObject({ status: 404 })
    expect(await service.get('/v1/quarantine?code=NONSENSE')).toMatchObject({ status: 400 })
  })

  test('a decision needs a name and a reason, and says clearly what it is about', async () => {
    for (const body of [{ by: ' ' }, { reason: '' }, {}, { filter: {}, numbers: [1] }, { filter: { sauce: 'x' } }])
      expect([body, (await post('release', body)).status]).toEqual([body, 400])
    // Everything at once is released by saying so, and never written off.
    expect((await post('write-off', { filter: {} })).status).toBe(400)
    expect((await post('release', { numbers: [99] })).status).toBe(404)
    expect(await list('state=open')).toHaveLength(7)
  })

  test('a dry run changes nothing; releasing counts what is good now, tells the rest why not, and can be repeated', async () => {
    const trial = await post('release', { filter: {}, dry_run: true })
    expect(trial.body).toMatchObject({ matched: 7, released: 3, not_released: 4 })
    expect(await requests()).toBe('1')
    // In two steps, the second where the first one ended.
    const first = await post('release', { filter: {}, limit: 2 })
    expect(first.body).toMatchObject({ matched: 2, released: 2 })
    const { next } = first.body as { next: number }
    const second = await post('release', { filter: {}, before: next })
    expect(second.body).toMatchObject({ matched: 5, released: 1, not_released: 4, next: null })
    const results = (second.body as { results: { number: number; status: string; message: string }[] }).results
    expect(results.map(({ number, status }) => [number, status])).toEqual([
      [4, 'released'],
      [3, 'stuck'],
      [2, 'wrong'],
      [1, 'wrong'],
      [0, 'stuck'],
    ])
    expect(results.at(-1)?.message).toContain('POST /v1/corrections')
    expect((await post('release', { filter: { source: 'edge-c' } })).body).toMatchObject({ matched: 0 })
    expect((await post('release', { numbers: [4] })).body).toMatchObject({
      released: 0,
      results: [{ status: 'resolved' }],
    })
    expect(await requests()).toBe('4')
    expect((await list('state=released'))[0]?.resolution).toMatchObject({ kind: 'released', ...decision })
  })

  test('a repaired event takes the place of its input, once', async () => {
    const event = request(2, { bytes_out_wire: 5 })
    expect((await post('1/repair', { event: request(9) })).body).toMatchObject({
      error: { code: 'REQUEST_INVALID', message: expect.stringContaining('"seq":2') as string },
    })
    expect((await post('1/repair', { event: { ...event, bytes_out_wire: -2 } })).status).toBe(400)
    expect((await post('1/repair', { event, dry_run: true })).body).toMatchObject({ status: 'would_be_released' })
    expect((await post('1/repair', { event })).body).toMatchObject({ status: 'released' })
    expect(await post('1/repair', { event })).toMatchObject({
      status: 409,
      body: { error: { code: 'QUARANTINE_RESOLVED' } },
    })
    expect(await requests()).toBe('5')
    expect((await service.get('/v1/sources/edge-q')).body).toMatchObject({ epochs: [{ accepted: [['1', '2']] }] })
  })

  test('the balance closes with what was released, and every batch can be looked up', async () => {
    const { rows, total } = await balance()
    // 8 received: 1 accepted, 7 held; 4 released; 3 open.
    expect(total).toMatchObject({
      received: '8',
      accepted: '1',
      quarantined: '7',
      held: '7',
      released: '4',
      open: '3',
      events_in_log: '5',
      adds_up: true,
    })
    expect(rows.map(({ source, open }) => [source, open])).toEqual([
      ['edge-c', '0'],
      ['edge-q', '3'],
    ])
    const batches = (await service.get('/v1/batches')).body as { batches: object[] }
    expect(batches.batches.at(-1)).toMatchObject({ batch: '0', received: '8', accepted: '1', quarantined: '7' })
    expect((await service.get('/v1/batches/0')).body).toMatchObject({ received: '8', first_offset: '0' })
    expect(await service.get('/v1/batches/999')).toMatchObject({ status: 404 })
    const printed = await cli('balance')
    expect([printed.code, printed.stdout]).toEqual([0, expect.stringContaining('adds up: accepted + released')])
  })

  test('the command line lists, shows, repairs, releases and writes off, and says so by its exit code', async () => {
    const by = ['--by', 'Ada Osei', '--reason', 'worked off']
    const listed = await cli('quarantine', 'list', '--source', 'edge-q')
    // What a sender wrote cannot ring the bell of whoever reads it.
    expect([listed.code, listed.stdout]).toEqual([0, expect.stringContaining('GET / HTTP/1.1 ·')])
    expect((await cli('quarantine', 'release', '--all')).code).toBe(2)
    expect((await cli('quarantine', 'release', '--all', ...by)).code).toBe(1)
    const event = JSON.stringify(request(3, { bytes_out_wire: 7 }))
    expect((await cli('quarantine', 'repair', '2', event, ...by)).code).toBe(0)
    const written = await cli('quarantine', 'write-off', '--source', 'edge-q', '--json', ...by)
    expect(JSON.parse(written.stdout)).toEqual({ written_off: 2, numbers: [3, 0] })
    expect(await list('state=open')).toHaveLength(0)
    expect((await balance()).total).toMatchObject({ open: '0', written_off: '2', adds_up: true })
  })

  test('what was decided survives kill -9, and the console shows by whom and why', async () => {
    await service.kill()
    service = await startService({ data })
    expect((await list('state=written_off')).map(({ number }) => number)).toEqual([3, 0])
    const page = async (query: string) => (await service.ask('GET', `/quarantine${query}`)).body
    expect(await page('')).toContain('Nothing is in quarantine.')
    expect(await page('?state=written_off')).toContain('worked off')
    expect(await page('?state=released')).toContain('sign dropped')
  })

  test('L4: a repaired number is read as at the door: every digit is kept, or it is refused', async () => {
    const bad = { source: 'edge-d', seq: 1, kind: 'usage', name: 'things', time: now, quantity: 'x' }
    await service.post('/v1/events', [bad, { ...bad, seq: 2 }])
    const event = (quantity: string): string =>
      `{"kind":"usage","name":"things","time":"${now}","account":"acme","quantity":${quantity}}`
    const send = (number: number, quantity: string) =>
      service.post(`/v1/quarantine/${number}/repair`, `{"by":"Ada","reason":"r","event":${event(quantity)}}`, {
        'content-type': 'application/json',
      })
    expect(await send(7, '5.0000000000000000001')).toMatchObject({
      status: 400,
      body: { error: { code: 'REQUEST_INVALID', message: expect.stringContaining('18 after the point') as string } },
    })
    expect(await send(7, '')).toMatchObject({ status: 400, body: { error: { code: 'BODY_NOT_JSON' } } })
    expect((await send(7, '9007199254740993.000000000000000001')).body).toMatchObject({ status: 'released' })
    expect(
      (await cli('quarantine', 'repair', '8', event('0.000000000000000002'), '--by', 'A', '--reason', 'r')).code,
    ).toBe(0)
    await service.post('/v1/meters', {
      key: 'things',
      name: 'Things',
      unit: 'things',
      aggregation: { kind: 'sum', field: 'quantity' },
      filter: [{ field: 'kind', operator: 'in', values: ['usage'] }],
    })
    const found = await service.get('/v1/usage?account=acme&meter=things&from=2020-01-01&to=2100-01-01')
    expect(found.body).toMatchObject({ total: '9007199254740993.000000000000000003' })
  })
})
