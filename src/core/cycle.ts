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
}

/** When a turn of a cycle begins: turn 0 at the anchor. */
export function cycleStart({ anchor, unit, count, zone }: Cycle, turn: number): Micros {
  const start = zonedOf(anchor, zone).add({ [unit]: turn * count })
  return Number(start.epochNanoseconds / 1000n) as Micros
}

/** The period of a cycle that contains an instant, also before the anchor. */
export function cyclePeriod(instant: Micros, cycle: Cycle): Period {
  const { anchor, unit, count, zone } = cycle
  const passed = zonedOf(anchor, zone).until(zonedOf(instant, zone), { largestUnit: unit })[unit]
  let turn = Math.floor(passed / count)
  // Cut month ends and shifted clocks put a start on either side of what the calendar counts.
  while (cycleStart(cycle, turn) > instant) turn -= 1
  while (cycleStart(cycle, turn + 1) <= instant) turn += 1
  return { from: cycleStart(cycle, turn), to: cycleStart(cycle, turn + 1) }
}
