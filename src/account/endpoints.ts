import { Refusal } from '../core/errors.ts'
import type { AccountKey } from '../core/ids.ts'
import { formatInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { getAccount } from './accounts.ts'
import { inTransaction, microsOf, readInstant, violates } from './database.ts'
import type { Database, Queryable } from './database.ts'
import { endpointName, ownerNames } from './endpoint-name.ts'
import { ownershipIndex } from './ownership-index.ts'
import type { Ownership, OwnershipIndex } from './ownership-index.ts'

interface OwnershipRow {
  readonly endpoint: string
  readonly account: string
  readonly valid_from: string
  readonly valid_to: string | null
}

const columns = `endpoint, account, ${microsOf('valid_from')} as valid_from, ${microsOf('valid_to')} as valid_to`

function ownershipOf(row: OwnershipRow): Ownership {
  return {
    endpoint: row.endpoint,
    account: row.account as AccountKey,
    from: readInstant(row.valid_from),
    to: readInstant(row.valid_to),
  }
}

const namePattern = /^(\*\.)?[^*\s\0]+$/

function checkedName(endpoint: string): string {
  const name = endpointName(endpoint)
  if (namePattern.test(name) && Buffer.byteLength(name) <= 1024) return name
  throw new Refusal(
    'REQUEST_INVALID',
    `endpoint ${JSON.stringify(endpoint.slice(0, 80))} is a host name, address or domain of up to 1024 bytes; ` +
      'a wildcard stands only at its beginning, as in *.example.com',
  )
}

/** Records that an account owns an endpoint; OWNERSHIP_OVERLAP when somebody owns it in that time already. */
export async function assignEndpoint(queryable: Queryable, ownership: Ownership): Promise<Ownership> {
  const { account, from, to } = ownership
  const endpoint = checkedName(ownership.endpoint)
  if (to !== null && to <= from) throw new Refusal('REQUEST_INVALID', 'to must be later than from')
  await getAccount(queryable, account)
  try {
    await queryable.query(
      'insert into endpoint_ownership (endpoint, account, valid_from, valid_to) values ($1, $2, $3, $4)',
      [endpoint, account, formatInstant(from), to === null ? null : formatInstant(to)],
    )
  } catch (error) {
    if (!violates(error, 'endpoint_ownership_once')) throw error
    throw new Refusal(
      'OWNERSHIP_OVERLAP',
      `${endpoint} has an owner in part of the time from ${formatInstant(from)}; end that ownership first`,
    )
  }
  return { endpoint, account, from, to }
}

/** Ends the ownership that is in force at that instant; returns it as it is now, or null when there was none. */
export async function releaseEndpoint(queryable: Queryable, endpoint: string, at: Micros): Promise<Ownership | null> {
  const { rows } = await queryable.query<OwnershipRow>(
    `update endpoint_ownership set valid_to = $2
     where endpoint = $1 and valid_from < $2 and (valid_to is null or valid_to > $2)
     returning ${columns}`,
    [checkedName(endpoint), formatInstant(at)],
  )
  const [row] = rows
  return row === undefined ? null : ownershipOf(row)
}

/** From `at` on the endpoint belongs to the account, whoever owned it before; both changes or none. */
export function transferEndpoint(database: Database, to: Omit<Ownership, 'to'>): Promise<Ownership> {
  return inTransaction(database, async (client) => {
    await releaseEndpoint(client, to.endpoint, to.from)
    return assignEndpoint(client, { ...to, to: null })
  })
}

/** What an account owns and owned, by endpoint and time. */
export async function listEndpoints(queryable: Queryable, account: AccountKey): Promise<readonly Ownership[]> {
  const { rows } = await queryable.query<OwnershipRow>(
    `select ${columns} from endpoint_ownership where account = $1 order by endpoint, valid_from`,
    [account],
  )
  return rows.map(ownershipOf)
}

/** Who owned an endpoint at an instant, asked of the database; ingest asks an `OwnershipIndex` instead. */
export async function ownerAt(queryable: Queryable, endpoint: string, instant: Micros): Promise<AccountKey | null> {
  const { rows } = await queryable.query<{ account: string }>(
    `select account from endpoint_ownership
     where endpoint = any($1::text[]) and valid_from <= $2 and (valid_to is null or valid_to > $2)
     order by array_position($1::text[], endpoint)
     limit 1`,
    [ownerNames(endpoint), formatInstant(instant)],
  )
  return (rows[0]?.account ?? null) as AccountKey | null
}

/** All ownership, past and present, as an index in memory. */
export async function loadOwnership(queryable: Queryable): Promise<OwnershipIndex> {
  const { rows } = await queryable.query<OwnershipRow>(`select ${columns} from endpoint_ownership`)
  return ownershipIndex(rows.map(ownershipOf))
}

/** The index that ingest asks; whoever changes ownership refreshes it before answering. */
export interface CurrentOwnership {
  ownerAt(endpoint: string, instant: Micros): AccountKey | null
  refresh(): Promise<void>
}

/** Loads the index. Of two refreshes that overlap, the one that began later wins: it has seen more. */
export async function followOwnership(queryable: Queryable): Promise<CurrentOwnership> {
  let index = await loadOwnership(queryable)
  let begun = 0
  let shown = 0
  return {
    ownerAt: (endpoint, instant) => index.ownerAt(endpoint, instant),
    async refresh() {
      begun += 1
      const mine = begun
      const loaded = await loadOwnership(queryable)
      if (mine < shown) return
      shown = mine
      index = loaded
    },
  }
}
