import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatNames, formats } from './formats.ts'
import type { FormatName } from './formats.ts'
import { limits } from './limits.ts'
import { numberLines } from './numbered-lines.ts'
import { OpenConnections } from './open-connections.ts'
import { linesOfExport } from './otlp-export.ts'
import { SpoolNotes } from './spool-notes.ts'
import { SyslogFramer, messageLine } from './syslog-framer.ts'

/** What the readers look for, in all the wrong places. */
const oddPieces = (
  '" | |\t|- |[|]|{|}|:|,|/|#Fields: |#Fields: date time sc-bytes|#Date: 2026-02-30 00:00:00|\\x|%25|::|1|null|' +
  '0/0/0/0/0 |2026|1e5|1e999|{"resourceLogs":[|"attributes":[{"key":"a","value":{"arrayValue":null}}]|' +
  '"access_log_type":"TcpPeriodic"|192.0.2.1:1 [06/Feb/2026:12:14:14.655] a b/c | - - [17/May/2015:10:05:03 +0000] "'
).split('|')

/** Lines as they are written, to be cut, doubled and disturbed. */
const realLines: readonly string[] = [
  '{"remote_addr":"127.0.0.1","time_local":"17/Nov/2013:06:31:30 -0500","request":"GET / HTTP/1.1","status":"200","body_bytes_sent":"6690","request_time":"0.002"}',
  '192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 203023 "http://r.example/" "Mozilla/5.0"',
  '{"level":"info","ts":1646861401.5241024,"logger":"http.log.access","request":{"host":"a.example","uri":"/"},"duration":0.000929675,"size":10900,"status":200}',
  '[2026-04-15T20:17:00.310Z] "POST /api/v1 HTTP/2" 204 - 154 0 226 100 "192.0.2.35" "nsq2http" "cc21d9b0" "a.example" "198.51.100.1:80"',
  '{"start_time":"2026-04-15T20:17:00.310Z","access_log_type":"TcpPeriodic","connection_id":7,"duration":5,"bytes_sent":5,"response_code":0}',
  'Feb  6 12:14:14 localhost haproxy[14389]: 10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET /index.html HTTP/1.1"',
  '2026-01-02\t03:04:05\t192.0.2.1\tGET\t/a\t200\t100\t15\tMozilla',
  'https 2018-07-02T22:23:00.186641Z app/my-lb/50dc 192.0.2.131:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 0 57 "GET https://a.example:443/ HTTP/1.1" "curl/7.46.0" A B C "D" "E" "F" 1 2018-07-02T22:22:48.364000Z "forward" "-" "-" "1" "200" "-" "-"',
  '{"EdgeStartTimestamp":1700000000123456789,"EdgeEndTimestamp":"2026-01-02T03:04:05Z","EdgeResponseBytes":5,"EdgeResponseStatus":200}',
  '{"resourceLogs":[{"resource":{"attributes":[]},"scopeLogs":[{"logRecords":[{"timeUnixNano":"1","attributes":[{"key":"http.request.method","value":{"stringValue":"GET"}}]}]}]}]}',
  '{"event_type":"http_request_complete.v0","event_timestamp":"2026-01-02T03:04:05Z","object":{"http":{"response":{"body_length":5}}}}',
]

const disturbed = fc
  .tuple(
    fc.constantFrom(...realLines),
    fc.nat(),
    fc.nat(),
    fc.constantFrom('cut', 'drop', 'double', 'insert'),
    fc.string(),
  )
  .map(([line, one, other, how, text]) => {
    const [from, to] = [one % line.length, other % line.length].toSorted((a, b) => a - b) as [number, number]
    if (how === 'cut') return line.slice(0, to)
    if (how === 'drop') return line.slice(0, from) + line.slice(to)
    if (how === 'double') return line.slice(0, to) + line.slice(from)
    return line.slice(0, from) + text + line.slice(to)
  })

function readAll(format: FormatName, lines: readonly (string | Uint8Array)[]) {
  const reader = formats[format].reader([], { timeZone: 'UTC' })
  const connections = new OpenConnections(new SpoolNotes())
  const received = lines.map((line) => ({ bytes: Buffer.from(line as string), length: Buffer.byteLength(line) }))
  return numberLines(received, 0, { source: 's', epoch: 'e', reader, rule: undefined, connections })
}

