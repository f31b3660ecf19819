import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startCli } from '../support/cli.ts'
import { discardData, startService, temporaryDirectory } from '../support/service.ts'
import type { Answer, RunningService } from '../support/service.ts'

/**
 * Late and corrected events through the real service. Every number is computed by hand: acme sends 1000, 2000 and 3000
 * bytes in August 2026 at 1 USD for 1000 bytes, and is issued 6.00 USD for it.
 */
const data = temporaryDirectory('corrections')
let service: RunningService
const august = 'from=2026-08-01T00:00:00Z&to=2026-09-01T00:00:00Z'
const author = { author: 'Ada', reason: 'the edge logged it twice' }

const event = (seq: number, more: object = {}) => ({
  source: 'edge-1',
  seq,
  kind: 'http_request',
  account: 'acme',
  time: `2026-08-0${seq}T10:00:00Z`,
  bytes_out_wire: seq * 1000,
  ...more,
})
const seq = (number: number) => ({ source: 'edge-1', seq: number })
const correct = (body: object, query = '') => service.post(`/v1/corrections${query}`, body)
const usage = async (account: string, meter = 'data_out_wire', more = ''): Promise<string> => {
  const answer = await service.get(`/v1/usage?account=${account}&meter=${meter}&${august}${more}`)
  return (answer.body as { total: string }).total
}
const bodyOf = ({ status, body }: Answer) => {
  expect(status, JSON.stringify(body)).toBe(200)
  return body as Record<string, unknown>
}
const codeOf = ({ status, body }: Answer) => [status, (body as { error?: { code: string } }).error?.code]

