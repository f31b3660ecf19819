import type { Micros } from '../../core/time.ts'
import { sendCheckpoint } from '../checkpoint.ts'
import { deliver } from '../delivery.ts'
import type { BatchOutcome } from '../delivery.ts'
import type { Service, World } from '../service.ts'
import type { SpoolState } from '../spool-frame.ts'
import type { Counters } from './counters.ts'
import { numberLines } from './event-line.ts'
import type { Inbox } from './inbox.ts'
import { limits } from './limits.ts'
import type { EventSpool } from './memory-spool.ts'
import type { Teller } from './trouble.ts'

export interface Batching {
  readonly eventsMax: number
  readonly bytesMax: number
  /** How long a record waits for others to fill a request. */
  readonly sendEveryMs: number
  /** How long before its recording an event may have happened. */
  readonly lateMs: number
}

export interface ShipperWorld extends World {
  readonly now: () => Micros
  /** Milliseconds of a clock that nobody sets. */
  readonly elapsed: () => number
}

export interface ShipperParts {
  readonly inbox: Inbox
  readonly spool: EventSpool
  readonly service: Service
  readonly counters: Counters
  readonly teller: Teller
  readonly world: ShipperWorld
  /** Makes all losses that are counted so far durable. */
  readonly syncLosses: () => void
}

export function newSpoolState(source: string, epoch: string, now: Micros): SpoolState {
  const empty = { seq: 0, lost: 0, upTo: null, files: [], finished: [] }
  return { source, epoch, ...empty, begunAt: now, lookedAt: now }
}

/**
 * Moves records from the hand-over into the spool, where they get their numbers, and from there to the service.
 * `take` is synchronous and durable in steps; `send` and `checkpoint` may fail or be killed at any moment.
 */
export class Shipper {
  readonly #parts: ShipperParts
  readonly #batching: Batching
  /** How many events of the oldest batch the service has taken already. */
  #done = 0
  #upTo: Micros | null
  /** States up to this number speak of a clock that was ahead: they say nothing about time any more. */
  #timelessSeq = -1
  #acknowledged: SpoolState | undefined
  #waitingSince: number | undefined
  #checkpointAt = Number.NEGATIVE_INFINITY
  /** As many losses as outlive a power loss. */
  #lostSynced: number
  #clock: { readonly now: Micros; readonly elapsed: number }

  constructor(parts: ShipperParts, batching: Batching) {
    this.#parts = parts
    this.#batching = batching
    const { spool, counters, world } = parts
    this.#upTo = spool.state.upTo
    this.#clock = { now: world.now(), elapsed: world.elapsed() }
    const oldest = spool.next({ eventsMax: 1, bytesMax: 1 })
    this.#acknowledged = oldest === undefined ? spool.state : undefined
    this.#waitingSince = oldest === undefined ? undefined : Number.NEGATIVE_INFINITY
    this.#lostSynced = spool.state.lost
    counters.set('spooledSeq', spool.state.seq)
    // Every event in the spool has a number, so the first of them tells what lies before.
    const acknowledged = oldest === undefined ? spool.state.seq : oldest.state.seq - oldest.events.length
    counters.set('acknowledgedSeq', acknowledged)
    counters.set('sentSeq', acknowledged)
    counters.set('spoolBytes', spool.bytes)
    // An earlier process may have had a clock that was ahead.
    this.#lookAtClock(this.#clock.now)
  }

  get seq(): number {
    return this.#parts.spool.state.seq
  }

  get acknowledgedSeq(): number {
    return this.#parts.counters.get('acknowledgedSeq')
  }

  get hasUnsent(): boolean {
    return this.#parts.spool.hasUnsent
  }

