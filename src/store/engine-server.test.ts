import { createClient } from '@clickhouse/client'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startProxy } from '../../test/support/clickhouse-server-proxy.ts'
import type { AtInsert } from '../../test/support/clickhouse-server-proxy.ts'
import { startClickHouse } from '../../test/support/clickhouse-server.ts'
import type { ClickHouseServer } from '../../test/support/clickhouse-server.ts'
import { arrivalOf, testNow } from '../../test/support/events.ts'
import { openPipeline } from '../../test/support/pipeline.ts'
import { until } from '../../test/support/until.ts'
import { clusterCommandSettings, clusterInsertSettings, clusterReadSettings, openClickHouse } from './engine-server.ts'
import { insertSettings, readSettings } from './engine.ts'
import type { Engine } from './engine.ts'

let server: ClickHouseServer
beforeAll(async () => {
  server = await startClickHouse()
})
afterAll(() => server.close())

async function counted(engine: Engine): Promise<unknown> {
  const [row] = await engine.query(
    'SELECT count() AS n, uniqExact(offset) AS u, sum(bytes_out_wire) AS s FROM fact',
    {},
  )
  return row
}

/** Ten ranges of two years each, through a proxy that does something at one of the inserts. */
async function throughFault(atInsert: AtInsert, mend: () => Promise<unknown>): Promise<unknown> {
  // Counted from the first insert of the projection on.
  let before: number | null = null
  let inserts = 0
  const proxy = await startProxy(server.port, (count) => {
    inserts = count
    return before === null ? 'pass' : atInsert(count - before)
  })
  const address = { ...server.address, url: `http://127.0.0.1:${proxy.port}` }
  const pipeline = await openPipeline(() => openClickHouse(address))
  try {
    const { log, projection } = await pipeline.fresh()
    before = inserts
    let refused = 0
    for (let range = 0; range < 10; range += 1) {
      const events = Array.from({ length: 20 }, (_, index) =>
        arrivalOf({ seq: range * 20 + index + 1, time: `${2024 + (index % 2)}-05-01T00:00:00Z`, bytes_out_wire: 3 }),
      )
      await log.append(events, testNow)
      await until(
        () =>
          projection.catchUp().then(
            () => true,
            async () => {
              refused += 1
              await mend()
              return false
            },
          ),
        30_000,
        'the projection gets through',
      )
    }
    expect(refused).toBeGreaterThan(0)
    return await counted(pipeline.engine)
  } finally {
    await pipeline.close()
    await proxy.close()
  }
}

test('L2: an insert whose answer is lost is sent again and is in once', async () => {
  const lost = await throughFault(
    (count) => (count % 4 === 0 ? 'cut answer' : 'pass'),
    () => Promise.resolve(),
  )
  expect(lost).toEqual({ n: '200', u: '200', s: '600' })
})

test('L2: a server that is killed in the middle of an insert is filled up when it is back', async () => {
  let killed = 0
  const all = await throughFault(
    (count) => {
      if (count !== 5 && count !== 12) return 'pass'
      killed += 1
      return server.kill()
    },
    () => server.restart(),
  )
  expect(all).toEqual({ n: '200', u: '200', s: '600' })
  expect(killed).toBe(2)
})

test('a server that is away is told as NOT_READY, and no message has the password', async () => {
  const nobody = openClickHouse({ ...server.address, url: 'http://127.0.0.1:1', password: 'hunter2' })
  const refused = await nobody.query('SELECT 1', {}).catch((error: unknown) => error as Error)
  expect(refused).toMatchObject({ code: 'NOT_READY', retryAfterSeconds: 5 })
  await expect(nobody.insert({ table: 't', columns: ['a'], rows: '[1]', token: 'x' })).rejects.toThrow('ECONNREFUSED')
  const stranger = openClickHouse({ ...server.address, password: 'hunter2' })
  const denied = await stranger.query('SELECT 1', {}).catch((error: unknown) => error as Error)
  expect(denied).toMatchObject({ code: '516' })
  expect(`${String(refused)}${String(denied)}`).not.toContain('hunter2')
  await Promise.all([nobody.close(), stranger.close()])
})

