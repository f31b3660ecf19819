/** Follows the commit topic and applies it: every process that does has the same log. */
import { setImmediate as turn } from 'node:timers/promises'
import { Refusal } from '../core/errors.ts'
import { assert } from '../core/result.ts'
import type { Micros } from '../core/time.ts'
import { textOf } from './command.ts'
import type { Command, Effect } from './command.ts'
import { Backoff, RecordsLost } from './kafka-client.ts'
import type { Outage, Topic, TopicReader } from './kafka-client.ts'
import { limits as clientLimits } from './kafka-client.ts'
import { commandsOf, decodeCommit, newestOf, partKey, sumOf } from './kafka-records.ts'
import type { Commit, Place } from './kafka-records.ts'
import type { Topics } from './kafka-topics.ts'
import { limits as logLimits } from './log.ts'
import type { LogState } from './state.ts'

export const limits = {
  /** Compressed bytes of the parts that are in memory at once, unless one commit alone has more. */
  windowBytesMax: 4 * 1024 * 1024,
  /** Characters of the commands that are applied together, unless one commit alone has more. */
  windowTextMax: 64 * 1024 * 1024,
} as const

/** Names of what the state remembers about its place in the topics. */
const notes = {
  /** The ids of the topics that the state was made from. */
  topics: 'topics',
  /** CRC-32 of the last commit that was applied. */
  last: 'last',
  group: (writer: string) => `group ${writer}`,
} as const

/** Names the log that lies in these topics. */
export function originOf({ events, commits }: Topics): string {
  return `${events.id} ${commits.id}`
}

const applying = 'applying what was committed'

interface FoundCommit {
  readonly offset: number
  readonly sum: number
  readonly commit: Commit
}

/** How a topic is read. */
export type Reader = Pick<TopicReader, 'fetch' | 'close'>

/** A commit, with the commands that are to be applied for it. */
interface Decoded {
  readonly found: FoundCommit
  /** None of a commit that does not count. */
  readonly commands: readonly Command[]
}

export interface Following {
  readonly readerOf: (topic: Topic) => Reader
  readonly topics: Topics
  readonly state: LogState
  readonly outage: Outage
  /** The commands of a commit that this process wrote itself, as long as it has them in memory. */
  readonly own: (commit: Commit) => readonly Command[] | null
  readonly applied: (commit: Commit, effects: readonly Effect[]) => void
  /** The log can go no further, whatever is tried again. */
  readonly broken: (error: unknown) => void
}

export class Follower {
  readonly #with: Following
  readonly #commits: Reader
  readonly #parts: Reader
  readonly #closing = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #newest = 0 as Micros
  #stalled: Refusal | null = null

  constructor(following: Following) {
    this.#with = following
    this.#commits = following.readerOf(following.topics.commits)
    // A connection of its own: the other one waits at the end of its topic.
    this.#parts = following.readerOf(following.topics.events)
  }

  /** The newest time that was applied since the log was opened; 0 when nothing was. */
  get newest(): Micros {
    return this.#newest
  }

  /** Why nothing can be applied at present. */
  get stalled(): Refusal | null {
    return this.#stalled
  }

  /** Holds the state against the topics, then applies everything that is there now. */
  async catchUp(): Promise<void> {
    const { state } = this.#with
    await this.#checkOrigin()
    let end = Number.POSITIVE_INFINITY
    while (state.applied() < end) {
      const [answer] = await this.#commits.fetch([{ partition: 0, offset: state.applied() }], 0)
      if (answer === undefined) continue
      if (end === Number.POSITIVE_INFINITY) end = answer.highWatermark
      await this.#take(answer.records)
    }
  }

