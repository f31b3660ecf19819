/**
 * Ingest owns: the body of a request, the check of each event, the answer. It does not own: identity and
 * durability (log), who may send (app asks account), who pays (ownership is handed in).
 *
 * L1: received = accepted + duplicates + quarantined, in every answer. L3: the answer is written only after
 * `append` has resolved, which is after the log was flushed.
 */
import { assert, unreachable } from '../core/result.ts'
import type { ErrorCode, Problem } from '../core/errors.ts'
import type { AccountKey } from '../core/ids.ts'
import type { Arrival, Outcome } from '../core/record.ts'
import { readCandidates } from './body.ts'
import { holdInput, parseEvent } from './event.ts'
import type { ParseContext } from './event.ts'

/** What an append came to: one outcome for each arrival, in order, and the number of the batch that they are. */
export interface Appended {
  readonly batch: number
  readonly outcomes: readonly Outcome[]
}

/** The door to the log: resolves when all of it is durable. `sender` is kept with the batch. */
export type Append = (arrivals: readonly Arrival[], sender: string) => Promise<Appended>

export interface RejectedEvent {
  readonly index: number
  readonly status: 'duplicate' | 'quarantined'
  readonly code: ErrorCode | 'DUPLICATE'
  readonly message: string
  readonly field?: string
}

/** The answer of POST /v1/events (DESIGN §11). `results` names the events that were not accepted. */
export interface Receipt {
  /** Under this number the balance of what was sent can be asked for later. */
  readonly batch: string
  readonly received: number
  readonly accepted: number
  readonly duplicates: number
  readonly quarantined: number
  readonly results: readonly RejectedEvent[]
}

export interface ReceiveContext extends DoorContext {
  readonly append: Append
  /** Who sends: the id of the key. */
  readonly sender: string
}

const conflictMessage =
  'another event with this identity and other content was accepted before; this one was kept aside and not counted'

function resultOf(index: number, arrival: Arrival, outcome: Outcome): RejectedEvent | null {
  switch (outcome.kind) {
    case 'accepted':
      return null
    case 'duplicate':
      return { index, status: 'duplicate', code: 'DUPLICATE', message: 'accepted before; not counted again' }
    case 'conflict':
      return { index, status: 'quarantined', code: 'EVENT_CONFLICT', message: conflictMessage }
    case 'held': {
      assert(arrival.kind === 'held', 'only held input is held')
      const { code, message, field } = arrival.held.problem
      return { index, status: 'quarantined', code, message, ...(field === undefined ? {} : { field }) }
    }
    case 'unknown':
      throw new Error('only a correction can name what is not in the log')
    default:
      return unreachable(outcome)
  }
}

function receiptOf(arrivals: readonly Arrival[], { batch, outcomes }: Appended): Receipt {
  assert(outcomes.length === arrivals.length, 'the log answers every arrival')
  const results: RejectedEvent[] = []
  let duplicates = 0
  arrivals.forEach((arrival, index) => {
    const outcome = outcomes[index]
    assert(outcome !== undefined, 'the log answers every arrival')
    const result = resultOf(index, arrival, outcome)
    if (result === null) return
    if (result.status === 'duplicate') duplicates += 1
    results.push(result)
  })
  const received = arrivals.length
  return {
    batch: String(batch),
    received,
    accepted: received - results.length,
    duplicates,
    quarantined: results.length - duplicates,
    results,
  }
}

/**
 * The name under which a source of a bound key is kept. No account key contains `~`, so two accounts never
 * share a name (with `/`, account `a` and source `b/c` would be account `a/b` and source `c`).
 */
export function boundSource(account: AccountKey, source: string): string {
  return `${account}~${source}`
}

/** The account that a source belongs to, when it is of a bound key; null for sources of the operator. */
export function ownerOfSource(name: string): AccountKey | null {
  const end = name.indexOf('~')
  return end < 0 ? null : (name.slice(0, end) as AccountKey)
}

/** The reason against a name that an operator's source must not have: it would pass for a customer's. */
export function sourceNameProblem(source: unknown): Problem | null {
  if (typeof source !== 'string' || !source.includes('~')) return null
  return {
    code: 'EVENT_FIELD_INVALID',
    field: 'source',
    message: 'source contains "~", which is kept for sources of customers’ keys',
  }
}

/**
 * L11: a key that is bound to an account cannot write into another one, and its sources are names of its
 * own, so that it can neither hide nor probe the events of others by using their identities.
 */
function bind(input: unknown, account: AccountKey): unknown {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input
  const { source } = input as { source?: unknown }
  return { ...input, account, ...(typeof source === 'string' ? { source: boundSource(account, source) } : {}) }
}

export interface DoorContext extends ParseContext {
  /** The account that the sender's key is bound to; its events belong to it, whatever they say. */
  readonly boundTo: AccountKey | null
}

/** The door: every event of a decoded body, checked, or held with the reason. Nothing is taken yet. */
export function arrivalsOf(body: Buffer, contentType: string | undefined, context: DoorContext): Arrival[] {
  return readCandidates(body, contentType).map((candidate): Arrival => {
    if (!candidate.ok) {
      const { code, message, field, raw } = candidate
      return holdInput(null, raw, { code, message, ...(field === undefined ? {} : { field }) })
    }
    const { boundTo } = context
    const problem =
      boundTo === null ? sourceNameProblem((candidate.input as { source?: unknown } | null)?.source) : null
    if (problem !== null) return holdInput(null, candidate.raw, problem)
    const input = boundTo === null ? candidate.input : bind(candidate.input, boundTo)
    return parseEvent(input, candidate.raw, context)
  })
}

/** Takes a decoded body: checks every event, appends, and answers what happened to each. */
export async function receive(
  body: Buffer,
  contentType: string | undefined,
  context: ReceiveContext,
): Promise<Receipt> {
  const arrivals = arrivalsOf(body, contentType, context)
  return receiptOf(arrivals, await context.append(arrivals, context.sender))
}
