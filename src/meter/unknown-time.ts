import type { Micros, Period } from '../core/time.ts'
import type { Gap, SourceFacts } from './completeness.ts'
import { statedUntil } from './completeness-epoch.ts'

interface Bounds {
  readonly from: Micros | null
  readonly to: Micros | null
}

/** The part of a period between two instants; an end that nobody knows is the period's. */
function cut({ from, to }: Bounds, period: Period): Period | null {
  const begin = Math.max(period.from, from ?? period.from) as Micros
  const end = Math.min(period.to, to ?? period.to) as Micros
  return begin < end ? { from: begin, to: end } : null
}

/** Neighbours in number need not be neighbours in time; an event may lie at the microsecond of its neighbour. */
function between({ after, before }: Pick<Gap, 'after' | 'before'>): Bounds {
  if (after === null || before === null) return { from: after, to: before === null ? null : ((before + 1) as Micros) }
  return { from: Math.min(after, before) as Micros, to: (Math.max(after, before) + 1) as Micros }
}

/** Times in which one source may have had traffic that has not arrived. */
function unknownOf({ registration, epochs }: SourceFacts, gaps: readonly Gap[]): readonly Bounds[] {
  const lost = epochs.flatMap(({ checkpoint }) => (checkpoint?.losses ?? []).map(between))
  const known = [...gaps.map(between), ...lost]
  if (registration === null || registration.checkpointSeconds === null) return known
  const { expectedFrom, retiredAt } = registration
  const from = Math.max(expectedFrom, statedUntil(epochs) ?? expectedFrom) as Micros
  return retiredAt !== null && from >= retiredAt ? known : [...known, { from, to: retiredAt }]
}

/**
 * L13: the times of a period for which nobody can say that there was no more traffic than has arrived: behind the last
 * word of a source that is expected to speak, inside a gap, where a loss is declared. All of it while no source is
 * expected to speak, because silence is not a statement. In the order of their beginnings; they may overlap.
 */
export function unknownTimes(
  period: Period,
  sources: readonly SourceFacts[],
  gapsOf: (source: string) => readonly Gap[],
): readonly Period[] {
  if (!sources.some(({ registration }) => typeof registration?.checkpointSeconds === 'number')) return [period]
  return sources
    .flatMap((source) => unknownOf(source, gapsOf(source.name)))
    .map((bounds) => cut(bounds, period))
    .filter((time) => time !== null)
    .toSorted((one, two) => one.from - two.from)
}
