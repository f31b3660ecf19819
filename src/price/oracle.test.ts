import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { exact } from '../core/exact.ts'
import { usageKinds } from '../../test/support/aggregation-kinds.ts'
import { addMinor, formatMinor, isCurrency, roundToMinor } from '../core/money.ts'
import type { Currency } from '../core/money.ts'
import { parseRateRequest, rate } from './rate.ts'

/**
 * Cases from the test suites of other billing systems, run through the door of POST /v1/rate. A case that is
 * left out has a reason, and the last test lists how many have which.
 */
const folder = join(import.meta.dirname, '../../../shared/oracle')

type Json = Readonly<Record<string, any>> // oxlint-disable-line typescript/no-explicit-any -- five foreign formats

interface OracleCase {
  readonly id: string
  readonly kind: string
  readonly input: Json
  readonly expected: Json
}

/** What our code gives, and what the case expects; or the reason why it is left out. */
type Outcome = { readonly actual: unknown; readonly expected: unknown } | string

const later = {
  models: 'a model we do not have yet (volume, package, percentage, matrix, dynamic)',
  limits: 'minimum, maximum, discount or credits: their own issue',
  quantity: 'quantity rounding and packages of units: their own issue',
  usage: 'meters, not prices: run in src/meter/oracle.test.ts',
  periods: 'periods, proration, true-up and taxes: their own issue',
  progressive: 'several lines for one period: we price a period once, late usage is an adjustment',
  openEnd: 'other choice: the last tier has no end, a unit beyond all tiers would never be billed',
  negative: 'other choice: a price or a metered quantity is never negative, credits are documents of their own',
  currency: 'a currency that is not in the table',
} as const

function asText(value: unknown): string {
  return String(value)
}

function priced(model: object, quantity: unknown, currency = 'USD'): { exact: string; amount: string; error?: true } {
  const request = parseRateRequest({ currency, price: { model }, quantity: asText(quantity) })
  if (!request.ok) return { exact: '', amount: '', error: true }
  const [line] = rate(request.value).lines
  return { exact: line?.exact_amount ?? '', amount: line?.amount ?? '' }
}

/** `12.50` and `12.5` are the same amount. */
function plain(decimal: unknown): string {
  const text = asText(decimal)
  return text.includes('.') ? text.replace(/0+$/, '').replace(/\.$/, '') : text
}

const cents = (value: unknown): string => {
  const [whole = '', digits = ''] = asText(value).split('.')
  const text = whole.padStart(3, '0')
  return plain(`${text.slice(0, -2)}.${text.slice(-2)}${digits}`)
}

function openmeterModel(price: Json): object | undefined {
  switch (price['model']) {
    case 'unit':
      return { kind: 'per_unit', unit_amount: price['unit_amount'] }
    case 'flat':
      return { kind: 'flat', amount: price['amount'] }
    case 'graduated':
      return {
        kind: 'graduated',
        // Their first tier's flat amount is always charged.
        flat_at_zero: true,
        tiers: price['tiers'].map((tier: Json) => ({
          up_to: tier['up_to_inclusive'],
          unit_amount: tier['unit_amount'],
          flat_amount: tier['flat_amount'],
        })),
      }
    default:
      return undefined
  }
}

function openmeterLine({ input, expected }: OracleCase): Outcome {
  const price: Json = input['price']
  const model = openmeterModel(price)
  if (model === undefined) return later.models
  if (price['minimum_amount'] ?? price['maximum_amount'] ?? input['percentage_discount']) return later.limits
  if (input['credits_applied'] ?? input['usage_discount_quantity']) return later.limits
  if (input['unit_conversion'] !== undefined) return later.quantity
  if (input['quantity_before_line_in_service_period'] !== '0') return later.progressive
  if (price['payment_term'] === 'InAdvancePaymentTerm') return later.progressive
  return {
    actual: plain(priced(model, input['quantity_in_line_period'], input['currency']).amount),
    expected: expected['total'],
  }
}

/** Their integer ranges 0–10, 11–20 and their half-open ones 0–10, 10–20 both end where our tier does. */
const lagoTier = (range: Json): object => ({
  up_to: range['to_value'] === null ? null : asText(range['to_value']),
  unit_amount: range['per_unit_amount'],
  flat_amount: range['flat_amount'],
})

