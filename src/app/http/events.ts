import type { FastifyRequest } from 'fastify'
import type { Readable } from 'node:stream'
import { z } from 'zod'
import { BodyBudget, limits, readBody } from '../../ingest/body.ts'
import { structuredForm } from '../../ingest/cloud-event.ts'
import { receive } from '../../ingest/receive.ts'
import { Refusal } from '../../core/errors.ts'
import type { Service } from '../service.ts'
import { principalOf } from './access.ts'
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

function isTruncated(error: unknown): boolean {
  return error instanceof Refusal && error.code === 'BODY_TRUNCATED'
}

/** POST /v1/events: its body is read by ingest itself, as a stream, within ingest's limits. */
function addIngest(server: Server, service: Service): void {
  const budget = new BodyBudget()
  void server.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, payload, parsed) => parsed(null, payload))
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
        const { 'content-type': contentType, 'content-encoding': encoding } = request.headers
        if (request.body === undefined || request.body === null)
          throw new Refusal('BODY_EMPTY', 'the request has no body')
        const { account, keyId } = principalOf(request)
        // All keys of a customer are one sender; an operator's are one each.
        const room = budget.of(account === null ? `key ${keyId}` : `account ${account}`)
        const body = await readBody(request.body as Readable, encoding, room).catch((error: unknown) => {
          // Behind half a body there is no next request.
          if (isTruncated(error) && !request.raw.complete) void reply.header('connection', 'close')
          throw error
        })
        try {
          const structured = structuredForm(request.headers, body)
          const mediaType = structured === null ? contentType : 'application/cloudevents+json'
          const receipt = await receive(structured ?? body, mediaType, {
            now: service.world.now(),
            ownerAt: (endpoint, time) => service.ownership.ownerAt(endpoint, time),
            append: service.append,
            boundTo: account,
            sender: keyId,
          })
          return await reply.send(receipt)
        } finally {
          room.give(body.length)
        }
      },
    )
    done()
  })
}

export function addEventRoutes(server: Server, service: Service): void {
  addIngest(server, service)
}
