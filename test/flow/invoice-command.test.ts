import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dispatch } from '../../src/app/cli/main.ts'
import { invoiceCommand } from '../../src/app/cli/invoice.ts'
import { removeDirectory, startService, temporaryDirectory } from '../support/service.ts'
import type { RunningService } from '../support/service.ts'

/** The command line against the real service: from events to a printed invoice and back down to the events. */
let service: RunningService
let data: string

beforeAll(async () => {
  data = temporaryDirectory('invoice-command')
  service = await startService({ data })
  await good('/v1/accounts', { key: 'acme', name: 'Acme', time_zone: 'Asia/Kolkata', currency: 'USD' })
  await good('/v1/accounts', { key: 'planless' })
  await good('/v1/plans', {
    key: 'usual',
    name: 'Usual',
    currency: 'USD',
    effective_from: '2020-01-01T00:00:00Z',
    prices: [
      { key: 'fee', name: 'Base fee', model: { kind: 'flat', amount: '20' } },
      { key: 'requests', name: 'Requests', meter: 'http_requests', model: { kind: 'per_unit', unit_amount: '0.5' } },
      { key: 'out', name: 'Data out', meter: 'data_out_body', model: { kind: 'per_unit', unit_amount: '0.01' } },
    ],
  })
  await good('/v1/subscriptions', { account: 'acme', plan: 'usual', from: '2020-01-01T00:00:00Z' })
  await good('/v1/events', [
    event(1, at(2, '09:15'), 100),
    event(2, at(2, '09:45'), 50),
    event(3, at(1, '23:00'), null),
  ])
})
afterAll(async () => {
  await service.stop()
  removeDirectory(data)
})

// Ingest takes what is at most 35 days old; the last days of the last month always are.
const lastMonth = Temporal.Now.plainDateISO('Asia/Kolkata').with({ day: 1 }).subtract({ days: 1 })
const month = lastMonth.toPlainYearMonth().toString()

/** So many days before the last month ended, at this time in India. */
function at(daysBefore: number, time: string): string {
  const zoned = lastMonth.subtract({ days: daysBefore }).toZonedDateTime({ timeZone: 'Asia/Kolkata', plainTime: time })
  return zoned.toInstant().toString()
}

function event(seq: number, time: string, bytes: number | null): object {
  const size = bytes === null ? {} : { bytes_out_body: bytes }
  return { source: 'edge', seq, kind: 'http_request', account: 'acme', time, endpoint: 'a.example', ...size }
}

async function good(path: string, body: object): Promise<void> {
  const { status, body: answer } = await service.post(path, body)
  if (status >= 300) throw new Error(`${path}: ${status} ${JSON.stringify(answer)}`)
}

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function run(...words: readonly string[]): Promise<Ran> {
  let [out, err] = ['', '']
  const code = await dispatch(
    ['invoice', ...words],
    {
      stdout: { write: (text) => (out += text) },
      stderr: { write: (text) => (err += text) },
      isTTY: false,
      columns: 100,
      env: { CROSSFOOT_URL: service.address, CROSSFOOT_KEY: service.key },
    },
    [invoiceCommand],
  )
  return { code, out, err }
}

