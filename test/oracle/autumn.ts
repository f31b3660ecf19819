import { divide } from '../../src/core/exact.ts'
import { formatExact } from '../../src/core/exact.ts'
import { progress } from '../../src/price/rate/progressive.ts'
import { plain, rounded, whole } from '../support/oracle-cases.ts'
import type { Json, OracleCase, Outcome, Translations } from '../support/oracle-cases.ts'
import { defined, firstRun, lineOf, linesOf, totalOf, used, wholePart } from '../support/oracle-rating.ts'

/** Their bounds are in single units, ours in priced ones: what is begun of the billing units counts. */
function priceOf(kind: string, { tiers, billing_units, free_allowance }: Json): object {
  const inUnits = (value: unknown): string => formatExact(divide(whole(value), whole(billing_units)))
  return {
    unit: { name: 'units', per: String(billing_units), rounding: { mode: 'up' } },
    included: inUnits(free_allowance),
    model: {
      kind,
      tiers: tiers.map(({ up_to_inclusive, amount_per_billing_unit }: Json) => ({
        up_to: up_to_inclusive === null ? null : inUnits(up_to_inclusive),
        unit_amount: amount_per_billing_unit,
      })),
    },
  }
}

/** Usage that was given back after it was billed: a run of the period in which the whole has fallen to nothing. */
function givenBack(price: object, usage: string): string {
  const at = (quantity: string) => linesOf([wholePart(defined(price), used(quantity))])
  return totalOf(progress({ whole: at('0'), billed: firstRun(at(usage.slice(1))), isFinal: true }))
}

const tiered =
  (kind: string) =>
  ({ input, expected }: OracleCase): Outcome => {
    const price = priceOf(kind, input)
    const usage = String(input['usage'])
    if (usage.startsWith('-') && input['allow_negative'] === true)
      return { actual: givenBack(price, usage), expected: plain(expected['amount']) }
    return { actual: rounded(lineOf(price, used(usage)).exactAmount, 18), expected: plain(expected['amount']) }
  }

export const autumn: Translations = { graduated: tiered('graduated'), volume: tiered('volume') }
