import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startCli } from '../support/cli.ts'
import { removeDirectory, startService, temporaryDirectory } from '../support/service.ts'
import type { RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'

/** L7 through the real service: gaps, checkpoints, silence, and what they mean for an invoice. */
describe('completeness', () => {
  const data = temporaryDirectory('completeness')
  let service: RunningService
  const lastMonth = Temporal.Now.plainDateISO('UTC').with({ day: 1 }).subtract({ days: 1 })
  const month = lastMonth.toPlainYearMonth().toString()
  const from = `${month}-01T00:00:00Z`
  const to = `${lastMonth.add({ days: 1 }).toString()}T00:00:00Z`
  const time = (day: number): string => `${lastMonth.subtract({ days: day }).toString()}T12:00:00Z`
  const event = (seq: number, source = 'edge-1') => ({
    source,
    seq,
    kind: 'http_request',
    account: 'acme',
    time: time(10 - seq),
    bytes_out_wire: 1,
  })
  const put = async (path: string, body: object): Promise<number> => {
    const headers = { authorization: `Bearer ${service.key}`, 'content-type': 'application/json' }
    return (await fetch(`${service.address}${path}`, { method: 'PUT', headers, body: JSON.stringify(body) })).status
  }
  const completeness = async (range = `from=${from}&to=${to}`) =>
    (await service.get(`/v1/completeness?account=acme&${range}`)).body
  const issue = async () => {
    const draft = (await service.post('/v1/invoices', { account: 'acme', month })).body as { id: string }
    return service.post(`/v1/invoices/${draft.id}/issue`, {})
  }

  beforeAll(async () => {
    service = await startService({ data })
    await service.post('/v1/events', [event(1), event(2), event(4), event(5)])
    await service.post('/v1/plans', {
      key: 'plan',
      name: 'Plan',
      currency: 'USD',
      effective_from: '2020-01-01T00:00:00Z',
      prices: [{ key: 'fee', name: 'Fee', model: { kind: 'flat', amount: '1' } }],
    })
    await service.post('/v1/subscriptions', { account: 'acme', plan: 'plan', from: '2020-01-01T00:00:00Z' })
  })
  afterAll(async () => {
    await service.stop()
    removeDirectory(data)
  })

  test('a gap is found, named with the times of its neighbours, holds up the invoice, and closes by itself', async () => {
    expect(await completeness()).toMatchObject({
      complete: false,
      sources: [
        {
          source: 'edge-1',
          state: 'gap',
          missing: '1',
          gaps: [{ first: '3', last: '3', after: time(8), before: time(6) }],
        },
      ],
    })
    expect(await issue()).toMatchObject({ status: 409, body: { error: { code: 'INVOICE_INCOMPLETE' } } })
    // A period before the gap's neighbours is not concerned.
    expect(await completeness(`from=2020-01-01T00:00:00Z&to=${from}`)).toMatchObject({ complete: true })
    await service.post('/v1/events', [event(3)])
    expect(await completeness()).toMatchObject({ complete: true, complete_until: null })
  })

  test('a registered source has to speak: past the end for an invoice, and within its rhythm', async () => {
    const expected = { kind: 'edge', owner: 'edge team', checkpoint_seconds: 1, expected_from: from }
    expect(await put('/v1/sources/edge-1', expected)).toBe(200)
    expect(await completeness()).toMatchObject({ complete: false, sources: [{ state: 'silent', owner: 'edge team' }] })
    // A statement that covers a part only is not enough; and it says that event 6 was sent.
    await service.post('/v1/checkpoints', { source: 'edge-1', seq: '6', time: time(1) })
    expect(await completeness()).toMatchObject({ sources: [{ state: 'gap', gaps: [{ first: '6', last: '6' }] }] })
    expect(await issue()).toMatchObject({ status: 409, body: { error: { code: 'INVOICE_INCOMPLETE' } } })
    await service.post('/v1/events', [event(6)])
    await service.post('/v1/checkpoints', { source: 'edge-1', seq: 6, time: to })
    expect(await completeness()).toMatchObject({ complete: true, complete_until: to })
    const usage = () => service.get(`/v1/usage?account=acme&meter=http_requests&from=${from}&to=${to}`)
    await until(async () => ((await usage()).body as { gaps: number }).gaps === 0, 10_000, 'usage knows')
    expect((await usage()).body).toMatchObject({ total: '6', complete_until: to, gaps: 0 })
    // Of a period that goes on, a second of silence is too much for this rhythm.
    const now = new Date()
    const current = `from=${to}&to=${new Date(now.getTime() + 86_400_000).toISOString()}`
    await service.post('/v1/checkpoints', { source: 'edge-1', seq: 6, time: now.toISOString() })
    await until(
      async () => !((await completeness(current)) as { complete: boolean }).complete,
      10_000,
      'edge-1 is silent',
    )
    expect(await completeness(current)).toMatchObject({ sources: [{ state: 'silent' }] })
  })

  test('checkpoints only grow, survive kill -9, and the command line tells the same', async () => {
    await service.post('/v1/checkpoints', { source: 'edge-1', seq: 2, time: time(9) })
    await service.kill()
    service = await startService({ data })
    const { body } = await service.get('/v1/sources/edge-1')
    expect(body).toMatchObject({ epochs: [{ accepted: [['1', '6']], checkpoint: { seq: '6', lost: '0' } }] })
    const env = { CROSSFOOT_URL: service.address, CROSSFOOT_KEY: service.key }
    const good = await startCli(['completeness', '--from', from, '--to', to], env).ended
    expect([good.code, good.stdout]).toEqual([0, expect.stringContaining('edge-1')])
    // A declared loss is never hidden again.
    await service.post('/v1/checkpoints', { source: 'edge-1', epoch: 'second', time: to, lost: 7 })
    await service.post('/v1/checkpoints', { source: 'edge-1', epoch: 'second', time: to })
    const lossy = await startCli(['completeness', '--from', from, '--to', to], env).ended
    expect([lossy.code, lossy.stdout]).toEqual([1, expect.stringContaining('declares 7 events lost')])
  })

  test('the invoice is issued with a waiver that names who decided, and says so for ever', async () => {
    const draft = (await service.post('/v1/invoices', { account: 'acme', month })).body as { id: string }
    const waiver = { by: 'Mira', reason: 'seven of thousands', value_at_risk: '0.01' }
    const issued = await service.post(`/v1/invoices/${draft.id}/issue`, { waiver })
    expect(issued).toMatchObject({ status: 200, body: { status: 'issued', waiver, completeness: { complete: false } } })
  })

  test('a customer’s key learns whether its own traffic is complete, and nothing about sources', async () => {
    const made = await service.post('/v1/keys', { name: 'acme', scopes: ['usage:read'], account: 'acme' })
    const { key } = made.body as { key: string }
    const ask = async (query: string) =>
      (
        await fetch(`${service.address}/v1/completeness?${query}`, { headers: { authorization: `Bearer ${key}` } })
      ).json()
    const own = await ask(`from=${from}&to=${to}`)
    expect(own).toMatchObject({ complete: false })
    expect(JSON.stringify(own)).not.toContain('edge-1')
    expect(await ask(`account=globex&from=${from}&to=${to}`)).toMatchObject({ error: { code: 'ACCOUNT_FORBIDDEN' } })
  })

  test('L11: what a customer’s key states of its own sources neither breaks nor holds up anybody else', async () => {
    expect((await service.post('/v1/accounts', { key: 'mallory' })).status).toBe(201)
    const made = await service.post('/v1/keys', { name: 'mallory', scopes: ['events:write'], account: 'mallory' })
    const { key } = made.body as { key: string }
    const send = (path: string, body: object) =>
      fetch(`${service.address}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    const stated = { source: 'mine', time: new Date().toISOString() }
    expect((await send('/v1/checkpoints', { ...stated, seq: Number.MAX_SAFE_INTEGER })).status).toBe(400)
    expect((await send('/v1/checkpoints', { ...stated, seq: Number.MAX_SAFE_INTEGER - 1 })).status).toBe(200)
    expect((await send('/v1/events', { source: 'mine', seq: 7, kind: 'http_request', time: time(1) })).status).toBe(200)
    const usage = await service.get(`/v1/usage?account=acme&meter=http_requests&from=${from}&to=${to}`)
    expect(usage).toMatchObject({ status: 200, body: { total: '6', gaps: 0 } })
    expect(JSON.stringify(await completeness())).not.toContain('mallory')
    const whole = await service.get(`/v1/completeness?from=${from}&to=${to}`)
    expect(JSON.stringify(whole.body)).toContain('mallory~mine')
  })

  test('an unnumbered event says nothing about when missing numbers happened', async () => {
    await service.post('/v1/events', { source: 'mixed', seq: 5, kind: 'http_request', account: 'acme', time: time(5) })
    await service.post('/v1/events', {
      source: 'mixed',
      id: 'x',
      kind: 'http_request',
      account: 'acme',
      time: new Date().toISOString(),
    })
    const { body } = await service.get(`/v1/completeness?account=acme&from=${from}&to=${to}`)
    const { sources } = body as { sources: { source: string; state: string; gaps: unknown[] }[] }
    expect(sources.find(({ source }) => source === 'mixed')).toMatchObject({
      state: 'gap',
      gaps: [{ first: '1', last: '4', after: null, before: time(5) }],
    })
  })

  test('L7: nobody makes a silent month complete by expecting less of a source without a name and a reason', async () => {
    const path = '/v1/sources/edge-silent'
    const first = {
      kind: 'edge',
      owner: 'edge team',
      checkpoint_seconds: 60,
      expected_from: from,
      carries: ['acme', 'b'],
    }
    const state = async () => {
      const { sources } = (await completeness()) as { sources: { source: string; state: string }[] }
      return sources.find(({ source }) => source === 'edge-silent')?.state ?? 'unknown'
    }
    expect(await put(path, first)).toBe(200)
    expect(await put(path, first)).toBe(200)
    expect(await state()).toBe('silent')
    const soon = new Date(Date.now() + 86_400_000).toISOString()
    const weaker = [
      { retired_at: `${month}-02T00:00:00Z` },
      { checkpoint_seconds: null },
      { checkpoint_seconds: 61 },
      { carries: ['b'] },
      { expected_from: to },
    ]
    for (const change of weaker) {
      expect([change, await put(path, { ...first, ...change })]).toEqual([change, 400])
      expect([change, await put(path, { ...first, ...change, by: 'Mira' })]).toEqual([change, 400])
    }
    expect(await state()).toBe('silent')
    // To expect more, and to retire it from a day to come, is nobody's decision.
    const more = { ...first, checkpoint_seconds: 30, carries: null, expected_from: '2020-01-01T00:00:00Z' }
    expect(await put(path, more)).toBe(200)
    expect(await put(path, { ...more, retired_at: soon })).toBe(200)
    const gone = { ...more, retired_at: '2020-02-01T00:00:00Z' }
    const decision = { by: 'Mira', reason: 'it was never switched on' }
    expect(await put(path, gone)).toBe(400)
    expect(await put(path, { ...gone, ...decision })).toBe(200)
    expect(await state()).toBe('nothing expected')
    const { body } = await service.get(path)
    const nobody = { by: null, reason: null }
    expect(body).toMatchObject({
      epochs: [],
      registrations: [
        { version: 4, retired_at: '2020-02-01T00:00:00Z', ...decision },
        { version: 3, ...nobody },
        { version: 2, checkpoint_seconds: 30, carries: null, retired_at: null, ...nobody },
        { version: 1, checkpoint_seconds: 60, carries: ['acme', 'b'], ...nobody },
      ],
    })
  })
})
