import { zonedOf } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import { html } from '../../invoice/html.ts'
import type { Html } from '../../invoice/html.ts'

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const
const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const

/** `2026-11-22` → `22 Nov`. */
export function shortDay(date: string): string {
  const { day, month } = Temporal.PlainDate.from(date)
  return `${day} ${months[month - 1]}`
}

/** `2026-11-22` → `Sun 22 Nov 2026`. */
export function longDay(date: string): string {
  const { dayOfWeek, year } = Temporal.PlainDate.from(date)
  return `${weekdays[dayOfWeek - 1]} ${shortDay(date)} ${year}`
}

/** Where a picture writes a date below its bars: at four days of a month, two of them only where there is room. */
export function labelOf(date: string): 'always' | 'with room' | 'never' {
  const { day } = Temporal.PlainDate.from(date)
  if (day === 1 || day === 15) return 'always'
  return day === 8 || day === 22 ? 'with room' : 'never'
}

/** `2026-11-22 13:37` in a zone, the instant itself for programs. */
export function moment(instant: Micros, zone: string): Html {
  const local = zonedOf(instant, zone)
  const text = `${local.toPlainDate().toString()} ${local.toPlainTime().toString({ smallestUnit: 'minute' })}`
  return html`<time datetime="${local.toInstant().toString()}" title="${local.toInstant().toString()}">${text}</time>`
}
