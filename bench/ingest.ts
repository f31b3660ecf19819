/**
 * Ingest of NDJSON over HTTP until acknowledged, and until queryable. The yardstick is the engine's own bulk
 * insert of the same rows into the same tables, in this run, on this machine, with nothing else in between.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseEvent } from '../src/ingest/event.ts'
import { parseJson } from '../src/ingest/json.ts'
import type { LogRecord } from '../src/core/record.ts'
import { systemClock } from '../src/core/time.ts'
import { openChdb } from '../src/store/engine.ts'
import { migrateStore } from '../src/store/migrate.ts'
import { planInserts } from '../src/store/project.ts'

const root = join(import.meta.dirname, '..')
const batchSize = 5_000

/** Lines of one batch: numbered events of four edge servers with everything an access log has. */
function batchOf(number: number, minute: number): string[] {
  return Array.from({ length: batchSize }, (_, index) => {
    const seq = Math.floor((number * batchSize + index) / 4) + 1
    const spread = (number * 7_919 + index * 104_729) % 50_000
    return JSON.stringify({
      source: `edge-${index % 4}`,
      seq,
      kind: 'http_request',
      time: new Date(minute - (spread % 3_600) * 1_000).toISOString(),
      account: `customer-${spread % 500}`,
      endpoint: `api-${spread % 900}.example.com`,
      protocol: 'HTTP/1.1',
      method: spread % 5 === 0 ? 'POST' : 'GET',
      status: spread % 40 === 0 ? 500 : 200,
      bytes_out_wire: 300 + (spread % 9_000),
      bytes_out_body: spread % 9_000,
      bytes_in_wire: 200 + (spread % 700),
      duration_us: 900 + spread,
      client_address: `192.0.2.${spread % 250}`,
      path: `/v1/things/${spread}?page=${spread % 9}`,
      user_agent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36',
    })
  })
}

interface Running {
  readonly address: string
  readonly key: string
  readonly readySeconds: number
  memoryMegabytes(): number
  stop(): Promise<void>
}

/** Kilobytes of a field of a file of /proc, in megabytes. */
function megabytesOf(file: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(file, 'utf8'))?.[1] ?? 0) / 1024
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .flatMap((child) => (child === '' ? [] : [Number(child), ...childrenOf(Number(child))]))
}

/** Resident memory of the service, and of its Postgres by proportional shares: its processes share most of theirs. */
function memoryOf(pid: number): number {
  const postgres = childrenOf(pid).reduce(
    (total, child) => total + megabytesOf(`/proc/${child}/smaps_rollup`, 'Pss'),
    0,
  )
  return megabytesOf(`/proc/${pid}/status`, 'VmRSS') + postgres
}

async function startService(data: string): Promise<Running> {
  const started = performance.now()
  const child = spawn(process.execPath, ['--max-semi-space-size=32', join(root, 'src/app/main.ts'), '--empty'], {
    env: { ...process.env, CROSSFOOT_DATA: data, PORT: '0', LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const match = /crossfoot ready at (\S+)/.exec(line)
    if (match === null) continue
    child.stdout.resume()
    return {
      address: match[1] ?? '',
      key: readFileSync(join(data, 'dev-api-key'), 'utf8').trim(),
      readySeconds: (performance.now() - started) / 1000,
      memoryMegabytes: () => memoryOf(child.pid ?? 0),
      stop: () =>
        new Promise((resolve) => {
          child.on('exit', () => resolve())
          child.kill('SIGTERM')
        }),
    }
  }
  throw new Error('the service ended before it was ready')
}

async function yardstick(directory: string, batches: readonly string[][]): Promise<number> {
  const engine = openChdb(directory)
  await migrateStore(engine, join(root, 'migrations/clickhouse'))
  const now = systemClock.now()
  let offset = 0
  const records = batches.flat().map((line): LogRecord => {
    const parsed = parseJson(line)
    const arrival = parseEvent(parsed.ok ? parsed.value : null, line, { now, ownerAt: () => null })
    if (arrival.kind !== 'event') throw new Error('the benchmark sends good events')
    const { account, fact, inspection, time } = arrival.event
    offset += 1
    return { offset: (offset - 1) as never, ingested: now, time, account, fact, inspection, correction: null }
  })
  const large = 100_000
  let seconds = 0
  for (let from = 0; from < records.length; from += large) {
    const part = records.slice(from, from + large)
    const inserts = planInserts({ first: from as never, next: (from + part.length) as never }, part)
    const started = performance.now()
    for (const insert of inserts) await engine.insert(insert)
    seconds += (performance.now() - started) / 1000
  }
  await engine.close()
  return records.length / seconds
}

export interface IngestFigures {
  readonly events: number
  readonly acknowledgedPerSecond: number
  readonly queryablePerSecond: number
  readonly yardstickPerSecond: number
  readonly readySeconds: number
  readonly readyAgainSeconds: number
  readonly idleMegabytes: number
  readonly loadedMegabytes: number
}

async function sendAll(service: Running, batches: readonly string[][]): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    for (let batch = batches[next++]; batch !== undefined; batch = batches[next++]) {
      const answer = await fetch(`${service.address}/v1/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${service.key}`, 'content-type': 'application/x-ndjson' },
        body: batch.join('\n'),
      })
      const receipt = (await answer.json()) as { accepted?: number }
      if (receipt.accepted !== batch.length)
        throw new Error(`not all accepted: ${JSON.stringify(receipt).slice(0, 300)}`)
    }
  }
  await Promise.all([worker(), worker()])
}

async function untilQueryable(service: Running): Promise<void> {
  for (;;) {
    const ready = (await (await fetch(`${service.address}/readyz`)).json()) as { events_not_yet_counted: number }
    if (ready.events_not_yet_counted === 0) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** One run in directories of its own. */
export async function measureIngest(events: number): Promise<IngestFigures> {
  const directory = mkdtempSync(join(tmpdir(), 'crossfoot-bench-'))
  const minute = Date.now()
  const batches = Array.from({ length: events / batchSize }, (_, number) => batchOf(number, minute))
  try {
    const service = await startService(join(directory, 'data'))
    const idleMegabytes = service.memoryMegabytes()
    const started = performance.now()
    await sendAll(service, batches)
    const acknowledged = (performance.now() - started) / 1000
    await untilQueryable(service)
    const queryable = (performance.now() - started) / 1000
    const loadedMegabytes = service.memoryMegabytes()
    await service.stop()
    const again = await startService(join(directory, 'data'))
    const readyAgainSeconds = again.readySeconds
    await again.stop()
    return {
      events,
      acknowledgedPerSecond: events / acknowledged,
      queryablePerSecond: events / queryable,
      yardstickPerSecond: await yardstick(join(directory, 'yardstick'), batches),
      readySeconds: service.readySeconds,
      readyAgainSeconds,
      idleMegabytes,
      loadedMegabytes,
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
