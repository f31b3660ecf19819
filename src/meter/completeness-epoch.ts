import type { Micros } from '../core/time.ts'
import type { Checkpoint, Interval, SourceEpoch, Tally } from '../log/log.ts'

/** Everything that was seen of a numbering, accepted or held, in the order of numbers. Both are sorted already. */
function* seen({ accepted, held }: SourceEpoch): Generator<Interval> {
  let [i, j] = [0, 0]
  for (;;) {
    const [one, two] = [accepted[i], held[j]]
    if (one === undefined && two === undefined) return
    if (two === undefined || (one !== undefined && one[0] <= two[0])) {
      if (one !== undefined) yield one
      i += 1
    } else {
      yield two
      j += 1
    }
  }
}

/** Numbers from 1 to the highest that is known of, which have neither been accepted nor are held aside. */
export function missingNumbers(numbering: SourceEpoch): readonly Interval[] {
  const gaps: [number, number][] = []
  let next = 1
  for (const [first, last] of seen(numbering)) {
    if (first > next) gaps.push([next, first - 1])
    next = Math.max(next, last + 1)
  }
  // The source says that it has sent more than has arrived.
  const stated = numbering.checkpoint?.seq ?? 0
  if (stated >= next) gaps.push([next, stated])
  return gaps
}

export function countOf(intervals: readonly Interval[]): number {
  return intervals.reduce((total, [first, last]) => total + last - first + 1, 0)
}

/** How one numbering of a source stands, whatever the period. */
export interface EpochStanding {
  readonly epoch: string
  /** Everything up to this number has arrived; 0: number 1 has not, or nothing is numbered. */
  readonly contiguousUntil: number
  /** The highest number that arrived or that the source says it has sent. */
  readonly highest: number
  /** How many numbers up to the highest have not arrived, and in how many gaps. */
  readonly missing: number
  readonly gaps: number
  readonly tally: Tally
  readonly checkpoint: Checkpoint | null
}

/** High-water mark, gaps, repetitions and late arrivals of one numbering. */
export function standingOf(numbering: SourceEpoch): EpochStanding {
  const { epoch, accepted, held, checkpoint, tally } = numbering
  const missing = missingNumbers(numbering)
  const [gap] = missing
  const highest = Math.max(accepted.at(-1)?.[1] ?? 0, held.at(-1)?.[1] ?? 0, checkpoint?.seq ?? 0)
  return {
    epoch,
    contiguousUntil: gap === undefined ? highest : gap[0] - 1,
    highest,
    missing: countOf(missing),
    gaps: missing.length,
    tally,
    checkpoint,
  }
}

/** A source's own last word over all of its numberings; null: it has made no statement. */
export function statedUntil(epochs: readonly SourceEpoch[]): Micros | null {
  return epochs.reduce<Micros | null>((latest, { checkpoint }) => {
    const time = checkpoint?.time ?? null
    return time === null || (latest !== null && latest >= time) ? latest : time
  }, null)
}
