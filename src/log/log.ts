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
 *  - a version of an event is superseded at most once;
 *  - per batch, and per source and day: received = accepted + duplicates + quarantined, and of what is held:
 *    held = released + found duplicate + written off + open; accepted + released over all = `end()`.
 */
import type { Offset } from '../core/ids.ts'
import type { Arrival, Decision, HeldInput, LogRecord, Outcome } from '../core/record.ts'
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
  /** Statements that a person took back, the last ones. */
  readonly withdrawn: readonly Withdrawn[]
  readonly tally: Tally
}

/** What a numbering has sent so far. */
export interface Tally {
  readonly accepted: number
  readonly duplicates: number
  /** Held aside, conflicts among them, repetitions counted each time. */
  readonly held: number
  /** Accepted although the source had said that everything of their time was sent, or more than a day after it. */
  readonly late: number
  /** The greatest distance between an event's time and its arrival, in microseconds. */
  readonly mostBehind: number
  /** The greatest time of an accepted event; null: none was accepted. */
  readonly newest: Micros | null
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

/** A wrong statement, and who took it back. */
export interface Withdrawn extends Decision {
  readonly statement: Checkpoint
  readonly at: Micros
}

export interface Loss {
  readonly count: number
  /** Null: before the first statement of the numbering. */
  readonly after: Micros | null
  readonly before: Micros
}

/** Names one numbering. */
export interface Numbered {
  readonly source: string
  readonly epoch: string
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

/** What became of the inputs that are held, each counted once however often it was repeated. */
export interface HeldBalance {
  readonly held: bigint
  /** Accepted after a person released or repaired them. */
  readonly released: bigint
  /** Released, and found to be counted already. */
  readonly foundDuplicate: bigint
  readonly writtenOff: bigint
}

/** How many held inputs nobody has resolved yet. */
export function openCount({ held, released, foundDuplicate, writtenOff }: HeldBalance): bigint {
  return held - released - foundDuplicate - writtenOff
}

/** The corrections of all sources are counted under this name, which no source can have. */
export const correctionsSource = '~corrections'

export interface DayBalance extends Balance, HeldBalance {
  readonly source: string
  /** UTC day of arrival, such as 2026-11-22. */
  readonly day: string
}

/** One append: what one request brought. */
export interface Batch extends Balance {
  /** 0, 1, 2, … in the order of arrival. */
  readonly number: number
  readonly arrived: Micros
  /** Who sent it, such as the id of a key; empty when nobody said. */
  readonly sender: string
  /** Its accepted events are [first, first + accepted). */
  readonly first: Offset
}

export interface Appended {
  /** The number of the batch; its balance can be asked for by it. */
  readonly batch: number
  /** One for each arrival, in order. */
  readonly outcomes: readonly Outcome[]
}

export const resolutionKinds = ['released', 'duplicate', 'written_off'] as const

/** How a held input left the quarantine; nothing leaves it by itself. */
export interface Resolution extends Decision {
  readonly kind: (typeof resolutionKinds)[number]
  readonly at: Micros
  /** Where it was accepted; null when it was not. */
  readonly offset: Offset | null
}

export interface HeldRecord extends HeldInput {
  readonly number: number
  readonly arrived: Micros
  readonly resolution: Resolution | null
}

/** Which held inputs are asked for; an absent condition is met by all. */
export interface HeldFilter {
  readonly state?: 'open' | (typeof resolutionKinds)[number]
  readonly source?: string
  readonly code?: string
  /** A part of what arrived, or of the id. */
  readonly text?: string
  readonly from?: Micros
  readonly to?: Micros
}

export interface HeldPage {
  readonly rows: readonly HeldRecord[]
  /** Ask below this for more; null on the last page. A page may be empty and not the last: the search is bounded. */
  readonly next: number | null
}

export interface EventLog {
  /** Which log this is: the same for ever and for all that follow it, and no other log's. */
  name(): string
  /** Takes arrivals in order, as one batch. Throws Refusal OVERLOADED or DISK_FULL when nothing was taken. */
  append(arrivals: readonly Arrival[], now: Micros, sender?: string): Promise<Appended>
  /** The next offset to be given; everything below it is durable. */
  end(): Offset
  /** Accepted events from an offset on, about `most` of them; fewer where they are large. */
  read(from: Offset, most: number): Promise<readonly LogRecord[]>
  /** The offset of the correction that superseded a version; null: the version is the newest of its event. */
  supersededBy(version: Offset): Promise<Offset | null>
  /** Keeps a source's statement, durable when it resolves. Statements only grow: an older one changes nothing. */
  checkpoint(stated: StatedCheckpoint, now: Micros): Promise<Checkpoint>
  /** A person takes a source's wrong statement back: it is as if nothing had been stated. False: there was none. */
  withdrawCheckpoint(of: Numbered, decision: Decision, now: Micros): Promise<boolean>
  /** Writes held inputs off for good; those that are resolved already, or do not exist, are left as they are. */
  writeOff(numbers: readonly number[], decision: Decision, now: Micros): Promise<number>
  /** What is known of a source, or null when nothing ever came from it. */
  source(name: string): Promise<readonly SourceEpoch[] | null>
  sources(page: Page): Promise<readonly string[]>
  balances(page: Page): Promise<readonly DayBalance[]>
  /** Batches, newest first, below `before`. */
  batches(page: { readonly before: number | null; readonly most: number }): Promise<readonly Batch[]>
  /** What is held aside, newest first, below `before`. */
  held(page: { readonly before: number | null; readonly most: number; readonly filter?: HeldFilter }): Promise<HeldPage>
  heldByNumber(number: number): Promise<HeldRecord | null>
  /** What was ever held, and of that what is resolved. */
  heldTotals(): Promise<HeldBalance>
  /** Forgets content hashes of identities whose events arrived before this; what was accepted stays known. */
  forget(before: Micros): Promise<void>
  /** Until when the log has forgotten; null: it never has. */
  forgotten(): Micros | null
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
  /** Withdrawn statements that are kept of one numbering. */
  withdrawnMax: 20,
  /** Arrivals waiting for their group to be written; above it senders are asked to come again (L12). */
  waitingMax: 200_000,
  /** Characters after which a read ends, though fewer events were read than asked for. */
  readTextMax: 64 * 1024 * 1024,
  /** Characters of the newest records that are kept as they were written, for who follows closely. */
  freshTextMax: 32 * 1024 * 1024,
  /** Arrivals that are written in one transaction. */
  groupMax: 20_000,
  /** Bytes of one page of what is held aside: a thousand long lines are not read into memory at once. */
  heldPageBytesMax: 8 * 1024 * 1024,
  /** Held inputs that one page of a search looks at. */
  heldSearchMax: 20_000,
  /** An accepted event that arrives later than this after its time is late. */
  lateMicros: 86_400_000_000,
} as const
