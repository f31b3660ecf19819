import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventsInLog, ndjson, receiptOf } from '../support/answers.ts'
import { everything } from '../support/ledger.ts'
import { discardData, startService, temporaryDirectory } from '../support/service.ts'
import type { RunningService } from '../support/service.ts'

const dayMillis = 86_400_000
const daysLate = { 'a day': 1, 'a month': 30, 'three years': 1_096 } as const
const lateness = Object.entries(daysLate)

/** Half past the hour, so that no window begins there. */
function timeBefore(days: number): string {
  return `${new Date(Date.now() - days * dayMillis).toISOString().slice(0, 13)}:30:00Z`
}

/** The window of a day, an hour or a month in UTC that an instant lies in, by the text alone. */
const startOf = {
  hour: (time: string) => `${time.slice(0, 13)}:00:00Z`,
  day: (time: string) => `${time.slice(0, 10)}T00:00:00Z`,
  month: (time: string) => `${time.slice(0, 7)}-01T00:00:00Z`,
} as const

describe('an event that is late', () => {
  const data = temporaryDirectory('late')
  let service: RunningService
  const send = async (event: object) => {
    const body = JSON.stringify({ kind: 'http_request', account: 'acme', bytes_out_wire: 7, ...event })
    return receiptOf(await service.post('/v1/events', body, ndjson))
  }
  const usage = async (query: string) => {
    const { body } = await service.get(`/v1/usage?account=acme&meter=data_out_wire&timezone=UTC&${query}`)
    return body as { total: string; rows: { from: string; quantity: string }[] }
  }
  /** Where traffic is, window by window, in the month around an instant. */
  const filled = async (time: string, window: string) => {
    const from = startOf.month(time)
    const to = new Date(Date.parse(from) + 32 * dayMillis).toISOString().slice(0, 7)
    const { rows } = await usage(`window=${window}&from=${from}&to=${to}-01T00:00:00Z`)
    return new Map(
      rows.filter(({ quantity }) => quantity !== '0').map(({ from, quantity }) => [from, BigInt(quantity)]),
    )
  }
  beforeAll(async () => {
    service = await startService({ data })
    expect((await service.post('/v1/accounts', { key: 'acme' })).status).toBe(201)
  })
  afterAll(() => discardData(data))

  test.each(lateness)(
    'by %s, numbered: accepted, in its own window, and what was counted before stays',
    async (_, days) => {
      const time = timeBefore(days)
      const seq = 10 + days
      const before = String(await eventsInLog(service))
      const windows = ['hour', 'day', 'month'] as const
      const countedBefore = await Promise.all(windows.map((window) => filled(time, window)))
      const totalBefore = BigInt((await usage(everything)).total)
      expect(await send({ source: 'edge', seq, time })).toMatchObject({ accepted: 1, results: [] })
      for (const [index, window] of windows.entries()) {
        const expected = new Map(countedBefore[index])
        const start = startOf[window](time)
        expected.set(start, (expected.get(start) ?? 0n) + 7n)
        expect(await filled(time, window), window).toEqual(expected)
      }
      // L5: an invoice that counted below an offset is counted again to the same.
      expect(await usage(`${everything}&below=${before}`)).toMatchObject({ total: String(totalBefore) })
      expect(await usage(everything)).toMatchObject({ total: String(totalBefore + 7n) })
      // L2 at any age: the same again is no traffic, and other content under its number neither.
      expect(await send({ source: 'edge', seq, time })).toMatchObject({ duplicates: 1, accepted: 0 })
      expect(await send({ source: 'edge', seq, time, bytes_out_wire: 8 })).toMatchObject({
        quarantined: 1,
        results: [{ code: 'EVENT_CONFLICT' }],
      })
      expect(await usage(everything)).toMatchObject({ total: String(totalBefore + 7n) })
    },
  )

  test.each(lateness)(
    'by %s, without a number: counted while it can be told from a repetition, else told the way',
    async (_, days) => {
      const event = { source: 'app', id: `late-${days}`, time: timeBefore(days) }
      const before = await usage(everything)
      const first = await send(event)
      if (days < 35) {
        expect(first).toMatchObject({ accepted: 1 })
        expect(await send(event)).toMatchObject({ duplicates: 1 })
        expect((await usage(everything)).total).toBe(String(BigInt(before.total) + 7n))
        return
      }
      expect(first).toMatchObject({ quarantined: 1, results: [{ code: 'EVENT_TIME_TOO_OLD', field: 'time' }] })
      expect(first.results[0]?.message).toMatch(/35 days.*POST \/v1\/backfills/)
      expect((await usage(everything)).total).toBe(before.total)
      const { body } = await service.get('/v1/quarantine?limit=10')
      expect((body as { rows: unknown[] }).rows).toContainEqual(
        expect.objectContaining({
          id: `late-${days}`,
          problem: expect.objectContaining({ code: 'EVENT_TIME_TOO_OLD' }),
        }),
      )
    },
  )

  test('into a month whose invoice is issued: the invoice and its number stay, and its usage can be counted again', async () => {
    const month = timeBefore(40).slice(0, 7)
    const period = `from=${month}-01&to=${new Date(Date.parse(`${month}-01`) + 32 * dayMillis).toISOString().slice(0, 7)}-01`
    const time = `${month}-15T12:00:00Z`
    await send({ source: 'edge', seq: 2, time, bytes_out_wire: 1_000 })
    await service.post('/v1/plans', {
      key: 'plan',
      name: 'Plan',
      currency: 'USD',
      effective_from: '2020-01-01T00:00:00Z',
      prices: [{ key: 'out', name: 'Data out', meter: 'data_out_wire', model: { kind: 'per_unit', unit_amount: '1' } }],
    })
    await service.post('/v1/subscriptions', { account: 'acme', plan: 'plan', from: '2020-01-01T00:00:00Z' })
    const draft = (await service.post('/v1/invoices', { account: 'acme', month })).body as { id: string }
    const waiver = { by: 'Mira', reason: 'a test of what comes late', value_at_risk: '0' }
    const issued = await service.post(`/v1/invoices/${draft.id}/issue`, { waiver })
    expect(issued.status, JSON.stringify(issued.body)).toBe(200)
    const { log_offset: offset } = issued.body as { log_offset: string }
    const counted = await usage(period)
    expect(issued.body).toMatchObject({ total: `${counted.total}.00` })
    expect(await send({ source: 'edge', seq: 3, time, bytes_out_wire: 5 })).toMatchObject({ accepted: 1 })
    expect((await usage(period)).total).toBe(String(BigInt(counted.total) + 5n))
    expect((await usage(`${period}&below=${offset}`)).total).toBe(counted.total)
    expect((await service.get(`/v1/invoices/${draft.id}`)).body).toEqual(issued.body)
  })
})
