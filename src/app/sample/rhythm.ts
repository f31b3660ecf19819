import { assert } from '../../core/result.ts'
import { zonedOf } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import type { Habit } from './habit.ts'
import type { Random } from './random.ts'

/** Weights are digits, 0 to 9; `hours` has 24 of them, `weekdays` 7. */
function digit(weights: string, index: number): number {
  const weight = Number(weights[index])
  assert(Number.isInteger(weight), `"${weights}" has a digit at ${index}`)
  return weight
}

function digitSum(weights: string): number {
  let total = 0
  for (let index = 0; index < weights.length; index += 1) total += digit(weights, index)
  return total
}

/** How many units of the habit the hour that starts here would have on average. */
export function expectedInHour(habit: Habit, hour: Micros): number {
  const local = zonedOf(hour, habit.zone)
  if (habit.onlyOn !== undefined && !habit.onlyOn.includes(local.day)) return 0
  const share = digit(habit.hours, local.hour) / digitSum(habit.hours)
  const usual = habit.perDay * share * (digit(habit.weekdays, local.dayOfWeek - 1) / 9)
  const { surge } = habit
  const surging =
    surge !== undefined && surge.days.includes(local.day) && local.hour >= surge.fromHour && local.hour < surge.toHour
  return surging ? usual * surge.times : usual
}

/** The number that the hour really has: a quarter more or less, and a whole number. */
export function drawnInHour(random: Random, expected: number): number {
  if (expected === 0) return 0
  const thousandths = Math.floor(expected * (750 + random.below(501)))
  return Math.floor((thousandths + random.below(1000)) / 1000)
}
