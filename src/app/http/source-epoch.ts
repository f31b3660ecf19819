import { formatInstant } from '../../core/time.ts'
import type { Checkpoint, Interval, SourceEpoch } from '../../log/log.ts'
import { missingNumbers, standingOf } from '../../meter/completeness-epoch.ts'
import { instantOrNull } from './schema.ts'

/** Intervals of one answer: a source that sends every other number has as many as it has events. */
const intervalsMax = 10_000

function texts(intervals: readonly Interval[]): string[][] {
  return intervals.slice(0, intervalsMax).map((interval) => interval.map(String))
}

export function checkpointJson(checkpoint: Checkpoint | null): Record<string, unknown> | null {
  return (
    checkpoint && {
      seq: checkpoint.seq === null ? null : String(checkpoint.seq),
      time: formatInstant(checkpoint.time),
      lost: String(checkpoint.lost),
      arrived: formatInstant(checkpoint.arrived),
    }
  )
}

/** How a numbering stands, in numbers. */
export function standingJson(numbering: SourceEpoch): Record<string, unknown> {
  const { epoch, contiguousUntil, highest, missing, tally, checkpoint } = standingOf(numbering)
  return {
    epoch,
    contiguous_until: String(contiguousUntil),
    highest: String(highest),
    missing: String(missing),
    events: String(tally.accepted),
    duplicates: String(tally.duplicates),
    late: String(tally.late),
    times_held: String(tally.held),
    most_behind_seconds: String(Math.floor(tally.mostBehind / 1_000_000)),
    newest: instantOrNull(tally.newest),
    declared_lost: String(checkpoint?.lost ?? 0),
    checkpoint: checkpointJson(checkpoint),
  }
}

/** A numbering with its intervals. */
export function epochJson(numbering: SourceEpoch): Record<string, unknown> {
  const { accepted, held } = numbering
  const gaps = missingNumbers(numbering)
  const cut = Math.max(accepted.length, held.length, gaps.length) > intervalsMax
  return {
    ...standingJson(numbering),
    accepted: texts(accepted),
    held: texts(held),
    gaps: texts(gaps),
    withdrawn: numbering.withdrawn.map(({ statement, by, reason, at }) => ({
      statement: checkpointJson(statement),
      by,
      reason,
      at: formatInstant(at),
    })),
    ...(cut ? { cut } : {}),
  }
}