describe('every format', () => {
  test('any text is read or refused, and neither throws nor takes long', () => {
    const pieces = fc.constantFrom(...oddPieces)
    const text = fc.oneof(
      disturbed,
      disturbed,
      fc.string(),
      fc.uint8Array({ maxLength: 60 }),
      fc.json(),
      fc.array(pieces, { maxLength: 30 }).map((parts) => parts.join('')),
      fc.tuple(pieces, fc.nat(30_000)).map(([piece, times]) => piece.repeat(times)),
    )
    fc.assert(
      fc.property(fc.constantFrom(...formatNames), fc.array(text, { maxLength: 4 }), (format, lines) => {
        const { events, seq } = readAll(format, lines)
        // Every entry is one event, and each is JSON that the service can take.
        expect(seq).toBeLessThanOrEqual(events.length)
        for (const event of events) expect(JSON.parse(event)).toMatchObject({ source: 's' })
      }),
      { numRuns: 2_000 },
    )
  })

  test('what is deep, huge or without an end is one entry in quarantine', () => {
    const odd = [
      '{"a":'.repeat(100_000),
      `{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
      `{"msec":1,"request":"${'x'.repeat(1_000_000)}"}`,
      `{${'"a":1,'.repeat(150_000)}"b":1}`,
      `{"msec":${'1'.repeat(1_000_000)}}`,
      '"'.repeat(1_000_000),
      ' '.repeat(1_000_000),
      '\t'.repeat(1_000_000),
    ]
    for (const format of formatNames) {
      const { events } = readAll(format, odd)
      expect(events.length).toBe(odd.length)
      for (const event of events) expect(event.length).toBeLessThanOrEqual(limits.eventCharactersMax)
    }
  })
})

describe('receivers', () => {
  test('any bytes are an export or none, in both encodings, and a small one does not become a large one', () => {
    // Built of real tags and lengths more often than chance would.
    const field = fc
      .tuple(fc.constantFrom(0x0a, 0x12, 0x32, 0x09, 0x59, 0x18, 0x21, 0x2a, 0x0b), fc.uint8Array({ maxLength: 12 }))
      .map(([tag, content]) => Buffer.from([tag, content.length, ...content]))
    const nested = fc.tuple(fc.array(field, { maxLength: 6 }), fc.nat(3)).map(([fields, depth]) => {
      let bytes = Buffer.concat(fields)
      for (let level = 0; level < depth; level += 1)
        bytes = Buffer.concat([Buffer.from([level === 2 ? 0x0a : 0x12, bytes.length & 127]), bytes])
      return bytes
    })
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
      nested,
      disturbed.map((text) => Buffer.from(text)),
    )
    fc.assert(
      fc.property(body, fc.constantFrom('json' as const, 'protobuf' as const), (bytes, encoding) => {
        const lines = linesOfExport(bytes, encoding)
        if (!lines.ok) return
        const context = { source: 's', epoch: 'e', reader: formats['otlp-json'].reader([]), rule: undefined }
        const { events } = numberLines(lines.value, 0, context)
        expect(events.length).toBe(lines.value.length)
      }),
      { numRuns: 2_000 },
    )
    // A resource of half a megabyte and many records that repeat it.
    const resource = { attributes: [{ key: 'a', value: { stringValue: 'x'.repeat(500_000) } }] }
    const logRecords = Array.from({ length: 10_000 }, () => ({}))
    const request = JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] })
    expect(linesOfExport(Buffer.from(request), 'json')).toMatchObject({ ok: false, error: { kind: 'too-large' } })
    expect(formats['otlp-json'].reader([]).entriesOf?.(request)).toEqual([request])
  })

  test('any bytes are syslog messages', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .constantFrom('<13>', '1 ', '999999999 <', '\n', '[a b="', '\\', ']', 'Nov 22 15:38:05 ', 'a: ')
        .map((text) => Buffer.from(text)),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (chunks) => {
        const framer = new SyslogFramer()
        const all = Buffer.concat(chunks)
        const lines = [...chunks.flatMap((chunk) => framer.push(Buffer.from(chunk))), ...framer.end(), messageLine(all)]
        const { events } = numberLines(lines, 0, {
          source: 's',
          epoch: 'e',
          reader: formats['nginx-json'].reader([]),
          rule: undefined,
        })
        expect(events.length).toBe(lines.length)
      }),
      { numRuns: 1_000 },
    )
  })
})
