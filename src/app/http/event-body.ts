import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Readable } from 'node:stream'
import { Refusal } from '../../core/errors.ts'
import { BodyBudget, readBody } from '../../ingest/body.ts'
import type { BodyRoom } from '../../ingest/body.ts'
import { structuredForm } from '../../ingest/cloud-event.ts'
import { principalOf } from './access.ts'
import type { Server } from './routes.ts'

/** A body of events as ingest reads it: decoded, and a CloudEvent in binary mode in its structured form. */
export interface EventBody {
  readonly body: Buffer
  readonly contentType: string | undefined
}

/** The routes of a scope get their bodies as streams: ingest reads them itself, within its own limits. */
export function leaveBodiesUnread(scope: Pick<Server, 'removeAllContentTypeParsers' | 'addContentTypeParser'>): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', (_request, payload, parsed) => parsed(null, payload))
}

function isTruncated(error: unknown): boolean {
  return error instanceof Refusal && error.code === 'BODY_TRUNCATED'
}

function eventBodyOf(request: FastifyRequest, body: Buffer): EventBody {
  const structured = structuredForm(request.headers, body)
  return structured === null
    ? { body, contentType: request.headers['content-type'] }
    : { body: structured, contentType: 'application/cloudevents+json' }
}

/**
 * Bodies of events of every route that takes some. One for a server: the room of all bodies is one bound, and so is
 * each sender's share of it, whichever route they come by (L12).
 */
export class EventBodies {
  readonly #budget = new BodyBudget()

  /** Reads the request's body, hands it over, and gives its room back when that is done. */
  async taken<T>(
    request: FastifyRequest,
    reply: FastifyReply,
    take: (body: EventBody) => Promise<T>,
  ): Promise<Awaited<T>> {
    if (request.body === undefined || request.body === null) throw new Refusal('BODY_EMPTY', 'the request has no body')
    const { account, keyId } = principalOf(request)
    // All keys of a customer are one sender; an operator's are one each.
    const room = this.#budget.of(account === null ? `key ${keyId}` : `account ${account}`)
    const body = await this.#read(request, reply, room)
    try {
      return await take(eventBodyOf(request, body))
    } finally {
      room.give(body.length)
    }
  }

  async #read(request: FastifyRequest, reply: FastifyReply, room: BodyRoom): Promise<Buffer> {
    try {
      return await readBody(request.body as Readable, request.headers['content-encoding'], room)
    } catch (error) {
      // Behind half a body there is no next request.
      if (isTruncated(error) && !request.raw.complete) void reply.header('connection', 'close')
      throw error
    }
  }
}
