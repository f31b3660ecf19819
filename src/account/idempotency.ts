import { hash } from 'node:crypto'
import { Refusal } from '../core/errors.ts'
import { formatInstant, secondMicros } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import type { Queryable } from './database.ts'

/** One write that a caller may repeat: who asks, under which key, for what. */
export interface Write {
  /** The id of the caller's API key: callers do not see each other's keys. */
  readonly principal: string
  readonly key: string
  /** Method and path, such as `POST /v1/invoices`. */
  readonly route: string
  readonly body: Uint8Array | string
}

export interface Answer {
  readonly status: number
  readonly response: string
}

/** The right to do the write and to record its answer. */
export interface Claim {
  readonly principal: string
  readonly key: string
  /** No two claims have the same. */
  readonly attempt: string
}

export type Claimed = { readonly kind: 'new'; readonly claim: Claim } | ({ readonly kind: 'replay' } & Answer)

/**
 * `claimMicros`: a claim that has no answer by then was left by a process that died, and the next one takes it over.
 * `keptMicros`: how long an answer is given again; `forgetAnswers` removes older ones.
 */
export const limits = {
  claimMicros: 60 * secondMicros,
  keptMicros: 7 * 86_400 * secondMicros,
  keyBytesMax: 255,
} as const

interface ClaimRow {
  readonly route: string
  readonly body_sha256: Buffer
  readonly status: number | null
  readonly response: string | null
}

/**
 * Takes over only what is unanswered, old, and the same write; otherwise the row stays as it is, and a second
 * statement reads it. Both see a row of the key: rows are removed only when they are a week old.
 */
const claimStatement = `
  insert into idempotency as kept (principal, key, route, body_sha256, claimed_at)
  values ($1, $2, $3, $4, $5)
  on conflict (principal, key) do update set claimed_at = excluded.claimed_at, attempt = excluded.attempt
  where kept.completed_at is null and kept.claimed_at <= $6::timestamptz
    and kept.route = excluded.route and kept.body_sha256 = excluded.body_sha256
  returning attempt`

const readStatement = `
  select route, body_sha256, status, response from idempotency where principal = $1 and key = $2`

/**
 * Asks for the right to do a write. The same write again gets the first answer; another one under the same key is
 * refused with IDEMPOTENCY_CONFLICT, and one whose first attempt still runs with IDEMPOTENCY_IN_PROGRESS.
 * To be called outside the transaction of the write itself, so that others see the claim.
 */
export async function claimWrite(queryable: Queryable, write: Write, now: Micros): Promise<Claimed> {
  const { principal, key, route } = write
  if (key === '' || Buffer.byteLength(key) > limits.keyBytesMax || key.includes('\0'))
    throw new Refusal('REQUEST_INVALID', `Idempotency-Key has 1 to ${limits.keyBytesMax} bytes`)
  const sha256 = hash('sha256', write.body, 'buffer')
  const stale = formatInstant(Math.max(0, now - limits.claimMicros) as Micros)
  const claimed = await queryable.query<{ attempt: string }>(claimStatement, [
    principal,
    key,
    route,
    sha256,
    formatInstant(now),
    stale,
  ])
  const [mine] = claimed.rows
  if (mine !== undefined) return { kind: 'new', claim: { principal, key, attempt: mine.attempt } }
  const kept = await queryable.query<ClaimRow>(readStatement, [principal, key])
  return firstAnswer(write, sha256, kept.rows[0])
}

function firstAnswer(write: Write, sha256: Buffer, row: ClaimRow | undefined): Claimed {
  if (row !== undefined && (row.route !== write.route || !row.body_sha256.equals(sha256)))
    throw new Refusal(
      'IDEMPOTENCY_CONFLICT',
      `Idempotency-Key ${JSON.stringify(write.key)} was used for another request (${row.route}); use a new key`,
    )
  // Without a row the first attempt failed and gave the key back just now.
  if (row === undefined || row.status === null || row.response === null)
    throw new Refusal('IDEMPOTENCY_IN_PROGRESS', 'the first request with this Idempotency-Key still runs', {
      retryAfterSeconds: 1,
    })
  return { kind: 'replay', status: row.status, response: row.response }
}

/**
 * Records the answer. Called inside the transaction of the write, the write and its answer are committed together,
 * and a claimant that was overtaken is refused here and so commits nothing: the write happens once (L2).
 */
export async function completeWrite(queryable: Queryable, claim: Claim, answer: Answer, now: Micros): Promise<void> {
  const { rowCount } = await queryable.query(
    `update idempotency set completed_at = $4, status = $5, response = $6
     where principal = $1 and key = $2 and attempt = $3 and completed_at is null`,
    [claim.principal, claim.key, claim.attempt, formatInstant(now), answer.status, answer.response],
  )
  if (rowCount !== 1)
    throw new Refusal('IDEMPOTENCY_IN_PROGRESS', 'this request took too long and was taken over by its repetition', {
      retryAfterSeconds: 1,
    })
}

/** Gives the key back after a failure that changed nothing, so that a repetition may try at once. */
export async function releaseWrite(queryable: Queryable, claim: Claim): Promise<void> {
  await queryable.query(
    'delete from idempotency where principal = $1 and key = $2 and attempt = $3 and completed_at is null',
    [claim.principal, claim.key, claim.attempt],
  )
}

/** Removes answers older than `limits.keptMicros`; returns how many. */
export async function forgetAnswers(queryable: Queryable, now: Micros): Promise<number> {
  const { rowCount } = await queryable.query('delete from idempotency where claimed_at < $1', [
    formatInstant(Math.max(0, now - limits.keptMicros) as Micros),
  ])
  return rowCount ?? 0
}
