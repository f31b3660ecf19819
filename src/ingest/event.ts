import { hash } from 'node:crypto'
import type { Problem } from '../core/errors.ts'
import { factFields, factLengths, inspectionFields } from '../core/event.ts'
import { unattributed } from '../core/ids.ts'
import type { AccountKey, SourceName } from '../core/ids.ts'
import { heldLengthMax } from '../core/record.ts'
import type { Arrival, HeldInput } from '../core/record.ts'
import { dayMicros, secondMicros } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { lookedUpBy, lookedUpFields, lookedUpText, ownMark } from './address-facts.ts'
import type { AddressFacts, DescribeAddress, LookedUpField } from './address-facts.ts'
import { Bad, readCount, readText, readerOf } from './field.ts'
import type { Value } from './field.ts'

/** How old and how far ahead the time of an event without a number may be; numbered ones may be of any age. */
export const window = { behind: 35 * dayMicros, ahead: 300 * secondMicros } as const

/** Who owned an endpoint at an instant; handed in by `app/`, because ownership lies to the right of ingest. */
export type OwnerAt = (endpoint: string, time: Micros) => AccountKey | null

/**
 * Who pays for what names an account: another one when it was merged, or the endpoint split off, by then. Handed in by
 * `app/`, as `OwnerAt` is.
 */
export type PaidBy = (account: AccountKey, endpoint: string | null, time: Micros) => AccountKey

export interface ParseContext {
  readonly now: Micros
  readonly ownerAt: OwnerAt
  /** Who pays for an event that names an account: left out, that account. */
  readonly paidBy?: PaidBy
  /** Events without a number that are older are refused; by default `window.behind` before now. */
  readonly oldest?: Micros
  /** What is known of the visitor's address; left out, nothing is looked up. */
  readonly describeAddress?: DescribeAddress
  /** The one `ip_version` of ours that the input may have: that of the version which a correction changes. */
  readonly keptIpVersion?: unknown
}

interface Place {
  readonly inspection: boolean
  readonly index: number
  readonly read: (value: unknown) => Value | Bad
}

const places = new Map<string, Place>([
  ...factFields.map(({ name, type }, index): [string, Place] => [
    name,
    { inspection: false, index, read: readerOf(type) },
  ]),
  ...inspectionFields.map(({ name, type }, index): [string, Place] => [
    name,
    { inspection: true, index, read: readerOf(type) },
  ]),
])

const factIndex = Object.fromEntries(factFields.map(({ name }, index) => [name, index])) as Record<
  (typeof factFields)[number]['name'],
  number
>
const at = factIndex
const clientAddress = inspectionFields.findIndex(({ name }) => name === 'client_address')

type Values = (Value | null)[]

function missing(field: string, message: string): Problem {
  return { code: 'EVENT_FIELD_MISSING', field, message }
}

/** Checks what no field can know alone: identity, time against the window, and what the kind needs. */
function checkWhole(fact: Values, { now, oldest }: ParseContext): Problem | null {
  if (fact[at.source] === null) return missing('source', 'source is required: who emitted the event')
  if (fact[at.kind] === null) return missing('kind', 'kind is required: what happened')
  if (fact[at.id] === null && fact[at.seq] === null)
    return missing('id', 'id or seq is required: without an identity a retry would count twice')
  const time = fact[at.time]
  if (typeof time !== 'number') {
    return {
      code: 'EVENT_TIME_MISSING',
      field: 'time',
      message: 'time is required: a time filled in on arrival would make a retry count twice',
    }
  }
  if (time > now + window.ahead) {
    return {
      code: 'EVENT_TIME_FUTURE',
      field: 'time',
      message: 'time is more than 5 minutes ahead of this server; check the clock of the source',
    }
  }
  if (fact[at.seq] === null && time < (oldest ?? now - window.behind)) {
    return {
      code: 'EVENT_TIME_TOO_OLD',
      field: 'time',
      message:
        'time is more than 35 days back and the event has no seq, so a repetition could not be told apart here; bring it in a backfill job (POST /v1/backfills, crossfoot backfill), which checks it against everything stored, or number the events of this source (source, seq)',
    }
  }
  if (fact[at.kind] === 'usage' && (fact[at.name] === null || fact[at.quantity] === null)) {
    return missing(fact[at.name] === null ? 'name' : 'quantity', 'an event of kind usage needs name and quantity')
  }
  return checkCounter(fact)
}

