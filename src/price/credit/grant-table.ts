import { microsOf, readInstant } from '../../account/database.ts'
import type { Queryable } from '../../account/database.ts'
import { Refusal } from '../../core/errors.ts'
import type { AccountKey, MeterKey } from '../../core/ids.ts'
import type { Currency, Minor } from '../../core/money.ts'
import { formatInstant } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import type { CreditKind, Grant, GrantId, Recurrence, Rollover } from './grant.ts'

// The statements about grants. Their terms never change: triggers refuse it.

interface GrantRow {
  readonly id: string
  readonly account: string
  readonly kind: CreditKind
  readonly name: string
  readonly currency: string
  readonly priority: number
  readonly meters: readonly string[] | null
  readonly amount_minor: string
  readonly paid_minor: string | null
  readonly effective_from: string
  readonly expires_at: string | null
  readonly recurs_unit: Recurrence['every']['unit'] | null
  readonly recurs_count: number | null
  readonly recurs_anchor: string | null
  readonly recurring_minor: string | null
  readonly rollover_min: string | null
  readonly rollover_max: string | null
  readonly time_zone: string
  readonly created_at: string
  readonly created_by: string
  readonly reason: string | null
  readonly voided_at: string | null
  readonly voided_by: string | null
  readonly void_reason: string | null
}

const columns = `g.id, g.account, g.kind, g.name, g.currency, g.priority, g.meters, g.amount_minor, g.paid_minor,
  ${microsOf('g.effective_from')} as effective_from, ${microsOf('g.expires_at')} as expires_at,
  g.recurs_unit, g.recurs_count, ${microsOf('g.recurs_anchor')} as recurs_anchor, g.recurring_minor,
  g.rollover_min, g.rollover_max, g.time_zone, ${microsOf('g.created_at')} as created_at, g.created_by, g.reason,
  ${microsOf('v.at')} as voided_at, v.recorded_by as voided_by, v.reason as void_reason`

const tables = 'credit_grant g left join credit_void v on v.credit = g.id'

const minorOf = (text: string): Minor => BigInt(text) as Minor
const minorOrNull = (text: string | null): Minor | null => (text === null ? null : minorOf(text))

function recurrenceOf(row: GrantRow): Recurrence | null {
  const { recurs_unit: unit, recurs_count: count, recurs_anchor: anchor, recurring_minor: amount } = row
  if (unit === null || count === null || anchor === null || amount === null) return null
  return { every: { unit, count }, anchor: readInstant(anchor), amount: minorOf(amount) }
}

function rolloverOf({ rollover_min: min, rollover_max: max }: GrantRow): Rollover | null {
  return min === null ? null : { min: minorOf(min), max: minorOrNull(max) }
}

function grantOf(row: GrantRow): Grant {
  const { voided_by: voidedBy, void_reason: voidReason } = row
  return {
    id: row.id as GrantId,
    account: row.account as AccountKey,
    kind: row.kind,
    name: row.name,
    currency: row.currency as Currency,
    priority: row.priority,
    scope: row.meters === null ? 'all' : { meters: row.meters as readonly MeterKey[] },
    amount: minorOf(row.amount_minor),
    paid: minorOrNull(row.paid_minor),
    effectiveFrom: readInstant(row.effective_from),
    expiresAt: readInstant(row.expires_at),
    recurrence: recurrenceOf(row),
    rollover: rolloverOf(row),
    zone: row.time_zone,
    voidedAt: readInstant(row.voided_at),
    createdAt: readInstant(row.created_at),
    by: row.created_by,
    reason: row.reason,
    voided: voidedBy === null || voidReason === null ? null : { by: voidedBy, reason: voidReason },
  }
}

const textOrNull = (amount: bigint | null | undefined): string | null => amount?.toString() ?? null
const instantOrNull = (at: Micros | null | undefined): string | null =>
  at === null || at === undefined ? null : formatInstant(at)

/** False when there is a grant with this id already: the write came before, and its answer was lost. */
export async function insertGrant(client: Queryable, grant: Grant): Promise<boolean> {
  const { recurrence, rollover, scope } = grant
  const { rowCount } = await client.query(
    `insert into credit_grant (id, account, kind, name, currency, priority, meters, amount_minor, paid_minor,
       effective_from, expires_at, recurs_unit, recurs_count, recurs_anchor, recurring_minor, rollover_min, rollover_max,
       time_zone, created_at, created_by, reason)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
     on conflict (id) do nothing`,
    [
      grant.id,
      grant.account,
      grant.kind,
      grant.name,
      grant.currency,
      grant.priority,
      scope === 'all' ? null : scope.meters,
      textOrNull(grant.amount),
      textOrNull(grant.paid),
      formatInstant(grant.effectiveFrom),
      instantOrNull(grant.expiresAt),
      recurrence?.every.unit ?? null,
      recurrence?.every.count ?? null,
      instantOrNull(recurrence?.anchor),
      textOrNull(recurrence?.amount),
      textOrNull(rollover?.min),
      textOrNull(rollover?.max),
      grant.zone,
      formatInstant(grant.createdAt),
      grant.by,
      grant.reason,
    ],
  )
  return rowCount === 1
}

