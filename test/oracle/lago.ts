import { billingPeriodAt, lastEndedPeriod } from '../../src/core/billing-periods.ts'
import { calendarCycle } from '../../src/core/cycle.ts'
import type { Cycle } from '../../src/core/cycle.ts'
import { add, divide, exact, larger, multiply, sum, zero } from '../../src/core/exact.ts'
import type { Exact } from '../../src/core/exact.ts'
import { addMinor } from '../../src/core/money.ts'
import type { Minor } from '../../src/core/money.ts'
import { dayMicros, formatInstant, secondMicros, zonedOf } from '../../src/core/time.ts'
import type { Micros, Period } from '../../src/core/time.ts'
import { rateLine } from '../../src/price/rate/line.ts'
import { shareOf } from '../../src/price/rate/proration.ts'
import { usageOf } from '../../src/price/rate/slice.ts'
import { fromCents, moment, plain, rounded, whole } from '../support/oracle-cases.ts'
import type { Json, OracleCase, Outcome, Translations } from '../support/oracle-cases.ts'
import { atTheDoor, between, defined, feeOf, lineOf, linesOf, used, wholePart } from '../support/oracle-rating.ts'
import { lagoMoney } from './lago-money.ts'

/** Their integer ranges 0–10, 11–20 and their half-open ones 0–10, 10–20 both end where our tier does. */
function tierOf({ to_value, per_unit_amount, rate_percent, flat_amount }: Json): object {
  return {
    up_to: to_value === null ? null : String(to_value),
    ...(rate_percent === undefined ? { unit_amount: per_unit_amount } : { percent: rate_percent }),
    flat_amount,
  }
}

/** Their first range's flat amount is always charged. */
const tiered =
  (kind: string) =>
  ({ input, expected }: OracleCase): Outcome => {
    const model = { kind, flat_at_zero: true, tiers: input['ranges'].map(tierOf) }
    return { actual: atTheDoor({ model }, input['units'])?.exact_amount, expected: plain(expected['amount']) }
  }

/** One range of a price: units below and above it are free. */
const oneRange =
  (kind: string, free: object) =>
  ({ input, expected }: OracleCase): Outcome => {
    const { range, adjacent_ranges } = input
    const isFirst = range['from_value'] === 0
    const below = String(range['from_value'] - (adjacent_ranges === true ? 0 : 1))
    const tiers = [...(isFirst ? [] : [{ up_to: below, ...free }]), tierOf(range), { ...free }]
    const model = { kind, flat_at_zero: true, tiers }
    return {
      actual: atTheDoor({ model }, input['total_units'])?.exact_amount,
      expected: plain(expected['total_with_flat_amount']),
    }
  }

function standard({ input, expected }: OracleCase): Outcome {
  const model = { kind: 'per_unit', unit_amount: input['amount'] }
  return { actual: atTheDoor({ model }, input['units'])?.exact_amount, expected: expected['amount'] }
}

function packages({ input, expected }: OracleCase): Outcome {
  const { amount, package_size, free_units, units } = input
  const model = { kind: 'package', size: String(package_size), package_amount: amount }
  const line = atTheDoor({ model, included: String(free_units) }, units)
  return {
    actual: [line?.exact_amount, line?.billable_quantity],
    expected: [expected['amount'], expected['paid_units']],
  }
}

/** The sum of what the events cost is the quantity: one of it costs one. */
function dynamic({ input, expected }: OracleCase): Outcome {
  const line = atTheDoor(
    { model: { kind: 'per_unit', unit_amount: '1' } },
    fromCents(input['precise_total_amount_cents']),
  )
  return { actual: line?.exact_amount, expected: expected['amount'] }
}

/** The single events, as far as a case tells: from running totals, or in equal parts. */
function valuesOf({ units, events_count, event_values, running_total_of_free_candidates }: Json): readonly Exact[] {
  if (event_values !== undefined) return event_values.map(whole)
  const running: Exact[] = running_total_of_free_candidates.map(whole)
  if (running.length === 0) return Array.from({ length: events_count }, () => divide(whole(units), whole(events_count)))
  return [...running, whole(units)].map((total, index) => between(total, running[index - 1] ?? zero))
}

