/** Gathers the days that a forecast goes by. */
import { Refusal } from '../core/errors.ts'
import { divide, exact, zero } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import { windowStarts, zonedOf } from '../core/time.ts'
import type { Micros, Period } from '../core/time.ts'
import { digitsOf, forecastOf, limits } from '../meter/forecast.ts'
import type { ComingDay, Forecast, PastDay } from '../meter/forecast.ts'
import { limits as usageLimits } from '../meter/usage.ts'
import type { ReadUsage, UsageQuestion } from '../meter/usage.ts'
import { whyNotAdditive } from '../store/measure/measure.ts'

function micros(zoned: Temporal.ZonedDateTime): Micros {
  return Number(zoned.epochNanoseconds / 1000n) as Micros
}

function dayOf(instant: Micros, zone: string): Period {
  const start = zonedOf(instant, zone).startOfDay()
  return { from: micros(start), to: micros(start.add({ days: 1 }).startOfDay()) }
}

function weekdayOf(instant: Micros, zone: string): number {
  return zonedOf(instant, zone).dayOfWeek
}

/** The rest of today and the days after it, up to the period's end. */
function comingDays({ period, zone }: Pick<UsageQuestion, 'period' | 'zone'>, now: Micros): readonly ComingDay[] {
  const rest = { from: Math.max(now, period.from) as Micros, to: period.to }
  const starts = windowStarts(rest, 'day', zone, usageLimits.windowsMax)
  if (!starts.ok) throw new Refusal('QUERY_TOO_LARGE', starts.error)
  return starts.value.map((from, index): ComingDay => {
    const day = dayOf(from, zone)
    const to = starts.value[index + 1] ?? period.to
    return {
      weekday: weekdayOf(from, zone),
      share: divide(exact(BigInt(to - from)), exact(BigInt(day.to - day.from))),
    }
  })
}

export interface Forecasted {
  readonly forecast: Forecast | null
  /** Decimals of the estimate. */
  readonly digits: number
  /** The whole days that it goes by. */
  readonly basis: Period
}

/**
 * What the period will come to. Refuses for measures that do not add up: what they will be is no sum of days.
 * A period that is over has no forecast.
 */
export async function forecastUsage(
  read: ReadUsage,
  question: UsageQuestion,
  { now, counted }: { readonly now: Micros; readonly counted: Exact | null },
): Promise<Forecasted | null> {
  const { period, zone, meter } = question
  const why = whyNotAdditive(meter.aggregation)
  if (why !== null) throw new Refusal('METER_NOT_ADDITIVE', `meter ${meter.key} has no forecast: ${why}`)
  if (now >= period.to) return null
  const today = dayOf(now, zone).from
  const first = micros(zonedOf(today, zone).subtract({ days: limits.daysMax }).startOfDay())
  const basis = { from: Math.max(0, first) as Micros, to: today }
  const { rows } = await read({ ...question, period: basis, window: 'day', groupBy: [] })
  const past = rows.map((row): PastDay => ({ weekday: weekdayOf(row.from, zone), quantity: row.quantity ?? zero }))
  const forecast = forecastOf({ counted: counted ?? zero, past, coming: comingDays(question, now) })
  const days = forecast === null ? [] : rows.slice(-forecast.days)
  return { forecast, digits: digitsOf(past), basis: { from: days[0]?.from ?? basis.from, to: basis.to } }
}
