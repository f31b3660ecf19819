import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { limits } from '../../ingest/body.ts'
import { receive } from '../../ingest/receive.ts'
import { payersOf } from '../ownership-door.ts'
import type { Service } from '../service.ts'
import { principalOf } from './access.ts'
import { leaveBodiesUnread } from './event-body.ts'
import type { EventBodies } from './event-body.ts'
import type { Server } from './routes.ts'

const receiptSchema = z.object({
  batch: z.string(),
  received: z.number(),
  accepted: z.number(),
  duplicates: z.number(),
  quarantined: z.number(),
  results: z.array(
    z.object({
      index: z.number(),
      status: z.enum(['duplicate', 'quarantined']),
      code: z.string(),
      message: z.string(),
      field: z.string().optional(),
    }),
  ),
})

/** POST /v1/events: its body is read by ingest itself, as a stream, within ingest's limits. */
function addIngest(server: Server, service: Service, bodies: EventBodies): void {
  void server.register((scope, _options, done) => {
    leaveBodiesUnread(scope)
    scope.post(
      '/v1/events',
      {
        config: { scope: 'events:write' },
        bodyLimit: limits.bodyBytesMax,
        schema: {
          summary: 'Send events',
          description:
            'One event, an array of events, one event per line (application/x-ndjson), or CloudEvents 1.0 (structured, binary, batch); plain, gzip or zstd. ' +
            'Answers when every accepted event is durable, with what happened to each that was not accepted.',
          response: { 200: receiptSchema },
        },
      },
      async (request: FastifyRequest, reply) => {
        const { account, keyId } = principalOf(request)
        const { ownership, world, append, ip } = service
        const receipt = await bodies.taken(request, reply, ({ body, contentType }) =>
          receive(body, contentType, {
            now: world.now(),
            ...payersOf(ownership),
            append,
            boundTo: account,
            describeAddress: ip.describe,
            sender: keyId,
          }),
        )
        return reply.send(receipt)
      },
    )
    done()
  })
}

export function addEventRoutes(server: Server, service: Service, bodies: EventBodies): void {
  addIngest(server, service, bodies)
}
