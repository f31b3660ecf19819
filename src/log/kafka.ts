/**
 * The log on Kafka, as state machine replication (docs/decisions/0023-log-on-kafka.md): the order of commands is the
 * order of a topic with one partition, and every process applies it to a state of its own with the same function
 * that the embedded log uses. So all processes have the same offsets, the same outcomes and the same records.
 */
import { mkdirSync, realpathSync } from 'node:fs'
import { dayMicros } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import type { CommandKind, CommandOf, Effects } from './command.ts'
import { clientOptions, Outage, TopicReader } from './kafka-client.ts'
import { Follower, originOf } from './kafka-follower.ts'
import { Outbox } from './kafka-outbox.ts'
import { openTopics } from './kafka-topics.ts'
import type { Topics } from './kafka-topics.ts'
import { LogOnState } from './log-on-state.ts'
import type { EventLog } from './log.ts'
import { LogState } from './state.ts'

export interface KafkaLogOptions {
  /** host:port, with commas between. */
  readonly brokers: string
  /** The log is the topics `<prefix>.events` and `<prefix>.commits`; all processes of one installation name it alike. */
  readonly topicPrefix: string
  /** For this process's state alone. It may be deleted while the process is stopped: it is built anew. */
  readonly directory: string
  /** Of the event topic, when it has to be created. */
  readonly partitions: number
  /** Names this opening among all that ever write to the topics: `crypto.randomBytes`. */
  readonly random: (size: number) => Buffer
  /** Told once, when the log can take nothing any more until it is opened anew. */
  readonly onBroken?: (error: unknown) => void
  /** Lines for the operator: Kafka is away, and back. */
  readonly tell?: (text: string) => void
}

export const limits = {
  /**
   * A content hash is forgotten so long after the log's own time has passed its last day. No command may be older
   * than the newest applied one by more: neither by waiting, nor by the clocks of two gateways.
   */
  forgetLagMicros: 2 * dayMicros,
} as const

/**
 * Until when a process may forget: by the time of the log, so that one that lags behind does not forget what it will be
 * asked for. Null: it may forget nothing yet.
 */
export function safeToForget(before: Micros, newest: Micros): Micros | null {
  const safe = Math.min(before, newest - limits.forgetLagMicros)
  return safe > 0 ? (safe as Micros) : null
}

/** The directories that are open in this process; other processes are kept out by the lock of the data directory. */
const inUse = new Set<string>()

class KafkaLog extends LogOnState {
  readonly #follower: Follower
  readonly #outbox: Outbox
  readonly #directory: string
  readonly #topics: Topics

  constructor(state: LogState, topics: Topics, options: KafkaLogOptions) {
    super(state)
    const client = clientOptions(options.brokers, 'log')
    const outage = new Outage(options.tell ?? (() => undefined))
    const outbox = new Outbox({ client, topics, outage, writer: options.random(12).toString('base64url') })
    this.#outbox = outbox
    this.#directory = realpathSync(options.directory)
    this.#topics = topics
    this.#follower = new Follower({
      readerOf: (topic) => new TopicReader(client, topic, outage),
      topics,
      state,
      outage,
      own: ({ writer, group }) => outbox.commandsOf(writer, group),
      applied: ({ writer, group }, effects) => outbox.settle(writer, group, effects),
      broken: (error) => {
        outbox.break(error)
        options.onBroken?.(error)
      },
    })
  }

  async start(): Promise<void> {
    await this.#follower.catchUp()
    this.#follower.start()
  }

  protected submit<K extends CommandKind>(command: CommandOf<K>): Promise<Effects[K]> {
    const { stalled } = this.#follower
    // What was committed could not be answered for, so nothing more is taken until there is room.
    return stalled === null
      ? (this.#outbox.submit(command) as Promise<Effects[K]>)
      : Promise.reject<Effects[K]>(stalled)
  }

  /** The topics are the log, so every process that follows them says the same. */
  name(): string {
    return originOf(this.#topics)
  }

  override forget(before: Micros): Promise<void> {
    const safe = safeToForget(before, this.#follower.newest)
    return safe === null ? Promise.resolve() : super.forget(safe)
  }

  async close(): Promise<void> {
    await this.#outbox.close()
    await this.#follower.close()
    await this.state.close()
    inUse.delete(this.#directory)
  }
}

/**
 * Opens the log, creating topics that are missing, and resolves when everything that is in it now is applied. Throws
 * a message for the operator when the topics would lose events, or do not fit the directory.
 */
export async function openKafkaLog(options: KafkaLogOptions): Promise<EventLog> {
  const topics = await openTopics(clientOptions(options.brokers, 'log-topics'), {
    prefix: options.topicPrefix,
    partitions: options.partitions,
    tell: options.tell ?? (() => undefined),
  })
  mkdirSync(options.directory, { recursive: true, mode: 0o700 })
  const directory = realpathSync(options.directory)
  if (inUse.has(directory)) throw new Error(`a log is open in ${directory} already`)
  const state = new LogState(directory)
  inUse.add(directory)
  const log = new KafkaLog(state, topics, options)
  try {
    await log.start()
  } catch (error) {
    await log.close()
    throw error
  }
  return log
}
