import { compare, formatExact, sum, zero } from '../core/exact.ts'
import { assert } from '../core/result.ts'
import { formatInstant } from '../core/time.ts'
import type { Period } from '../core/time.ts'
import type { UsageAnswer } from '../meter/usage.ts'
import type { SplitPrice } from '../price/contract/contract-parts.ts'
import { whyNotAdditive } from '../store/measure/measure.ts'
import type { MeterUsage, PartUsage } from './collect-usage.ts'
import { partName } from './usage-wanted.ts'

/** Whether answers add up to another one, quantities and events without a value alike. */
function checkSum(parts: readonly UsageAnswer[], whole: UsageAnswer, about: string): void {
  const [added, total] = [sum(parts.map(({ total: one }) => one ?? zero)), whole.total ?? zero]
  assert(compare(added, total) === 0, `${about} (${formatExact(added)}) add up to the whole (${formatExact(total)})`)
  const missing = parts.reduce((all, { eventsWithoutValue }) => all + eventsWithoutValue, 0n)
  assert(missing === whole.eventsWithoutValue, `${about} have as many events without value as the whole`)
}

function addedUp({ rows }: UsageAnswer): UsageAnswer {
  return {
    rows,
    total: sum(rows.map(({ quantity }) => quantity ?? zero)),
    eventsWithoutValue: rows.reduce((all, { eventsWithoutValue }) => all + eventsWithoutValue, 0n),
  }
}

function crossfootPart(key: string, { part, whole, windows, groups }: PartUsage): void {
  const about = `of ${key} from ${formatInstant(part.from)} to ${formatInstant(part.to)}`
  for (const [window, answer] of windows) checkSum([addedUp(answer)], whole, `the ${window}s ${about}`)
  for (const [dimensions, answer] of groups) checkSum([addedUp(answer)], whole, `the groups ${dimensions} ${about}`)
}

const length = ({ from, to }: Period): number => to - from

/** The parts of each price that holds in all of the period but its gaps. */
function fullPrices(prices: readonly SplitPrice[], whole: Period, gaps: readonly Period[]): readonly SplitPrice[][] {
  const wanted = length(whole) - gaps.reduce((all, gap) => all + length(gap), 0)
  return [...Map.groupBy(prices, ({ price }) => price.key).values()].filter(
    (parts) => parts.reduce((all, { part }) => all + length(part), 0) === wanted,
  )
}

/**
 * Along the row and down the column: days, windows and groups give the same quantity as their part, and parts the same
 * as the whole period, to the last digit. What does not add up by its nature is left alone.
 */
export function crossfoot(usage: MeterUsage, prices: readonly SplitPrice[], period: Period): void {
  const { meter, whole, parts, gaps } = usage
  if (whyNotAdditive(meter.aggregation) !== null || whole === null) return
  for (const part of parts.values()) crossfootPart(meter.key, part)
  const mine = prices.filter(({ price }) => price.meter === meter.key)
  for (const full of fullPrices(mine, period, gaps)) {
    const answers = full.flatMap(({ part }) => parts.get(partName(part))?.whole ?? [])
    checkSum([...answers, ...gaps.map((gap) => gap.usage)], whole, `the parts of ${meter.key}`)
  }
}
