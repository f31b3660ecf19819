import { microsOf, readInstant } from '../account/database.ts'
import type { Queryable } from '../account/database.ts'
import { Refusal } from '../core/errors.ts'
import { formatInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'

/** Two counts of one thing that differ. */
export interface Difference {
  readonly kind: 'rolled_hour'
  /** Which thing was counted twice. */
  readonly subject: string
  readonly expected: string
  readonly found: string
  readonly message: string
}

export interface Discrepancy extends Difference {
  readonly id: string
  readonly foundAt: Micros
  readonly lastFoundAt: Micros
  readonly resolution: { readonly at: Micros; readonly by: string; readonly reason: string } | null
}

interface Row {
  readonly id: string
  readonly kind: 'rolled_hour'
  readonly subject: string
  readonly expected: string
  readonly found: string
  readonly message: string
  readonly found_at: string
  readonly last_found_at: string
  readonly resolved_at: string | null
  readonly resolved_by: string | null
  readonly reason: string | null
}

const columns = `id::text as id, kind, subject, expected, found, message, ${microsOf('found_at')} as found_at,
  ${microsOf('last_found_at')} as last_found_at, ${microsOf('resolved_at')} as resolved_at, resolved_by, reason`

function discrepancyOf(row: Row): Discrepancy {
  const { id, kind, subject, expected, found, message, resolved_by: by, reason } = row
  const at = readInstant(row.resolved_at)
  return {
    id,
    kind,
    subject,
    expected,
    found,
    message,
    foundAt: readInstant(row.found_at),
    lastFoundAt: readInstant(row.last_found_at),
    resolution: at === null || by === null || reason === null ? null : { at, by, reason },
  }
}

/** Raises a discrepancy; one that is open about the same thing is found again. */
export async function raiseDiscrepancy(queryable: Queryable, difference: Difference, now: Micros): Promise<void> {
  const { kind, subject, expected, found, message } = difference
  await queryable.query(
    `insert into discrepancy (kind, subject, expected, found, message, found_at, last_found_at)
     values ($1, $2, $3, $4, $5, $6, $6)
     on conflict (kind, subject) where resolved_at is null
     do update set last_found_at = excluded.last_found_at, expected = excluded.expected, found = excluded.found`,
    [kind, subject, expected, found, message, formatInstant(now)],
  )
}

/** Discrepancies, the newest first. */
export async function listDiscrepancies(
  queryable: Queryable,
  { openOnly, before, most }: { openOnly: boolean; before: string | null; most: number },
): Promise<readonly Discrepancy[]> {
  const { rows } = await queryable.query<Row>(
    `select ${columns} from discrepancy
     where ($1::boolean is false or resolved_at is null) and ($2::bigint is null or id < $2) order by discrepancy.id desc limit $3`,
    [openOnly, before, most],
  )
  return rows.map(discrepancyOf)
}

export async function countOpenDiscrepancies(queryable: Queryable): Promise<number> {
  const { rows } = await queryable.query<{ count: string }>(
    'select count(*) as count from discrepancy where resolved_at is null',
  )
  return Number(rows[0]?.count)
}

/** Closes a discrepancy in the name of a person. Throws DISCREPANCY_NOT_FOUND when it is not open. */
export async function resolveDiscrepancy(
  queryable: Queryable,
  id: string,
  { by, reason, now }: { readonly by: string; readonly reason: string; readonly now: Micros },
): Promise<Discrepancy> {
  const { rows } = await queryable.query<Row>(
    `update discrepancy set resolved_at = $2, resolved_by = $3, reason = $4 where id = $1 and resolved_at is null returning ${columns}`,
    [id, formatInstant(now), by, reason],
  )
  const [row] = rows
  if (row === undefined)
    throw new Refusal('DISCREPANCY_NOT_FOUND', `there is no open discrepancy ${id}; GET /v1/discrepancies lists them`)
  return discrepancyOf(row)
}
