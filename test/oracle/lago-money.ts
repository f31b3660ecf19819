import { exact, one, sum } from '../../src/core/exact.ts'
import { addMinor, minorAmount, roundToMinor } from '../../src/core/money.ts'
import type { Currency, Minor } from '../../src/core/money.ts'
import { dayMicros } from '../../src/core/time.ts'
import type { Micros, Period } from '../../src/core/time.ts'
import type { AvailableCredit, GrantId } from '../../src/price/credit/grant.ts'
import type { PriceKey } from '../../src/price/price-key.ts'
import { progress, thresholdDue } from '../../src/price/rate/progressive.ts'
import type { BilledLine, Thresholds } from '../../src/price/rate/progressive.ts'
import { shareOf } from '../../src/price/rate/proration.ts'
import type { PartLine, PricedPart } from '../../src/price/rate/rate-lines.ts'
import { totalsOf } from '../../src/price/rate/totals.ts'
import type { Totals } from '../../src/price/rate/totals.ts'
import { fromCents, moment } from '../support/oracle-cases.ts'
import type { Json, OracleCase, Outcome, Translations } from '../support/oracle-cases.ts'
import { billedBy, defined, feeOf, linesOf, meter, used, wholePart } from '../support/oracle-rating.ts'

const price = 'price' as PriceKey
const start = moment('2022-12-01')

function period(days: number): Period {
  return { from: start, to: (start + days * dayMicros) as Micros }
}

function taxed(amount: Minor, percent: string): Totals {
  return totalsOf([{ price, meter: null, amount }], {
    currency: 'EUR',
    discounts: [],
    credits: [],
    taxes: [{ key: 'vat', name: 'VAT', percent: exact(percent) }],
    at: start,
  })
}

function noteOf({ taxable, taxes, total }: Totals): object {
  return {
    subtotal_cents: Number(taxable),
    taxes_cents: Number(taxes[0]?.amount),
    total_cents: Number(total),
  }
}

/** What is given back is a part of the fee, and its tax is that of the part. */
function creditNote({ input, expected }: OracleCase): Outcome {
  const { paid_in_advance_cents, tax_rate_percent, unused_days, period_days, credit_notes_item_cents } = input
  if (credit_notes_item_cents !== undefined) {
    const notes = credit_notes_item_cents.map((cents: number) =>
      noteOf(taxed(BigInt(cents) as Minor, tax_rate_percent)),
    )
    return { actual: { notes }, expected }
  }
  const fee = { amount: fromCents(paid_in_advance_cents), part: period(unused_days), whole: period(period_days) }
  return { actual: noteOf(taxed(feeOf(fee, 'EUR').amount, tax_rate_percent)), expected }
}

/** A total is the sum of its rounded parts, whatever was said before. */
function noteTotal({ input, expected }: OracleCase): Outcome {
  const items: Minor[] = input['items_cents'].map((cents: string) => BigInt(cents) as Minor)
  const subtotal = addMinor(items)
  const total = addMinor([...items, BigInt(input['taxes_cents']) as Minor])
  return { actual: { total_cents: Number(total), subtotal_cents: Number(subtotal) }, expected }
}

/** A wallet for some fees is a credit for some meters; each kind of fee is one. */
function creditOf(wallet: Json, index: number): AvailableCredit {
  const limited = wallet['limited_to_metric'] === undefined ? wallet['fee_types'] : [wallet['limited_to_metric']]
  return {
    id: wallet['name'] as GrantId,
    kind: 'prepaid',
    name: wallet['name'],
    currency: (wallet['currency'] ?? 'EUR') as Currency,
    priority: wallet['priority'] ?? 50,
    scope: limited === undefined ? 'all' : { meters: limited.map(meter) },
    effectiveFrom: start,
    expiresAt: null,
    createdAt: (start + index) as Micros,
    balance: BigInt(wallet['balance_cents']) as Minor,
  }
}

function wallets({ input, expected }: OracleCase): Outcome {
  const lines = input['fees'].map((fee: Json) => ({
    price,
    meter: meter(fee['metric'] ?? fee['type']),
    amount: roundToMinor(exact(fromCents(fee['total_cents'])), 'EUR'),
  }))
  const credits = input['wallets_in_creation_order'].map(creditOf)
  const totals = totalsOf(lines, { currency: 'EUR', discounts: [], credits, taxes: [], at: (start + 1000) as Micros })
  const drawn: Record<string, number> = {}
  for (const { grant, amount } of totals.prepaid) drawn[grant] = (drawn[grant] ?? 0) + Number(amount)
  const total = input['invoice_total_cents']
  const sumOf = Object.values(drawn).reduce((a, b) => a + b, 0)
  return {
    actual: [expected['drawn'] === undefined ? sumOf : drawn, ...(total === undefined ? [] : [Number(totals.total)])],
    expected: [expected['drawn'] ?? expected['drawn_total'], ...(total === undefined ? [] : [total])],
  }
}

