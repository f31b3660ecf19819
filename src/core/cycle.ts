import { zonedOf } from './time.ts'
import type { Micros, Period } from './time.ts'

/**
 * A period that recurs in a zone: every so many days, weeks, months or years from an anchor on. Each start is counted
 * from the anchor, so that a 31st is cut to the last day of a shorter month and returns in the next one (DESIGN §9).
 */
export interface Cycle {
  readonly anchor: Micros
  readonly unit: 'days' | 'weeks' | 'months' | 'years'
  readonly count: number
  readonly zone: string
  /** The day of the month on which months and years begin, 1 to 31; left out: the anchor's. */
  readonly day?: number
}

function microsOf(zoned: Temporal.ZonedDateTime): Micros {
  return Number(zoned.epochNanoseconds / 1000n) as Micros
}

/** When a turn of a cycle begins: turn 0 at the anchor. */
export function cycleStart({ anchor, unit, count, zone, day }: Cycle, turn: number): Micros {
  const passed = { [unit]: turn * count }
  const zoned = zonedOf(anchor, zone)
  const start = zoned.add(passed)
  const wanted = Math.min(day ?? start.day, start.daysInMonth)
  if (wanted === start.day) return microsOf(start)
  // By the calendar first: the clock may have been moved on the one day and not on the other.
  return microsOf(zoned.toPlainDateTime().add(passed).with({ day: wanted }).toZonedDateTime(zone))
}

/** The turn of a cycle that contains an instant; below zero before the anchor. */
export function cycleTurn(instant: Micros, cycle: Cycle): number {
  const { anchor, unit, count, zone } = cycle
  const passed = zonedOf(anchor, zone).until(zonedOf(instant, zone), { largestUnit: unit })[unit]
  let turn = Math.floor(passed / count)
  // Cut month ends and shifted clocks put a start on either side of what the calendar counts.
  while (cycleStart(cycle, turn) > instant) turn -= 1
  while (cycleStart(cycle, turn + 1) <= instant) turn += 1
  return turn
}

/** The period of a cycle that contains an instant, also before the anchor. Its end is the next start. */
export function cyclePeriod(instant: Micros, cycle: Cycle): Period {
  const turn = cycleTurn(instant, cycle)
  return { from: cycleStart(cycle, turn), to: cycleStart(cycle, turn + 1) }
}

/** How many times a cycle began anew after `from`, up to and including `to`. */
export function turnsPassed({ from, to }: Period, cycle: Cycle): number {
  return Math.max(cycleTurn(to, cycle) - cycleTurn(from, cycle), 0)
}

/**
 * The cycle of the calendar: days from midnight, weeks from Monday, months from the first, quarters (3 months) and
 * halves (6) from January on.
 */
export function calendarCycle({ unit, count, zone }: Omit<Cycle, 'anchor' | 'day'>): Cycle {
  // 1970 began with a Thursday.
  const first = Temporal.PlainDate.from(unit === 'weeks' ? '1970-01-05' : '1970-01-01')
  return { anchor: microsOf(first.toZonedDateTime(zone)), unit, count, zone }
}

/**
 * A cycle that begins at midnight of a day of the month, in the month of `from` and every so many months or years from
 * there. In a month without the day it begins on the last one.
 */
export function cycleOnDay(
  { from, day }: { readonly from: Micros; readonly day: number },
  { unit, count, zone }: Omit<Cycle, 'anchor' | 'day'>,
): Cycle {
  // Days beyond the month's last are cut to it.
  const date = zonedOf(from, zone).toPlainDate().with({ day })
  return { anchor: microsOf(date.toZonedDateTime(zone)), unit, count, zone, day }
}

/** What is left of a period at an instant: all of it before it begins, nothing (at its end) when it is over. */
export function restOf({ from, to }: Period, instant: Micros): Period {
  return { from: Math.min(Math.max(from, instant), to) as Micros, to }
}
