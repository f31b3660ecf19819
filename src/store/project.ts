/**
 * The projection owns: every accepted event of the log is in the store, once, below `position()`. It does not
 * own: what the events mean.
 *
 * How it stays exact (L2, L5) through any crash: a range of offsets is written down first; its rows go in by
 * one insert per year (one partition each), under a token made of range, year and content. After a crash the
 * last range is inserted again, whole: what was there is dropped by its token, what was not comes in. After a power
 * cut the tokens may be forgotten (ClickHouse does not sync its list of them), so rows that are there stay out.
 */
import { createHash } from 'node:crypto'
import type { AccountKey, Offset } from '../core/ids.ts'
import type { LogRecord } from '../core/record.ts'
import { assert } from '../core/result.ts'
import { formatInstant, hourMicros } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { claimName, claimRange, finishRange, nameInStore, rangeRow } from './claim.ts'
import type { Range } from './claim.ts'
import { correctionColumns, factColumns, inspectionColumns } from './columns.ts'
import type { Engine, Insert } from './engine.ts'

export const limits = {
  /** Events of one range: bounds the memory of an insert. */
  rangeMax: 25_000,
  /** Characters of one range: an insert is one text, and a text has an end. */
  rangeTextMax: 64 * 1024 * 1024,
} as const

/** What the projection needs of the log. */
export interface ProjectedLog {
  /** Which log it is. */
  name(): string
  end(): Offset
  read(from: Offset, most: number): Promise<readonly LogRecord[]>
}

/** Rows of one year, by table. */
type Year = Record<Table, string[]>
type Table = 'fact' | 'inspection' | 'correction'

const columnsOf: Readonly<Record<Table, readonly string[]>> = {
  fact: factColumns,
  inspection: inspectionColumns,
  correction: correctionColumns,
}

const yearNames = new Map<number, string>()

/** The UTC year of a time; asked for every row, so the answer of a day is remembered. */
function yearOf(time: Micros): string {
  const day = Math.floor(time / 86_400_000_000)
  let name = yearNames.get(day)
  if (name === undefined) {
    if (yearNames.size > 10_000) yearNames.clear()
    name = formatInstant(time).slice(0, 4)
    yearNames.set(day, name)
  }
  return name
}

/** The rows of a record, each with the time whose year it belongs to. */
function addRows(record: LogRecord, yearAt: (time: Micros) => Year): void {
  const { offset, ingested, time, account, fact, inspection, correction } = record
  const payer = JSON.stringify(account)
  const year = yearAt(time)
  if (fact !== null) year.fact.push(`[${offset},${ingested},${payer},${fact.slice(1)}`)
  if (inspection !== null) year.inspection.push(`[${offset},${time},${payer},${inspection.slice(1)}`)
  if (correction === null) return
  const { kind, supersedes, was, by, reason } = correction
  const row = [offset, ingested, kind, supersedes, was.account, was.time, by, reason]
  yearAt(was.time).correction.push(JSON.stringify(row))
}

/** One insert of a range: rows of one table and year. */
interface RangeInsert extends Insert {
  readonly table: Table
  readonly year: string
  readonly count: number
}

/** The inserts of a range: a pure function of the log, so that doing it again is doing the same. */
export function planInserts(range: Range, records: readonly LogRecord[]): RangeInsert[] {
  const years = new Map<string, Year>()
  const yearAt = (time: Micros): Year => {
    const name = yearOf(time)
    let year = years.get(name)
    if (year === undefined) {
      year = { fact: [], inspection: [], correction: [] }
      years.set(name, year)
    }
    return year
  }
  for (const record of records) addRows(record, yearAt)
  const inserts: RangeInsert[] = []
  for (const [name, year] of [...years].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    for (const table of ['fact', 'inspection', 'correction'] as const) {
      if (year[table].length === 0) continue
      const rows = year[table].join('\n')
      const content = createHash('sha256').update(rows).digest('hex').slice(0, 16)
      inserts.push({
        table,
        columns: columnsOf[table],
        rows,
        token: `${range.first}-${range.next}:${name}:${content}`,
        year: name,
        count: year[table].length,
      })
    }
  }
  return inserts
}

/** As many events as fit into one range, at least one. */
function endOfRange(first: Offset, records: readonly LogRecord[]): Offset {
  let text = 0
  let count = 0
  for (const { fact, inspection } of records) {
    text += (fact?.length ?? 0) + (inspection?.length ?? 0)
    if (count > 0 && (text > limits.rangeTextMax || count === limits.rangeMax)) break
    count += 1
  }
  return (first + count) as Offset
}

/** The clock hours in which a range changes what is counted: of its events, and of what its corrections supersede. */
function hoursOf(records: readonly LogRecord[]): readonly Micros[] {
  const hours = new Set<number>()
  for (const { time, correction } of records) {
    hours.add(time - (time % hourMicros))
    if (correction !== null) hours.add(correction.was.time - (correction.was.time % hourMicros))
  }
  return [...hours].toSorted((one, two) => one - two) as Micros[]
}

