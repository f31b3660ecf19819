import { divide, formatExact, hundred, multiply } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import type { MeterKey } from '../../core/ids.ts'
import { addMinor, formatMinor, minorAmount, roundToMinor } from '../../core/money.ts'
import type { Currency, Minor } from '../../core/money.ts'
import { assert } from '../../core/result.ts'
import type { Micros } from '../../core/time.ts'
import { burnCredits } from '../credit/burn.ts'
import type { AvailableCredit, Burn, CreditKind } from '../credit/grant.ts'
import type { Discount } from './discount.ts'
import type { Lines } from '../model/over-lines.ts'
import type { PriceKey } from '../price-key.ts'
import { spread } from './spread.ts'

/** A coupon as it applies to an invoice: off these prices' lines; `all` is every line, surcharges among them. */
export interface InvoiceDiscount {
  /** The coupon's key and version. */
  readonly coupon: string
  readonly version: number
  readonly discount: Discount
  readonly of: Lines
}

/** A tax on what is left after discounts and promotional credits. */
export interface Tax {
  readonly key: string
  readonly name: string
  readonly percent: Exact
}

/** What totals need of a line. */
export interface TotalsLine {
  readonly price: PriceKey
  readonly meter: MeterKey | null
  readonly amount: Minor
}

export interface TotalsInput {
  readonly currency: Currency
  /** In the order in which they are taken. */
  readonly discounts: readonly InvoiceDiscount[]
  /** What the account has; those of other currencies pay nothing here. */
  readonly credits: readonly AvailableCredit[]
  readonly taxes: readonly Tax[]
  /** When credits are taken: those that have expired by then, or are not in effect yet, pay nothing. */
  readonly at: Micros
}

export interface TakenDiscount {
  readonly discount: InvoiceDiscount
  /** What was left of the lines in its scope. */
  readonly base: Minor
  readonly taken: Minor
}

/** What a credit paid of a line, under the name that the customer knows it by. */
export interface CreditPayment extends Burn {
  readonly name: string
}

/** What became of one line. Each column adds up to the number of the invoice. */
export interface LineTotals {
  readonly amount: Minor
  readonly discount: Minor
  readonly promotional: Minor
  readonly taxable: Minor
  readonly tax: Minor
  readonly prepaid: Minor
  readonly due: Minor
}

/**
 * From lines to what is due, in the order of DESIGN §9: lines → invoice discounts in stated order → promotional credits
 * → tax → prepaid credits. Each step is rounded to the minor unit where it is taken, so that a reader with a pencil gets
 * every number. All amounts are positive; `taken` ones are subtracted. Burns name the line by its index.
 */
export interface Totals {
  readonly currency: Currency
  readonly subtotal: Minor
  readonly discounts: readonly TakenDiscount[]
  readonly promotional: readonly CreditPayment[]
  readonly taxable: Minor
  readonly taxes: readonly { readonly tax: Tax; readonly amount: Minor }[]
  /** After tax: what the invoice says. */
  readonly total: Minor
  readonly prepaid: readonly CreditPayment[]
  /** What is left to be paid. */
  readonly due: Minor
  readonly lines: readonly LineTotals[]
}

type Amounts = readonly Minor[]

function each(lines: readonly unknown[], amountOf: (index: number) => bigint): Amounts {
  return lines.map((_, index) => amountOf(index) as Minor)
}

function less(amounts: Amounts, taken: Amounts): Amounts {
  return each(amounts, (index) => (amounts[index] ?? 0n) - (taken[index] ?? 0n))
}

function percentOf(amount: Minor, percent: Exact, currency: Currency): Minor {
  return roundToMinor(divide(multiply(minorAmount(amount, currency), percent), hundred), currency)
}

/** Percentages are of what is left; a fixed discount is never more than that. */
function takenOf(discount: Discount, base: Minor, currency: Currency): Minor {
  if (discount.kind === 'percent') return percentOf(base, discount.percent, currency)
  const amount = roundToMinor(discount.amount, currency)
  return amount < base ? amount : base
}

interface Discounted {
  readonly taken: readonly TakenDiscount[]
  readonly left: Amounts
}

function takeDiscounts(lines: readonly TotalsLine[], { discounts, currency }: TotalsInput): Discounted {
  let left: Amounts = lines.map(({ amount }) => amount)
  const taken = discounts.map((discount) => {
    const { of } = discount
    const scope = each(lines, (index) => {
      const line = lines[index]
      const isInside = line !== undefined && (of === 'all' || of.includes(line.price))
      return isInside ? (left[index] ?? 0n) : 0n
    })
    const base = addMinor(scope)
    const amount = takenOf(discount.discount, base, currency)
    left = less(left, spread(amount, scope))
    return { discount, base, taken: amount }
  })
  return { taken, left }
}

