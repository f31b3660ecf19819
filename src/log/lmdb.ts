import { mkdirSync, statfsSync } from 'node:fs'
import { open } from 'lmdb'
import type { Database, RootDatabase } from 'lmdb'
import { Refusal } from '../core/errors.ts'
import type { Offset } from '../core/ids.ts'
import type { Arrival, LogRecord, Outcome } from '../core/record.ts'

import type { Micros } from '../core/time.ts'
import { chunkLength, decodeChunk } from './chunk.ts'
import { numberKey, numberOf, sourceKey, sourcePrefix } from './keys.ts'
import { limits } from './log.ts'
import type {
  Checkpoint,
  DayBalance,
  EventLog,
  StatedCheckpoint,
  HeldRecord,
  Interval,
  Page,
  SourceEpoch,
} from './log.ts'
import { dayOf, readSource, writeCheckpoint, writeGroup } from './write.ts'
import type { Tables } from './write.ts'

interface Waiting {
  readonly arrivals: readonly Arrival[]
  readonly now: Micros
  readonly resolve: (outcomes: readonly Outcome[]) => void
  readonly reject: (error: unknown) => void
}

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

function openTables(root: RootDatabase<Buffer, Buffer>): Tables {
  const table = (name: string): Database<Buffer, Buffer> =>
    root.openDB({ name, encoding: 'binary', keyEncoding: 'binary' })
  return {
    chunks: table('chunks'),
    identities: table('identities'),
    sources: table('sources'),
    intervals: table('intervals'),
    held: table('held'),
    heldIndex: table('held_index'),
    balances: table('balances'),
    checkpoints: table('checkpoints'),
    counters: table('counters'),
  }
}

/**
 * The log in one LMDB file. All of an append (chunk, identities, intervals, held input, balances) is one
 * transaction; the transaction is on disk (fdatasync) before its outcomes are given out. Requests that
 * arrive while one is being written are written together in the next.
 */
class LmdbLog implements EventLog {
  readonly #root: RootDatabase<Buffer, Buffer>
  readonly #directory: string
  readonly #tables: Tables
  readonly #queue: Waiting[] = []
  #waiting = 0
  #writing: Promise<void> | null = null
  readonly #onBroken: (error: unknown) => void
  #end: number

  constructor(root: RootDatabase<Buffer, Buffer>, directory: string, onBroken: (error: unknown) => void) {
    this.#root = root
    this.#onBroken = onBroken
    this.#directory = directory
    this.#tables = openTables(root)
    this.#end = 0
    for (const { key, value } of this.#tables.chunks.getRange({ reverse: true, limit: 1 })) {
      this.#end = numberOf(key) + chunkLength(value)
    }
  }

  append(arrivals: readonly Arrival[], now: Micros): Promise<readonly Outcome[]> {
    if (arrivals.length === 0) return Promise.resolve([])
    if (this.#waiting + arrivals.length > limits.waitingMax) {
      return Promise.reject(
        new Refusal('OVERLOADED', 'the log cannot keep up; nothing was taken, send it again shortly', {
          retryAfterSeconds: 1,
        }),
      )
    }
    this.#waiting += arrivals.length
    return new Promise((resolve, reject) => {
      this.#queue.push({ arrivals, now, resolve, reject })
      this.#writing ??= this.#writeAll()
    })
  }

