import { z } from 'zod'
import type { InvoiceDesk } from '../../invoice/desk.ts'
import { findInvoice } from '../../invoice/desk.ts'
import { driftJson, driftOf } from '../../invoice/drift.ts'
import { findMeter } from '../../meter/catalogue.ts'
import type { Service } from '../service.ts'
import { principalOf } from './access.ts'
import type { Server } from './routes.ts'

/** GET /v1/invoices/{id}/drift: what came later than an invoice, and would make it another one. */
export function addDriftRoutes(server: Server, { database, readUsage }: Service, desk: InvoiceDesk): void {
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
        findMeter: (key: string, version: number) => findMeter(database, key, version),
      }
      return driftJson(await driftOf(source, invoice, await desk.countedBelow()))
    },
  )
}
