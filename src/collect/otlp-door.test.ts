import { Buffer } from 'node:buffer'
import { request as send } from 'node:http'
import { mkdtempSync, rmSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeService } from '../../test/support/fake-service.ts'
import type { Micros } from '../core/time.ts'
import { Agent } from './agent.ts'
import type { Door } from './door.ts'
import { formats } from './formats.ts'
import { limits } from './limits.ts'
import { openOtlpDoor } from './otlp-door.ts'
import { Spool } from './spool.ts'

const root = mkdtempSync(join(tmpdir(), 'crossfoot-otlp-'))
afterAll(() => rmSync(root, { recursive: true }))

let service: FakeService
let agent: Agent
let door: Door
let spool: string
let runs = 0
const notes: string[] = []

function openAgent(bytesMax = 1e9): Agent {
  const openReader = () => formats['otlp-json'].reader([])
  const task = { paths: [], openReader, rule: undefined, source: 'edge', spool: { directory: spool, bytesMax } }
  return new Agent(
    task,
    { url: service.url, key: 'k' },
    {
      random: () => 0,
      wait: () => Promise.resolve(),
      now: () => 1_800_000_000_000_000 as Micros,
      newEpoch: () => 'epoch',
      note: (message) => notes.push(message),
    },
  )
}

async function openDoor(): Promise<void> {
  door = await openOtlpDoor(
    { host: '127.0.0.1', port: 0 },
    {
      source: agent.source,
      openReader: () => formats['otlp-json'].reader([]),
      receive: (lines, reader) => agent.receive(lines, reader),
      declareLost: (lines) => agent.declareLost(lines),
      wait: () => Promise.resolve(),
      note: (message) => notes.push(message),
    },
  )
}

beforeEach(async () => {
  service = await new FakeService().start()
  spool = join(root, String((runs += 1)))
  notes.length = 0
  agent = openAgent()
  await openDoor()
})
afterEach(async () => {
  await door.close()
  agent.close()
  await service.stop()
})

interface Answer {
  readonly status: number
  readonly type: string | undefined
  readonly retryAfter: string | undefined
  readonly body: Buffer
}

function post(body: Buffer | string, headers: Record<string, string>, path = '/v1/logs'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = send({ port: door.port, host: '127.0.0.1', path, method: 'POST', headers }, (response) => {
      const { statusCode = 0, headers: answered } = response
      void buffer(response).then((all) =>
        resolve({
          status: statusCode,
          type: answered['content-type'],
          retryAfter: answered['retry-after'],
          body: all,
        }),
      )
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

const json = { 'content-type': 'application/json' }
const protobuf = { 'content-type': 'application/x-protobuf' }

/** The wire format by hand, with the numbers of opentelemetry-proto: what the reader has to agree with. */
function varint(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, value)
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return Buffer.from([...bytes, Number(rest)])
}
const block = (field: number, content: Buffer | string): Buffer => {
  const bytes = Buffer.from(content as string)
  return Buffer.concat([varint(BigInt(field << 3) | 2n), varint(BigInt(bytes.length)), bytes])
}
const fixed64 = (field: number, value: bigint): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return Buffer.concat([varint(BigInt(field << 3) | 1n), bytes])
}
const text = (value: string): Buffer => block(1, value)
const int = (value: bigint): Buffer => Buffer.concat([varint(3n << 3n), varint(value)])
const attribute = (field: number, key: string, value: Buffer): Buffer =>
  block(field, Buffer.concat([block(1, key), block(2, value)]))
const exportOf = (records: readonly Buffer[]): Buffer => {
  const resource = block(1, Buffer.concat([attribute(1, 'cloud.region', text('eu-1')), block(9, 'unknown')]))
  const scope = block(2, Buffer.concat([block(1, block(1, 'a scope')), ...records.map((record) => block(2, record))]))
  return block(1, Buffer.concat([resource, scope, block(3, 'https://schema')]))
}
const at = 1_700_000_000_123_456_789n
const record = (bytes: bigint, uid?: string): Buffer =>
  Buffer.concat([
    fixed64(1, at),
    block(5, text('a body that nobody reads')),
    attribute(6, 'http.request.method', text('GET')),
    attribute(6, 'server.address', text('a.example')),
    attribute(6, 'http.response.status_code', int(200n)),
    attribute(6, 'http.response.body.size', int(bytes)),
    attribute(6, 'user_agent.original', block(5, block(1, text('curl')))),
    ...(uid === undefined ? [] : [attribute(6, 'log.record.uid', text(uid))]),
    fixed64(11, at + 5n),
  ])

const jsonRecord = (bytes: number, more: object[] = []): object => ({
  timeUnixNano: String(at),
  attributes: [
    { key: 'http.request.method', value: { stringValue: 'GET' } },
    { key: 'http.response.body.size', value: { intValue: String(bytes) } },
    ...more,
  ],
})
const jsonExport = (...logRecords: object[]): string =>
  JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] })

