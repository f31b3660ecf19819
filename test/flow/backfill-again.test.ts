import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BackfillRunner } from '../../src/app/backfill-runner.ts'
import { decide } from '../../src/app/backfill-table.ts'
import { workOnClosing } from '../../src/app/backfill-work.ts'
import type { Service } from '../../src/app/service.ts'
import { author, event, ndjson, openBackfillService } from '../support/backfill-service.ts'
import type { BackfillService } from '../support/backfill-service.ts'
import { at } from '../support/invoice-desk.ts'
import type { FreshDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

/**
 * Backfill jobs that meet one another, or what was taken back, with every number computed by hand: acme sent 1000 and
 * 2000 bytes in May 2026; a job brought e3 and e4 as well and was reverted.
 */
describe('backfill jobs', () => {
  let fresh: FreshDatabase
  let service: Service
  let desk: BackfillService
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
    desk.now = at('2026-07-25T12:00:00Z')
    await service.log.forget(desk.now)
    const job = await open()
    const e4 = event('e4', 500, { time: '2026-05-30T10:00:00Z', path: '/a' })
    await load(job, ndjson(event('e3', 4000, { time: '2026-05-28T10:30:00Z' }), e4))
    await post(`/v1/backfills/${job}/close`, author)
    await reached(job, 'closed')
    expect(await usage()).toBe('7500')
    await post(`/v1/backfills/${job}/revert`, author)
    await reached(job, 'reverted')
    expect(await usage()).toBe('3000')
  })
  afterAll(() => desk.close())

  test('bring back what was retracted, with the content of the file, when it is asked for', async () => {
    const again = await open('edge-7', { restore: true })
    // The corrected file says 4000 and 600.
    const e3 = event('e3', 4000, { time: '2026-05-28T10:30:00Z' })
    const e4 = (bytes: number) => event('e4', bytes, { time: '2026-05-30T10:00:00Z' })
    await load(again, ndjson(e3, e4(600), e4(600), event('e1', 1000), event('r1', 5)))
    const found = { new: 1, retracted: 2, duplicates: 2, conflicts: 0 }
    const preview = await get(`/v1/backfills/${again}/preview`)
    expect(preview['events']).toEqual(found)
    expect(preview['effects']).toContainEqual(
      expect.objectContaining({ meter: 'data_out_wire', before: '3000', after: '7605' }),
    )
    const why = { author: 'Cleo', reason: 'the corrected file' }
    const held = (await get('/v1/quarantine?limit=100'))['rows'] as object[]
    // The first attempt is cut off after the log has taken everything: the second one finds nothing to do.
    const verdicts = { new: 1, retracted: 2, duplicate: 2, conflict: 0 }
    const close = { command: 'close', by: why.author, reason: why.reason, at: desk.now } as const
    const backfill = await decide(fresh.database, again, close, { verdicts, loads: 1 })
    const lost: Service['append'] = async (arrivals, sender) => {
      await service.append(arrivals, sender)
      throw new Error('the answer was lost')
    }
    await expect(workOnClosing({ ...service, append: lost }, backfill, () => false)).rejects.toThrow('answer was lost')
    await post(`/v1/backfills/${again}/close`, why)
    await reached(again, 'closed')
    expect((await get('/v1/quarantine?limit=100'))['rows']).toHaveLength(held.length)
    expect([await usage(), await usage('http_requests')]).toEqual(['7605', '5'])
    expect(await get(`/v1/backfills/${again}`)).toMatchObject({ restore: true, found, added: 3 })
    const { corrections } = (await get('/v1/corrections?limit=2')) as { corrections: object[] }
    expect(corrections).toMatchObject([
      { kind: 'amend', ...why },
      { kind: 'amend', ...why },
    ])
    // Both contents are known by now; a third one contradicts.
    const known = await open()
    await load(known, ndjson(e4(600), { ...e4(500), path: '/a' }))
    await load(known, ndjson(e4(601)))
    expect((await get(`/v1/backfills/${known}/preview`))['events']).toEqual({
      new: 0,
      retracted: 0,
      duplicates: 2,
      conflicts: 1,
    })
    await post(`/v1/backfills/${known}/discard`, author)
    await post(`/v1/backfills/${again}/revert`, author)
    await reached(again, 'reverted')
    expect(await usage()).toBe('3000')
  })

  test('take a load that they know while they are open or closing, and nothing of it when they are over', async () => {
    const staged = () => service.engine.query('SELECT count() AS rows FROM staged_fact', {})
    const text = ndjson(event('d1', 5))
    const thrown = await open()
    expect((await load(thrown, text)).status).toBe(200)
    await post(`/v1/backfills/${thrown}/discard`, author)
    expect(await load(thrown, text)).toMatchObject({
      status: 409,
      body: { error: { code: 'BACKFILL_TRANSITION_REFUSED' } },
    })
    const known = await open()
    const loaded = await load(known, ndjson(event('e1', 1000)))
    await post(`/v1/backfills/${known}/close`, author)
    await reached(known, 'closed')
    // The answer to it was lost: it is what it was.
    expect(await load(known, ndjson(event('e1', 1000)))).toEqual(loaded)
    await post(`/v1/backfills/${known}/revert`, author)
    await reached(known, 'reverted')
    expect((await load(known, ndjson(event('e1', 1000)))).status).toBe(409)
    expect(await staged()).toEqual([{ rows: '0' }])
  })

  test('are not closed over a load that nobody looked at', async () => {
    const busy = await open()
    await load(busy, ndjson(event('b1', 1)))
    const verdicts = { new: 1, retracted: 0, duplicate: 0, conflict: 0 }
    const decision = { command: 'close', by: 'Ada', reason: 'looked at', at: desk.now } as const
    await load(busy, ndjson(event('b2', 1)))
    const close = (loads: number) => decide(fresh.database, busy, decision, { verdicts, loads })
    await expect(close(1)).rejects.toMatchObject({ code: 'NOT_READY' })
    expect(await get(`/v1/backfills/${busy}`)).toMatchObject({ state: 'open', found: null })
    await post(`/v1/backfills/${busy}/discard`, author)
  })

  test('wait for their turn: two at once, with locks on connections of their own, while others are answered', async () => {
    const jobs: string[] = []
    for (let number = 0; number < 8; number += 1) {
      const one = await open()
      await load(one, ndjson(event(`t${number}`, 1)))
      jobs.push(one)
    }
    await fresh.database.query("update backfill set state = 'closing' where id = any($1)", [jobs])
    const gate = Promise.withResolvers<void>()
    let [inside, most] = [0, 0]
    const append: Service['append'] = async (arrivals, sender) => {
      inside += 1
      most = Math.max(most, inside)
      await gate.promise
      inside -= 1
      return service.append(arrivals, sender)
    }
    const runner = new BackfillRunner({ ...service, append })
    for (const one of jobs) runner.wake(one)
    await until(() => inside >= 2, 20_000, 'two jobs are worked on')
    for (let asked = 0; asked < 5; asked += 1) expect(await usage()).toBe('3000')
    const { rows } = await fresh.database.query<{ name: string }>(
      `select application_name as name from pg_locks join pg_stat_activity using (pid)
       where locktype = 'advisory' and pg_stat_activity.datname = current_database()`,
    )
    gate.resolve()
    expect(rows.map(({ name }) => name)).toEqual(['crossfoot-backfill', 'crossfoot-backfill'])
    for (const one of jobs) await reached(one, 'closed')
    await runner.stop()
    expect(most).toBe(2)
    expect(await usage()).toBe('3008')
    for (const one of jobs) await post(`/v1/backfills/${one}/revert`, author)
    for (const one of jobs) await reached(one, 'reverted')
    expect(await usage()).toBe('3000')
  })

  test('may bring ids that were used again: a correction says which of the events it means', async () => {
    const later = event('e1', 50, { time: '2026-07-25T10:00:00Z' })
    expect((await post('/v1/events', later)).body).toMatchObject({ accepted: 1 })
    const july = 'from=2026-07-01T00:00:00Z&to=2026-08-01T00:00:00Z'
    const { events } = (await get(`/v1/usage/events?account=acme&meter=data_out_wire&${july}`)) as {
      events: { offset: string }[]
    }
    const offset = String(events[0]?.offset)
    const retract = { kind: 'retract', event: { source: 'edge-7', id: 'e1' }, ...author }
    const refused = await post('/v1/corrections', retract)
    expect(refused).toMatchObject({ status: 409, body: { error: { code: 'EVENT_AMBIGUOUS' } } })
    for (const part of ['offset 0 (2026-05-28T10:00:00Z)', `offset ${offset} (2026-07-25T10:00:00Z)`])
      expect(JSON.stringify(refused.body)).toContain(part)
    const corrected = await post('/v1/corrections', { ...retract, expect: offset })
    expect(corrected).toMatchObject({ status: 200, body: { supersedes: offset } })
    expect(await usage()).toBe('3000')
    expect(await get(`/v1/usage?account=acme&meter=data_out_wire&${july}`)).toMatchObject({ total: '0' })
    // One of the two counts, so the id is not retracted.
    const mixed = await open()
    await load(mixed, ndjson(event('e1', 1000)))
    expect((await get(`/v1/backfills/${mixed}/preview`))['events']).toMatchObject({ retracted: 0, duplicates: 1 })
    await post(`/v1/backfills/${mixed}/discard`, author)
  })
})
