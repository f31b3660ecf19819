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
  /** How many more are remembered with what was kept. */
  #growth = 0
  /** Of the last records. */
  #times: number[] = []
  /** Before this time nobody has been silent for so long as to be forgotten. */
  #silentFrom = Number.NEGATIVE_INFINITY

  constructor(memory: ConnectionMemory | undefined) {
    this.#memory = memory
  }

  get changes(): readonly NoteChange[] {
    return [...this.#kept]
  }

  /** The lines that were looked at last are taken. */
  keep(): void {
    this.#growth += this.#openGrowth
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
    this.#growth = 0
  }

  /** What this record adds to those before it. */
  difference(body: EventBody, { connection: name, isLast, at }: Cumulative): EventBody {
    // What a log calls a connection may be long, and comes from outside.
    const connection = createHash('sha256').update(name).digest('base64url').slice(0, 22)
    const time = parseInstant(at)
    const now = time.ok ? time.value : 0
    this.#times = [...this.#times.slice(1 - limits.clockRecords), now]
    const text = this.#get(connection)
    const known = text === undefined ? undefined : (JSON.parse(text) as Known)
    if (isLast) {
      if (known === undefined) return body
      this.#open.set(connection, null)
      return { ...body, ...differences(body, known), time: at }
    }
    if (known === undefined && !this.#hasRoom() && !this.#makeRoom()) return { ...body, ...nothing(body), time: at }
    this.#open.set(connection, JSON.stringify(sumsOf(body, known, now)))
    return { ...body, ...differences(body, known), time: at }
  }

  #get(key: string): string | undefined {
    return this.#open.has(key) ? (this.#open.get(key) ?? undefined) : this.#keptOf(key)
  }

  #keptOf(key: string): string | undefined {
    return this.#kept.has(key) ? (this.#kept.get(key) ?? undefined) : this.#memory?.get(key)
  }

  get #openGrowth(): number {
    let growth = 0
    for (const [key, text] of this.#open) {
      const wasThere = this.#keptOf(key) !== undefined
      if (wasThere !== (text !== null)) growth += wasThere ? -1 : 1
    }
    return growth
  }

  #hasRoom(): boolean {
    if (this.#memory === undefined) return false
    return this.#memory.size + this.#growth + this.#openGrowth < limits.openConnectionsMax
  }

  /**
   * Forgets the oldest of those that were silent for long: their last record was lost, or never written. By the time of
   * the records and not by the clock, but of several records: one with a wrong time forgets nobody. False when all
   * of them may still go on; one of those would be counted again from its beginning.
   */
  #makeRoom(): boolean {
    const now = Math.min(...this.#times)
    if (this.#memory === undefined || this.#times.length < limits.clockRecords || now < this.#silentFrom) return false
    const found: (readonly [at: number, key: string])[] = []
    for (const key of this.#memory.matching(() => true)) {
      const text = this.#kept.has(key) || this.#open.has(key) ? undefined : this.#memory.get(key)
      if (text !== undefined) found.push([(JSON.parse(text) as Known)[0], key])
    }
    const oldest = found.toSorted(([a], [b]) => a - b).slice(0, limits.forgottenAtOnceMax)
    const silentMicros = limits.openConnectionSilentMs * 1000
    const silent = oldest.filter(([at]) => at < now - silentMicros)
    for (const [, key] of silent) this.#open.set(key, null)
    this.#silentFrom = silent.length > 0 ? Number.NEGATIVE_INFINITY : (oldest[0]?.[0] ?? now) + silentMicros
    return silent.length > 0
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
