import { billingPeriodAt, billingPeriods, lastEndedPeriod } from '../../src/core/billing-periods.ts'
import { calendarCycle, cyclePeriod, restOf, turnsPassed } from '../../src/core/cycle.ts'
import type { Cycle } from '../../src/core/cycle.ts'
import { exact, multiply } from '../../src/core/exact.ts'
import { addMinor, formatMinor, roundToMinor } from '../../src/core/money.ts'
import { dayMicros, formatInstant, zonedOf } from '../../src/core/time.ts'
import type { Micros } from '../../src/core/time.ts'
import type { PriceKey } from '../../src/price/price-key.ts'
import { shareOf } from '../../src/price/rate/proration.ts'
import { totalsOf } from '../../src/price/rate/totals.ts'
import { moment, plain, rounded, whole } from '../support/oracle-cases.ts'
import type { Json, OracleCase, Outcome, Translations } from '../support/oracle-cases.ts'
import { currencyOf, feeOf, money, negative } from '../support/oracle-rating.ts'

const units: Readonly<Record<string, Pick<Cycle, 'unit' | 'count'>>> = {
  day: { unit: 'days', count: 1 },
  daily: { unit: 'days', count: 1 },
  week: { unit: 'weeks', count: 1 },
  weekly: { unit: 'weeks', count: 1 },
  month: { unit: 'months', count: 1 },
  monthly: { unit: 'months', count: 1 },
  quarter: { unit: 'months', count: 3 },
  half_year: { unit: 'months', count: 6 },
  year: { unit: 'years', count: 1 },
  annual: { unit: 'years', count: 1 },
}

function everyOf(interval: string): Pick<Cycle, 'unit' | 'count'> {
  const every = units[interval.replace('billing_period_', '')]
  if (every === undefined) throw new Error(interval)
  return every
}

const sameInstant = (text: unknown): string => formatInstant(moment(text))

/** The next start of the calendar's cycle. */
function boundaryAfter(instant: Micros, interval: string, zone: string): Micros {
  return cyclePeriod(instant, calendarCycle({ ...everyOf(interval), zone })).to
}

function anchorOf(anchor: string, interval: string): Micros {
  const [, after] = /^next calendar boundary \(UTC\) after (.*)$/.exec(anchor) ?? []
  return after === undefined ? moment(anchor) : boundaryAfter(moment(after), interval, 'UTC')
}

/** Of several intervals at a time, theirs begin where the current period does, at the day and time of the anchor. */
function cycleOf({ anchor, interval, unit, timezone, current_period_start }: Json): Cycle {
  const every = everyOf(interval)
  const zone = timezone ?? 'UTC'
  const single: Cycle = { ...every, anchor: anchorOf(anchor, interval), zone }
  const start = moment(current_period_start)
  const { day } = zonedOf(single.anchor, zone)
  const counted = { ...single, count: every.count * Number(unit) }
  const isTurn = cyclePeriod(start, { ...single, count: 1 }).from === start
  if (!isTurn) return counted
  return every.unit === 'months' || every.unit === 'years'
    ? { ...counted, anchor: start, day }
    : { ...counted, anchor: start }
}

function nextBilling({ input, expected }: OracleCase): Outcome {
  const start = moment(input['current_period_start'])
  const end = input['subscription_end'] === undefined ? null : moment(input['subscription_end'])
  const period = billingPeriodAt({ start, end, cycle: cycleOf(input) }, start)
  return { actual: period && formatInstant(period.to), expected: sameInstant(expected['next']) }
}

/** Their times say the offset, not the zone. */
const zones: Readonly<Record<string, string>> = {
  '+00:00': 'UTC',
  '+05:30': 'Asia/Kolkata',
  '-07:00': 'America/Los_Angeles',
}

/** Usage starts anew at midnight: their anchor counts as a date. */
function usageReset({ input, expected }: OracleCase): Outcome {
  const { currentTime, subscriptionStart, subscriptionEnd, billingAnchor, reset_period, timezone } = input
  const zone = timezone ?? zones[String(currentTime).slice(-6)]
  const days = calendarCycle({ unit: 'days', count: 1, zone })
  const anchor = cyclePeriod(moment(billingAnchor), days).from
  const cycle = { ...everyOf(reset_period), anchor, zone }
  const end = subscriptionEnd === undefined ? null : moment(subscriptionEnd)
  const billing = { start: moment(subscriptionStart), end, cycle }
  const now = moment(currentTime)
  const period = billingPeriodAt(billing, now) ?? lastEndedPeriod(billing, now)
  return { actual: period && formatInstant(period.to), expected: sameInstant(expected['reset_at']) }
}