function percentage({ input, expected }: OracleCase): Outcome {
  const { rate_percent, fixed_amount_per_event, free_units_per_events, units } = input
  const [least, most] = [input['per_transaction_min_amount'], input['per_transaction_max_amount']]
  const values = units === '0' ? Array.from({ length: input['events_count'] }, () => zero) : valuesOf(input)
  const model = {
    kind: 'percentage',
    percent: rate_percent,
    event_amount: fixed_amount_per_event,
    free_events: free_units_per_events ?? 0,
    ...(least === undefined ? {} : { minimum_each: least }),
    ...(most === undefined ? {} : { maximum_each: most }),
  }
  const included = input['free_units_per_total_aggregation'] ?? '0'
  const line = lineOf({ included, model }, { ...usageOf(sum(values)), values })
  return { actual: rounded(line.exactAmount, 18), expected: expected['amount'] }
}

/** One of the priced unit costs one, so that the amount is the rounded quantity. */
function roundUnits({ input, expected }: OracleCase): Outcome {
  const { units, precision } = input
  const modes: Readonly<Record<string, string>> = { round: 'half_away', ceil: 'up', floor: 'down' }
  const mode = modes[input['function']]
  const digits = precision ?? 0
  const per = String(10 ** Math.max(-digits, 0))
  const rounding = mode === undefined ? {} : { rounding: { mode, decimals: Math.max(digits, 0) } }
  const unit = { name: 'units', per, ...rounding }
  const line = atTheDoor({ unit, model: { kind: 'per_unit', unit_amount: per } }, units)
  return { actual: line?.exact_amount, expected: expected['units'] }
}

const unitsOnly = (range: Json): object => ({ ...tierOf(range), flat_amount: '0' })
const flatOnly = (range: Json): object => ({ ...tierOf(range), unit_amount: '0' })

function shareLine(model: object, quantity: Exact, share: Exact): Exact {
  const price = defined({ model, proration: 'amounts' })
  const context = { currency: 'USD', share, additive: true, traced: false, count: exact('1') } as const
  return rateLine(price, usageOf(quantity), context).exactAmount
}

/**
 * Seats that come and go: between two changes so many are there, each priced for its share of the period. What it costs
 * to enter a range is for the whole period, so it is a price of its own, of the most that there were.
 */
function proratedGraduated({ input, expected }: OracleCase): Outcome {
  const changes: Exact[] = input['event_full_units'].map(whole)
  const shares = changes.map((change, index) => divide(whole(input['event_prorated_units'][index]), change))
  const levels = changes.map((_, index) => changes.slice(0, index + 1).reduce(add, zero))
  const model = { kind: 'graduated', tiers: input['ranges'].map(unitsOnly) }
  const amounts = levels.map((level, index) =>
    shareLine(model, level, between(shares[index] ?? zero, shares[index + 1] ?? zero)),
  )
  const most = levels.reduce(larger, zero)
  const flat = { kind: 'graduated', flat_at_zero: true, tiers: input['ranges'].map(flatOnly) }
  const entered = shareLine(flat, most, exact('1'))
  return { actual: rounded(add(sum(amounts), entered), 2), expected: expected['amount_rounded_2'] }
}

/** The tier is that of all units, and what a unit costs is for its share of the period. */
function volumeProrated({ input, expected }: OracleCase): Outcome {
  const [prorated, full] = [whole(input['prorated_units']), whole(input['full_units'])]
  const units = shareLine({ kind: 'volume', tiers: input['ranges'].map(unitsOnly) }, full, divide(prorated, full))
  const flat = shareLine({ kind: 'volume', tiers: input['ranges'].map(flatOnly) }, full, exact('1'))
  return { actual: rounded(add(units, flat), 18), expected: expected['amount'] }
}

function days(count: number): Period {
  const from = moment('2022-03-01')
  return { from, to: (from + count * dayMicros) as Micros }
}

