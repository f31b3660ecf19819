/**
 * `node bench/kafka-http.ts`: ingest over HTTP with the log on a one-node Kafka, in the shapes of `npm run bench`. Java 17
 * and Maven are needed. Broker, Postgres, service and sender share this machine; the store is the embedded one.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startKafka } from '../test/support/kafka/cluster.ts'
import { measureShape, openPostgres, shapes } from './ingest.ts'

const kafka = await startKafka({ nodes: 1 })
try {
  for (const shape of shapes) {
    // An installation of its own for each: only a new one has a key to send with.
    const directory = mkdtempSync(join(tmpdir(), 'crossfoot-bench-kafka-http-'))
    const postgres = await openPostgres(directory)
    const prefix = `bench-${shape.perRequest}`
    const env = { KAFKA_BROKERS: kafka.brokers, CROSSFOOT_KAFKA_PREFIX: prefix, DATABASE_URL: postgres.url }
    try {
      const figures = await measureShape(shape, join(directory, 'data'), env)
      process.stdout.write(`${JSON.stringify(figures)}\n`)
    } finally {
      await postgres.stop()
      rmSync(directory, { recursive: true, force: true })
    }
  }
} finally {
  await kafka.stop()
}
