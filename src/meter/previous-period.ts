import { zonedOf } from '../core/time.ts'
import type { Micros, Period } from '../core/time.ts'

function startOf(date: Temporal.PlainDate, zone: string): Micros {
  return Number(date.toZonedDateTime(zone).epochNanoseconds / 1000n) as Micros
}

/** Where as much calendar before an instant begins; null: the ends are not the beginnings of days. */
function calendarBefore({ from, to }: Period, zone: string): Micros | null {
  const [first, end] = [zonedOf(from, zone).toPlainDate(), zonedOf(to, zone).toPlainDate()]
  if (startOf(first, zone) !== from || startOf(end, zone) !== to) return null
  const isMonths = first.day === 1 && end.day === 1
  return startOf(first.subtract(first.until(end, { largestUnit: isMonths ? 'months' : 'days' })), zone)
}

/**
 * What a period is compared with: as many whole months before it, when it is whole calendar months of a zone; as many
 * days, when it is whole days, so that days stand beside days over a change of the clock; else the same length of time.
 * Null: that would begin before 1970.
 */
export function previousPeriod(period: Period, zone: string): Period | null {
  const { from, to } = period
  const before = calendarBefore(period, zone) ?? from - (to - from)
  return before < 0 ? null : { from: before as Micros, to: from }
}