describe('crossfoot invoice', () => {
  test('show makes a draft of an account’s month', async () => {
    const { code, out } = await run('show', 'acme', '--month', month)
    expect(code).toBe(0)
    expect(out).toContain(`Draft for ${month}`)
    expect(out).toMatch(/3 requests/)
    expect(out).toMatch(/1 event carried no size/)
    // 20 + 3 × 0.50 + 150 × 0.01
    expect(out).toMatch(/Total +23\.00 USD/)
  })

  test('issue --all issues who has a plan, tells who has not, and again changes nothing', async () => {
    const first = await run('issue', '--all', '--month', month)
    expect(first).toMatchObject({ code: 1, out: expect.stringContaining('acme: INV-000001, 23.00 USD\n') })
    expect(first.err).toContain('planless: not issued')
    expect(first.out).not.toContain('unattributed')
    const again = await run('issue', 'acme', '--month', month)
    expect(again).toEqual({ code: 0, out: 'acme: INV-000001, 23.00 USD (was issued before)\n', err: '' })
  })

  test('issue is refused while the month is not over', async () => {
    const { code, err } = await run('issue', 'acme', '--month', '2199-12')
    expect([code, err]).toEqual([1, expect.stringContaining('INVOICE_PERIOD_OPEN')])
  })

  test('list, show by number and account, JSON and page', async () => {
    const listed = JSON.parse((await run('list', '--account', 'acme', '--json')).out)
    expect(listed).toMatchObject([
      { number: null, status: 'draft', month: '2199-12' },
      { number: 'INV-000001', account: 'acme', month, total: '23.00' },
    ])
    expect((await run('list')).out).toContain('INV-000001')
    const byNumber = JSON.parse((await run('show', 'INV-000001', '--json')).out)
    expect(byNumber).toMatchObject({ status: 'issued', number: 'INV-000001', total: '23.00', lines: [{}, {}, {}] })
    const page = await run('show', 'INV-000001', '--html')
    expect(page.out).toMatch(/^<!doctype html>/)
    const { body } = await service.get('/v1/invoices/INV-000001/html')
    expect(page.out).toBe(body)
  })

  test('line opens to days, hours and events, in the zone of the account', async () => {
    const { code, out } = await run('line', 'acme', '3', '--month', month, '--hours', '--events')
    expect(code).toBe(0)
    // Hours begin where the clocks of India show a full hour, half an hour beside those of UTC.
    expect(out).toMatch(/09:00 +150\n/)
    expect(out).toMatch(/23:00 +0 +1 without a size\n/)
    expect(out).toContain('Events: all 3')
    expect(out.match(/ source=edge /g)).toHaveLength(3)
    const day = lastMonth.subtract({ days: 1 }).toString()
    const narrowed = JSON.parse(
      (await run('line', 'acme', '2', '--month', month, '--day', day, '--events', '--json')).out,
    )
    expect(narrowed).toMatchObject({ line: { quantity: '3' }, events: [{ seq: '3' }], more: false })
    const limited = JSON.parse(
      (await run('line', 'acme', '2', '--month', month, '--events', '--limit', '2', '--json')).out,
    )
    expect(limited).toMatchObject({ events: [{ seq: '1' }, { seq: '2' }], more: true })
  })

  test('L5: traffic that comes after the invoice does not mix into what the invoice counted', async () => {
    await good('/v1/events', [event(4, at(2, '09:50'), 7)])
    const { out } = await run('line', 'acme', '3', '--month', month, '--hours')
    expect(out).toMatch(/Sum +150\n/)
    const answer = await service.get(
      `/v1/usage?account=acme&meter=data_out_body&from=${at(27, '00:00')}&to=${at(-1, '00:00')}`,
    )
    expect(answer.body).toMatchObject({ total: '157' })
  })

  test.each([
    [[], 'say what to do'],
    [['lst'], 'Did you mean list?'],
    [['list', 'acme'], 'takes nothing'],
    [['show', 'acme', '--month', '2026-13'], 'is not a month'],
    [['show', 'acme', '--all'], '--all means nothing'],
    [['show', 'nobody'], 'add --month'],
    [['issue', '--month', '2026-10'], '--all'],
    [['issue', 'acme'], '--month is missing'],
    [['issue', 'acme', '--month', '2026-10', '--waive', 'why'], '--by'],
    [['line', 'acme', 'x', '--month', '2026-10'], 'LINE x'],
    [['line', 'acme', '1', '--month', '2026-10', '--day', '2026-10-32'], 'is not a day'],
    [['show', 'acme', '--nothing'], '--nothing'],
  ])('%j is a wrong call', async (words, hint) => {
    const { code, err } = await run(...words)
    expect([code, err]).toEqual([2, expect.stringContaining(hint)])
  })
})
