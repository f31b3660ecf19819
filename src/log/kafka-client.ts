/** The broker as the log uses it: read records from a place on, write records and learn where they lie. */
import { setTimeout as pause } from 'node:timers/promises'
import { Base, fetchV13, findErrorBy, ProduceAcks, Producer } from '@platformatic/kafka'
import type { BaseOptions, ClusterMetadata } from '@platformatic/kafka'
import { assert } from '../core/result.ts'

export interface Topic {
  readonly name: string
  readonly id: string
}

export interface Fetched {
  readonly partition: number
  /** Everything below it is on all replicas in sync; nothing at or above it is given out. */
  readonly highWatermark: number
  readonly records: readonly { readonly offset: number; readonly key: string; readonly value: Buffer }[]
}

export interface Wanted {
  readonly partition: number
  readonly offset: number
}

export const limits = {
  requestMillisMax: 8_000,
  connectMillisMax: 3_000,
  /** How long a reader waits at the end of a topic before it asks again. */
  pollMillis: 500,
  /** Bytes of one answer, and of one partition in it. A record that is larger comes alone. */
  fetchBytesMax: 32 * 1024 * 1024,
  fetchPartitionBytesMax: 8 * 1024 * 1024,
  retryMillisMin: 50,
  retryMillisMax: 2_000,
} as const

export function clientOptions(brokers: string, name: string): BaseOptions {
  return {
    clientId: `crossfoot-${name}`,
    bootstrapBrokers: brokers.split(',').map((broker) => broker.trim()),
    connectTimeout: limits.connectMillisMax,
    requestTimeout: limits.requestMillisMax,
    retries: 2,
    retryDelay: 100,
  }
}

export const isControl = 0x20

/** Whether the broker refuses a message for its size, today and tomorrow. */
export function isTooLarge(error: unknown): boolean {
  return ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'].some((id) => findErrorBy(error as Error, 'apiId', id) !== null)
}

/** The records that were asked for are not there any more, and never will be. */
export class RecordsLost extends Error {}

/** Tells when Kafka stops to answer and when it answers again, and not of every try between. */
export class Outage {
  readonly #tell: (text: string) => void
  readonly #failing = new Set<string>()

  constructor(tell: (text: string) => void) {
    this.#tell = tell
  }

