import { createHash } from 'node:crypto'
import { appendFileSync, copyFileSync, createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { once } from 'node:events'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import * as fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeService } from '../../test/support/fake-service.ts'
import type { Fault } from '../../test/support/fake-service.ts'
import { formats } from './formats.ts'
import type { FormatName } from './formats.ts'
import { addsUp, importFile } from './import-file.ts'
import type { ImportReport, ImportTask } from './import-file.ts'
import { limits } from './limits.ts'

const folder = mkdtempSync(join(tmpdir(), 'crossfoot-import-'))
afterAll(() => rmSync(folder, { recursive: true }))

let service: FakeService
beforeEach(async () => {
  service = await new FakeService().start()
})
afterEach(() => service.stop())

const everyLine = { from: 1, to: Number.POSITIVE_INFINITY }

interface Options extends Partial<ImportTask> {
  readonly format?: FormatName
  readonly onProgress?: () => void
}

function importInto(file: string, options: Options = {}): Promise<ImportReport> {
  const { format = 'nginx-json', onProgress = () => {}, ...rest } = options
  return importFile(
    {
      file,
      reader: formats[format].reader([]),
      rule: undefined,
      source: undefined,
      lines: everyLine,
      again: false,
      final: false,
      ...rest,
    },
    {
      service: { url: service.url, key: 'k' },
      world: { random: () => 0, wait: () => Promise.resolve() },
      onProgress,
    },
  )
}

let files = 0
function write(content: string | Buffer): string {
  files += 1
  const file = join(folder, `file-${files}`)
  writeFileSync(file, content)
  return file
}

const line = (number: number): string => JSON.stringify({ msec: 1_400_000_000 + number, body_bytes_sent: number })
const linesUpTo = (last: number, first = 1): string =>
  Array.from({ length: last - first + 1 }, (_, index) => `${line(first + index)}\n`).join('')
const request = (path: string): string => `${JSON.stringify({ msec: 1, request: `GET ${path} HTTP/1.1` })}\n`
const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1)
const counts = ({ lines, accepted, duplicates, quarantined, skipped }: ImportReport): number[] => [
  lines,
  accepted,
  duplicates,
  quarantined,
  skipped,
]
/** What the service has, by number: each line once, with the bytes of that line. */
const bytesByNumber = (): unknown[] => service.accepted().map(({ seq, bytes_out_body }) => [seq, bytes_out_body])
const oncePerLine = (last: number): unknown[] => upTo(last).map((number) => [number, number])

