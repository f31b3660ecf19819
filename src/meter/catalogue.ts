import type { Queryable } from '../account/database.ts'
import { Refusal } from '../core/errors.ts'
import { formatInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { parseMeter } from './definition.ts'
import type { MeterDefinition } from './definition.ts'
import { standardMeters } from './standard.ts'

/** The wire form of a definition, as it is stored and shown. */
export function meterDocument(meter: MeterDefinition): Record<string, unknown> {
  const { key, version, name, unit, aggregation, filter, groupBy } = meter
  return { key, version, name, unit, aggregation, filter, group_by: groupBy }
}

function meterOf(row: { version: number; definition: unknown }): MeterDefinition {
  const parsed = parseMeter(row.definition, row.version)
  if (!parsed.ok)
    throw new Error(`a stored meter cannot be read: ${parsed.error.map(({ message }) => message).join('; ')}`)
  return parsed.value
}

/** Puts the standard meters into an installation that lacks them (DESIGN §11); a version in place is kept. */
export async function seedStandardMeters(queryable: Queryable, now: Micros): Promise<void> {
  for (const meter of standardMeters) {
    await queryable.query(
      'insert into meter (key, version, definition, created_at) values ($1, $2, $3, $4) on conflict do nothing',
      [meter.key, meter.version, JSON.stringify(meterDocument(meter)), formatInstant(now)],
    )
  }
}

/** All meters, each in its newest version, by key. */
export async function listMeters(queryable: Queryable): Promise<readonly MeterDefinition[]> {
  const { rows } = await queryable.query<{ version: number; definition: unknown }>(
    'select distinct on (key) version, definition from meter order by key, version desc',
  )
  return rows.map(meterOf)
}

/** One meter, in a version of it or the newest. Throws Refusal METER_NOT_FOUND. */
export async function findMeter(queryable: Queryable, key: string, version?: number): Promise<MeterDefinition> {
  const { rows } = await queryable.query<{ version: number; definition: unknown }>(
    `select version, definition from meter
     where key = $1 and ($2::integer is null or version = $2) order by version desc limit 1`,
    [key, version ?? null],
  )
  const [row] = rows
  if (row === undefined) {
    const which = version === undefined ? key : `${key} in version ${version}`
    throw new Refusal('METER_NOT_FOUND', `there is no meter ${which}; GET /v1/meters lists them`)
  }
  return meterOf(row)
}

/** Adds a meter, or a new version of one. Throws Refusal REQUEST_INVALID with every problem at once. */
export async function addMeter(queryable: Queryable, input: unknown, now: Micros): Promise<MeterDefinition> {
  const key = (input as { key?: unknown } | null)?.key
  const { rows } = await queryable.query<{ version: number }>(
    'select coalesce(max(version), 0) + 1 as version from meter where key = $1',
    [typeof key === 'string' ? key : ''],
  )
  const parsed = parseMeter(input, rows[0]?.version ?? 1)
  if (!parsed.ok) throw new Refusal('REQUEST_INVALID', 'the meter definition has problems', { problems: parsed.error })
  const meter = parsed.value
  const inserted = await queryable.query(
    'insert into meter (key, version, definition, created_at) values ($1, $2, $3, $4) on conflict do nothing',
    [meter.key, meter.version, JSON.stringify(meterDocument(meter)), formatInstant(now)],
  )
  if (inserted.rowCount !== 1)
    throw new Refusal(
      'ALREADY_EXISTS',
      `somebody else added a version of ${meter.key} at the same time; look at it, then try again`,
    )
  return meter
}