  failed(what: string, error: unknown): void {
    if (this.#failing.has(what)) return
    this.#failing.add(what)
    this.#tell(`Kafka: ${what} does not work, and is tried again: ${reasonOf(error)}`)
  }

  worked(what: string): void {
    if (this.#failing.delete(what)) this.#tell(`Kafka: ${what} works again`)
  }
}

/** The client joins the errors of all its tries; the last one says most. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors.at(-1))
  return error instanceof Error ? error.message : String(error)
}

/** Waits longer after each failure. */
export class Backoff {
  #millis: number = limits.retryMillisMin

  async wait(signal: AbortSignal): Promise<void> {
    await pause(this.#millis, undefined, { signal }).catch(() => undefined)
    this.#millis = Math.min(this.#millis * 2, limits.retryMillisMax)
  }

  reset(): void {
    this.#millis = limits.retryMillisMin
  }
}

/** Reads one topic. A broker that is away is waited for; only `close` ends that. */
export class TopicReader {
  readonly #client: Base
  readonly #topic: Topic
  readonly #outage: Outage
  readonly #closing = new AbortController()

  constructor(options: BaseOptions, topic: Topic, outage: Outage) {
    this.#client = new Base(options)
    this.#topic = topic
    this.#outage = outage
  }

  /** One answer for each partition that is asked for; its records may be none, or end early. */
  async fetch(wanted: readonly Wanted[], waitMillis: number): Promise<readonly Fetched[]> {
    const backoff = new Backoff()
    const what = `reading ${this.#topic.name}`
    let forceUpdate = false
    for (;;) {
      this.#closing.signal.throwIfAborted()
      try {
        const fetched = await this.#fetchOnce(wanted, waitMillis, forceUpdate)
        this.#outage.worked(what)
        return fetched
      } catch (error) {
        if (findErrorBy(error as Error, 'apiId', 'OFFSET_OUT_OF_RANGE') !== null) {
          throw new RecordsLost(`the topic ${this.#topic.name} does not have all records any more`, { cause: error })
        }
        forceUpdate = true
        if (!this.#closing.signal.aborted) this.#outage.failed(what, error)
        await backoff.wait(this.#closing.signal)
      }
    }
  }

  async #fetchOnce(wanted: readonly Wanted[], waitMillis: number, forceUpdate: boolean): Promise<Fetched[]> {
    const metadata = await this.#client.metadata({ topics: [this.#topic.name], forceUpdate })
    const leaders = Map.groupBy(wanted, ({ partition }) => leaderOf(metadata, this.#topic.name, partition))
    const answers = await Promise.all(
      [...leaders].map(([leader, places]) => this.#fetchFrom(metadata, leader, { places, waitMillis })),
    )
    return answers.flat()
  }

  async #fetchFrom(
    metadata: ClusterMetadata,
    leader: number,
    { places, waitMillis }: { readonly places: readonly Wanted[]; readonly waitMillis: number },
  ): Promise<Fetched[]> {
    const broker = metadata.brokers.get(leader)
    if (broker === undefined) throw new Error(`the broker ${leader}, leader of a partition, is away`)
    const connection = await this.#client.connections.get(broker)
    const partitions = places.map(({ partition, offset }) => ({
      partition,
      currentLeaderEpoch: -1,
      fetchOffset: BigInt(offset),
      lastFetchedEpoch: -1,
      partitionMaxBytes: limits.fetchPartitionBytesMax,
    }))
    const topics = [{ topicId: this.#topic.id, partitions }]
    // Session 0 with epoch -1: each request stands by itself.
    const answer = await fetchV13.api.async(connection, waitMillis, 1, limits.fetchBytesMax, 0, 0, -1, topics, [], '')
    return answer.responses.flatMap((topic) =>
      topic.partitions.map(({ partitionIndex, highWatermark, records }) => ({
        partition: partitionIndex,
        highWatermark: Number(highWatermark),
        records: (records ?? []).flatMap(recordsOf),
      })),
    )
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#client.close()
  }
}

type Batch = NonNullable<
  Awaited<ReturnType<typeof fetchV13.api.async>>['responses'][number]['partitions'][number]['records']
>[number]

function recordsOf({ attributes, firstOffset, records }: Batch): Fetched['records'] {
  if ((attributes & isControl) !== 0) return []
  return records.map(({ offsetDelta, key, value }) => ({
    offset: Number(firstOffset) + offsetDelta,
    key: key?.toString('utf8') ?? '',
    value: value ?? Buffer.alloc(0),
  }))
}

function leaderOf(metadata: ClusterMetadata, topic: string, partition: number): number {
  const leader = metadata.topics.get(topic)?.partitions[partition]?.leader ?? -1
  if (leader < 0) throw new Error(`partition ${partition} of ${topic} has no leader`)
  return leader
}

export interface Message {
  readonly partition: number
  readonly key: string
  readonly value: Buffer
}

/** Writes to one topic: acknowledged by all replicas in sync, once however often the client repeats it (KIP-98). */
export class TopicWriter {
  readonly #options: BaseOptions
  readonly #topic: string
  #producer: Producer | null = null

  constructor(options: BaseOptions, topic: string) {
    this.#options = options
    this.#topic = topic
  }

  #open(): Producer {
    this.#producer ??= new Producer({ ...this.#options, idempotent: true })
    return this.#producer
  }

  /** How many partitions the topic has now, or had a few seconds ago. */
  async partitions(): Promise<number> {
    const { topics } = await this.#open().metadata({ topics: [this.#topic] })
    const count = topics.get(this.#topic)?.partitionsCount ?? 0
    if (count < 1) throw new Error(`the topic ${this.#topic} has no partitions`)
    return count
  }

  /**
   * Tries once, and returns the offsets in the order of the messages. When it throws, any of them may have been
   * written or may still be; the next call is a producer of its own, which owes nothing to what this one left behind.
   */
  async send(messages: readonly Message[]): Promise<number[]> {
    try {
      const { offsets } = await this.#open().send({
        acks: ProduceAcks.ALL,
        idempotent: true,
        messages: messages.map(({ partition, key, value }) => ({
          topic: this.#topic,
          partition,
          key: Buffer.from(key),
          value,
        })),
      })
      return offsetsOf(messages, new Map(offsets?.map(({ partition, offset }) => [partition, Number(offset)])))
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async close(): Promise<void> {
    const producer = this.#producer
    this.#producer = null
    await producer?.close().catch(() => undefined)
  }
}

/** The broker says where the first message of each partition lies; the others follow it. */
function offsetsOf(messages: readonly Message[], next: Map<number, number>): number[] {
  return messages.map(({ partition }) => {
    const offset = next.get(partition) ?? -1
    assert(offset >= 0, 'a broker that acknowledges a message says where it is')
    next.set(partition, offset + 1)
    return offset
  })
}
