import { createHash } from 'node:crypto'
import { parseInstant } from '../core/time.ts'
import { limits } from './limits.ts'
import type { Cumulative, EventBody } from './line-reader.ts'
import type { NoteChange } from './spool-notes.ts'

/** What a connection's records count up from its beginning. */
const counters = ['bytes_out_wire', 'bytes_out_body', 'bytes_in_wire', 'bytes_in_body', 'duration_us'] as const

/** What was counted of a connection so far, in the order of `counters`, and when: microseconds. */
type Known = readonly [at: number, ...counted: (string | null)[]]

/** What is remembered of connections, by name. */
export interface ConnectionMemory {
  readonly size: number
  get(key: string): string | undefined
  matching(isOver: (text: string) => boolean): readonly string[]
}

/**
 * Records of a connection that goes on count up from its beginning. Each is counted as the difference to the one
 * before, at the time of the record: the bytes of a connection of eight hours lie in the hours in which they went,
 * and its last record brings only what is left. What was counted is remembered with the numbers of the lines, in one
 * durable step, so that a restart neither loses nor doubles.
 *
 * A connection that is not remembered was not counted. Where there is no memory, or no room in it, records before the
 * last count nothing and the last one counts all.
 */
export class OpenConnections {
  readonly #memory: ConnectionMemory | undefined
  /** Of the lines that wait to become durable. */
  readonly #kept = new Map<string, string | null>()
  /** Of the lines of which nobody has said yet whether they are taken. */
  readonly #open = new Map<string, string | null>()
  #sweptAt = Number.NEGATIVE_INFINITY

  constructor(memory: ConnectionMemory | undefined) {
    this.#memory = memory
  }

  get changes(): readonly NoteChange[] {
    return [...this.#kept]
  }

  /** The lines that were looked at last are taken. */
  keep(): void {
    for (const [key, text] of this.#open) this.#kept.set(key, text)
    this.#open.clear()
  }

  /** They are not: it is as if they had not been looked at. */
  drop(): void {
    this.#open.clear()
  }

  /** What was kept is durable, or is undone as well. */
  clear(): void {
    this.#kept.clear()
    this.#open.clear()
  }

  /** What this record adds to those before it. */
  difference(body: EventBody, { connection: name, isLast, at }: Cumulative): EventBody {
    // What a log calls a connection may be long, and comes from outside.
    const connection = createHash('sha256').update(name).digest('base64url').slice(0, 22)
    const time = parseInstant(at)
    const now = time.ok ? time.value : 0
    this.#forgetSilent(now)
    const text = this.#get(connection)
    const known = text === undefined ? undefined : (JSON.parse(text) as Known)
    if (isLast) {
      if (known === undefined) return body
      this.#open.set(connection, null)
      return { ...body, ...differences(body, known), time: at }
    }
    if (known === undefined && !this.#hasRoom()) return { ...body, ...nothing(body), time: at }
    this.#open.set(connection, JSON.stringify(sumsOf(body, known, now)))
    return { ...body, ...differences(body, known), time: at }
  }

  #get(key: string): string | undefined {
    const changed = this.#open.get(key) ?? (this.#open.has(key) ? null : this.#kept.get(key))
    return changed === undefined ? this.#memory?.get(key) : (changed ?? undefined)
  }

  #hasRoom(): boolean {
    return (
      this.#memory !== undefined && this.#memory.size + this.#kept.size + this.#open.size < limits.openConnectionsMax
    )
  }

  /** By the time of the records, not by the clock: the same log read again forgets the same connections. */
  #forgetSilent(now: number): void {
    if (this.#memory === undefined || now - this.#sweptAt < limits.openConnectionSilentMs * 250) return
    this.#sweptAt = now
    const before = now - limits.openConnectionSilentMs * 1000
    for (const key of this.#memory.matching((text) => (JSON.parse(text) as Known)[0] < before))
      if (!this.#kept.has(key)) this.#open.set(key, null)
  }
}

function sumsOf(body: EventBody, known: Known | undefined, now: number): Known {
  const sums = counters.map((name, index): string | null => {
    const count = body[name]
    const before = known?.[index + 1] as string | null | undefined
    if (count === undefined) return before ?? null
    return before === undefined || before === null || BigInt(count) > BigInt(before) ? String(count) : before
  })
  return [Math.max(now, known?.[0] ?? 0), ...sums]
}

/** A count that went back is a line out of its order, and no traffic. */
function differences(body: EventBody, known: Known | undefined): Partial<EventBody> {
  return counted(body, (count, index) => {
    const before = BigInt(known?.[index + 1] ?? 0)
    return count > before ? count - before : 0n
  })
}

/** Nothing is counted with this record: its bytes come with the last one. */
function nothing(body: EventBody): Partial<EventBody> {
  return counted(body, () => 0n)
}

function counted(body: EventBody, by: (count: bigint, index: number) => bigint): Partial<EventBody> {
  const entries = counters.flatMap((name, index): [string, number | string][] => {
    const value = body[name]
    if (value === undefined) return []
    const count = by(BigInt(value), index)
    return [[name, count <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(count) : String(count)]]
  })
  return Object.fromEntries(entries)
}