function checkCounter(fact: Values): Problem | null {
  if (fact[at.kind] !== 'counter') return null
  if (fact[at.name] === null || fact[at.value] === null)
    return missing(fact[at.name] === null ? 'name' : 'value', 'an event of kind counter needs name and value')
  const [time, started] = [fact[at.time] as Micros, fact[at.started] as Micros | null]
  if (started === null || started <= time) return null
  return {
    code: 'EVENT_FIELD_OUT_OF_RANGE',
    field: 'started',
    message: 'started is later than time: a counter cannot have begun after it was read',
  }
}

/** How many fields the canonical form has: fields that were added to the table later leave no trace in events without them. */
function factLengthOf(fact: Values): number {
  let used = fact.length
  while (fact[used - 1] === null) used -= 1
  return factLengths.find((stage) => stage >= used) ?? fact.length
}

function factTextOf(fact: Values): string {
  return JSON.stringify(fact.slice(0, factLengthOf(fact)))
}

function seqOf(value: Value | null): number | null | Problem {
  if (value === null) return null
  const seq = Number(value)
  return seq >= 1 && Number.isSafeInteger(seq)
    ? seq
    : { code: 'EVENT_FIELD_OUT_OF_RANGE', field: 'seq', message: 'seq counts from 1 up to 2^53 - 1' }
}

/** A name that the door would not take is no name: with a NUL inside it would become another one in a key. */
function nameOr<T>(value: unknown, otherwise: T): string | T {
  const text = readText(value)
  return typeof text === 'string' ? text : otherwise
}

/** Keeps what cannot be counted, with as much of its identity as can be read. */
export function holdInput(input: unknown, raw: string, problem: Problem): Arrival {
  const value = (typeof input === 'object' && input !== null ? input : {}) as Readonly<Record<string, unknown>>
  const seq = readCount(value['seq'])
  const known = seqOf(seq instanceof Bad ? null : seq)
  const held: HeldInput = {
    source: nameOr(value['source'], null),
    epoch: nameOr(value['epoch'], ''),
    id: nameOr(value['id'], null),
    seq: typeof known === 'number' ? known : null,
    problem,
    raw: raw.slice(0, heldLengthMax).toWellFormed(),
  }
  return { kind: 'held', held }
}

function holdUnreadable(input: Readonly<Record<string, unknown>>, raw: string): Arrival {
  const detail = input['unreadable'] as Readonly<Record<string, unknown>> | null
  const line = typeof detail?.['line'] === 'string' ? detail['line'] : raw
  const message =
    typeof detail?.['message'] === 'string'
      ? detail['message'].slice(0, 1_000)
      : 'the collector could not read this line'
  return holdInput(input, line, { code: 'EVENT_UNREADABLE', message })
}

interface Row {
  readonly fact: Values
  readonly inspection: Values
  readonly inspected: boolean
}

/** Puts every given field into its place; null counts as not given. */
function readFields(input: Readonly<Record<string, unknown>>): Row | Problem {
  const fact: Values = Array(factFields.length).fill(null)
  const inspection: Values = Array(inspectionFields.length).fill(null)
  let inspected = false
  for (const name in input) {
    const given = input[name]
    const place = places.get(name)
    if (place === undefined) {
      return {
        code: 'EVENT_FIELD_UNKNOWN',
        field: name.slice(0, 100),
        message: `${name.slice(0, 100)} is not a field of an event; own dimensions go into attributes`,
      }
    }
    if (given === null || given === undefined) continue
    const value = place.read(given)
    if (value instanceof Bad) return { code: value.code, field: name, message: `${name} ${value.message}` }
    if (place.inspection) {
      inspection[place.index] = value
      inspected = true
    } else {
      fact[place.index] = value
    }
  }
  return { fact, inspection, inspected }
}

/** The facts as the sender said them: without what was looked up about the address. */
function saidOf(fact: Values): Values {
  const lookedUp = lookedUpBy(fact[at.ip_version])
  if (lookedUp.length === 0) return fact
  const said = [...fact]
  said[at.ip_version] = null
  for (const field of lookedUp) said[at[field]] = null
  return said
}

const valueOfField: Readonly<Record<LookedUpField, (known: AddressFacts) => string | null>> = {
  country: ({ country }) => country,
  asn: ({ asn }) => asn,
  ip_categories: ({ categories }) => categories,
}

/** What was looked up passes the same reader as what senders say, so that no list writes what the store cannot hold. */
function readLookedUp(field: LookedUpField, known: string | null): Value | null {
  const value = known === null ? null : (places.get(field)?.read(known) ?? null)
  return value instanceof Bad ? null : value
}