function calendarAnchor({ input, expected }: OracleCase): Outcome {
  const actual = formatInstant(boundaryAfter(moment(input['start']), input['interval'], 'UTC'))
  return { actual, expected: sameInstant(expected['anchor']) }
}

function periods({ input, expected }: OracleCase): Outcome {
  const { initialPeriodStart, endDate, anchor, periodCount, billingPeriod, timezone } = input
  const every = everyOf(billingPeriod)
  const zone = timezone === '' ? 'UTC' : timezone
  const isCalendar = typeof anchor !== 'string'
  const from = isCalendar ? boundaryAfter(moment(anchor['calendar_anchor_of']), billingPeriod, zone) : moment(anchor)
  const cycle = { ...every, count: every.count * Number(periodCount), anchor: from, zone }
  const all = [...billingPeriods({ start: moment(initialPeriodStart), end: moment(endDate), cycle })]
  return {
    actual: [String(all.length), ...all.slice(0, 2).map(({ to }) => formatInstant(to))],
    expected: [
      expected['wantPeriodCount'],
      sameInstant(expected['wantFirstPeriodEnd']),
      sameInstant(expected['wantSecondPeriodEnd']),
    ],
  }
}

function advanceDays({ input, expected }: OracleCase): Outcome {
  const anchor = moment(input['in'])
  const cycle = { anchor, unit: 'days', count: Number(input['n']), zone: input['tz'] } as const
  return { actual: formatInstant(cyclePeriod(anchor, cycle).to), expected: sameInstant(expected['want']) }
}

function calendarDays({ input, expected }: OracleCase): Outcome {
  const days = calendarCycle({ unit: 'days', count: 1, zone: input['timezone'] })
  const passed = turnsPassed({ from: moment(input['start']), to: moment(input['end']) }, days)
  return { actual: String(passed), expected: expected['days'] }
}

/** Their last day is in the period: 31 days from the 1st to the 31st. */
export function changeByDay({ input, expected }: OracleCase): Outcome {
  const whole = { from: moment(input['period_start']), to: (moment(input['period_end']) + dayMicros) as Micros }
  const part = restOf(whole, moment(input['change_at']))
  const credit = negative(feeOf({ amount: input['old_total'], part, whole }).amount)
  const charge = feeOf({ amount: input['new_total'], part, whole }).amount
  const actual = { credit: money(credit), charge: money(charge), net: money(addMinor([credit, charge])) }
  return {
    actual,
    expected: { credit: plain(expected['credit']), charge: plain(expected['charge']), net: plain(expected['net']) },
  }
}

const key = 'paid' as PriceKey

/** What was paid can be given back once: fixed amounts off what is left, in their order. */
function capCredit({ input, expected }: OracleCase): Outcome {
  const off = (amount: string) => ({
    coupon: 'credit',
    version: 1,
    discount: { kind: 'fixed', name: 'Credit', amount: exact(amount) } as const,
    of: 'all' as const,
  })
  const { discounts } = totalsOf([{ price: key, meter: null, amount: roundToMinor(exact(input['paid']), 'USD') }], {
    currency: 'USD',
    discounts: [off(input['credited_before']), off(input['potential'])],
    credits: [],
    taxes: [],
    at: moment('2026-01-01'),
  })
  return { actual: money(discounts[1]?.taken ?? addMinor([])), expected: expected['credit'] }
}

function proratedGrant({ input, expected }: OracleCase): Outcome {
  const period = { from: moment(input['period_start']), to: moment(input['period_end']) }
  const share = shareOf(restOf(period, moment(input['from'])), period)
  // Their credits have eight decimals.
  return { actual: rounded(multiply(whole(input['credits']), share), 8), expected: expected['credits'] }
}

export function roundCurrency({ input, expected }: OracleCase): Outcome {
  const currency = currencyOf(input['currency'])
  return {
    actual: formatMinor(roundToMinor(exact(input['amount']), currency), currency),
    expected: expected['rounded'],
  }
}

function roundSum({ input, expected }: OracleCase): Outcome {
  const currency = currencyOf(input['currency'])
  const amounts: string[] = input['amounts']
  const roundThenSum = addMinor(amounts.map((amount) => roundToMinor(exact(amount), currency)))
  return { actual: formatMinor(roundThenSum, currency), expected: expected['round_then_sum'] }
}

export const flexpriceDates: Translations = {
  next_billing_date: nextBilling,
  next_usage_reset: usageReset,
  calendar_anchor: calendarAnchor,
  billing_periods_timezone: periods,
  advance_days_timezone: advanceDays,
  calendar_days: calendarDays,
  mid_period_change: changeByDay,
  cap_credit: capCredit,
  prorated_credit_grant: proratedGrant,
  round_currency: roundCurrency,
  round_sum: roundSum,
}
