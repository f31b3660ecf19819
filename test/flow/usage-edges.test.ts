import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { add, exact, formatQuantity, zero } from '../../src/core/exact.ts'
import { formatInstant } from '../../src/core/time.ts'
import { at } from '../support/invoice-desk.ts'
import { openUsageApi } from '../support/usage-api.ts'
import type { Json, UsageApi } from '../support/usage-api.ts'

interface Row {
  readonly from: string
  readonly quantity: string | null
  readonly previous?: { from: string; to: string; quantity: string | null } | null
}
const rowsOf = (answer: Json): Row[] => answer['rows'] as Row[]
const added = (rows: readonly { quantity: string | null }[]): string =>
  formatQuantity(rows.reduce((sum, { quantity }) => add(sum, exact(quantity ?? '0')), zero))

/** Where periods, windows and what is known begin and end. */
describe('the edges of answers about usage', () => {
  const noon = at('2026-06-15T12:00:00Z')
  let api: UsageApi
  let seq = 0
  const usage = (query: string, key?: string) => api.call('GET', `/v1/usage?${query}`, undefined, key)
  const event = (account: string, time: string, more: object = {}) => {
    seq += 1
    return { source: 'edge', seq, kind: 'http_request', account, time, ...more }
  }
  const send = (...events: object[]) => api.call('POST', '/v1/events', events)
  const meter = (key: string, aggregation: object) =>
    api.call('POST', '/v1/meters', { key, name: key, unit: 'things', aggregation, group_by: ['endpoint'] })
  const file = async (query: string): Promise<string[][]> => {
    const { bytes } = await api.text(`/v1/usage${query}&format=csv`)
    return bytes
      .toString()
      .trim()
      .split('\r\n')
      .map((line) => line.split(','))
  }

  beforeAll(async () => {
    api = await openUsageApi('usage-edges', noon)
    const accounts = ['team', 'month', 'disk', 'rate', 'other'].map((key) => ({ key }))
    for (const account of [...accounts, { key: 'berlin', time_zone: 'Europe/Berlin' }])
      await api.call('POST', '/v1/accounts', account)
    const membership = { field: 'attributes.op', add: ['add'], remove: ['remove'], carried: true }
    await meter('members', { kind: 'unique', field: 'endpoint', membership })
    const join = (time: string, endpoint: string) => event('team', time, { endpoint, attributes: { op: 'add' } })
    await send(join('2026-05-01T00:00:00Z', 'a'), join('2026-05-02T00:00:00Z', 'b'))
  })
  afterAll(() => api.close())

  test('members are carried into what has begun, and counted in nothing that has not', async () => {
    const members = 'account=team&meter=members'
    expect(await usage(`${members}&period=2026-06`)).toMatchObject({ total: '2' })
    const explained = (period: string) => api.call('GET', `/v1/usage/explain?${members}&period=${period}`)
    expect((await explained('2026-06'))['keys']).toHaveLength(2)
    // July has not begun.
    expect(await usage(`${members}&period=2026-07`)).toMatchObject({ total: '0', rows: [] })
    expect(await explained('2026-07')).toMatchObject({ quantity: '0', keys: [] })
    // 14.5 days of hours, of 30 days that are asked for in two slices.
    const json = rowsOf(await usage(`${members}&period=2026-06&window=hour`))
    for (const query of [
      `?${members}&period=2026-06&window=hour`,
      `?${members}&period=2026-06&window=hour&group_by=endpoint`,
      '/export?meters=members&period=2026-06&window=hour',
    ]) {
      const [head = [], ...rows] = await file(query)
      const starts = new Set(rows.map((row) => row[head.indexOf('from')]))
      expect([starts.size, [...starts].at(-1)], query).toEqual([json.length, '2026-06-15T11:00:00Z'])
    }
    api.clock.now = at('2026-07-10T00:00:00Z')
    const then = await usage(`${members}&period=2026-07&as_of=2026-06-20T00:00:00Z`)
    expect(then).toMatchObject({ total: '2', as_of: { total: '0', rows: [] } })
    api.clock.now = noon
  })

  test('days stand beside days over a change of the clock', async () => {
    const days = Array.from({ length: 14 }, (_, index) => String(index + 13))
    await send(...days.map((day) => event('berlin', `2025-10-${day}T12:00:00Z`, { bytes_out_wire: day })))
    // 169 hours: as many before them begin on a Sunday at 23:00.
    const week = 'account=berlin&meter=data_out_wire&from=2025-10-20&to=2025-10-27&window=day'
    const shown = rowsOf(await usage(`${week}&compare=previous`)).map(({ quantity, previous }) => [
      quantity,
      previous?.quantity,
    ])
    expect(shown).toEqual(days.slice(7).map((day) => [day, String(Number(day) - 7)]))
  })

  test('a billing period is compared with the one before, whatever zone its windows are of', async () => {
    const march = 'account=berlin&meter=data_out_wire&billing_period=2026-03&timezone=UTC&compare=previous'
    expect(await usage(march)).toMatchObject({
      from: '2026-02-28T23:00:00Z',
      to: '2026-03-31T22:00:00Z',
      compare: { from: '2026-01-31T23:00:00Z', to: '2026-02-28T23:00:00Z' },
    })
  })

  test('the earlier rows are complete while a period runs', async () => {
    const may = Array.from({ length: 31 }, (_, index) => `2026-05-${String(index + 1).padStart(2, '0')}T08:00:00Z`)
    await send(...may.map((time) => event('month', time, { endpoint: 'a', bytes_out_wire: 10 })))
    for (const groups of ['', '&group_by=endpoint']) {
      const answer = await usage(
        `account=month&meter=data_out_wire&period=2026-06&window=day&compare=previous${groups}`,
      )
      const { total, only_then: onlyThen } = answer['compare'] as { total: string; only_then: Row[] }
      const beside = rowsOf(answer).flatMap(({ previous }) => previous ?? [])
      expect([total, added([...beside, ...onlyThen])], groups).toEqual(['310', '310'])
    }
  })

  test('L13: what an event does not say is not known, of one direction and of a member', async () => {
    const p95 = { kind: 'percentile', percent: '95', interval: '5minutes', combine: 'before' }
    await meter('out95', { ...p95, direction: 'out' })
    await meter('in95', { ...p95, direction: 'in' })
    await send(
      event('rate', '2026-04-01T00:00:00Z', { bytes_in_wire: 10 }),
      event('rate', '2026-04-02T00:00:00Z', { attributes: { op: 'add' } }),
    )
    const missing = async (key: string, more = '') =>
      (await usage(`account=rate&meter=${key}&period=2026-04${more}`))['events_without_value']
    expect([await missing('out95'), await missing('in95'), await missing('members')]).toEqual(['2', '1', '1'])
    const rows = rowsOf(await usage('account=rate&meter=members&period=2026-04&group_by=endpoint'))
    expect(rows).toMatchObject([{ quantity: '0', events_without_value: '1' }])
    // It is not carried.
    expect(await usage('account=rate&meter=members&period=2026-05')).toMatchObject({ events_without_value: '0' })
  })

  test('L13: files and explanations of a percentile say how many intervals are not known', async () => {
    const about = '?account=rate&meter=out95&from=2026-04-01&to=2026-04-03&window=day'
    const [head = [], ...rows] = await file(about)
    const cells = rows.map((row) => ['lower_bound', 'unknown_intervals'].map((name) => row[head.indexOf(name)]))
    // No source is registered: nobody can say anything.
    expect(cells).toEqual([
      ['true', '288'],
      ['true', '288'],
    ])
    const { bytes } = await api.text(`/v1/usage${about}&format=ndjson`)
    expect(JSON.parse(bytes.toString().split('\n')[0] ?? '')).toMatchObject({
      lower_bound: true,
      unknown_intervals: 288,
      additive: false,
    })
    const [names = []] = await file('?account=rate&meter=data_out_wire&period=2026-04')
    expect(names).not.toContain('lower_bound')
    const both = await file('/export?account=rate&meters=out95,data_out_wire&period=2026-04&window=month')
    expect(both.slice(1).map((row) => row[(both[0] ?? []).indexOf('lower_bound')])).toEqual(['true', ''])
    const explained = '/v1/usage/explain?account=rate&meter=out95&from=2026-04-01&to=2026-04-03'
    expect(await api.call('GET', explained)).toMatchObject({
      intervals: 576,
      unknown_intervals: 576,
      lower_bound: true,
    })
    const sums = await api.call('GET', '/v1/usage/explain?account=rate&meter=data_out_wire&period=2026-04')
    expect(sums).not.toHaveProperty('lower_bound')
  })

  test('an invoice does not drift because its quantity has more decimals than are printed', async () => {
    await meter('disks', { kind: 'level', value: 'quantity', mode: 'set', per: 'hour' })
    const set = (time: string, quantity: string) => event('disk', time, { kind: 'usage', name: 'disk', quantity })
    // A microsecond: an hour divided by 3,600,000,000.
    await send(set('2026-05-01T00:00:00Z', '1'), set('2026-05-01T00:00:00.000001Z', '0'))
    const price = {
      key: 'd',
      name: 'Disks',
      meter: 'disks',
      unit: { name: 'hours', per: '1' },
      model: { kind: 'per_unit', unit_amount: '0.10' },
    }
    const plan = { key: 'disks', name: 'Disks', currency: 'USD', effective_from: '2020-01-01T00:00:00Z' }
    await api.call('POST', '/v1/plans', { ...plan, prices: [price] })
    await api.call('POST', '/v1/subscriptions', { account: 'disk', plan: 'disks', from: '2020-01-01T00:00:00Z' })
    const { id } = await api.call('POST', '/v1/invoices', { account: 'disk', month: '2026-05' })
    const waiver = { by: 'Ada', reason: 'no source speaks', value_at_risk: '0' }
    await api.call('POST', `/v1/invoices/${String(id)}/issue`, { waiver })
    const drift = () => api.call('GET', `/v1/invoices/${String(id)}/drift`)
    const same = { issued: '0.000000000277777778', now: '0.000000000277777778', difference: '0' }
    expect(await drift()).toMatchObject({ drifted: false, lines: [{ quantity: same }] })
    await send(set('2026-05-02T00:00:00Z', '1'), set('2026-05-02T00:00:00.000001Z', '0'))
    const more = { ...same, now: '0.000000000555555556', difference: '0.000000000277777778' }
    expect(await drift()).toMatchObject({ drifted: true, lines: [{ quantity: more }] })
  })

  test('a cursor that was not given out is refused', async () => {
    for (const cursor of ['9999999999999999-1', '1-9999999999999999', '1', '-', '1-1;'])
      expect(
        (await api.refused(`/v1/usage/events?account=team&meter=members&period=2026-05&cursor=${cursor}`)).slice(0, 2),
        cursor,
      ).toEqual([400, 'REQUEST_INVALID'])
  })

  test('L11: how far the log had got at an instant is for operators: it says how much all accounts sent', async () => {
    const key = await api.boundKey('team')
    const asOf = async (query: string, by?: string) =>
      (await usage(`meter=members&period=2026-06&as_of=${formatInstant(api.clock.now)}${query}`, by))['as_of']
    expect(await asOf('', key)).toMatchObject({ counted_below_offset: null, total: '2' })
    expect(await asOf('&account=team')).toMatchObject({ counted_below_offset: seq, total: '2' })
  })
})