/** What was looked up is no part of an event's content, so only who looked it up may say so. */
function checkIpVersion(fact: Values, { keptIpVersion }: ParseContext): Problem | null {
  const given = fact[at.ip_version]
  if (typeof given !== 'string' || !given.startsWith(ownMark) || given === keptIpVersion) return null
  return {
    code: 'EVENT_FIELD_INVALID',
    field: 'ip_version',
    message: `ip_version begins with ${ownMark}, which only Crossfoot writes, where it has looked the address up itself; leave it out, or name your own list`,
  }
}

/**
 * Fills in what is known of the visitor's address, where the sender says nothing; true when it did. Who names a version
 * of metadata has looked the address up, and is not contradicted.
 */
function lookUpAddress(fact: Values, address: Value | null, { describeAddress }: ParseContext): boolean {
  if (describeAddress === undefined || typeof address !== 'string' || fact[at.ip_version] !== null) return false
  const absent = lookedUpFields.filter((field) => fact[at[field]] === null)
  const known = absent.length === 0 ? null : describeAddress(address)
  if (known === null) return false
  for (const field of absent) fact[at[field]] = readLookedUp(field, valueOfField[field](known))
  fact[at.ip_version] = lookedUpText(known.version, absent)
  return true
}

/** The facts as their sender said them, and as they are kept. */
function textsOf(fact: Values, address: Value | null, context: ParseContext): { said: string; fact: string } {
  const saidFact = saidOf(fact)
  const said = factTextOf(saidFact)
  const length = factLengthOf(saidFact)
  if (!lookUpAddress(fact, address, context)) return { said, fact: saidFact === fact ? said : factTextOf(fact) }
  if (length > at.country) return { said, fact: factTextOf(fact) }
  // What was looked up stands behind what was said.
  const more = JSON.stringify(fact.slice(length, factLengthOf(fact)))
  return { said, fact: `${said.slice(0, -1)},${more.slice(1)}` }
}

function hashOf(said: string, inspection: string | null): string {
  return hash('sha256', inspection === null ? said : said + inspection, 'latin1').slice(0, 8)
}

/** The hash by which equal content is known, of an event's canonical texts: over what its sender said. */
export function contentHash(fact: string, inspection: string | null): string {
  return hashOf(saidText(fact), inspection)
}

/** What the sender said, as canonical text: equal for an event that is sent again after the lists have changed. */
export function saidText(fact: string): string {
  const values = JSON.parse(fact) as Values
  return lookedUpBy(values[at.ip_version]).length === 0 ? fact : factTextOf(saidOf(values))
}

/**
 * The one place where input becomes an event. `raw` is the text as it arrived, kept when the event is held.
 * Never throws on input, and never changes the meaning of a value: it is taken exactly, or held with a reason.
 */
export function parseEvent(input: unknown, raw: string, context: ParseContext): Arrival {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return holdInput(null, raw, { code: 'EVENT_NOT_JSON', message: 'an event is a JSON object' })
  }
  const object = input as Readonly<Record<string, unknown>>
  if (object['unreadable'] !== undefined) return holdUnreadable(object, raw)
  const row = readFields(object)
  if ('code' in row) return holdInput(input, raw, row)
  const { fact, inspection, inspected } = row
  const problem = checkWhole(fact, context) ?? checkIpVersion(fact, context)
  if (problem !== null) return holdInput(input, raw, problem)
  const seq = seqOf(fact[at.seq] ?? null)
  if (seq !== null && typeof seq === 'object') return holdInput(input, raw, seq)

  const epoch = fact[at.epoch] as string | null
  fact[at.epoch] = epoch ?? ''
  fact[at.id] ??= epoch === null ? String(seq) : `${epoch}:${seq}`
  fact[at.phase] ??= 'final'
  fact[at.leg] ??= 'client'
  const texts = textsOf(fact, inspection[clientAddress] ?? null, context)
  const inspectionText = inspected ? JSON.stringify(inspection) : null
  const endpoint = fact[at.endpoint] as string | null
  const time = fact[at.time] as Micros
  const given = fact[at.account] as AccountKey | null
  const payer =
    given === null
      ? ((endpoint === null ? null : context.ownerAt(endpoint, time)) ?? unattributed)
      : (context.paidBy?.(given, endpoint, time) ?? given)
  return {
    kind: 'event',
    event: {
      source: fact[at.source] as SourceName,
      epoch: epoch ?? '',
      id: fact[at.id] as string,
      seq,
      time,
      account: payer,
      fact: texts.fact,
      inspection: inspectionText,
      hash: hashOf(texts.said, inspectionText),
    },
  }
}
