import { Refusal } from '../core/errors.ts'
import type { AccountKey } from '../core/ids.ts'
import { formatInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { getAccount } from './accounts.ts'
import { inTransaction, microsOf, readInstant, violates } from './database.ts'
import type { Database, Queryable } from './database.ts'
import { attributionOf } from './attribution.ts'
import type { Attribution, AttributionRules, Merge, Split } from './attribution.ts'
import { ownerNames } from './endpoint-name.ts'
import { checkedName } from './ownership-plan.ts'
import { lockOwnership, refuseMerged } from './ownership-table.ts'
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

/** Records that an account owns an endpoint; OWNERSHIP_OVERLAP when somebody owns it in that time already. */
export async function assignEndpoint(queryable: Queryable, ownership: Ownership): Promise<Ownership> {
  const { account, from, to } = ownership
  const endpoint = checkedName(ownership.endpoint)
  if (to !== null && to <= from) throw new Refusal('REQUEST_INVALID', 'to must be later than from')
  await getAccount(queryable, account)
  refuseMerged({ merges: await mergesOf(queryable, [account]) }, account, to)
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
    await lockOwnership(client)
    await releaseEndpoint(client, to.endpoint, to.from)
    return assignEndpoint(client, { ...to, to: null })
  })
}

/** The merges of accounts, as far as they were merged into another one. */
export async function mergesOf(queryable: Queryable, accounts: readonly AccountKey[]): Promise<readonly Merge[]> {
  const { rows } = await queryable.query<{ account: AccountKey; into: AccountKey; at: string }>(
    `select account, into_account as into, ${microsOf('merged_at')} as at from account_merge
     where account = any($1::text[])`,
    [accounts],
  )
  return rows.map(({ account, into, at }) => ({ account, into, at: readInstant(at) }))
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

interface RuleRow {
  readonly kind: 'owned' | 'merge' | 'split'
  readonly endpoint: string
  readonly account: string
  readonly into_account: string | null
  readonly at: string
  readonly until: string | null
}

/** One statement, so that a merge and the ownerships that it hands over are seen together or not at all. */
const rulesStatement = `
  select 'owned' as kind, endpoint, account, null as into_account,
    ${microsOf('valid_from')} as at, ${microsOf('valid_to')} as until from endpoint_ownership
  union all
  select 'merge', '', account, into_account, ${microsOf('merged_at')}, null from account_merge
  union all
  select 'split', endpoint, account, null, ${microsOf('split_at')}, null from account_split`

/** Everything that decides who pays, past and present. */
export async function loadRules(queryable: Queryable): Promise<AttributionRules> {
  const owned: Ownership[] = []
  const merges: Merge[] = []
  const splits: Split[] = []
  const { rows } = await queryable.query<RuleRow>(rulesStatement)
  for (const row of rows) {
    const account = row.account as AccountKey
    const at = readInstant(row.at)
    if (row.kind === 'owned') owned.push({ endpoint: row.endpoint, account, from: at, to: readInstant(row.until) })
    else if (row.kind === 'merge') merges.push({ account, into: row.into_account as AccountKey, at })
    else splits.push({ account, endpoint: row.endpoint, at })
  }
  return { owned, merges, splits }
}

/** All ownership, past and present, as an index in memory. */
export async function loadOwnership(queryable: Queryable): Promise<OwnershipIndex> {
  return ownershipIndex((await loadRules(queryable)).owned)
}

/** What ingest asks; whoever changes ownership refreshes it before answering. */
export interface CurrentOwnership extends Pick<Attribution, 'ownerAt' | 'paidBy'> {
  /** The rules as they are known here now. */
  current(): Attribution
  refresh(): Promise<void>
}

/** Loads the rules. Of two refreshes that overlap, the one that began later wins: it has seen more. */
export async function followOwnership(queryable: Queryable): Promise<CurrentOwnership> {
  let current = attributionOf(await loadRules(queryable))
  let begun = 0
  let shown = 0
  return {
    ownerAt: (endpoint, instant) => current.ownerAt(endpoint, instant),
    paidBy: (given, endpoint, instant) => current.paidBy(given, endpoint, instant),
    current: () => current,
    async refresh() {
      begun += 1
      const mine = begun
      const loaded = await loadRules(queryable)
      if (mine < shown) return
      shown = mine
      current = attributionOf(loaded)
    },
  }
}
