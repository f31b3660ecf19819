import { Refusal } from '../core/errors.ts'
import type { Problem } from '../core/errors.ts'
import type { AccountKey } from '../core/ids.ts'
import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { formatInstant, secondMicros } from '../core/time.ts'
import type { Clock, Micros } from '../core/time.ts'
import { isKeyText, keyHash } from './api-key.ts'
import type { Queryable } from './database.ts'
import { findKeyByHash } from './keys.ts'
import type { ApiKey, Scope } from './keys.ts'

/** Who calls, and what they may do. */
export interface Principal {
  readonly keyId: string
  readonly name: string
  readonly scopes: ReadonlySet<Scope>
  /** A customer sees this account and no other (L11); null sees all. */
  readonly account: AccountKey | null
}

/** A revoked key is refused at the latest `cacheMicros` after its revocation, in every process. */
export const limits = { cacheMicros: 5 * secondMicros, cachedKeysMax: 10_000 } as const

export interface Authenticator {
  authenticate(text: string | null): Promise<Result<Principal, Problem>>
  /** Forgets what is cached, so that a revocation by this process takes effect at once. */
  forget(): void
}

interface Cached {
  readonly until: Micros
  readonly found: Promise<Known | null>
}

interface Known {
  readonly key: ApiKey
  readonly principal: Principal
}

const invalid: Problem = {
  code: 'KEY_INVALID',
  message: 'this is not a key of this installation; check that it was copied completely',
}

/**
 * Tells who a key belongs to. Only hashes are compared and kept. Text that cannot be a key is refused without
 * asking the database; answers, also "unknown", are kept for a few seconds in a bounded cache (L12).
 */
export function authenticator(queryable: Queryable, clock: Clock): Authenticator {
  const cache = new Map<string, Cached>()
  return {
    forget: () => cache.clear(),
    async authenticate(text) {
      if (text === null || text === '')
        return fail({ code: 'KEY_MISSING', message: 'send a key as "Authorization: Bearer cf_…"' })
      if (!isKeyText(text)) return fail(invalid)
      const now = clock.now()
      const known = await lookUp(queryable, cache, keyHash(text), now)
      return known === null ? fail(invalid) : usable(known, now)
    },
  }
}

/** Requests with the same key that arrive together share one question. */
function lookUp(queryable: Queryable, cache: Map<string, Cached>, sha256: Buffer, now: Micros): Promise<Known | null> {
  const name = sha256.toString('latin1')
  const cached = cache.get(name)
  if (cached !== undefined && now < cached.until) return cached.found
  cache.delete(name)
  // A Map keeps the order of insertion: the first entry is the oldest.
  for (const oldest of cache.keys()) {
    if (cache.size < limits.cachedKeysMax) break
    cache.delete(oldest)
  }
  const found = findKeyByHash(queryable, sha256).then((key) =>
    key === null ? null : { key, principal: principalOf(key) },
  )
  const entry = { until: (now + limits.cacheMicros) as Micros, found }
  cache.set(name, entry)
  // A question that failed is asked again next time.
  found.catch(() => {
    if (cache.get(name) === entry) cache.delete(name)
  })
  return found
}

function principalOf(key: ApiKey): Principal {
  return { keyId: key.id, name: key.name, scopes: new Set(key.scopes), account: key.account }
}

function usable({ key, principal }: Known, now: Micros): Result<Principal, Problem> {
  if (key.revokedAt !== null)
    return fail({ code: 'KEY_REVOKED', message: `key ${key.id} was revoked at ${formatInstant(key.revokedAt)}` })
  if (key.expiresAt !== null && key.expiresAt <= now)
    return fail({ code: 'KEY_REVOKED', message: `key ${key.id} expired at ${formatInstant(key.expiresAt)}` })
  return ok(principal)
}

/** Refuses with SCOPE_MISSING when the caller may not do this. */
export function requireScope(principal: Principal, scope: Scope): void {
  if (principal.scopes.has(scope) || principal.scopes.has('admin')) return
  throw new Refusal('SCOPE_MISSING', `key ${principal.keyId} lacks the scope ${scope}; use a key that has it`)
}

/** L11: refuses with ACCOUNT_FORBIDDEN when the caller may not see this account, whether it exists or not. */
export function requireAccount(principal: Principal, account: AccountKey): void {
  if (principal.account === null || principal.account === account) return
  throw new Refusal('ACCOUNT_FORBIDDEN', `key ${principal.keyId} belongs to another account and sees only that one`)
}
