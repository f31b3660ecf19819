import { addMinor, roundToMinor } from '../../src/core/money.ts'
import type { Micros } from '../../src/core/time.ts'
import type { AvailableCredit, GrantId } from '../../src/price/credit/grant.ts'
import { parsePrice } from '../../src/price/price.ts'
import { difference, progress } from '../../src/price/rate/progressive.ts'
import type { BilledLine, RunLine } from '../../src/price/rate/progressive.ts'
import type { PartLine } from '../../src/price/rate/rate-lines.ts'
import { totalsOf } from '../../src/price/rate/totals.ts'
import { whole } from '../support/oracle-cases.ts'
import type { Json, OracleCase, Outcome, Translations } from '../support/oracle-cases.ts'
import {
  billedBy,
  currencyOf,
  defined,
  firstRun,
  interimLinesOf,
  linesOf,
  month,
  totalOf,
  used,
  wholePart,
} from '../support/oracle-rating.ts'

/**
 * Their lines are one for each tier and each discount, ours one for each price with its trace: what is compared is what
 * each run bills, in total and for each period.
 */
function tiersOf(tiers: readonly Json[]): readonly object[] {
  return tiers.map(({ up_to_inclusive, unit_amount, flat_amount }) => ({
    up_to: up_to_inclusive,
    unit_amount: unit_amount ?? '0',
    flat_amount: flat_amount ?? '0',
  }))
}

function modelOf(price: Json): object {
  switch (price['model']) {
    case 'unit':
      return { kind: 'per_unit', unit_amount: price['unit_amount'] }
    case 'dynamic':
      // The sum of what the events cost is the quantity.
      return { kind: 'per_unit', unit_amount: price['multiplier'] }
    case 'flat':
      return { kind: 'flat', amount: price['amount'] }
    case 'package':
      return { kind: 'package', size: price['package_size'], package_amount: price['package_amount'] }
    default:
      // Their first tier's flat amount is always charged.
      return { kind: price['model'], flat_at_zero: true, tiers: tiersOf(price['tiers']) }
  }
}

const roundings: Readonly<Record<string, string>> = { ceiling: 'up', floor: 'down', half_up: 'half_away' }

/** An `enabled` that is false is a field that we do not know. */
export function unitOf({ factor, rounding, enabled }: Json): object {
  const unit = { name: 'units', per: factor, rounding: { mode: roundings[rounding] } }
  return enabled === false ? { ...unit, enabled } : unit
}

function priceOf(input: Json): object {
  const { price, percentage_discount, usage_discount_quantity, unit_conversion } = input
  return {
    model: modelOf(price),
    ...(price['maximum_amount'] === undefined ? {} : { maximum: price['maximum_amount'] }),
    ...(price['minimum_amount'] === undefined ? {} : { minimum: price['minimum_amount'] }),
    ...(percentage_discount === undefined ? {} : { discounts: [{ percent: percentage_discount }] }),
    ...(usage_discount_quantity === undefined ? {} : { usage_discount: { quantity: usage_discount_quantity } }),
    ...(unit_conversion === undefined ? {} : { unit: unitOf(unit_conversion) }),
  }
}

type At = (quantity: string, isFinal?: boolean) => readonly PartLine[]

function ratedAt(input: Json): At {
  const price = defined(priceOf(input))
  const currency = currencyOf(input['currency'])
  return (quantity, isFinal = true) =>
    (isFinal ? linesOf : interimLinesOf)([wholePart(price, used(quantity))], currency)
}

function creditOf({ name, amount }: Json, index: number): AvailableCredit {
  return {
    id: name as GrantId,
    kind: 'promotional',
    name,
    currency: 'USD',
    priority: 1,
    scope: 'all',
    effectiveFrom: month.from,
    expiresAt: null,
    createdAt: (month.from + index) as Micros,
    balance: roundToMinor(whole(amount), 'USD'),
  }
}

/** What each credit paid, over all lines. */
function afterCredits({ input, expected }: OracleCase, lines: readonly RunLine[]): Outcome {
  const credits = input['credits_applied'].map(creditOf)
  const payable = lines.map(({ price, amount }) => ({ price, meter: null, amount }))
  const totals = totalsOf(payable, { currency: 'USD', discounts: [], credits, taxes: [], at: month.to })
  const paid: Record<string, string> = {}
  for (const { grant, amount } of totals.promotional) paid[grant] = totalOf([{ amount }])
  const wanted: Record<string, number> = {}
  for (const line of expected['lines'] ?? [])
    for (const { name, amount } of line['credits_applied'] ?? []) wanted[name] = (wanted[name] ?? 0) + Number(amount)
  const left =
    addMinor(credits.map(({ balance }: AvailableCredit) => balance)) -
    addMinor(totals.promotional.map(({ amount }) => amount))
  if (expected['error'] !== undefined) return { actual: left > 0n ? 'not consumed' : 'consumed', expected: 'refused' }
  return {
    actual: [totalOf([{ amount: totals.due }]), paid],
    expected: [expected['total'], Object.fromEntries(Object.entries(wanted).map(([name, sum]) => [name, String(sum)]))],
  }
}