  /** Takes everything that was recorded before this call; `full` when the spool does not take all of it. */
  take(): 'idle' | 'full' {
    const { inbox, counters, world } = this.#parts
    counters.set('woken', 0)
    const startedAt = this.#lookAtClock(world.now())
    for (let piece = inbox.read(); piece !== undefined; piece = inbox.read()) {
      const { source, epoch, seq } = this.#parts.spool.state
      const events = numberLines(piece.lines, { source, epoch }, seq)
      const state = { ...this.#state(), seq: seq + events.length, files: piece.positions }
      if (!this.#append(state, events)) return 'full'
      piece.commit()
      this.#waitingSince ??= world.elapsed()
      // The number before the lines: a host that sees these lines as taken then sees a number that covers them. Both
      // are Atomics, which every thread sees in one order; the other way round `flush` could wait for too few.
      counters.set('spooledSeq', state.seq)
      if (piece.ownBytes > 0) counters.add('takenLines', piece.lines.length)
      counters.add('takenBytes', piece.ownBytes)
    }
    if (this.#upTo === null || startedAt > this.#upTo) this.#upTo = startedAt
    return 'idle'
  }

  /** Milliseconds until something has to be sent; 0: now. Undefined: nothing waits. */
  dueInMs(): number | undefined {
    const { counters, world } = this.#parts
    if (this.#waitingSince === undefined) return undefined
    if (counters.get('spooledSeq') - counters.get('acknowledgedSeq') >= this.#batching.eventsMax) return 0
    return Math.max(this.#waitingSince + this.#batching.sendEveryMs - world.elapsed(), 0)
  }

  /** Sends one batch. False when nothing waits. Throws a `ServiceError`. */
  async send(): Promise<boolean> {
    const { spool, counters, world, teller } = this.#parts
    const batch = spool.next(this.#batching)
    if (batch === undefined) return false
    const sentAt = world.elapsed()
    counters.set('sentSeq', Math.max(batch.state.seq, counters.get('sentSeq')))
    while (this.#done < batch.events.length) await this.#sendSome(batch.events)
    spool.acknowledge(batch)
    this.#done -= batch.events.length
    this.#acknowledged = this.#timed(batch.state)
    this.#waitingSince = spool.hasUnsent ? sentAt : undefined
    counters.set('acknowledgedSeq', batch.state.seq)
    counters.set('spoolBytes', spool.bytes)
    teller.isOver('unreachable', 'refused')
    return true
  }

  /** States what was sent and lost, when that is due or now. Never throws for what the service does. */
  async checkpoint(when: 'due' | 'now' = 'due', service = this.#parts.service): Promise<void> {
    const { spool, counters, world, teller } = this.#parts
    if (when === 'due' && world.elapsed() - this.#checkpointAt < limits.checkpointEveryMs) return
    const state = this.#acknowledged
    // While something waits, only what was acknowledged counts; otherwise everything that was recorded.
    const upTo = spool.hasUnsent ? state?.upTo : this.#upTo
    if (state === undefined || upTo === undefined || upTo === null) return
    this.#checkpointAt = world.elapsed()
    const lost = counters.get('lost')
    if (!this.#syncLosses(lost)) return
    const time = Math.max(upTo - this.#batching.lateMs * 1000, 0) as Micros
    const { source, epoch, seq } = state
    const failure = await sendCheckpoint(service, { source, epoch, seq, time, lost })
    if (failure !== undefined) teller.tell('unreachable', `the checkpoint did not arrive (${failure})`)
  }

  /** What was stated must never be taken back: not by a power loss either. Unsynced, nothing is stated (L7). */
  #syncLosses(lost: number): boolean {
    const { teller, syncLosses } = this.#parts
    try {
      if (lost > this.#lostSynced) syncLosses()
      this.#lostSynced = Math.max(this.#lostSynced, lost)
      return true
    } catch (error) {
      teller.tell('spool', `the count of losses cannot be synced (${(error as Error).message}); no checkpoint is sent`)
      return false
    }
  }

  /**
   * Gives up what has not been acknowledged, for a spool that ends with its process. What was on its way may have
   * arrived and is called lost as well: nobody can know.
   */
  abandon(): number {
    const { inbox, spool, counters } = this.#parts
    const acknowledged = counters.get('acknowledgedSeq')
    let untaken = 0
    for (let piece = inbox.read(); piece !== undefined; piece = inbox.read()) {
      untaken += piece.lines.length
      piece.commit()
    }
    const lost = spool.state.seq - acknowledged + untaken
    // First of all: what is called taken from here on is with nobody.
    counters.set('abandoned', lost)
    counters.add('takenLines', untaken)
    counters.add('lost', lost)
    counters.set('spooledSeq', acknowledged)
    spool.close()
    this.#acknowledged = { ...spool.state, seq: acknowledged }
    return lost
  }

  close(): void {
    // What was lost and where the files are; nothing depends on it.
    this.#append(this.#state(), [])
    this.#parts.inbox.close()
    this.#parts.spool.close()
  }

  #timed(state: SpoolState): SpoolState {
    return state.seq > this.#timelessSeq ? state : { ...state, upTo: null }
  }

  #state(): SpoolState {
    const { spool, counters } = this.#parts
    return { ...spool.state, upTo: this.#upTo, lost: counters.get('lost') }
  }

  #append(state: SpoolState, events: readonly string[]): boolean {
    const { spool, counters, teller } = this.#parts
    const bytes = events.reduce((sum, event) => sum + Buffer.byteLength(event) + 1, 0)
    if (!spool.hasRoomFor(bytes)) return false
    try {
      spool.append(state, events)
      counters.set('spoolBytes', spool.bytes)
      this.#lostSynced = Math.max(this.#lostSynced, state.lost)
      teller.isOver('spool')
      return true
    } catch (error) {
      teller.tell('spool', `the spool cannot be written (${(error as Error).message}); records wait before it`)
      return false
    }
  }

  async #sendSome(events: readonly string[]): Promise<void> {
    const some = this.#slice(events)
    const { service, world } = this.#parts
    const batch = { lines: some.map((_, index) => index), body: `${some.join('\n')}\n` }
    this.#count(await deliver(service, batch, world), some.length)
    this.#done += some.length
  }

  #slice(events: readonly string[]): string[] {
    const some: string[] = []
    let bytes = 0
    for (let at = this.#done; at < events.length && some.length < this.#batching.eventsMax; at += 1) {
      const event = events[at] ?? ''
      bytes += Buffer.byteLength(event) + 1
      if (some.length > 0 && bytes > this.#batching.bytesMax) break
      some.push(event)
    }
    return some
  }

  #count({ accepted, duplicates, quarantined, notAccepted }: BatchOutcome, events: number): void {
    const { counters, teller } = this.#parts
    counters.add('acknowledged', events)
    counters.add('accepted', accepted)
    counters.add('duplicates', duplicates)
    counters.add('quarantined', quarantined)
    const held = notAccepted.find(({ status }) => status === 'quarantined')
    if (held !== undefined) teller.tell('quarantined', `the service keeps events aside: ${held.message} (${held.code})`)
  }

  /**
   * L7: a statement rests on the clock. One that was set is told. When all is known up to a time that is still to
   * come, the clock was ahead: nothing is known then until all was taken once more, by the clock as it is now.
   * Otherwise nothing new would be stated until that time comes.
   */
  #lookAtClock(now: Micros): Micros {
    const elapsed = this.#parts.world.elapsed()
    const moved = (now - this.#clock.now) / 1000 - (elapsed - this.#clock.elapsed)
    this.#clock = { now, elapsed }
    if (this.#upTo !== null && this.#upTo > now) {
      this.#upTo = null
      this.#timelessSeq = this.seq
      if (this.#acknowledged !== undefined) this.#acknowledged = this.#timed(this.#acknowledged)
    }
    if (Math.abs(moved) > limits.clockJumpMs)
      this.#parts.teller.tell(
        'clock',
        `the clock was set ${moved < 0 ? 'back' : 'ahead'} by ${Math.abs(Math.round(moved / 1000))} s`,
      )
    return now
  }
}
