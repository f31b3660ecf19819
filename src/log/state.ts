import { mkdirSync, statfsSync } from 'node:fs'
import { open } from 'lmdb'
import type { RootDatabase } from 'lmdb'
import { Refusal } from '../core/errors.ts'
import type { Offset } from '../core/ids.ts'
import type { LogRecord } from '../core/record.ts'
import { assert } from '../core/result.ts'
import type { Micros } from '../core/time.ts'
import { applyGroup, supersededBy } from './apply.ts'
import { decodeBatch, decodeDay, heldTotals } from './balance.ts'
import { chunkFormat, chunkLength, decodeChunk } from './chunk.ts'
import { FreshRecords } from './fresh-records.ts'
import { isStale } from './identities.ts'
import type { Command, Effect } from './command.ts'
import { numberKey, numberOf, sourcePrefix } from './keys.ts'
import { limits } from './log.ts'
import type {
  Batch,
  DayBalance,
  HeldBalance,
  HeldFilter,
  HeldPage,
  HeldRecord,
  Interval,
  Page,
  SourceEpoch,
} from './log.ts'
import { readCheckpoint, readSource, readTally, readWithdrawn } from './numbering.ts'
import { readHeld, searchHeld } from './quarantine.ts'
import { openTables, readCounter, writeCounter } from './tables.ts'
import type { Tables } from './tables.ts'

/** Less than this is no room for an append. */
const fullBytes = 16 * 1024 * 1024

function isFull(directory: string): boolean {
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize < fullBytes
}

function refusalFor(error: unknown, directory: string): unknown {
  const text =
    error instanceof Error ? `${(error as NodeJS.ErrnoException).code ?? ''} ${error.message}` : String(error)
  const full =
    /ENOSPC|No space left|EFBIG|File too large|EDQUOT|quota|MDB_MAP_FULL/i.test(text) ||
    // A write that a full disk cuts short is an I/O error to LMDB, as if the disk were broken.
    (/Input\/output error|EIO/.test(text) && isFull(directory))
  return full
    ? new Refusal('DISK_FULL', 'the disk of the log is full; nothing was taken, send it again when there is room', {
        retryAfterSeconds: 10,
      })
    : error
}

/** Names of what the state itself remembers among the notes. */
const notes = { name: 'name', forgotten: 'forgotten' } as const

/** A move in an order of commands, and what is to be remembered about it, by name. */
export interface Step {
  readonly from: number
  readonly to: number
  readonly notes: ReadonlyMap<string, string>
}

/**
 * What the log is after the commands that were applied to it, in one LMDB file. A group of commands (chunks,
 * identities, intervals, held input, balances) is one transaction; it is on disk (fdatasync) when `apply` returns.
 * Who orders the commands is decided by its users: `lmdb.ts` by arrival in this process, `kafka.ts` by a topic.
 */
export class LogState {
  readonly #root: RootDatabase<Buffer, Buffer>
  readonly #directory: string
  readonly #tables: Tables
  readonly #fresh = new FreshRecords()
  #end = 0

