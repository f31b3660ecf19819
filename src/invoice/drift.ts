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
import { formatMinor, readMinor } from '../core/money.ts'
import type { Minor } from '../core/money.ts'
import { assert } from '../core/result.ts'
import { formatInstant, parseInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import type { MeterDefinition } from '../meter/definition.ts'
import type { ReadUsage } from '../meter/usage.ts'
import { planVersions } from '../price/plan-catalogue.ts'
import type { BillingPeriod } from './billing-period.ts'
import { collectUsage } from './collect-usage.ts'
import type { Invoice, InvoiceDocument, LineDocument } from './document.ts'
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
  /** A meter in a version of it. */
  readonly findMeter: (key: MeterKey, version: number) => Promise<MeterDefinition>
}

interface Side {
  readonly quantity: Exact
  readonly amount: Minor
}

export interface DriftLine {
  readonly price: string
  readonly description: string
  readonly meter: string | null
  readonly unit: string
  readonly issued: Side
  readonly now: Side
}

export interface Drift {
  readonly invoice: Invoice
  readonly countedNow: Offset
  readonly lines: readonly DriftLine[]
  readonly issued: Minor
  readonly now: Minor
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

/** The same contract, meters and period as then, with usage below another offset. */
async function planAgain(source: DriftSource, document: InvoiceDocument, below: Offset): Promise<InvoicePlan> {
  const { database, readUsage } = source
  const plan = (await planVersions(database, document.plan.key))[document.plan.version - 1]
  assert(plan !== undefined, 'an issued invoice names a plan version that exists for ever')
  const versions = new Map(document.lines.map(({ meter }) => [meter?.key, meter?.version]))
  const findMeter = (key: MeterKey): Promise<MeterDefinition> => {
    const version = versions.get(key)
    assert(version !== undefined, 'an issued invoice has a line for every meter of its plan')
    return source.findMeter(key, version)
  }
  const period = periodOf(document)
  const account = { ...(await getAccount(database, document.account.key)), billable: document.account.billable }
  const usage = await collectUsage({ readUsage, findMeter }, { account: account.key, plan, period, below })
  return planInvoice({ account, contract: { plan, basis: document.plan.basis }, period, usage })
}

const nothing: Side = { quantity: zero, amount: 0n as Minor }

function lineOf(
  issued: LineDocument | undefined,
  now: PlannedLine | undefined,
  { currency }: InvoiceDocument,
): DriftLine {
  const about = issued ?? now?.rated
  assert(about !== undefined, 'a line was there then, or is there now')
  const meter = issued?.meter ?? now?.meter ?? null
  return {
    price: about.price,
    description: about.description,
    meter: meter?.key ?? null,
    unit: meter?.unit ?? about.unit,
    issued:
      issued === undefined ? nothing : { quantity: exact(issued.quantity), amount: readMinor(issued.amount, currency) },
    now: now === undefined ? nothing : { quantity: now.rated.quantity, amount: now.rated.amount },
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
  const plan = await planAgain(source, document, below)
  const prices = new Set([...document.lines.map(({ price }) => price), ...plan.lines.map(({ rated }) => rated.price)])
  const lines = [...prices].map((price) =>
    lineOf(
      document.lines.find((line) => line.price === price),
      plan.lines.find(({ rated }) => rated.price === price),
      document,
    ),
  )
  return { invoice, countedNow: below, lines, issued: readMinor(document.total, document.currency), now: plan.total }
}

/** Whether anything of the invoice would be another number now. An issued quantity has the decimals that are printed. */
export function isDrifted({ lines }: Drift): boolean {
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

/** The drift as the API answers it. Differences are now minus issued: below zero, too much was charged. */
export function driftJson(drift: Drift): object {
  const { invoice, countedNow, lines, issued, now } = drift
  const { currency, account, period, number, log_offset: countedThen } = invoice.document
  const money = (amount: bigint): string => formatMinor(amount as Minor, currency)
  return {
    invoice: { id: invoice.id, number, account: account.key, month: period.month, status: invoice.status },
    currency,
    counted_below_issued: countedThen,
    counted_below_now: String(countedNow),
    drifted: isDrifted(drift),
    lines: lines.map((line) => ({
      price: line.price,
      description: line.description,
      meter: line.meter,
      unit: line.unit,
      quantity: quantityJson(line),
      amount: {
        issued: money(line.issued.amount),
        now: money(line.now.amount),
        difference: money(line.now.amount - line.issued.amount),
      },
    })),
    total: { issued: money(issued), now: money(now), difference: money(now - issued) },
  }
}
