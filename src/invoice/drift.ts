/**
 * What an issued invoice would be if it were issued now: late, amended, retracted and reattributed events counted in,
 * priced as it was priced then. The invoice itself stays as it is (L5, L6); the difference is what a later document may
 * charge or return.
 */
import { getAccount } from '../account/accounts.ts'
import type { Queryable } from '../account/database.ts'
import { Refusal } from '../core/errors.ts'
import { exact, formatQuantity, subtract, zero } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import type { AccountKey, InvoiceId, MeterKey, Offset } from '../core/ids.ts'
import { addMinor, formatMinor, readMinor } from '../core/money.ts'
import type { Currency, Minor } from '../core/money.ts'
import { assert } from '../core/result.ts'
import { formatInstant, parseInstant } from '../core/time.ts'
import type { Micros, Period } from '../core/time.ts'
import type { MeterDefinition } from '../meter/definition.ts'
import type { ReadUsage } from '../meter/usage.ts'
import { contractOf, plainContract } from '../price/contract/contract.ts'
import type { Contract } from '../price/contract/contract.ts'
import { bookAsOf, factsAsOf } from '../price/contract/contract-facts.ts'
import type { ContractFacts } from '../price/contract/contract-facts.ts'
import { contractText } from '../price/contract/contract-parts.ts'
import { contractFactsOf } from '../price/contract/contract-table.ts'
import { planVersions } from '../price/book/plan-catalogue.ts'
import { planIn } from '../price/plan.ts'
import { creditsTaken } from '../price/credit/spend.ts'
import type { AvailableCredit } from '../price/credit/grant.ts'
import { loadPriceBook } from '../price/book/price-book-load.ts'
import type { PriceBook } from '../price/book/price-book.ts'
import type { Totals } from '../price/rate/totals.ts'
import type { BillingPeriod } from './billing-period.ts'
import { collectUsage } from './collect-usage.ts'
import { knownOf } from './document.ts'
import type { Invoice, InvoiceDocument, LineDocument, TimeDocument } from './document.ts'
import { planInvoice } from './plan-invoice.ts'
import type { InvoicePlan, PlannedLine } from './plan-invoice.ts'
import { titleOf } from './wording.ts'

/** An issued invoice over an account and a time. */
export interface ConcernedInvoice {
  readonly id: InvoiceId
  readonly number: string
  readonly account: AccountKey
  readonly month: string
}

/** Issued invoices whose account and period cover any of the points. */
export async function issuedOver(
  queryable: Queryable,
  points: readonly { readonly account: AccountKey; readonly time: Micros }[],
): Promise<readonly ConcernedInvoice[]> {
  const { rows } = await queryable.query<ConcernedInvoice>(
    `select distinct invoice.id, invoice.number, invoice.account, invoice.month
     from invoice join unnest($1::text[], $2::timestamptz[]) as point (account, at)
       on invoice.account = point.account and invoice.period_from <= point.at and point.at < invoice.period_to
     where invoice.number is not null and invoice.status <> 'void' order by invoice.month, invoice.account`,
    [points.map(({ account }) => account), points.map(({ time }) => formatInstant(time))],
  )
  return rows
}

/** Issued invoices whose period has a part in common with an account's span of time, both ends inside. */
export async function issuedWithin(
  queryable: Queryable,
  spans: readonly { readonly account: AccountKey; readonly first: Micros; readonly last: Micros }[],
): Promise<readonly InvoiceId[]> {
  const { rows } = await queryable.query<{ id: InvoiceId }>(
    `select distinct invoice.id, invoice.month, invoice.account
     from invoice join unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) as span (account, first, last)
       on invoice.account = span.account and invoice.period_from <= span.last and span.first < invoice.period_to
     where invoice.number is not null and invoice.status <> 'void' order by invoice.month, invoice.account`,
    [
      spans.map(({ account }) => account),
      spans.map(({ first }) => formatInstant(first)),
      spans.map(({ last }) => formatInstant(last)),
    ],
  )
  return rows.map(({ id }) => id)
}

export interface DriftSource {
  readonly database: Queryable
  readonly readUsage: ReadUsage
  /** A meter in a version of it, or as it is now. */
  readonly findMeter: (key: MeterKey, version: number | undefined) => Promise<MeterDefinition>
}

interface Side {
  readonly quantity: Exact
  readonly amount: Minor
}

export interface DriftLine {
  /** The part of the period that it is of; null: all of it. */
  readonly part: TimeDocument | null
  readonly price: string
  readonly description: string
  readonly meter: string | null
  readonly unit: string
  readonly issued: Side
  readonly now: Side
}

/** What changes of the contract that were recorded after the issue would make of the invoice, with usage as it is now. */
export interface ContractDrift {
  readonly lines: readonly DriftLine[]
  /** Null: it could not be priced now, and `why` says why. */
  readonly now: Minor | null
  readonly why: string | null
}

