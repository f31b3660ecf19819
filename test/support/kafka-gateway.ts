/** A gateway to be killed: `node kafka-gateway.ts BROKERS PREFIX DIRECTORY`. Prints the last number of each answered batch. */
import { randomBytes } from 'node:crypto'
import { openKafkaLog } from '../../src/log/kafka.ts'
import { arrivalOf, testNow } from './events.ts'

const [brokers = '', topicPrefix = '', directory = ''] = process.argv.slice(2)
const log = await openKafkaLog({ brokers, topicPrefix, directory, partitions: 3, random: randomBytes })
const batchLength = 50

async function append(from: number): Promise<void> {
  const arrivals = Array.from({ length: batchLength }, (_, index) => arrivalOf({ seq: from + index }))
  await log.append(arrivals, testNow)
  process.stdout.write(`${from + batchLength - 1}\n`)
}

// Several at once, so that the kill meets every stage of the way. It never ends by itself.
for (let from = 1; ; from += 4 * batchLength) {
  await Promise.all([0, 1, 2, 3].map((index) => append(from + index * batchLength)))
}
