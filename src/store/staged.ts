/**
 * Owns what backfill jobs have loaded and nobody counts yet: durable, checked against everything stored when somebody
 * looks, and gone when the job is over. Questions about it are operator questions: a job is about a source, not about
 * an account.
 */
import { factFields } from '../core/event.ts'
import type { AccountKey, Offset, SourceName } from '../core/ids.ts'
import type { ParsedEvent } from '../core/record.ts'
import type { Micros } from '../core/time.ts'
import { columnOf } from './columns.ts'
import { Parameters } from './condition.ts'
import type { Engine } from './engine.ts'
import { fence } from './counted-rows.ts'
import { newRowsSql, stagedSql, storedSql } from './staged-rows.ts'
import type { StagedJob } from './staged-rows.ts'

const columns = [
  'job',
  'load',
  'line',
  'fact_text',
  'inspection_text',
  'ingested_us',
  'account',
  ...factFields.map(({ name }) => columnOf(name)),
]

export interface Load {
  readonly job: string
  /** The name of the load: of its content, so that the same content again is the same load. */
  readonly load: string
  readonly now: Micros
}

/** Puts a load in, durable when it resolves. Doing it again changes nothing, whether the first one came through or not. */
export async function insertStaged(
  engine: Engine,
  { job, load, now }: Load,
  events: readonly ParsedEvent[],
): Promise<void> {
  const rows = events.map(({ account, fact, inspection }, index) => {
    const first = JSON.stringify([job, load, index + 1, fact, inspection, now, account])
    return `${first.slice(0, -1)},${fact.slice(1)}`
  })
  if (rows.length === 0) return
  await engine.insert({ table: 'staged_fact', columns, rows: rows.join('\n'), token: `${job}:${load}` })
}

function operator(parameters: Parameters): string {
  return fence({ kind: 'operator', question: 'staged_events' }, parameters)
}

/** How many events of each load are there: less than were loaded when the store was replaced by another. */
export async function askLoadSizes(engine: Engine, { job }: StagedJob): Promise<ReadonlyMap<string, number>> {
  const parameters = new Parameters()
  const rows = await engine.query<{ load: string; lines: string }>(
    `SELECT load, uniqExact(line) AS lines FROM staged_fact WHERE ${operator(parameters)} AND job = ${parameters.add(job, 'String')} GROUP BY load`,
    parameters.values,
  )
  return new Map(rows.map(({ load, lines }) => [load, Number(lines)]))
}

/** What closing a job would make of what it has loaded. */
export interface Verdicts {
  readonly new: number
  /** Stored and retracted, so it does not count: brought back if the job restores, else left as it is. */
  readonly retracted: number
  /** Stored already, or loaded twice, with the same content. */
  readonly duplicate: number
  /** The identity is stored, or loaded before, with other content. */
  readonly conflict: number
}

export async function askVerdicts(engine: Engine, job: StagedJob): Promise<Verdicts> {
  const parameters = new Parameters()
  const staged = stagedSql(job, parameters)
  const rows = await engine.query<{ verdict: keyof Verdicts; lines: string }>(
    `SELECT verdict, uniqExact(place) AS lines FROM (
       SELECT loaded.place AS place, multiIf(
         stored.retracted${job.restores ? ' AND loaded.place = loaded.first_place' : ''}, 'retracted',
         empty(stored.contents) AND loaded.place = loaded.first_place, 'new',
         has(stored.contents, loaded.content), 'duplicate',
         (empty(stored.contents) OR stored.retracted) AND loaded.content = loaded.first_content, 'duplicate',
         'conflict') AS verdict
       FROM (
         SELECT identity, content, place,
           min(place) OVER (PARTITION BY identity) AS first_place,
           argMin(content, place) OVER (PARTITION BY identity) AS first_content
         FROM (${staged})
       ) AS loaded
       GLOBAL LEFT JOIN (${storedSql(job, parameters)}) AS stored ON loaded.identity = stored.identity
     ) WHERE ${operator(parameters)} GROUP BY verdict`,
    parameters.values,
  )
  const of = (wanted: keyof Verdicts): number => Number(rows.find(({ verdict }) => verdict === wanted)?.lines ?? 0)
  return { new: of('new'), retracted: of('retracted'), duplicate: of('duplicate'), conflict: of('conflict') }
}

