/**
 * How many events are missing, as far as that can be estimated: what a source's numbers, its own declarations, the
 * quarantine and its silence say. Pure.
 */
import { add, compare, divide, exact, larger, multiply, subtract, sum, zero } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import { hourMicros } from '../core/time.ts'
import type { Micros, Period } from '../core/time.ts'

/** What is stored of a source before its silence, and what has arrived of the silent time although it did not speak. */
export interface KnownPast {
  readonly events: bigint
  /** When the first of them happened. */
  readonly first: Micros
  readonly arrivedMeanwhile: bigint
}

export interface Lack {
  readonly source: string
  /** Numbers that have not arrived. */
  readonly numbers: number
  readonly lost: number
  /** Held aside, of this period, unresolved. */
  readonly held: number
  readonly silence: Period | null
  /** Null: nothing is known of it before it fell silent. */
  readonly past: KnownPast | null
}

/**
 * Events of a silent time: the source's own average over its known past, less what has arrived anyway. The past counts
 * as an hour at least: two events in a row say nothing about how many there are in a day.
 */
export function silentEvents({ silence, past }: Pick<Lack, 'silence' | 'past'>): Exact | null {
  if (silence === null) return zero
  if (past === null) return null
  const known = exact(BigInt(Math.max(hourMicros, silence.from - past.first)))
  const expected = divide(multiply(exact(past.events), exact(BigInt(silence.to - silence.from))), known)
  return larger(subtract(expected, exact(past.arrivedMeanwhile)), zero)
}

/** Null: it cannot be estimated, because a part of it is a silence of which nothing is known. */
export function expectedMissing(lack: Lack): Exact | null {
  const silent = silentEvents(lack)
  return silent === null ? null : add(exact(BigInt(lack.numbers + lack.lost + lack.held)), silent)
}

/** What a source's events were: how many of any kind and account, and what one account's meter counted in them. */
export interface Share {
  readonly source: string
  readonly expected: Exact
  readonly events: bigint
  readonly quantity: Exact
}

/**
 * What a meter would have counted in the missing events, if they are like those that arrived: the account's share of the
 * source's events times the average quantity of one of them, which is the meter's quantity by the source's events.
 */
export function expectedQuantity(shares: readonly Share[]): Exact {
  return sum(
    shares
      .filter(({ events, quantity }) => events > 0n && compare(quantity, zero) !== 0)
      .map(({ expected, events, quantity }) => divide(multiply(expected, quantity), exact(events))),
  )
}
