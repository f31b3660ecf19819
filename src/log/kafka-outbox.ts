/** What this process wants in the log: commands wait, share a group, and are committed one group after the other. */
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import type { BaseOptions } from '@platformatic/kafka'
import { Refusal } from '../core/errors.ts'
import { sizeOf, textOf } from './command.ts'
import type { Command, Effect } from './command.ts'
import { Backoff, isTooLarge, TopicWriter } from './kafka-client.ts'
import type { Outage } from './kafka-client.ts'
import { encodeCommit, partKey, partsOf, sumOf } from './kafka-records.ts'
import type { Part, Place } from './kafka-records.ts'
import type { Topics } from './kafka-topics.ts'
import { limits as logLimits } from './log.ts'

export const limits = {
  /** A sender is answered within this time, if only with "not known yet, send it again". */
  answerMillisMax: 15_000,
  /** The same while the log is being closed. */
  closeMillisMax: 3_000,
  sweepMillis: 250,
  /** Commands, and characters of what they bring, that share a commit. */
  groupCommandsMax: 2_000,
  groupTextMax: 32 * 1024 * 1024,
  /** Groups that are on their way at once. */
  groupsMax: 3,
} as const

const writing = 'writing'

interface Waiting {
  readonly command: Command
  readonly resolve: (effect: Effect) => void
  readonly reject: (error: unknown) => void
  readonly until: number
  answered: boolean
}

interface Group {
  readonly number: number
  readonly waiting: readonly Waiting[]
  /** From the first try to commit it on, whether it is in the log is for the topic to say. */
  commitTried: boolean
  /** When it is applied, or given up. */
  readonly done: Promise<void>
  readonly finish: () => void
}

const notTaken = (): Refusal =>
  new Refusal('OVERLOADED', 'the log cannot keep up; nothing was taken, send it again shortly', {
    retryAfterSeconds: 1,
  })

const notKnown = (): Refusal =>
  new Refusal(
    'OVERLOADED',
    'Kafka does not answer, so it is not known whether this was taken; send it again: what was taken counts once',
    { retryAfterSeconds: 2 },
  )

export interface Sending {
  readonly client: BaseOptions
  readonly topics: Topics
  /** A name that no other opening of a log ever had. */
  readonly writer: string
  readonly outage: Outage
}

export class Outbox {
  readonly #writer: string
  readonly #outage: Outage
  readonly #events: TopicWriter
  readonly #commits: TopicWriter
  readonly #closing = new AbortController()
  readonly #groups = new Map<number, Group>()
  readonly #sweeper: NodeJS.Timeout
  readonly #answers = new Set<Promise<Effect>>()
  #queue: Waiting[] = []
  #waiting = 0
  #number = 0
  #sending: Promise<void> | null = null
  #committing: Promise<void> = Promise.resolve()
  #broken: unknown = null

  constructor({ client, topics, writer, outage }: Sending) {
    this.#writer = writer
    this.#outage = outage
    this.#events = new TopicWriter(client, topics.events.name)
    this.#commits = new TopicWriter(client, topics.commits.name)
    this.#sweeper = setInterval(() => this.#sweep(performance.now()), limits.sweepMillis)
    this.#sweeper.unref()
  }

