import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { Refusal } from '../../core/errors.ts'
import type { Problem } from '../../core/errors.ts'
import type { Result } from '../../core/result.ts'
import { draftInvoice, findInvoice, issueInvoice } from '../../invoice/desk.ts'
import type { InvoiceDesk } from '../../invoice/desk.ts'
import { invoiceJson } from '../../invoice/document.ts'
import type { Invoice } from '../../invoice/document.ts'
import { listInvoices, summaryJson } from '../../invoice/list.ts'
import { invoicePage } from '../../invoice/page.ts'
import { parseDraftRequest, parseIssueRequest } from '../../invoice/request.ts'
import { accountOf, principalOf, requireOperator } from './access.ts'
import { accountKey, pageSize } from './schema.ts'
import type { Server } from './routes.ts'

function given<T>(parsed: Result<T, readonly Problem[]>): T {
  if (parsed.ok) return parsed.value
  throw new Refusal('REQUEST_INVALID', 'the request has problems', { problems: parsed.error })
}

function viewerOf(request: FastifyRequest): { account: ReturnType<typeof principalOf>['account'] } {
  return { account: principalOf(request).account }
}

/** L11: which sources there are is the operator's business; a customer learns that something may be missing. */
function shownTo(request: FastifyRequest, invoice: Invoice): Invoice {
  const { document } = invoice
  if (principalOf(request).account === null || document.completeness.complete) return invoice
  const completeness = { complete: false, reasons: ['some of the usage may not have arrived'] }
  return { ...invoice, document: { ...document, completeness } }
}

const params = z.object({ id: z.string() })
const document = z.record(z.string(), z.unknown())

function addList(server: Server, desk: InvoiceDesk): void {
  server.get(
    '/v1/invoices',
    {
      config: { scope: 'billing:read' },
      schema: {
        summary: 'Drafts and invoices, the newest month first',
        querystring: z.object({
          account: accountKey.optional(),
          month: z.string().optional(),
          after: z.string().optional(),
          limit: pageSize,
        }),
      },
    },
    async (request) => {
      const { account, month, after, limit } = request.query
      const own = principalOf(request).account
      const whose = account === undefined && own === null ? null : accountOf(request, account)
      const page = await listInvoices(desk.database, { account: whose, month, after, limit })
      return { invoices: page.invoices.map(summaryJson), next: page.next }
    },
  )
}

function addDocuments(server: Server, desk: InvoiceDesk): void {
  server.post(
    '/v1/invoices',
    {
      config: { scope: 'billing:read' },
      schema: { summary: 'The draft of an account’s month, computed now', body: document },
    },
    async (request) => {
      const wanted = given(parseDraftRequest(request.body))
      accountOf(request, wanted.account as never)
      return invoiceJson(shownTo(request, await draftInvoice(desk, wanted)))
    },
  )
  server.get(
    '/v1/invoices/:id',
    {
      config: { scope: 'billing:read' },
      schema: { summary: 'An invoice by id or number, with its explanation', params },
    },
    async (request) => invoiceJson(shownTo(request, await findInvoice(desk, request.params.id, viewerOf(request)))),
  )
  server.get(
    '/v1/invoices/:id/html',
    { config: { scope: 'billing:read' }, schema: { summary: 'The invoice as a printable page', params } },
    async (request, reply) =>
      reply
        .type('text/html; charset=utf-8')
        .serializer(String)
        .send(
          invoicePage(shownTo(request, await findInvoice(desk, request.params.id, viewerOf(request))), {
            now: desk.clock.now(),
          }),
        ),
  )
}

function addIssue(server: Server, desk: InvoiceDesk): void {
  server.post(
    '/v1/invoices/:id/issue',
    {
      config: { scope: 'billing:write' },
      schema: {
        summary: 'Issue a draft: checks the gates, takes the next number, freezes it',
        params,
        body: document.nullish(),
      },
    },
    async (request) => {
      requireOperator(request)
      const { waiver } = given(parseIssueRequest(request.body))
      return invoiceJson(await issueInvoice(desk, request.params.id, { waiver, viewer: viewerOf(request) }))
    },
  )
}

/** Drafts and invoices. A draft is computed each time it is shown; an issued invoice never changes (L6). */
export function addInvoiceRoutes(server: Server, desk: InvoiceDesk): void {
  addList(server, desk)
  addDocuments(server, desk)
  addIssue(server, desk)
}
