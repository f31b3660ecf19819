import { isDeepStrictEqual } from 'node:util'
import { inTransaction, microsOf, readInstant } from '../account/database.ts'
import type { Database, Queryable } from '../account/database.ts'
import { Refusal } from '../core/errors.ts'
import type { AccountKey } from '../core/ids.ts'
import type { Decision } from '../core/record.ts'
import { formatInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'

export const limits = { versionsMax: 100 } as const

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

/** A registration as it was from `at` on. */
export interface RegistrationVersion extends Registration {
  readonly version: number
  readonly at: Micros
  /** Who decided it and why; null where nobody had to say so. */
  readonly decision: Decision | null
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

/** What a changed registration expects less than the one before it, as its fields (L7). Pure. */
export function weakenedFields(before: Registration, after: Registration, now: Micros): readonly string[] {
  const endOf = ({ retiredAt }: Registration): number => retiredAt ?? Number.POSITIVE_INFINITY
  const rhythmOf = ({ checkpointSeconds }: Registration): number => checkpointSeconds ?? Number.POSITIVE_INFINITY
  const { carries } = after
  const isNarrower = carries !== null && (before.carries?.some((account) => !carries.includes(account)) ?? true)
  return [
    ...(endOf(after) < endOf(before) && endOf(after) <= now ? ['retired_at'] : []),
    ...(rhythmOf(after) > rhythmOf(before) ? ['checkpoint_seconds'] : []),
    ...(isNarrower ? ['carries'] : []),
    ...(after.expectedFrom > before.expectedFrom ? ['expected_from'] : []),
  ]
}

function valuesOf(source: Registration): readonly unknown[] {
  return [
    source.name,
    source.kind,
    source.owner,
    source.carries,
    source.checkpointSeconds,
    formatInstant(source.expectedFrom),
    source.retiredAt === null ? null : formatInstant(source.retiredAt),
  ]
}

interface Change {
  /** Needed where less is expected than before. */
  readonly decision: Decision | null
  readonly now: Micros
}

async function keepVersion(client: Queryable, source: Registration, { decision, now }: Change): Promise<void> {
  await client.query(
    `insert into source_version (source, version, kind, owner, carries, checkpoint_seconds, expected_from, retired_at,
       registered_at, decided_by, reason)
     select $1, coalesce(max(version), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9, $10 from source_version where source = $1`,
    [...valuesOf(source), formatInstant(now), decision?.by ?? null, decision?.reason ?? null],
  )
}

function refuseWeaker(before: Registration, after: Registration, { decision, now }: Change): void {
  const weaker = weakenedFields(before, after, now)
  if (weaker.length === 0 || decision !== null) return
  throw new Refusal(
    'REQUEST_INVALID',
    `this expects less of source ${after.name} than before (${weaker.join(', ')}), so that what is missing may not show: ` +
      'say who decides that and why (by, reason)',
    { problems: weaker.map((field) => ({ code: 'REQUEST_INVALID', field, message: 'expects less than before' })) },
  )
}

/**
 * Registers a source, or changes what is expected of it. L7: to expect less than before may make a silent month
 * complete, so it takes a named person and a reason. Every version is kept; the same once more is none.
 */
export async function registerSource(database: Database, source: Registration, change: Change): Promise<Registration> {
  if (source.retiredAt !== null && source.retiredAt <= source.expectedFrom) {
    throw new Refusal('REQUEST_INVALID', 'retired_at must be later than expected_from')
  }
  return inTransaction(database, async (client) => {
    const { rowCount } = await client.query(
      `insert into source (name, kind, owner, carries, checkpoint_seconds, expected_from, retired_at, registered_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (name) do nothing`,
      [...valuesOf(source), formatInstant(change.now)],
    )
    if (rowCount === 0) {
      const found = await client.query<SourceRow>(`select ${columns} from source where name = $1 for update`, [
        source.name,
      ])
      const [before] = found.rows.map(registrationOf)
      if (before === undefined) throw new Error('registrations are never removed')
      if (isDeepStrictEqual(before, source)) return source
      refuseWeaker(before, source, change)
      await client.query(
        `update source set kind = $2, owner = $3, carries = $4, checkpoint_seconds = $5, expected_from = $6, retired_at = $7
         where name = $1`,
        [...valuesOf(source)],
      )
    }
    await keepVersion(client, source, change)
    return source
  })
}

interface VersionRow extends SourceRow {
  readonly version: number
  readonly registered_at: string
  readonly decided_by: string | null
  readonly reason: string | null
}

/** What was expected of a source from when on, the newest first. */
export async function listVersions(queryable: Queryable, name: string): Promise<readonly RegistrationVersion[]> {
  const { rows } = await queryable.query<VersionRow>(
    `select source as ${columns}, version, ${microsOf('registered_at')} as registered_at, decided_by, reason
     from source_version where source = $1 order by version desc limit ${limits.versionsMax}`,
    [name],
  )
  return rows.map((row) => ({
    ...registrationOf(row),
    version: row.version,
    at: readInstant(row.registered_at),
    decision: row.decided_by === null || row.reason === null ? null : { by: row.decided_by, reason: row.reason },
  }))
}

/** All registered sources, by name. There are as many as servers and files, so no cursor. */
export async function listRegistrations(queryable: Queryable): Promise<readonly Registration[]> {
  const { rows } = await queryable.query<SourceRow>(`select ${columns} from source order by name`)
  return rows.map(registrationOf)
}
