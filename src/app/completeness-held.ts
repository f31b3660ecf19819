import { parseInstant, secondMicros } from '../core/time.ts'
import type { Micros, Period } from '../core/time.ts'
import { parseJson } from '../ingest/json.ts'
import { limits as logLimits } from '../log/log.ts'
import type { EventLog, HeldRecord } from '../log/log.ts'

export const limits = {
  /** Pages of the quarantine that one estimate reads; each of them is bounded too. */
  pagesMax: 20,
  page: 1_000,
} as const

/** When a held input says that it happened; null: that cannot be read. */
function timeOf({ raw }: HeldRecord): Micros | null {
  const parsed = parseJson(raw)
  const value = parsed.ok ? (parsed.value as { readonly time?: unknown } | null) : null
  if (typeof value?.time !== 'string') return null
  const time = parseInstant(value.time)
  return time.ok ? time.value : null
}

/** Where the time cannot be read, the time of arrival has to do: within a day, an event is not late. */
function liesIn(held: HeldRecord, { from, to }: Period): boolean {
  const time = timeOf(held)
  if (time !== null) return time >= from && time < to
  return held.arrived >= from && held.arrived < to + logLimits.lateMicros
}

export interface HeldInPeriod {
  readonly bySource: ReadonlyMap<string, number>
  /** There is more in quarantine than was looked at. */
  readonly cut: boolean
}

/**
 * Unresolved inputs that may be events of a period, by source. A conflict is none: the event with its identity was
 * counted. Nothing arrives before it happens, so older arrivals are not looked at.
 */
export async function heldInPeriod(log: EventLog, period: Period): Promise<HeldInPeriod> {
  const bySource = new Map<string, number>()
  const filter = { state: 'open', from: (period.from - 300 * secondMicros) as Micros } as const
  let before: number | null = null
  for (let page = 0; page < limits.pagesMax; page += 1) {
    const { rows, next } = await log.held({ before, most: limits.page, filter })
    for (const held of rows) {
      const { source, problem } = held
      if (source === null || problem.code === 'EVENT_CONFLICT' || !liesIn(held, period)) continue
      bySource.set(source, (bySource.get(source) ?? 0) + 1)
    }
    if (next === null) return { bySource, cut: false }
    before = next
  }
  return { bySource, cut: true }
}