/** A range with everything that has to be done for it. */
interface Prepared {
  readonly range: Range
  readonly hours: readonly Micros[]
  readonly accounts: ReadonlySet<AccountKey>
  readonly inserts: readonly RangeInsert[]
}

function preparedOf(range: Range, records: readonly LogRecord[]): Prepared {
  const accounts = new Set(records.map(({ account }) => account))
  return { range, hours: hoursOf(records), accounts, inserts: planInserts(range, records) }
}

export interface ProjectionPorts {
  readonly log: ProjectedLog
  readonly engine: Engine
  /** Told of the accounts in a range before its rows can be seen; doing it twice must be harmless. */
  readonly onAccounts: (accounts: ReadonlySet<AccountKey>) => Promise<unknown>
  /** Other processes read this store, and one of them may fill it at the same time for a moment (see claim.ts). */
  readonly shared?: boolean
}

/**
 * How the store stands to the log when the service starts. `damaged`: it can be rebuilt from the log. `ahead`: it
 * has events that the log has lost, so rebuilding it would erase the only copy of them. `other`: it was filled from
 * another log, so it is not this log's to empty.
 */
export type Standing =
  | { readonly kind: 'consistent'; readonly position: Offset }
  | { readonly kind: 'damaged' | 'ahead' | 'other'; readonly reason: string }

function otherLog(name: string, stored: string | null): Standing {
  return { kind: 'other', reason: `it was filled from the log ${stored}, and the log here is ${name}` }
}

export class Projection {
  readonly #ports: ProjectionPorts
  #position = 0
  /** Written down and perhaps partly inserted: has to be finished exactly as it is before anything else. */
  #pending: Prepared | null = null
  /** Read and planned while the range before it was being inserted; not written down yet. */
  #ahead: Prepared | null = null
  #running: Promise<void> | null = null
  /** No range was written down yet: the one before may have left the token of its last without the row. */
  #isFirst = true

  constructor(ports: ProjectionPorts) {
    this.#ports = ports
  }

  /** Everything below this offset is stored, once; nothing at or above it may be used for a number. */
  position(): Offset {
    return this.#position as Offset
  }

  /**
   * Finishes the range that a crash may have interrupted, and proves the store against the log: as many rows
   * as the log has events below the position, and the log's name. A store that disagrees is damaged and has to be
   * rebuilt; one of another log is left as it is. A store from before there were names takes it when the rows agree.
   */
  async open(): Promise<Standing> {
    const { engine, log } = this.#ports
    const name = await nameInStore(engine)
    if (name !== null && name !== log.name()) return otherLog(log.name(), name)
    const [last] = await engine.query<{ first: string; next: string }>(
      'SELECT first, next FROM projected_range ORDER BY next DESC LIMIT 1',
      {},
    )
    if (last !== undefined) {
      const range = { first: Number(last.first) as Offset, next: Number(last.next) as Offset }
      if (range.next > log.end()) {
        return {
          kind: 'ahead',
          reason: `the store has events up to offset ${range.next}, the log only up to ${log.end()}`,
        }
      }
      this.#pending = await this.#withoutStored(preparedOf(range, await this.#recordsOf(range)))
      this.#position = range.first
      await this.step()
    }
    const stored = await this.#storedOffsets()
    if (stored !== this.#position) {
      return { kind: 'damaged', reason: `the store has ${stored} events where the log has ${this.#position}` }
    }
    const given = name ?? (await claimName(engine, log.name()))
    if (given !== log.name()) return otherLog(log.name(), given)
    return { kind: 'consistent', position: this.position() }
  }