/** Whose time would change by closing a job. */
export interface Span {
  readonly account: AccountKey
  readonly events: number
  readonly first: Micros
  readonly last: Micros
}

export async function askSpans(engine: Engine, job: StagedJob): Promise<readonly Span[]> {
  const parameters = new Parameters()
  const rows = await engine.query<{ account: string; events: string; first: string; last: string }>(
    `SELECT account, count() AS events, min(time_us) AS first, max(time_us) AS last FROM (${newRowsSql(job, parameters)}) ` +
      `WHERE ${operator(parameters)} GROUP BY account ORDER BY account`,
    parameters.values,
  )
  return rows.map(({ account, events, first, last }) => ({
    account: account as AccountKey,
    events: Number(events),
    first: Number(first) as Micros,
    last: Number(last) as Micros,
  }))
}

/** What the store has under an identity. */
export interface StoredIdentity {
  /** Of all its versions, superseded ones included: none of them says anything new. */
  readonly contents: readonly string[]
  /** A version of it, near the newest. */
  readonly last: Offset
  /** No version of it counts. */
  readonly retracted: boolean
}

/** A loaded event, with what is stored under its identity. */
export interface StagedEvent {
  readonly identity: string
  readonly content: string
  /** Null: the store has nothing under this identity. */
  readonly stored: StoredIdentity | null
  readonly event: Omit<ParsedEvent, 'hash'>
}

interface StagedRow {
  readonly identity: string
  readonly content: string
  readonly account: string
  readonly source: string
  readonly id: string
  readonly epoch: string
  readonly seq: string | null
  readonly time_us: string
  readonly fact_text: string
  readonly inspection_text: string | null
}

function eventOf(row: StagedRow): StagedEvent['event'] {
  return {
    source: row.source as SourceName,
    epoch: row.epoch,
    id: row.id,
    seq: row.seq === null ? null : Number(row.seq),
    time: Number(row.time_us) as Micros,
    account: row.account as AccountKey,
    fact: row.fact_text,
    inspection: row.inspection_text,
  }
}

async function askStored(engine: Engine, job: StagedJob): Promise<ReadonlyMap<string, StoredIdentity>> {
  const parameters = new Parameters()
  const rows = await engine.query<{ identity: string; contents: string[]; last: string; retracted: number }>(
    `SELECT identity, contents, last, retracted FROM (${storedSql(job, parameters)}) WHERE ${operator(parameters)}`,
    parameters.values,
  )
  return new Map(
    rows.map(({ identity, contents, last, retracted }) => [
      identity,
      { contents, last: Number(last) as Offset, retracted: retracted !== 0 },
    ]),
  )
}

/** Everything in some of a job's loads, in the order in which it was loaded, held against what is stored now. */
export async function askStaged(engine: Engine, job: StagedJob): Promise<readonly StagedEvent[]> {
  const parameters = new Parameters()
  const names = ['account', 'source', 'id', 'epoch', 'seq', 'time_us', 'fact_text', 'inspection_text']
  const rows = await engine.query<StagedRow>(
    `SELECT * FROM (${stagedSql(job, parameters, names)}) WHERE ${operator(parameters)} ORDER BY place LIMIT 1 BY place`,
    parameters.values,
  )
  const stored = await askStored(engine, job)
  return rows.map((row) => ({
    identity: row.identity,
    content: row.content,
    stored: stored.get(row.identity) ?? null,
    event: eventOf(row),
  }))
}

/** Lets go of everything that a job has loaded. */
export async function dropStaged(engine: Engine, job: string): Promise<void> {
  if (!/^\w+$/.test(job)) throw new Error(`${job} is not the name of a job`)
  const { cluster } = engine
  await engine.command(
    cluster === null
      ? `ALTER TABLE staged_fact DROP PARTITION '${job}'`
      : `ALTER TABLE \`${cluster.database}\`.staged_fact_local ON CLUSTER '${cluster.name}' DROP PARTITION '${job}'`,
  )
}

/** Jobs that have anything loaded. */
export async function askStagedJobs(engine: Engine): Promise<readonly string[]> {
  const parameters = new Parameters()
  const rows = await engine.query<{ job: string }>(
    `SELECT DISTINCT job FROM staged_fact WHERE ${operator(parameters)}`,
    parameters.values,
  )
  return rows.map(({ job }) => job)
}
