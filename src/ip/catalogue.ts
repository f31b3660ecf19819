/**
 * Owns the versions of IP metadata and what they are made of, in Postgres. Invariants: numbers grow by one; a version is
 * in force from its instant until the next one's; nothing is changed or deleted, so any past time is answered as it was.
 */
import { Refusal } from '../core/errors.ts'
import { formatInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { inTransaction, microsOf, readInstant, violates } from '../account/database.ts'
import type { Database, Queryable } from '../account/database.ts'

export const limits = {
  /** Of one version. */
  sourcesMax: 64,
  versionsPage: 200,
} as const

export interface Source {
  readonly id: number
  readonly name: string
  readonly origin: 'embedded' | 'supplied'
  readonly form: string
  readonly version: string
  readonly about: string
  readonly networks: number
  readonly says: readonly string[]
  readonly fileSha256: string | null
  readonly fileBytes: number | null
  readonly takenAt: Micros
  readonly takenBy: string
  readonly sha256: string
}

export type NewSource = Omit<Source, 'id'> & { readonly content: Uint8Array }

export interface Version {
  readonly number: number
  readonly from: Micros
  readonly change: string
  readonly by: string
  /** The first precedes. */
  readonly sources: readonly Source[]
}

interface VersionRow {
  readonly number: number
  readonly in_force_from: string
  readonly change: string
  readonly decided_by: string
}

interface SourceRow {
  readonly of_version: number
  readonly id: number
  readonly name: string
  readonly origin: 'embedded' | 'supplied'
  readonly form: string
  readonly version: string
  readonly about: string
  readonly networks: number
  readonly says: string[]
  readonly file_sha256: string | null
  readonly file_bytes: string | null
  readonly taken_at: string
  readonly taken_by: string
  readonly sha256: string
}

function sourceOf(row: SourceRow): Source {
  return {
    id: row.id,
    name: row.name,
    origin: row.origin,
    form: row.form,
    version: row.version,
    about: row.about,
    networks: row.networks,
    says: row.says,
    fileSha256: row.file_sha256,
    fileBytes: row.file_bytes === null ? null : Number(row.file_bytes),
    takenAt: readInstant(row.taken_at),
    takenBy: row.taken_by,
    sha256: row.sha256,
  }
}

async function withSources(database: Queryable, rows: readonly VersionRow[]): Promise<readonly Version[]> {
  if (rows.length === 0) return []
  const { rows: sources } = await database.query<SourceRow>(
    `select of.version as of_version, s.id, s.name, s.origin, s.form, s.version, s.about, s.networks, s.says, s.file_sha256,
       s.file_bytes, ${microsOf('s.taken_at')} as taken_at, s.taken_by, s.sha256
     from ip_version_source of join ip_source s on s.id = of.source
     where of.version = any($1) order by of.version, of.place`,
    [rows.map(({ number }) => number)],
  )
  return rows.map(({ number, in_force_from: from, change, decided_by: by }) => ({
    number,
    from: readInstant(from),
    change,
    by,
    sources: sources.filter((row) => row.of_version === number).map(sourceOf),
  }))
}

const versionColumns = `number, ${microsOf('in_force_from')} as in_force_from, change, decided_by`

/** The version in force at a time, null: none was; without a time the newest. */
export async function findVersion(database: Queryable, at: Micros | null): Promise<Version | null> {
  const { rows } = await database.query<VersionRow>(
    `select ${versionColumns} from ip_version where $1::timestamptz is null or in_force_from <= $1 order by number desc limit 1`,
    [at === null ? null : formatInstant(at)],
  )
  return (await withSources(database, rows))[0] ?? null
}

/** Versions below a number, newest first. */
export async function listVersions(
  database: Queryable,
  { before, most }: { readonly before: number | null; readonly most: number },
): Promise<readonly Version[]> {
  const { rows } = await database.query<VersionRow>(
    `select ${versionColumns} from ip_version where $1::integer is null or number < $1 order by number desc limit $2`,
    [before, Math.min(most, limits.versionsPage)],
  )
  return withSources(database, rows)
}

/** The kept form of a source. */
export async function readContent(database: Queryable, id: number): Promise<Uint8Array> {
  const { rows } = await database.query<{ content: Buffer }>('select content from ip_source where id = $1', [id])
  const [row] = rows
  if (row === undefined) throw new Error(`source ${id} of IP metadata is not in the database`)
  return row.content
}

/** A source that is kept already, or a new one. */
export type Member =
  | { readonly kind: 'kept'; readonly source: Source }
  | { readonly kind: 'new'; readonly source: NewSource }

async function insertSource(client: Queryable, source: NewSource): Promise<number> {
  const { origin, name, version, form, sha256 } = source
  const identity = [origin, name, version, form, sha256]
  const known = await client.query<{ id: number }>(
    'select id from ip_source where origin = $1 and name = $2 and version = $3 and form = $4 and sha256 = $5',
    identity,
  )
  const [row] = known.rows
  if (row !== undefined) return row.id
  const { rows } = await client.query<{ id: number }>(
    `insert into ip_source (origin, name, version, form, sha256, about, networks, says, file_sha256, file_bytes, taken_at, taken_by, content)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) returning id`,
    [
      ...identity,
      source.about,
      source.networks,
      source.says,
      source.fileSha256,
      source.fileBytes,
      formatInstant(source.takenAt),
      source.takenBy,
      Buffer.from(source.content.buffer, source.content.byteOffset, source.content.byteLength),
    ],
  )
  const [inserted] = rows
  if (inserted === undefined) throw new Error('a source was inserted without a row')
  return inserted.id
}

export interface NewVersion {
  /** The version that it follows; null: it is the first. */
  readonly after: Version | null
  readonly members: readonly Member[]
  readonly change: string
  readonly by: string
  readonly now: Micros
}

/** Adds a version in one step; false: somebody else has added one meanwhile, and this one is to be made anew. */
export async function addVersion(
  database: Database,
  { after, members, change, by, now }: NewVersion,
): Promise<boolean> {
  if (members.length > limits.sourcesMax)
    throw new Refusal('IP_SOURCE_INVALID', `a version has at most ${limits.sourcesMax} sources; remove one first`)
  const number = (after?.number ?? 0) + 1
  // A clock that went back does not make a version that is in force before the one it follows.
  const from = Math.max(now, (after?.from ?? -1) + 1) as Micros
  try {
    await inTransaction(database, async (client) => {
      await client.query('insert into ip_version (number, in_force_from, change, decided_by) values ($1, $2, $3, $4)', [
        number,
        formatInstant(from),
        change,
        by,
      ])
      for (const [place, member] of members.entries()) {
        const id = member.kind === 'kept' ? member.source.id : await insertSource(client, member.source)
        await client.query('insert into ip_version_source (version, place, source) values ($1, $2, $3)', [
          number,
          place,
          id,
        ])
      }
    })
    return true
  } catch (error) {
    if (violates(error, 'ip_version_pkey') || violates(error, 'ip_version_in_force_from_key')) return false
    throw error
  }
}
