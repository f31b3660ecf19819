import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeService } from '../../test/support/fake-service.ts'
import { formats } from './formats.ts'
import type { FormatName } from './formats.ts'
import { importFile } from './import-file.ts'
import type { ImportReport, ImportTask } from './import-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'crossfoot-entries-'))
afterAll(() => rmSync(folder, { recursive: true }))
let service: FakeService
beforeEach(async () => {
  service = await new FakeService().start()
})
afterEach(() => service.stop())

let files = 0
async function importText(format: FormatName, text: string, more: Partial<ImportTask> = {}): Promise<ImportReport> {
  const file = join(folder, `file-${(files += 1)}`)
  writeFileSync(file, text)
  const report = await importFile(
    {
      file,
      reader: formats[format].reader([]),
      rule: undefined,
      source: undefined,
      lines: { from: 1, to: Number.POSITIVE_INFINITY },
      again: false,
      final: false,
      ...more,
    },
    {
      service: { url: service.url, key: 'k' },
      world: { random: () => 0, wait: () => Promise.resolve() },
      onProgress: () => {},
    },
  )
  expect(report.stopped).toBeUndefined()
  return report
}

const cloudfront = [
  '#Version: 1.0',
  '#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query x-edge-request-id x-host-header cs-bytes time-taken',
  '2026-12-04\t21:02:31\tLAX1\t392\t192.0.2.100\tGET\td111.cloudfront.example\t/index.html\t200\t-\tMozilla/5.0%2520(X)\ta=1\tSOX4\tShop.example\t23\t0.001',
  '2026-12-04\t21:02:32\tLAX1\t0\t2001:db8::7\tGET\td111.cloudfront.example\t/\t000\t-\t-\t-\tk6WG\tshop.example\t-\t-',
  '',
].join('\n')

describe('cloudfront', () => {
  test('sizes include headers; what is - is not known, which is not 0 (L13)', async () => {
    const report = await importText('cloudfront', cloudfront)
    expect(report).toMatchObject({ lines: 2, directives: 2, accepted: 2, quarantined: 0 })
    const [first, second] = service.accepted()
    expect(first).toEqual({
      source: [...service.sources.keys()][0],
      seq: 1,
      id: 'SOX4',
      kind: 'http_request',
      phase: 'final',
      time: '2026-12-04T21:02:31Z',
      endpoint: 'shop.example',
      region: 'LAX1',
      method: 'GET',
      status: 200,
      bytes_out_wire: 392,
      bytes_in_wire: 23,
      duration_us: 1_000,
      client_address: '192.0.2.100',
      path: '/index.html?a=1',
      user_agent: 'Mozilla/5.0 (X)',
    })
    expect(second).toMatchObject({ seq: 2, status: 0, bytes_out_wire: 0, path: '/' })
    expect(second).not.toHaveProperty('bytes_in_wire')
    expect(second).not.toHaveProperty('duration_us')
  })

  test('two files that begin with the same directives are two files', async () => {
    await importText('cloudfront', cloudfront)
    await importText('cloudfront', cloudfront.replace('21:02:31', '22:02:31'))
    expect(service.sources.size).toBe(2)
    expect(service.accepted().length).toBe(4)
  })
})

