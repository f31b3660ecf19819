import { hash } from 'node:crypto'
import type { Database } from 'lmdb'
import type { Offset } from '../core/ids.ts'
import type { Arrival, HeldInput, Outcome, ParsedEvent } from '../core/record.ts'
import { heldLengthMax } from '../core/record.ts'
import { assert } from '../core/result.ts'
import { dayMicros, formatInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { encodeChunk } from './chunk.ts'
import { IntervalSet } from './intervals.ts'
import { identityKey, intervalKey, numberKey, numberOf, sourceKey } from './keys.ts'
import { limits } from './log.ts'
import type { Checkpoint, Interval, Loss, StatedCheckpoint } from './log.ts'

type Table = Database<Buffer, Buffer>

/** The tables of the embedded log. Everything in them changes in the transaction of an append, or not at all. */
export interface Tables {
  /** first offset → chunk of accepted events */
  readonly chunks: Table
  /** source number + (seq | id) → content hash (8 bytes), day until which it is remembered (4 bytes) */
  readonly identities: Table
  /** source + epoch → SourceEntry */
  readonly sources: Table
  /** source number + set + start → end */
  readonly intervals: Table
  /** number → what is held aside, as JSON */
  readonly held: Table
  /** hash of what is held → its number, so that a repetition is not held twice */
  readonly heldIndex: Table
  /** source + day → received, accepted, duplicates, quarantined, 8 bytes each */
  readonly balances: Table
  /** source + epoch → the source's last Checkpoint, as JSON */
  readonly checkpoints: Table
  /** name → next number */
  readonly counters: Table
}

export interface SourceEntry {
  readonly number: number
  readonly source: string
  readonly epoch: string
}

export interface Append {
  readonly arrivals: readonly Arrival[]
  readonly now: Micros
}

/** Content hashes of identities are kept this long: longer than ordinary ingest accepts a time (35 days). */
export const rememberedDays = 37

export function readSource(value: Buffer): SourceEntry {
  return JSON.parse(value.toString('utf8')) as SourceEntry
}

export function dayOf(instant: Micros): number {
  return Math.floor(instant / dayMicros)
}

/** What is known of one numbering of a source while a group is being written. */
interface OpenSource {
  readonly number: number
  readonly accepted: IntervalSet
  readonly held: IntervalSet
}

function intervalStore(table: Table, sourceNumber: number, set: 'accepted' | 'held') {
  const key = (seq: number): Buffer => intervalKey(sourceNumber, set, seq)
  const bounds = { low: key(0), high: key(Number.MAX_SAFE_INTEGER + 1) }
  return {
    below(seq: number): Interval | null {
      for (const { key: found, value } of table.getRange({
        start: key(seq),
        end: bounds.low,
        reverse: true,
        limit: 1,
      })) {
        return [numberOf(found, 5), numberOf(value)]
      }
      return null
    },
    startAbove(seq: number): number | null {
      for (const found of table.getKeys({ start: key(seq + 1), end: bounds.high, limit: 1 })) return numberOf(found, 5)
      return null
    },
    put([start, end]: Interval): void {
      table.putSync(key(start), numberKey(end))
    },
    remove(start: number): void {
      table.removeSync(key(start))
    },
  }
}

/** Writes one group of appends; lives as long as its transaction. */
class GroupWriter {
  readonly #tables: Tables
  readonly #sources = new Map<string, OpenSource>()
  readonly #balances = new Map<string, [bigint, bigint, bigint, bigint]>()
  readonly #accepted: ParsedEvent[] = []
  #next: number

  constructor(tables: Tables, end: number) {
    this.#tables = tables
    this.#next = end
  }

  #source(source: string, epoch: string): OpenSource {
    const name = `${source}\0${epoch}`
    const open = this.#sources.get(name)
    if (open !== undefined) return open
    const number = openSource(this.#tables, source, epoch)
    const opened: OpenSource = {
      number,
      accepted: new IntervalSet(intervalStore(this.#tables.intervals, number, 'accepted')),
      held: new IntervalSet(intervalStore(this.#tables.intervals, number, 'held')),
    }
    this.#sources.set(name, opened)
    return opened
  }

  #tally(source: string, day: string, outcome: Outcome): void {
    const key = `${source}\0${day}`
    let counts = this.#balances.get(key)
    if (counts === undefined) {
      const stored = this.#tables.balances.get(Buffer.from(key))
      const read = (at: number): bigint => stored?.readBigUInt64BE(at) ?? 0n
      counts = [read(0), read(8), read(16), read(24)]
      this.#balances.set(key, counts)
    }
    counts[0] += 1n
    counts[outcome.kind === 'accepted' ? 1 : outcome.kind === 'duplicate' ? 2 : 3] += 1n
  }

  #hold(held: HeldInput, now: Micros): void {
    const { source, epoch, id, seq, problem, raw } = held
    const identity = hash('sha256', JSON.stringify([source, epoch, id, seq, problem.code, raw]), 'buffer').subarray(
      0,
      16,
    )
    if (this.#tables.heldIndex.get(identity) === undefined) {
      const number = countUp(this.#tables, 'held')
      this.#tables.heldIndex.putSync(identity, numberKey(number))
      this.#tables.held.putSync(numberKey(number), Buffer.from(JSON.stringify({ ...held, arrived: now })))
    }
    if (source !== null && seq !== null) this.#source(source, epoch).held.add(seq)
  }

  #conflict(event: ParsedEvent, now: Micros): Outcome {
    const { source, epoch, id, seq, fact, inspection } = event
    const problem = {
      code: 'EVENT_CONFLICT',
      message: 'an event with this identity and other content was accepted before',
    } as const
    this.#hold({ source, epoch, id, seq, problem, raw: `${fact}${inspection ?? ''}`.slice(0, heldLengthMax) }, now)
    return { kind: 'conflict' }
  }

  #accept(event: ParsedEvent, now: Micros): Outcome {
    const source = this.#source(event.source, event.epoch)
    const key = identityKey(source.number, event)
    const known = event.seq === null || source.accepted.has(event.seq) ? this.#tables.identities.get(key) : undefined
    if (known !== undefined) {
      return known.toString('latin1', 0, 8) === event.hash ? { kind: 'duplicate' } : this.#conflict(event, now)
    }
    // The number is known but its content hash is forgotten: it was counted, and is not counted again.
    if (event.seq !== null && !source.accepted.add(event.seq)) return { kind: 'duplicate' }
    const remembered = Buffer.allocUnsafe(12)
    remembered.write(event.hash, 0, 8, 'latin1')
    // Without a number the hash alone guards L2, and must outlive the last moment at which ingest takes that time.
    remembered.writeUInt32BE(dayOf(event.seq === null && event.time > now ? event.time : now) + rememberedDays, 8)
    this.#tables.identities.putSync(key, remembered)
    this.#accepted.push(event)
    this.#next += 1
    return { kind: 'accepted', offset: (this.#next - 1) as Offset }
  }

  take({ arrivals, now }: Append): Outcome[] {
    const first = this.#next
    const day = formatInstant(now).slice(0, 10)
    const outcomes = arrivals.map((arrival): Outcome => {
      let outcome: Outcome
      if (arrival.kind === 'event') {
        outcome = this.#accept(arrival.event, now)
      } else {
        this.#hold(arrival.held, now)
        outcome = { kind: 'held' }
      }
      this.#tally((arrival.kind === 'event' ? arrival.event.source : arrival.held.source) ?? '', day, outcome)
      return outcome
    })
    if (this.#accepted.length > 0) {
      this.#tables.chunks.putSync(numberKey(first), encodeChunk(this.#accepted, now))
      this.#accepted.length = 0
    }
    return outcomes
  }

  finish(): number {
    for (const { accepted, held } of this.#sources.values()) {
      accepted.flush()
      held.flush()
    }
    for (const [key, counts] of this.#balances) {
      const [received, accepted, duplicates, quarantined] = counts
      assert(received === accepted + duplicates + quarantined, 'L1: what was received is accounted for')
      const value = Buffer.alloc(32)
      counts.forEach((count, index) => value.writeBigUInt64BE(count, index * 8))
      this.#tables.balances.putSync(Buffer.from(key), value)
    }
    return this.#next
  }
}

/** Takes the number of a source's numbering, giving it one when it is new. */
export function openSource(tables: Tables, source: string, epoch: string): number {
  const key = sourceKey(source, epoch)
  const stored = tables.sources.get(key)
  if (stored !== undefined) return readSource(stored).number
  const number = countUp(tables, 'sources')
  const entry: SourceEntry = { number, source, epoch }
  tables.sources.putSync(key, Buffer.from(JSON.stringify(entry)))
  return number
}

function countUp(tables: Tables, name: string): number {
  const key = Buffer.from(name)
  const stored = tables.counters.get(key)
  const number = stored === undefined ? 0 : numberOf(stored)
  tables.counters.putSync(key, numberKey(number + 1))
  return number
}

function lossesOf(before: Checkpoint | null, { lost, time }: StatedCheckpoint): readonly Loss[] {
  const losses = before?.losses ?? []
  const count = lost - (before?.lost ?? 0)
  if (count <= 0) return losses
  const all: Loss[] = [
    ...losses,
    { count, after: before?.time ?? null, before: Math.max(time, before?.time ?? 0) as Micros },
  ]
  const [one, two, ...rest] = all
  if (all.length <= limits.lossesMax || one === undefined || two === undefined) return all
  return [{ count: one.count + two.count, after: one.after, before: two.before }, ...rest]
}

/** Joins a statement with what the source has stated before, inside the caller's transaction. */
export function writeCheckpoint(tables: Tables, stated: StatedCheckpoint, now: Micros): Checkpoint {
  openSource(tables, stated.source, stated.epoch)
  const key = sourceKey(stated.source, stated.epoch)
  const stored = tables.checkpoints.get(key)
  const before = stored === undefined ? null : (JSON.parse(stored.toString('utf8')) as Checkpoint)
  // Statements may be repeated and overtake each other on their way; what was once stated stays stated.
  const joined: Checkpoint = {
    seq: stated.seq === null ? (before?.seq ?? null) : Math.max(before?.seq ?? 0, stated.seq),
    time: Math.max(before?.time ?? 0, stated.time) as Micros,
    lost: Math.max(before?.lost ?? 0, stated.lost),
    losses: lossesOf(before, stated),
    arrived: now,
  }
  tables.checkpoints.putSync(key, Buffer.from(JSON.stringify(joined)))
  return joined
}

/** Writes appends in order inside the caller's transaction; returns the outcomes of each and the new end. */
export function writeGroup(
  tables: Tables,
  appends: readonly Append[],
  end: number,
): { readonly outcomes: readonly (readonly Outcome[])[]; readonly end: number } {
  const writer = new GroupWriter(tables, end)
  const outcomes = appends.map((append) => writer.take(append))
  return { outcomes, end: writer.finish() }
}
