import { z } from 'zod'
import { addMeter, findMeter, listMeters, meterDocument } from '../../meter/catalogue.ts'
import type { Service } from '../service.ts'
import { requireOperator } from './access.ts'
import type { Server } from './routes.ts'

/** Meters: definitions that turn events into quantities. */
export function addMeterRoutes(server: Server, { database, world }: Service): void {
  server.get(
    '/v1/meters',
    { config: { scope: 'usage:read' }, schema: { summary: 'All meters, newest versions' } },
    async () => {
      return { meters: (await listMeters(database)).map(meterDocument) }
    },
  )
  server.get(
    '/v1/meters/:key',
    { config: { scope: 'usage:read' }, schema: { summary: 'One meter', params: z.object({ key: z.string() }) } },
    async (request) => meterDocument(await findMeter(database, request.params.key)),
  )
  server.post(
    '/v1/meters',
    {
      config: { scope: 'billing:write' },
      schema: { summary: 'Add a meter, or a new version of one', body: z.record(z.string(), z.unknown()) },
    },
    async (request, reply) => {
      const by = requireOperator(request).name
      const added = await addMeter(database, request.body, { at: world.now(), by, draft: false })
      return reply.status(201).send(meterDocument(added.meter))
    },
  )
}
