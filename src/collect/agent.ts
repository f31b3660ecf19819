import type { Micros } from '../core/time.ts'
import type { AccountRule } from './account-rule.ts'
import { sendCheckpoint } from './checkpoint.ts'
import { BatchBuilder, deliver } from './delivery.ts'
import type { Batch } from './delivery.ts'
import { entriesOf } from './entries.ts'
import type { Follower, TailedLine } from './follower.ts'
import { limits } from './limits.ts'
import type { LineReader } from './line-reader.ts'
import { outgoingLine } from './outgoing-line.ts'
import type { Service, World } from './service.ts'
import { Spool } from './spool.ts'
import type { SpoolState } from './spool-frame.ts'
import { Tails } from './tails.ts'

export interface AgentTask {
  readonly paths: readonly string[]
  readonly openReader: () => LineReader
  readonly rule: AccountRule | undefined
  /** The name of the source when the spool is new. */
  readonly source: string
  readonly spool: { readonly directory: string; readonly bytesMax: number }
}

export interface AgentWorld extends World {
  readonly now: () => Micros
  /** Names a new numbering; never the same twice. */
  readonly newEpoch: () => string
  readonly note: (message: string) => void
}

/** What a look at the logs came to: something was taken; all is read; there is more and no room for it. */
export type Collected = 'taken' | 'idle' | 'full'

/** The same of one file, and whether all of it was read. */
interface Turn {
  readonly collected: Collected
  readonly isAtEnd: boolean
}

/** So many pieces of one file are taken before the others have their turn. */
const readsPerTurn = 64

/**
 * A collector beside the logs it reads. `collect` moves lines into the spool, `send` moves them on to the service,
 * `checkpoint` says how far that is. Each may fail or be killed at any moment: the spool tells where to go on.
 */
export class Agent {
  readonly #task: AgentTask
  readonly #service: Service
  readonly #world: AgentWorld
  readonly #spool: Spool
  readonly #tails: Tails
  #seq: number
  #lost: number
  #upTo: Micros | null
  #finished: SpoolState['finished']
  #lookedAt: Micros
  /** The state that the service has acknowledged; undefined until it has acknowledged something in this run. */
  #acknowledged: SpoolState | undefined
  #checkpointAt: Micros | undefined
  #isResumed = false
  /** The last thing that was noted, so that a lasting trouble is told once. */
  #noted = ''