let invoice: { id: string; number: string }
beforeAll(async () => {
  service = await startService({ data })
  await service.post('/v1/events', [event(1), event(2), event(3)])
  await service.post('/v1/plans', {
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
  await service.post('/v1/subscriptions', { account: 'acme', plan: 'plan', from: '2020-01-01T00:00:00Z' })
  const draft = bodyOf(await service.post('/v1/invoices', { account: 'acme', month: '2026-08' }))
  invoice = bodyOf(await service.post(`/v1/invoices/${String(draft['id'])}/issue`, {})) as typeof invoice
})
afterAll(() => discardData(data))

const drift = async () => bodyOf(await service.get(`/v1/invoices/${invoice.id}/drift`))

describe('corrections', () => {
  test('a late event in an issued month leaves the invoice as it is, and is seen beside it (L5, L6)', async () => {
    const before = bodyOf(await service.get(`/v1/invoices/${invoice.id}`))
    expect(before).toMatchObject({ status: 'issued', total: '6.00', log_offset: '3' })
    expect(await drift()).toMatchObject({ drifted: false, total: { issued: '6.00', now: '6.00', difference: '0.00' } })
    const none = { invoices: [], looked_at: 1, next: null }
    expect(bodyOf(await service.get('/v1/drift?month=2026-08'))).toEqual(none)
    expect(bodyOf(await service.get('/v1/drift?month=2026-07'))).toEqual({ ...none, looked_at: 0 })
    expect((await service.get('/v1/drift?month=2026-8')).status).toBe(400)
    bodyOf(await service.post('/v1/events', [event(4, { bytes_out_wire: 500 })]))
    expect(await usage('acme')).toBe('6500')
    expect(bodyOf(await service.get(`/v1/invoices/${invoice.id}`))).toEqual(before)
    expect(bodyOf(await service.get('/v1/drift?month=2026-08'))).toEqual({
      invoices: [await drift()],
      looked_at: 1,
      next: null,
    })
    expect(await drift()).toMatchObject({
      invoice: { number: invoice.number, account: 'acme', month: '2026-08' },
      counted_below_issued: '3',
      drifted: true,
      lines: [
        {
          price: 'out',
          quantity: { issued: '6000', now: '6500', difference: '500' },
          amount: { issued: '6.00', now: '6.50', difference: '0.50' },
        },
      ],
      total: { issued: '6.00', now: '6.50', difference: '0.50' },
    })
  })

  test('amend: half the bytes, the old number stays for who asks below the correction (L5)', async () => {
    const body = { kind: 'amend', event: seq(3), change: { bytes_out_wire: '1500' }, ...author }
    const planned = bodyOf(await correct(body, '?dry_run=true'))
    expect(planned).toMatchObject({
      status: 'planned',
      offset: null,
      supersedes: '2',
      before: { event: { bytes_out_wire: '3000' } },
      after: { event: { bytes_out_wire: '1500' } },
      invoices: [{ number: invoice.number }],
    })
    expect(await usage('acme')).toBe('6500')
    expect(bodyOf(await correct(body))).toMatchObject({ status: 'corrected', offset: '4', supersedes: '2' })
    expect(await usage('acme')).toBe('5000')
    expect(await usage('acme', 'data_out_wire', '&below=4')).toBe('6500')
    expect(await usage('acme', 'http_requests')).toBe('4')
    expect(await drift()).toMatchObject({ total: { issued: '6.00', now: '5.00', difference: '-1.00' } })
  })

  test('the same correction again changes nothing, with or without the version that was seen (L2)', async () => {
    const body = { kind: 'amend', event: seq(3), change: { bytes_out_wire: 1500 }, ...author }
    expect(bodyOf(await correct(body))).toMatchObject({ status: 'unchanged', offset: '4' })
    expect(bodyOf(await correct({ ...body, expect: 2 }))).toMatchObject({ status: 'repeated', offset: '4' })
    expect(await usage('acme')).toBe('5000')
  })

  test('two authors at once: one is taken, the other is told', async () => {
    const [ada, bob] = ['Ada', 'Bob'].map((name, index) => ({
      kind: 'amend',
      event: seq(3),
      expect: '4',
      change: { bytes_out_wire: `${100 * (index + 1)}` },
      author: name,
      reason: 'counted by hand',
    }))
    const answers = await Promise.all([correct(ada ?? {}), correct(bob ?? {})])
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409])
    const refused = answers.find(({ status }) => status === 409)
    expect(refused && codeOf(refused)).toEqual([409, 'CORRECTION_STALE'])
    const winner = answers[0]?.status === 200 ? 100 : 200
    expect(await usage('acme')).toBe(String(3500 + winner))
    bodyOf(await correct({ kind: 'amend', event: seq(3), change: { bytes_out_wire: 1500 }, ...author }))
    expect(await usage('acme')).toBe('5000')
  })

  test('retract, and restore by amending what was retracted', async () => {
    bodyOf(await correct({ kind: 'retract', event: seq(2), ...author }))
    expect(await usage('acme')).toBe('3000')
    expect(await usage('acme', 'http_requests')).toBe('3')
    expect(bodyOf(await correct({ kind: 'retract', event: seq(2), ...author }))).toMatchObject({ status: 'unchanged' })
    const restored = await correct({ kind: 'amend', event: seq(2), change: { bytes_out_wire: 2000 }, ...author })
    expect(bodyOf(restored)).toMatchObject({ status: 'corrected', before: { event: null } })
    expect(await usage('acme')).toBe('5000')
    expect(await usage('acme', 'http_requests')).toBe('4')
  })

  test('reattribute: the event counts for the other account, whatever its source said', async () => {
    expect(codeOf(await correct({ kind: 'reattribute', event: seq(4), account: 'globex', ...author }))).toEqual([
      404,
      'ACCOUNT_NOT_FOUND',
    ])
    await service.post('/v1/accounts', { key: 'globex' })
    bodyOf(await correct({ kind: 'reattribute', event: seq(4), account: 'globex', ...author }))
    expect([await usage('acme'), await usage('globex')]).toEqual(['4500', '500'])
    // A later amendment leaves it where it was put; one that names the account moves it back.
    bodyOf(await correct({ kind: 'amend', event: seq(4), change: { bytes_out_wire: 700 }, ...author }))
    expect([await usage('acme'), await usage('globex')]).toEqual(['4500', '700'])
    bodyOf(await correct({ kind: 'amend', event: seq(4), change: { bytes_out_wire: 500, account: 'acme' }, ...author }))
    expect([await usage('acme'), await usage('globex')]).toEqual(['5000', '0'])
  })

  test('an amended time moves the event into another window', async () => {
    bodyOf(await correct({ kind: 'amend', event: seq(1), change: { time: '2026-07-31T23:59:59Z' }, ...author }))
    expect(await usage('acme')).toBe('4000')
    bodyOf(await correct({ kind: 'amend', event: seq(1), change: { time: '2026-08-01T10:00:00Z' }, ...author }))
    expect(await usage('acme')).toBe('5000')
  })

  test('many at once: each is answered by itself', async () => {
    const answer = await correct([
      { kind: 'amend', event: seq(1), change: { bytes_out_wire: 1 }, ...author },
      { kind: 'retract', event: seq(99), ...author },
      { kind: 'amend', event: seq(2), change: { bytes: 1 }, ...author },
      { kind: 'retract', event: seq(1), ...author },
    ])
    expect(bodyOf(answer)).toMatchObject({
      results: [
        { status: 'corrected' },
        { status: 'refused', error: { code: 'EVENT_NOT_FOUND' } },
        { status: 'refused', error: { code: 'REQUEST_INVALID', problems: [{ field: 'change.bytes' }] } },
        { status: 'refused', error: { code: 'REQUEST_INVALID' } },
      ],
    })
    expect(await usage('acme')).toBe('4001')
    bodyOf(await correct({ kind: 'amend', event: seq(1), change: { bytes_out_wire: 1000 }, ...author }))
  })

  test('what no correction may do', async () => {
    const amend = (change: object) => correct({ kind: 'amend', event: seq(1), change, ...author })
    expect(codeOf(await amend({ seq: 5 }))).toEqual([400, 'REQUEST_INVALID'])
    expect(codeOf(await amend({ time: null }))).toEqual([400, 'REQUEST_INVALID'])
    expect(codeOf(await amend({ quantity: 0.1 }))).toEqual([400, 'REQUEST_INVALID'])
    expect(codeOf(await amend({ account: 'nobody' }))).toEqual([404, 'ACCOUNT_NOT_FOUND'])
    expect(codeOf(await correct({ kind: 'retract', event: seq(1), author: ' ', reason: 'x' }))).toEqual([
      400,
      'REQUEST_INVALID',
    ])
    const made = madeOf(await service.post('/v1/keys', { name: 'acme', scopes: ['usage:read'], account: 'acme' }))
    const asCustomer = await service.ask('POST', '/v1/corrections', {
      body: JSON.stringify({ kind: 'retract', event: seq(1), ...author }),
      headers: { authorization: `Bearer ${made.key}`, 'content-type': 'application/json' },
    })
    expect(asCustomer.status).toBe(403)
    expect(await usage('acme')).toBe('5000')
  })

  test('who, when and why is listed, and an event tells what it is', async () => {
    const { corrections } = bodyOf(await service.get('/v1/corrections?limit=1000')) as {
      corrections: Record<string, unknown>[]
    }
    expect(corrections.find(({ offset }) => offset === '4')).toMatchObject({
      kind: 'amend',
      supersedes: '2',
      event: { source: 'edge-1', seq: '3' },
      account: 'acme',
      time: '2026-08-03T10:00:00Z',
      ...author,
    })
    expect(corrections.every(({ event: about }) => about !== null)).toBe(true)
    const page = bodyOf(await service.get(`/v1/usage/events?account=acme&meter=http_requests&${august}`)) as {
      events: { seq: string; correction: unknown }[]
    }
    expect(page.events.map(({ seq: number }) => number)).toEqual(['1', '2', '3', '4'])
    expect(page.events[2]).toMatchObject({ correction: { kind: 'amend', ...author } })
  })
})