  /** A state that was made from other topics, or from records that are lost, must not go on from there. */
  async #checkOrigin(): Promise<void> {
    const { state, topics } = this.#with
    const origin = originOf(topics)
    const position = state.applied()
    const known = state.note(notes.topics)
    if (known === null) {
      if (state.end() > 0 || state.batches({ before: null, most: 1 }).length > 0) {
        throw new Error('the directory holds an embedded log; a log on Kafka needs one of its own')
      }
      state.apply([], { from: position, to: position, notes: new Map([[notes.topics, origin]]) })
      return
    }
    const advice = 'name the right ones, or delete the directory to build it anew from these'
    if (known !== origin) throw new Error(`the directory of the log was made from other topics; ${advice}`)
    if (position === 0) return
    const [answer] = await this.#commits.fetch([{ partition: 0, offset: position - 1 }], 0)
    const last = answer?.records.find(({ offset }) => offset === position - 1)
    if (last === undefined || String(sumOf(last.value)) !== state.note(notes.last)) {
      throw new RecordsLost(`the directory of the log and the topic ${topics.commits.name} differ; ${advice}`)
    }
  }

  start(): void {
    this.#running = this.#follow()
  }

  async #follow(): Promise<void> {
    const backoff = new Backoff()
    while (!this.#closing.signal.aborted) {
      try {
        const position = this.#with.state.applied()
        const [answer] = await this.#commits.fetch([{ partition: 0, offset: position }], clientLimits.pollMillis)
        await this.#take(answer?.records ?? [])
        backoff.reset()
      } catch (error) {
        if (this.#closing.signal.aborted) return
        if (!(error instanceof Refusal)) {
          this.#with.broken(error)
          return
        }
        // No room on the local disk. What is committed stays committed, and is applied when there is room.
        this.#stalled = error
        this.#with.outage.failed(applying, error)
        await backoff.wait(this.#closing.signal)
      }
    }
  }

  async #take(records: readonly { readonly offset: number; readonly value: Buffer }[]): Promise<void> {
    let rest = records
      .filter(({ offset }) => offset >= this.#with.state.applied())
      .map(({ offset, value }): FoundCommit => ({ offset, sum: sumOf(value), commit: decodeCommit(value) }))
    while (rest.length > 0 && !this.#closing.signal.aborted) {
      const window = rest.slice(0, this.#windowLength(rest))
      rest = rest.slice(window.length)
      for await (const decoded of this.#decode(window)) {
        this.#apply(decoded)
        await turn()
      }
    }
  }

  /**
   * Fetches what a window brought, and gives it out in steps of bounded text: parts of a few bytes may hold much of it
   * (L12).
   */
  async *#decode(window: readonly FoundCommit[]): AsyncGenerator<readonly Decoded[]> {
    const fresh = new Set(this.#withoutRepeated(window).fresh)
    const own = new Map([...fresh].map((commit) => [commit, this.#with.own(commit)]))
    const parts = await this.#load([...fresh].filter((commit) => own.get(commit) === null))
    let step: Decoded[] = []
    let text = 0
    for (const found of window) {
      const { commit } = found
      const commands = fresh.has(commit) ? (own.get(commit) ?? commandsOf(commit, commit.parts.map(parts))) : []
      const length = commands.reduce((sum, command) => sum + textOf(command), 0)
      if (step.length > 0 && text + length > limits.windowTextMax) {
        yield step
        step = []
        text = 0
      }
      step.push({ found, commands })
      text += length
    }
    yield step
  }

  /** How many commits are fetched together: at least one, and no more than memory and a transaction should hold. */
  #windowLength(commits: readonly FoundCommit[]): number {
    let bytes = 0
    let arrivals = 0
    for (const [index, { commit }] of commits.entries()) {
      if (this.#with.own(commit) === null) for (const part of commit.parts) bytes += part.bytes
      for (const command of commit.commands) arrivals += command.kind === 'append' ? command.count : 1
      if (index > 0 && (bytes > limits.windowBytesMax || arrivals > logLimits.groupMax)) return index
    }
    return commits.length
  }

  #apply(step: readonly Decoded[]): void {
    const { state, applied } = this.#with
    const first = step[0]?.found
    const last = step.at(-1)?.found
    if (first === undefined || last === undefined) return
    assert(first.offset === state.applied(), 'commits are applied one after the other')
    const { fresh, groups } = this.#withoutRepeated(step.map(({ found }) => found))
    const counting = new Set(fresh)
    const effects = state.apply(
      step.flatMap(({ commands }) => commands),
      { from: first.offset, to: last.offset + 1, notes: new Map([...groups, [notes.last, String(last.sum)]]) },
    )
    this.#stalled = null
    this.#with.outage.worked(applying)
    let at = 0
    for (const { found, commands } of step) {
      if (!counting.has(found.commit)) continue
      this.#newest = Math.max(this.#newest, newestOf(found.commit)) as Micros
      applied(found.commit, effects.slice(at, at + commands.length))
      at += commands.length
    }
  }

  /**
   * A writer that did not hear of the fate of its commit sends it again, so it may be there twice; and one that it
   * gave up may come late. The groups of a writer count up: what is not above the last one does not count.
   */
  #withoutRepeated(window: readonly FoundCommit[]): { fresh: Commit[]; groups: Map<string, string> } {
    const groups = new Map<string, string>()
    const fresh = window.flatMap(({ commit }) => {
      const name = notes.group(commit.writer)
      if (commit.group <= Number(groups.get(name) ?? this.#with.state.note(name) ?? 0)) return []
      groups.set(name, String(commit.group))
      return [commit]
    })
    return { fresh, groups }
  }

  /** Fetches the parts of commits, and holds each against what its commit says of it. */
  async #load(commits: readonly Commit[]): Promise<(place: Place) => Buffer> {
    const nameOf = ({ partition, offset }: { partition: number; offset: number }): string => `${partition}:${offset}`
    const missing = new Map<string, Place & { readonly key: string }>()
    for (const { writer, group, parts } of commits) {
      for (const [index, place] of parts.entries()) {
        missing.set(nameOf(place), { ...place, key: partKey(writer, group, index) })
      }
    }
    const found = new Map<string, Buffer>()
    while (missing.size > 0) {
      for (const { partition, records } of await this.#parts.fetch(firstOfEach(missing.values()), 500)) {
        for (const { offset, key, value } of records) {
          const place = missing.get(nameOf({ partition, offset }))
          if (place === undefined) continue
          assert(place.key === key && place.sum === sumOf(value), `the part ${place.key} is what its commit says`)
          found.set(nameOf(place), value)
          missing.delete(nameOf(place))
        }
        const end = records.at(-1)?.offset ?? -1
        const gone = [...missing.values()].find((place) => place.partition === partition && place.offset <= end)
        if (gone !== undefined) throw new RecordsLost(`the part ${gone.key} is not in the topic any more`)
      }
    }
    return (place) => {
      const value = found.get(nameOf(place))
      assert(value !== undefined, 'every part of a commit was fetched')
      return value
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all([this.#commits.close(), this.#parts.close()])
    await this.#running
  }
}

/** Of each partition the first place. */
function firstOfEach(places: Iterable<Place>): { partition: number; offset: number }[] {
  const first = new Map<number, number>()
  for (const { partition, offset } of places) first.set(partition, Math.min(offset, first.get(partition) ?? offset))
  return [...first].map(([partition, offset]) => ({ partition, offset }))
}
