import { z } from 'zod'
import type { Offset } from '../../core/ids.ts'
import type { InvoiceDesk } from '../../invoice/desk.ts'
import { findInvoice } from '../../invoice/desk.ts'
import { driftJson, driftOf, isDrifted } from '../../invoice/drift.ts'
import type { Drift } from '../../invoice/drift.ts'
import { listInvoices } from '../../invoice/list.ts'
import type { InvoicePage } from '../../invoice/list.ts'
import { findMeter } from '../../meter/catalogue.ts'
import { sharedUsageReader } from '../../meter/usage.ts'
import type { ReadUsage } from '../../meter/usage.ts'
import type { Service } from '../service.ts'
import { accountOf, principalOf } from './access.ts'
import type { Server } from './routes.ts'
import { accountKey } from './schema.ts'

/** Invoices that one request looks at: each is counted and priced again. */
export const limits = { lookedAtMax: 200, lookedAt: 100 } as const

/** The drift of each issued invoice of a page, one after the other. */
async function driftsOf(
  { database }: Service,
  desk: InvoiceDesk,
  page: InvoicePage,
  { readUsage, below }: { readonly readUsage: ReadUsage; readonly below: Offset },
): Promise<Drift[]> {
  const source = {
    database,
    readUsage,
    findMeter: (key: string, version: number | undefined) => findMeter(database, key, version),
  }
  const drifts: Drift[] = []
  for (const { id, number, status } of page.invoices)
    if (number !== null && status !== 'void')
      drifts.push(await driftOf(source, await findInvoice(desk, id, { account: null }), below))
  return drifts
}

function addList(server: Server, service: Service, desk: InvoiceDesk): void {
  server.get(
    '/v1/drift',
    {
      config: { scope: 'billing:read' },
      schema: {
        summary: 'Issued invoices of a month that would be other ones if they were issued now',
        description:
          'Each as GET /v1/invoices/{id}/drift answers it, without those that are as issued. `looked_at` says how many issued invoices this page ' +
          'is about; go on with `next` while it is not null.',
        querystring: z.object({
          month: z.string(),
          account: accountKey.optional(),
          after: z.string().optional(),
          limit: z.coerce.number().int().min(1).max(limits.lookedAtMax).default(limits.lookedAt),
        }),
      },
    },
    async (request) => {
      const { account, month, after, limit } = request.query
      const own = principalOf(request).account
      const whose = account === undefined && own === null ? null : accountOf(request, account)
      const page = await listInvoices(service.database, { account: whose, month, after, limit })
      // L11: a question about all accounts at once is an operator's.
      const readUsage = whose === null ? sharedUsageReader(service.engine) : service.readUsage
      const drifts = await driftsOf(service, desk, page, { readUsage, below: await desk.countedBelow() })
      return { invoices: drifts.filter(isDrifted).map(driftJson), looked_at: drifts.length, next: page.next }
    },
  )
}

function addOne(server: Server, { database, readUsage }: Service, desk: InvoiceDesk): void {
  server.get(
    '/v1/invoices/:id/drift',
    {
      config: { scope: 'billing:read' },
      schema: {
        summary: 'How an issued invoice differs from what would be issued now',
        description:
          'Late events and corrections never change an issued invoice. Here its lines are counted again with everything that is known now, and ' +
          'priced as they were priced then. Differences are now minus issued.',
        params: z.object({ id: z.string() }),
      },
    },
    async (request) => {
      const { account } = principalOf(request)
      const invoice = await findInvoice(desk, request.params.id, { account })
      const source = {
        database,
        readUsage,
        findMeter: (key: string, version: number | undefined) => findMeter(database, key, version),
      }
      return driftJson(await driftOf(source, invoice, await desk.countedBelow()))
    },
  )
}

/** What came later than an invoice, and would make it another one: of one invoice, and of those of a month. */
export function addDriftRoutes(server: Server, service: Service, desk: InvoiceDesk): void {
  addList(server, service, desk)
  addOne(server, service, desk)
}
