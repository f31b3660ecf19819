import { Refusal } from '../core/errors.ts'
import type { AccountKey } from '../core/ids.ts'
import { formatInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { getAccount } from './accounts.ts'
import { keyHash, newKeyText, randomText } from './api-key.ts'
import type { RandomBytes } from './api-key.ts'
import { microsOf, readInstant } from './database.ts'
import type { Queryable } from './database.ts'

export const scopes = ['events:write', 'usage:read', 'billing:read', 'billing:write', 'admin'] as const
/** What a key may do; `admin` may do everything. */
export type Scope = (typeof scopes)[number]

/** What is known about a key; the key itself is not. */
export interface ApiKey {
  readonly id: string
  readonly name: string
  readonly scopes: readonly Scope[]
  /** A customer's key sees this account and no other (L11); null sees all. */
  readonly account: AccountKey | null
  readonly createdAt: Micros
  readonly expiresAt: Micros | null
  readonly revokedAt: Micros | null
}

export interface NewKey {
  readonly name: string
  readonly scopes: readonly string[]
  readonly account?: AccountKey | null
  readonly expiresAt?: Micros | null
}

/** What a new key takes from outside, so that a seed replays it. */
export interface KeyOrigin {
  readonly now: Micros
  readonly random: RandomBytes
  /** The text, where it had to be known before; otherwise a new one. */
  readonly text?: string
}

interface KeyRow {
  readonly id: string
  readonly name: string
  readonly scopes: Scope[]
  readonly account: string | null
  readonly created_at: string
  readonly expires_at: string | null
  readonly revoked_at: string | null
}

const columns = `id, name, scopes, account, ${microsOf('created_at')} as created_at,
  ${microsOf('expires_at')} as expires_at, ${microsOf('revoked_at')} as revoked_at`

function apiKeyOf(row: KeyRow): ApiKey {
  return {
    id: row.id,
    name: row.name,
    scopes: row.scopes,
    account: row.account as AccountKey | null,
    createdAt: readInstant(row.created_at),
    expiresAt: readInstant(row.expires_at),
    revokedAt: readInstant(row.revoked_at),
  }
}

/** Creates a key and returns its text: the only time that anybody sees it. */
export async function createKey(
  queryable: Queryable,
  key: NewKey,
  origin: KeyOrigin,
): Promise<{ readonly key: ApiKey; readonly text: string }> {
  const { now, random, text = newKeyText(random) } = origin
  await checkNewKey(queryable, key, now)
  const { rows } = await queryable.query<KeyRow>(
    `insert into api_key (id, name, sha256, scopes, account, created_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7)
     returning ${columns}`,
    [
      `key_${randomText(16, random)}`,
      key.name,
      keyHash(text),
      [...new Set(key.scopes)],
      key.account ?? null,
      formatInstant(now),
      key.expiresAt === undefined || key.expiresAt === null ? null : formatInstant(key.expiresAt),
    ],
  )
  const [row] = rows
  if (row === undefined) throw new Error('the new key was not returned')
  return { key: apiKeyOf(row), text }
}

async function checkNewKey(queryable: Queryable, key: NewKey, now: Micros): Promise<void> {
  if (key.name === '' || key.name.length > 200) throw new Refusal('REQUEST_INVALID', 'name has 1 to 200 characters')
  const known: readonly string[] = scopes
  const unknown = key.scopes.filter((scope) => !known.includes(scope))
  if (key.scopes.length === 0 || unknown.length > 0)
    throw new Refusal('REQUEST_INVALID', `scopes are one or more of ${scopes.join(', ')}`)
  if (key.expiresAt !== undefined && key.expiresAt !== null && key.expiresAt <= now)
    throw new Refusal('REQUEST_INVALID', 'expires_at lies in the future')
  if (key.account === undefined || key.account === null) return
  if (key.scopes.includes('admin'))
    throw new Refusal('REQUEST_INVALID', 'a key of one account cannot be an admin key; leave one of the two out')
  await getAccount(queryable, key.account)
}

/** All keys, the newest first; revoked ones stay listed. */
export async function listKeys(queryable: Queryable): Promise<readonly ApiKey[]> {
  const { rows } = await queryable.query<KeyRow>(`select ${columns} from api_key order by api_key.created_at desc, id`)
  return rows.map(apiKeyOf)
}

/** Revokes a key for good; false when there is none of this id. Doing it again keeps the first time. */
export async function revokeKey(queryable: Queryable, id: string, now: Micros): Promise<boolean> {
  const { rowCount } = await queryable.query('update api_key set revoked_at = coalesce(revoked_at, $2) where id = $1', [
    id,
    formatInstant(now),
  ])
  return rowCount === 1
}

/** The key that has this hash, or null. */
export async function findKeyByHash(queryable: Queryable, sha256: Buffer): Promise<ApiKey | null> {
  const { rows } = await queryable.query<KeyRow>(`select ${columns} from api_key where sha256 = $1`, [sha256])
  const [row] = rows
  return row === undefined ? null : apiKeyOf(row)
}

/** True when the installation has any key, be it revoked: then it is not a first start. */
export async function hasKeys(queryable: Queryable): Promise<boolean> {
  const { rows } = await queryable.query('select 1 from api_key limit 1')
  return rows.length > 0
}
