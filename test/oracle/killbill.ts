import { billingPeriodAt, billingPeriods, periodsBegun, periodsEnded } from '../../src/core/billing-periods.ts'
import { cycleOnDay } from '../../src/core/cycle.ts'
import type { Cycle } from '../../src/core/cycle.ts'
import { sum } from '../../src/core/exact.ts'
import { formatInstant } from '../../src/core/time.ts'
import { progress } from '../../src/price/rate/progressive.ts'
import { shareOf } from '../../src/price/rate/proration.ts'
import type { PricedPart } from '../../src/price/rate/rate-lines.ts'
import { moment, plain, rounded } from '../support/oracle-cases.ts'
import type { Json, OracleCase, Outcome, Translations } from '../support/oracle-cases.ts'
import {
  billedBy,
  defined,
  feeOf,
  firstRun,
  linesOf,
  money,
  totalOf,
  used,
  wholePart,
} from '../support/oracle-rating.ts'

const intervals: Readonly<Record<string, Pick<Cycle, 'unit' | 'count'>>> = {
  monthly: { unit: 'months', count: 1 },
  quarterly: { unit: 'months', count: 3 },
  annual: { unit: 'years', count: 1 },
}

function billingOf({ interval, start, end_exclusive, bill_cycle_day }: Json) {
  const every = intervals[interval]
  if (every === undefined) throw new Error(interval)
  const from = moment(start)
  return {
    start: from,
    end: end_exclusive === null ? null : moment(end_exclusive),
    cycle: cycleOnDay({ from, day: bill_cycle_day }, { ...every, zone: 'UTC' }),
  }
}

/** All periods that begin by the target are billed; a part of a period counts as its share. */
function cycles({ input, expected }: OracleCase): Outcome {
  const periods = periodsBegun(billingOf(input), moment(input['target_date_inclusive']))
  const shares = periods.map((period) => shareOf(period, period.whole))
  return { actual: rounded(sum(shares), 9), expected: expected['number_of_cycles'] }
}

function arrears({ input, expected }: OracleCase): Outcome {
  const periods = periodsEnded(billingOf(input), moment(input['target_date']))
  const items = periods.map(({ from, to }) => ({
    from: formatInstant(from).slice(0, 10),
    to_exclusive: formatInstant(to).slice(0, 10),
  }))
  return { actual: items, expected: expected['items'] }
}

const free = { unit_amount: '0' }

/**
 * Blocks of another size in each tier: a price for each tier, in blocks of its size, with the tiers below and above it
 * free. All tiers: graduated; only the top one: volume.
 */
function tierPrices(name: string, { policy, tiers }: { policy: string; tiers: readonly Json[] }, units: unknown) {
  let bound = 0
  return tiers.map((tier, index): PricedPart => {
    const { block_size, max_blocks, price_per_block } = tier
    const below = bound / block_size
    const isLast = index === tiers.length - 1
    bound += block_size * (max_blocks ?? 0)
    const model = {
      kind: policy === 'ALL_TIERS' ? 'graduated' : 'volume',
      tiers: [
        ...(below === 0 ? [] : [{ up_to: String(below), ...free }]),
        { up_to: isLast ? null : String(bound / block_size), unit_amount: price_per_block },
        ...(isLast ? [] : [free]),
      ],
    }
    const unit = { name: 'blocks', per: String(block_size), rounding: { mode: 'up' } }
    return wholePart(defined({ unit, model }, `${name}_${index}`), used(units))
  })
}

function blocks({ input, expected }: OracleCase): Outcome {
  const lines = linesOf(tierPrices('unit', input as never, input['units'])).map(({ line }) => line)
  const byTier = lines.map(({ amount }) => money(amount))
  return {
    actual: [totalOf(lines), ...(expected['amounts_by_tier'] === undefined ? [] : byTier.filter((one) => one !== '0'))],
    expected: [plain(expected['amount']), ...(expected['amounts_by_tier'] ?? [])],
  }
}

