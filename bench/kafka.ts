/**
 * Appends to the log on a one-node Kafka, and to the embedded log in the same run, which is the yardstick:
 * `node bench/kafka.ts`. Java 17 and Maven are needed. The broker, its client and both logs share this machine.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Arrival } from '../src/core/record.ts'
import type { Micros } from '../src/core/time.ts'
import { parseEvent } from '../src/ingest/event.ts'
import { openKafkaLog } from '../src/log/kafka.ts'
import { openLmdbLog } from '../src/log/lmdb.ts'
import type { EventLog } from '../src/log/log.ts'
import { startKafka } from '../test/support/kafka/cluster.ts'
import { eventLines } from './events.ts'

interface Shape {
  readonly perAppend: number
  readonly atOnce: number
  readonly events: number
}

const shapes: readonly Shape[] = [
  { perAppend: 1, atOnce: 64, events: 20_000 },
  { perAppend: 100, atOnce: 16, events: 100_000 },
  { perAppend: 5_000, atOnce: 4, events: 300_000 },
]
const now = (Date.UTC(2026, 9, 15, 12) * 1000) as Micros

function arrivals(from: number, count: number): Arrival[] {
  return eventLines(from, count, now / 1000).map((line) =>
    parseEvent(JSON.parse(line) as Record<string, unknown>, line, { now, ownerAt: () => null }),
  )
}

interface Figures {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
}

/** Appends from so many hands at once; parsing is done before the clock starts. */
async function measure(log: EventLog, from: number, { perAppend, atOnce, events }: Shape): Promise<Figures> {
  const batches = Array.from({ length: events / perAppend }, (_, index) =>
    arrivals(from + index * perAppend, perAppend),
  )
  const latencies: number[] = []
  const hand = async (): Promise<void> => {
    for (let batch = batches.pop(); batch !== undefined; batch = batches.pop()) {
      const begin = performance.now()
      const { outcomes } = await log.append(batch, now)
      latencies.push(performance.now() - begin)
      if (outcomes.some(({ kind }) => kind !== 'accepted')) throw new Error('an event was not accepted')
    }
  }
  const begin = performance.now()
  await Promise.all(Array.from({ length: atOnce }, hand))
  const seconds = (performance.now() - begin) / 1000
  latencies.sort((a, b) => a - b)
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0
  return { perSecond: events / seconds, p50: at(0.5), p99: at(0.99) }
}

async function measureAll(log: EventLog): Promise<Figures[]> {
  const figures: Figures[] = []
  let from = 0
  for (const shape of shapes) {
    // The first tenth warms up code and connections.
    await measure(log, from, { ...shape, events: shape.perAppend * 10 })
    from += shape.perAppend * 10
    figures.push(await measure(log, from, shape))
    from += shape.events
  }
  return figures
}

const root = mkdtempSync(join(tmpdir(), 'crossfoot-bench-kafka-'))
const kafka = await startKafka({ nodes: 1 })
try {
  const embedded = openLmdbLog(join(root, 'embedded'))
  const yardstick = await measureAll(embedded)
  await embedded.close()
  const options = { brokers: kafka.brokers, topicPrefix: 'bench', partitions: 3, random: randomBytes }
  const log = await openKafkaLog({ ...options, directory: join(root, 'kafka') })
  const figures = await measureAll(log)
  const end = log.end()
  await log.close()
  const begin = performance.now()
  const rebuilt = await openKafkaLog({ ...options, directory: join(root, 'rebuilt') })
  const rebuildSeconds = (performance.now() - begin) / 1000
  if (rebuilt.end() !== end) throw new Error('the log was not rebuilt to the same end')
  await rebuilt.close()
  console.log(
    '| events an append | at once | Kafka, events/s | p50 ms | p99 ms | embedded, events/s | p50 ms | ratio |',
  )
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- |')
  for (const [index, { perAppend, atOnce }] of shapes.entries()) {
    const [one, other] = [figures[index], yardstick[index]]
    if (one === undefined || other === undefined) continue
    const ratio = `${Math.round((one.perSecond / other.perSecond) * 100)} %`
    const cells = [one.perSecond, one.p50, one.p99, other.perSecond, other.p50].map((value) => value.toFixed(0))
    console.log(`| ${[perAppend, atOnce, ...cells, ratio].join(' | ')} |`)
  }
  console.log(
    `rebuilt from Kafka: ${end} events in ${rebuildSeconds.toFixed(1)} s, ${(end / rebuildSeconds).toFixed(0)}/s`,
  )
} finally {
  await kafka.stop()
  rmSync(root, { recursive: true, force: true })
}
