/** Up to where an answer about usage counts, and what is known of what it may lack (L7, L13). */
import { compare, zero } from '../../core/exact.ts'
import type { AccountKey, Offset } from '../../core/ids.ts'
import type { Micros, Period } from '../../core/time.ts'
import type { MeterDefinition } from '../../meter/definition.ts'
import type { UsageRow } from '../../meter/usage.ts'
import { sealedUntil } from '../../meter/rollups.ts'
import type { Service } from '../service.ts'

/** How long an answer waits to count what its judgement of completeness has seen. */
const countedMillis = 1_000

export interface Counted {
  readonly below: Offset
  /** Null: not known. */
  readonly completeUntil: Micros | null
  readonly gaps: number
  /** Times of the period for which nobody can say that all of it has arrived. */
  readonly unknown: readonly Period[]
}

interface Wanted {
  /** Null: of the whole installation. */
  readonly account: AccountKey | null
  readonly period: Period
  readonly below?: number | undefined
}

/** L13: judged first and counted afterwards, so that nothing is called complete over what was not counted. */
export async function countedNow(service: Service, { account, period, below }: Wanted): Promise<Counted> {
  const { log, projector, projection } = service
  const { completeUntil, sources, unknown } = await service.completeness.recent({ account, period })
  const judged = log.end()
  await projector.reach(Math.min(judged, below ?? judged) as Offset, countedMillis)
  const reached = Math.min(below ?? Number.POSITIVE_INFINITY, projection.position()) as Offset
  const isKnown = reached >= judged
  return {
    below: reached,
    completeUntil: isKnown && completeUntil !== null ? (Math.min(completeUntil, period.to) as Micros) : null,
    gaps: sources.reduce((total, source) => total + source.gaps.length, 0),
    unknown: isKnown ? unknown : [period],
  }
}

/** A window is sealed when it was recounted and is complete; null: not even the first one. */
export async function sealedNow(
  { engine, world }: Pick<Service, 'engine' | 'world'>,
  { meter, period, counted }: { readonly meter: MeterDefinition; readonly period: Period; readonly counted: Counted },
): Promise<Micros | null> {
  const { below, completeUntil } = counted
  if (completeUntil === null || completeUntil <= period.from) return null
  const recounted = await sealedUntil(engine, { meter, period, below, now: world.now() })
  return recounted === null ? null : (Math.min(recounted, completeUntil) as Micros)
}

/** L13: a window of which nothing is over yet is not known, which is not zero. */
export function hasBegun({ from, quantity }: UsageRow, now: Micros): boolean {
  return from < now || compare(quantity ?? zero, zero) !== 0
}
