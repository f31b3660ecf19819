/** How many of a percentile's intervals a window has, and of how many of them nobody can say what they had (L13). */
import type { Micros, Period } from '../core/time.ts'

/** Periods in the order of their beginnings as times that do not touch each other. */
export function joined(times: readonly Period[]): readonly Period[] {
  const apart: Period[] = []
  for (const { from, to } of times) {
    const last = apart.at(-1)
    if (last !== undefined && from <= last.to)
      apart[apart.length - 1] = { from: last.from, to: Math.max(last.to, to) as Micros }
    else apart.push({ from, to })
  }
  return apart
}

export interface Intervals {
  readonly count: number
  /** Intervals that overlap a time for which it is not known whether everything has arrived. */
  readonly unknown: number
}

/** The intervals of a window, counted from its start; the last one may be shorter. `unknown` as `joined` gives it. */
export function intervalsOf(window: Period, intervalMicros: number, unknown: readonly Period[]): Intervals {
  const length = Math.max(0, window.to - window.from)
  let counted = 0
  // The first interval that is not counted yet: two times may share one.
  let next = 0
  for (const { from, to } of unknown) {
    if (to <= window.from) continue
    if (from >= window.to) break
    const first = Math.max(next, Math.floor((Math.max(from, window.from) - window.from) / intervalMicros))
    const end = Math.ceil((Math.min(to, window.to) - window.from) / intervalMicros)
    counted += Math.max(0, end - first)
    next = Math.max(next, end)
  }
  return { count: Math.ceil(length / intervalMicros), unknown: counted }
}