export interface Drift {
  readonly invoice: Invoice
  readonly countedNow: Offset
  readonly lines: readonly DriftLine[]
  /** Sums of lines: before discounts, credits and taxes. */
  readonly issued: Minor
  readonly now: Minor
  /** From the lines to what is due, with the credits that the invoice took and no others. */
  readonly totals: Totals
  /** Null: the contract prices as it did. */
  readonly contract: ContractDrift | null
}

function instantOf(text: string): Micros {
  const parsed = parseInstant(text)
  assert(parsed.ok, 'an issued document has instants that can be read')
  return parsed.value
}

function periodOf({ period }: InvoiceDocument): BillingPeriod {
  const { month, from, to, time_zone: zone } = period
  return { month, zone, from: instantOf(from), to: instantOf(to) }
}

/** What an issued invoice was priced with: its contract as it was known then (L5). */
async function contractThen(source: DriftSource, document: InvoiceDocument, period: Period): Promise<Read> {
  const { database } = source
  const { key, version, basis } = document.plan
  const known = document.contract
  if (known === undefined) {
    const plan = (await planVersions(database, key))[version - 1]
    assert(plan !== undefined, 'an issued invoice names a plan version that exists for ever')
    const own = planIn(plan, document.currency)
    assert(own !== null, 'an issued invoice is in a currency of its plan')
    return { issued: plainContract(own, basis, period), now: null }
  }
  const facts = await contractFactsOf(database, document.account.key)
  const book = await loadPriceBook(database)
  const issued = contractOf(factsAsOf(facts, knownOf(known)), bookAsOf(book, knownOf(known)), period)
  return { issued, now: contractNow(facts, book, period) }
}

interface Read {
  readonly issued: Contract
  /** As it is known now; the refusal where nothing could be priced now; null: nobody asks it of invoices of before. */
  readonly now: Contract | Refusal | null
}

