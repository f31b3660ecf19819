import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Admin } from '@platformatic/kafka'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Refusal } from '../../src/core/errors.ts'
import { clientOptions } from '../../src/log/kafka-client.ts'
import { openKafkaLog } from '../../src/log/kafka.ts'
import type { EventLog } from '../../src/log/log.ts'
import { arrivalOf, testNow } from '../support/events.ts'
import { contentOf } from '../support/kafka-logs.ts'
import { startKafka } from '../support/kafka/cluster.ts'
import type { Kafka } from '../support/kafka/cluster.ts'
import { available } from '../support/kafka/jars.ts'
import { until } from '../support/until.ts'

const batchLength = 40

describe.skipIf(!available())(
  'the log on three Kafka nodes (skipped without CROSSFOOT_KAFKA=1, Java and Maven)',
  () => {
    let kafka: Kafka
    let one: EventLog
    let two: EventLog
    let root: string
    beforeAll(async () => {
      root = mkdtempSync(join(tmpdir(), 'crossfoot-kafka-three-'))
      kafka = await startKafka({ nodes: 3 })
      const options = { brokers: kafka.brokers, topicPrefix: 'three', partitions: 3, random: randomBytes }
      one = await openKafkaLog({ ...options, directory: join(root, 'one') })
      two = await openKafkaLog({ ...options, directory: join(root, 'two') })
    })
    afterAll(async () => {
      await Promise.all([one, two].map((log) => log.close()))
      await kafka.stop()
      rmSync(root, { recursive: true, force: true })
    })

    /** Sends a batch as a producer does: until it is answered for. Returns how often it had to. */
    const send = async (log: EventLog, source: string, batch: number): Promise<number> => {
      const arrivals = Array.from({ length: batchLength }, (_, index) =>
        arrivalOf({ source, seq: batch * batchLength + index + 1 }),
      )
      for (let attempt = 1; ; attempt += 1) {
        try {
          const { outcomes } = await log.append(arrivals, testNow)
          expect(outcomes.filter(({ kind }) => kind !== 'accepted' && kind !== 'duplicate')).toEqual([])
          return attempt
        } catch (error) {
          if (!(error instanceof Refusal) || error.code !== 'OVERLOADED') throw error
        }
      }
    }

    const leaderOfCommits = async (): Promise<number> => {
      const admin = new Admin(clientOptions(kafka.brokers, 'test'))
      const { topics } = await admin.metadata({ topics: ['three.commits'] })
      await admin.close()
      // Nodes are numbered from 1 in Kafka.
      return (topics.get('three.commits')?.partitions[0]?.leader ?? 1) - 1
    }

    test('L3: what was acknowledged is there, once, after the leader was killed and came back', async () => {
      const batches = 60
      let acknowledged = 0
      const produce = async (log: EventLog, source: string): Promise<void> => {
        for (let batch = 0; batch < batches; batch += 1) {
          await send(log, source, batch)
          acknowledged += batchLength
        }
      }
      const producing = Promise.all([produce(one, 'edge-1'), produce(two, 'edge-2')])
      await until(() => acknowledged >= 20 * batchLength, 30_000, 'a third of it')
      const victim = await leaderOfCommits()
      await kafka.killNode(victim)
      await until(() => acknowledged >= 80 * batchLength, 60_000, 'two thirds of it, on two nodes')
      const restarted = kafka.restartNode(victim)
      await producing
      await restarted
      const all = 2 * batches * batchLength
      expect(acknowledged).toBe(all)
      await until(() => one.end() === all && two.end() === all, 30_000, 'both gateways have followed')
      const [content, other] = [await contentOf(one), await contentOf(two)]
      expect(other).toEqual(content)
      for (const source of ['edge-1', 'edge-2']) {
        expect((await one.source(source))?.[0]?.accepted).toEqual([[1, batches * batchLength]])
      }
      const offsets = (content['records'] as { offset: number }[]).map(({ offset }) => offset)
      expect(offsets).toEqual(Array.from({ length: all }, (_, index) => index))
      // A third process, which has nothing, comes to the same.
      const directory = join(root, 'third')
      const options = { brokers: kafka.brokers, topicPrefix: 'three', partitions: 3, random: randomBytes, directory }
      const third = await openKafkaLog(options)
      expect(await contentOf(third)).toEqual(content)
      await third.close()
    })
  },
)
