import { calendarMonth } from '../core/time.ts'
import type { Micros, Period } from '../core/time.ts'

/** Whether a period is one whole calendar month of a zone. */
export function isCalendarMonth({ from, to }: Period, zone: string): boolean {
  const month = calendarMonth(from, zone)
  return month.from === from && month.to === to
}

/**
 * What a period is compared with: the calendar month before, when it is one; else the same length of time before it.
 * Null: that would begin before 1970.
 */
export function previousPeriod(period: Period, zone: string): Period | null {
  const { from, to } = period
  if (isCalendarMonth(period, zone)) return from <= 0 ? null : calendarMonth((from - 1) as Micros, zone)
  const before = from - (to - from)
  return before < 0 ? null : { from: before as Micros, to: from }
}