function contractNow(facts: ContractFacts, book: PriceBook, period: Period): Contract | Refusal {
  try {
    return contractOf(facts, book, period)
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
}

/** The same meters and period as then, with usage below another offset. */
async function planAgain(source: DriftSource, again: Again, contract: Contract): Promise<InvoicePlan> {
  const { document, below, credits } = again
  const { database, readUsage } = source
  const versions = new Map(document.lines.map(({ meter }) => [meter?.key, meter?.version]))
  // A meter that only another contract prices is the one that it would be issued with now.
  const findMeter = (key: MeterKey): Promise<MeterDefinition> => source.findMeter(key, versions.get(key))
  const period = periodOf(document)
  const account = { ...(await getAccount(database, document.account.key)), billable: document.account.billable }
  const usage = await collectUsage({ readUsage, findMeter }, { account: account.key, contract, period, below })
  return planInvoice({ account, contract, period, usage, credits })
}

interface Again {
  readonly document: InvoiceDocument
  readonly below: Offset
  /** What it took then: it takes nothing that another invoice may have taken since. */
  readonly credits: readonly AvailableCredit[]
}

const nothing: Side = { quantity: zero, amount: 0n as Minor }

function lineOf(
  issued: LineDocument | undefined,
  now: PlannedLine | undefined,
  { currency, period }: InvoiceDocument,
): DriftLine {
  const about = issued ?? now?.rated
  assert(about !== undefined, 'a line was there then, or is there now')
  const meter = issued?.meter ?? now?.meter ?? null
  const part = now === undefined ? null : { from: formatInstant(now.part.from), to: formatInstant(now.part.to) }
  const isWhole = part?.from === period.from && part.to === period.to
  return {
    part: issued?.part ?? (isWhole ? null : part),
    price: about.price,
    description: about.description,
    meter: meter?.key ?? null,
    unit: meter?.unit ?? about.unit,
    issued:
      issued === undefined ? nothing : { quantity: exact(issued.quantity), amount: readMinor(issued.amount, currency) },
    now: now === undefined ? nothing : { quantity: now.rated.quantity, amount: now.rated.amount },
  }
}

/** Names a line on both sides: its price, what of it, and when. */
function lineName({ price, kind, part }: Pick<LineDocument, 'price' | 'kind' | 'part'>): string {
  return JSON.stringify([price, kind === 'true_up', part?.from ?? null, part?.to ?? null])
}

function plannedName({ rated, part }: PlannedLine, { period }: InvoicePlan): string {
  const isWhole = part.from === period.from && part.to === period.to
  const of = { from: formatInstant(part.from), to: formatInstant(part.to) }
  return lineName({ price: rated.price, kind: rated.kind, ...(isWhole ? {} : { part: of }) })
}

function linesOf(document: InvoiceDocument, plan: InvoicePlan): readonly DriftLine[] {
  const issued = new Map(document.lines.map((line) => [lineName(line), line]))
  const now = new Map(plan.lines.map((line) => [plannedName(line, plan), line]))
  return [...new Set([...issued.keys(), ...now.keys()])].map((name) =>
    lineOf(issued.get(name), now.get(name), document),
  )
}

/** What the contract as it is known now makes of the same usage; null: it prices as it did. */
async function contractDrift(source: DriftSource, again: Again, { issued, now }: Read): Promise<ContractDrift | null> {
  if (now === null) return null
  if (now instanceof Refusal) return { lines: [], now: null, why: now.message }
  if (contractText(now) === contractText(issued)) return null
  try {
    const plan = await planAgain(source, again, now)
    return { lines: linesOf(again.document, plan), now: plan.totals.subtotal, why: null }
  } catch (error) {
    if (error instanceof Refusal) return { lines: [], now: null, why: error.message }
    throw error
  }
}

/** The difference between an issued invoice and the same invoice counted below an offset. */
export async function driftOf(source: DriftSource, invoice: Invoice, below: Offset): Promise<Drift> {
  if (invoice.document.number === null)
    throw new Refusal(
      'INVOICE_TRANSITION_REFUSED',
      `${titleOf(invoice)} is not issued; a draft is computed anew each time it is shown`,
    )
  const { document } = invoice
  const again = { document, below, credits: await creditsTaken(source.database, invoice.id) }
  const read = await contractThen(source, document, periodOf(document))
  const plan = await planAgain(source, again, read.issued)
  return {
    invoice,
    countedNow: below,
    lines: linesOf(document, plan),
    issued: readMinor(document.totals?.subtotal ?? document.total, document.currency),
    now: plan.totals.subtotal,
    totals: plan.totals,
    contract: await contractDrift(source, again, read),
  }
}

/** Whether anything of the invoice would be another number now. An issued quantity has the decimals that are printed. */
export function isDrifted({ lines, contract }: Drift): boolean {
  if (contract !== null) return true
  return lines.some(
    ({ issued, now }) =>
      issued.amount !== now.amount || formatQuantity(issued.quantity) !== formatQuantity(now.quantity),
  )
}

/** What was printed then beside what would be printed now, so that the difference is that of the two texts. */
function quantityJson({ issued, now }: DriftLine): object {
  const [then, next] = [formatQuantity(issued.quantity), formatQuantity(now.quantity)]
  return { issued: then, now: next, difference: formatQuantity(subtract(exact(next), exact(then))) }
}

function moneyOf(currency: Currency): (amount: bigint) => string {
  return (amount) => formatMinor(amount as Minor, currency)
}

function linesJson(lines: readonly DriftLine[], currency: Currency): readonly object[] {
  const money = moneyOf(currency)
  return lines.map((line) => ({
    price: line.price,
    description: line.description,
    meter: line.meter,
    unit: line.unit,
    ...(line.part === null ? {} : { part: line.part }),
    quantity: quantityJson(line),
    amount: {
      issued: money(line.issued.amount),
      now: money(line.now.amount),
      difference: money(line.now.amount - line.issued.amount),
    },
  }))
}

function contractJson({ lines, now, why }: ContractDrift, issued: Minor, currency: Currency): object {
  const money = moneyOf(currency)
  const total = now === null ? null : { issued: money(issued), now: money(now), difference: money(now - issued) }
  return { lines: linesJson(lines, currency), total, why_not_priced: why }
}

/** What credits paid, and what is left to be paid. Invoices of before there were credits took none. */
function paidJson({ invoice: { document }, totals }: Drift): object {
  const { currency, total } = document
  const { promotional_credits: promotional = [], prepaid_credits: prepaid = [], due = total } = document.totals ?? {}
  const taken = addMinor([...promotional, ...prepaid].map(({ amount }) => readMinor(amount, currency)))
  const [now, dueThen] = [
    addMinor([...totals.promotional, ...totals.prepaid].map(({ amount }) => amount)),
    readMinor(due, currency),
  ]
  const money = moneyOf(currency)
  return {
    credits: { issued: money(taken), now: money(now), difference: money(now - taken) },
    due: { issued: due, now: money(totals.due), difference: money(totals.due - dueThen) },
  }
}

/** The drift as the API answers it. Differences are now minus issued: below zero, too much was charged. */
export function driftJson(drift: Drift): object {
  const { invoice, countedNow, lines, issued, now, contract } = drift
  const { currency, account, period, number, log_offset: countedThen } = invoice.document
  const money = moneyOf(currency)
  return {
    invoice: { id: invoice.id, number, account: account.key, month: period.month, status: invoice.status },
    currency,
    counted_below_issued: countedThen,
    counted_below_now: String(countedNow),
    drifted: isDrifted(drift),
    lines: linesJson(lines, currency),
    total: { issued: money(issued), now: money(now), difference: money(now - issued) },
    ...paidJson(drift),
    under_contract_now: contract === null ? null : contractJson(contract, issued, currency),
  }
}