function lagoGraduated({ input, expected }: OracleCase): Outcome {
  const model = { kind: 'graduated', flat_at_zero: true, tiers: input['ranges'].map(lagoTier) }
  return { actual: priced(model, input['units']).exact, expected: plain(expected['amount']) }
}

/** One range of a price: units below and above it are free. */
function lagoRange({ input, expected }: OracleCase): Outcome {
  const { range } = input
  const isFirst = range['from_value'] === 0
  const below = input['adjacent_ranges'] === true ? asText(range['from_value']) : asText(range['from_value'] - 1)
  const tiers = [...(isFirst ? [] : [{ up_to: below, unit_amount: '0' }]), lagoTier(range), { unit_amount: '0' }]
  const model = { kind: 'graduated', flat_at_zero: true, tiers }
  return { actual: priced(model, input['total_units']).exact, expected: plain(expected['total_with_flat_amount']) }
}

function lagoStandard({ input, expected }: OracleCase): Outcome {
  const model = { kind: 'per_unit', unit_amount: input['amount'] }
  return { actual: priced(model, input['units']).exact, expected: expected['amount'] }
}

function polarUnit({ input, expected }: OracleCase): Outcome {
  if (input['cap_cents'] !== null) return later.limits
  const model = { kind: 'per_unit', unit_amount: cents(input['unit_amount_cents']) }
  return { actual: plain(priced(model, input['units']).amount), expected: cents(expected['amount_cents']) }
}

function polarGraduated({ input, expected }: OracleCase): Outcome {
  const tiers: Json[] = input['tiers']
  if (tiers.at(-1)?.['up_to_inclusive'] !== null) return later.openEnd
  const model = {
    kind: 'graduated',
    tiers: tiers.map((tier) => ({
      up_to: tier['up_to_inclusive'] === null ? null : asText(tier['up_to_inclusive']),
      unit_amount: cents(tier['unit_amount_cents']),
    })),
  }
  const answer = priced(model, input['units'])
  if (expected['error'] !== undefined) return { actual: answer.error, expected: true }
  return { actual: plain(answer.amount), expected: cents(expected['amount_cents']) }
}

function rounded(amount: unknown, currency: unknown): string | undefined {
  if (typeof currency !== 'string' || !isCurrency(currency)) return undefined
  return formatMinor(roundToMinor(exact(asText(amount)), currency), currency)
}

function roundCurrency({ input, expected }: OracleCase): Outcome {
  const actual = rounded(input['amount'], input['currency'])
  return actual === undefined ? later.currency : { actual, expected: expected['rounded'] }
}

function roundPolar({ input, expected }: OracleCase): Outcome {
  return { actual: rounded(input['value'], 'JPY'), expected: expected['rounded'] }
}

function sumOfRounded(amounts: readonly unknown[], currency: Currency): string {
  return formatMinor(addMinor(amounts.map((amount) => roundToMinor(exact(asText(amount)), currency))), currency)
}

function roundedLines({ input, expected }: OracleCase): Outcome {
  const { amounts } = input
  const list = Array.isArray(amounts) ? amounts : Array.from({ length: amounts['times'] }, () => amounts['amount'])
  return { actual: plain(sumOfRounded(list, input['currency'])), expected: plain(expected['subtotal']) }
}

function roundThenSum({ input, expected }: OracleCase): Outcome {
  return { actual: sumOfRounded(input['amounts'], input['currency']), expected: expected['round_then_sum'] }
}

function autumnGraduated({ input, expected }: OracleCase): Outcome {
  if (input['allow_negative'] === true) return later.negative
  if (input['billing_units'] !== 1) return later.quantity
  const tiers = input['tiers'].map((tier: Json) => ({
    up_to: tier['up_to_inclusive'] === null ? null : asText(tier['up_to_inclusive']),
    unit_amount: tier['amount_per_billing_unit'],
  }))
  return { actual: priced({ kind: 'graduated', tiers }, input['usage']).exact, expected: expected['amount'] }
}

function flexpriceGraduated({ input, expected }: OracleCase): Outcome {
  const tiers = input['tiers'].map((tier: Json) => ({
    up_to: tier['up_to_inclusive'] ?? tier['up_to'],
    unit_amount: tier['unit_amount'],
    flat_amount: tier['flat_amount'],
  }))
  return {
    actual: priced({ kind: 'graduated', tiers }, input['quantity'], input['currency']).exact,
    expected: plain(expected['amount']),
  }
}

