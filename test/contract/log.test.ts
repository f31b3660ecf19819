import { randomBytes } from 'node:crypto'
import { basename } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { openKafkaLog } from '../../src/log/kafka.ts'
import { openLmdbLog } from '../../src/log/lmdb.ts'
import { startKafka } from '../support/kafka/cluster.ts'
import type { Kafka } from '../support/kafka/cluster.ts'
import { available } from '../support/kafka/jars.ts'
import { logContract } from './log.ts'

logContract('LMDB', openLmdbLog)

describe.skipIf(!available())('on a real broker (skipped without CROSSFOOT_KAFKA=1, Java and Maven)', () => {
  let kafka: Kafka
  beforeAll(async () => {
    kafka = await startKafka({ nodes: 1 })
  })
  afterAll(() => kafka.stop())

  // Each directory has topics of its own, which it finds again when it is opened again.
  logContract('Kafka', (directory) =>
    openKafkaLog({
      brokers: kafka.brokers,
      topicPrefix: basename(directory),
      directory,
      partitions: 3,
      random: randomBytes,
    }),
  )
})