function partsOf({ policy, tiers }: Json, units: Json): readonly PricedPart[] {
  return Object.keys(tiers).flatMap((name) => tierPrices(name, { policy, tiers: tiers[name] }, units[name]))
}

function twoUnits({ input, expected }: OracleCase): Outcome {
  const lines = linesOf(partsOf(input, input['units'])).map(({ line }) => line)
  return { actual: totalOf(lines), expected: expected['amount'] }
}

function partlyBilled({ input, expected }: OracleCase): Outcome {
  const before = firstRun(linesOf(partsOf(input, input['already_billed']['units'])))
  const lines = progress({ whole: linesOf(partsOf(input, input['units'])), billed: before, isFinal: true })
  const parts = Object.fromEntries(
    Object.keys(input['tiers']).map((name) => {
      const own = lines.filter(({ price }) => price.startsWith(name))
      return [name, own.map(({ amount }) => money(amount)).filter((amount) => amount !== '0')]
    }),
  )
  const wanted = Object.entries(expected['new_parts'] as Readonly<Record<string, string[]>>)
  return {
    actual: [totalOf(before), totalOf(billedBy(lines)), parts],
    expected: [
      plain(input['already_billed']['amount']),
      plain(expected['new_amount']),
      Object.fromEntries(wanted.map(([name, amounts]) => [name, amounts.map(plain).filter((one) => one !== '0')])),
    ],
  }
}

/** Nothing is missing where the whole was billed before. */
function missing({ input, expected }: OracleCase): Outcome {
  const [{ units, already_billed }] = input['periods']
  const whole = linesOf(tierPrices('unit', input as never, units[0]))
  const billed = firstRun(whole)
  const lines = progress({ whole, billed, isFinal: true })
  return {
    actual: [totalOf(billed), lines.map(({ amount }) => money(amount))],
    expected: [plain(already_billed), expected['new_amounts']],
  }
}

/** The old plan until the change: a part of its year. */
function repair({ input, expected }: OracleCase): Outcome {
  const [{ from, to_exclusive, amount }] = input['items']
  const cycle = { anchor: moment(from), unit: 'years', count: 1, zone: 'UTC' } as const
  const billing = { start: moment(from), end: moment(input['repair']['from']), cycle }
  const kept = billingPeriodAt(billing, moment(from))
  if (kept === null) throw new Error('no period')
  const line = feeOf({ amount, part: kept, whole: kept.whole })
  const wanted = expected['first_item_kept']
  return {
    actual: [formatInstant(kept.to).slice(0, 10), formatInstant(kept.whole.to).slice(0, 10), money(line.amount)],
    expected: [wanted['to_exclusive'], to_exclusive, plain(wanted['amount'])],
  }
}

/** The periods of the new cycle day, each as a line; what was billed before is subtracted line by line. */
function movedDay({ input, expected }: OracleCase): Outcome {
  const [{ from }] = input['should_be']
  const cycle = cycleOnDay({ from: moment(from), day: 20 }, { unit: 'months', count: 1, zone: 'UTC' })
  const end = moment(input['should_be'].at(-1)['to_exclusive'])
  const items = [...billingPeriods({ start: moment(from), end, cycle })].map((period) => ({
    from: formatInstant(period.from).slice(0, 10),
    to_exclusive: formatInstant(period.to).slice(0, 10),
    amount: money(feeOf({ amount: input['monthly_rate'], part: period, whole: period.whole }).amount),
  }))
  return { actual: items.slice(-2), expected: expected['new_items'] }
}

export const killbill: Translations = {
  number_of_cycles_in_advance: cycles,
  arrears_items: arrears,
  consumable_tiered_blocks: blocks,
  consumable_tiered_blocks_two_units: twoUnits,
  consumable_rerate_after_partial_bill: partlyBilled,
  consumable_missing_items: missing,
  plan_change_repair: repair,
  rerun_with_moved_cycle_day: movedDay,
}
