/**
 * The client library for services: `createClient` and then `record`, once for each event.
 *
 * The host's thread serialises a record and hands it over; a thread of the client's own numbers, syncs, sends and
 * repeats. `record` neither throws nor waits for anything but that hand-over. Every record ends in exactly one counted
 * place (L1): acknowledged, on its way (`pending`), or declared lost. docs/data/client.md says what holds when.
 */
import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { MessageChannel, Worker } from 'node:worker_threads'
import { systemClock } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import { Counters } from './counters.ts'
import { lineOf } from './event-line.ts'
import type { RecordedEvent } from './event-line.ts'
import { FileHandOver, PortHandOver } from './hand-over.ts'
import type { HandOver } from './hand-over.ts'
import { limits } from './limits.ts'
import type { FromWorker, ToWorker, Where, WorkerTask } from './message.ts'
import { parseOptions } from './options.ts'
import type { ClientOptions, Settings } from './options.ts'
import { beginUse, claimDirectory, lastStateOf, refuseOther, sourceOfSlot, takeFreeSlot, unmarkInUse } from './slot.ts'
import type { LossFile, Slot } from './slot.ts'
import { Teller } from './trouble.ts'
import type { Trouble } from './trouble.ts'

export type { RecordedEvent } from './event-line.ts'
export type { ClientOptions } from './options.ts'
export type { Trouble, TroubleKind } from './trouble.ts'

/** What became of the records. Counted since this client began, but for `pending` and `declaredLost`. */
export interface ClientStats {
  /** Calls of `record`; the sum of what was taken and what was lost. */
  readonly recorded: number
  /** Records for which there was no room, or no disk. They are declared to the service, with their number. */
  readonly lost: number
  /** Records that are no events: taken, numbered, and kept aside by the service with their reason. */
  readonly unreadable: number
  /** Taken and not acknowledged, with what earlier processes left in this spool. */
  readonly pending: number
  /** Of them, in a request that has no answer yet, or had none. */
  readonly sent: number
  readonly acknowledged: number
  /** What the service said: acknowledged = accepted + duplicates + quarantined. */
  readonly accepted: number
  readonly duplicates: number
  readonly quarantined: number
  /** Lost in all of this spool's numbering, as the checkpoints state it. */
  readonly declaredLost: number
  readonly lastTrouble: Trouble | null
}

export interface Client {
  /** The source that the events are sent under. */
  readonly source: string
  /** Takes an event. Never throws. False: it was lost, which is counted, declared and told. */
  record(event: RecordedEvent): boolean
  /** Sends everything that was recorded so far. True when the service has all of it; false when time is up. */
  flush(limit?: { readonly limitMs?: number }): Promise<boolean>
  /** Sends what can be sent in this time, and ends. Never rejects. What is left waits in a spool on disk. */
  close(limit?: { readonly limitMs?: number }): Promise<ClientStats>
  stats(): ClientStats
}

/** Starts a client. Throws when the options are wrong or the spool cannot be used: at the start, and only then. */
export function createClient(options: ClientOptions): Client {
  return new SpoolingClient(parseOptions(options))
}

const now = (): Micros => systemClock.now()

interface Hold {
  readonly handOver: HandOver
  readonly where: Where
  readonly source: string
  readonly losses: LossFile | undefined
  /** The machine went down with records that may not have been synced. */
  readonly hasGoneDown: boolean
  release(isSynced: boolean): void
}

const lostWithMachine =
  'the machine went down while this spool was in use: records of its last moment may be lost, nobody knows how many, and one is declared'

interface Place {
  readonly slot: Slot
  readonly parent: string
}

function holdFiles(directory: string, settings: Settings, counters: Counters): Hold {
  const parent = resolve(directory)
  claimDirectory(parent, settings.source)
  const slot = takeFreeSlot(parent)
  try {
    return holdSlot({ slot, parent }, settings, counters)
  } catch (error) {
    slot.release()
    throw error
  }
}