describe('w3c', () => {
  const head = '#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n'
  const first = '#Fields: date time c-ip cs-method cs-uri-stem sc-status sc-bytes time-taken cs(User-Agent)\n'
  const second = '#Fields: time date sc-bytes cs-bytes cs-method\n'
  const text =
    head +
    first +
    '2026-01-02 03:04:05 192.0.2.1 GET /a 200 100 15 Mozilla/5.0+(X)\n' +
    '2026-01-02 03:04:06 192.0.2.1 GET /b 200 101 16 x\n' +
    second +
    '03:04:07 2026-01-02 102 7 POST\n' +
    'broken\n' +
    '#Remark: nothing\n' +
    '03:04:09 2026-01-02 103 - GET\n'

  test('#Fields may change in the middle; directives take no number and leave no hole', async () => {
    const report = await importText('w3c', text)
    expect(report).toMatchObject({ lines: 5, directives: 5, accepted: 4, quarantined: 1 })
    expect(service.accepted().map(({ seq, bytes_out_wire, method }) => [seq, bytes_out_wire, method])).toEqual([
      [1, 100, 'GET'],
      [2, 101, 'GET'],
      [3, 102, 'POST'],
      [5, 103, 'GET'],
    ])
    expect(service.held()).toMatchObject([
      { seq: 4, unreadable: { message: 'the line has 1 fields, and the last #Fields: names 5', line: 'broken' } },
    ])
    expect(service.accepted()[0]).toMatchObject({ duration_us: 15_000, user_agent: 'Mozilla/5.0 (X)' })
  })

  test('goes on after the numbers that the service has, and --lines means numbers of events', async () => {
    await importText('w3c', text, { source: 'iis', lines: { from: 3, to: 3 } })
    expect(service.accepted().map(({ seq, bytes_out_wire }) => [seq, bytes_out_wire])).toEqual([[3, 102]])
    const report = await importText('w3c', text, { source: 'iis' })
    expect(report).toMatchObject({ lines: 5, accepted: 3, quarantined: 1, skipped: 1 })
    const grown = await importText('w3c', `${text}${first}2026-01-02 03:05:00 192.0.2.1 GET /c 200 104 1 x\n`, {
      source: 'iis',
    })
    expect(grown).toMatchObject({ lines: 6, accepted: 1, skipped: 5 })
    expect(service.accepted().map(({ seq }) => seq)).toEqual([1, 2, 3, 5, 6])
  })

  test('a log with the time of day only is of the day of its #Date, and of the next after midnight', () => {
    const reader = formats.w3c.reader([])
    const timeOf = (line: string): unknown => {
      const entries = reader.entriesOf?.(line) ?? []
      const read = entries.map((entry) => reader(entry))[0]
      return read?.ok === true ? read.value.body.time : read?.error
    }
    timeOf('#Fields: time sc-bytes')
    expect(timeOf('23:59:58 1')).toBe('the line has no date and time')
    timeOf('#Date: 2026-12-31 20:00:00')
    expect(timeOf('23:59:58 1')).toBe('2026-12-31T23:59:58Z')
    expect(timeOf('00:00:01 1')).toBe('2027-01-01T00:00:01Z')
    timeOf('#Date: 2027-01-05 00:00:00')
    expect(timeOf('23:59:58 1')).toBe('2027-01-05T23:59:58Z')
    const next = formats.w3c.reader([])
    for (const line of reader.preamble?.() ?? []) next.entriesOf?.(line)
    expect(next('00:00:01 1')).toMatchObject({ value: { body: { time: '2027-01-05T00:00:01Z' } } })
    // A day that does not exist is refused like any other time that cannot be read.
    timeOf('#Date: 2027-02-30 10:00:00')
    expect(timeOf('09:00:00 1')).toMatch(/time/)
  })

  test('without directives nobody knows what a line holds', async () => {
    expect(await importText('w3c', '2026-01-02 03:04:05 1\n')).toMatchObject({ lines: 1, quarantined: 1 })
    expect(service.held()[0]?.unreadable?.message).toMatch(/no #Fields: line stands before/)
  })

  test('a reader that was shown the preamble goes on in the middle of a file', () => {
    const reader = formats['w3c'].reader([])
    for (const line of text.split('\n').slice(0, 6)) reader.entriesOf?.(line)
    const other = formats['w3c'].reader([])
    for (const line of reader.preamble?.() ?? []) other.entriesOf?.(line)
    const line = '03:04:07 2026-01-02 102 7 POST'
    expect(JSON.stringify(other(line))).toBe(JSON.stringify(reader(line)))
    expect(other(line).ok).toBe(true)
  })
})

describe('otlp-json', () => {
  const record = (path: string, size: string, more: object = {}): object => ({
    timeUnixNano: '1767323045123456789',
    attributes: [
      { key: 'http.request.method', value: { stringValue: 'GET' } },
      { key: 'url.path', value: { stringValue: path } },
      { key: 'http.response.status_code', value: { intValue: '200' } },
      { key: 'http.response.body.size', value: { intValue: size } },
      { key: 'http.response.size', value: { intValue: 900 } },
    ],
    ...more,
  })
  const line = (...logRecords: object[]): string =>
    `${JSON.stringify({
      resourceLogs: [
        {
          resource: { attributes: [{ key: 'server.address', value: { stringValue: 'a.example' } }] },
          scopeLogs: [{ logRecords }],
        },
      ],
    })}\n`

  test('every record of a line has a number of its own', async () => {
    const text =
      line(record('/1', '1'), record('/2', '18446744073709551615')) +
      line() +
      line(record('/3', '3'), { timeUnixNano: '0', observedTimeUnixNano: '1767323045000000000', attributes: [] }) +
      'broken\n' +
      line(record('/6', '6', { timeUnixNano: '0', observedTimeUnixNano: '1767323046000000000' }))
    expect(await importText('otlp-json', text)).toMatchObject({ lines: 6, directives: 1, accepted: 4, quarantined: 2 })
    expect(service.accepted().map(({ seq, path, bytes_out_body }) => [seq, path, bytes_out_body])).toEqual([
      [1, '/1', 1],
      [2, '/2', '18446744073709551615'],
      [3, '/3', 3],
      [6, '/6', 6],
    ])
    expect(service.accepted().at(0)).toMatchObject({
      time: '2026-01-02T03:04:05.123456Z',
      endpoint: 'a.example',
      status: 200,
      bytes_out_wire: 900,
    })
    expect(service.accepted().at(-1)).toMatchObject({ time: '2026-01-02T03:04:06Z' })
    expect(service.held().map(({ seq, unreadable }) => [seq, unreadable?.message.slice(0, 30)])).toEqual([
      [4, 'the log record has neither met'],
      [5, 'the line is not JSON: Unexpect'],
    ])
    expect(await importText('otlp-json', text)).toMatchObject({ lines: 6, skipped: 6 })
  })
})
