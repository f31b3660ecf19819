import { exact } from '../../src/core/exact.ts'
import { addMinor, formatMinor, roundToMinor } from '../../src/core/money.ts'
import type { Currency, Minor } from '../../src/core/money.ts'
import type { Micros } from '../../src/core/time.ts'
import { restOf } from '../../src/core/cycle.ts'
import type { AvailableCredit, GrantId } from '../../src/price/credit/grant.ts'
import { readDiscount } from '../../src/price/rate/discount.ts'
import type { Discount } from '../../src/price/rate/discount.ts'
import { documentOf } from '../../src/price/place.ts'
import type { PriceKey } from '../../src/price/price-key.ts'
import { totalsOf } from '../../src/price/rate/totals.ts'
import type { InvoiceDiscount, Totals, TotalsLine } from '../../src/price/rate/totals.ts'
import { moment, plain } from '../support/oracle-cases.ts'
import type { Json, OracleCase, Outcome, Translations } from '../support/oracle-cases.ts'
import {
  atTheDoor,
  currencyOf,
  defined,
  feeOf,
  lineOf,
  linesOf,
  meter,
  money,
  month,
  totalOf,
  used,
  usedByGroup,
  usedByWindow,
  wholePart,
} from '../support/oracle-rating.ts'
import { changeByDay, roundCurrency } from './flexprice-dates.ts'

function tierOf({ up_to_inclusive, up_to, unit_amount, flat_amount }: Json): object {
  return { up_to: up_to_inclusive ?? up_to, unit_amount, flat_amount }
}

function modelOf(price: Json): object {
  const { package_size, package_amount, round, unit_amount } = price
  switch (price['model']) {
    case 'per_unit':
      return { kind: 'per_unit', unit_amount }
    case 'package':
      return { kind: 'package', size: package_size, package_amount, round }
    default:
      return { kind: price['model'], tiers: price['tiers'].map(tierOf) }
  }
}

function graduated({ input, expected }: OracleCase): Outcome {
  const model = modelOf({ ...input, model: 'graduated' })
  const line = atTheDoor({ model }, input['quantity'], input['currency'])
  return { actual: line?.exact_amount, expected: plain(expected['amount']) }
}

/** The whole quantity at the price of the tier that they name. */
function volume({ input, expected }: OracleCase): Outcome {
  const model = modelOf({ ...input, model: 'volume' })
  const line = atTheDoor({ model }, input['quantity'], input['currency'])
  return {
    actual: [line?.exact_amount, line?.unit_amount],
    expected: [expected['amount'], input['tiers'][expected['tier_index']]['unit_amount']],
  }
}

function packages({ input, expected }: OracleCase): Outcome {
  const model = modelOf({ ...input, model: 'package' })
  return {
    actual: atTheDoor({ model }, input['quantity'], input['currency'])?.exact_amount,
    expected: expected['amount'],
  }
}

function perUnit({ input, expected }: OracleCase): Outcome {
  const model = { kind: 'per_unit', unit_amount: input['unit_amount'] }
  const line = atTheDoor({ model }, input['quantity'], input['currency'])
  return { actual: plain(line?.amount), expected: plain(expected['amount']) }
}

function eachBucket({ input, expected }: OracleCase): Outcome {
  const price = { model: modelOf(input['price']), each: { window: 'hour' } }
  const line = lineOf(price, usedByWindow(input['bucket_values']), currencyOf(input['currency']))
  return { actual: money(line.amount, currencyOf(input['currency'])), expected: expected['amount'] }
}

function eachGroup({ input, expected }: OracleCase): Outcome {
  const price = { model: modelOf(input['price']), each: { group_by: ['dimension'] } }
  const line = lineOf(price, usedByGroup(input['group_values']), currencyOf(input['currency']))
  return { actual: money(line.amount, currencyOf(input['currency'])), expected: expected['amount'] }
}