  async #writeAll(): Promise<void> {
    // One turn of the event loop, so that requests which have just been parsed share the first group.
    await new Promise(setImmediate)
    while (this.#queue.length > 0) {
      this.#writeOne(this.#takeGroup())
      await new Promise(setImmediate)
    }
    this.#writing = null
  }

  #takeGroup(): Waiting[] {
    const group: Waiting[] = []
    let size = 0
    while (this.#queue.length > 0) {
      const next = this.#queue[0]
      if (next === undefined || (group.length > 0 && size + next.arrivals.length > limits.groupMax)) break
      this.#queue.shift()
      group.push(next)
      size += next.arrivals.length
    }
    this.#waiting -= size
    return group
  }

  #writeOne(group: readonly Waiting[]): void {
    try {
      // L3: transactionSync returns after the commit was synced to disk, so what follows is durable.
      const written = this.#root.transactionSync(() =>
        writeGroup(
          this.#tables,
          group.map(({ arrivals, now }) => ({ arrivals, now })),
          this.#end,
        ),
      )
      this.#end = written.end
      group.forEach(({ resolve }, index) => resolve(written.outcomes[index] ?? []))
    } catch (error) {
      const refusal = refusalFor(error, this.#directory)
      for (const { reject } of group) reject(refusal)
      // A file that cannot be written for another reason than room may be of no use until it is opened anew.
      if (!(refusal instanceof Refusal)) this.#onBroken(refusal)
    }
  }

  end(): Offset {
    return this.#end as Offset
  }

  // oxlint-disable-next-line typescript/require-await -- the interface is for logs on the network, too
  async read(from: Offset, most: number): Promise<readonly LogRecord[]> {
    if (from >= this.#end) return []
    let start = numberKey(from)
    for (const key of this.#tables.chunks.getKeys({ start, reverse: true, limit: 1 })) start = Buffer.from(key)
    const records: LogRecord[] = []
    let text = 0
    for (const { key, value } of this.#tables.chunks.getRange({ start })) {
      const first = numberOf(key) as Offset
      if (first >= this.#end) break
      const chunk = decodeChunk(value, first)
      for (const record of chunk) if (record.offset >= from) records.push(record)
      for (const { fact, inspection } of chunk) text += fact.length + (inspection?.length ?? 0)
      if (records.length >= most || text > limits.readTextMax) break
    }
    return records
  }

  // oxlint-disable-next-line typescript/require-await
  async source(name: string): Promise<readonly SourceEpoch[] | null> {
    const prefix = sourcePrefix(name)
    const epochs: SourceEpoch[] = []
    for (const { value } of this.#tables.sources.getRange({
      start: prefix,
      end: Buffer.from(`${name}\u0001`, 'utf8'),
    })) {
      const entry = readSource(value)
      epochs.push({
        epoch: entry.epoch,
        accepted: this.#intervals(entry.number, 0),
        held: this.#intervals(entry.number, 1),
        checkpoint: this.#checkpoint(name, entry.epoch),
      })
    }
    return epochs.length === 0 ? null : epochs
  }

  #checkpoint(source: string, epoch: string): Checkpoint | null {
    const stored = this.#tables.checkpoints.get(sourceKey(source, epoch))
    return stored === undefined ? null : (JSON.parse(stored.toString('utf8')) as Checkpoint)
  }

  // oxlint-disable-next-line typescript/require-await
  async checkpoint(stated: StatedCheckpoint, now: Micros): Promise<Checkpoint> {
    try {
      return this.#root.transactionSync(() => writeCheckpoint(this.#tables, stated, now))
    } catch (error) {
      throw refusalFor(error, this.#directory)
    }
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

  // oxlint-disable-next-line typescript/require-await
  async sources({ after, most }: Page): Promise<readonly string[]> {
    const names = new Set<string>()
    const start = after === null ? Buffer.alloc(1) : Buffer.from(`${after}\u0001`, 'utf8')
    for (const { value } of this.#tables.sources.getRange({ start })) {
      names.add(readSource(value).source)
      if (names.size >= most) break
    }
    return [...names]
  }

  // oxlint-disable-next-line typescript/require-await
  async balances({ after, most }: Page): Promise<readonly DayBalance[]> {
    const start = after === null ? Buffer.alloc(1) : Buffer.from(`${after}\u0001`, 'utf8')
    const rows: DayBalance[] = []
    for (const { key, value } of this.#tables.balances.getRange({ start, limit: most })) {
      const [source = '', day = ''] = key.toString('utf8').split('\0')
      const [received = 0n, accepted = 0n, duplicates = 0n, quarantined = 0n] = [0, 8, 16, 24].map((at) =>
        value.readBigUInt64BE(at),
      )
      rows.push({ source, day, received, accepted, duplicates, quarantined })
    }
    return rows
  }

  // oxlint-disable-next-line typescript/require-await
  async held({ before, most }: { before: number | null; most: number }): Promise<readonly HeldRecord[]> {
    const range = before === null ? { reverse: true } : { start: numberKey(before), reverse: true }
    const rows: HeldRecord[] = []
    let bytes = 0
    for (const { key, value } of this.#tables.held.getRange({ ...range, limit: most + 1 })) {
      const number = numberOf(key)
      if (before !== null && number >= before) continue
      bytes += value.length
      if (rows.length >= most || (rows.length > 0 && bytes > limits.heldPageBytesMax)) break
      rows.push({ ...(JSON.parse(value.toString('utf8')) as Omit<HeldRecord, 'number'>), number })
    }
    return rows
  }

  // oxlint-disable-next-line typescript/require-await
  async heldCount(): Promise<number> {
    for (const key of this.#tables.held.getKeys({ reverse: true, limit: 1 })) return numberOf(key) + 1
    return 0
  }

  async forget(before: Micros): Promise<void> {
    const today = dayOf(before)
    let start: Buffer | null = Buffer.alloc(1)
    while (start !== null) {
      const step = 5_000
      const page: { key: Buffer; value: Buffer }[] = [...this.#tables.identities.getRange({ start, limit: step })]
      const stale = page.filter(({ value }) => value.readUInt32BE(8) < today)
      if (stale.length > 0) {
        this.#root.transactionSync(() => {
          for (const { key } of stale) this.#tables.identities.removeSync(key)
        })
      }
      const last = page.at(-1)
      start = page.length < step || last === undefined ? null : Buffer.concat([last.key, Buffer.alloc(1)])
      await new Promise(setImmediate)
    }
  }

  async close(): Promise<void> {
    await this.#writing
    await this.#root.close()
  }
}

/**
 * Opens the log in a directory of its own, creating it when it is missing. One process at a time. `onBroken` is
 * told when a write failed for no reason that a sender could help.
 */
export function openLmdbLog(directory: string, onBroken: (error: unknown) => void = () => undefined): EventLog {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  return new LmdbLog(
    open<Buffer, Buffer>({ path: `${directory}/log.mdb`, maxDbs: 16, encoding: 'binary', keyEncoding: 'binary' }),
    directory,
    onBroken,
  )
}