/** How many grants of an account have neither expired by then nor were voided. */
export async function countLiveGrants(queryable: Queryable, account: AccountKey, now: Micros): Promise<number> {
  const { rows } = await queryable.query<{ many: number }>(
    `select count(*)::int as many from ${tables}
     where g.account = $1 and (g.expires_at is null or g.expires_at > $2) and v.credit is null`,
    [account, formatInstant(now)],
  )
  return rows[0]?.many ?? 0
}

function notFound(id: string): Refusal {
  return new Refusal(
    'CREDIT_NOT_FOUND',
    `there is no credit ${JSON.stringify(id.slice(0, 80))}; GET /v1/credits lists them`,
  )
}

/** A grant by its id. Another account's answers as one that does not exist (L11); null is an operator and sees all. */
export async function getGrant(
  queryable: Queryable,
  id: string,
  viewer: { readonly account: AccountKey | null },
): Promise<Grant> {
  const { rows } = await queryable.query<GrantRow>(`select ${columns} from ${tables} where g.id = $1`, [id])
  const [row] = rows
  if (row === undefined || (viewer.account !== null && row.account !== viewer.account)) throw notFound(id)
  return grantOf(row)
}

export interface GrantPage {
  readonly account: AccountKey
  /** The id of the last grant of the page before; null: from the beginning. */
  readonly after: string | null
  readonly most: number
}

/** An account's grants, oldest first. */
export async function selectGrants(
  queryable: Queryable,
  { account, after, most }: GrantPage,
): Promise<readonly Grant[]> {
  const { rows } = await queryable.query<GrantRow>(
    `select ${columns} from ${tables}
     where g.account = $1
       and ($2::text is null or (g.created_at, g.id) > (select created_at, id from credit_grant where id = $2 and account = $1))
     order by g.created_at, g.id limit $3`,
    [account, after, most],
  )
  return rows.map(grantOf)
}

/** Which grants may pay an account's invoice at an instant. */
export interface CreditsAsked {
  readonly account: AccountKey
  readonly currency: Currency
  readonly at: Micros
}

/** Grants that are in effect at an instant and were never voided, whatever is left of them. */
export async function selectInEffect(
  queryable: Queryable,
  { account, currency, at }: CreditsAsked,
): Promise<readonly Grant[]> {
  const { rows } = await queryable.query<GrantRow>(
    `select ${columns} from ${tables}
     where g.account = $1 and g.currency = $2 and g.effective_from <= $3 and (g.expires_at is null or g.expires_at > $3)
       and v.credit is null
     order by g.id`,
    [account, currency, formatInstant(at)],
  )
  return rows.map(grantOf)
}

/** Of which grants rows are locked: an account's, in a currency or all; or those with these ids. */
export type LockWanted =
  | { readonly account: AccountKey; readonly currency: Currency | null }
  | { readonly ids: readonly GrantId[] }

/**
 * Locks grants until the transaction ends, always in the order of their ids, so that two transactions wait for each other
 * and never in a circle. What is read of them is read after this, by another statement.
 */
export async function lockGrants(client: Queryable, wanted: LockWanted): Promise<readonly GrantId[]> {
  const [where, values] =
    'ids' in wanted
      ? ['id = any($1)', [wanted.ids]]
      : ['account = $1 and ($2::text is null or currency = $2)', [wanted.account, wanted.currency]]
  const { rows } = await client.query<{ id: GrantId }>(
    `select id from credit_grant where ${where} order by id for update`,
    values,
  )
  return rows.map(({ id }) => id)
}

export async function selectByIds(queryable: Queryable, ids: readonly GrantId[]): Promise<readonly Grant[]> {
  const { rows } = await queryable.query<GrantRow>(
    `select ${columns} from ${tables} where g.id = any($1) order by g.id`,
    [ids],
  )
  return rows.map(grantOf)
}

export interface Voided {
  readonly id: GrantId
  readonly at: Micros
  readonly now: Micros
  readonly by: string
  readonly reason: string
}

export async function insertVoid(client: Queryable, { id, at, now, by, reason }: Voided): Promise<void> {
  await client.query(
    'insert into credit_void (credit, at, recorded_at, recorded_by, reason) values ($1, $2, $3, $4, $5)',
    [id, formatInstant(at), formatInstant(now), by, reason],
  )
}
