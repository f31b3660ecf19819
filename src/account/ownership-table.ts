/** Decisions about ownership, merges and splits in the database: made under one lock, kept for ever. */
import { Refusal } from '../core/errors.ts'
import type { AccountKey } from '../core/ids.ts'
import { formatInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import type { AttributionRules, Merge, Split } from './attribution.ts'
import { microsOf, readInstant } from './database.ts'
import type { Queryable } from './database.ts'
import { difference } from './ownership-plan.ts'
import type { Ownership } from './ownership-index.ts'

export const decisionKinds = ['transfer', 'owner', 'merge', 'split'] as const
export type DecisionKind = (typeof decisionKinds)[number]

/** What changes in the tables. */
export interface RuleChange {
  /** Rows of the endpoints that are touched, before and after. */
  readonly before: readonly Ownership[]
  readonly after: readonly Ownership[]
  readonly merges: readonly Merge[]
  readonly splits: readonly Split[]
}

export interface OwnershipDecision {
  readonly kind: DecisionKind
  readonly at: Micros
  readonly keyId: string
  /** Null: a program changed it, by a plain transfer that named nobody. */
  readonly decision: { readonly by: string; readonly reason: string } | null
  readonly accounts: readonly AccountKey[]
  readonly endpoints: readonly string[]
  readonly from: Micros
  readonly to: Micros | null
  readonly document: object
}

export interface KeptDecision extends OwnershipDecision {
  readonly id: string
}

/** Any number will do, as long as it never changes. */
const lockNumber = 6_072_601_033

/** Until the transaction ends nobody else changes ownership, merges or splits: so what was planned still holds. */
export async function lockOwnership(client: Queryable): Promise<void> {
  await client.query('select pg_advisory_xact_lock($1)', [lockNumber])
}

const instant = (at: Micros | null): string | null => (at === null ? null : formatInstant(at))

/** Writes rows as they are to be. They were planned from the rows under the lock. */
export async function replaceRows(client: Queryable, change: Pick<RuleChange, 'before' | 'after'>): Promise<void> {
  const { gone, come } = difference(change.before, change.after)
  for (const { endpoint, account, from } of gone) {
    const { rowCount } = await client.query(
      'delete from endpoint_ownership where endpoint = $1 and account = $2 and valid_from = $3',
      [endpoint, account, formatInstant(from)],
    )
    if (rowCount !== 1)
      throw new Refusal('OWNERSHIP_OVERLAP', `the owner of ${endpoint} was changed meanwhile; look again, then repeat`)
  }
  for (const { endpoint, account, from, to } of come)
    await client.query(
      'insert into endpoint_ownership (endpoint, account, valid_from, valid_to) values ($1, $2, $3, $4)',
      [endpoint, account, formatInstant(from), instant(to)],
    )
}

/** Keeps the decision; returns its number. */
export async function recordDecision(client: Queryable, made: OwnershipDecision): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `insert into ownership_decision
       (kind, decided_at, key_id, author, reason, accounts, endpoints, effective_from, effective_to, document)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id`,
    [
      made.kind,
      formatInstant(made.at),
      made.keyId,
      made.decision?.by ?? null,
      made.decision?.reason ?? null,
      made.accounts,
      made.endpoints,
      formatInstant(made.from),
      instant(made.to),
      JSON.stringify(made.document),
    ],
  )
  const [row] = rows
  if (row === undefined) throw new Error('the decision was not returned')
  return row.id
}

/** Executes a change under the lock: the rows, the merges and splits, and the decision that they belong to. */
export async function writeChange(client: Queryable, change: RuleChange, decision: OwnershipDecision): Promise<string> {
  await replaceRows(client, change)
  const id = await recordDecision(client, decision)
  for (const { account, into, at } of change.merges)
    await client.query(
      'insert into account_merge (account, into_account, merged_at, decision) values ($1, $2, $3, $4)',
      [account, into, formatInstant(at), id],
    )
  for (const { account, endpoint, at } of change.splits)
    await client.query('insert into account_split (account, endpoint, split_at, decision) values ($1, $2, $3, $4)', [
      account,
      endpoint,
      formatInstant(at),
      id,
    ])
  return id
}

export interface DecisionsPage {
  readonly account?: AccountKey | undefined
  /** Canonical. */
  readonly endpoint?: string | undefined
  /** Number of the last decision of the page before. */
  readonly before?: string | undefined
  readonly most: number
}

interface DecisionRow {
  readonly id: string
  readonly kind: DecisionKind
  readonly decided_at: string
  readonly key_id: string
  readonly author: string | null
  readonly reason: string | null
  readonly accounts: string[]
  readonly endpoints: string[]
  readonly effective_from: string
  readonly effective_to: string | null
  readonly document: object
}

function decisionOf(row: DecisionRow): KeptDecision {
  const { author, reason } = row
  return {
    id: row.id,
    kind: row.kind,
    at: readInstant(row.decided_at),
    keyId: row.key_id,
    decision: author === null || reason === null ? null : { by: author, reason },
    accounts: row.accounts as AccountKey[],
    endpoints: row.endpoints,
    from: readInstant(row.effective_from),
    to: readInstant(row.effective_to),
    document: row.document,
  }
}

/** Decisions, the newest first. */
export async function listDecisions(queryable: Queryable, page: DecisionsPage): Promise<readonly KeptDecision[]> {
  const { rows } = await queryable.query<DecisionRow>(
    `select id, kind, ${microsOf('decided_at')} as decided_at, key_id, author, reason, accounts, endpoints,
       ${microsOf('effective_from')} as effective_from, ${microsOf('effective_to')} as effective_to, document
     from ownership_decision
     where ($1::text is null or accounts @> array[$1::text] collate "C")
       and ($2::text is null or endpoints @> array[$2::text] collate "C")
       and ($3::bigint is null or id < $3)
     order by ownership_decision.id desc limit $4`,
    [page.account ?? null, page.endpoint ?? null, page.before ?? null, page.most],
  )
  return rows.map(decisionOf)
}

/** The merge of an account, or null while it is itself. */
export function mergeOf({ merges }: Pick<AttributionRules, 'merges'>, account: AccountKey): Merge | null {
  return merges.find((merge) => merge.account === account) ?? null
}

/** Refuses what would make an account go on that is another one by then. */
export function refuseMerged(rules: Pick<AttributionRules, 'merges'>, account: AccountKey, until: Micros | null): void {
  const merge = mergeOf(rules, account)
  if (merge === null || (until !== null && until <= merge.at)) return
  throw new Refusal(
    'ACCOUNT_MERGED',
    `account ${account} was merged into ${merge.into} at ${formatInstant(merge.at)}; ` +
      `name ${merge.into} for what comes from then on`,
  )
}
