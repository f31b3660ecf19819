import type { Decision } from '../core/record.ts'
import type { Micros } from '../core/time.ts'
import { IntervalSet } from './intervals.ts'
import { intervalKey, numberKey, numberOf, sourceKey } from './keys.ts'
import { limits } from './log.ts'
import type { Checkpoint, Interval, Loss, StatedCheckpoint, Tally, Withdrawn } from './log.ts'
import { countUp } from './tables.ts'
import type { Table, Tables } from './tables.ts'

export interface SourceEntry {
  readonly number: number
  readonly source: string
  readonly epoch: string
}

export function readSource(value: Buffer): SourceEntry {
  return JSON.parse(value.toString('utf8')) as SourceEntry
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

type Changing<T> = { -readonly [K in keyof T]: T[K] }

export const emptyTally: Tally = { accepted: 0, duplicates: 0, held: 0, late: 0, mostBehind: 0, newest: null }

export function readTally(tables: Tables, sourceNumber: number): Tally {
  const stored = tables.tallies.get(numberKey(sourceNumber))
  return stored === undefined ? emptyTally : (JSON.parse(stored.toString('utf8')) as Tally)
}

export function readCheckpoint(tables: Tables, source: string, epoch: string): Checkpoint | null {
  const stored = tables.checkpoints.get(sourceKey(source, epoch))
  return stored === undefined ? null : (JSON.parse(stored.toString('utf8')) as Checkpoint)
}

/** One numbering of a source while a group of commands is being applied. */
export class Numbering {
  readonly number: number
  readonly accepted: IntervalSet
  readonly held: IntervalSet
  readonly tally: Changing<Tally>
  readonly #tables: Tables
  readonly #source: string
  readonly #epoch: string
  #saidUntil: Micros | null | undefined

  constructor(tables: Tables, source: string, epoch: string) {
    this.#tables = tables
    this.#source = source
    this.#epoch = epoch
    this.number = openSource(tables, source, epoch)
    this.accepted = new IntervalSet(intervalStore(tables.intervals, this.number, 'accepted'))
    this.held = new IntervalSet(intervalStore(tables.intervals, this.number, 'held'))
    this.tally = { ...readTally(tables, this.number) }
  }

  /** The source has just made a statement: what is late is judged by it from here on. */
  restated(): void {
    this.#saidUntil = undefined
  }

  countAccepted(time: Micros, now: Micros): void {
    if (this.#saidUntil === undefined)
      this.#saidUntil = readCheckpoint(this.#tables, this.#source, this.#epoch)?.time ?? null
    const behind = now - time
    this.tally.accepted += 1
    if (behind > limits.lateMicros || (this.#saidUntil !== null && time < this.#saidUntil)) this.tally.late += 1
    if (behind > this.tally.mostBehind) this.tally.mostBehind = behind
    if (this.tally.newest === null || time > this.tally.newest) this.tally.newest = time
  }

  flush(): void {
    this.accepted.flush()
    this.held.flush()
    this.#tables.tallies.putSync(numberKey(this.number), Buffer.from(JSON.stringify(this.tally)))
  }
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

/** Joins a statement with what the source has stated before. */
export function writeCheckpoint(tables: Tables, stated: StatedCheckpoint, now: Micros): Checkpoint {
  openSource(tables, stated.source, stated.epoch)
  const before = readCheckpoint(tables, stated.source, stated.epoch)
  // Statements may be repeated and overtake each other on their way; what was once stated stays stated.
  const joined: Checkpoint = {
    seq: stated.seq === null ? (before?.seq ?? null) : Math.max(before?.seq ?? 0, stated.seq),
    time: Math.max(before?.time ?? 0, stated.time) as Micros,
    lost: Math.max(before?.lost ?? 0, stated.lost),
    losses: lossesOf(before, stated),
    arrived: now,
  }
  tables.checkpoints.putSync(sourceKey(stated.source, stated.epoch), Buffer.from(JSON.stringify(joined)))
  return joined
}

export function readWithdrawn(tables: Tables, source: string, epoch: string): readonly Withdrawn[] {
  const stored = tables.withdrawn.get(sourceKey(source, epoch))
  return stored === undefined ? [] : (JSON.parse(stored.toString('utf8')) as Withdrawn[])
}

/** Takes a statement back, and keeps what was stated and who decided so. False: there was none. */
export function withdrawCheckpoint(
  tables: Tables,
  { source, epoch }: { readonly source: string; readonly epoch: string },
  { by, reason }: Decision,
  now: Micros,
): boolean {
  const statement = readCheckpoint(tables, source, epoch)
  if (statement === null) return false
  const key = sourceKey(source, epoch)
  const all: Withdrawn[] = [...readWithdrawn(tables, source, epoch), { statement, by, reason, at: now }]
  tables.withdrawn.putSync(key, Buffer.from(JSON.stringify(all.slice(-limits.withdrawnMax))))
  tables.checkpoints.removeSync(key)
  return true
}
