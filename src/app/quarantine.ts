/**
 * How held inputs are worked off: released through the real door once more, repaired by a person, or written off.
 * Nothing leaves the quarantine by itself, and each decision names who took it and why (L1).
 *
 * Planning is pure: what would become of an input today. Executing hands the plan to the log, where the event is
 * accepted and the input resolved in one transaction.
 */
import type { Problem } from '../core/errors.ts'
import { heldLengthMax } from '../core/record.ts'
import type { Arrival, Decision, Outcome, ParsedEvent } from '../core/record.ts'
import { assert, fail, ok, unreachable } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import type { Micros } from '../core/time.ts'
import { fromCloudEvent } from '../ingest/cloud-event.ts'
import { parseEvent } from '../ingest/event.ts'
import type { DescribeAddress } from '../ingest/address-facts.ts'
import type { OwnerAt, PaidBy } from '../ingest/event.ts'
import { parseJson } from '../ingest/json.ts'
import { boundSource, ownerOfSource } from '../ingest/receive.ts'
import type { HeldRecord, Resolution } from '../log/log.ts'

export interface Door {
  readonly now: Micros
  readonly ownerAt: OwnerAt
  readonly paidBy?: PaidBy
  readonly describeAddress?: DescribeAddress
}

/** What would become of a held input if it arrived today. */
export type ReleasePlan =
  | { readonly kind: 'good'; readonly held: HeldRecord; readonly event: ParsedEvent }
  /** Read again, and refused again. */
  | { readonly kind: 'wrong'; readonly held: HeldRecord; readonly problem: Problem }
  /** It cannot go through the door as it lies there. */
  | { readonly kind: 'stuck'; readonly held: HeldRecord; readonly why: string }
  | { readonly kind: 'resolved'; readonly held: HeldRecord; readonly resolution: Resolution }

type Fields = Readonly<Record<string, unknown>>

const orWriteOff = 'repair it with the event that it stands for, or write it off'