test('L13: an answer that is cut off is no shorter answer', async () => {
  let asked = 0
  const cutting = createServer((request, response) => {
    asked += 1
    request.resume()
    response.writeHead(200, { 'content-type': 'application/json' })
    // Whole rows, but not the end of the answer.
    response.write('{"n":"1"}\n{"n":"2"}\n', () => response.destroy())
  })
  await new Promise<void>((listening) => cutting.listen(0, '127.0.0.1', listening))
  const { port } = cutting.address() as AddressInfo
  const engine = openClickHouse({ ...server.address, url: `http://127.0.0.1:${port}` })
  const insert = { table: 't', columns: ['a'], rows: '[1]', token: 'x' }
  await expect(engine.query('SELECT n FROM t', {})).rejects.toMatchObject({ code: 'NOT_READY' })
  expect(asked).toBe(2)
  await expect(engine.insert(insert)).rejects.toThrow()
  await engine.close()
  await new Promise((closed) => cutting.close(closed))
})

test('values of any text and length arrive as values, and errors of the engine as errors', async () => {
  const engine = openClickHouse(server.address)
  const texts = [
    "it's",
    'a\\b',
    'tab\tand\nline',
    '{p1:String}',
    'ünïcödé 🦊',
    ...Array.from({ length: 5_000 }, (_, n) => `n${n}`),
  ]
  const [row] = await engine.query<{ n: string; first: string; number: string }>(
    'SELECT length({all:Array(String)}) AS n, {all:Array(String)}[3] AS first, toUInt64({number:UInt64}) AS number',
    { all: texts, number: 5 },
  )
  expect(row).toEqual({ n: String(texts.length), first: 'tab\tand\nline', number: '5' })
  await expect(engine.query('SELECT * FROM nowhere', {})).rejects.toMatchObject({ code: '60', type: 'UNKNOWN_TABLE' })
  // L12: what a question may take arrives with it.
  const [bounds] = await engine.query(
    "SELECT getSetting('max_memory_usage') AS m, getSetting('max_execution_time') AS t",
    {},
  )
  expect(bounds).toEqual({ m: 2_000_000_000, t: 60 })
  await engine.close()
})

test('the stand-in speaks the protocol: packed bodies and answers, and nothing of a body that was cut', async () => {
  const { url, username, password } = server.address
  const packed = createClient({ url, username, password, compression: { request: true, response: true } })
  await packed.command({ query: 'CREATE TABLE packed (a UInt64) ENGINE = MergeTree ORDER BY a' })
  await packed.insert({ table: 'packed', columns: ['a'], format: 'JSONCompactEachRow', values: [[1], [2]] })
  const socket = connect(server.port, '127.0.0.1')
  const query = encodeURIComponent('INSERT INTO packed (a) FORMAT JSONCompactEachRow')
  const authorization = Buffer.from(`${username}:${password}`).toString('base64')
  socket.write(
    `POST /?query=${query} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ${authorization}\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n[3]\n\r\n`,
  )
  await new Promise<void>((done) => void socket.end(() => done()))
  const result = await packed.query({ query: 'SELECT sum(a) AS s, count() AS n FROM packed', format: 'JSONEachRow' })
  expect(await result.json()).toEqual([{ s: 3, n: 2 }])
  expect(await packed.ping()).toMatchObject({ success: true })
  await packed.close()
})

test('every setting that is sent is one that the engine has', async () => {
  const engine = openClickHouse(server.address)
  const sent = Object.keys({
    ...readSettings,
    ...insertSettings,
    ...clusterReadSettings,
    ...clusterInsertSettings,
    ...clusterCommandSettings,
    insert_deduplication_token: '',
  })
  const rows = await engine.query<{ name: string }>(
    'SELECT name FROM system.settings WHERE has({sent:Array(String)}, name)',
    {
      sent,
    },
  )
  expect(rows.map(({ name }) => name).toSorted()).toEqual(sent.toSorted())
  await engine.close()
})
