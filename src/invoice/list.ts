import type { Queryable } from '../account/database.ts'
import { Refusal } from '../core/errors.ts'
import type { AccountKey } from '../core/ids.ts'
import { formatInstant } from '../core/time.ts'
import { selectSummaries } from './invoice-table.ts'
import type { InvoiceSummary, ListPosition } from './invoice-table.ts'

export const limits = { pageRowsMax: 1_000, pageRows: 100 } as const

export interface InvoiceListRequest {
  /** Null: the invoices of all accounts (an operator asks). */
  readonly account: AccountKey | null
  readonly month?: string | undefined
  /** `next` of the page before. */
  readonly after?: string | undefined
  readonly limit?: number | undefined
}

export interface InvoicePage {
  readonly invoices: readonly InvoiceSummary[]
  /** Hand it in as `after` for the next page; null on the last one. */
  readonly next: string | null
}

/** Neither months, account keys nor ids contain this character. */
const separator = '|'

function positionOf(cursor: string | undefined): ListPosition | null {
  if (cursor === undefined) return null
  const [month, account, id, ...more] = cursor.split(separator)
  if (month === undefined || account === undefined || id === undefined || more.length > 0)
    throw new Refusal('REQUEST_INVALID', 'after is not a cursor that was given out')
  return { month, account, id }
}

function checkedMonth(month: string | undefined): string | null {
  if (month === undefined) return null
  if (/^\d{4}-(0[1-9]|1[0-2])$/.test(month)) return month
  throw new Refusal('REQUEST_INVALID', `month ${JSON.stringify(month.slice(0, 20))} is not a month such as 2026-11`)
}

/** Drafts and invoices, the newest month first. A page stays right while invoices are added. */
export async function listInvoices(queryable: Queryable, request: InvoiceListRequest): Promise<InvoicePage> {
  const limit = request.limit ?? limits.pageRows
  if (!Number.isInteger(limit) || limit < 1 || limit > limits.pageRowsMax)
    throw new Refusal('REQUEST_INVALID', `limit is a whole number from 1 to ${limits.pageRowsMax}`)
  const rows = await selectSummaries(queryable, {
    account: request.account,
    month: checkedMonth(request.month),
    after: positionOf(request.after),
    most: limit + 1,
  })
  const invoices = rows.slice(0, limit)
  const last = invoices.at(-1)
  const next = rows.length > limit && last !== undefined ? [last.month, last.account, last.id].join(separator) : null
  return { invoices, next }
}

/** A row of the list as the API answers it. */
export function summaryJson(summary: InvoiceSummary): object {
  return {
    id: summary.id,
    status: summary.status,
    number: summary.number,
    issued_at: summary.issuedAt === null ? null : formatInstant(summary.issuedAt),
    account: summary.account,
    month: summary.month,
    currency: summary.currency,
    total: summary.total,
    log_offset: summary.logOffset,
  }
}