  /**
   * Every offset is one version of an event, or the retraction of one. A correction's row that is there twice (its token
   * was forgotten) says nothing twice: it names what is superseded.
   */
  async #storedOffsets(): Promise<number> {
    const [stored] = await this.#ports.engine.query<{ rows: string }>(
      "SELECT (SELECT count() FROM fact) + (SELECT uniqExactIf(offset, kind = 'retract') FROM correction) AS rows",
      {},
    )
    return Number(stored?.rows)
  }

  /** An interrupted range without the rows that are in the store already: an insert goes in whole or not at all. */
  async #withoutStored(prepared: Prepared): Promise<Prepared> {
    const { range, inserts } = prepared
    const offsets = await this.#storedOffsets()
    // The usual start: the range was finished, and of its facts nothing has to be looked for.
    const hasFacts = offsets === range.next
    const stored = new Map<string, number>()
    for (const [table, years] of Map.groupBy(inserts, (insert) => insert.table)) {
      if (table === 'fact' && (hasFacts || offsets <= range.first)) continue
      const rows = await this.#storedRows(table, range, new Set(years.map(({ year }) => Number(year))))
      for (const { year, count } of rows) stored.set(`${table} ${year}`, Number(count))
    }
    const storedOf = ({ table, year, count }: RangeInsert): number =>
      table === 'fact' && hasFacts ? count : (stored.get(`${table} ${year}`) ?? 0)
    const missing = inserts.filter((insert) => storedOf(insert) < insert.count)
    if (missing.length === 0 || this.#ports.shared === true) return { ...prepared, inserts: missing }
    const attempt = await this.#countAttempt(prepared)
    const renewed = missing.map((insert) =>
      storedOf(insert) === 0 ? { ...insert, token: `${insert.token}:${attempt}` } : insert,
    )
    return { ...prepared, inserts: renewed }
  }

  /**
   * Gives each attempt at a range its own number, by writing the range down under a token of its own. ClickHouse notes a token
   * before it adds the rows: killed in between, it would drop the same insert for ever after. Where nothing of an insert
   * is stored, and nobody else fills the store, a new token cannot bring anything twice.
   */
  async #countAttempt({ range, hours }: Pick<Prepared, 'range' | 'hours'>): Promise<number> {
    const { engine } = this.#ports
    const { first, next } = range
    const [row] = await engine.query<{ times: string }>(
      'SELECT count() AS times FROM projected_range WHERE first = {first:UInt64} AND next = {next:UInt64}',
      { first, next },
    )
    const attempt = Number(row?.times) + 1
    const token = `${first}-${next}:${attempt}`
    await engine.insert({ ...rangeRow(range, hours), token })
    return attempt
  }

  /** How many rows of a range are in a table, by year. */
  #storedRows(
    table: Table,
    { first, next }: Range,
    years: ReadonlySet<number>,
  ): Promise<{ year: string; count: string }[]> {
    const year = "toYear(fromUnixTimestamp64Micro(time_us, 'UTC'))"
    // Only the partitions of these years are read.
    return this.#ports.engine.query<{ year: string; count: string }>(
      `SELECT toString(${year}) AS year, count() AS count FROM ${table}
       WHERE ${year} IN (${[...years].join(', ')}) AND offset >= {first:UInt64} AND offset < {next:UInt64} GROUP BY year`,
      { first, next },
    )
  }

  async #recordsOf(range: Range): Promise<readonly LogRecord[]> {
    const records: LogRecord[] = []
    let from = range.first
    while (from < range.next) {
      for (const record of await this.#ports.log.read(from, range.next - from))
        if (record.offset < range.next) records.push(record)
      from = (range.first + records.length) as Offset
    }
    assert(records.length === range.next - range.first, 'the log has every offset of a range')
    return records
  }

  /** Reads the range that begins at an offset and plans its inserts; null when the log ends there. */
  async #prepare(first: Offset): Promise<Prepared | null> {
    const { log } = this.#ports
    if (first >= log.end()) return null
    const records = await log.read(first, limits.rangeMax)
    const range = { first, next: endOfRange(first, records) }
    return preparedOf(range, records.slice(0, range.next - first))
  }

  /** The range that has to be next: the one that is not finished, the one that was prepared ahead, or a new one. */
  async #nextPrepared(): Promise<Prepared | null> {
    if (this.#pending !== null) return this.#pending
    const ahead = this.#ahead
    this.#ahead = null
    const prepared =
      ahead !== null && ahead.range.first === this.#position ? ahead : await this.#prepare(this.position())
    if (prepared === null) return null
    const range = await this.#writeDown(prepared)
    this.#pending = range.next === prepared.range.next ? prepared : preparedOf(range, await this.#recordsOf(range))
    return this.#pending
  }

  /** Writes a range down before its rows, and gives the one that holds. */
  async #writeDown({ range, hours }: Pick<Prepared, 'range' | 'hours'>): Promise<Range> {
    const { engine, shared = false, log } = this.#ports
    const { first, next } = range
    if (shared) {
      const claimed = await claimRange(engine, range, hours)
      assert(claimed.next <= log.end(), 'the log here has caught up with what another process has projected')
      return claimed
    }
    if (this.#isFirst) {
      this.#isFirst = false
      await this.#countAttempt({ range, hours })
      return range
    }
    await engine.insert({ ...rangeRow(range, hours), token: `${first}-${next}` })
    return range
  }

  async #insertAll({ range, accounts, inserts }: Prepared): Promise<void> {
    const { engine, shared = false, onAccounts } = this.#ports
    await onAccounts(accounts)
    for (const insert of inserts) await engine.insert(insert)
    if (shared) await finishRange(engine, range)
  }

  /** Projects the next range, if there is one. While the engine inserts, the range after it is read and planned. */
  async step(): Promise<boolean> {
    const prepared = await this.#nextPrepared()
    if (prepared === null) return false
    // Reading ahead is a favour: where it fails, the next step reads again, and says why.
    const reading = this.#prepare(prepared.range.next).catch(() => null)
    const [, ahead] = await Promise.all([this.#insertAll(prepared), reading])
    this.#ahead = ahead
    this.#position = prepared.range.next
    this.#pending = null
    return true
  }

  /** Projects everything that is in the log now. Calls at once share one run. */
  catchUp(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = null
    })
    return this.#running
  }

  async #run(): Promise<void> {
    while (await this.step());
  }
}
