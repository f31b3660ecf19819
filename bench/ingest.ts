/**
 * Ingest of NDJSON over HTTP until acknowledged, and until queryable, in requests of one, a hundred and five thousand
 * events. The yardsticks are measured in the same run on the same machine.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { startPostgres } from '../src/app/postgres.ts'
import type { PostgresServer } from '../src/app/postgres.ts'
import { bodies, eventLines } from './events.ts'
import { sendLines, startService, untilQueryable } from './service.ts'
import type { RunningService } from './service.ts'
import { bulkInsert, postgresInserts } from './yardsticks.ts'

export interface Shape {
  readonly perRequest: number
  /** Requests that are under way at any time. */
  readonly connections: number
  readonly events: number
}

/** Enough of each for some seconds on a small machine. */
export const shapes: readonly Shape[] = [
  { perRequest: 1, connections: 64, events: 20_000 },
  { perRequest: 100, connections: 16, events: 150_000 },
  { perRequest: 5_000, connections: 2, events: 300_000 },
]

export interface Latency {
  readonly p50: number
  readonly p99: number
}

export interface ShapeFigures extends Shape {
  readonly acknowledgedPerSecond: number
  readonly queryablePerSecond: number
  readonly latency: Latency
  /** At half of the rate that was reached. */
  readonly halfLoadLatency: Latency
  readonly processorMicrosPerEvent: number
}

export interface IngestFigures {
  readonly shapes: readonly ShapeFigures[]
  readonly bulkInsertPerSecond: number
  readonly postgresBatchesPerSecond: number
  readonly postgresRowsPerSecond: number
  readonly readySeconds: number
  readonly readyAgainSeconds: number
  readonly idleMegabytes: number
  readonly loadedMegabytes: number
}

function latencyOf(millis: readonly number[]): Latency {
  const sorted = millis.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return { p50: at(0.5), p99: at(0.99) }
}

/** All requests as fast as they are answered, so many at once. */
async function closedLoop(service: RunningService, shape: Shape, source: Iterator<Buffer>): Promise<number[]> {
  const prepared = Array.from({ length: shape.events / shape.perRequest }, () => source.next().value as Buffer)
  const millis: number[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    for (let body = prepared[next++]; body !== undefined; body = prepared[next++])
      millis.push(await sendLines(service, body, shape.perRequest))
  }
  await Promise.all(Array.from({ length: shape.connections }, worker))
  return millis
}

/** Requests at a fixed rate for some seconds, whether or not the one before is answered. */
export async function openLoop(
  service: RunningService,
  { perRequest, rate, seconds }: { readonly perRequest: number; readonly rate: number; readonly seconds: number },
  source: Iterator<Buffer>,
): Promise<number[]> {
  const count = Math.max(20, Math.floor((rate / perRequest) * seconds))
  const prepared = Array.from({ length: count }, () => source.next().value as Buffer)
  const started = performance.now()
  const answers: Promise<number>[] = []
  for (const [index, body] of prepared.entries()) {
    const wait = started + (index * perRequest * 1000) / rate - performance.now()
    if (wait > 1) await pause(wait)
    answers.push(sendLines(service, body, perRequest))
  }
  return Promise.all(answers)
}

/** One shape on a service of its own, configured by `env` besides its directory. */
export async function measureShape(
  shape: Shape,
  directory: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ShapeFigures> {
  const service = await startService(directory, env)
  const source = bodies(shape.perRequest, Date.now())
  await closedLoop(service, { ...shape, events: shape.perRequest * 20 }, source)
  await untilQueryable(service)
  const processor = service.processorSeconds()
  const started = performance.now()
  const millis = await closedLoop(service, shape, source)
  const acknowledged = (performance.now() - started) / 1000
  await untilQueryable(service)
  const queryable = (performance.now() - started) / 1000
  const used = service.processorSeconds() - processor
  const halfLoad = { perRequest: shape.perRequest, rate: shape.events / queryable / 2, seconds: 5 }
  const halfLoadMillis = await openLoop(service, halfLoad, source)
  await service.stop()
  return {
    ...shape,
    acknowledgedPerSecond: shape.events / acknowledged,
    queryablePerSecond: shape.events / queryable,
    latency: latencyOf(millis),
    halfLoadLatency: latencyOf(halfLoadMillis),
    processorMicrosPerEvent: (used * 1e6) / shape.events,
  }
}

/** A Postgres of its own below a directory. */
export function openPostgres(parent: string): Promise<PostgresServer> {
  return startPostgres({
    directory: join(parent, 'postgres'),
    created: [parent],
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    log: () => undefined,
    onExit: () => undefined,
  })
}

async function postgresYardstick(parent: string, lines: readonly string[]): Promise<[number, number]> {
  const server = await openPostgres(parent)
  try {
    return [
      await postgresInserts(server.url, lines, { perStatement: 5_000, seconds: 10 }),
      await postgresInserts(server.url, lines, { perStatement: 1, seconds: 5 }),
    ]
  } finally {
    await server.stop()
  }
}

/** One run in directories of its own. */
export async function measureIngest(note: (text: string) => void): Promise<IngestFigures> {
  const directory = mkdtempSync(join(tmpdir(), 'crossfoot-bench-'))
  const lines = eventLines(0, 300_000, Date.now())
  try {
    const first = await startService(join(directory, 'data'))
    const idleMegabytes = first.memoryMegabytes()
    const source = bodies(5_000, Date.now())
    await closedLoop(first, { perRequest: 5_000, connections: 2, events: 300_000 }, source)
    await untilQueryable(first)
    const loadedMegabytes = first.memoryMegabytes()
    await first.stop()
    const again = await startService(join(directory, 'data'))
    await again.stop()
    const measured: ShapeFigures[] = []
    for (const shape of shapes) {
      note(`${shape.perRequest} per request`)
      measured.push(await measureShape(shape, join(directory, `data-${shape.perRequest}`)))
    }
    note('yardsticks')
    const bulkInsertPerSecond = await bulkInsert(join(directory, 'yardstick'), lines)
    const [batches, rows] = await postgresYardstick(directory, lines)
    return {
      shapes: measured,
      bulkInsertPerSecond,
      postgresBatchesPerSecond: batches,
      postgresRowsPerSecond: rows,
      readySeconds: first.readySeconds,
      readyAgainSeconds: again.readySeconds,
      idleMegabytes,
      loadedMegabytes,
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