async function sendAll(): Promise<void> {
  while (await agent.send());
}

describe('OTLP/HTTP', () => {
  test('binary protobuf, also packed: each record is an event, exact to the last byte', async () => {
    const body = exportOf([record(5n), record(9_007_199_254_740_993n)])
    for (const answer of [
      await post(body, protobuf),
      await post(gzipSync(body), { ...protobuf, 'content-encoding': 'gzip' }),
    ])
      expect(answer).toMatchObject({ status: 200, type: 'application/x-protobuf', body: Buffer.alloc(0) })
    await sendAll()
    expect(service.accepted().map(({ seq, bytes_out_body }) => [seq, bytes_out_body])).toEqual([
      [1, 5],
      [2, '9007199254740993'],
      [3, 5],
      [4, '9007199254740993'],
    ])
    expect(service.accepted()[0]).toMatchObject({
      source: 'edge',
      epoch: 'epoch',
      kind: 'http_request',
      time: '2023-11-14T22:13:20.123456Z',
      method: 'GET',
      status: 200,
      endpoint: 'a.example',
      region: 'eu-1',
      user_agent: 'curl',
    })
  })

  test('JSON is answered in JSON, and records that cannot be read are told and kept', async () => {
    expect(await post(jsonExport(jsonRecord(7)), json)).toMatchObject({
      status: 200,
      type: 'application/json',
      body: Buffer.from('{}'),
    })
    const other = { timeUnixNano: String(at), attributes: [{ key: 'a', value: { stringValue: 'b' } }] }
    const answer = await post(jsonExport(other, jsonRecord(8), other), json)
    expect(JSON.parse(answer.body.toString())).toEqual({
      partialSuccess: {
        rejectedLogRecords: '2',
        errorMessage: expect.stringMatching(/^2 log records are in quarantine .* neither method nor status/),
      },
    })
    await sendAll()
    expect(service.accepted().map(({ seq, bytes_out_body }) => [seq, bytes_out_body])).toEqual([
      [1, 7],
      [3, 8],
    ])
    expect(service.held().map(({ seq }) => seq)).toEqual([2, 4])
  })

  test('JSON: whatever is nested below a record costs neither its neighbours nor the record', async () => {
    let deep: object = { stringValue: 'a " and a \\ and ]}' }
    for (let level = 0; level < 40; level += 1) deep = { kvlistValue: { values: [{ key: '[{', value: deep }] } }
    const nested = { ...jsonRecord(8, [{ key: 'deep', value: deep }]), body: deep, severityText: '}]"' }
    expect(await post(jsonExport(jsonRecord(7), nested, jsonRecord(9)), json)).toMatchObject({
      status: 200,
      body: Buffer.from('{}'),
    })
    // So deep that not even a call per level is possible, beside a number that a double does not hold.
    const bottomless = `${'['.repeat(50_000)}0.5${']'.repeat(50_000)}`
    const [before = '', after = ''] = jsonExport(jsonRecord(10), { ...jsonRecord(11), body: 'HERE' }).split('"HERE"')
    expect((await post(before + bottomless + after, json)).status).toBe(200)
    expect((await post(`${before}${bottomless}]${after}`, json)).status).toBe(400)
    await sendAll()
    expect(service.accepted().map(({ bytes_out_body }) => bytes_out_body)).toEqual([7, 8, 9, 10, 11])
    const [first] = formats['otlp-json'].reader([]).entriesOf?.(jsonExport(jsonRecord(7), nested)) ?? []
    expect(first).toContain('"http.response.body.size":"7"')
  })

  test('a partial success in protobuf; a broken record costs its neighbours nothing', async () => {
    const answer = await post(exportOf([record(1n), Buffer.from([0x32, 0x7f, 1]), record(2n)]), protobuf)
    expect(answer.status).toBe(200)
    // partial_success (1) { rejected_log_records (1): 1, error_message (2): … }
    expect(answer.body[0]).toBe(0x0a)
    expect([...answer.body.subarray(2, 5)]).toEqual([0x08, 1, 0x12])
    expect(answer.body.toString()).toContain('1 log records are in quarantine')
    await sendAll()
    expect(service.accepted().map(({ bytes_out_body }) => bytes_out_body)).toEqual([1, 2])
  })

  test('a record with an id counts once however often it comes, one without as often as it comes', async () => {
    const body = exportOf([record(5n, 'uid-1'), record(6n)])
    for (let times = 0; times < 3; times += 1) await post(body, protobuf)
    await sendAll()
    const events = service.accepted()
    const own = events.filter(({ id }) => id === 'uid-1')
    expect(own).toMatchObject([{ source: 'edge', bytes_out_body: 5 }])
    expect(own.some((event) => 'seq' in event)).toBe(false)
    expect(events.filter(({ id }) => id === undefined).map(({ seq }) => seq)).toEqual([1, 2, 3])
  })

  test('when the answer is there, the records are on disk', async () => {
    await post(exportOf([record(5n), record(6n)]), protobuf)
    const bounds = { bytesMax: 1e9, segmentBytesMax: 1e6 }
    const found = new Spool(spool, bounds, () => {
      throw new Error('there is no spool')
    })
    expect(found.next({ eventsMax: 10, bytesMax: 1e6 })?.events.length).toBe(2)
    found.close()
  })

  test('a full spool takes nothing of an export and says when to come again', async () => {
    await door.close()
    agent.close()
    spool = join(root, 'small')
    agent = openAgent(20_000)
    await openDoor()
    const body = jsonExport(...Array.from({ length: 20 }, (_, index) => jsonRecord(index)))
    const statuses: number[] = []
    for (let times = 0; times < 10; times += 1) statuses.push((await post(body, json)).status)
    const taken = statuses.filter((status) => status === 200).length
    expect(taken).toBeGreaterThan(0)
    expect(statuses.slice(taken)).toEqual(Array(10 - taken).fill(503))
    expect(await post(body, json)).toMatchObject({ status: 503, retryAfter: '1' })
    await sendAll()
    expect(service.accepted().length).toBe(20 * taken)
    expect(await post(body, json)).toMatchObject({ status: 200 })
    // What could never fit is not asked for again.
    const huge = jsonExport(...Array.from({ length: 500 }, (_, index) => jsonRecord(index)))
    expect(await post(huge, json)).toMatchObject({ status: 413 })
    expect(agent.lost).toBe(0)
  })

  test('what is no export is refused with a status in its own encoding', async () => {
    const cases: readonly [Buffer | string, Record<string, string>, number, string?][] = [
      ['{"resourceLogs":5}', json, 400],
      ['nonsense', json, 400],
      [Buffer.from([1, 2, 3]), protobuf, 400],
      ['x', { ...protobuf, 'content-encoding': 'gzip' }, 400],
      ['x', { ...protobuf, 'content-encoding': 'br' }, 415],
      ['x', { 'content-type': 'text/plain' }, 415],
      ['{}', json, 404, '/v1/traces'],
      [gzipSync(Buffer.alloc(limits.otlpBodyBytesMax + 1, 32)), { ...json, 'content-encoding': 'gzip' }, 413],
      [Buffer.alloc(limits.otlpBodyBytesMax + 1, 32), json, 413],
      // Records without anything in them are the smallest: two bytes each.
      [exportOf(Array(limits.otlpRecordsMax + 1).fill(Buffer.alloc(0))), protobuf, 413],
    ]
    for (const [body, headers, status, path] of cases) expect(await post(body, headers, path)).toMatchObject({ status })
    const refused = await post('nonsense', json)
    expect(JSON.parse(refused.body.toString())).toMatchObject({ code: 3, message: expect.stringContaining('not JSON') })
    expect([...(await post(Buffer.from([1, 2, 3]), protobuf)).body.subarray(0, 3)]).toEqual([0x08, 3, 0x12])
    expect(await post('{}', json)).toMatchObject({ status: 200, body: Buffer.from('{}') })
    expect(agent.seq).toBe(0)
  })

  test('many at once share what is durable, and none is mixed up', async () => {
    const each = Array.from({ length: 40 }, (_, index) => index + 1)
    const answers = await Promise.all(each.map((bytes) => post(exportOf([record(BigInt(bytes))]), protobuf)))
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    await sendAll()
    const seen = service.accepted().map(({ bytes_out_body }) => Number(bytes_out_body))
    expect(seen.toSorted((a, b) => a - b)).toEqual(each)
    expect(service.accepted().map(({ seq }) => seq)).toEqual(each)
  })
})
