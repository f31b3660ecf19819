import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { formatInstant } from '../../src/core/time.ts'
import type { Micros } from '../../src/core/time.ts'
import { at } from '../support/invoice-desk.ts'
import { openUsageApi } from '../support/usage-api.ts'
import type { Json, UsageApi } from '../support/usage-api.ts'

interface Row {
  readonly from: string
  readonly to: string
  readonly group: Record<string, string | null>
  readonly others?: true
  readonly quantity: string | null
  readonly previous?: {
    from: string
    quantity: string | null
    difference: string | null
    percent: string | null
  } | null
}
const rowsOf = (answer: Json): Row[] => answer['rows'] as Row[]
const quantities = (answer: Json): (string | null)[] => rowsOf(answer).map(({ quantity }) => quantity)
const added = (rows: readonly { quantity: string | null }[]): bigint =>
  rows.reduce((sum, { quantity }) => sum + BigInt(quantity ?? 0), 0n)

describe('GET /v1/usage', () => {
  let api: UsageApi
  let keys: { acme: string; globex: string }
  let seq = 0
  const usage = (query: string, key?: string) => api.call('GET', `/v1/usage?${query}`, undefined, key)
  // Numbered events may be of any age.
  const event = (account: string, time: string, more: object = {}) => {
    seq += 1
    return { source: 'edge', seq, kind: 'http_request', account, time, ...more }
  }
  const send = (...events: object[]) => api.call('POST', '/v1/events', events)
  const meter = (key: string, aggregation: object, more: object = {}) =>
    api.call('POST', '/v1/meters', { key, name: key, unit: 'things', aggregation, group_by: ['endpoint'], ...more })

  beforeAll(async () => {
    api = await openUsageApi('usage-api', at('2026-06-15T12:00:00Z'))
    for (const account of ['acme', 'globex', 'quiet']) await api.call('POST', '/v1/accounts', { key: account })
    keys = { acme: await api.boundKey('acme'), globex: await api.boundKey('globex') }
    // May: one request of 10 bytes to `a` each day; June: as many bytes as the day says, to `a` and half of it to `b`.
    const day = (month: string, number: number): string => `2026-${month}-${String(number).padStart(2, '0')}T08:00:00Z`
    const may = Array.from({ length: 31 }, (_, index) =>
      event('acme', day('05', index + 1), { endpoint: 'a', bytes_out_wire: 10 }),
    )
    const june = Array.from({ length: 14 }, (_, index) => [
      event('acme', day('06', index + 1), { endpoint: 'a', bytes_out_wire: 2 * (index + 1) }),
      event('acme', day('06', index + 1), { endpoint: 'b', bytes_out_wire: index + 1 }),
    ]).flat()
    await send(...may, ...june, event('globex', day('06', 3), { endpoint: 'secret', bytes_out_wire: 5_555 }))
  })
  afterAll(() => api.close())
  const june = 'meter=data_out_wire&period=2026-06'
  // 3 × (1 + … + 14)
  const juneTotal = '315'

  test('the time: by its ends, as a month of a zone, as a billing period; exactly one of them', async () => {
    for (const time of ['from=2026-06-01&to=2026-07-01', 'period=2026-06', 'billing_period=2026-06'])
      expect(await usage(`account=acme&meter=data_out_wire&${time}`)).toMatchObject({ total: juneTotal })
    const months = await usage('account=acme&meter=data_out_wire&from=2026-05-01&to=2026-07-01&window=billing_period')
    expect(quantities(months)).toEqual(['310', juneTotal])
    const weeks = await usage(`account=acme&${june}&window=week`)
    expect(rowsOf(weeks).map(({ from }) => from.slice(8, 10))).toEqual(['01', '08', '15'])
    expect(quantities(weeks)).toEqual(['84', '231', '0'])
    for (const wrong of ['', '&period=2026-06&from=2026-06-01', '&from=2026-06-01', '&period=2026-6'])
      expect((await api.refused(`/v1/usage?account=acme&meter=data_out_wire${wrong}`)).slice(0, 2)).toEqual([
        400,
        'REQUEST_INVALID',
      ])
    const zone = `/v1/usage?account=acme&${june}&window=billing_period&timezone=Asia/Tokyo`
    expect((await api.refused(zone))[1]).toBe('REQUEST_INVALID')
  })

  test('what is misspelt is refused and not left out', async () => {
    const [status, , message] = await api.refused(`/v1/usage?account=acme&${june}&groupby=endpoint`)
    expect([status, message]).toEqual([400, expect.stringContaining('Did you mean group_by?')])
    const filters = ['filter[region]x=1', 'filter[attributes.x]=1', 'filter=a', 'filter[account]=globex']
    for (const wrong of [...filters, 'top=3', 'group_by=account', 'group_by=endpoint&top=0'])
      expect((await api.refused(`/v1/usage?account=acme&${june}&${wrong}`)).slice(0, 2), wrong).toEqual([
        400,
        'REQUEST_INVALID',
      ])
  })

  test('an account without traffic has zeros for what has begun, and no row for what has not', async () => {
    const answer = await usage(`account=quiet&${june}&window=day`)
    expect(answer).toMatchObject({ total: '0', additive: true, why_not_additive: null, complete_until: null })
    expect(quantities(answer)).toEqual(Array(15).fill('0'))
    expect(rowsOf(await usage(`account=quiet&${june}&window=day&group_by=endpoint`))).toEqual([])
    await meter('smallest', { kind: 'min', value: 'bytes_out_wire' })
    expect(await usage('account=quiet&meter=smallest&period=2026-06')).toMatchObject({ total: null, additive: false })
  })

  test('a meter that was created after its events counts them', async () => {
    await meter('late_meter', { kind: 'sum', value: 'bytes_out_wire' })
    expect(await usage('account=acme&meter=late_meter&period=2026-05')).toMatchObject({ total: '310' })
  })

  test('a filter answers what the group answers; several values are added up', async () => {
    const groups = rowsOf(await usage(`account=acme&${june}&group_by=endpoint`))
    expect(groups.map(({ group, quantity }) => [group['endpoint'], quantity])).toEqual([
      ['a', '210'],
      ['b', '105'],
    ])
    const filtered = async (query: string) => (await usage(`account=acme&${june}&${query}`))['total']
    expect(await filtered('filter[endpoint]=b')).toBe('105')
    expect(await filtered('filter[endpoint]=b&filter[endpoint]=a')).toBe(juneTotal)
    expect(await filtered('filter[endpoint]=a,b')).toBe('0')
    const { events } = await api.call('GET', `/v1/usage/events?account=acme&${june}&filter[endpoint]=b&limit=1000`)
    expect(new Set((events as { endpoint: string }[]).map(({ endpoint }) => endpoint))).toEqual(new Set(['b']))
  })

  test('active hours belong to their first event: filtered by region they are those of the group, and add up', async () => {
    const hour = (minute: string, region: string) =>
      event('quiet', `2026-04-02T05:${minute}:00Z`, { endpoint: 'x', region, bytes_out_wire: 1 })
    await send(hour('10', 'eu'), hour('20', 'us'), hour('30', 'eu'))
    const ask = async (query: string) =>
      (await usage(`account=quiet&meter=active_endpoint_hours&period=2026-04${query}`))['total']
    expect([await ask('&filter[region]=eu'), await ask('&filter[region]=us'), await ask('')]).toEqual(['1', '0', '1'])
    expect(await ask('&filter[region]=us&filter[region]=eu&group_by=endpoint&window=day')).toBe('1')
  })

  test('rows are not added up of what does not add up: `sum=true` is refused with the reason', async () => {
    await meter('hosts', { kind: 'unique', field: 'endpoint' })
    const hosts = 'account=acme&meter=hosts&period=2026-06&window=day'
    const answer = await usage(hosts)
    expect(answer).toMatchObject({
      total: '2',
      additive: false,
      why_not_additive: expect.stringContaining('one in the whole'),
    })
    expect(added(rowsOf(answer))).toBe(28n)
    const [status, code, message] = await api.refused(`/v1/usage?${hosts}&sum=true`)
    expect([status, code]).toEqual([422, 'METER_NOT_ADDITIVE'])
    expect(message).toContain('take the total')
    expect((await api.refused(`/v1/usage?${hosts}&sum=true&format=csv`))[1]).toBe('METER_NOT_ADDITIVE')
    expect(await usage(`account=acme&${june}&window=day&sum=true`)).toMatchObject({ total: juneTotal })
  })

  test('top and others: they add up for a sum, and are counted anew for what does not add up', async () => {
    const names = ['n1', 'n2', 'n3', 'n4']
    const times = ['2026-03-01T00:00:00Z', '2026-03-02T00:00:00Z']
    await send(
      ...times.flatMap((time, day) =>
        names.map((endpoint, index) =>
          event('globex', time, { endpoint, region: index < 2 ? 'r' : `r${day}`, bytes_out_wire: 10 ** index }),
        ),
      ),
    )
    const march = 'account=globex&period=2026-03'
    const answer = await usage(`${march}&meter=data_out_wire&window=day&group_by=endpoint&top=2`)
    const shown = rowsOf(answer).map(({ group, others, quantity }) => [group['endpoint'] ?? others, quantity])
    const day = [
      [true, '11'],
      ['n3', '100'],
      ['n4', '1000'],
    ]
    expect([shown.length, shown]).toEqual([6, expect.arrayContaining(day)])
    expect(added(rowsOf(answer))).toBe(2_222n)
    expect(answer['total']).toBe('2222')
    await meter('regions', { kind: 'unique', field: 'region' }, { group_by: ['endpoint'] })
    const unique = await usage(`${march}&meter=regions&group_by=endpoint&top=1`)
    // n3 and n4 were in r0 and r1; n1 and n2 only in r: of the others one has two regions, and together they have three.
    expect(rowsOf(unique).map(({ others, quantity }) => [others ?? false, quantity])).toEqual(
      expect.arrayContaining([
        [true, '3'],
        [false, '2'],
      ]),
    )
    expect(unique['total']).toBe('3')
  })

  test('compared with the month before: window by window, by place; the part as long as what has passed', async () => {
    const answer = await usage(`account=acme&${june}&window=day&compare=previous`)
    const rows = rowsOf(answer)
    expect(rows[0]?.previous).toEqual({
      from: '2026-05-01T00:00:00Z',
      to: '2026-05-02T00:00:00Z',
      quantity: '10',
      difference: '-7',
      percent: '-70.0000',
    })
    expect(rows[14]).toMatchObject({ quantity: '0', previous: { quantity: '10', percent: '-100.0000' } })
    expect(answer['compare']).toMatchObject({
      from: '2026-05-01T00:00:00Z',
      to: '2026-06-01T00:00:00Z',
      total: '310',
      difference: '5',
      percent: '1.6129',
      // Fifteen mornings by noon of the 15th.
      same_part: { to: '2026-05-15T12:00:00Z', total: '150', difference: '165', percent: '110.0000' },
    })
    const grouped = await usage(`account=acme&${june}&group_by=endpoint&compare=previous`)
    expect(rowsOf(grouped).map(({ previous }) => [previous?.quantity, previous?.percent])).toEqual([
      ['310', '-32.2581'],
      ['0', null],
    ])
    const gone = await usage('account=globex&meter=data_out_wire&period=2026-04&group_by=endpoint&compare=previous')
    expect((gone['compare'] as { only_then: Row[] }).only_then).toHaveLength(4)
    const max = await usage('account=quiet&meter=smallest&from=2026-06-01&to=2026-06-02&compare=previous')
    expect(max['compare']).toMatchObject({ from: '2026-05-31T00:00:00Z', total: null, difference: null, percent: null })
  })

  test('forecast: beside the total, from whole days, for what adds up', async () => {
    const answer = await usage(`account=acme&${june}&forecast=true`)
    expect(answer['total']).toBe(juneTotal)
    const { estimate, low, high, method, days, basis } = answer['forecast'] as Record<string, string>
    // The last 28 whole days: 18 May to 14 June, so 14 days of 10 and the first 14 of June; four of each weekday.
    const past = [...Array<number>(14).fill(10), ...Array.from({ length: 14 }, (_, index) => 3 * (index + 1))]
    const mean = (weekday: number): number =>
      past.reduce((sum, value, index) => (index % 7 === weekday ? sum + value : sum), 0) / 4
    // Half of Monday the 15th, and the days until the 30th, a Tuesday.
    const left = Array.from({ length: 15 }, (_, index) => mean((index + 1) % 7))
    const expected = 315 + mean(0) / 2 + left.reduce((sum, value) => sum + value, 0)
    expect(Number(estimate)).toBe(Math.round(expected))
    expect([days, basis]).toEqual([28, { from: '2026-05-18T00:00:00Z', to: '2026-06-15T00:00:00Z' }])
    expect(Number(low)).toBeLessThan(Number(estimate))
    expect(Number(high)).toBeGreaterThan(Number(estimate))
    expect(method).toContain('each weekday')
    const over = await usage('account=acme&meter=data_out_wire&period=2026-05&forecast=true')
    expect(over['forecast']).toMatchObject({ estimate: null, method: 'none: the period is over' })
    const [status, code, message] = await api.refused('/v1/usage?account=acme&meter=hosts&period=2026-06&forecast=true')
    expect([status, code]).toEqual([422, 'METER_NOT_ADDITIVE'])
    expect(message).toContain('one in the whole')
  })

  test('latest: of events at the same microsecond the one that was received last wins, and is named', async () => {
    await meter('seats', { kind: 'latest', value: 'quantity' })
    const time = '2026-02-03T04:05:06.000007Z'
    const set = (quantity: number, when = time) => event('globex', when, { kind: 'usage', name: 'seats', quantity })
    const [early, one, two, three] = [set(1, '2026-02-03T04:05:06.000006Z'), set(30), set(10), set(20)]
    await send(three, one, early)
    await send(two)
    const february = 'account=globex&meter=seats&period=2026-02'
    expect(await usage(february)).toMatchObject({ total: '10', additive: false })
    const explained = await api.call('GET', `/v1/usage/explain?${february}`)
    expect(explained).toMatchObject({ kind: 'latest', quantity: '10', events: '4', event: { time, value: '10' } })
    expect((explained['tied_at_its_time'] as { value: string }[]).map(({ value }) => value)).toEqual(['30', '20'])
  })

  test('as of an earlier instant: what was said then, beside what is said now', async () => {
    const about = 'account=globex&meter=http_requests&period=2026-01'
    const then = api.clock.now
    const old = event('globex', '2026-01-05T00:00:00Z')
    await send(old, event('globex', '2026-01-06T00:00:00Z'))
    api.clock.now = (api.clock.now + 60_000_000) as Micros
    const corrected = api.clock.now
    const decision = { author: 'Ada', reason: 'sent twice' }
    await api.call('POST', '/v1/corrections', { kind: 'retract', event: { source: 'edge', seq: old.seq }, ...decision })
    api.clock.now = (api.clock.now + 60_000_000) as Micros
    await send(event('globex', '2026-01-07T00:00:00Z'))
    const asOf = async (instant: number) =>
      (await usage(`${about}&window=day&as_of=${formatInstant(instant as Micros)}`))['as_of'] as Json & { rows: Row[] }
    expect(await asOf(then - 1)).toMatchObject({ total: '0', difference: '2' })
    expect(await asOf(then)).toMatchObject({ total: '2', difference: '0', at: formatInstant(then) })
    expect(await asOf(corrected - 1)).toMatchObject({ total: '2' })
    expect(await asOf(corrected)).toMatchObject({ total: '1', difference: '1' })
    expect((await asOf(then)).rows[4]).toMatchObject({ quantity: '1' })
    expect((await asOf(corrected)).rows[4]).toMatchObject({ quantity: '0' })
    expect(await usage(`${about}&as_of=${formatInstant(api.clock.now)}`)).toMatchObject({
      total: '2',
      as_of: { total: '2' },
    })
    const ahead = formatInstant((api.clock.now + 1) as Micros)
    expect((await api.refused(`/v1/usage?${about}&as_of=${ahead}`))[2]).toContain('in the future')
  })

  test('zones that changed their rules: days are those of the wall clock, and add up', async () => {
    const cases = [
      { zone: 'Pacific/Apia', from: '2011-12-27T00:00:00Z', days: 7 },
      { zone: 'Asia/Pyongyang', from: '2015-08-12T00:00:00Z', days: 6 },
      { zone: 'Asia/Pyongyang', from: '2018-05-02T00:00:00Z', days: 6 },
      { zone: 'America/Caracas', from: '2007-12-06T00:00:00Z', days: 6 },
      { zone: 'Europe/Berlin', from: '2025-10-23T00:00:00Z', days: 5 },
      { zone: 'Europe/Berlin', from: '2026-03-27T00:00:00Z', days: 5 },
      { zone: 'Australia/Lord_Howe', from: '2026-04-03T00:00:00Z', days: 4 },
    ]
    for (const { zone, from, days } of cases) {
      const start = at(from)
      const to = formatInstant((start + days * 86_400_000_000) as Micros)
      // An event every 30 minutes, the nth one n bytes.
      const times = Array.from({ length: days * 48 }, (_, index) => (start + index * 1_800_000_000) as Micros)
      const account = `zone-${zone.toLowerCase().replace('/', '-')}-${from.slice(0, 4)}`
      await send(...times.map((time, index) => event(account, formatInstant(time), { bytes_out_wire: index })))
      const expected = new Map<string, bigint>()
      times.forEach((time, index) => {
        const date = Temporal.Instant.from(formatInstant(time)).toZonedDateTimeISO(zone).toPlainDate().toString()
        expected.set(date, (expected.get(date) ?? 0n) + BigInt(index))
      })
      const answer = await usage(
        `account=${account}&meter=data_out_wire&from=${from}&to=${to}&window=day&timezone=${zone}`,
      )
      const found = rowsOf(answer).map((row) => [
        Temporal.Instant.from(row.from).toZonedDateTimeISO(zone).toPlainDate().toString(),
        BigInt(row.quantity ?? -1),
      ])
      expect(found, `${zone} ${from}`).toEqual([...expected])
      expect(String(added(rowsOf(answer)))).toBe(answer['total'])
    }
  })

  test('a number is opened down to its events, whatever the measure', async () => {
    const explain = (query: string) => api.call('GET', `/v1/usage/explain?account=acme&${query}&period=2026-06`)
    await meter('largest', { kind: 'max', value: 'bytes_out_wire' })
    await meter('mean', { kind: 'average', value: 'bytes_out_wire' })
    await meter('held', { kind: 'level', value: 'bytes_out_wire', mode: 'set', key: 'endpoint', per: 'day' })
    expect(await explain('meter=data_out_wire')).toMatchObject({
      quantity: juneTotal,
      events: '28',
      largest: expect.arrayContaining([expect.objectContaining({ value: '28', time: '2026-06-14T08:00:00Z' })]),
    })
    expect(await explain('meter=largest')).toMatchObject({ quantity: '28', events_with_it: '1', at: [{ value: '28' }] })
    expect(await explain('meter=smallest')).toMatchObject({ quantity: '1', at: [{ time: '2026-06-01T08:00:00Z' }] })
    expect(await explain('meter=mean')).toMatchObject({ quantity: '11.25', events: '28' })
    expect(await explain('meter=http_requests')).toMatchObject({ quantity: '28', events: '28' })
    expect(await explain('meter=hosts')).toMatchObject({
      quantity: '2',
      keys: [{ key: 'a', events: '14', first: { time: '2026-06-01T08:00:00Z' } }, { key: 'b' }],
    })
    const { hours } = (await explain('meter=active_endpoint_hours')) as { hours: Json[] }
    expect(hours).toHaveLength(28)
    expect(hours[0]).toMatchObject({ hour: '2026-06-01T08:00:00Z', key: 'a', events: '1' })
    const { segments } = (await explain('meter=held')) as { segments: Json[] }
    // The level of the last day of May is carried in.
    expect(segments[0]).toMatchObject({
      key: 'a',
      from: '2026-06-01T00:00:00Z',
      to: '2026-06-01T08:00:00Z',
      level: '10',
      set_by: { time: '2026-05-31T08:00:00Z' },
    })
  })

  test('L11: no parameter shows an account anything of another one', async () => {
    const mine = keys.acme
    const others = [
      '&compare=previous',
      '&forecast=true',
      `&as_of=2026-06-15T12:00:00Z`,
      '&format=csv',
      '&top=1&group_by=endpoint',
    ]
    for (const more of ['', ...others, '&filter[endpoint]=secret', '&sum=true']) {
      const refused = await api.refused(`/v1/usage?account=globex&${june}${more}`, mine)
      expect(refused.slice(0, 2), more).toEqual([403, 'ACCOUNT_FORBIDDEN'])
      const answer = await api.server.inject({
        method: 'GET',
        url: `/v1/usage?${june}${more}`,
        headers: { authorization: `Bearer ${mine}` },
      })
      expect(answer.statusCode, answer.body).toBe(200)
      expect(answer.body).not.toMatch(/5555|globex|secret(?!")/)
    }
    for (const path of [`explain?${june}&`, `events?${june}&`, 'export?period=2026-06&']) {
      const refused = await api.refused(`/v1/usage/${path}account=globex`, mine)
      expect(refused.slice(0, 2), path).toEqual([403, 'ACCOUNT_FORBIDDEN'])
    }
    const own = await api.server.inject({
      method: 'GET',
      url: '/v1/usage/export?period=2026-06&meters=data_out_wire&group_by=endpoint',
      headers: { authorization: `Bearer ${mine}` },
    })
    expect(own.statusCode).toBe(200)
    expect(own.body).toContain('acme,data_out_wire')
    expect(own.body).not.toMatch(/5555|globex|secret/)
    expect(await usage(`${june}&filter[endpoint]=secret`, mine)).toMatchObject({ total: '0' })
    expect(await usage(`${june}&filter[endpoint]=secret`, keys.globex)).toMatchObject({ total: '5555' })
  })
})
