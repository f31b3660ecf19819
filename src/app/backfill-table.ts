// The statements about backfill jobs. Whoever changes a job holds its row, so that two of them take turns.
import { inTransaction, microsOf, readInstant } from '../account/database.ts'
import type { Database, Queryable } from '../account/database.ts'
import { Refusal } from '../core/errors.ts'
import type { Offset } from '../core/ids.ts'
import type { Decision } from '../core/record.ts'
import { formatInstant } from '../core/time.ts'
import type { Micros, Period } from '../core/time.ts'
import type { StagedJob } from '../store/staged-rows.ts'
import type { Verdicts } from '../store/staged.ts'
import { nextBackfillState } from './backfill-state.ts'
import type { BackfillCommand, BackfillState } from './backfill-state.ts'

export const limits = {
  /** Loads of one job. */
  loadsMax: 10_000,
  /** Events of one job: a preview looks at all of them at once. */
  eventsMax: 1_000_000,
} as const

export interface Backfill extends Decision {
  readonly id: string
  readonly source: string
  readonly period: Period
  readonly state: BackfillState
  readonly openedAt: Micros
  /** Whether closing it brings back events that were retracted. */
  readonly restores: boolean
  /** Null until it is closed. */
  readonly found: Verdicts | null
  readonly trouble: string | null
}

interface BackfillRow {
  readonly id: string
  readonly source: string
  readonly period_from: string
  readonly period_to: string
  readonly state: BackfillState
  readonly opened_by: string
  readonly reason: string
  readonly opened_at: string
  readonly restores: boolean
  readonly found_new: string | null
  readonly found_retracted: string | null
  readonly found_duplicates: string | null
  readonly found_conflicts: string | null
  readonly trouble: string | null
}

const columns = `id, source, ${microsOf('period_from')} as period_from, ${microsOf('period_to')} as period_to, state,
  opened_by, reason, ${microsOf('opened_at')} as opened_at, restores, found_new, found_retracted, found_duplicates, found_conflicts, trouble`

function backfillOf(row: BackfillRow): Backfill {
  const { found_new: isNew, found_retracted: retracted, found_duplicates: duplicate, found_conflicts: conflict } = row
  return {
    id: row.id,
    source: row.source,
    period: { from: readInstant(row.period_from), to: readInstant(row.period_to) },
    state: row.state,
    by: row.opened_by,
    reason: row.reason,
    openedAt: readInstant(row.opened_at),
    restores: row.restores,
    found:
      isNew === null
        ? null
        : {
            new: Number(isNew),
            retracted: Number(retracted),
            duplicate: Number(duplicate),
            conflict: Number(conflict),
          },
    trouble: row.trouble,
  }
}

function notFound(id: string): Refusal {
  return new Refusal(
    'BACKFILL_NOT_FOUND',
    `there is no backfill job ${JSON.stringify(id.slice(0, 80))}; GET /v1/backfills lists them`,
  )
}

async function select(queryable: Queryable, id: string, lock: '' | 'for update'): Promise<Backfill> {
  const { rows } = await queryable.query<BackfillRow>(`select ${columns} from backfill where id = $1 ${lock}`, [id])
  const [row] = rows
  if (row === undefined) throw notFound(id)
  return backfillOf(row)
}

/** One job. Throws Refusal BACKFILL_NOT_FOUND. */
export function getBackfill(queryable: Queryable, id: string): Promise<Backfill> {
  return select(queryable, id, '')
}

async function keepDecision(
  client: Queryable,
  { job, command, by, reason, at }: Decision & { job: string; command: string; at: Micros },
): Promise<void> {
  await client.query(
    'insert into backfill_decision (job, command, decided_by, reason, at) values ($1, $2, $3, $4, $5)',
    [job, command, by, reason, formatInstant(at)],
  )
}

export async function insertBackfill(
  database: Database,
  job: Omit<Backfill, 'state' | 'found' | 'trouble'>,
): Promise<Backfill> {
  const { id, source, period, restores, by, reason, openedAt } = job
  return inTransaction(database, async (client) => {
    await client.query(
      `insert into backfill (id, source, period_from, period_to, state, opened_by, reason, opened_at, restores)
       values ($1, $2, $3, $4, 'open', $5, $6, $7, $8)`,
      [id, source, formatInstant(period.from), formatInstant(period.to), by, reason, formatInstant(openedAt), restores],
    )
    await keepDecision(client, { job: id, command: 'open', by, reason, at: openedAt })
    return getBackfill(client, id)
  })
}

/** Jobs, the newest first. */
export async function listBackfills(
  queryable: Queryable,
  { state, before, most }: { state: BackfillState | null; before: string | null; most: number },
): Promise<readonly Backfill[]> {
  const { rows } = await queryable.query<BackfillRow>(
    `select ${columns} from backfill
     where ($1::text is null or state = $1)
       and ($2::text is null or (opened_at, id) < (select opened_at, id from backfill where id = $2))
     order by backfill.opened_at desc, id desc limit $3`,
    [state, before, most],
  )
  return rows.map(backfillOf)
}

export interface KeptDecision extends Decision {
  readonly command: string
  readonly at: Micros
}

export async function decisionsOf(queryable: Queryable, job: string): Promise<readonly KeptDecision[]> {
  const { rows } = await queryable.query<{ command: string; decided_by: string; reason: string; at: string }>(
    `select command, decided_by, reason, ${microsOf('at')} as at from backfill_decision where job = $1 order by id`,
    [job],
  )
  return rows.map(({ command, decided_by: by, reason, at }) => ({ command, by, reason, at: readInstant(at) }))
}

