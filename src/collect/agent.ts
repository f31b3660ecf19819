import type { Micros } from '../core/time.ts'
import type { AccountRule } from './account-rule.ts'
import { sendCheckpoint } from './checkpoint.ts'
import { BatchBuilder, deliver } from './delivery.ts'
import type { Batch } from './delivery.ts'
import type { Follower, TailedLine } from './follower.ts'
import { limits } from './limits.ts'
import { LineGroup } from './line-group.ts'
import type { LineReader } from './line-reader.ts'
import { numberLines } from './numbered-lines.ts'
import type { NumberedLines, ReceivedLine } from './numbered-lines.ts'
import { OpenConnections } from './open-connections.ts'
import { Reach, surenessOf } from './reach.ts'
import { ReadingOrder } from './reading-order.ts'
import type { Piece } from './reading-order.ts'
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
  /** How long before the time of a checkpoint its events happened at the latest (0: the logs are never late). */
  readonly delayMs?: number
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

/** What became of lines that arrived by the network. Only those that are taken may be answered for. */
export type Reception =
  | { readonly kind: 'taken'; readonly unreadable: number; readonly reason: string | undefined }
  | { readonly kind: 'full' }
  /** They would not even fit into an empty spool. */
  | { readonly kind: 'too-large' }

/** So many pieces of each file are taken in one look. */
const piecesPerLook = 64

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
  readonly #connections: OpenConnections
  #group: LineGroup<Follower>
  #isCommitDue = false
  #isLossDue = false
  #isClosed = false
  readonly #reach: Reach
  /** Groups that were undone because the spool could not be written. */
  #undone = 0
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
      lostUpTo: 0,
      upTo: null,
      begunAt: world.now(),
      lookedAt: world.now(),
      files: [],
      finished: [],
    }))
    const { state } = this.#spool
    this.#group = new LineGroup(state.seq)
    this.#connections = new OpenConnections(this.#spool.notes)
    this.#reach = new Reach(state, world.now(), task.delayMs ?? 0)
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
    return this.#group.seq
  }

  get hasUnsent(): boolean {
    return this.#spool.hasUnsent
  }

  get spoolBytes(): number {
    return this.#spool.bytes
  }

  /** Lines that were lost before they could be read, in all of this numbering. */
  get lost(): number {
    return this.#reach.lost
  }

  /** Takes what is new in the logs into the spool. */
  async collect(): Promise<Collected> {
    const startedAt = this.#world.now()
    if (!this.#isResumed) await this.#resume(startedAt)
    this.#isResumed = true
    this.#lose(await this.#tails.discover(this.#state(), startedAt))
    this.#lookedAt = startedAt
    const undoneBefore = this.#undone
    const order = new ReadingOrder(this.#tails.followers)
    for (let pieces = 0; pieces < piecesPerLook && !order.isOver; pieces += 1) {
      await order.round((follower) => this.#takePiece(follower, startedAt))
      // A piece of each path, one fsync for all of them.
      if (!this.#commit()) return 'full'
    }
    const { found } = order
    // Also what a receiver made durable meanwhile held lines of files; undone, they are in their files again.
    if (this.#undone > undoneBefore || found.has('full')) return 'full'
    // All was read to its end after this moment, so nothing from before it is missing.
    if (order.isOver && !found.has('emptied') && !this.#tails.isWaiting) this.#reach.moveTo(startedAt)
    return found.size === 0 || (found.size === 1 && found.has('none')) ? 'idle' : 'taken'
  }

  /**
   * Takes lines that arrived and are nowhere else: all of them or none, in one durable step. Settles once that is
   * known, so that nobody is told of a line that could still be lost.
   */
  receive(lines: readonly ReceivedLine[], reader: LineReader): Promise<Reception> {
    const numbered = this.#number(lines, reader)
    if (numbered.bytes + this.#frameBytes > this.#task.spool.bytesMax / 2) {
      this.#connections.drop()
      return Promise.resolve({ kind: 'too-large' })
    }
    if (!this.#add(numbered)) return Promise.resolve({ kind: 'full' })
    const { unreadable, reason } = numbered
    return new Promise((resolve) => {
      this.#group.whenSettled((isDurable) =>
        resolve(isDurable ? { kind: 'taken', unreadable, reason } : { kind: 'full' }),
      )
      if (this.#isGroupFull) this.#commit()
      else this.#commitSoon()
    })
  }

  /** So many lines arrived and could not be kept: the next checkpoint says so. */
  declareLost(lines: number): void {
    this.#reach.lose(lines, this.#world.now())
    if (this.#isLossDue || this.#isClosed) return
    // Losses come in crowds; the spool is full or its disk is, so it is written for the first of them only, and later.
    this.#isLossDue = true
    this.save()
    void this.#saveLater()
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
    // A loss that was stated and not kept would hide as many after a restart: the service knows the highest count.
    const isLossKept = this.#reach.lost === this.#spool.state.lost || this.save()
    const state = this.#acknowledged
    if (state === undefined) return
    // While something waits, only what was acknowledged counts; otherwise everything that was read.
    const { upTo, lost } = isLossKept && !this.#spool.hasUnsent ? this.#reach.sure : surenessOf(state)
    if (upTo === null) return
    this.#checkpointAt = now
    const { source, epoch, seq } = state
    const time = Math.max(0, upTo - (this.#task.delayMs ?? 0) * 1000) as Micros
    const failure = await sendCheckpoint(this.#service, { source, epoch, seq, time, lost })
    if (failure !== undefined) this.#note(`the checkpoint did not arrive (${failure})`)
  }

  /** Writes down where everything is. Nothing depends on it but how much is looked at again after a restart. */
  save(): boolean {
    return this.#commit('always')
  }

  /** What is not durable by now was never taken. */
  close(): void {
    this.#isClosed = true
    this.#tails.close()
    this.#spool.close()
  }

  async #resume(now: Micros): Promise<void> {
    const { state } = this.#spool
    const isNew = state.files.length === 0 && state.finished.length === 0
    if (isNew) this.#finished = await this.#tails.strangers(state.begunAt)
    this.#lose(await this.#tails.resume(state, now))
  }

  async #takePiece(follower: Follower, now: Micros): Promise<Piece> {
    const lines = await follower.read(follower.isOver(now))
    if (lines.length === 0) {
      if (follower.isOver(now)) await this.#finish(follower)
      return 'none'
    }
    // It was emptied while it was read, and perhaps written anew: the next look sees what has become of it.
    if (follower.isTruncated()) return 'emptied'
    const areAll = follower.areAll(lines)
    if (this.#take(follower, lines)) return areAll ? 'last' : 'more'
    // What was taken of the piece holds, once it is durable; the rest waits in the file.
    this.#commit()
    leave(follower)
    return 'full'
  }

  async #finish(follower: Follower): Promise<void> {
    const { file, lost } = await this.#tails.drop(follower)
    this.#finished = this.#tails.keep(this.#finished, [file])
    if (lost > 0) this.#lose(lost)
    else this.save()
  }

  /** Puts the lines into the group, in blocks, and what is enough into the spool. False when there is no room for all. */
  #take(follower: Follower, lines: readonly TailedLine[]): boolean {
    for (let first = 0; first < lines.length;) {
      const block = this.#blockFrom(lines, first)
      const numbered = this.#number(
        block.map(({ line }) => line),
        follower.reader,
        follower.position.path,
      )
      if (!this.#add(numbered)) return false
      const position = follower.positionAfter(block)
      this.#group.move(follower, position)
      this.#group.whenSettled((isDurable) => (isDurable ? follower.advance(position, block.length) : leave(follower)))
      if (this.#isGroupFull && !this.#commit()) return false
      first += block.length
    }
    return true
  }

  /** As many lines as are a small part of the spool, and at least one: where the room ends, a block waits as a whole. */
  #blockFrom(lines: readonly TailedLine[], first: number): readonly TailedLine[] {
    const bytesMax = Math.min(limits.blockBytesMax, this.#task.spool.bytesMax / 32)
    let [bytes, end] = [0, first]
    while (end < lines.length && (end === first || bytes < bytesMax)) bytes += lines[end++]?.line.length ?? 0
    return lines.slice(first, end)
  }

  #number(lines: readonly ReceivedLine[], reader: LineReader, scope = ''): NumberedLines {
    const { source, epoch } = this.#spool.state
    const context = { source, epoch, reader, rule: this.#task.rule, connections: this.#connections, scope }
    return numberLines(lines, this.#group.seq, context)
  }

  /** False when there is no room for them; then it is as if they had not been read. */
  #add({ events, bytes, seq }: NumberedLines): boolean {
    if (!this.#spool.hasRoomFor(this.#group.bytes + bytes + this.#frameBytes)) {
      this.#connections.drop()
      return false
    }
    this.#connections.keep()
    this.#group.add(events, bytes, seq)
    return true
  }

  /** Makes the group durable, or undoes it. `always`: also when there is nothing but the state to write. */
  #commit(when: 'if needed' | 'always' = 'if needed'): boolean {
    const group = this.#group
    if (group.isEmpty && when === 'if needed') return true
    for (const follower of group.takers) follower.sync()
    const isDurable = this.#append(this.#state(), group.events)
    this.#connections.clear()
    this.#group = new LineGroup(this.#spool.state.seq)
    if (!isDurable) this.#undone += 1
    group.settle(isDurable)
    return isDurable
  }

  /** What arrives until then shares the fsync. */
  #commitSoon(): void {
    if (this.#isCommitDue) return
    this.#isCommitDue = true
    void this.#commitLater()
  }

  async #commitLater(): Promise<void> {
    await this.#world.wait(limits.groupMs, 'more lines may arrive')
    this.#isCommitDue = false
    if (!this.#isClosed) this.#commit()
  }

  async #saveLater(): Promise<void> {
    await this.#world.wait(limits.checkpointEveryMs, 'more may be lost')
    this.#isLossDue = false
    if (!this.#isClosed) this.save()
  }

  get #isGroupFull(): boolean {
    const bytesMax = Math.min(limits.tailBytesMax, Math.floor(this.#task.spool.bytesMax / 8))
    return this.#group.events.length >= limits.batchEventsMax || this.#group.bytes >= bytesMax
  }

  /** What a frame takes besides its events, at most. */
  get #frameBytes(): number {
    const notes = this.#spool.notes.size * limits.noteBytes
    const finished = this.#finished.length * limits.finishedFileBytes
    return limits.frameStateBytes + this.#tails.followers.length * limits.fileStateBytes + finished + notes
  }

  /** With the group. */
  #state(): SpoolState {
    const files = this.#tails.followers.map((follower) => this.#group.positionOf(follower) ?? follower.position)
    const [seq, lookedAt, finished] = [this.#group.seq, this.#lookedAt, this.#finished]
    return { ...this.#spool.state, ...this.#reach.state, seq, lookedAt, files, finished }
  }

  #append(state: SpoolState, events: readonly string[]): boolean {
    try {
      this.#spool.append(state, events, this.#connections.changes)
      return true
    } catch (error) {
      this.#note(`the spool cannot be written (${(error as Error).message}); lines wait in their files`)
      return false
    }
  }

  #lose(lines: number): void {
    if (lines === 0) return
    this.#reach.lose(lines, this.#world.now())
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

/** The lines after the position stay in the file; they are counted, so that their number is known should they vanish. */
function leave(follower: Follower): void {
  follower.rewind()
  follower.lookAhead()
}
