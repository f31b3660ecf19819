import type { FastifyRequest } from 'fastify'
import type { Readable } from 'node:stream'
import { z } from 'zod'
import { BodyBudget, limits, readBody } from '../../ingest/body.ts'
import { receive } from '../../ingest/receive.ts'
import { Refusal } from '../../core/errors.ts'
import type { Service } from '../service.ts'
import { principalOf, requireOperator } from './access.ts'
import { pageSize } from './schema.ts'
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
            'One event, an array of events, or one event per line (application/x-ndjson); plain, gzip or zstd. ' +
            'Answers when every accepted event is durable, with what happened to each that was not accepted.',
          response: { 200: receiptSchema },
        },
      },
      async (request: FastifyRequest, reply) => {
        const { 'content-type': contentType, 'content-encoding': encoding } = request.headers
        if (request.body === undefined || request.body === null)
          throw new Refusal('BODY_EMPTY', 'the request has no body')
        const body = await readBody(request.body as Readable, encoding, budget)
        try {
          const receipt = await receive(body, contentType, {
            now: service.world.now(),
            ownerAt: (endpoint, time) => service.ownership.ownerAt(endpoint, time),
            append: service.append,
            boundTo: principalOf(request).account,
            sender: principalOf(request).keyId,
          })
          return await reply.send(receipt)
        } finally {
          budget.give(body.length)
        }
      },
    )
    done()
  })
}

function addBalance(server: Server, { log }: Service): void {
  server.get(
    '/v1/balance',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'What became of everything received, by source and day of arrival',
        description: 'received = accepted + duplicates + quarantined, always.',
        querystring: z.object({ after: z.string().optional(), limit: pageSize }),
      },
    },
    async (request) => {
      requireOperator(request)
      const { after, limit } = request.query
      // The day holds no `|`, so the last one stands before it, whatever the source is called.
      const place = after?.replace(/\|(?=[^|]*$)/, '\0') ?? null
      const rows = await log.balances({ after: place, most: limit })
      const last = rows.at(-1)
      return {
        rows: rows.map(({ source, day, received, accepted, duplicates, quarantined }) => ({
          source,
          day,
          received: String(received),
          accepted: String(accepted),
          duplicates: String(duplicates),
          quarantined: String(quarantined),
        })),
        next: rows.length < limit || last === undefined ? null : `${last.source}|${last.day}`,
      }
    },
  )
  server.get(
    '/v1/quarantine',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'What is held aside, newest first, each with its reason',
        querystring: z.object({ before: z.coerce.number().int().min(0).optional(), limit: pageSize }),
      },
    },
    async (request) => {
      requireOperator(request)
      const { before, limit } = request.query
      const { rows, next } = await log.held({ before: before ?? null, most: limit })
      return { total: Number((await log.heldTotals()).held), rows, next }
    },
  )
}

export function addEventRoutes(server: Server, service: Service): void {
  addIngest(server, service)
  addBalance(server, service)
}