/** What was found, and in how many loads. */
export interface Found {
  readonly verdicts: Verdicts
  readonly loads: number
}

/** Takes a decision about a job. One that was taken before changes nothing. */
export async function decide(
  database: Database,
  id: string,
  { command, by, reason, at }: Decision & { command: BackfillCommand; at: Micros },
  found: Found | null = null,
): Promise<Backfill> {
  return inTransaction(database, async (client) => {
    const job = await select(client, id, 'for update')
    const state = nextBackfillState(job.state, command)
    if (state === job.state) return job
    // A load takes the same row lock: none can be finished between this look and the new state.
    if (found !== null && (await loadsOf(client, id)).length !== found.loads)
      throw new Refusal('NOT_READY', 'a load was finished meanwhile; look at the preview, then close the job again', {
        retryAfterSeconds: 1,
      })
    await keepDecision(client, { job: id, command, by, reason, at })
    await client.query(
      `update backfill set state = $2, trouble = null, found_new = coalesce($3, found_new),
         found_duplicates = coalesce($4, found_duplicates), found_conflicts = coalesce($5, found_conflicts),
         found_retracted = coalesce($6, found_retracted)
       where id = $1`,
      [
        id,
        state,
        found?.verdicts.new ?? null,
        found?.verdicts.duplicate ?? null,
        found?.verdicts.conflict ?? null,
        found?.verdicts.retracted ?? null,
      ],
    )
    return getBackfill(client, id)
  })
}

/** The work of a job is done. */
export async function finish(database: Database, id: string): Promise<void> {
  await inTransaction(database, async (client) => {
    const job = await select(client, id, 'for update')
    const state = nextBackfillState(job.state, 'finish')
    await client.query('update backfill set state = $2, trouble = null where id = $1', [id, state])
  })
}

export async function setTrouble(queryable: Queryable, id: string, trouble: string | null): Promise<void> {
  await queryable.query('update backfill set trouble = $2 where id = $1 and trouble is distinct from $2', [id, trouble])
}

export interface FinishedLoad {
  readonly content: string
  readonly events: number
}

/** The loads of a job, in the order in which they were finished. */
export async function loadsOf(queryable: Queryable, job: string): Promise<readonly FinishedLoad[]> {
  const { rows } = await queryable.query<{ content: string; events: string }>(
    'select content, events from backfill_load where job = $1 order by number',
    [job],
  )
  return rows.map(({ content, events }) => ({ content, events: Number(events) }))
}

/** A job as the store knows it. */
export async function stagedJobOf(queryable: Queryable, { id, source, restores }: Backfill): Promise<StagedJob> {
  return { job: id, source, restores, loads: (await loadsOf(queryable, id)).map(({ content }) => content) }
}

function tooMuch(what: string): Refusal {
  return new Refusal('QUERY_TOO_LARGE', `${what}; open another job for the rest`)
}

/** A load counts from here on, unless the job was closed meanwhile. The same load again changes nothing. */
export async function finishLoad(
  database: Database,
  id: string,
  { content, events, at }: FinishedLoad & { at: Micros },
): Promise<void> {
  await inTransaction(database, async (client) => {
    const { state } = await select(client, id, 'for update')
    const loads = await loadsOf(client, id)
    // A load that counts already is answered alike, also when the job has gone on since.
    if (loads.some((load) => load.content === content)) return
    nextBackfillState(state, 'load')
    if (loads.length >= limits.loadsMax) throw tooMuch(`the job has ${limits.loadsMax} loads`)
    if (loads.reduce((total, load) => total + load.events, events) > limits.eventsMax)
      throw tooMuch(`the job would have more than ${limits.eventsMax} events`)
    await client.query(
      'insert into backfill_load (job, number, content, events, loaded_at) values ($1, $2, $3, $4, $5)',
      [id, loads.length + 1, content, events, formatInstant(at)],
    )
  })
}

export interface Batch {
  readonly number: number
  /** The end of the log when it was decided what is new. */
  readonly logEnd: Offset
  /** Null: not known yet whether it was appended. */
  readonly result: { readonly first: Offset; readonly accepted: number } | null
}

export async function batchesOf(queryable: Queryable, job: string): Promise<readonly Batch[]> {
  const { rows } = await queryable.query<{
    number: number
    log_end: string
    first_offset: string | null
    accepted: string | null
  }>('select number, log_end, first_offset, accepted from backfill_batch where job = $1 order by number', [job])
  return rows.map(({ number, log_end: end, first_offset: first, accepted }) => ({
    number,
    logEnd: Number(end) as Offset,
    result: first === null ? null : { first: Number(first) as Offset, accepted: Number(accepted) },
  }))
}

export async function insertBatch(
  queryable: Queryable,
  job: string,
  { number, logEnd }: Omit<Batch, 'result'>,
): Promise<void> {
  await queryable.query('insert into backfill_batch (job, number, log_end) values ($1, $2, $3)', [job, number, logEnd])
}

export async function setBatchResult(
  queryable: Queryable,
  job: string,
  { number, result }: { number: number; result: NonNullable<Batch['result']> },
): Promise<void> {
  await queryable.query(
    'update backfill_batch set first_offset = $3, accepted = $4 where job = $1 and number = $2 and first_offset is null',
    [job, number, result.first, result.accepted],
  )
}