  /** Opens the state in a directory of its own, creating it when it is missing. One process at a time. */
  constructor(directory: string) {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    this.#directory = directory
    this.#root = open<Buffer, Buffer>({
      path: `${directory}/log.mdb`,
      maxDbs: 32,
      encoding: 'binary',
      keyEncoding: 'binary',
    })
    this.#tables = openTables(this.#root)
    for (const { key, value } of this.#tables.chunks.getRange({ reverse: true, limit: 1 })) {
      if (readCounter(this.#tables, 'format') !== chunkFormat)
        throw new Error(
          `the log in ${directory} was written by another version of Crossfoot, in a form that this one does not read; move it away, or run the version that wrote it`,
        )
      this.#end = numberOf(key) + chunkLength(value)
    }
  }

  /**
   * Applies commands in order, all or none, durable when it returns, with where the state then stands in an order
   * of commands that others share. Throws Refusal DISK_FULL when there is no room, and then nothing was applied.
   */
  apply(commands: readonly Command[], step?: Step): readonly Effect[] {
    try {
      const { effects, end, written } = this.#root.transactionSync(() => {
        if (step !== undefined) this.#take(step)
        if (this.#end === 0) writeCounter(this.#tables, 'format', chunkFormat)
        return applyGroup(this.#tables, commands, this.#end)
      })
      this.#end = end
      this.#fresh.add(written)
      return effects
    } catch (error) {
      throw refusalFor(error, this.#directory)
    }
  }

  #take({ from, to, notes }: Step): void {
    assert(this.applied() === from, 'nobody else writes to the directory of the log')
    writeCounter(this.#tables, 'applied', to)
    for (const [name, value] of notes) this.#tables.notes.putSync(Buffer.from(name), Buffer.from(value))
  }

  /** Where the last step led; 0 at first. */
  applied(): number {
    return readCounter(this.#tables, 'applied')
  }

  /** What the last step that said something under this name said. */
  note(name: string): string | null {
    return this.#tables.notes.get(Buffer.from(name))?.toString('utf8') ?? null
  }

  /** Gives the log a name, unless it has one. */
  giveName(name: string): void {
    if (this.note(notes.name) === null) this.#remember(notes.name, name)
  }

  /** The name that the log was given. */
  named(): string {
    const name = this.note(notes.name)
    assert(name !== null, 'the log was given a name when it was opened')
    return name
  }

  #remember(name: string, value: string): void {
    try {
      this.#root.transactionSync(() => this.#tables.notes.putSync(Buffer.from(name), Buffer.from(value)))
    } catch (error) {
      throw refusalFor(error, this.#directory)
    }
  }

  end(): Offset {
    return this.#end as Offset
  }

  read(from: Offset, most: number): readonly LogRecord[] {
    if (from >= this.#end) return []
    const fresh = this.#fresh.from(from, most)
    if (fresh !== null) return fresh
    let start = numberKey(from)
    for (const key of this.#tables.chunks.getKeys({ start, reverse: true, limit: 1 })) start = Buffer.from(key)
    const records: LogRecord[] = []
    let text = 0
    for (const { key, value } of this.#tables.chunks.getRange({ start })) {
      const first = numberOf(key) as Offset
      if (first >= this.#end) break
      const chunk = decodeChunk(value, first)
      for (const record of chunk) if (record.offset >= from) records.push(record)
      for (const { fact, inspection } of chunk) text += (fact?.length ?? 0) + (inspection?.length ?? 0)
      if (records.length >= most || text > limits.readTextMax) break
    }
    return records
  }

  supersededBy(version: Offset): Offset | null {
    return supersededBy(this.#tables, version)
  }

  source(name: string): readonly SourceEpoch[] | null {
    const start = sourcePrefix(name)
    const end = Buffer.from(`${name}\u0001`, 'utf8')
    const epochs: SourceEpoch[] = []
    for (const { value } of this.#tables.sources.getRange({ start, end })) {
      const { number, epoch } = readSource(value)
      epochs.push({
        epoch,
        accepted: this.#intervals(number, 0),
        held: this.#intervals(number, 1),
        checkpoint: readCheckpoint(this.#tables, name, epoch),
        withdrawn: readWithdrawn(this.#tables, name, epoch),
        tally: readTally(this.#tables, number),
      })
    }
    return epochs.length === 0 ? null : epochs
  }

  #intervals(sourceNumber: number, set: 0 | 1): Interval[] {
    const start = Buffer.alloc(13)
    start.writeUInt32BE(sourceNumber)
    start[4] = set
    const end = Buffer.from(start)
    end[4] = set + 1
    return [...this.#tables.intervals.getRange({ start, end })].map(({ key, value }): Interval => [
      numberOf(key, 5),
      numberOf(value),
    ])
  }

  sources({ after, most }: Page): readonly string[] {
    const names = new Set<string>()
    const start = after === null ? Buffer.alloc(1) : Buffer.from(`${after}\u0001`, 'utf8')
    for (const { value } of this.#tables.sources.getRange({ start })) {
      names.add(readSource(value).source)
      if (names.size >= most) break
    }
    return [...names]
  }

  balances({ after, most }: Page): readonly DayBalance[] {
    // The first key, a NUL alone, is the sum over all of them.
    const start = after === null ? Buffer.from([0, 1]) : Buffer.from(`${after}\u0001`, 'utf8')
    const rows = this.#tables.balances.getRange({ start, limit: most })
    return [...rows].map(({ key, value }) => decodeDay(key, value))
  }

  batches({ before, most }: { before: number | null; most: number }): readonly Batch[] {
    if (before !== null && before <= 0) return []
    const start = before === null ? {} : { start: numberKey(before - 1) }
    const rows = this.#tables.batches.getRange({ ...start, reverse: true, limit: most })
    return [...rows].map(({ key, value }) => decodeBatch(numberOf(key), value))
  }

  held(page: { before: number | null; most: number; filter?: HeldFilter }): HeldPage {
    return searchHeld(this.#tables, page)
  }

  heldByNumber(number: number): HeldRecord | null {
    return readHeld(this.#tables, number)
  }

  heldTotals(): HeldBalance {
    return heldTotals(this.#tables)
  }

  /** Until when `forget` has run to its end. */
  forgotten(): Micros | null {
    const note = this.note(notes.forgotten)
    return note === null ? null : (Number(note) as Micros)
  }

  async forget(before: Micros): Promise<void> {
    let start: Buffer | null = Buffer.alloc(1)
    while (start !== null) {
      const step = 5_000
      const page: { key: Buffer; value: Buffer }[] = [...this.#tables.identities.getRange({ start, limit: step })]
      const stale = page.filter(({ key, value }) => isStale(key, value, before))
      if (stale.length > 0) {
        this.#root.transactionSync(() => {
          for (const { key } of stale) this.#tables.identities.removeSync(key)
        })
      }
      const last = page.at(-1)
      start = page.length < step || last === undefined ? null : Buffer.concat([last.key, Buffer.alloc(1)])
      await new Promise(setImmediate)
    }
    this.#remember(notes.forgotten, String(before))
  }

  async close(): Promise<void> {
    await this.#root.close()
  }
}
