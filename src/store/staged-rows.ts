/**
 * Events that a backfill job brought and that nobody counts yet, as rows that a question to the store can look at.
 * Which of them are new is decided against everything that is stored, by identity, inside the engine.
 */
import { factFields } from '../core/event.ts'
import type { FactName } from '../core/event.ts'
import { lookedUpFields, ownMark } from '../ingest/address-facts.ts'
import { columnOf, factColumns } from './columns.ts'
import type { Parameters } from './condition.ts'

/** What of a job counts as loaded: loads that are not in the list were never finished. */
export interface StagedJob {
  readonly job: string
  readonly source: string
  /** Names of the finished loads, in the order in which they were made. */
  readonly loads: readonly string[]
  /** Whether closing it brings back events that were retracted. */
  readonly restores: boolean
}

/** Lines of one load stay below it, so that load and line together are one number that a double holds. */
export const linesOfLoadMax = 2 ** 32

/** Staged rows have places above every offset of the log: what is stored comes first, as it will after the close. */
const placesFrom = 2n ** 62n

/** The identity of an event in its source (docs/decisions/0021): the number decides where there is one. */
const identitySql =
  "concat(toString(lengthUTF8(epoch)), ':', epoch, if(isNull(seq), concat('i', id), concat('n', toString(assumeNotNull(seq)))))"

/** True where `ip_version` is a version of ours (src/ingest/address-facts.ts). */
const isLookedUp = `startsWith(ifNull(ip_version, ''), '${ownMark}')`

/** A column as the sender said it: what was looked up about the address is not said, and may be another thing next time. */
function saidSql(field: FactName): string {
  if (field === 'ip_version') return `if(${isLookedUp}, NULL, ip_version)`
  if (!(lookedUpFields as readonly string[]).includes(field)) return columnOf(field)
  const named = "splitByChar(',', substring(ifNull(ip_version, ''), position(ifNull(ip_version, ''), '/') + 1))"
  const covers = `(position(ifNull(ip_version, ''), '/') = 0 OR has(${named}, '${field}'))`
  return `if(${isLookedUp} AND ${covers}, NULL, ${columnOf(field)})`
}

/** Equal facts give equal text; inspection fields may have been erased since and do not count. */
const contentSql = `hex(sipHash128(toString(tuple(${factFields.map(({ name }) => saidSql(name)).join(', ')}))))`

function ofJob({ job, loads }: StagedJob, parameters: Parameters): { readonly where: string; readonly place: string } {
  const names = parameters.add(loads, 'Array(String)')
  // By a table of names, not by looking through the list for each row: a job may have thousands of loads.
  const numbers = parameters.add(
    loads.map((_, index) => index + 1),
    'Array(UInt64)',
  )
  return {
    where: `job = ${parameters.add(job, 'String')} AND load IN ${names}`,
    place: `(transform(load, ${names}, ${numbers}, toUInt64(0)) * ${linesOfLoadMax} + line)`,
  }
}

/** Rows of a job with `identity`, `content` and `place`. */
export function stagedSql(job: StagedJob, parameters: Parameters, columns: readonly string[] = []): string {
  const { where, place } = ofJob(job, parameters)
  const selected = [...columns, `${identitySql} AS identity`, `${contentSql} AS content`, `${place} AS place`]
  return `SELECT ${selected.join(', ')} FROM staged_fact WHERE ${where}`
}

/**
 * What is stored under the identities of staged rows: `identity`, `contents` of all its versions, the greatest offset
 * `last` of a version with a fact, and whether it is `retracted`: no version counts. A retraction has no row in `fact`.
 */
export function storedSql(job: StagedJob, parameters: Parameters): string {
  const { where } = ofJob(job, parameters)
  return (
    `SELECT ${identitySql} AS identity, groupUniqArray(${contentSql}) AS contents, max(offset) AS last, ` +
    'countIf(offset GLOBAL NOT IN (SELECT supersedes FROM correction)) = 0 AS retracted FROM fact ' +
    `WHERE source = ${parameters.add(job.source, 'String')} ` +
    `AND ${identitySql} GLOBAL IN (SELECT ${identitySql} FROM staged_fact WHERE ${where}) GROUP BY identity`
  )
}

/** The rows of a job that closing it would bring, or bring back, each identity once, with the columns of `fact`. */
export function newRowsSql(job: StagedJob, parameters: Parameters): string {
  const columns = factColumns.filter((column) => column !== 'offset')
  const staged = stagedSql(job, parameters, columns)
  const stored = `SELECT identity FROM (${storedSql(job, parameters)})${job.restores ? ' WHERE NOT retracted' : ''}`
  return (
    `SELECT toUInt64(${placesFrom}) + place AS offset, ${columns.join(', ')} FROM (${staged}) ` +
    `WHERE identity GLOBAL NOT IN (${stored}) ORDER BY place LIMIT 1 BY identity`
  )
}