function flexpriceUnit({ input, expected }: OracleCase): Outcome {
  const model = { kind: 'per_unit', unit_amount: input['unit_amount'] }
  return {
    actual: plain(priced(model, input['quantity'], input['currency']).amount),
    expected: plain(expected['amount']),
  }
}

type Treatment = ((oracleCase: OracleCase) => Outcome) | string

/** For each file what is done with each kind of case; `other` is the reason for all the kinds not named. */
const treatments: Readonly<Record<string, Readonly<Record<string, Treatment>> & { readonly other: string }>> = {
  openmeter_rating: { rate_one_line: openmeterLine, other: later.progressive },
  lago: {
    graduated: lagoGraduated,
    graduated_one_range: lagoRange,
    standard: lagoStandard,
    round_units: later.quantity,
    package: later.models,
    volume: later.models,
    percentage: later.models,
    graduated_percentage: later.models,
    graduated_percentage_one_range: later.models,
    dynamic_sum_of_event_amounts: later.models,
    credit_note_rounding: later.limits,
    credit_note_total_fix: later.limits,
    wallet_drawdown: later.limits,
    progressive_billing: later.progressive,
    other: later.periods,
  },
  polar: {
    unit_price_cents_with_cap: polarUnit,
    graduated: polarGraduated,
    round_half_away_from_zero: roundPolar,
    volume: later.models,
    other: later.periods,
  },
  autumn_tiers: { graduated: autumnGraduated, other: later.models },
  flexprice_prices_discounts_credits: {
    graduated: flexpriceGraduated,
    per_unit_rounded: flexpriceUnit,
    round_currency: roundCurrency,
    sum_of_rounded_lines: roundedLines,
    package: later.models,
    volume: later.models,
    price_each_bucket_then_sum: later.models,
    price_each_group_then_sum: later.models,
    percentage_discount: later.limits,
    fixed_discount: later.limits,
    commitment_true_up: later.limits,
    windowed_commitment: later.limits,
    invoice_discounts_then_credits: later.limits,
    wallets_pay_line: later.limits,
    other: later.periods,
  },
  flexprice_dates_proration_rounding: { round_currency: roundCurrency, round_sum: roundThenSum, other: later.periods },
  killbill: {
    consumable_tiered_blocks: later.quantity,
    consumable_tiered_blocks_two_units: later.quantity,
    capacity_tier: later.models,
    consumable_rerate_after_partial_bill: later.progressive,
    other: later.periods,
  },
  meteroid_periods_proration: { other: later.periods },
  openmeter_credits_and_usage: { other: later.limits },
  bandwidth_percentile_definitions: { commit_and_overage: later.limits, other: later.periods },
}

function casesOf(file: string): readonly OracleCase[] {
  const text = readFileSync(join(folder, `${file}.json`), 'utf8')
  return (JSON.parse(text) as { cases: OracleCase[] }).cases
}

function outcome(file: string, oracleCase: OracleCase): Outcome {
  if (usageKinds[file]?.includes(oracleCase.kind)) return later.usage
  const treatment = treatments[file]?.[oracleCase.kind] ?? treatments[file]?.other ?? 'a file without a treatment'
  return typeof treatment === 'string' ? treatment : treatment(oracleCase)
}

if (!existsSync(folder)) console.warn('skipped: the oracle cases are not beside this checkout')

describe.skipIf(!existsSync(folder))('cases of other billing systems', () => {
  const all = existsSync(folder)
    ? Object.keys(treatments).flatMap((file) => casesOf(file).map((item) => ({ item, result: outcome(file, item) })))
    : []

  const run = all.flatMap(({ item, result }) => (typeof result === 'string' ? [] : [{ id: item.id, ...result }]))
  test.each(run)('$id', ({ actual, expected }) => {
    expect(expected).toBeDefined()
    expect(actual).toEqual(expected)
  })

  test('those left out, by reason', () => {
    const reasons = all.flatMap(({ result }) => (typeof result === 'string' ? [result] : []))
    const counts = Object.fromEntries(
      Object.entries(later).map(([name, reason]) => [name, reasons.filter((one) => one === reason).length]),
    )
    expect(counts).toEqual({
      models: 78,
      limits: 78,
      quantity: 20,
      usage: 121,
      periods: 294,
      progressive: 41,
      openEnd: 1,
      negative: 1,
      currency: 1,
    })
    expect(run.length + reasons.length).toBe(all.length)
  })
})