/** Of a creation: 201. */
function madeOf({ body }: Answer): { key: string } {
  return body as { key: string }
}

describe('an endpoint’s traffic', () => {
  const move = {
    endpoint: 'api.example.com',
    from: '2026-08-10T00:00:00Z',
    to: '2026-08-20T00:00:00Z',
    account: 'globex',
    ...author,
  }
  const at = (day: number, bytes: number, more: object = {}) => ({
    source: 'edge-2',
    id: `e-${day}-${bytes}`,
    seq: day * 10 + bytes,
    kind: 'http_request',
    endpoint: 'api.example.com',
    time: `2026-08-${day}T10:00:00Z`,
    bytes_out_wire: bytes,
    ...more,
  })

  test('that nobody owned is moved when the owner is known: planned first, then done, once', async () => {
    await service.post('/v1/events', [
      at(10, 1),
      at(10, 2),
      at(19, 4),
      // Outside of the time, of another endpoint, of an account of its own: not moved.
      at(20, 8),
      at(11, 16, { endpoint: 'www.example.com' }),
      at(12, 32, { account: 'acme' }),
      // globex was active on that endpoint in that hour already: the hour is not a new one for it.
      at(19, 64, { account: 'globex' }),
    ])
    const planned = bodyOf(await service.post('/v1/corrections/reattribute?dry_run=true', move))
    expect(planned).toMatchObject({ status: 'planned', events: 3, invoices: [] })
    expect(planned['effects']).toEqual([
      { meter: 'active_endpoint_hours', unit: 'hours', from: '-2', to: '1' },
      { meter: 'data_out_wire', unit: 'bytes', from: '-7', to: '7' },
      { meter: 'http_requests', unit: 'requests', from: '-3', to: '3' },
    ])
    expect(await usage('globex')).toBe('64')
    expect(bodyOf(await service.post('/v1/corrections/reattribute', move))).toEqual({
      status: 'done',
      moved: 3,
      left: 0,
    })
    expect(bodyOf(await service.post('/v1/corrections/reattribute', move))).toEqual({
      status: 'done',
      moved: 0,
      left: 0,
    })
    expect([await usage('globex'), await usage('unattributed')]).toEqual(['71', '24'])
    expect([await usage('globex', 'active_endpoint_hours'), await usage('globex', 'http_requests')]).toEqual(['2', '4'])
  })

  test('the command line does the same', async () => {
    const env = { CROSSFOOT_URL: service.address, CROSSFOOT_KEY: service.key }
    const why = ['--by', 'Ada', '--reason', 'test']
    const run = (...args: string[]) => startCli(args, env).ended
    const dry = await run('correct', 'amend', 'edge-1', '--seq', '1', '--set', 'bytes_out_wire=10', '--dry-run', ...why)
    expect([dry.code, dry.stdout]).toEqual([0, expect.stringContaining('bytes_out_wire: "1000" → "10"')])
    const time = ['--from', move.from, '--to', '2026-08-21T00:00:00Z']
    const moved = await run('correct', 'endpoint', 'api.example.com', ...time, '--account', 'globex', ...why)
    expect([moved.code, moved.stdout]).toEqual([0, '1 events moved to globex\n'])
    const listed = await run('correct', 'list', '--json')
    expect((JSON.parse(listed.stdout) as unknown[])[0]).toMatchObject({
      kind: 'reattribute',
      event: { source: 'edge-2' },
    })
    const shown = await run('invoice', 'drift', invoice.number)
    expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining('-0.97')])
    const month = await run('invoice', 'drift', '--month', '2026-08')
    const summary = '1 of 1 issued invoices would be other ones now\n'
    expect([month.code, month.stdout]).toEqual([0, `${shown.stdout}${summary}`])
    expect((await run('correct', 'amend', 'edge-1', '--seq', '1', ...why)).code).toBe(2)
  })
})
