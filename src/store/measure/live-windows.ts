import { untilOf } from './question.ts'
import type { MeasurePart } from './question.ts'

/** The windows that have begun by the end of what is counted, as parts of a statement; the last one is cut there. */
export interface LiveWindows {
  readonly from: string
  /** The end of what is counted. */
  readonly end: string
  /** Starts and ends by place: 1, 2, … */
  readonly starts: string
  readonly ends: string
  /** The whole length of each, also of the one that is cut. */
  readonly lengths: string
  /** The place after the last. */
  readonly after: string
  /** The place of the window that contains an instant; what lies before all of them is in the first. */
  placeOf(instant: string): string
}

export function liveWindows({ question, parameters }: Pick<MeasurePart, 'question' | 'parameters'>): LiveWindows {
  const { starts, period } = question
  const until = untilOf(question)
  // One at least: a statement has no empty arrays. Of a period that has not begun it ends where it begins, and holds nothing.
  const live = starts.filter((start, index) => index === 0 || start < until)
  const end = Math.max(period.from, until)
  const full = live.map((start, index) => (starts[index + 1] ?? period.to) - start)
  const ends = live.map((start, index) => Math.min(start + (full[index] ?? 0), end))
  const places = live.map((_, index) => index + 1)
  const [startsSql, endsSql] = [parameters.add(live, 'Array(Int64)'), parameters.add(ends, 'Array(Int64)')]
  const placesSql = parameters.add(places, 'Array(UInt64)')
  return {
    from: parameters.add(period.from, 'Int64'),
    end: parameters.add(end, 'Int64'),
    starts: startsSql,
    ends: endsSql,
    lengths: parameters.add(full, 'Array(Int64)'),
    after: `toUInt64(${live.length + 1})`,
    placeOf: (instant) => `transform(roundDown(${instant}, ${startsSql}), ${startsSql}, ${placesSql}, toUInt64(0))`,
  }
}

/**
 * Rows with a `place` and groups, of which each holds from its place to the next one of its group: the sums of their
 * columns before each row (`NAME_before`), and `next_place`. Windows in which nothing changes need no row of their own
 * until they are answered.
 */
export function overPlaces(
  sql: string,
  { groups }: MeasurePart,
  { after }: LiveWindows,
  sums: readonly string[],
): string {
  const apart = groups.names.length === 0 ? '' : `PARTITION BY ${groups.names.join(', ')} `
  const over = `OVER (${apart}ORDER BY place ROWS BETWEEN`
  const columns = [
    '*',
    ...sums.map((name) => `sum(${name}) ${over} UNBOUNDED PRECEDING AND CURRENT ROW) - ${name} AS ${name}_before`),
    `leadInFrame(place, 1, ${after}) ${over} UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS next_place`,
  ]
  return `SELECT ${columns.join(', ')} FROM (${sql})`
}
