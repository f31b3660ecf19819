import type { Problem } from './errors.ts'
import type { AccountKey, Offset, SourceName } from './ids.ts'
import type { Micros } from './time.ts'

/**
 * An event that passed the door: checked once, in canonical form, so that nobody downstream checks or casts
 * again. Equal content gives equal `fact`, `inspection` and `hash`, however it was written on the wire.
 */
export interface ParsedEvent {
  readonly source: SourceName
  readonly epoch: string
  readonly id: string
  /** Null for events without a number. */
  readonly seq: number | null
  readonly time: Micros
  /** The account that pays: as given, or the endpoint's owner at that time, or `unattributed`. */
  readonly account: AccountKey
  /** JSON array in the order of `factFields`; times in it are microseconds. */
  readonly fact: string
  /** JSON array in the order of `inspectionFields`, or null when the event carries none. */
  readonly inspection: string | null
  /** First 8 bytes of SHA-256 over what the sender said (not over the attributed account), one character a byte. */
  readonly hash: string
}

/** Something that arrived and cannot be counted: kept with its reason, and its identity as far as it is known. */
export interface HeldInput {
  readonly source: string | null
  readonly epoch: string
  readonly id: string | null
  readonly seq: number | null
  readonly problem: Problem
  /** What arrived, cut at `heldLengthMax` characters. */
  readonly raw: string
}

export const heldLengthMax = 65_536

/** One request's worth of input, in the order in which it arrived. */
export type Arrival =
  | { readonly kind: 'event'; readonly event: ParsedEvent }
  | { readonly kind: 'held'; readonly held: HeldInput }

/** What became of one arrival. A conflict is an identity that is known with other content: kept aside, never counted. */
export type Outcome =
  | { readonly kind: 'accepted'; readonly offset: Offset }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'held' }

/** One accepted event as it is read back from the log. */
export interface LogRecord {
  readonly offset: Offset
  readonly ingested: Micros
  readonly time: Micros
  readonly account: AccountKey
  readonly fact: string
  readonly inspection: string | null
}
