import { ServiceError } from '../../collect/service.ts'
import type { InvoiceId } from '../../core/ids.ts'
import type { Invoice, InvoiceDocument } from '../../invoice/document.ts'
import type { UsageQuery } from '../../invoice/explain.ts'
import type { InvoiceState } from '../../invoice/state.ts'
import type { Client } from './client.ts'

// What the command asks of the service. The shapes are those of the routes; an answer that has another one
// does not come from this version of crossfoot.

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(answer: unknown, ...needed: readonly string[]): Fields {
  const fields = (typeof answer === 'object' && answer !== null ? answer : {}) as Fields
  const missing = needed.filter((name) => fields[name] === undefined)
  if (missing.length === 0) return fields
  throw new ServiceError('ANSWER_UNCLEAR', `the service's answer has no ${missing.join(', ')}; is it another version?`)
}

function queryOf(values: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) if (value !== undefined) query.set(name, value)
  return query.size === 0 ? '' : `?${query.toString()}`
}

/** All pages of a list, one after the other. */
async function* pages(
  client: Client,
  path: string,
  values: Readonly<Record<string, string | undefined>>,
): AsyncGenerator<Fields> {
  let after: string | undefined
  do {
    const page = fieldsOf(await client.getJson(path + queryOf({ ...values, after })))
    yield page
    after = typeof page['next'] === 'string' ? page['next'] : undefined
  } while (after !== undefined)
}

/** An invoice in a list, as `summaryJson` writes it. */
export interface ListedInvoice {
  readonly id: string
  readonly status: InvoiceState
  readonly number: string | null
  readonly account: string
  readonly month: string
  readonly currency: string
  readonly total: string
}

export async function listInvoices(
  client: Client,
  wanted: { readonly account: string | undefined; readonly month: string | undefined },
): Promise<readonly ListedInvoice[]> {
  const invoices: ListedInvoice[] = []
  for await (const page of pages(client, '/v1/invoices', { ...wanted }))
    invoices.push(...(fieldsOf(page, 'invoices')['invoices'] as ListedInvoice[]))
  return invoices
}

/** The keys of all accounts that are billed. */
export async function billableAccounts(client: Client): Promise<readonly string[]> {
  const keys: string[] = []
  for await (const page of pages(client, '/v1/accounts', {})) {
    const accounts = fieldsOf(page, 'accounts')['accounts'] as readonly { key: string; billable: boolean }[]
    keys.push(...accounts.filter(({ billable }) => billable).map(({ key }) => key))
  }
  return keys
}

function invoiceOf(answer: unknown): Invoice {
  const { id, status, ...document } = fieldsOf(answer, 'id', 'status', 'lines', 'total', 'period', 'currency')
  return { id: id as InvoiceId, status: status as InvoiceState, document: document as unknown as InvoiceDocument }
}

/** The draft or invoice of an account's month. */
export async function draftOf(
  client: Client,
  { account, month }: { readonly account: string; readonly month: string },
): Promise<Invoice> {
  return invoiceOf(await client.postJson('/v1/invoices', { account, month }))
}

export async function getInvoice(client: Client, idOrNumber: string): Promise<Invoice> {
  return invoiceOf(await client.getJson(`/v1/invoices/${encodeURIComponent(idOrNumber)}`))
}

export interface WaiverBody {
  readonly by: string
  readonly reason: string
  readonly value_at_risk?: string
}

export async function issue(client: Client, id: string, waiver: WaiverBody | undefined): Promise<Invoice> {
  const body = waiver === undefined ? {} : { waiver }
  return invoiceOf(await client.postJson(`/v1/invoices/${encodeURIComponent(id)}/issue`, body))
}

export interface UsageAnswer {
  readonly unit: string
  readonly additive: boolean
  readonly rows: readonly {
    readonly from: string
    readonly quantity: string | null
    readonly events_without_value: string
  }[]
  readonly total: string | null
}

/** The hours of a meter, from the function that the invoice was computed with (L9). */
export async function hoursOf(client: Client, query: UsageQuery): Promise<UsageAnswer> {
  const answer = fieldsOf(await client.getJson(`/v1/usage${queryOf({ ...query, window: 'hour' })}`), 'rows', 'total')
  return answer as unknown as UsageAnswer
}

export interface EventsAnswer {
  readonly events: readonly Fields[]
  /** There are more than were asked for. */
  readonly more: boolean
}

const eventsPage = 1_000

/** The first events of a meter, page by page up to the limit. */
export async function eventsOf(client: Client, query: UsageQuery, most: number): Promise<EventsAnswer> {
  const { timezone: _, ...asked } = query
  const events: Fields[] = []
  let cursor: string | undefined
  do {
    const limit = `${Math.min(eventsPage, most - events.length)}`
    const path = `/v1/usage/events${queryOf({ ...asked, limit, cursor })}`
    const page = fieldsOf(await client.getJson(path), 'events')
    events.push(...(page['events'] as readonly Fields[]))
    cursor = typeof page['cursor'] === 'string' ? page['cursor'] : undefined
  } while (cursor !== undefined && events.length < most)
  return { events, more: cursor !== undefined }
}
