/**
 * The log is the truth (DESIGN §2): everything to the right of it can be rebuilt from it.
 *
 * It owns: order (offsets without holes), identity (each event once, L2), durability (L3), what was held
 * aside, and the balance of L1 per source and day. It does not own: what an event means.
 *
 * Invariants, which `test/contract/log.ts` holds every implementation to:
 *  - offsets are 0, 1, 2, … in the order of acceptance, without holes;
 *  - `append` resolves only when its outcomes survive kill -9 and power loss;
 *  - `end()` never runs ahead of what is durable, so no projection can know more than the log;
 *  - an identity is accepted once, whatever else is appended, in whatever order, before or after a restart;
 *  - per source and day: received = accepted + duplicates + quarantined.
 */
import type { Offset } from '../core/ids.ts'
import type { Arrival, HeldInput, LogRecord, Outcome } from '../core/record.ts'
import type { Micros } from '../core/time.ts'

/** Inclusive run of sequence numbers. */
export type Interval = readonly [first: number, last: number]

export interface SourceEpoch {
  readonly epoch: string
  /** Numbers of events that were accepted, as intervals: tiny when nothing is missing, kept for ever. */
  readonly accepted: readonly Interval[]
  /** Numbers that arrived and are held aside: seen, so not missing, but not counted. */
  readonly held: readonly Interval[]
  /** The source's own last statement about this numbering; null: it has made none, and silence is not one. */
  readonly checkpoint: Checkpoint | null
}

/** A source's statement: everything up to this number and this time has been sent, and so many were lost on my side. */
export interface Checkpoint {
  /** Null for sources without numbers. */
  readonly seq: number | null
  readonly time: Micros
  /** Events of this numbering that the source lost and will never send. */
  readonly lost: number
  /** When they were lost: between the statement before and the one that declared them. */
  readonly losses: readonly Loss[]
  readonly arrived: Micros
}

export interface Loss {
  readonly count: number
  /** Null: before the first statement of the numbering. */
  readonly after: Micros | null
  readonly before: Micros
}

export interface StatedCheckpoint extends Omit<Checkpoint, 'arrived' | 'losses'> {
  readonly source: string
  readonly epoch: string
}

export interface Balance {
  readonly received: bigint
  readonly accepted: bigint
  readonly duplicates: bigint
  readonly quarantined: bigint
}

export interface DayBalance extends Balance {
  readonly source: string
  /** UTC day of arrival, such as 2026-11-22. */
  readonly day: string
}

export interface HeldRecord extends HeldInput {
  readonly number: number
  readonly arrived: Micros
}

export interface EventLog {
  /** Takes arrivals in order; one outcome for each. Throws Refusal OVERLOADED or DISK_FULL when nothing was taken. */
  append(arrivals: readonly Arrival[], now: Micros): Promise<readonly Outcome[]>
  /** The next offset to be given; everything below it is durable. */
  end(): Offset
  /** Accepted events from an offset on, about `most` of them; fewer where they are large. */
  read(from: Offset, most: number): Promise<readonly LogRecord[]>
  /** Keeps a source's statement, durable when it resolves. Statements only grow: an older one changes nothing. */
  checkpoint(stated: StatedCheckpoint, now: Micros): Promise<Checkpoint>
  /** What is known of a source, or null when nothing ever came from it. */
  source(name: string): Promise<readonly SourceEpoch[] | null>
  sources(page: Page): Promise<readonly string[]>
  balances(page: Page): Promise<readonly DayBalance[]>
  /** What is held aside, newest first, below `before`; fewer than `most` when they are long, at least one. */
  held(page: { readonly before: number | null; readonly most: number }): Promise<readonly HeldRecord[]>
  heldCount(): Promise<number>
  /** Forgets content hashes of identities whose events arrived before this; what was accepted stays known. */
  forget(before: Micros): Promise<void>
  close(): Promise<void>
}

export interface Page {
  /** The last name of the page before, or null for the first page. */
  readonly after: string | null
  readonly most: number
}

export const limits = {
  /** Losses that are kept apart for one numbering; older ones become one. */
  lossesMax: 100,
  /** Arrivals waiting for their group to be written; above it senders are asked to come again (L12). */
  waitingMax: 200_000,
  /** Characters after which a read ends, though fewer events were read than asked for. */
  readTextMax: 64 * 1024 * 1024,
  /** Arrivals that are written in one transaction. */
  groupMax: 20_000,
  /** Bytes of one page of what is held aside: a thousand long lines are not read into memory at once. */
  heldPageBytesMax: 8 * 1024 * 1024,
} as const
