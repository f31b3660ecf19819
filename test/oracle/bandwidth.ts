import { calendarCycle, restOf, turnsPassed } from '../../src/core/cycle.ts'
import { dayMicros, parseMonth } from '../../src/core/time.ts'
import type { Micros } from '../../src/core/time.ts'
import { rateLine } from '../../src/price/rate/line.ts'
import { shareOf } from '../../src/price/rate/proration.ts'
import { moment, rounded } from '../support/oracle-cases.ts'
import type { OracleCase, Outcome, Translations } from '../support/oracle-cases.ts'
import { atTheDoor, defined, money, month, used } from '../support/oracle-rating.ts'
import { one } from '../../src/core/exact.ts'

/** What is committed is paid elsewhere; what is beyond it has its price. */
function overage({ input, expected }: OracleCase): Outcome {
  const { commit_mbps, overage_price_per_mbps, p95_mbps } = input
  const model = {
    kind: 'committed',
    quantity: String(commit_mbps),
    unit_amount: '0',
    overage_unit_amount: overage_price_per_mbps,
  }
  return { actual: atTheDoor({ model }, p95_mbps)?.exact_amount, expected: expected['overage_fee'] }
}

/** A level is not smaller in half a month: its price is cut, not the level. */
function proratedFee({ input, expected }: OracleCase): Outcome {
  const { peak_mbps, price_per_mbps_month, days_present, days_in_month } = input
  const days = (count: number) => ({ from: month.from, to: (month.from + count * dayMicros) as Micros })
  const share = shareOf(days(days_present), days(days_in_month))
  const price = defined({ meter: 'bandwidth', model: { kind: 'per_unit', unit_amount: price_per_mbps_month } })
  const line = rateLine(price, used(peak_mbps), { currency: 'USD', share, additive: false, traced: false, count: one })
  return { actual: money(line.amount), expected: expected['fee'] }
}

function factor({ input, expected }: OracleCase): Outcome {
  const parsed = parseMonth(input['month'], 'UTC')
  if (!parsed.ok) throw new Error(parsed.error)
  const rest = restOf(parsed.value, moment(input['effective_from']))
  const days = turnsPassed(rest, calendarCycle({ unit: 'days', count: 1, zone: 'UTC' }))
  return {
    actual: { effective_days: days, factor_8_decimals: rounded(shareOf(rest, parsed.value), 8) },
    expected,
  }
}

export const bandwidth: Translations = {
  commit_and_overage: overage,
  p95_prorated_fee: proratedFee,
  p95_effective_factor: factor,
}
