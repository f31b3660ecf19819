import { calendarMonth, formatInstant, hourMicros, zonedOf } from '../../core/time.ts'
import type { Micros, Period } from '../../core/time.ts'
import type { Currency } from '../../core/money.ts'
import { sampleAccounts, sampleMove } from './accounts.ts'
import { habits } from './habits.ts'
import type { Habit } from './habit.ts'
import { samplePlans } from './plans.ts'
import type { SamplePlan } from './plans.ts'

/** The seed of the sample that `npm start` makes. */
export const sampleSeed = 20_260_801

export interface SampleCompany {
  readonly name: string
  readonly seed: number
  /** The previous calendar month, so that it can be invoiced, and the current one up to the last full hour. */
  readonly period: Period
  readonly accounts: readonly {
    readonly key: string
    readonly name: string
    readonly timeZone: string
    readonly currency: Currency
  }[]
  /** Who owns an endpoint from when on; a later row for the same endpoint ends the earlier one. */
  readonly endpoints: readonly Ownership[]
  /** As `parsePlan` reads them. */
  readonly plans: readonly (SamplePlan & { readonly effective_from: string })[]
  readonly subscriptions: readonly { readonly account: string; readonly plan: string; readonly from: Micros }[]
  /** What goes on, and from when: nothing happens before the month begins where the habit is at home. */
  readonly habits: readonly { readonly habit: Habit; readonly from: Micros }[]
}

export interface Ownership {
  readonly endpoint: string
  readonly account: string
  readonly from: Micros
}

/** The first instant of the calendar month before the one that contains `now`, where the zone's clocks are. */
export function previousMonthStart(now: Micros, zone: string): Micros {
  return calendarMonth((calendarMonth(now, zone).from - 1) as Micros, zone).from
}

function moveOf(now: Micros): Ownership {
  const { endpoint, to, timeZone, day, hour } = sampleMove
  const noon = zonedOf(previousMonthStart(now, timeZone), timeZone).with({ day, hour })
  return { endpoint, account: to, from: Number(noon.epochNanoseconds / 1000n) as Micros }
}

function earliest(instants: readonly Micros[]): Micros {
  return instants.reduce((first, instant) => (instant < first ? instant : first))
}

/** The sample edge company as it stands at `now`: data, made of nothing but `now` and the seed. */
export function sampleCompany(now: Micros, seed: number): SampleCompany {
  const living = habits.map((habit) => ({ habit, from: previousMonthStart(now, habit.zone) }))
  const owned = sampleAccounts.flatMap(({ key, timeZone, endpoints }) =>
    endpoints.map((endpoint) => ({ endpoint, account: key, from: previousMonthStart(now, timeZone) })),
  )
  const begin = earliest([...living, ...owned].map(({ from }) => from))
  return {
    name: 'Northlight Edge',
    seed,
    period: { from: begin, to: (now - (now % hourMicros)) as Micros },
    accounts: sampleAccounts.map(({ key, name, timeZone, currency }) => ({ key, name, timeZone, currency })),
    endpoints: [...owned, moveOf(now)],
    plans: samplePlans.map((plan) => ({ ...plan, effective_from: formatInstant(begin) })),
    subscriptions: sampleAccounts.map(({ key, plan, timeZone }) => ({
      account: key,
      plan,
      from: previousMonthStart(now, timeZone),
    })),
    habits: living,
  }
}
