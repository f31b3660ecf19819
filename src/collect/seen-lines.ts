import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'

/** First and last number of a run of lines, both inclusive. */
export type LineInterval = readonly [first: number, last: number]

/** A set of line numbers as sorted intervals. */
export class LineSet {
  readonly #intervals: readonly LineInterval[]

  constructor(intervals: readonly LineInterval[]) {
    this.#intervals = intervals.toSorted(([a], [b]) => a - b)
  }

  has(line: number): boolean {
    let low = 0
    let high = this.#intervals.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const [first] = this.#intervals[middle] ?? [Number.POSITIVE_INFINITY]
      if (first <= line) low = middle + 1
      else high = middle
    }
    const found = this.#intervals[low - 1]
    return found !== undefined && line <= found[1]
  }
}

/** What the service has of a file. */
export interface SeenLines {
  readonly accepted: LineSet
  /** Quarantined: they have their number and their place, and are not sent again. */
  readonly held: LineSet
}

export const nothingSeen: SeenLines = { accepted: new LineSet([]), held: new LineSet([]) }

function readIntervals(value: unknown): LineInterval[] | undefined {
  if (value === undefined) return []
  if (!Array.isArray(value)) return undefined
  const intervals = value.map((pair: unknown) => (Array.isArray(pair) ? pair.map(Number) : []))
  const valid = intervals.every(([first, last]) => first !== undefined && last !== undefined && first <= last)
  return valid ? (intervals as unknown as LineInterval[]) : undefined
}

/** Reads the answer of `GET /v1/sources/{source}`. Files have one numbering, whose epoch is the empty text. */
export function parseSeenLines(answer: unknown): Result<SeenLines, string> {
  const epochs = (answer as { readonly epochs?: unknown } | null)?.epochs
  if (!Array.isArray(epochs)) return fail('the answer has no epochs')
  const ours = epochs.find((epoch: { readonly epoch?: unknown } | null) => epoch?.epoch === '') as
    | { readonly accepted?: unknown; readonly held?: unknown }
    | undefined
  if (ours === undefined) return ok(nothingSeen)
  const accepted = readIntervals(ours.accepted)
  const held = readIntervals(ours.held)
  if (accepted === undefined || held === undefined) return fail('accepted and held are lists of [first, last]')
  return ok({ accepted: new LineSet(accepted), held: new LineSet(held) })
}