describe('importFile', () => {
  test('each line is one event, under the hash of the first line and its own number', async () => {
    const report = await importInto(write(linesUpTo(12_345)))
    expect(counts(report)).toEqual([12_345, 12_345, 0, 0, 0])
    expect(bytesByNumber()).toEqual(oncePerLine(12_345))
    const source = `file:${createHash('sha256').update(line(1)).digest('hex').slice(0, 32)}`
    expect(report.source).toBe(source)
    expect([...service.sources.keys()]).toEqual([source])
    expect(service.requests[0]?.path).toBe(`/v1/sources/${encodeURIComponent(source)}`)
    expect(service.underWayMost).toBeLessThanOrEqual(limits.batchesInFlightMax)
    for (const { events, bytes } of service.requests) {
      expect(events).toBeLessThanOrEqual(limits.batchEventsMax)
      expect(bytes).toBeLessThanOrEqual(limits.batchBytesMax)
    }
  })

  test('a file that was renamed, compressed and has grown goes on where it stopped', async () => {
    const file = write(linesUpTo(100))
    await importInto(file)
    copyFileSync(file, `${file}-renamed`)
    expect(counts(await importInto(`${file}-renamed`))).toEqual([100, 0, 0, 0, 100])
    appendFileSync(file, linesUpTo(150, 101))
    expect(counts(await importInto(file))).toEqual([150, 50, 0, 0, 100])
    for (const compressed of [gzipSync(linesUpTo(160)), zstdCompressSync(linesUpTo(170))])
      await importInto(write(compressed))
    expect(bytesByNumber()).toEqual(oncePerLine(170))
  })

  test('--again sends everything, and the service finds the duplicates', async () => {
    const file = write(linesUpTo(100))
    await importInto(file)
    expect(counts(await importInto(file, { again: true }))).toEqual([100, 0, 100, 0, 0])
  })

  test('in two halves at once and backwards in pieces: each line once', async () => {
    const file = write(linesUpTo(9_000))
    const [first, second] = await Promise.all([
      importInto(file, { lines: { from: 1, to: 4_500 } }),
      importInto(file, { lines: { from: 4_501, to: Number.POSITIVE_INFINITY } }),
    ])
    expect([counts(first), counts(second)]).toEqual([
      [4_500, 4_500, 0, 0, 0],
      [4_500, 4_500, 0, 0, 0],
    ])
    expect(bytesByNumber()).toEqual(oncePerLine(9_000))
    service.sources.clear()
    for (let from = 8_001; from >= 1; from -= 1_000) await importInto(file, { lines: { from, to: from + 999 } })
    expect(bytesByNumber()).toEqual(oncePerLine(9_000))
    expect(counts(await importInto(file))).toEqual([9_000, 0, 0, 0, 9_000])
  })

  test('whatever the network does and wherever an import ends, each line counts once (L2)', async () => {
    const faults = fc.constantFrom<Fault>(
      'none',
      'none',
      'drop-before',
      'drop-after',
      { status: 503 },
      { status: 429 },
      { status: 401, code: 'KEY_INVALID' },
    )
    const text = linesUpTo(11_000)
    const file = write(text)
    await fc.assert(
      fc.asyncProperty(fc.array(faults, { maxLength: 12 }), async (plan) => {
        service.sources.clear()
        let left = [...plan]
        service.fault = () => left.shift() ?? 'none'
        // A 401 ends an import in the middle. The same command again goes on.
        let last = await importInto(file)
        while (last.stopped !== undefined) last = await importInto(file)
        expect(addsUp(last)).toBe(true)
        expect(bytesByNumber()).toEqual(oncePerLine(11_000))
        left = []
        expect(counts(await importInto(file))).toEqual([11_000, 0, 0, 0, 11_000])
      }),
      { numRuns: 15 },
    )
  }, 20_000)

  test('lines that cannot be read keep their number and land in quarantine with reason and text', async () => {
    const content = Buffer.concat([
      Buffer.from(`${line(1)}\n{"broken\n\n   \r\n`),
      Buffer.from([0x7b, 0xff, 0xfe, 0x7d, 0x0a]),
      Buffer.from(`{"body_bytes_sent":1}\n${line(7)}\r\n`),
    ])
    const report = await importInto(write(content))
    expect(counts(report)).toEqual([7, 2, 0, 5, 0])
    expect(bytesByNumber()).toEqual([
      [1, 1],
      [7, 7],
    ])
    expect(service.held().map(({ seq, unreadable }) => [seq, unreadable?.message, unreadable?.line])).toEqual([
      [2, expect.stringMatching(/^the line is not JSON/), '{"broken'],
      [3, 'the line is blank', ''],
      [4, 'the line is blank', '   \r'],
      [5, 'the line is not valid UTF-8; its broken bytes are shown as \\xNN', '{\\xFF\\xFE}'],
      [6, 'the line has no time', '{"body_bytes_sent":1}'],
    ])
    expect(report.quarantinedFirst.map((result) => result.line)).toEqual([2, 3, 4, 5, 6])
    // What is in quarantine has its place, and is not sent again.
    expect(counts(await importInto(write(content)))).toEqual([7, 0, 0, 0, 7])
  })

  test('a byte order mark belongs to the file and not to its first event', async () => {
    expect(counts(await importInto(write(`\u{feff}${linesUpTo(2)}`)))).toEqual([2, 2, 0, 0, 0])
  })

  test('a line of 100 MB is one line in quarantine, and its neighbours are read', async () => {
    const file = join(folder, 'long')
    const stream = createWriteStream(file)
    stream.write(`${line(1)}\n`)
    for (let sent = 0; sent < 100; sent += 1)
      if (!stream.write(Buffer.alloc(1_000_000, 'x'))) await once(stream, 'drain')
    stream.end(`\n${line(3)}\n`)
    await once(stream, 'finish')
    // Only what is still held after a collection tells what the reader keeps.
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    collect()
    const before = process.memoryUsage().arrayBuffers
    let most = 0
    let chunks = 0
    const onProgress = (): void => {
      chunks += 1
      if (chunks % 20 > 0) return
      collect()
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    }
    expect(counts(await importInto(file, { onProgress }))).toEqual([3, 2, 0, 1, 0])
    expect(chunks).toBeGreaterThan(300)
    // A reader that kept the line would hold 100 MB in the end. Chunks that were let go are swept by another thread after
    // the collection, so some megabytes of them are still counted at times.
    expect(most).toBeLessThan(20_000_000)
    const [held] = service.held()
    expect(held?.seq).toBe(2)
    expect(held?.unreadable).toEqual({
      message: 'the line has 100,000,000 bytes, more than 1,048,576; its first 4,096 are kept',
      line: 'x'.repeat(4_096),
    })
  })

  test('lines that are too long for one event are kept in part, under their number', async () => {
    const long = JSON.stringify({ time: '2026-08-01T10:00:00Z', attributes: { a: 'y'.repeat(300_000) } })
    const report = await importInto(write(`{"time":1}\n${long}\n${'z'.repeat(40_000)}\n`), { format: 'ndjson' })
    expect(counts(report)).toEqual([3, 1, 0, 2, 0])
    const [event, broken] = service.held()
    expect(event?.unreadable?.message).toMatch(
      /^the event has 300,\d{3} characters, more than 262,144; the line has 300,\d{3} bytes/,
    )
    expect(event?.unreadable?.line).toBe(long.slice(0, 32_768))
    expect(broken?.unreadable?.message).toMatch(/the line has 40,000 bytes, its beginning is kept$/)
  })

  test('a last line without a newline is left out of a plain file, and taken with --final or when it is complete', async () => {
    const file = write(linesUpTo(3).slice(0, -5))
    const report = await importInto(file)
    expect(counts(report)).toEqual([2, 2, 0, 0, 0])
    expect(report.unfinished).toEqual({ line: 3, bytes: line(3).length - 4 })
    writeFileSync(file, linesUpTo(3))
    expect(counts(await importInto(file))).toEqual([3, 1, 0, 0, 2])
    expect(bytesByNumber()).toEqual(oncePerLine(3))
    appendFileSync(file, line(4))
    expect(counts(await importInto(file, { final: true }))).toEqual([4, 1, 0, 0, 3])
    appendFileSync(file, '\n')
    expect(counts(await importInto(file))).toEqual([4, 0, 0, 0, 4])
  })

  test('the last line of a compressed file is complete', async () => {
    const report = await importInto(write(gzipSync(linesUpTo(3).trimEnd())))
    expect(counts(report)).toEqual([3, 3, 0, 0, 0])
    expect(report.unfinished).toBeUndefined()
  })

  test('a single line without a newline is nothing, or with --final the whole file', async () => {
    const file = write(line(1))
    expect(await importInto(file)).toMatchObject({ lines: 0, source: undefined, unfinished: { line: 1 } })
    expect(counts(await importInto(file, { final: true }))).toEqual([1, 1, 0, 0, 0])
    expect(await importInto(write(''))).toMatchObject({ lines: 0, source: undefined, unfinished: undefined })
  })

  test('a gzip file that was cut off tells how far it came, and the whole one goes on there', async () => {
    const whole = gzipSync(linesUpTo(20_000))
    const report = await importInto(write(whole.subarray(0, whole.length >> 1)))
    const { damage } = report
    expect(damage?.reason).toBe('the gzip data ends too early: the file was cut off')
    expect(damage?.afterLine).toBe(report.lines)
    expect(report.lines).toBeGreaterThan(5_000)
    expect(linesUpTo(report.lines).length).toBeLessThanOrEqual(damage?.contentBytes ?? 0)
    expect(linesUpTo(report.lines + 1).length).toBeGreaterThan(damage?.contentBytes ?? 0)
    expect(bytesByNumber()).toEqual(oncePerLine(report.lines))
    const rest = await importInto(write(whole))
    expect(counts(rest)).toEqual([20_000, 20_000 - report.lines, 0, 0, report.lines])
    expect(bytesByNumber()).toEqual(oncePerLine(20_000))
  })

  test('another file with the same first line is not taken for this one', async () => {
    await importInto(write(linesUpTo(100)))
    const other = write(`${line(1)}\n${linesUpTo(299, 201)}`)
    const report = await importInto(other)
    expect(report.stopped).toMatch(
      /another file with the same first line .* give a name of your own with --source.* repeat the options of then$/,
    )
    // Nothing of it was counted as the first file's.
    expect(bytesByNumber()).toEqual(oncePerLine(100))
    expect(counts(await importInto(other, { source: 'other' }))).toEqual([100, 100, 0, 0, 0])
    const again = await importInto(other, { again: true })
    expect(again.stopped).toMatch(/give a name of your own with --source/)
    expect(bytesByNumber().length).toBe(200)
  })

  test('two files under one --source are told apart from their first line on', async () => {
    await importInto(write(linesUpTo(1)), { source: 'mine' })
    expect((await importInto(write(linesUpTo(2, 2)), { source: 'mine' })).stopped).toMatch(/under the source mine/)
  })

  test('a service that refuses stops the import with its reason, and one that is not there at once', async () => {
    const file = write(linesUpTo(10))
    service.fault = () => ({ status: 403, code: 'SCOPE_MISSING', message: 'this key may not send events' })
    expect((await importInto(file)).stopped).toBe(
      'this key may not send events (SCOPE_MISSING). The same command goes on where this one stopped',
    )
    await service.stop()
    const report = await importInto(file)
    expect(report.stopped).toBe(`crossfoot is not running at ${service.url}; start it with npm start`)
    service = await new FakeService().start()
  })

  test('accounts are given where the rule finds one, and the rest is counted', async () => {
    const file = write(request('/t/acme/') + request('/') + request('/t/!/') + request('/t/beta/'))
    const report = await importInto(file, { rule: { kind: 'pattern', field: 'request', pattern: /\/t\/([^/]+)/ } })
    expect(service.accepted().map(({ account }) => account)).toEqual(['acme', undefined, undefined, 'beta'])
    expect(report).toMatchObject({ accountMissing: 1, accountNotKey: 1, withoutSize: 4 })
  })

  test('a line of ndjson with an identity of its own keeps it', async () => {
    const own = '{"source":"edge-1","seq":70,"time":"2026-08-01T10:00:00Z"}'
    const named = '{"source":"edge-1","id":"x","time":"2026-08-01T10:00:00Z"}'
    await importInto(write(`${own}\n${named}\n{"id":"y","time":"2026-08-01T10:00:00Z"}\n`), { format: 'ndjson' })
    const [numbered, ...others] = [...service.source('edge-1').accepted.values()].map(({ event }) => event)
    expect([numbered, ...others]).toEqual([JSON.parse(own), JSON.parse(named)])
    expect(service.accepted().filter(({ source }) => source.startsWith('file:'))).toMatchObject([{ seq: 3, id: 'y' }])
  })
})
