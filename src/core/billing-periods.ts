import { cyclePeriod, cycleStart, cycleTurn } from './cycle.ts'
import type { Cycle } from './cycle.ts'
import { zonedOf } from './time.ts'
import type { Micros, Period } from './time.ts'

/** Something that is billed by the period of a cycle, from one instant to another; null: until further notice. */
export interface Billing {
  readonly start: Micros
  readonly end: Micros | null
  readonly cycle: Cycle
}

/** A period to bill, and the whole one that it is (a part of): its share of that is its share of a fee. */
export interface BillingPeriod extends Period {
  readonly whole: Period
}

function isSameDay(one: Micros, other: Micros, zone: string): boolean {
  return zonedOf(one, zone).toPlainDate().equals(zonedOf(other, zone).toPlainDate())
}

/**
 * The first period lasts until the cycle begins anew: a part of a period where the start is not where one begins. A part
 * of less than the day on which the cycle begins is no period of its own: nobody wants a bill for two hours.
 */
function firstPeriod({ start, cycle }: Billing): BillingPeriod {
  const next = cycleTurn(start, cycle) + 1
  const turn = isSameDay(start, cycleStart(cycle, next), cycle.zone) ? next + 1 : next
  const to = cycleStart(cycle, turn)
  return { from: start, to, whole: { from: Math.min(start, cycleStart(cycle, turn - 1)) as Micros, to } }
}

function cut(period: BillingPeriod, end: Micros | null): BillingPeriod {
  return end === null || end >= period.to ? period : { ...period, to: end }
}

function after(period: Period, { cycle }: Billing): BillingPeriod {
  const whole = cyclePeriod(period.to, cycle)
  return { ...whole, whole }
}

/** The periods, one after the other; without an end they never stop. */
export function* billingPeriods(billing: Billing): Generator<BillingPeriod, void, void> {
  const { start, end } = billing
  if (end !== null && end <= start) return
  let period: BillingPeriod | null = firstPeriod(billing)
  while (period !== null) {
    yield cut(period, end)
    period = end !== null && period.to >= end ? null : after(period, billing)
  }
}

/** The periods that have begun by an instant: what is billed in advance. */
export function periodsBegun(billing: Billing, by: Micros): readonly BillingPeriod[] {
  const begun: BillingPeriod[] = []
  for (const period of billingPeriods(billing)) {
    if (period.from > by) break
    begun.push(period)
  }
  return begun
}

/** The periods that are over by an instant: what is billed in arrears. */
export function periodsEnded(billing: Billing, by: Micros): readonly BillingPeriod[] {
  return periodsBegun(billing, by).filter(({ to }) => to <= by)
}

/** The period that contains an instant; null before the start and from the end on. */
export function billingPeriodAt(billing: Billing, instant: Micros): BillingPeriod | null {
  const { start, end, cycle } = billing
  if (instant < start || (end !== null && instant >= end)) return null
  const first = firstPeriod(billing)
  if (instant < first.to) return cut(first, end)
  const whole = cyclePeriod(instant, cycle)
  return cut({ ...whole, whole }, end)
}

/** The period that was the last one to end by an instant; null when none has. */
export function lastEndedPeriod(billing: Billing, by: Micros): BillingPeriod | null {
  const { end } = billing
  const last = Math.min(by, end ?? by) - 1
  const period = billingPeriodAt(billing, last as Micros)
  if (period === null || period.to <= by) return period
  return billingPeriodAt(billing, (period.from - 1) as Micros)
}