/** So much money for each window is so many units at their price, and the overage factor is in the price beyond. */
function windowedCommitment({ input, expected }: OracleCase): Outcome {
  const { commitment_per_window, overage_factor, unit_amount, windows } = input
  const model = {
    kind: 'committed',
    quantity: String(Number(commitment_per_window) / Number(unit_amount)),
    unit_amount,
    overage_unit_amount: String(Number(unit_amount) * Number(overage_factor)),
  }
  const usage = usedByWindow(windows.map(({ quantity }: Json) => quantity))
  return { actual: money(lineOf({ model, each: { window: 'hour' } }, usage).amount), expected: expected['total'] }
}

function sumOfRounded({ input, expected }: OracleCase): Outcome {
  const { amounts } = input
  const currency = currencyOf(input['currency'])
  const list: string[] = Array.isArray(amounts)
    ? amounts
    : Array.from({ length: amounts['times'] }, () => amounts['amount'])
  const sum = addMinor(list.map((amount) => roundToMinor(exact(amount), currency)))
  return { actual: plain(formatMinor(sum, currency)), expected: plain(expected['subtotal']) }
}

/** A commitment over the line: what is missing to it is a line of its own. */
function trueUp({ input, expected }: OracleCase): Outcome {
  const currency = currencyOf(input['currency'])
  const price = defined({ model: { kind: 'per_unit', unit_amount: '1' } }, 'usage')
  const commitment = defined(
    { model: { kind: 'commitment', amount: input['commitment'], of: ['usage'] } },
    'commitment',
  )
  const parts = [wholePart(price, used(input['used_unrounded'])), wholePart(commitment, used('0'))]
  const lines = linesOf(parts, currency).filter(({ line }) => line.kind === 'true_up')
  return {
    actual: totalOf(
      lines.map(({ line }) => line),
      currency,
    ),
    expected: plain(expected['true_up']),
  }
}

function discountOf(terms: object): Discount {
  const place = documentOf(terms)
  const discount = readDiscount(place)
  if (place.problems.length > 0) throw new Error(JSON.stringify(place.problems))
  return discount
}

const coupon = (terms: object): InvoiceDiscount => {
  return { coupon: 'coupon', version: 1, discount: discountOf(terms), of: 'all' }
}

interface Asked {
  readonly currency: Currency
  readonly discounts?: readonly InvoiceDiscount[]
  readonly credits?: readonly AvailableCredit[]
  readonly tax?: string
}

function totals(lines: readonly TotalsLine[], { currency, discounts = [], credits = [], tax }: Asked): Totals {
  const taxes = tax === undefined ? [] : [{ key: 'tax', name: 'Tax', percent: exact(tax) }]
  return totalsOf(lines, { currency, discounts, credits, taxes, at: month.to })
}

const key = 'price' as PriceKey
const usage = meter('usage')

const oneLine = (amount: string, currency: Currency): TotalsLine[] => [
  { price: key, meter: usage, amount: roundToMinor(exact(amount), currency) },
]

function discount({ input, expected }: OracleCase): Outcome {
  const currency = currencyOf(input['currency'])
  const { price, percent_off, amount_off } = input
  const terms = percent_off === undefined ? { amount: amount_off } : { percent: percent_off }
  const { discounts, total } = totals(oneLine(price, currency), { currency, discounts: [coupon(terms)] })
  const actual = {
    discount: totalOf(
      discounts.map(({ taken }) => ({ amount: taken })),
      currency,
    ),
    final: money(total, currency),
  }
  const { discount: wanted, final } = expected
  return final === undefined
    ? { actual: actual.discount, expected: wanted }
    : { actual, expected: { discount: plain(wanted), final: plain(final) } }
}

function tax({ input, expected }: OracleCase): Outcome {
  const currency = currencyOf(input['currency'])
  const found = totals(oneLine(input['taxable'], currency), { currency, tax: input['rate_percent'] })
  return { actual: totalOf(found.taxes, currency), expected: plain(expected['tax']) }
}

function taxAfterDiscount({ input, expected }: OracleCase): Outcome {
  const currency = currencyOf(input['currency'])
  const discounts = [coupon({ amount: input['discount'] })]
  const found = totals(oneLine(input['subtotal'], currency), { currency, discounts, tax: input['rate_percent'] })
  return {
    actual: { tax: totalOf(found.taxes, currency), total: money(found.total, currency) },
    expected: { tax: plain(expected['tax']), total: plain(expected['total']) },
  }
}