  constructor(task: AgentTask, service: Service, world: AgentWorld) {
    this.#task = task
    this.#service = service
    this.#world = world
    const bytesMax = task.spool.bytesMax
    const bounds = { bytesMax, segmentBytesMax: Math.min(limits.segmentBytesMax, Math.floor(bytesMax / 4)) }
    this.#spool = new Spool(task.spool.directory, bounds, () => ({
      source: task.source,
      epoch: world.newEpoch(),
      seq: 0,
      lost: 0,
      upTo: null,
      begunAt: world.now(),
      lookedAt: world.now(),
      files: [],
      finished: [],
    }))
    const { state } = this.#spool
    this.#seq = state.seq
    this.#lost = state.lost
    this.#upTo = state.upTo
    this.#finished = state.finished
    this.#lookedAt = state.lookedAt
    this.#acknowledged = this.#spool.hasUnsent ? undefined : state
    this.#tails = new Tails({ paths: task.paths, openReader: task.openReader, note: (message) => this.#note(message) })
  }

  /** Of the numbering: what the spool says, whatever the command line says now. */
  get source(): string {
    return this.#spool.state.source
  }

  /** The last number that was given. */
  get seq(): number {
    return this.#seq
  }

  get hasUnsent(): boolean {
    return this.#spool.hasUnsent
  }

  get spoolBytes(): number {
    return this.#spool.bytes
  }

  /** Lines that were lost before they could be read, in all of this numbering. */
  get lost(): number {
    return this.#lost
  }

  /** Takes what is new in the logs into the spool. */
  async collect(): Promise<Collected> {
    const startedAt = this.#world.now()
    if (!this.#isResumed) await this.#resume(startedAt)
    this.#isResumed = true
    this.#lose(await this.#tails.discover(this.#stateWith(this.#seq), startedAt))
    this.#lookedAt = startedAt
    const turns: Turn[] = []
    for (const follower of this.#tails.followers) turns.push(await this.#collectFrom(follower, startedAt))
    // All was read to its end after this moment, so nothing from before it is missing.
    const isAtEnd = turns.every((turn) => turn.isAtEnd)
    if (isAtEnd && (this.#upTo === null || startedAt > this.#upTo)) this.#upTo = startedAt
    const outcomes = new Set(turns.map(({ collected }) => collected))
    return outcomes.has('full') ? 'full' : outcomes.has('taken') ? 'taken' : 'idle'
  }

  /** Sends what waits in the spool, a bounded part of it. False when nothing waits. Throws a `ServiceError`. */
  async send(): Promise<boolean> {
    const batch = this.#spool.next({ eventsMax: limits.batchEventsMax, bytesMax: limits.batchBytesMax })
    if (batch === undefined) return false
    const builder = new BatchBuilder()
    for (const [index, event] of batch.events.entries()) {
      if (builder.isFullFor(event)) await this.#deliver(builder.take())
      builder.add(index, event)
    }
    if (builder.length > 0) await this.#deliver(builder.take())
    this.#spool.acknowledge(batch)
    this.#acknowledged = batch.state
    this.#noted = ''
    return batch.events.length > 0
  }

  /** Sends a checkpoint when one is due, or now. Never throws for what the service does. */
  async checkpoint(isDue: 'when due' | 'now' = 'when due'): Promise<void> {
    const now = this.#world.now()
    const waitedMicros = now - (this.#checkpointAt ?? Number.NEGATIVE_INFINITY)
    if (isDue === 'when due' && waitedMicros < limits.checkpointEveryMs * 1000) return
    const state = this.#acknowledged
    // While something waits, only what was acknowledged counts; otherwise everything that was read.
    const time = this.#spool.hasUnsent ? state?.upTo : this.#upTo
    if (state === undefined || time === undefined || time === null) return
    this.#checkpointAt = now
    const { source, epoch, seq } = state
    const failure = await sendCheckpoint(this.#service, { source, epoch, seq, time, lost: this.#lost })
    if (failure !== undefined) this.#note(`the checkpoint did not arrive (${failure})`)
  }

  /** Writes down where everything is. Nothing depends on it but how much is looked at again after a restart. */
  save(): boolean {
    return this.#append(this.#stateWith(this.#seq), [])
  }

  close(): void {
    this.#tails.close()
    this.#spool.close()
  }

  async #resume(now: Micros): Promise<void> {
    const { state } = this.#spool
    const isNew = state.files.length === 0 && state.finished.length === 0
    if (isNew) this.#finished = await this.#tails.strangers(state.begunAt)
    this.#lose(await this.#tails.resume(state, now))
  }

  async #collectFrom(follower: Follower, now: Micros): Promise<Turn> {
    const { rotatedAt } = follower
    const isOver = rotatedAt !== undefined && now - rotatedAt >= limits.rotatedWatchedMs * 1000
    let collected: Collected = 'idle'
    for (let reads = 0; reads < readsPerTurn; reads += 1) {
      const lines = await follower.read(isOver)
      if (lines.length === 0) {
        if (isOver) await this.#finish(follower)
        return { collected, isAtEnd: true }
      }
      // It was emptied while it was read, and perhaps written anew: the next look sees what has become of it.
      if (follower.isTruncated()) return { collected: 'taken', isAtEnd: false }
      if (!this.#take(follower, lines)) {
        follower.rewind()
        follower.lookAhead()
        return { collected: 'full', isAtEnd: false }
      }
      collected = 'taken'
    }
    return { collected, isAtEnd: false }
  }

  async #finish(follower: Follower): Promise<void> {
    this.#finished = [...this.#finished, await this.#tails.drop(follower)].slice(-limits.finishedMax)
    this.save()
  }

  /** Numbers the lines and makes them durable, in steps. False when a step could not be made; those before it hold. */
  #take(follower: Follower, lines: readonly TailedLine[]): boolean {
    const { source, epoch } = this.#spool.state
    const { rule } = this.#task
    const stepBytesMax = Math.min(limits.tailBytesMax, Math.floor(this.#task.spool.bytesMax / 8))
    let step = { events: [] as string[], bytes: 0, first: 0 }
    let seq = this.#seq
    for (const [index, { line }] of lines.entries()) {
      for (const entry of entriesOf(line, follower.reader)) {
        const context = { source, epoch, reader: follower.reader, rule }
        const { json, numbered } = outgoingLine({ ...entry, number: seq + 1 }, context)
        if (numbered) seq += 1
        step.events.push(json)
        step.bytes += Buffer.byteLength(json) + 1
      }
      const isFull = step.events.length >= limits.batchEventsMax || step.bytes >= stepBytesMax
      if (!isFull && index < lines.length - 1) continue
      const position = follower.positionAfter(lines.slice(step.first, index + 1))
      const state = this.#stateWith(seq, { follower, position })
      if (!this.#spool.hasRoomFor(step.bytes) || !this.#append(state, step.events)) return false
      follower.advance(position, index + 1 - step.first)
      this.#seq = seq
      step = { events: [], bytes: 0, first: index + 1 }
    }
    return true
  }

  #stateWith(seq: number, moved?: { follower: Follower; position: SpoolState['files'][number] }): SpoolState {
    const files = this.#tails.followers.map((follower) =>
      follower === moved?.follower ? moved.position : follower.position,
    )
    const [lost, upTo, lookedAt, finished] = [this.#lost, this.#upTo, this.#lookedAt, this.#finished]
    return { ...this.#spool.state, seq, lost, upTo, lookedAt, files, finished }
  }

  #append(state: SpoolState, events: readonly string[]): boolean {
    try {
      this.#spool.append(state, events)
      return true
    } catch (error) {
      this.#note(`the spool cannot be written (${(error as Error).message}); lines wait in their files`)
      return false
    }
  }

  #lose(lines: number): void {
    if (lines === 0) return
    this.#lost += lines
    this.save()
  }

  async #deliver(batch: Batch): Promise<void> {
    const { notAccepted } = await deliver(this.#service, batch, this.#world)
    const conflicts = notAccepted.filter(({ code }) => code === 'EVENT_CONFLICT').length
    if (conflicts > 0)
      this.#note(
        `${conflicts} events are in conflict with others of the same numbers; is a copy of this spool in use elsewhere?`,
      )
  }

  #note(message: string): void {
    if (message !== this.#noted) this.#world.note(message)
    this.#noted = message
  }
}
