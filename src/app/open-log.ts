import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { openLmdbLog } from '../log/lmdb.ts'
import type { EventLog } from '../log/log.ts'
import type { Config } from './config.ts'

/** Of the topic of events, when this process is the first to need it. */
const partitions = 3

/**
 * The log: in this process, or on Kafka, with this process's copy of its state in the same place. `tell` gets a line
 * when Kafka goes away, and when it is back.
 */
export async function openLog(
  { kafka }: Config,
  directory: string,
  { onBroken, tell }: { readonly onBroken: (error: unknown) => void; readonly tell: (text: string) => void },
): Promise<EventLog> {
  if (kafka === null) return openLmdbLog(join(directory, 'log'), onBroken)
  // The client of Kafka is not loaded where nobody needs it.
  const { openKafkaLog } = await import('../log/kafka.ts')
  return openKafkaLog({
    brokers: kafka.brokers,
    topicPrefix: kafka.prefix,
    directory: join(directory, 'kafka-log'),
    partitions,
    random: randomBytes,
    onBroken,
    tell,
  })
}
