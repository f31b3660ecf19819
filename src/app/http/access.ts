import type { FastifyRequest } from 'fastify'
import { requireAccount, requireScope } from '../../account/authenticate.ts'
import type { Principal } from '../../account/authenticate.ts'
import type { Scope } from '../../account/keys.ts'
import { Refusal } from '../../core/errors.ts'
import type { AccountKey } from '../../core/ids.ts'
import { assert } from '../../core/result.ts'
import type { Service } from '../service.ts'
import type { Server } from './routes.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a key needs for this route. A route under /v1 without it does not start. */
    readonly scope?: Scope
  }
  interface FastifyRequest {
    principal: Principal | null
  }
}

function bearerOf(request: FastifyRequest): string | null {
  const header = request.headers.authorization
  const match = header === undefined ? null : /^Bearer\s+(\S+)\s*$/i.exec(header)
  return match?.[1] ?? null
}

/** L11: nobody reaches a route under /v1 without a key that may use it. */
export function addAccess(server: Server, service: Service): void {
  server.decorateRequest('principal', null)
  server.addHook('onRoute', ({ url, config }) => {
    assert(!url.startsWith('/v1/') || config?.scope !== undefined, `route ${url} says which scope it needs`)
  })
  server.addHook('onRequest', async (request) => {
    const { scope } = request.routeOptions.config
    if (scope === undefined) return
    const found = await service.authenticator.authenticate(bearerOf(request))
    if (!found.ok) throw new Refusal(found.error.code, found.error.message)
    requireScope(found.value, scope)
    request.principal = found.value
  })
}

export function principalOf(request: FastifyRequest): Principal {
  assert(request.principal !== null, 'the route is behind a key')
  return request.principal
}

/** The account that a request is about: the one asked for if the caller may see it, or the caller's own. */
export function accountOf(request: FastifyRequest, asked: AccountKey | undefined): AccountKey {
  const principal = principalOf(request)
  const account = asked ?? principal.account
  if (account === null)
    throw new Refusal('REQUEST_INVALID', 'account is required: the key of the account that is asked about')
  requireAccount(principal, account)
  return account
}

/** For what concerns the whole installation: a customer's key never gets here. */
export function requireOperator(request: FastifyRequest): Principal {
  const principal = principalOf(request)
  if (principal.account !== null) {
    throw new Refusal(
      'ACCOUNT_FORBIDDEN',
      `key ${principal.keyId} belongs to one account; this is about the whole installation`,
    )
  }
  return principal
}
