/** From an event's versions and what somebody wants to be different to the correction that is appended. Pure. */
import { Refusal } from '../core/errors.ts'
import type { Problem } from '../core/errors.ts'
import { factFields, inspectionFields } from '../core/event.ts'
import type { AccountKey, Offset, SourceName } from '../core/ids.ts'
import type { Arrival, CorrectionKind, Decision, LogRecord, ParsedEvent } from '../core/record.ts'
import { assert, fail, ok, unreachable } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { formatInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { lookedUpBy, lookedUpText } from '../ingest/address-facts.ts'
import type { DescribeAddress } from '../ingest/address-facts.ts'
import { parseEvent, saidText } from '../ingest/event.ts'
import type { OwnerAt, PaidBy } from '../ingest/event.ts'
import { ExactNumber } from '../ingest/json.ts'

type Fields = Readonly<Record<string, unknown>>

/** What somebody wants to be different. */
export type Wanted =
  /** Fields with their new values; null takes a value away. */
  | { readonly kind: 'amend'; readonly change: Fields }
  | { readonly kind: 'retract' }
  | { readonly kind: 'reattribute'; readonly account: AccountKey }

/** A version of an event that is to be superseded. */
export interface Base {
  readonly version: LogRecord
  /** The version itself, or the one that it retracted: what a restored event is made of. */
  readonly content: LogRecord & { readonly fact: string }
}

/** The event of a version as a sender would write it; absent fields are left out. */
export function fieldsOf({ fact, inspection }: Pick<LogRecord, 'fact' | 'inspection'>): Fields {
  const fields: Record<string, unknown> = {}
  const put = (table: typeof factFields | typeof inspectionFields, text: string | null): void => {
    const values = text === null ? [] : (JSON.parse(text) as unknown[])
    table.forEach(({ name, type }, index) => {
      const value = values[index] ?? null
      if (value === null || (name === 'epoch' && value === '')) return
      fields[name] = type.kind === 'instant' ? formatInstant(value as Micros) : value
    })
  }
  put(factFields, fact)
  put(inspectionFields, inspection)
  return fields
}

const identity = ['source', 'epoch', 'id', 'seq'] as const

/** A number that a double may not hold is written as text, so that what is meant is what is read (L4). */
function problemOf(change: Fields): Problem | null {
  for (const [field, value] of Object.entries(change)) {
    if ((identity as readonly string[]).includes(field))
      return {
        code: 'REQUEST_INVALID',
        field,
        message: `${field} is the event’s identity, which no correction changes`,
      }
    if (value instanceof ExactNumber || (typeof value === 'number' && !Number.isSafeInteger(value)))
      return {
        code: 'REQUEST_INVALID',
        field,
        message: `${field} is written as a decimal text, so that no digit is lost`,
      }
  }
  return null
}

export interface Door {
  readonly now: Micros
  readonly ownerAt: OwnerAt
  readonly paidBy?: PaidBy
  readonly describeAddress?: DescribeAddress
}

/**
 * What was looked up about an address stays with it, whatever the lists say today; with another address it is looked up
 * anew, and what the change says is not looked up any more.
 */
function stillTrue(fields: Fields, change: Fields, hasMoved: boolean): Fields {
  const lookedUp = lookedUpBy(fields['ip_version'])
  if (lookedUp.length === 0) return fields
  const kept = hasMoved ? [] : lookedUp.filter((field) => !Object.hasOwn(change, field))
  if (kept.length === lookedUp.length) return fields
  const [version = ''] = String(fields['ip_version']).split('/')
  const gone = new Set<string>(['ip_version', ...lookedUp.filter((field) => !kept.includes(field))])
  const rest = Object.fromEntries(Object.entries(fields).filter(([name]) => !gone.has(name)))
  return kept.length === 0 ? rest : { ...rest, ip_version: lookedUpText(version, kept) }
}

function amended({ version, content }: Base, change: Fields, door: Door): Result<ParsedEvent, Problem> {
  const problem = problemOf(change)
  if (problem !== null) return fail(problem)
  const before = fieldsOf(content)
  // The same address again is no other one: the same correction stays the same, whatever the lists say by now (L2).
  const hasMoved =
    Object.hasOwn(change, 'client_address') && (change['client_address'] ?? null) !== (before['client_address'] ?? null)
  const kept = stillTrue(before, change, hasMoved)
  const input = { ...kept, ...change }
  // Who pays stays who paid, unless the change says otherwise; `account: null` asks who owned the endpoint.
  const ownerAt: OwnerAt = Object.hasOwn(change, 'account') ? door.ownerAt : () => version.account
  const { now, paidBy, describeAddress } = door
  const context = {
    now,
    ownerAt,
    oldest: 0 as Micros,
    ...(paidBy === undefined ? {} : { paidBy }),
    keptIpVersion: kept['ip_version'],
    ...(describeAddress === undefined || !hasMoved ? {} : { describeAddress }),
  }
  const arrival = parseEvent(input, JSON.stringify(input), context)
  if (arrival.kind === 'held') return fail(arrival.held.problem)
  assert(arrival.kind === 'event', 'the door gives an event or holds it')
  const { event } = arrival
  // Moved by an earlier correction, an event stays there although it still says what its source said.
  const account = Object.hasOwn(change, 'account') ? event.account : version.account
  return ok({ ...event, account })
}

/** The same content under another account: what the source said stays as it said it. */
function reattributed({ content }: Base, account: AccountKey): ParsedEvent {
  const [source, id, epoch, seq] = JSON.parse(content.fact) as [string, string, string, string | null]
  const { time, fact, inspection } = content
  const number = seq === null ? null : Number(seq)
  // A correction is known by the version that it supersedes; the log never looks at this hash.
  return { source: source as SourceName, epoch, id, seq: number, time, account, fact, inspection, hash: '' }
}

function newVersion(base: Base, wanted: Wanted, door: Door): Result<ParsedEvent | null, Problem> {
  switch (wanted.kind) {
    case 'amend':
      return amended(base, wanted.change, door)
    case 'retract':
      return ok(null)
    case 'reattribute':
      return ok(reattributed(base, wanted.account))
    default:
      return unreachable(wanted)
  }
}

/** Whether both say the same; what was looked up about the address is no part of that. */
function isSame({ version }: Base, event: ParsedEvent | null): boolean {
  const { fact, inspection, account } = version
  if (event === null || fact === null) return event === null && fact === null
  return saidText(event.fact) === saidText(fact) && event.inspection === inspection && event.account === account
}

/** What is to be appended, and `unchanged` when the event is that way already. */
export interface PlannedCorrection {
  readonly kind: CorrectionKind
  readonly supersedes: Offset
  readonly unchanged: boolean
  readonly event: ParsedEvent | null
  readonly arrival: Extract<Arrival, { kind: 'correction' }>
}

/** An event that a file brings back: the new version of its retraction, with the content of the file. */
export function planRestoration(retraction: LogRecord, event: ParsedEvent, { by, reason }: Decision): Arrival {
  assert(retraction.fact === null, 'only what was retracted is restored')
  const { offset, account, time } = retraction
  return {
    kind: 'correction',
    correction: { kind: 'amend', supersedes: offset, was: { account, time }, by, reason },
    event,
  }
}

/** Plans a correction of a version. Throws Refusal REQUEST_INVALID with what the door says about the new version. */
export function planCorrection(
  base: Base,
  wanted: Wanted,
  { by, reason, ...door }: Decision & Door,
): PlannedCorrection {
  if (wanted.kind === 'reattribute' && base.version.fact === null)
    throw new Refusal('REQUEST_INVALID', 'the event is retracted; amend it first, which restores it')
  const event = newVersion(base, wanted, door)
  if (!event.ok) {
    const { code, message, field } = event.error
    throw new Refusal('REQUEST_INVALID', message, {
      problems: [{ code, message, ...(field === undefined ? {} : { field: `change.${field}` }) }],
    })
  }
  const { offset, account, time } = base.version
  const correction = { kind: wanted.kind, supersedes: offset, was: { account, time }, by, reason }
  return {
    kind: wanted.kind,
    supersedes: offset,
    unchanged: isSame(base, event.value),
    event: event.value,
    arrival: { kind: 'correction', correction, event: event.value },
  }
}
