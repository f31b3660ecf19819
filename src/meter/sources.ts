import { microsOf, readInstant } from '../account/database.ts'
import type { Queryable } from '../account/database.ts'
import { Refusal } from '../core/errors.ts'
import type { AccountKey } from '../core/ids.ts'
import { formatInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'

export const sourceKinds = ['edge', 'file', 'service', 'other'] as const
export type SourceKind = (typeof sourceKinds)[number]

/** What is expected of a source (L7). */
export interface Registration {
  readonly name: string
  readonly kind: SourceKind
  /** Whom to ask when it is silent. */
  readonly owner: string
  /** Accounts whose traffic it can carry; null: anybody's. */
  readonly carries: readonly AccountKey[] | null
  /** It is silent when its last checkpoint is older; null: no checkpoints are expected. */
  readonly checkpointSeconds: number | null
  readonly expectedFrom: Micros
  readonly retiredAt: Micros | null
}

interface SourceRow {
  readonly name: string
  readonly kind: SourceKind
  readonly owner: string
  readonly carries: AccountKey[] | null
  readonly checkpoint_seconds: number | null
  readonly expected_from: string
  readonly retired_at: string | null
}

const columns = `name, kind, owner, carries, checkpoint_seconds,
  ${microsOf('expected_from')} as expected_from, ${microsOf('retired_at')} as retired_at`

function registrationOf(row: SourceRow): Registration {
  return {
    name: row.name,
    kind: row.kind,
    owner: row.owner,
    carries: row.carries,
    checkpointSeconds: row.checkpoint_seconds,
    expectedFrom: readInstant(row.expected_from),
    retiredAt: readInstant(row.retired_at),
  }
}

/** Registers a source, or changes what is expected of it from now on. */
export async function registerSource(queryable: Queryable, source: Registration, now: Micros): Promise<Registration> {
  if (source.retiredAt !== null && source.retiredAt <= source.expectedFrom) {
    throw new Refusal('REQUEST_INVALID', 'retired_at must be later than expected_from')
  }
  const { rows } = await queryable.query<SourceRow>(
    `insert into source (name, kind, owner, carries, checkpoint_seconds, registered_at, expected_from, retired_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (name) do update set kind = excluded.kind, owner = excluded.owner, carries = excluded.carries,
       checkpoint_seconds = excluded.checkpoint_seconds, expected_from = excluded.expected_from, retired_at = excluded.retired_at
     returning ${columns}`,
    [
      source.name,
      source.kind,
      source.owner,
      source.carries,
      source.checkpointSeconds,
      formatInstant(now),
      formatInstant(source.expectedFrom),
      source.retiredAt === null ? null : formatInstant(source.retiredAt),
    ],
  )
  const [row] = rows
  if (row === undefined) throw new Error('an upsert returns its row')
  return registrationOf(row)
}

/** All registered sources, by name. There are as many as servers and files, so no cursor. */
export async function listRegistrations(queryable: Queryable): Promise<readonly Registration[]> {
  const { rows } = await queryable.query<SourceRow>(`select ${columns} from source order by name`)
  return rows.map(registrationOf)
}