interface Payment {
  readonly burns: readonly CreditPayment[]
  readonly paid: Amounts
}

/** What credits of a kind pay of what lines still cost. */
function pay(
  kind: CreditKind,
  lines: readonly TotalsLine[],
  left: Amounts,
  { credits, currency, at }: TotalsInput,
): Payment {
  const usable = credits.filter((credit) => credit.kind === kind && credit.currency === currency)
  const payables = lines.map(({ meter }, index) => ({ meter, amount: left[index] ?? (0n as Minor) }))
  const names = new Map(usable.map(({ id, name }) => [id, name]))
  const burns = burnCredits({ credits: usable, lines: payables, at }).map((burn) => ({
    ...burn,
    name: names.get(burn.grant) ?? '',
  }))
  const sums = new Map<number, bigint>()
  for (const { line, amount } of burns) sums.set(line, (sums.get(line) ?? 0n) + amount)
  const paid = each(lines, (index) => sums.get(index) ?? 0n)
  assert(
    less(left, paid).every((amount) => amount >= 0n),
    'credits pay no more than a line costs',
  )
  return { burns, paid }
}

/**
 * From lines to what is due. Pure. Each tax is one percentage of the taxable amount, rounded once; it is spread over
 * the lines by what is taxable of them, so that a prepaid credit for some lines pays these lines and their tax
 * (docs/decisions/0040).
 */
export function totalsOf(lines: readonly TotalsLine[], input: TotalsInput): Totals {
  const { currency } = input
  assert(
    lines.every(({ amount }) => amount >= 0n),
    'no line is below zero',
  )
  const amounts = lines.map(({ amount }) => amount)
  const discounted = takeDiscounts(lines, input)
  const promotional = pay('promotional', lines, discounted.left, input)
  const taxables = less(discounted.left, promotional.paid)
  const taxable = addMinor(taxables)
  const taxes = input.taxes.map((tax) => ({ tax, amount: percentOf(taxable, tax.percent, currency) }))
  const taxParts = taxes.map(({ amount }) => spread(amount, taxables))
  const tax = each(lines, (index) => addMinor(taxParts.map((parts) => parts[index] ?? (0n as Minor))))
  const gross = each(lines, (index) => (taxables[index] ?? 0n) + (tax[index] ?? 0n))
  const prepaid = pay('prepaid', lines, gross, input)
  const dues = less(gross, prepaid.paid)
  const columns = {
    amount: amounts,
    discount: less(amounts, discounted.left),
    promotional: promotional.paid,
    taxable: taxables,
    tax,
    prepaid: prepaid.paid,
    due: dues,
  }
  return {
    currency,
    subtotal: addMinor(amounts),
    discounts: discounted.taken,
    promotional: promotional.burns,
    taxable,
    taxes,
    total: addMinor(gross),
    prepaid: prepaid.burns,
    due: addMinor(dues),
    lines: lines.map((_, index) => rowOf(columns, index)),
  }
}

function rowOf(columns: Readonly<Record<keyof LineTotals, Amounts>>, index: number): LineTotals {
  const names = Object.keys(columns) as (keyof LineTotals)[]
  return Object.fromEntries(names.map((name) => [name, columns[name][index] ?? 0n])) as unknown as LineTotals
}

function discountTotalJson(
  { discount: { coupon, version, discount, of }, base, taken }: TakenDiscount,
  money: Money,
): object {
  const terms =
    discount.kind === 'percent' ? { percent: formatExact(discount.percent) } : { fixed: formatExact(discount.amount) }
  return { coupon, version, name: discount.name, of, ...terms, base: money(base), amount: money(taken) }
}

type Money = (amount: Minor) => string

/** Totals as JSON: amounts as decimals of the currency; lines by their index. */
export function totalsJson(totals: Totals): object {
  const { currency, subtotal, discounts, promotional, taxable, taxes, total, prepaid, due, lines } = totals
  const money: Money = (amount) => formatMinor(amount, currency)
  const burnJson = ({ grant, name, line, amount }: CreditPayment): object => ({
    grant,
    name,
    line,
    amount: money(amount),
  })
  return {
    currency,
    subtotal: money(subtotal),
    discounts: discounts.map((discount) => discountTotalJson(discount, money)),
    promotional_credits: promotional.map(burnJson),
    taxable: money(taxable),
    taxes: taxes.map(({ tax: { key, name, percent }, amount }) => ({
      key,
      name,
      percent: formatExact(percent),
      amount: money(amount),
    })),
    total: money(total),
    prepaid_credits: prepaid.map(burnJson),
    due: money(due),
    lines: lines.map((line) => ({
      amount: money(line.amount),
      discount: money(line.discount),
      promotional_credit: money(line.promotional),
      taxable: money(line.taxable),
      tax: money(line.tax),
      prepaid_credit: money(line.prepaid),
      due: money(line.due),
    })),
  }
}
