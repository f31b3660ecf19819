import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startCli } from '../support/cli.ts'
import { discardData, startService, temporaryDirectory } from '../support/service.ts'
import type { RunningService } from '../support/service.ts'

/** What is missing, by a second count and as money, through the real service. Every expected number is worked out by hand. */
describe('a second count, and what is missing as money', () => {
  const data = temporaryDirectory('counters')
  let service: RunningService
  const lastDay = Temporal.Now.plainDateISO('UTC').with({ day: 1 }).subtract({ days: 1 })
  const month = lastDay.toPlainYearMonth().toString()
  const days = lastDay.day
  const at = (day: number, clock = '12:00:00'): string => `${month}-${String(day).padStart(2, '0')}T${clock}Z`
  const from = at(1, '00:00:00')
  const to = `${lastDay.add({ days: 1 }).toString()}T00:00:00Z`
  const request = (seq: number, account: string, more: object = {}) => ({
    source: 'edge-v',
    seq,
    kind: 'http_request',
    time: at(2, `12:00:${String(10 + seq)}`),
    account,
    bytes_out_wire: 100,
    ...more,
  })
  const counter = (seq: number, clock: string, value: number, more: object = {}) => ({
    source: 'edge-v',
    epoch: 'counters',
    seq,
    kind: 'counter',
    name: 'requests',
    time: at(2, clock),
    value,
    ...more,
  })
  const accepted = async (...events: object[]): Promise<void> =>
    expect((await service.post('/v1/events', events)).body).toMatchObject({ accepted: events.length })
  const completeness = async (account?: string): Promise<Record<string, unknown>> => {
    const whose = account === undefined ? '' : `&account=${account}`
    const answer = await service.get(`/v1/completeness?from=${from}&to=${to}${whose}`)
    expect(answer.status, JSON.stringify(answer.body)).toBe(200)
    return answer.body as Record<string, unknown>
  }

  beforeAll(async () => {
    service = await startService({ data })
    await service.post('/v1/plans', {
      key: 'metered',
      name: 'Metered',
      currency: 'USD',
      effective_from: '2020-01-01T00:00:00Z',
      prices: [
        { key: 'fee', name: 'Fee', model: { kind: 'flat', amount: '7' } },
        {
          key: 'requests',
          name: 'Requests',
          meter: 'http_requests',
          model: { kind: 'per_unit', unit_amount: '0.1' },
        },
        {
          key: 'data',
          name: 'Data',
          meter: 'data_out_wire',
          included: '700',
          model: { kind: 'per_unit', unit_amount: '0.01' },
        },
      ],
    })
    // Numbers 4 and 5 have not arrived, one event is declared lost, and number 11 lies in quarantine.
    const globex = [1, 2, 3, 6, 7, 8].map((seq) => request(seq, 'globex'))
    const initech = [9, 10].map((seq) => request(seq, 'initech'))
    await accepted(...globex, ...initech)
    expect(await service.post('/v1/events', request(11, 'globex', { bytes_out_wire: -1 }))).toMatchObject({
      body: { quarantined: 1 },
    })
    await service.post('/v1/checkpoints', { source: 'edge-v', seq: 11, time: to, lost: 1 })
    const subscription = { account: 'globex', plan: 'metered', from: '2020-01-01T00:00:00Z' }
    expect((await service.post('/v1/subscriptions', subscription)).status).toBe(201)
  })
  afterAll(async () => {
    await service.stop()
    await discardData(data)
  })

  test('counters are counted apart, compared with the events between their samples, and are no traffic', async () => {
    // From the sample before the first request to the one behind the last: 110 to 112, a restart, then 10.
    await accepted(
      counter(1, '12:00:00', 110),
      counter(3, '12:00:20', 10),
      counter(2, '12:00:12', 112),
      counter(4, '12:00:00', 5, { name: 'cache_hits' }),
      counter(5, '12:00:12', 9, { name: 'cache_hits' }),
    )
    const { body } = await service.get(`/v1/counters?source=edge-v&from=${from}&to=${to}`)
    expect(body).toMatchObject({
      cut: false,
      series: [
        { name: 'cache_hits', increase: '4', counted_by_events: null, difference: null },
        {
          name: 'requests',
          increase: '12',
          resets: 1,
          samples: 3,
          after: at(2, '12:00:00'),
          until: at(2, '12:00:20'),
          counted_by_events: '8',
          difference: '4',
        },
      ],
    })
    const usage = await service.get(`/v1/usage?account=globex&meter=http_requests&from=${from}&to=${to}`)
    expect(usage.body).toMatchObject({ total: '6' })
    // The four that the counter knows of and no event does stand beside the gap in the report.
    expect(await completeness()).toMatchObject({
      complete: false,
      sources: [{ source: 'edge-v', state: 'gap', discrepancies: [{ name: 'requests', difference: '4' }] }],
    })
  })

  test('the report says how each numbering stands, since when a gap shows, and what lies in quarantine', async () => {
    const { sources } = await completeness('globex')
    expect(sources).toMatchObject([
      {
        missing: '2',
        lost: '1',
        open_quarantine: '1',
        silence: null,
        gaps: [{ first: '4', last: '5', missing: '2', after: at(2, '12:00:13'), before: at(2, '12:00:16') }],
        epochs: [
          { epoch: 'counters', contiguous_until: '5', missing: '0', events: '5', duplicates: '0', checkpoint: null },
          { contiguous_until: '3', highest: '11', missing: '2', events: '8', late: '8', declared_lost: '1' },
        ],
      },
    ])
    const [source] = sources as { since: string }[]
    // It showed when number 6 arrived, which was just now.
    expect(Math.abs(Date.parse(source?.since ?? '') - Date.now())).toBeLessThan(600_000)
    const { body } = await service.get('/v1/sources/edge-v')
    expect(body).toMatchObject({
      open_quarantine: '1',
      epochs: [
        { epoch: 'counters', gaps: [] },
        {
          contiguous_until: '3',
          gaps: [['4', '5']],
          accepted: [
            ['1', '3'],
            ['6', '10'],
          ],
          held: [['11', '11']],
        },
      ],
    })
  })

  test('the value at risk is what the invoice would be more, if what is missing were like what is there', async () => {
    // Missing: 2 numbers, 1 lost, 1 held = 4 of the source. 6 of its 8 events are globex's, with 600 bytes: so 3 events
    // and 300 bytes. Requests: 0.10 × 3 = 0.30. Data: 600 is within the 700 included, 900 is 200 above: 2.00.
    expect((await completeness('globex'))['value_at_risk']).toMatchObject({
      amounts: [{ currency: 'USD', amount: '2.30' }],
      expected_missing: '3',
      not_estimated: [],
      sources: [
        {
          source: 'edge-v',
          expected_missing: '4',
          numbers: '2',
          lost: '1',
          held: '1',
          averaged_over: { from, to, events: '8' },
          amounts: [{ currency: 'USD', amount: '2.30' }],
        },
      ],
    })
    // Without a plan there is no price, which is not zero.
    expect((await completeness('initech'))['value_at_risk']).toBeNull()
    expect((await completeness())['value_at_risk']).toMatchObject({
      amounts: [{ currency: 'USD', amount: '2.30' }],
      expected_missing: '4',
      not_priced: ['initech'],
    })
  })

  test('a refused invoice proposes it, and the command line shows it', async () => {
    const draft = (await service.post('/v1/invoices', { account: 'globex', month })).body as { id: string }
    const refused = await service.post(`/v1/invoices/${draft.id}/issue`, {})
    expect(refused).toMatchObject({ status: 409, body: { error: { code: 'INVOICE_INCOMPLETE' } } })
    expect(JSON.stringify(refused.body)).toContain('about 3 events are missing, worth 2.30 USD')
    const env = { CROSSFOOT_URL: service.address, CROSSFOOT_KEY: service.key }
    const shown = await startCli(['completeness', '--account', 'globex', '--from', from, '--to', to], env).ended
    expect(shown.code).toBe(1)
    for (const text of ['value at risk: 2.30 USD', 'edge-v: 4 to 5', 'counter requests', 'in quarantine'])
      expect(shown.stdout).toContain(text)
  })

  test('the console shows the same', async () => {
    const page = await service.ask('GET', `/sources?month=${month}`)
    expect(page.status).toBe(200)
    for (const text of ['edge-v', '4 to 5', '2.30 USD']) expect(page.body).toContain(text)
    expect((await service.ask('GET', '/sources?month=nonsense')).status).toBe(400)
  })

  test('a silent source is worth its own average per hour; one that never spoke is not estimated', async () => {
    // One request an hour on the first day, then nothing; 24 of them cost 2.40 and 2400 bytes cost 17.00.
    const hours = Array.from({ length: 24 }, (_, hour) => ({
      ...request(hour + 1, 'hooli'),
      source: 'edge-s',
      time: at(1, `${String(hour).padStart(2, '0')}:00:00`),
    }))
    await accepted(...hours)
    await service.post('/v1/subscriptions', { account: 'hooli', plan: 'metered', from: '2020-01-01T00:00:00Z' })
    const expected = {
      kind: 'edge',
      owner: 'edge team',
      carries: ['hooli'],
      checkpoint_seconds: 3600,
      expected_from: from,
    }
    const headers = { authorization: `Bearer ${service.key}`, 'content-type': 'application/json' }
    const put = async (source: string): Promise<void> => {
      const init = { method: 'PUT', headers, body: JSON.stringify(expected) }
      expect((await fetch(`${service.address}/v1/sources/${source}`, init)).status).toBe(200)
    }
    await put('edge-s')
    await service.post('/v1/checkpoints', { source: 'edge-s', seq: 24, time: at(2, '00:00:00') })
    // So each further day would be 24 requests for 2.40, and 2400 bytes beyond the allowance for 24.00.
    const more = 26.4 * (days - 1)
    const silent = { from: at(2, '00:00:00'), to }
    expect(await completeness('hooli')).toMatchObject({
      complete: false,
      value_at_risk: {
        amounts: [{ currency: 'USD', amount: more.toFixed(2) }],
        expected_missing: String(24 * (days - 1)),
        sources: [
          { source: 'edge-s', silence: silent, expected_missing: String(24 * (days - 1)) },
          { source: 'edge-v', amounts: [{ amount: '0.00' }] },
        ],
      },
    })
    await put('edge-t')
    expect(await completeness('hooli')).toMatchObject({
      value_at_risk: { amounts: [{ amount: more.toFixed(2) }], not_estimated: ['edge-t'] },
    })
  })

  test('a wrong statement is withdrawn by a named person, and it is as if it had not been made', async () => {
    await service.post('/v1/checkpoints', { source: 'edge-w', seq: 9_000_000, time: to })
    expect(JSON.stringify(await completeness())).toContain('edge-w lacks 9000000 numbered events')
    const path = '/v1/sources/edge-w/withdraw-statement'
    expect((await service.post(path, { by: ' ', reason: 'typing' })).status).toBe(400)
    const answer = await service.post(path, { by: 'Ada Osei', reason: 'typing' })
    expect(answer.body).toMatchObject({ withdrawn: true, was: { seq: '9000000' } })
    expect(JSON.stringify(await completeness())).not.toContain('edge-w lacks')
    expect((await service.post(path, { by: 'Ada Osei', reason: 'typing' })).body).toMatchObject({ withdrawn: false })
  })

  test('when everything has arrived nothing is at risk', async () => {
    await accepted(request(4, 'globex'), request(5, 'globex'))
    const body = { filter: { source: 'edge-v' }, by: 'Ada Osei', reason: 'a test' }
    expect((await service.post('/v1/quarantine/write-off', body)).body).toMatchObject({ written_off: 1 })
    await service.post('/v1/sources/edge-v/withdraw-statement', { by: 'Ada Osei', reason: 'nothing was lost' })
    const report = await completeness('globex')
    expect(report).toMatchObject({ complete: true, value_at_risk: { amounts: [], expected_missing: '0' } })
    const [source] = report['sources'] as unknown[]
    expect(source).toMatchObject({ source: 'edge-v', open_quarantine: '0', discrepancies: [{ difference: '2' }] })
  })

  test('differences are told with the largest first, and that there are more counters than were compared', async () => {
    const edge = (seq: number, clock: string, value: number, more: object) => ({
      ...counter(seq, clock, value, more),
      source: 'edge-x',
    })
    // Of the series without an endpoint a hundred are compared: the one of edge-v, and 99 of these, with 1 to 99 missing.
    const regions = Array.from({ length: 120 }, (_, index) => `r${String(index).padStart(3, '0')}`)
    await accepted(
      ...regions.flatMap((region, index) => [
        edge(2 * index + 1, '12:00:00', 0, { region, account: 'globex' }),
        edge(2 * index + 2, '12:00:20', index + 1, { region, account: 'globex' }),
      ]),
    )
    const told = async (account?: string) => {
      const { sources, cut } = (await completeness(account)) as { sources: Told[]; cut: boolean }
      const found = sources.find(({ source }) => source === 'edge-x')?.discrepancies ?? []
      return [cut, found.map(({ difference }) => Number(difference))] as const
    }
    interface Told {
      readonly source: string
      readonly discrepancies: readonly { readonly difference: string }[]
    }
    const [cut, differences] = await told('globex')
    expect(cut).toBe(true)
    expect(differences).toEqual(Array.from({ length: 99 }, (_, index) => 99 - index))
    expect(await told('initech')).toEqual([false, []])
  })
})
