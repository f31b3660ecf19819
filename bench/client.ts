/**
 * The client library: what `record` costs the host, and how many events a second go through it until a service that
 * does nothing else has acknowledged them. `node bench/client.ts [events] [--json]`. Yardsticks, in the same run: the
 * `JSON.stringify` of the same events, which any client has to do, and one write of each line to a file.
 */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { zstdDecompressSync } from 'node:zlib'
import { createClient } from '../src/collect/client/client.ts'
import type { RecordedEvent } from '../src/collect/client/client.ts'

const count = Number(process.argv.find((argument) => /^\d+$/.test(argument)) ?? 200_000)

function eventOf(number: number): RecordedEvent {
  return {
    kind: 'http_request',
    time: '2026-11-22T10:00:00.123Z',
    account: `customer-${number % 500}`,
    endpoint: `api-${number % 900}.example.com`,
    method: 'GET',
    status: 200,
    bytes_out_wire: 300 + (number % 9_000),
    bytes_out_body: number % 9_000,
    duration_us: 900 + number,
    client_address: `192.0.2.${number % 250}`,
    path: `/v1/things/${number}?page=${number % 9}`,
    user_agent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36',
  }
}

/** Nanoseconds for one call, on an event loop that turns now and then. */
async function nanosecondsOf(work: (number: number) => void): Promise<number> {
  let spent = 0
  for (let number = 0; number < count;) {
    const end = Math.min(number + 500, count)
    const from = performance.now()
    for (; number < end; number += 1) work(number)
    spent += performance.now() - from
    await new Promise((done) => setImmediate(done))
  }
  return (spent * 1e6) / count
}

async function throughClient(spool: string, url: string): Promise<{ nanoseconds: number; perSecond: number }> {
  const client = createClient({ url, source: 'bench', spool, spoolBytesMax: 1_073_741_824, sendEveryMs: 50 })
  client.record(eventOf(0))
  await client.flush()
  const from = performance.now()
  const nanoseconds = await nanosecondsOf((number) => void client.record(eventOf(number)))
  const isSent = await client.flush({ limitMs: 120_000 })
  const perSecond = (count * 1e3) / (performance.now() - from)
  const { lost } = await client.close()
  if (!isSent || lost > 0) throw new Error(`not all events arrived; ${lost} were lost`)
  return { nanoseconds, perSecond }
}

const server = createServer((request, response) => {
  const answer = async (): Promise<void> => {
    const body = await buffer(request)
    const isEvents = request.url === '/v1/events'
    const received = isEvents ? zstdDecompressSync(body).toString('latin1').split('\n').length - 1 : 0
    const receipt = { received, accepted: received, duplicates: 0, quarantined: 0, results: [] }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(receipt))
  }
  void answer()
})
await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const directory = mkdtempSync(join(tmpdir(), 'crossfoot-bench-client-'))
try {
  const stringify = await nanosecondsOf((number) => void JSON.stringify(eventOf(number)))
  const file = openSync(join(directory, 'lines'), 'a')
  const written = await nanosecondsOf((number) => void writeSync(file, `${JSON.stringify(eventOf(number))}\n`))
  closeSync(file)
  const files = await throughClient(join(directory, 'spool'), url)
  const memory = await throughClient('memory', url)
  const figures = { events: count, stringify, written, files, memory }
  if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify(figures)}\n`)
  else
    process.stdout.write(
      [
        `${count} events`,
        `  JSON.stringify alone           ${stringify.toFixed(0)} ns`,
        `  and one write to a file        ${written.toFixed(0)} ns`,
        `  record(), spool on disk        ${files.nanoseconds.toFixed(0)} ns   ${files.perSecond.toFixed(0)} events/s to acknowledged`,
        `  record(), spool in memory      ${memory.nanoseconds.toFixed(0)} ns   ${memory.perSecond.toFixed(0)} events/s to acknowledged`,
        '',
      ].join('\n'),
    )
} finally {
  server.close()
  server.closeAllConnections()
  rmSync(directory, { recursive: true })
}