function holdSlot({ slot, parent }: Place, settings: Settings, counters: Counters): Hold {
  const source = sourceOfSlot(settings.source, slot.number)
  const state = lastStateOf(slot)
  refuseOther(slot.directory, { owner: state?.source ?? source, source })
  const run = randomUUID()
  const handOverBytesMax = Math.floor(settings.spoolBytesMax / 4)
  const { losses, hasGoneDown } = beginUse(slot, state?.lost ?? 0)
  counters.set('lost', losses.count)
  const handOver = new FileHandOver({ directory: slot.directory, run }, counters, handOverBytesMax)
  const spoolBytesMax = settings.spoolBytesMax - handOverBytesMax
  return {
    handOver,
    where: { kind: 'files', parent, directory: slot.directory, slot: slot.number, run, spoolBytesMax },
    source,
    losses,
    hasGoneDown,
    release: (isSynced) => {
      losses.close()
      if (isSynced) unmarkInUse(slot)
      slot.release()
    },
  }
}

function holdMemory(settings: Settings, counters: Counters): Hold {
  const { port1, port2 } = new MessageChannel()
  port1.unref()
  const handOverBytesMax = Math.floor(settings.spoolBytesMax / 4)
  const spoolBytesMax = settings.spoolBytesMax - handOverBytesMax
  return {
    handOver: new PortHandOver(port1, counters, handOverBytesMax),
    where: { kind: 'memory', port: port2, spoolBytesMax },
    source: settings.source,
    losses: undefined,
    hasGoneDown: false,
    release: () => {},
  }
}

interface Waiting {
  readonly lines: number
  /** Known when all the lines have their numbers. */
  seq: number | undefined
  readonly done: (isSent: boolean) => void
}

class SpoolingClient implements Client {
  readonly #settings: Settings
  readonly #counters = new Counters()
  #hold: Hold
  /** What was lost in this numbering before this client began. */
  readonly #lostBefore: number
  readonly #teller: Teller
  #worker: Worker | undefined
  #recorded = 0
  #unreadable = 0
  #lostAfterClose = 0
  #isLosing = false
  #lastTrouble: Trouble | null = null
  #waiting: Waiting[] = []
  #closed: Promise<ClientStats> | undefined
  #hasEnded = Promise.withResolvers<void>()

