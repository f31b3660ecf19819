import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { getBackfill } from '../../src/app/backfill-table.ts'
import { workOnClosing } from '../../src/app/backfill-work.ts'
import type { Service } from '../../src/app/service.ts'
import { author, event, may, ndjson, openBackfillService } from '../support/backfill-service.ts'
import type { BackfillService, Json } from '../support/backfill-service.ts'
import { startCli } from '../support/cli.ts'
import { at } from '../support/invoice-desk.ts'
import type { FreshDatabase } from '../support/postgres.ts'
import { discardData, startService, temporaryDirectory } from '../support/service.ts'
import type { RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'

/**
 * Backfill jobs, with every number computed by hand. The service runs in this process, with a clock that the test sets:
 * acme sends 1000 and 2000 bytes in May 2026, at 1 USD for 1000 bytes, and nobody looks at May again before late July,
 * when the log has forgotten what unnumbered events it has seen.
 */
describe('a backfill job', () => {
  let fresh: FreshDatabase
  let service: Service
  let desk: BackfillService
  const call: BackfillService['call'] = (...asked) => desk.call(...asked)
  const post = (url: string, body: unknown) => desk.post(url, body)
  const get = (url: string) => desk.get(url)
  const usage = (meter?: string) => desk.usage(meter)
  const open = (source?: string, more?: object) => desk.open(source, more)
  const load = (job: string, text: string) => desk.load(job, text)
  const reached = (job: string, state: string) => desk.reached(job, state)

  beforeAll(async () => {
    desk = await openBackfillService()
    ;({ fresh, service } = desk)
    await post('/v1/events', [event('e1', 1000), event('e2', 2000, { time: '2026-05-29T10:00:00Z' })])
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
    await post('/v1/subscriptions', { account: 'acme', plan: 'plan', from: '2020-01-01T00:00:00Z' })
    const draft = await post('/v1/invoices', { account: 'acme', month: '2026-05' })
    const issued = await post(`/v1/invoices/${String(draft.body['id'])}/issue`, {})
    expect(issued).toMatchObject({ status: 200, body: { number: 'INV-000001', total: '3.00' } })
    desk.now = at('2026-07-25T12:00:00Z')
    await service.log.forget(desk.now)
  })
  afterAll(() => desk.close())

  test('is where the ordinary door sends what is too old to be told apart', async () => {
    const { body } = await post('/v1/events', event('e1', 1000))
    expect(body).toMatchObject({ accepted: 0, results: [{ code: 'EVENT_TIME_TOO_OLD' }] })
    expect(JSON.stringify(body)).toContain('POST /v1/backfills')
  })

  let job = ''
  const brought = ndjson(
    event('e1', 1000),
    event('e2', 2500, { time: '2026-05-29T10:00:00Z' }),
    event('e3', 4000, { time: '2026-05-28T10:30:00Z' }),
    event('e3', 4000, { time: '2026-05-28T10:30:00Z' }),
    event('e3', 4001, { time: '2026-05-28T10:30:00Z' }),
    event('e4', 500, { time: '2026-05-30T10:00:00Z', path: '/a' }),
    event('e5', 1, { time: '2026-04-30T23:59:59.999999Z' }),
    event('e6', 1, { source: 'edge-8' }),
    '{"source":',
  )

  test('takes events of its source and time; the others are answered one by one', async () => {
    job = await open()
    const loaded = await load(job, brought)
    expect(loaded).toMatchObject({ status: 200, body: { received: 9, staged: 6 } })
    const refused = loaded.body['refused'] as { index: number; code: string }[]
    expect(refused.map(({ index, code }) => [index, code])).toEqual([
      [6, 'EVENT_TIME_TOO_OLD'],
      [7, 'EVENT_OUTSIDE_BACKFILL'],
      [8, 'EVENT_NOT_JSON'],
    ])
    // Again: the same load.
    expect((await load(job, brought)).body['load']).toBe(loaded.body['load'])
    expect(await get(`/v1/backfills/${job}`)).toMatchObject({ state: 'open', loads: 1, events: 6, added: 0 })
    expect(await usage()).toBe('3000')
  })

  test('shows what it would do: held against everything stored, although the log has forgotten it', async () => {
    const preview = await get(`/v1/backfills/${job}/preview`)
    // New: e3 and e4. Known: e1, and e3 again. Contradicting: e2, and the third e3.
    expect(preview['events']).toEqual({ new: 2, retracted: 0, duplicates: 2, conflicts: 2 })
    const effect = (meter: string, unit: string, before: string, after: string, difference: string) => ({
      account: 'acme',
      month: '2026-05',
      meter,
      unit,
      before,
      after,
      difference,
    })
    expect(preview['effects']).toEqual([
      // e3 lies in an hour that was active already.
      effect('active_endpoint_hours', 'hours', '2', '3', '1'),
      effect('data_out_wire', 'bytes', '3000', '7500', '4500'),
      effect('http_requests', 'requests', '2', '4', '2'),
    ])
    expect(preview['invoices']).toMatchObject([
      { invoice: { number: 'INV-000001' }, drifted: true, total: { issued: '3.00', now: '7.50', difference: '4.50' } },
    ])
    expect([await usage(), await usage('http_requests')]).toEqual(['3000', '2'])
  })

  test('counts what was new when it is closed, as its preview said', async () => {
    const closed = await post(`/v1/backfills/${job}/close`, author)
    expect(closed.body).toMatchObject({ found: { new: 2, retracted: 0, duplicates: 2, conflicts: 2 } })
    await reached(job, 'closed')
    expect([await usage(), await usage('http_requests'), await usage('active_endpoint_hours')]).toEqual([
      '7500',
      '4',
      '3',
    ])
    expect(await get('/v1/invoices/INV-000001')).toMatchObject({ status: 'issued', total: '3.00' })
    expect(await get('/v1/invoices/INV-000001/drift')).toMatchObject({ total: { now: '7.50', difference: '4.50' } })
    const held = (await get('/v1/quarantine?limit=10'))['rows'] as { id: string; problem: { code: string } }[]
    expect(
      held
        .filter(({ problem }) => problem.code === 'EVENT_CONFLICT')
        .map(({ id }) => id)
        .toSorted((a, b) => (a < b ? -1 : 1)),
    ).toEqual(['e2', 'e3'])
    // Nothing of it is left aside, and closing it again changes nothing.
    expect(await service.engine.query('SELECT count() AS rows FROM staged_fact', {})).toEqual([{ rows: '0' }])
    expect((await post(`/v1/backfills/${job}/close`, author)).body).toMatchObject({ state: 'closed' })
    expect((await load(job, ndjson(event('e9', 1)))).body).toMatchObject({
      error: { code: 'BACKFILL_TRANSITION_REFUSED' },
    })
  })

  test('is taken back exactly, whatever became of its events meanwhile', async () => {
    const correction = {
      kind: 'amend',
      event: { source: 'edge-7', id: 'e4' },
      change: { bytes_out_wire: 700 },
      ...author,
    }
    expect((await post('/v1/corrections', correction)).status).toBe(200)
    expect(await usage()).toBe('7700')
    const why = { author: 'Bob', reason: 'the disk was of another company' }
    await post(`/v1/backfills/${job}/revert`, why)
    await reached(job, 'reverted')
    expect([await usage(), await usage('http_requests'), await usage('active_endpoint_hours')]).toEqual([
      '3000',
      '2',
      '2',
    ])
    expect(await get('/v1/invoices/INV-000001/drift')).toMatchObject({ drifted: false })
    const { corrections } = (await get('/v1/corrections?limit=2')) as { corrections: object[] }
    expect(corrections).toMatchObject([
      { kind: 'retract', ...why },
      { kind: 'retract', ...why },
    ])
    const { decisions } = (await get(`/v1/backfills/${job}`)) as { decisions: { command: string; author: string }[] }
    expect(decisions.map(({ command, author: by }) => [command, by])).toEqual([
      ['open', 'Ada'],
      ['close', 'Ada'],
      ['revert', 'Bob'],
    ])
  })

  test('leaves what was retracted as it is, and says so: it is neither new nor known', async () => {
    const second = await open()
    const e3 = (bytes: number) => event('e3', bytes, { time: '2026-05-28T10:30:00Z' })
    await load(
      second,
      ndjson(e3(4000), e3(4000), event('e4', 501, { time: '2026-05-30T10:00:00Z' }), event('e1', 1000)),
    )
    const found = { new: 0, retracted: 3, duplicates: 1, conflicts: 0 }
    expect(await get(`/v1/backfills/${second}/preview`)).toMatchObject({ events: found, effects: [], restore: false })
    const held = (await get('/v1/quarantine?limit=100'))['rows'] as object[]
    expect((await post(`/v1/backfills/${second}/close`, author)).body).toMatchObject({ found })
    await reached(second, 'closed')
    expect(await usage()).toBe('3000')
    expect((await get('/v1/quarantine?limit=100'))['rows']).toHaveLength(held.length)
  })

  test('can be thrown away, and then nothing of it is left', async () => {
    const third = await open()
    await load(third, ndjson(event('e10', 10)))
    expect((await post(`/v1/backfills/${third}/discard`, author)).body).toMatchObject({ state: 'discarded' })
    expect((await post(`/v1/backfills/${third}/close`, author)).status).toBe(409)
    expect(await service.engine.query('SELECT count() AS rows FROM staged_fact', {})).toEqual([{ rows: '0' }])
    expect(await usage()).toBe('3000')
  })

  test('that was cut off after an append goes on weeks later, counts nothing twice, and still knows what it brought', async () => {
    const cut = await open()
    const events = Array.from({ length: 30 }, (_, index) => event(`c${index}`, 10, { time: '2026-05-20T10:00:00Z' }))
    await load(cut, ndjson(...events.slice(0, 20)))
    await load(cut, ndjson(...events.slice(10)))
    expect((await get(`/v1/backfills/${cut}/preview`))['events']).toEqual({
      new: 30,
      retracted: 0,
      duplicates: 10,
      conflicts: 0,
    })
    // Closed by hand, so that the answer of the log can be lost: the events are in, and nobody knows it.
    await fresh.database.query("update backfill set state = 'closing' where id = $1", [cut])
    const lost: Service['append'] = async (arrivals, sender) => {
      await service.append(arrivals, sender)
      throw new Error('the answer was lost')
    }
    const backfill = await getBackfill(fresh.database, cut)
    await expect(workOnClosing({ ...service, append: lost }, backfill, () => false)).rejects.toThrow('answer was lost')
    desk.now = at('2026-09-25T12:00:00Z')
    await service.log.forget(desk.now)
    await workOnClosing(service, backfill, () => false)
    expect(await get(`/v1/backfills/${cut}`)).toMatchObject({ state: 'closed', added: 30 })
    expect(await usage()).toBe('3300')
    await post(`/v1/backfills/${cut}/revert`, author)
    await reached(cut, 'reverted')
    expect(await usage()).toBe('3000')
  })

  test('whose loads the store has lost says so, and takes them again', async () => {
    const poor = await open()
    const text = ndjson(event('l1', 10), event('l2', 20))
    await load(poor, text)
    await service.engine.command(`ALTER TABLE staged_fact DROP PARTITION '${poor}'`)
    expect(await get(`/v1/backfills/${poor}/preview`)).toMatchObject({ error: { code: 'BACKFILL_LOAD_LOST' } })
    expect((await post(`/v1/backfills/${poor}/close`, author)).status).toBe(409)
    await load(poor, text)
    expect((await get(`/v1/backfills/${poor}/preview`))['events']).toEqual({
      new: 2,
      retracted: 0,
      duplicates: 0,
      conflicts: 0,
    })
    await post(`/v1/backfills/${poor}/discard`, author)
  })

  test('takes numbered events as well, and new accounts are seen only when it is closed', async () => {
    await post('/v1/events', event('n', 5, { source: 'edge-9', id: undefined, seq: 2 }))
    const numbered = await open('edge-9')
    const one = (seq: number) => event('n', 5, { source: 'edge-9', id: undefined, seq, account: 'newcomer' })
    await load(numbered, ndjson(one(1), { ...one(2), account: 'acme' }))
    const preview = await get(`/v1/backfills/${numbered}/preview`)
    expect(preview['events']).toEqual({ new: 1, retracted: 0, duplicates: 1, conflicts: 0 })
    expect(preview['effects']).toContainEqual({
      account: 'newcomer',
      month: '2026-05',
      meter: 'data_out_wire',
      unit: 'bytes',
      before: '0',
      after: '5',
      difference: '5',
    })
    expect((await call('GET', '/v1/accounts/newcomer')).status).toBe(404)
    await post(`/v1/backfills/${numbered}/close`, author)
    await reached(numbered, 'closed')
    expect(await get(`/v1/usage?account=newcomer&meter=data_out_wire&${may}`)).toMatchObject({ total: '5' })
  })
})

describe('a backfill job of a service that is killed', () => {
  const data = temporaryDirectory('backfill-kill')
  let service: RunningService
  afterAll(() => discardData(data))

  test('while it closes: goes on by itself, and every event is counted once', async () => {
    const count = 18_000
    const lines = Array.from({ length: count }, (_, index) =>
      JSON.stringify({
        source: 'old',
        id: `o-${index}`,
        kind: 'http_request',
        account: 'acme',
        time: `2019-03-${String(1 + (index % 28)).padStart(2, '0')}T10:00:00Z`,
        bytes_out_wire: index,
      }),
    )
    service = await startService({ data })
    const env = () => ({ CROSSFOOT_URL: service.address, CROSSFOOT_KEY: service.key })
    const why = ['--by', 'Ada', '--reason', 'archive of 2019']
    const run = async (...args: string[]) => {
      const ended = await startCli(['backfill', ...args, '--json'], env()).ended
      expect(ended, ended.stderr).toMatchObject({ code: 0 })
      return JSON.parse(ended.stdout) as Json
    }
    const { id } = (await run('open', 'old', '--from', '2019-01-01', '--to', '2020-01-01', ...why)) as { id: string }
    const file = `${data}/old.ndjson`
    writeFileSync(file, lines.join('\n'))
    expect(await run('load', id, file)).toMatchObject({ received: count, staged: count, refused: [] })
    expect(await run('preview', id)).toMatchObject({ events: { new: count, duplicates: 0, conflicts: 0 } })
    const state = async () => (await service.get(`/v1/backfills/${id}`)).body as { state: string; added: number }
    const closing = await service.post(`/v1/backfills/${id}/close`, { author: 'Ada', reason: 'archive of 2019' })
    expect(closing.body).toMatchObject({ state: 'closing' })
    await until(async () => (await state()).added > 0, 20_000, 'the first events are added')
    await service.kill()
    service = await startService({ data })
    await until(async () => (await state()).state === 'closed', 20_000, 'the job is closed')
    expect(await state()).toMatchObject({ state: 'closed', added: count, trouble: null })
    const usage = async (meter: string) =>
      (
        (await service.get(`/v1/usage?account=acme&meter=${meter}&from=2019-01-01T00:00:00Z&to=2020-01-01T00:00:00Z`))
          .body as { total: string }
      ).total
    // 0 + 1 + … + 17999
    expect([await usage('http_requests'), await usage('data_out_wire')]).toEqual(['18000', '161991000'])
    await run('revert', id, '--by', 'Ada', '--reason', 'a test')
    expect([await usage('http_requests'), await usage('data_out_wire')]).toEqual(['0', '0'])
    expect(await run('list')).toMatchObject({ backfills: [{ id, state: 'reverted' }] })
    const restoring = await run('open', 'old', '--from', '2019-01-01', '--to', '2020-01-01', '--restore', ...why)
    await run('load', String(restoring['id']), file)
    expect(await run('preview', String(restoring['id']))).toMatchObject({
      restore: true,
      events: { new: 0, retracted: count, duplicates: 0, conflicts: 0 },
    })
    await run('close', String(restoring['id']), ...why)
    expect([await usage('http_requests'), await usage('data_out_wire')]).toEqual(['18000', '161991000'])
  })
})
