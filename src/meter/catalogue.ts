import { inTransaction, microsOf, readInstant } from '../account/database.ts'
import type { Database, Queryable } from '../account/database.ts'
import { didYouMean } from '../core/did-you-mean.ts'
import { Refusal } from '../core/errors.ts'
import { assert } from '../core/result.ts'
import { formatInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { definitionSha256, meterDocument, parseMeter, readStoredMeter } from './definition.ts'
import type { MeterDefinition } from './definition.ts'
import { standardMeters } from './standard.ts'

// Owns the versions of meters in Postgres. The version that was activated last is the meter's current one; versions that
// were never active are drafts.

export { definitionSha256, meterDocument }

interface MeterRow {
  readonly version: number
  readonly definition: unknown
}

function meterOf({ version, definition }: MeterRow): MeterDefinition {
  const parsed = readStoredMeter(definition, version)
  if (!parsed.ok) {
    const problems = parsed.error.map(({ field, message }) => `${field ?? ''} ${message}`).join('; ')
    throw new Error(`a stored meter cannot be read: ${problems}`)
  }
  return parsed.value
}

/** Who did it, and when. */
export interface Decision {
  readonly at: Micros
  readonly by: string
}

/** A version as it is stored, with what was decided about it. */
export interface MeterVersion {
  readonly meter: MeterDefinition
  readonly createdAt: Micros
  /** Oldest first; empty: it is a draft. */
  readonly activations: readonly Decision[]
  readonly isCurrent: boolean
}

/** A version that is about to be stored or to become the current one. */
export interface MeterChange {
  readonly meter: MeterDefinition
  /** What is counted by now; null: nothing is. */
  readonly current: MeterDefinition | null
  /** It becomes the current version; else it is stored as a draft. */
  readonly activates: boolean
}

/** What has to hold beyond the definition itself; refuses by throwing. Asked while the versions of the meter are locked. */
export type CheckChange = (queryable: Queryable, change: MeterChange) => Promise<void>

/** Inserts a version; false: there is one of that number. */
async function insertVersion(queryable: Queryable, meter: MeterDefinition, now: Micros): Promise<boolean> {
  const { rowCount } = await queryable.query(
    'insert into meter (key, version, definition, created_at) values ($1, $2, $3, $4) on conflict do nothing',
    [meter.key, meter.version, JSON.stringify(meterDocument(meter)), formatInstant(now)],
  )
  return rowCount === 1
}

async function insertActivation(queryable: Queryable, meter: MeterDefinition, { at, by }: Decision): Promise<void> {
  await queryable.query(
    'insert into meter_activation (meter, version, activated_at, activated_by) values ($1, $2, $3, $4)',
    [meter.key, meter.version, formatInstant(at), by],
  )
}

/** Puts the standard meters into an installation that lacks them (DESIGN §11); a version in place is kept. */
export async function seedStandardMeters(database: Database, now: Micros): Promise<void> {
  await inTransaction(database, async (client) => {
    for (const meter of standardMeters) {
      const isNew = await insertVersion(client, meter, now)
      if (isNew) await insertActivation(client, meter, { at: now, by: 'crossfoot' })
    }
  })
}

const current = 'select distinct on (meter) meter, version from meter_activation order by meter, id desc'
const archived = `select meter from (select distinct on (meter) meter, archived from meter_archival order by meter, id desc) newest
  where newest.archived`

/** All meters that are in use, each in its current version, by key; on request with those that are archived. */
export async function listMeters(
  queryable: Queryable,
  { withArchived = false }: { readonly withArchived?: boolean } = {},
): Promise<readonly MeterDefinition[]> {
  const { rows } = await queryable.query<MeterRow>(
    `select m.version, m.definition from (${current}) c
     join meter m on m.key = c.meter and m.version = c.version
     where $1::boolean or m.key not in (${archived}) order by m.key`,
    [withArchived],
  )
  return rows.map(meterOf)
}

/** Keys of the meters that are archived. */
export async function archivedMeters(queryable: Queryable): Promise<ReadonlySet<string>> {
  const { rows } = await queryable.query<{ meter: string }>(archived)
  return new Set(rows.map(({ meter }) => meter))
}

/** L11: what is a draft, or archived, is not told to whoever asks. */
async function notFound(queryable: Queryable, key: string): Promise<Refusal> {
  const guess = didYouMean(
    key,
    (await listMeters(queryable)).map((meter) => meter.key),
  )
  return new Refusal('METER_NOT_FOUND', `there is no meter ${key};${guess} GET /v1/meters lists them`)
}

/** Who is told of a refusal: only operators know of drafts (L11). */
export type Viewer = 'anyone' | 'operator'

/**
 * One meter, in a version of it that was active or the current one: what may be counted and billed. Throws Refusal
 * METER_NOT_FOUND, in the same words for a draft and for what does not exist, but to operators.
 */
export async function findMeter(
  queryable: Queryable,
  key: string,
  version?: number,
  viewer: Viewer = 'anyone',
): Promise<MeterDefinition> {
  const { rows } = await queryable.query<MeterRow>(
    `select m.version, m.definition from meter_activation a
     join meter m on m.key = a.meter and m.version = a.version
     where a.meter = $1 and ($2::integer is null or a.version = $2) order by a.id desc limit 1`,
    [key, version ?? null],
  )
  const [row] = rows
  if (row !== undefined) return meterOf(row)
  const versions = await meterVersions(queryable, key)
  const which = version === undefined ? key : `${key} in version ${version}`
  const isDraft = versions.some(({ meter, activations }) =>
    version === undefined || version === meter.version ? activations.length === 0 : false,
  )
  if (isDraft && viewer === 'operator')
    throw new Refusal(
      'METER_NOT_FOUND',
      `meter ${which} is a draft: preview it with POST /v1/meters/preview, and activate it before it is counted with`,
    )
  if (versions.every(({ activations }) => activations.length === 0)) throw await notFound(queryable, key)
  throw new Refusal(
    'METER_NOT_FOUND',
    `there is no meter ${which} that is or was active; GET /v1/meters/${key} shows it`,
  )
}

/** All versions of a meter, drafts included, oldest first; empty when there is none of that key. */
export async function meterVersions(queryable: Queryable, key: string): Promise<readonly MeterVersion[]> {
  const { rows } = await queryable.query<MeterRow & { created: string }>(
    `select version, definition, ${microsOf('created_at')} as created from meter where key = $1 order by version`,
    [key],
  )
  const { rows: activations } = await queryable.query<{ version: number; at: string; by: string }>(
    `select version, ${microsOf('activated_at')} as at, activated_by as by from meter_activation where meter = $1 order by id`,
    [key],
  )
  return rows.map((row) => ({
    meter: meterOf(row),
    createdAt: readInstant(row.created),
    activations: activations
      .filter(({ version }) => version === row.version)
      .map(({ at, by }) => ({ at: readInstant(at), by })),
    isCurrent: activations.at(-1)?.version === row.version,
  }))
}

/** One version of a meter, which may be a draft. Throws Refusal METER_NOT_FOUND. */
export async function findVersion(queryable: Queryable, key: string, version: number): Promise<MeterVersion> {
  const versions = await meterVersions(queryable, key)
  const found = versions.find(({ meter }) => meter.version === version)
  if (found !== undefined) return found
  if (versions.length === 0) throw await notFound(queryable, key)
  const numbers = versions.map(({ meter }) => meter.version).join(', ')
  throw new Refusal('METER_NOT_FOUND', `there is no version ${version} of meter ${key}; there are ${numbers}`)
}

/** Reads a definition that somebody hands in. Throws Refusal REQUEST_INVALID with every problem at once. */
export function requireMeter(input: unknown, version: number): MeterDefinition {
  const parsed = parseMeter(input, version)
  if (parsed.ok) return parsed.value
  const [first] = parsed.error
  const more = parsed.error.length > 1 ? ` (and ${parsed.error.length - 1} more)` : ''
  const about = first === undefined ? '' : `: ${[first.field, first.message].filter(Boolean).join(' ')}${more}`
  throw new Refusal('REQUEST_INVALID', `the meter definition has problems${about}`, { problems: parsed.error })
}

/** Adds a meter, or the next version of one: active at once, or as a draft. */
export async function addMeter(
  database: Database,
  input: unknown,
  { at, by, draft }: Decision & { readonly draft: boolean },
  check: CheckChange,
): Promise<MeterVersion> {
  const key = (input as { key?: unknown } | null)?.key
  return inTransaction(database, async (client) => {
    if (typeof key === 'string') await lockVersions(client, key)
    const { rows } = await client.query<{ version: number }>(
      'select coalesce(max(version), 0) + 1 as version from meter where key = $1',
      [typeof key === 'string' ? key : ''],
    )
    const meter = requireMeter(input, rows[0]?.version ?? 1)
    await check(client, { meter, current: await currentOf(client, meter.key), activates: !draft })
    if (!(await insertVersion(client, meter, at))) {
      throw new Refusal(
        'ALREADY_EXISTS',
        `somebody else added a version of ${meter.key} at the same time; look at it, then try again`,
      )
    }
    if (!draft) await insertActivation(client, meter, { at, by })
    const versions = await meterVersions(client, meter.key)
    const added = versions.find((one) => one.meter.version === meter.version)
    assert(added !== undefined, 'the version was inserted')
    return added
  })
}

async function currentOf(client: Queryable, key: string): Promise<MeterDefinition | null> {
  return (await meterVersions(client, key)).find(({ isCurrent }) => isCurrent)?.meter ?? null
}

/** Versions of one meter are changed one after the other, and not while a plan that bills it is published. */
async function lockVersions(client: Queryable, key: string): Promise<void> {
  await client.query('select 1 from meter where key = $1 order by version for update', [key])
}

/** A version that may still be changed. */
async function requireDraft(client: Queryable, key: string, version: number): Promise<MeterVersion> {
  const found = await findVersion(client, key, version)
  if (found.activations.length === 0) return found
  throw new Refusal(
    'VERSION_IMMUTABLE',
    `version ${version} of meter ${key} has been active since ${formatInstant(found.activations[0]?.at ?? found.createdAt)} and never changes; add the change as a new version`,
  )
}

/** Puts another definition in the place of a draft. */
export async function replaceDraft(
  database: Database,
  { key, version }: { readonly key: string; readonly version: number },
  input: unknown,
  check: CheckChange,
): Promise<MeterVersion> {
  return inTransaction(database, async (client) => {
    await lockVersions(client, key)
    await requireDraft(client, key, version)
    const given = (input as { key?: unknown } | null)?.key ?? key
    if (given !== key) throw new Refusal('REQUEST_INVALID', `this is a draft of ${key}; its key stays`)
    const meter = requireMeter({ ...(input as object), key }, version)
    await check(client, { meter, current: await currentOf(client, key), activates: false })
    await client.query('update meter set definition = $3 where key = $1 and version = $2', [
      key,
      version,
      JSON.stringify(meterDocument(meter)),
    ])
    return findVersion(client, key, version)
  })
}

/** Removes a draft; its number is given to the next version when it was the last. */
export async function deleteDraft(
  database: Database,
  { key, version }: { readonly key: string; readonly version: number },
): Promise<MeterVersion> {
  return inTransaction(database, async (client) => {
    await lockVersions(client, key)
    const draft = await requireDraft(client, key, version)
    await client.query('delete from meter where key = $1 and version = $2', [key, version])
    return draft
  })
}

export interface Activation {
  readonly key: string
  readonly version: number
  /** The definition that was looked at, by its `definitionSha256`; left out: whatever the version says. */
  readonly sha256?: string
}

function requireSame({ meter }: MeterVersion, { key, version, sha256 }: Activation): void {
  const found = definitionSha256(meter)
  if (sha256 === undefined || sha256 === found) return
  throw new Refusal(
    'METER_CHANGED',
    `version ${version} of meter ${key} has the definition_sha256 ${found}, not ${sha256}: it was replaced; preview it again`,
  )
}

/** Makes a version the meter's current one: a draft, or one that was active before. The current one stays as it is. */
export async function activateMeter(
  database: Database,
  activation: Activation,
  decision: Decision,
  check: CheckChange,
): Promise<MeterVersion> {
  const { key, version } = activation
  return inTransaction(database, async (client) => {
    await lockVersions(client, key)
    const found = await findVersion(client, key, version)
    requireSame(found, activation)
    if (found.isCurrent) return found
    // A draft that was stored under older rules is held to those of today.
    if (found.activations.length === 0) requireMeter(meterDocument(found.meter), version)
    await check(client, { meter: found.meter, current: await currentOf(client, key), activates: true })
    await insertActivation(client, found.meter, decision)
    return findVersion(client, key, version)
  })
}

/** Takes a meter out of the lists, or puts it back. That no plan bills it is for the caller to see to. */
export async function archiveMeter(
  database: Database,
  key: string,
  decision: Decision & { readonly archived: boolean; readonly reason: string },
): Promise<void> {
  await findMeter(database, key, undefined, 'operator')
  await database.query(
    'insert into meter_archival (meter, archived, decided_at, decided_by, reason) values ($1, $2, $3, $4, $5)',
    [key, decision.archived, formatInstant(decision.at), decision.by, decision.reason],
  )
}