/** One line of a period: the whole so far, less what the lines before it billed. A fee in advance was billed by them. */
function oneLine(oracleCase: OracleCase): Outcome {
  const { input, expected } = oracleCase
  const { quantity_before_line_in_service_period: before, quantity_in_line_period: now, price, line_position } = input
  if (input['unit_conversion']?.['enabled'] === false)
    return { actual: parsePrice(priceOf(input), 'rated alone').ok, expected: expected['error'] === undefined }
  const rated = ratedAt(input)
  const isBilled = before !== '0' || price['payment_term'] === 'InAdvancePaymentTerm'
  const billed = isBilled ? firstRun(rated(before, false)) : []
  const isFinal = line_position !== 'middle_progressive_line'
  const lines = progress({ whole: rated(String(Number(before) + Number(now)), isFinal), billed, isFinal })
  if (input['credits_applied'] !== undefined) return afterCredits(oracleCase, lines)
  // What was billed before is said where a maximum needs it.
  const isSaid = isBilled && price['maximum_amount'] !== undefined
  return {
    actual: [totalOf(lines), ...(isSaid ? [totalOf(billed)] : [])],
    expected: [expected['total'], ...(isSaid ? [input['previously_billed_amount']] : [])],
  }
}

function cumulative({ input, expected }: OracleCase): Outcome {
  const rated = ratedAt(input)
  const quantities: string[] = input['cumulative_quantity_per_run']
  const billed: BilledLine[] = []
  const deltas = quantities.map((quantity, index) => {
    const isFinal = index === quantities.length - 1
    const run = progress({ whole: rated(quantity, isFinal), billed, isFinal })
    billed.push(...billedBy(run))
    return totalOf(run)
  })
  return {
    actual: [deltas, totalOf(billed)],
    expected: [expected['runs'].map((run: Json) => run['delta_total']), expected['final_total']],
  }
}

function subtracted({ input, expected }: OracleCase): Outcome {
  const rated = ratedAt(input)
  const billed = firstRun(rated(input['previous_cumulative_quantity'], false))
  const run = progress({ whole: rated(input['new_cumulative_quantity']), billed, isFinal: true })
  return { actual: totalOf(run), expected: expected['delta_total'] }
}

/** What a period costs is the whole at its end, less the whole at its beginning. */
function costByPeriod(rated: At, ends: readonly string[]): readonly (readonly BilledLine[])[] {
  return ends.map((end, index) => {
    const before = ends[index - 1]
    const billed = before === undefined ? [] : firstRun(rated(before, false))
    return billedBy(progress({ whole: rated(end, false), billed, isFinal: false }))
  })
}

/**
 * A late event changes the whole at the end of an older period, and so what that period costs: the difference to what
 * was billed for it is its correction.
 */
function late({ input, expected }: OracleCase): Outcome {
  const rated = ratedAt(input)
  const billed: BilledLine[][] = []
  const runs = (input['runs'] as readonly Json[]).map((run) => {
    const ends: string[] = run['cumulative_quantity_by_period_end_as_seen_in_this_run']
    const corrections = costByPeriod(rated, ends).map((owed, index) => {
      const before = (billed[index] ??= [])
      const lines = difference(owed, before)
      before.push(...lines)
      return lines
    })
    const byPeriod = corrections.map((lines, index) => [`period${index + 1}`, totalOf(lines)])
    return [Object.fromEntries(byPeriod.filter(([, total]) => total !== '0')), totalOf(corrections.flat())]
  })
  return { actual: runs, expected: expected['runs'].map(wantedRun) }
}

function wantedRun({ lines, delta_total }: Json): unknown {
  const sums: Record<string, number> = {}
  for (const { service_period, total } of lines) sums[service_period] = (sums[service_period] ?? 0) + Number(total)
  const wanted = Object.entries(sums).filter(([, total]) => total !== 0)
  return [Object.fromEntries(wanted.map(([period, total]) => [period, String(total)])), delta_total]
}

export const openmeterRating: Translations = {
  rate_one_line: oneLine,
  delta_rerate_cumulative: cumulative,
  subtract_rated_runs: subtracted,
  late_event_rerate_period_preserving: late,
}