interface Watched {
  readonly billed: BilledLine[]
  readonly invoices: number[]
}

function costOf(lines: readonly { readonly amount: Minor }[]): ReturnType<typeof minorAmount> {
  return minorAmount(addMinor(lines.map(({ amount }) => amount)), 'EUR')
}

/** Usage so far, looked at after each event: where its cost has reached a threshold, what is not billed is billed. */
function watch(input: Json, linesAt: (units: bigint) => readonly PartLine[], thresholds: Thresholds): Watched {
  const watched: Watched = { billed: [], invoices: [] }
  let units = 0n
  let before = sum([])
  for (const event of input['events'] as readonly Json[]) {
    units += BigInt(event['units'])
    const whole = linesAt(units)
    const now = costOf(whole.map(({ line }) => line))
    if (thresholdDue(thresholds, { before, now }) !== null) {
      const run = progress({ whole, billed: watched.billed, isFinal: false })
      watched.invoices.push(Number(addMinor(run.map(({ amount }) => amount))))
      watched.billed.push(...billedBy(run))
    }
    before = now
  }
  return watched
}

function partsOf(input: Json): { readonly usage: (units: bigint) => PricedPart; readonly fee: PricedPart } {
  const perUnit = defined({ model: { kind: 'per_unit', unit_amount: input['price_per_unit_eur'] } }, 'usage')
  const flat = defined({ model: { kind: 'flat', amount: fromCents(input['plan_fee_cents']) } }, 'fee')
  const until = input['upgraded_day_offset'] ?? 31
  const share = shareOf(period(until), period(31))
  return {
    usage: (units) => wholePart(perUnit, used(units)),
    fee: { ...wholePart(flat, used('1')), share, count: one },
  }
}

const thresholdsOf = (input: Json): Thresholds => ({
  amounts: input['thresholds_cents'].map((cents: number) => exact(fromCents(cents))),
  each: null,
})

const rated = (parts: readonly PricedPart[]): readonly PartLine[] => linesOf(parts, 'EUR')

/** Lifetime cost against the thresholds; each month is a period of its own. */
function byMonth({ input, expected }: OracleCase): Outcome {
  const { usage, fee } = partsOf(input)
  const thresholds = thresholdsOf(input)
  let before = sum([])
  const actual = { threshold_invoices_cents: [] as number[], monthly_totals_cents: [] as number[] }
  for (const event of input['events'] as readonly Json[]) {
    const whole = rated([usage(BigInt(event['units']))])
    const now = sum([before, costOf(whole.map(({ line }) => line))])
    const isDue = thresholdDue(thresholds, { before, now }) !== null
    const run = isDue ? progress({ whole, billed: [], isFinal: false }) : []
    if (isDue) actual.threshold_invoices_cents.push(Number(addMinor(run.map(({ amount }) => amount))))
    const all = rated([usage(BigInt(event['units'])), fee])
    const rest = progress({ whole: all, billed: billedBy(run), isFinal: true })
    actual.monthly_totals_cents.push(Number(addMinor(rest.map(({ amount }) => amount))))
    before = now
  }
  return { actual, expected }
}

function progressive(oracleCase: OracleCase): Outcome {
  const { input, expected } = oracleCase
  if (input['events'][0]['month'] !== undefined) return byMonth(oracleCase)
  const { usage, fee } = partsOf(input)
  const { billed, invoices } = watch(input, (units) => rated([usage(units)]), thresholdsOf(input))
  const units = (input['events'] as readonly Json[]).reduce((total, event) => total + BigInt(event['units']), 0n)
  const whole = rated([usage(units), fee])
  const rest = progress({ whole, billed, isFinal: true })
  const actual = {
    fees_cents: Number(addMinor(whole.map(({ line }) => line.amount))),
    progressive_credit_cents: Number(addMinor(billed.map(({ amount }) => amount))),
    total_cents: Number(addMinor(rest.map(({ amount }) => amount))),
  }
  return {
    actual: [invoices, actual],
    expected: [expected['threshold_invoices_cents'], expected['final'] ?? expected['final_of_old_plan']],
  }
}

export const lagoMoney: Translations = {
  credit_note_rounding: creditNote,
  credit_note_total_fix: noteTotal,
  wallet_drawdown: wallets,
  progressive_billing: progressive,
}
