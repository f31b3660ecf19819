/**
 * Events that a backfill job brought and that nobody counts yet, as rows that a question to the store can look at.
 * Which of them are new is decided against everything that is stored, by identity, inside the engine.
 */
import { factFields } from '../core/event.ts'
import { columnOf, factColumns } from './columns.ts'
import type { Parameters } from './condition.ts'

/** What of a job counts as loaded: loads that are not in the list were never finished. */
export interface StagedJob {
  readonly job: string
  readonly source: string
  /** Names of the finished loads, in the order in which they were made. */
  readonly loads: readonly string[]
}

/** Lines of one load stay below it, so that load and line together are one number that a double holds. */
export const linesOfLoadMax = 2 ** 32

/** Staged rows have places above every offset of the log: what is stored comes first, as it will after the close. */
const placesFrom = 2n ** 62n

/** The identity of an event in its source (docs/decisions/0021): the number decides where there is one. */
const identitySql =
  "concat(toString(lengthUTF8(epoch)), ':', epoch, if(isNull(seq), concat('i', id), concat('n', toString(assumeNotNull(seq)))))"

/** Equal facts give equal text; inspection fields may have been erased since and do not count. */
const contentSql = `hex(sipHash128(toString(tuple(${factFields.map(({ name }) => columnOf(name)).join(', ')}))))`

function ofJob({ job, loads }: StagedJob, parameters: Parameters): { readonly where: string; readonly place: string } {
  const names = parameters.add(loads, 'Array(String)')
  return {
    where: `job = ${parameters.add(job, 'String')} AND has(${names}, load)`,
    place: `(toUInt64(indexOf(${names}, load)) * ${linesOfLoadMax} + line)`,
  }
}

/** Part of a job's rows, by their places. */
export interface Places {
  readonly after: number
  readonly upTo: number
}

/** Rows of a job with `identity`, `content` and `place`. */
export function stagedSql(
  job: StagedJob,
  { columns, parameters, places }: { columns: readonly string[]; parameters: Parameters; places?: Places },
): string {
  const { where, place } = ofJob(job, parameters)
  const part =
    places === undefined
      ? ''
      : ` AND ${place} > ${parameters.add(places.after, 'UInt64')} AND ${place} <= ${parameters.add(places.upTo, 'UInt64')}`
  const selected = [...columns, `${identitySql} AS identity`, `${contentSql} AS content`, `${place} AS place`]
  return `SELECT ${selected.join(', ')} FROM staged_fact WHERE ${where}${part}`
}

/** What is stored under the identities of staged rows, as it first arrived: `identity`, `content`. */
export function storedSql(job: StagedJob, parameters: Parameters, places?: Places): string {
  const staged = stagedSql(job, { columns: [], parameters, ...(places === undefined ? {} : { places }) })
  return (
    `SELECT ${identitySql} AS identity, argMin(${contentSql}, offset) AS content FROM fact ` +
    `WHERE source = ${parameters.add(job.source, 'String')} AND ${identitySql} GLOBAL IN (SELECT identity FROM (${staged})) ` +
    'GROUP BY identity'
  )
}

/** The rows of a job that closing it would bring, each identity once, with the columns of `fact`. */
export function newRowsSql(job: StagedJob, parameters: Parameters): string {
  const columns = factColumns.filter((column) => column !== 'offset')
  const staged = stagedSql(job, { columns, parameters })
  const stored = storedSql(job, parameters)
  return (
    `SELECT toUInt64(${placesFrom}) + place AS offset, ${columns.join(', ')} FROM (${staged}) ` +
    `WHERE identity GLOBAL NOT IN (SELECT identity FROM (${stored})) ORDER BY place LIMIT 1 BY identity`
  )
}
