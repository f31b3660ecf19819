import { microsOf, readInstant } from '../account/database.ts'
import type { Queryable } from '../account/database.ts'
import { formatExact, formatQuantity } from '../core/exact.ts'
import type { AccountKey, InvoiceId } from '../core/ids.ts'
import { assert } from '../core/result.ts'
import { formatInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { documentOf } from './document.ts'
import type { Computed, Invoice, InvoiceDocument, Issue, Issuer } from './document.ts'
import type { InvoiceState } from './state.ts'

// The statements about invoices. What may change is decided here only once more: triggers refuse the rest (L6).

/** An invoice as it is stored; the document of a draft is the one that was last looked at. */
export interface StoredInvoice extends Invoice {
  readonly account: AccountKey
  readonly month: string
}

interface InvoiceRow {
  readonly id: string
  readonly account: string
  readonly month: string
  readonly status: InvoiceState
  readonly document_text: string
}

const columns = 'id, account, month, status, document::text as document_text'

function storedOf(row: InvoiceRow): StoredInvoice {
  return {
    id: row.id as InvoiceId,
    account: row.account as AccountKey,
    month: row.month,
    status: row.status,
    document: JSON.parse(row.document_text) as InvoiceDocument,
  }
}

/** By id or by number. */
export async function selectInvoice(queryable: Queryable, idOrNumber: string): Promise<StoredInvoice | null> {
  const { rows } = await queryable.query<InvoiceRow>(
    `select ${columns} from invoice where id = $1 or number = $1 order by id = $1 desc limit 1`,
    [idOrNumber],
  )
  const [row] = rows
  return row === undefined ? null : storedOf(row)
}

/** The invoice with its row locked until the transaction ends: two that want to issue it take turns. */
export async function lockInvoice(client: Queryable, id: InvoiceId): Promise<StoredInvoice> {
  const { rows } = await client.query<InvoiceRow>(`select ${columns} from invoice where id = $1 for update`, [id])
  const [row] = rows
  assert(row !== undefined, `invoice ${id} was there before it was locked`)
  return storedOf(row)
}

/** The draft or invoice of a month; a void one does not count. */
export async function selectOfMonth(
  queryable: Queryable,
  { account, month }: { readonly account: AccountKey; readonly month: string },
): Promise<StoredInvoice | null> {
  const { rows } = await queryable.query<InvoiceRow>(
    `select ${columns} from invoice where account = $1 and month = $2 and kind = 'usage' and status <> 'void'`,
    [account, month],
  )
  const [row] = rows
  return row === undefined ? null : storedOf(row)
}

/** Keeps what a draft shows now, and creates it when there is none. Leaves an issued invoice alone. */
export async function upsertDraft(
  queryable: Queryable,
  computed: Computed,
  { id, now }: { readonly id: InvoiceId; readonly now: Micros },
): Promise<void> {
  const { account, period, currency, total, totals } = computed.plan
  await queryable.query(
    `insert into invoice (id, account, kind, month, period_from, period_to, status, status_at, currency,
                          total_minor, log_offset, document, subtotal_minor, due_minor)
     values ($1, $2, 'usage', $3, $4, $5, 'draft', $6, $7, $8, $9, $10, $11, $12)
     on conflict (account, kind, month) where status <> 'void' do update
     set period_from = excluded.period_from, period_to = excluded.period_to, currency = excluded.currency,
         total_minor = excluded.total_minor, log_offset = excluded.log_offset, document = excluded.document,
         subtotal_minor = excluded.subtotal_minor, due_minor = excluded.due_minor
     where invoice.status = 'draft' and invoice.log_offset <= excluded.log_offset`,
    [
      id,
      account.key,
      period.month,
      formatInstant(period.from),
      formatInstant(period.to),
      formatInstant(now),
      currency,
      total,
      computed.below,
      JSON.stringify(documentOf(computed, null)),
      totals.subtotal,
      totals.due,
    ],
  )
}

/** The issuing entity of all invoices so far; several come with their own issue. */
export const mainIssuer = 'main'

/** Who issues, as it is now. */
export async function selectIssuer(queryable: Queryable): Promise<Issuer> {
  const { rows } = await queryable.query<Issuer>('select key, name, address from issuing_entity where key = $1', [
    mainIssuer,
  ])
  const [row] = rows
  assert(row !== undefined, `the issuing entity ${mainIssuer} exists`)
  return row
}

/** Names the issuing entity; issued invoices keep the name they were issued under. */
export async function nameIssuer(
  queryable: Queryable,
  { name, address }: { readonly name: string; readonly address: string },
): Promise<void> {
  await queryable.query('update issuing_entity set name = $2, address = $3 where key = $1', [mainIssuer, name, address])
}

export interface TakenNumber {
  readonly sequence: string
  readonly number: string
}

/**
 * Takes the next number. The row stays locked until the transaction ends, so the next one waits: either this
 * invoice has the number, or, after a rollback, the next one gets it. That is what makes numbers gapless.
 */
export async function takeNumber(client: Queryable): Promise<TakenNumber> {
  const { rows } = await client.query<TakenNumber>(
    `update issuing_entity set next_number = next_number + 1 where key = $1
     returning (next_number - 1)::text as sequence,
               number_prefix || lpad((next_number - 1)::text, greatest(6, length((next_number - 1)::text)), '0') as number`,
    [mainIssuer],
  )
  const [row] = rows
  assert(row !== undefined, `the issuing entity ${mainIssuer} exists`)
  return row
}

async function insertLines(client: Queryable, id: InvoiceId, { plan }: Computed): Promise<void> {
  const { from, to } = plan.period
  for (const { number, rated, meter, eventsWithoutValue, part } of plan.lines) {
    const isWhole = part.from === from && part.to === to
    await client.query(
      `insert into invoice_line (invoice, line, price, description, meter, meter_version, quantity, unit,
                                 unit_amount, amount_minor, events_without_value, kind, part_from, part_to)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
      [
        id,
        number,
        rated.price,
        rated.description,
        meter?.key ?? null,
        meter?.version ?? null,
        formatQuantity(rated.quantity),
        meter?.unit ?? rated.unit,
        rated.unitAmount === null ? null : formatExact(rated.unitAmount),
        rated.amount,
        eventsWithoutValue,
        rated.kind,
        isWhole ? null : formatInstant(part.from),
        isWhole ? null : formatInstant(part.to),
      ],
    )
  }
}

/** Freezes a draft: its lines, its number and its document, after which triggers refuse every change. */
export async function freezeInvoice(
  client: Queryable,
  id: InvoiceId,
  computed: Computed,
  issue: Issue & TakenNumber,
): Promise<InvoiceDocument> {
  const { period, currency, total, totals } = computed.plan
  const document = documentOf(computed, issue)
  await insertLines(client, id, computed)
  await client.query(
    `update invoice
     set status = 'issued', status_at = $2, issued_at = $2, issuing_entity = $3, sequence = $4, number = $5,
         period_from = $6, period_to = $7, currency = $8, total_minor = $9, log_offset = $10, document = $11,
         subtotal_minor = $12, due_minor = $13
     where id = $1`,
    [
      id,
      formatInstant(issue.at),
      mainIssuer,
      issue.sequence,
      issue.number,
      formatInstant(period.from),
      formatInstant(period.to),
      currency,
      total,
      computed.below,
      JSON.stringify(document),
      totals.subtotal,
      totals.due,
    ],
  )
  return document
}

/** An invoice in a list. A draft's total is what it was when somebody last looked at it, at that log offset. */
export interface InvoiceSummary {
  readonly id: InvoiceId
  readonly account: AccountKey
  readonly month: string
  readonly status: InvoiceState
  readonly number: string | null
  readonly issuedAt: Micros | null
  readonly currency: string
  readonly total: string
  readonly logOffset: string
}

interface SummaryRow {
  readonly id: string
  readonly account: string
  readonly month: string
  readonly status: InvoiceState
  readonly number: string | null
  readonly issued_at: string | null
  readonly currency: string
  readonly total: string
  readonly log_offset: string
}

/** Where a page of the list begins: after this invoice. */
export interface ListPosition {
  readonly month: string
  readonly account: string
  readonly id: string
}

export interface ListWanted {
  /** Null: of all accounts (an operator asks). */
  readonly account: AccountKey | null
  readonly month: string | null
  readonly after: ListPosition | null
  readonly most: number
}

/** The newest month first, accounts in the order of their keys. */
export async function selectSummaries(queryable: Queryable, wanted: ListWanted): Promise<readonly InvoiceSummary[]> {
  const { account, month, after, most } = wanted
  const { rows } = await queryable.query<SummaryRow>(
    `select id, account, month, status, number, ${microsOf('issued_at')} as issued_at, currency,
            document ->> 'total' as total, log_offset::text as log_offset
     from invoice
     where ($1::text is null or account = $1) and ($2::text is null or month = $2)
       and ($3::text is null or month < $3 or (month = $3 and (account, id) > ($4, $5)))
     order by month desc, account, id limit $6`,
    [account, month, after?.month ?? null, after?.account ?? null, after?.id ?? null, most],
  )
  return rows.map((row) => ({
    id: row.id as InvoiceId,
    account: row.account as AccountKey,
    month: row.month,
    status: row.status,
    number: row.number,
    issuedAt: readInstant(row.issued_at),
    currency: row.currency,
    total: row.total,
    logOffset: row.log_offset,
  }))
}

/** True when the account's zone and currency can no longer change: an invoice was issued in them. */
export async function hasIssuedInvoice(queryable: Queryable, account: AccountKey): Promise<boolean> {
  const { rows } = await queryable.query('select 1 from invoice where account = $1 and number is not null limit 1', [
    account,
  ])
  return rows.length > 0
}