  submit(command: Command): Promise<Effect> {
    if (this.#broken !== null) return Promise.reject(this.#broken)
    const size = sizeOf(command)
    if (this.#waiting + size > logLimits.waitingMax) return Promise.reject(notTaken())
    this.#waiting += size
    const answer = new Promise<Effect>((resolve, reject) => {
      const until = performance.now() + limits.answerMillisMax
      this.#queue.push({ command, resolve, reject, until, answered: false })
      this.#sending ??= this.#sendAll()
    })
    this.#answers.add(answer)
    return answer.finally(() => this.#answers.delete(answer))
  }

  /** The commands of a group of this process, as long as it is on its way. */
  commandsOf(writer: string, number: number): readonly Command[] | null {
    if (writer !== this.#writer) return null
    return this.#groups.get(number)?.waiting.map(({ command }) => command) ?? null
  }

  /** The group was applied, with these effects. */
  settle(writer: string, number: number, effects: readonly Effect[]): void {
    const group = writer === this.#writer ? this.#groups.get(number) : undefined
    if (group === undefined) return
    for (const [index, waiting] of group.waiting.entries()) {
      const effect = effects[index]
      if (effect === undefined) this.#refuse(waiting, new Error('a command has no effect'))
      else if (!waiting.answered) {
        waiting.answered = true
        waiting.resolve(effect)
      }
    }
    this.#drop(group)
  }

  /** Nothing can be taken any more, for this reason. */
  break(error: unknown): void {
    this.#broken = error
    this.#refuseQueued(() => error)
    for (const group of this.#groups.values()) {
      for (const waiting of group.waiting) this.#refuse(waiting, error)
      this.#drop(group)
    }
  }

  #refuse(waiting: Waiting, error: unknown): void {
    if (waiting.answered) return
    waiting.answered = true
    waiting.reject(error)
  }

  /** What leaves the queue before it is in a group was not taken, and never will be. */
  #refuseQueued(reason: () => unknown, now = Number.POSITIVE_INFINITY): void {
    for (const waiting of this.#queue) if (waiting.until <= now) this.#refuse(waiting, reason())
    for (const { answered, command } of this.#queue) if (answered) this.#waiting -= sizeOf(command)
    this.#queue = this.#queue.filter(({ answered }) => !answered)
  }

  /**
   * Answers whoever has waited long enough. A group that is not given up may be committed yet, with all that is in
   * it: of that, nobody may say that it was not taken.
   */
  #sweep(now: number): void {
    this.#refuseQueued(notTaken, now)
    for (const group of this.#groups.values()) {
      const isGivenUp = !group.commitTried && group.waiting.every(({ answered, until }) => answered || until <= now)
      // A group that was dropped is not committed any more: `#persist` looks before each try.
      if (isGivenUp) this.#drop(group)
      for (const waiting of group.waiting) {
        if (waiting.until <= now) this.#refuse(waiting, isGivenUp ? notTaken() : notKnown())
      }
    }
  }

  #drop(group: Group): void {
    if (!this.#groups.delete(group.number)) return
    for (const { command } of group.waiting) this.#waiting -= sizeOf(command)
    group.finish()
  }

  async #sendAll(): Promise<void> {
    // One turn of the event loop, so that requests which have just been parsed share the first group.
    await turn()
    while (this.#queue.length > 0) {
      if (this.#groups.size >= limits.groupsMax) {
        await Promise.race([...this.#groups.values()].map(({ done }) => done))
        continue
      }
      const group = this.#takeGroup()
      const places = await this.#sendParts(group)
      // The next group's parts are on their way while this group is being committed.
      if (places !== null) this.#committing = this.#committing.then(() => this.#sendCommit(group, places))
    }
    this.#sending = null
  }

  #takeGroup(): Group {
    let size = 0
    let text = 0
    let count = 0
    for (const { command } of this.#queue) {
      size += sizeOf(command)
      text += textOf(command)
      const full = size > logLimits.groupMax || text > limits.groupTextMax || count >= limits.groupCommandsMax
      if (count > 0 && full) break
      count += 1
    }
    const waiting = this.#queue.splice(0, count)
    const { promise: done, resolve: finish } = Promise.withResolvers<void>()
    this.#number += 1
    const group: Group = { number: this.#number, waiting, commitTried: false, done, finish }
    this.#groups.set(group.number, group)
    return group
  }

  /** Tries until it works or nobody waits for it any more; null when it was given up. */
  async #persist<Done>(group: Group, action: () => Promise<Done>): Promise<Done | null> {
    const backoff = new Backoff()
    while (this.#groups.has(group.number) && group.waiting.some(({ answered }) => !answered)) {
      try {
        const done = await action()
        this.#outage.worked(writing)
        return done
      } catch (error) {
        this.#outage.failed(writing, error)
        if (isTooLarge(error)) for (const waiting of group.waiting) this.#refuse(waiting, error)
        else await backoff.wait(this.#closing.signal)
      }
    }
    this.#drop(group)
    return null
  }

  async #sendParts(group: Group): Promise<Place[] | null> {
    const commands = group.waiting.map(({ command }) => command)
    let parts: readonly Part[] | null = null
    return this.#persist(group, async () => {
      parts ??= await partsOf(commands, await this.#events.partitions())
      return this.#placesOf(group, parts)
    })
  }

  /** One message of each partition at a time, because all of a partition in one request count as one message. */
  async #placesOf(group: Group, parts: readonly Part[]): Promise<Place[]> {
    const messages = parts.map(({ partition, value }, index) => ({
      partition,
      value,
      key: partKey(this.#writer, group.number, index),
    }))
    const rounds: (typeof messages)[] = []
    const lengths = new Map<number, number>()
    for (const message of messages) {
      const round = lengths.get(message.partition) ?? 0
      lengths.set(message.partition, round + 1)
      ;(rounds[round] ??= []).push(message)
    }
    const offsets = new Map<string, number>()
    for (const round of rounds) {
      const written = await this.#events.send(round)
      for (const [index, { key }] of round.entries()) offsets.set(key, written[index] ?? -1)
    }
    return messages.map(({ partition, value, key }) => ({
      partition,
      offset: offsets.get(key) ?? -1,
      bytes: value.length,
      sum: sumOf(value),
    }))
  }

  async #sendCommit(group: Group, parts: readonly Place[]): Promise<void> {
    const commands = group.waiting.map(({ command }) => command)
    const value = encodeCommit({ writer: this.#writer, group: group.number, commands, parts })
    await this.#persist(group, async () => {
      group.commitTried = true
      await this.#commits.send([{ partition: 0, key: this.#writer, value }])
    })
  }

  /** Gives what is on its way a little time; what is not answered then gets no answer that could be wrong. */
  async close(): Promise<void> {
    await Promise.race([Promise.allSettled(this.#answers), pause(limits.closeMillisMax, undefined, { ref: false })])
    this.#sweep(Number.POSITIVE_INFINITY)
    for (const group of this.#groups.values()) this.#drop(group)
    clearInterval(this.#sweeper)
    this.#closing.abort()
    await Promise.all([this.#events.close(), this.#commits.close()])
    await this.#sending
    await this.#committing
  }
}
