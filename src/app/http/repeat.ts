import type { FastifyRequest } from 'fastify'
import { Readable } from 'node:stream'
import { claimWrite, completeWrite, releaseWrite } from '../../account/idempotency.ts'
import type { Claim } from '../../account/idempotency.ts'
import { errorCatalogue } from '../../core/errors.ts'
import type { ErrorCode } from '../../core/errors.ts'
import type { Service } from '../service.ts'
import type { Server } from './routes.ts'
import { principalOf } from './access.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The answer holds the text of a key. */
    readonly secretAnswer?: boolean
  }
  interface FastifyRequest {
    claim: Claim | null
  }
}

function isWorthRetrying(status: number, payload: string): boolean {
  if (status < 400) return false
  const { error } = JSON.parse(payload) as { error?: { code?: string } }
  const code = error?.code ?? 'INTERNAL'
  return status >= 500 || (code in errorCatalogue && errorCatalogue[code as ErrorCode].retry)
}

/** What of an answer may be kept: a key's text is shown once and stored nowhere, also not as an answer. */
function kept(request: FastifyRequest, payload: string): string {
  if (request.routeOptions.config.secretAnswer !== true) return payload
  return JSON.stringify({ ...(JSON.parse(payload) as object), key: null })
}

/**
 * Idempotency-Key on writes (DESIGN §11): the same key and body get the first answer again, another body gets
 * 409. Events do not need it: their identities say what is a repetition.
 */
export function addRepeat(server: Server, { database, world }: Service): void {
  server.decorateRequest('claim', null)
  server.addHook('preHandler', async (request, reply) => {
    const key = request.headers['idempotency-key']
    if (typeof key !== 'string' || request.method === 'GET' || request.principal === null) return
    if (request.body instanceof Readable) return
    const write = {
      principal: principalOf(request).keyId,
      key,
      route: `${request.method} ${request.url}`,
      body: JSON.stringify(request.body ?? null),
    }
    const claimed = await claimWrite(database, write, world.now())
    if (claimed.kind === 'new') {
      request.claim = claimed.claim
      return
    }
    await reply
      .status(claimed.status)
      .header('idempotent-replayed', 'true')
      .header('content-type', 'application/json; charset=utf-8')
      .serializer(String)
      .send(claimed.response)
  })
  server.addHook('onSend', async (request, reply, payload) => {
    const { claim } = request
    if (claim === null) return payload
    request.claim = null
    // A refusal that a retry may turn into a success must not be the answer for ever.
    if (typeof payload !== 'string' || isWorthRetrying(reply.statusCode, payload)) await releaseWrite(database, claim)
    else
      await completeWrite(database, claim, { status: reply.statusCode, response: kept(request, payload) }, world.now())
    return payload
  })
}
