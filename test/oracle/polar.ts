import { cyclePeriod, restOf } from '../../src/core/cycle.ts'
import { exact } from '../../src/core/exact.ts'
import { formatMinor, roundToMinor } from '../../src/core/money.ts'
import { fromCents, moment, plain } from '../support/oracle-cases.ts'
import type { Json, OracleCase, Outcome, Translations } from '../support/oracle-cases.ts'
import { atTheDoor, feeOf } from '../support/oracle-rating.ts'

function unit({ input, expected }: OracleCase): Outcome {
  const { cap_cents, unit_amount_cents, units } = input
  const price = {
    model: { kind: 'per_unit', unit_amount: fromCents(unit_amount_cents) },
    ...(cap_cents === null ? {} : { maximum: fromCents(cap_cents) }),
  }
  return { actual: plain(atTheDoor(price, units)?.amount), expected: fromCents(expected['amount_cents']) }
}

const tiered =
  (kind: string) =>
  ({ input, expected }: OracleCase): Outcome => {
    const tiers = (input['tiers'] as readonly Json[]).map(({ up_to_inclusive, unit_amount_cents }) => ({
      up_to: up_to_inclusive === null ? null : String(up_to_inclusive),
      unit_amount: fromCents(unit_amount_cents),
    }))
    const line = atTheDoor({ model: { kind, tiers } }, input['units'])
    if (expected['error'] !== undefined) return { actual: line, expected: null }
    return { actual: plain(line?.amount), expected: fromCents(expected['amount_cents']) }
  }

/** Towards a whole number: yen have no decimals. */
function round({ input, expected }: OracleCase): Outcome {
  return {
    actual: formatMinor(roundToMinor(exact(String(input['value'])), 'JPY'), 'JPY'),
    expected: expected['rounded'],
  }
}

/** The rest of the old period is given back; a new interval begins a new period. */
function change({ input, expected }: OracleCase): Outcome {
  const { old, new: next, cycle_start, change_at } = input
  const at = moment(change_at)
  const unitOf = ({ interval }: Json) => (interval === 'year' ? 'years' : 'months')
  const whole = cyclePeriod(at, { anchor: moment(cycle_start), unit: unitOf(old), count: 1, zone: 'UTC' })
  const part = restOf(whole, at)
  const amount = fromCents(next['cents'])
  const fresh = cyclePeriod(at, { anchor: at, unit: unitOf(next), count: 1, zone: 'UTC' })
  const isSame = old['interval'] === next['interval']
  const debit = isSame ? feeOf({ amount, part, whole }) : feeOf({ amount, part: fresh, whole: fresh })
  const credit = feeOf({ amount: fromCents(old['cents']), part, whole })
  return { actual: { credit_cents: Number(credit.amount), debit_cents: Number(debit.amount) }, expected }
}

export const polar: Translations = {
  unit_price_cents_with_cap: unit,
  graduated: tiered('graduated'),
  volume: tiered('volume'),
  round_half_away_from_zero: round,
  mid_period_change: change,
}