/** Their prepaid credits pay usage only: a scope. */
function walletOf(balance: string, id: string, index: number): AvailableCredit {
  return {
    id: id as GrantId,
    kind: 'prepaid',
    name: id,
    currency: 'USD',
    priority: 1,
    scope: { meters: [usage] },
    effectiveFrom: month.from,
    expiresAt: null,
    createdAt: (month.from + index) as Micros,
    balance: roundToMinor(exact(balance), 'USD'),
  }
}

const paidBy = (burns: Totals['prepaid']): Minor => addMinor(burns.map(({ amount }) => amount))

/** Each line rated with its own discounts, then the invoice's. */
function invoice({ input, expected }: OracleCase): Outcome {
  const lines = (input['lines'] as readonly Json[]).map(({ amount, type }, index) => {
    const own = (input['line_discounts'] as readonly Json[]).filter(({ line }) => line === index)
    const discounts = own.map(({ percent, amount: off }) => (percent === undefined ? { amount: off } : { percent }))
    const model = type === 'fixed' ? { kind: 'flat', amount } : { kind: 'per_unit', unit_amount: amount }
    const measured = type === 'fixed' ? {} : { meter: usage }
    const price = { ...measured, model }
    const discounted = discounts.length === 0 ? price : { ...price, discounts }
    return { before: lineOf(price, used('1')), line: lineOf(discounted, used('1')) }
  })
  const credits = (input['prepaid_wallets_in_order'] as readonly string[]).map((balance, index) =>
    walletOf(balance, `wallet_${index}`, index),
  )
  const discounts = input['invoice_discounts'].map(coupon)
  const found = totals(
    lines.map(({ line: { price, meter: of, amount } }) => ({ price, meter: of, amount })),
    { currency: 'USD', discounts, credits },
  )
  const subtotal = addMinor(lines.map(({ before }) => before.amount))
  const taken = addMinor(found.discounts.map((one) => one.taken))
  const actual = {
    subtotal: money(subtotal),
    discount: money((subtotal - found.subtotal + taken) as Minor),
    credits_applied: money(paidBy(found.prepaid)),
    total: money(found.due),
  }
  return { actual, expected }
}

function wallets({ input, expected }: OracleCase): Outcome {
  const { line_net_after_discounts, line_type, wallets_in_order } = input
  const amount = roundToMinor(exact(line_net_after_discounts), 'USD')
  const line = { price: key, meter: line_type === 'usage' ? usage : null, amount }
  const credits = wallets_in_order.map(({ id, balance }: Json, index: number) => walletOf(balance, id, index))
  const { prepaid } = totals([line], { currency: 'USD', credits })
  const debits = Object.fromEntries(prepaid.map(({ grant, amount: paid }) => [grant, money(paid)]))
  return { actual: { applied: money(paidBy(prepaid)), debits }, expected }
}

function restFee({ price, period_start, period_end, effective_at }: Json): Minor {
  const whole = { from: moment(period_start), to: moment(period_end) }
  return feeOf({ amount: price, part: restOf(whole, moment(effective_at)), whole }).amount
}

function addItem({ input, expected }: OracleCase): Outcome {
  return { actual: money(restFee(input)), expected: plain(expected['charge']) }
}

function removeItem({ input, expected }: OracleCase): Outcome {
  return { actual: { credit: money(restFee(input)), charge: '0' }, expected }
}

export const flexpricePrices: Translations = {
  graduated,
  volume,
  package: packages,
  per_unit_rounded: perUnit,
  price_each_bucket_then_sum: eachBucket,
  price_each_group_then_sum: eachGroup,
  windowed_commitment: windowedCommitment,
  round_currency: roundCurrency,
  sum_of_rounded_lines: sumOfRounded,
  commitment_true_up: trueUp,
  percentage_discount: discount,
  fixed_discount: discount,
  percentage_tax: tax,
  tax_after_discount: taxAfterDiscount,
  invoice_discounts_then_credits: invoice,
  wallets_pay_line: wallets,
  add_item_mid_period: addItem,
  remove_item_mid_period: removeItem,
  mid_period_change: changeByDay,
}