  constructor(settings: Settings) {
    this.#settings = settings
    const { spool } = settings
    this.#hold = spool === 'memory' ? holdMemory(settings, this.#counters) : holdFiles(spool, settings, this.#counters)
    this.#lostBefore = this.#counters.get('lost')
    this.#teller = new Teller((trouble) => this.#tell(trouble))
    if (this.#hold.hasGoneDown) this.#teller.tell('lost', lostWithMachine)
    this.#startWorker()
  }

  get source(): string {
    return this.#hold.source
  }

  record(event: RecordedEvent): boolean {
    this.#recorded += 1
    try {
      if (this.#closed !== undefined) return this.#lose('recorded after the client was closed')
      const { line, fault } = lineOf(event, now)
      if (!this.#hold.handOver.write(line)) return this.#lose('there is no room in the spool, or it cannot be written')
      if (this.#isLosing) this.#teller.isOver('lost')
      this.#isLosing = false
      if (this.#counters.wake()) this.#say({ kind: 'wake' })
      if (fault !== undefined) {
        this.#unreadable += 1
        this.#teller.tell('unreadable', fault)
      }
      return true
    } catch (error) {
      return this.#lose((error as Error).message)
    }
  }

  async flush({ limitMs = limits.closeMsDefault }: { readonly limitMs?: number } = {}): Promise<boolean> {
    if (this.#closed !== undefined) return this.stats().pending === 0 && this.#counters.get('abandoned') === 0
    const arrived = Promise.withResolvers<boolean>()
    const waiting = { lines: this.#hold.handOver.lines, seq: undefined, done: arrived.resolve }
    this.#waiting.push(waiting)
    this.#counters.add('listening', 1)
    this.#worker?.ref()
    const timer = setTimeout(() => arrived.resolve(false), limitMs)
    this.#say({ kind: 'flush' })
    const isSent = await arrived.promise
    clearTimeout(timer)
    this.#counters.add('listening', -1)
    this.#waiting = this.#waiting.filter((other) => other !== waiting)
    if (this.#waiting.length === 0 && this.#closed === undefined) this.#worker?.unref()
    return isSent
  }

  close({ limitMs = limits.closeMsDefault }: { readonly limitMs?: number } = {}): Promise<ClientStats> {
    this.#closed ??= this.#close(limitMs)
    return this.#closed
  }

  stats(): ClientStats {
    const { handOver } = this.#hold
    const get = (counter: Parameters<Counters['get']>[0]): number => this.#counters.get(counter)
    const acknowledgedSeq = get('acknowledgedSeq')
    return {
      recorded: this.#recorded,
      lost: get('lost') - this.#lostBefore + this.#lostAfterClose,
      unreadable: this.#unreadable,
      pending: handOver.lines - get('takenLines') + get('spooledSeq') - acknowledgedSeq,
      sent: Math.max(get('sentSeq') - acknowledgedSeq, 0),
      acknowledged: get('acknowledged'),
      accepted: get('accepted'),
      duplicates: get('duplicates'),
      quarantined: get('quarantined'),
      declaredLost: get('lost'),
      lastTrouble: this.#lastTrouble,
    }
  }

  async #close(limitMs: number): Promise<ClientStats> {
    this.#worker?.ref()
    this.#say({ kind: 'close', limitMs })
    const timer = setTimeout(() => this.#hasEnded.resolve(), limitMs + limits.closeGraceMs)
    if (this.#worker === undefined) this.#hasEnded.resolve()
    await this.#hasEnded.promise
    clearTimeout(timer)
    await this.#worker?.terminate()
    this.#moved()
    for (const waiting of this.#waiting) waiting.done(false)
    this.#hold.handOver.close()
    this.#hold.release(this.#counters.get('takenLines') === this.#hold.handOver.lines)
    return this.stats()
  }

  /** Nothing of the host runs inside its own call of `record`. */
  #tell(trouble: Trouble): void {
    this.#lastTrouble = trouble
    setImmediate(() => {
      try {
        this.#settings.onTrouble(trouble)
      } catch {
        // What the host does with it is the host's; the records go on.
      }
    })
  }

  #lose(reason: string): false {
    this.#isLosing = true
    // After the close another process may have the slot, and with it the count.
    if (this.#closed !== undefined) {
      this.#lostAfterClose += 1
    } else {
      // In its file first: what the worker sees counted, and states, it can sync.
      this.#hold.losses?.add()
      this.#counters.add('lost', 1)
    }
    this.#teller.tell('lost', `records are lost: ${reason}; stats() counts them`)
    return false
  }

  #say(message: ToWorker): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker, no window
    this.#worker?.postMessage(message)
  }

  #startWorker(): void {
    const { where } = this.#hold
    const { url, key, source, batching } = this.#settings
    const workerData: WorkerTask = { where, source, url, key, batching, counters: this.#counters.memory }
    const transferList = where.kind === 'memory' ? [where.port] : []
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData, transferList, name: 'crossfoot' })
    worker.unref()
    this.#worker = worker
    let reason = ''
    worker.on('message', (message: FromWorker) => this.#hear(message))
    worker.on('error', (error) => (reason = (error as Error).message))
    worker.on('exit', () => this.#goOnWithout(reason))
  }

  #hear(message: FromWorker): void {
    switch (message.kind) {
      case 'trouble':
        this.#tell(message.trouble)
        break
      case 'moved':
        this.#moved()
        break
      case 'closed':
        this.#hasEnded.resolve()
        break
    }
  }

  #moved(): void {
    for (const waiting of this.#waiting) {
      if (waiting.seq === undefined) {
        if (this.#counters.get('takenLines') < waiting.lines) continue
        // In this order: the worker raises the number before the lines, and gives up before it lowers the number.
        const seq = this.#counters.get('spooledSeq')
        if (this.#counters.get('abandoned') === 0) waiting.seq = seq
        else waiting.done(false)
      }
      if (waiting.seq !== undefined && this.#counters.get('acknowledgedSeq') >= waiting.seq) waiting.done(true)
    }
  }

  /** Files wait for the next worker. A spool in memory has ended with its worker: what was in it is lost. */
  #goOnWithout(reason: string): void {
    this.#worker = undefined
    if (this.#closed !== undefined) {
      this.#hasEnded.resolve()
      return
    }
    if (this.#hold.where.kind === 'memory') this.#beginAnew()
    this.#tell({ kind: 'worker', message: `the client's worker ended (${reason}); it is started again` })
    setTimeout(() => {
      if (this.#closed === undefined) this.#startWorker()
    }, limits.workerAgainMs).unref()
  }

  #beginAnew(): void {
    for (const waiting of this.#waiting) waiting.done(false)
    this.#counters.add('lost', this.stats().pending)
    for (const counter of ['takenLines', 'takenBytes', 'spooledSeq', 'acknowledgedSeq', 'sentSeq'] as const)
      this.#counters.set(counter, 0)
    this.#hold = holdMemory(this.#settings, this.#counters)
  }
}