/** The reason why an input cannot be read again, whatever the rules are today. */
function whyStuck({ problem, source, raw }: HeldRecord): string | null {
  if (problem.code === 'EVENT_CONFLICT') {
    return (
      'another event with this identity was accepted and stands; write this one off, or, where this one is right, ' +
      'amend the accepted event by POST /v1/corrections and then write this one off'
    )
  }
  // Its identity is not known: what it says now could pass for an event of anybody's source (L11).
  if (source === null) return `who sent it is not known; ${orWriteOff}`
  if (raw.length >= heldLengthMax) return `only its first ${heldLengthMax} characters were kept; ${orWriteOff}`
  return null
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What arrived, as the door would see it: a CloudEvent is unwrapped, a line of a collector keeps its number. */
function inputOf(held: HeldRecord): Result<Fields, string> {
  const { raw, problem, source, epoch, seq } = held
  const flat = parseJson(raw)
  if (!flat.ok || !isFields(flat.value)) {
    return fail(
      problem.code === 'EVENT_UNREADABLE'
        ? `it is a line of a log file, which only a collector can read; ${orWriteOff}`
        : `it is no JSON object; ${orWriteOff}`,
    )
  }
  if (problem.code === 'EVENT_UNREADABLE') return ok({ ...flat.value, source, ...(epoch === '' ? {} : { epoch }), seq })
  if (flat.value['specversion'] === undefined) return ok(flat.value)
  const nested = parseJson(raw, 'nested')
  const unwrapped = nested.ok ? fromCloudEvent(nested.value) : nested
  return unwrapped.ok ? unwrapped : fail(`${unwrapped.error.message}; ${orWriteOff}`)
}

/** L11: an input of a customer's key stays that customer's, whatever it says. */
function boundInput(input: Fields, held: HeldRecord): Fields {
  const owner = held.source === null ? null : ownerOfSource(held.source)
  if (owner === null) return input
  const { source } = input
  const named = source === held.source || typeof source !== 'string' ? source : boundSource(owner, source)
  return { ...input, account: owner, source: named }
}

/** What is known of an input's identity has to be the event's. */
function isSameIdentity({ source, epoch, id, seq, problem }: HeldRecord, event: ParsedEvent): boolean {
  const knowsEpoch = source !== null && problem.field !== 'epoch'
  return (
    (source === null || source === event.source) &&
    (!knowsEpoch || epoch === event.epoch) &&
    (seq === null ? id === null || (event.seq === null && id === event.id) : seq === event.seq)
  )
}

function throughDoor(input: Fields, held: HeldRecord, door: Door): ReleasePlan {
  const arrival = parseEvent(input, held.raw, door)
  if (arrival.kind === 'held') return { kind: 'wrong', held, problem: arrival.held.problem }
  assert(arrival.kind === 'event', 'the door makes events or holds')
  if (!isSameIdentity(held, arrival.event))
    return { kind: 'stuck', held, why: `it has another identity than the one it was held under; ${orWriteOff}` }
  return { kind: 'good', held, event: arrival.event }
}

/** Reads a held input again by the rules, the ownership and the clock of today. Pure. */
export function planRelease(held: HeldRecord, door: Door): ReleasePlan {
  if (held.resolution !== null) return { kind: 'resolved', held, resolution: held.resolution }
  const why = whyStuck(held)
  if (why !== null) return { kind: 'stuck', held, why }
  const input = inputOf(held)
  return input.ok ? throughDoor(boundInput(input.value, held), held, door) : { kind: 'stuck', held, why: input.error }
}

/** JSON.parse has lost the digits of such a number before anybody could look at them (L4). */
function inexactField(event: Fields): string | null {
  const found = Object.entries(event).find(([, value]) => typeof value === 'number' && !Number.isSafeInteger(value))
  return found?.[0] ?? null
}

/** The identity under which the input was held, in the places that the repaired event leaves open. */
function completed(event: Fields, { source, epoch, id, seq }: HeldRecord): Fields {
  return {
    ...event,
    source: event['source'] ?? source,
    epoch: event['epoch'] ?? (epoch === '' ? null : epoch),
    ...(seq === null ? { id: event['id'] ?? id } : { seq: event['seq'] ?? seq }),
  }
}

/** What a person's repaired event would become. It takes the place of the input, so it keeps its identity. Pure. */
export function planRepair(held: HeldRecord, event: Fields, door: Door): ReleasePlan {
  if (held.resolution !== null) return { kind: 'resolved', held, resolution: held.resolution }
  const inexact = inexactField(event)
  if (inexact !== null) {
    const message = `${inexact} is a number that JSON readers do not keep exactly; write it as a text`
    return { kind: 'wrong', held, problem: { code: 'EVENT_FIELD_INVALID', field: inexact, message } }
  }
  const input = completed(event, held)
  if (held.source === null && typeof input['source'] === 'string' && input['source'].includes('~')) {
    const message = 'source contains "~", which is kept for sources of customers’ keys'
    return { kind: 'wrong', held, problem: { code: 'EVENT_FIELD_INVALID', field: 'source', message } }
  }
  return throughDoor(boundInput(input, held), held, door)
}

/** What became of one input. */
export interface Released {
  readonly number: number
  readonly status: 'released' | 'duplicate' | 'conflict' | 'wrong' | 'stuck' | 'resolved' | 'would_be_released'
  readonly code: string | null
  readonly message: string
}

function resolutionText({ kind, by }: Resolution): string {
  return `it was resolved before (${kind.replace('_', ' ')}) by ${by}`
}

/** The answer for an input that did not go to the log. */
export function plannedResult(plan: ReleasePlan): Released {
  const { number } = plan.held
  switch (plan.kind) {
    case 'good':
      return { number, status: 'would_be_released', code: null, message: 'it is good now' }
    case 'wrong':
      return { number, status: 'wrong', code: plan.problem.code, message: plan.problem.message }
    case 'stuck':
      return { number, status: 'stuck', code: plan.held.problem.code, message: plan.why }
    case 'resolved':
      return { number, status: 'resolved', code: null, message: resolutionText(plan.resolution) }
    default:
      return unreachable(plan)
  }
}

function outcomeResult(number: number, outcome: Outcome): Released {
  switch (outcome.kind) {
    case 'accepted':
      return { number, status: 'released', code: null, message: `accepted at offset ${outcome.offset}` }
    case 'duplicate':
      return { number, status: 'duplicate', code: 'DUPLICATE', message: 'it was counted before, and is not again' }
    case 'conflict':
      return {
        number,
        status: 'conflict',
        code: 'EVENT_CONFLICT',
        message:
          'another event with this identity was accepted meanwhile and stands; write this one off, or amend the ' +
          'accepted event by POST /v1/corrections',
      }
    case 'unknown':
      return { number, status: 'resolved', code: null, message: 'somebody resolved it at the same moment' }
    case 'held':
      throw new Error('an event that passed the door is not held')
    default:
      return unreachable(outcome)
  }
}

export type AppendReleases = (arrivals: readonly Arrival[]) => Promise<{ readonly outcomes: readonly Outcome[] }>

/** Executes plans: what is good becomes an event, oldest first. Doing it again changes nothing. */
export async function executeReleases(
  plans: readonly ReleasePlan[],
  decision: Decision,
  append: AppendReleases,
): Promise<readonly Released[]> {
  const good = plans.filter((plan) => plan.kind === 'good').toSorted((one, two) => one.held.number - two.held.number)
  const results = plans.filter((plan) => plan.kind !== 'good').map(plannedResult)
  if (good.length === 0) return results
  const { outcomes } = await append(
    good.map(({ event, held }): Arrival => ({ kind: 'event', event, release: { held: held.number, ...decision } })),
  )
  const done = good.map(({ held }, index) => {
    const outcome = outcomes[index]
    assert(outcome !== undefined, 'the log answers every arrival')
    return outcomeResult(held.number, outcome)
  })
  return [...done, ...results].toSorted((one, two) => two.number - one.number)
}