/** Their amounts are floats of 16 digits. */
function planFee({ input, expected }: OracleCase): Outcome {
  const { plan_amount_cents, billed_days, period_days } = input
  const line = feeOf({ amount: fromCents(plan_amount_cents), part: days(billed_days), whole: days(period_days) })
  return {
    actual: [Number(line.amount), rounded(multiply(line.exactAmount, exact('100')), 12)],
    expected: [expected['amount_cents'], rounded(whole(expected['precise_amount_cents']), 12)],
  }
}

function coefficient({ input, expected }: OracleCase): Outcome {
  const part = { from: moment(input['from']), to: (moment(input['to']) + dayMicros) as Micros }
  const from = moment(`${String(input['from']).slice(0, 8)}01`)
  const period = { from, to: (from + input['period_days'] * dayMicros) as Micros }
  return { actual: rounded(shareOf(part, period), 16), expected: expected['coefficient'] }
}

function missingTo(minimum: Json, rate: string): Minor {
  const { min_amount_cents, used_amount_cents } = minimum
  const price = defined({ model: { kind: 'per_unit', unit_amount: '1' }, minimum: fromCents(min_amount_cents) })
  const pricingUnit = { key: 'token', name: 'tokens', rate: exact(rate) }
  const lines = linesOf([wholePart({ ...price, pricingUnit }, used(fromCents(used_amount_cents)))])
  return addMinor(lines.filter(({ line }) => line.kind === 'true_up').map(({ line }) => line.amount))
}

/** Amounts in a pricing unit, and what one of it is worth; where there is none, one is one. */
function minimum({ input, expected }: OracleCase): Outcome {
  const { true_up_cents, true_up_pricing_units_cents } = expected
  const rate = input['pricing_unit_conversion_rate']
  const inUnits = true_up_pricing_units_cents === undefined ? [] : [Number(missingTo(input, '1'))]
  return {
    actual: [Number(missingTo(input, rate ?? '1')), ...inUnits],
    expected: [true_up_cents ?? 0, ...(inUnits.length === 0 ? [] : [true_up_pricing_units_cents])],
  }
}

const everyMonth = { unit: 'months', count: 1 } as const

/** Their subscriptions begin with a day of the zone, and their periods end with the last second. */
function boundaries({ input, expected }: OracleCase): Outcome {
  const { billing, subscription_at, billing_at, in_advance, timezone: zone, started_at, terminated_at } = input
  const cycle: Cycle =
    billing === 'calendar'
      ? calendarCycle({ ...everyMonth, zone })
      : { anchor: moment(subscription_at, zone), ...everyMonth, zone }
  const day = started_at === undefined ? subscription_at : zonedOf(moment(started_at), zone).toPlainDate().toString()
  const end = terminated_at === undefined ? null : moment(terminated_at)
  const contract = { start: moment(day, zone), end, cycle }
  const at = moment(billing_at)
  const period = in_advance === true ? billingPeriodAt(contract, at) : lastEndedPeriod(contract, at)
  const { from, to } = period ?? { from: 0 as Micros, to: secondMicros as Micros }
  const actual = { from: formatInstant(from), to: formatInstant((to - secondMicros) as Micros) }
  return {
    actual: Object.fromEntries(Object.entries(actual).filter(([name]) => expected[name] !== undefined)),
    expected,
  }
}

export const lago: Translations = {
  graduated: tiered('graduated'),
  graduated_one_range: oneRange('graduated', { unit_amount: '0' }),
  graduated_percentage: tiered('graduated_percentage'),
  graduated_percentage_one_range: oneRange('graduated_percentage', { percent: '0' }),
  volume: tiered('volume'),
  standard,
  package: packages,
  dynamic_sum_of_event_amounts: dynamic,
  percentage,
  round_units: roundUnits,
  prorated_graduated: proratedGraduated,
  volume_prorated: volumeProrated,
  plan_fee_proration: planFee,
  proration_coefficient: coefficient,
  minimum_true_up: minimum,
  period_boundaries_monthly: boundaries,
  ...lagoMoney,
}
