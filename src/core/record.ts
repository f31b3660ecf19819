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

/** Who decided something about what is in the log, and why. Never empty. */
export interface Decision {
  readonly by: string
  readonly reason: string
}

export const correctionKinds = ['amend', 'retract', 'reattribute'] as const
export type CorrectionKind = (typeof correctionKinds)[number]

/**
 * A new version of an accepted event, as an event of its own: the old version stays in the log and is not counted
 * from this offset on. Its identity is the version that it supersedes, so each version is superseded at most once.
 */
export interface Correction extends Decision {
  readonly kind: CorrectionKind
  readonly supersedes: Offset
  /** Where the superseded version lies in the store. */
  readonly was: { readonly account: AccountKey; readonly time: Micros }
}

/** One request's worth of input, in the order in which it arrived. */
export type Arrival =
  | {
      readonly kind: 'event'
      readonly event: ParsedEvent
      /** The event is what somebody made of a held input, which is resolved by it. */
      readonly release?: Decision & { readonly held: number }
    }
  | { readonly kind: 'held'; readonly held: HeldInput }
  /** `event` is the new version; null when the event is retracted. */
  | { readonly kind: 'correction'; readonly correction: Correction; readonly event: ParsedEvent | null }

/**
 * What became of one arrival. A conflict is an identity that is known with other content: kept aside, never counted;
 * of a correction: its version is superseded already, by another correction. A correction of a version that is not
 * in the log is `unknown`, and so is a release of an input that is not open (any more).
 */
export type Outcome =
  | { readonly kind: 'accepted'; readonly offset: Offset }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'held' }
  | { readonly kind: 'unknown' }

/** One accepted event, or correction, as it is read back from the log. */
export interface LogRecord {
  readonly offset: Offset
  readonly ingested: Micros
  readonly time: Micros
  readonly account: AccountKey
  /** Null: a version is retracted and there is no new one; time and account are those of the retracted version. */
  readonly fact: string | null
  readonly inspection: string | null
  /** What this version corrects; null for an event as it came from its source. */
  readonly correction: Correction | null
}
