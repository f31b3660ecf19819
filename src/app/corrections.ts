/**
 * Corrections own: from what an author wants to a new version of an event, appended once. They do not own: what counts
 * (store), and what becomes of issued invoices (invoice/drift).
 *
 * Certain before it is appended: an event is looked up in a store that has everything the log has, and its versions are
 * followed in the log itself, which takes one successor of each version and no second (L2).
 */
import { getAccount } from '../account/accounts.ts'
import { refuseMerged } from '../account/ownership-table.ts'
import { Refusal } from '../core/errors.ts'
import type { AccountKey, Offset } from '../core/ids.ts'
import type { CorrectionKind, Decision, LogRecord } from '../core/record.ts'
import { assert } from '../core/result.ts'
import { formatInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { issuedOver } from '../invoice/drift.ts'
import type { ConcernedInvoice } from '../invoice/drift.ts'
import { askFirstVersions } from '../store/versions.ts'
import type { EventName } from '../store/versions.ts'
import { fieldsOf, planCorrection } from './corrections-plan.ts'
import type { Base, PlannedCorrection, Wanted } from './corrections-plan.ts'
import { payersOf } from './ownership-door.ts'
import type { Service } from './service.ts'

export const limits = {
  /** Corrections of one request. */
  correctionsMax: 1_000,
  /** A correction waits this long for events that were acknowledged just before it. */
  storeMillis: 30_000,
  /** Events that a refusal names, the newest. */
  namedMax: 20,
} as const

export type CorrectionPorts = Pick<
  Service,
  'database' | 'engine' | 'log' | 'projector' | 'ownership' | 'ip' | 'world' | 'append'
>

export interface CorrectionRequest extends Decision {
  readonly event: EventName
  /** The version that the author saw; null: whatever is the newest. */
  readonly expect: Offset | null
  readonly wanted: Wanted
}

/** One version, as an author sees it. */
export interface Version {
  readonly offset: Offset | null
  readonly account: AccountKey
  readonly time: Micros
  /** Null: retracted. */
  readonly fields: Readonly<Record<string, unknown>> | null
}

export interface Corrected {
  readonly kind: CorrectionKind
  /** `repeated`: this very correction was made before. `unchanged`: the event is that way already. `planned`: not made. */
  readonly outcome: 'corrected' | 'repeated' | 'unchanged' | 'planned'
  readonly offset: Offset | null
  readonly supersedes: Offset
  readonly before: Version
  readonly after: Version
  /** Issued invoices over the event's account and time, before and after: they stay as they are (L6). */
  readonly invoices: readonly ConcernedInvoice[]
}

/** Everything that was acknowledged can be found in the store. */
export async function waitForStore({ log, projector }: Pick<Service, 'log' | 'projector'>): Promise<Offset> {
  const end = log.end()
  if (await projector.reach(end, limits.storeMillis)) return end
  throw new Refusal('NOT_READY', 'events that were accepted are not stored yet; try again shortly', {
    retryAfterSeconds: 5,
  })
}

/** Versions by their offsets. Read in order: neighbours lie together in the log. */
export async function readVersions(
  { log }: Pick<Service, 'log'>,
  offsets: readonly Offset[],
): Promise<readonly LogRecord[]> {
  const found: LogRecord[] = []
  let read: readonly LogRecord[] = []
  for (const offset of offsets.toSorted((a, b) => a - b)) {
    const at = (): LogRecord | undefined => read[offset - (read[0]?.offset ?? offset)]
    if (at()?.offset !== offset) read = await log.read(offset, 1)
    const record = at()
    assert(record?.offset === offset, `the log has offset ${offset}`)
    found.push(record)
  }
  return found
}

async function readVersion(ports: Pick<Service, 'log'>, offset: Offset): Promise<LogRecord> {
  const [record] = await readVersions(ports, [offset])
  assert(record !== undefined, 'every offset that was asked for is there')
  return record
}

/** A version and those that superseded it, one after the other; the last is the newest. */
async function versionsFrom({ log }: Pick<Service, 'log'>, version: Offset): Promise<readonly Offset[]> {
  const versions = [version]
  for (let next = await log.supersededBy(version); next !== null; next = await log.supersededBy(next))
    versions.push(next)
  return versions
}

/** The version that nothing has superseded. */
export async function newestOf(ports: Pick<Service, 'log'>, version: Offset): Promise<Offset> {
  return (await versionsFrom(ports, version)).at(-1) ?? version
}

export function hasFact(record: LogRecord): record is Base['content'] {
  return record.fact !== null
}

export async function baseOf(ports: Pick<Service, 'log'>, offset: Offset): Promise<Base> {
  const version = await readVersion(ports, offset)
  let content = version
  while (!hasFact(content)) {
    assert(content.correction !== null, 'only a correction has no fact')
    content = await readVersion(ports, content.correction.supersedes)
  }
  return { version, content }
}

function nameText({ source, epoch, by }: EventName): string {
  const number = 'seq' in by ? `seq ${by.seq}` : `id ${JSON.stringify(by.id)}`
  return `${number} of source ${JSON.stringify(source)}${epoch === '' ? '' : ` in epoch ${JSON.stringify(epoch)}`}`
}

function stale(request: CorrectionRequest, newest: Offset): Refusal {
  return new Refusal(
    'CORRECTION_STALE',
    `the event with ${nameText(request.event)} was corrected otherwise meanwhile; its newest version is at offset ${newest}`,
  )
}

/** The version that a correction is about, and the newest one: another one when the author's view is old. */
async function find(ports: CorrectionPorts, request: CorrectionRequest): Promise<{ base: Base; newest: Offset }> {
  const chains: (readonly Offset[])[] = []
  for (const first of await askFirstVersions(ports.engine, request.event)) chains.push(await versionsFrom(ports, first))
  const { expect } = request
  const versions = expect === null && chains.length === 1 ? chains[0] : chains.find((chain) => contains(chain, expect))
  if (versions === undefined) throw await notOne(ports, request, chains)
  const newest = newestIn(versions)
  return { base: await baseOf(ports, expect ?? newest), newest }
}

function contains(chain: readonly Offset[], offset: Offset | null): boolean {
  return offset !== null && chain.includes(offset)
}

function newestIn(chain: readonly Offset[]): Offset {
  const newest = chain.at(-1)
  assert(newest !== undefined, 'an event has a version')
  return newest
}

/** Why a request does not name one event: there is none, the version is not one of its, or there are several. */
async function notOne(
  ports: CorrectionPorts,
  request: CorrectionRequest,
  chains: readonly (readonly Offset[])[],
): Promise<Refusal> {
  const [first, ...others] = chains
  if (first === undefined)
    return new Refusal('EVENT_NOT_FOUND', `there is no accepted event with ${nameText(request.event)}`)
  if (others.length === 0) return stale(request, newestIn(first))
  const newest = await readVersions(ports, chains.slice(-limits.namedMax).map(newestIn))
  const named = newest.map(({ offset, time }) => `offset ${offset} (${formatInstant(time)})`)
  return new Refusal(
    'EVENT_AMBIGUOUS',
    `${chains.length} events have ${nameText(request.event)}: ${named.join(', ')}; ` +
      'name the offset of the one that is meant in expect',
  )
}

function versionOf(record: LogRecord): Version {
  const { offset, account, time, fact } = record
  return { offset, account, time, fields: fact === null ? null : fieldsOf(record) }
}

/** The new version as a planned correction has it; its offset is not known before it is appended. */
function plannedVersion({ event }: PlannedCorrection, { version }: Base): Version {
  const { account, time } = event ?? version
  return { offset: null, account, time, fields: event === null ? null : fieldsOf(event) }
}

interface Prepared {
  readonly request: CorrectionRequest
  readonly base: Base
  readonly newest: Offset
  readonly planned: PlannedCorrection
}

async function prepare(ports: CorrectionPorts, request: CorrectionRequest): Promise<Prepared> {
  const { wanted, by, reason } = request
  const named =
    wanted.kind === 'amend' ? wanted.change['account'] : wanted.kind === 'reattribute' ? wanted.account : null
  // A correction that names an account means one that exists: a slip of the pen must not make a new one.
  if (typeof named === 'string') await getAccount(ports.database, named)
  const { base, newest } = await find(ports, request)
  const { ownership, world, ip } = ports
  if (wanted.kind === 'reattribute')
    refuseMerged(ownership.current().rules, wanted.account, (base.version.time + 1) as Micros)
  const door = { by, reason, now: world.now(), ...payersOf(ownership), describeAddress: ip.describe }
  return { request, base, newest, planned: planCorrection(base, wanted, door) }
}

async function described(
  { database }: CorrectionPorts,
  { base, planned }: Prepared,
  made: Pick<Corrected, 'outcome' | 'offset'>,
): Promise<Corrected> {
  const before = versionOf(base.version)
  const after = { ...plannedVersion(planned, base), offset: made.offset }
  const invoices = await issuedOver(database, [before, after])
  return { kind: planned.kind, supersedes: planned.supersedes, before, after, invoices, ...made }
}

/** Appends what was prepared, as one batch; each correction is taken or refused by itself. */
async function apply(
  ports: CorrectionPorts,
  prepared: readonly Prepared[],
  sender: string,
): Promise<(Corrected | Refusal)[]> {
  const changing = prepared.filter(({ planned, base, newest }) => !planned.unchanged || newest !== base.version.offset)
  const { outcomes } =
    changing.length === 0
      ? { outcomes: [] }
      : await ports.append(
          changing.map(({ planned }) => planned.arrival),
          sender,
        )
  return Promise.all(
    prepared.map(async (one) => {
      const outcome = outcomes[changing.indexOf(one)]
      switch (outcome?.kind) {
        case undefined:
          return described(ports, one, { outcome: 'unchanged', offset: one.base.version.offset })
        case 'accepted':
          return described(ports, one, { outcome: 'corrected', offset: outcome.offset })
        case 'duplicate':
          return described(ports, one, {
            outcome: 'repeated',
            offset: await ports.log.supersededBy(one.base.version.offset),
          })
        case 'conflict':
          return stale(one.request, await newestOf(ports, one.base.version.offset))
        case 'held':
        case 'unknown':
          throw new Error('a correction of a version of the log is taken or refused')
      }
    }),
  )
}

async function planned(ports: CorrectionPorts, one: Prepared): Promise<Corrected | Refusal> {
  const { offset } = one.base.version
  if (one.newest !== offset) return stale(one.request, one.newest)
  const { unchanged } = one.planned
  return described(ports, one, { outcome: unchanged ? 'unchanged' : 'planned', offset: unchanged ? offset : null })
}

async function prepareEach(
  ports: CorrectionPorts,
  requests: readonly CorrectionRequest[],
): Promise<readonly (Prepared | Refusal)[]> {
  const attempts: (Prepared | Refusal)[] = []
  const named = new Set<Offset>()
  for (const request of requests) {
    try {
      const prepared = await prepare(ports, request)
      if (named.has(prepared.newest))
        throw new Refusal('REQUEST_INVALID', `the event with ${nameText(request.event)} is named twice in one request`)
      named.add(prepared.newest)
      attempts.push(prepared)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      attempts.push(error)
    }
  }
  return attempts
}

/**
 * Makes corrections, or only says what they would do. One answer for each, in order: what was done, or why not. An
 * event may be named once in a request, because its second correction would be about a version nobody has seen.
 */
export async function correct(
  ports: CorrectionPorts,
  requests: readonly CorrectionRequest[],
  { sender, dryRun }: { readonly sender: string; readonly dryRun: boolean },
): Promise<readonly (Corrected | Refusal)[]> {
  await waitForStore(ports)
  const attempts = await prepareEach(ports, requests)
  const prepared = attempts.filter((one): one is Prepared => !(one instanceof Refusal))
  const answers = dryRun
    ? await Promise.all(prepared.map((one) => planned(ports, one)))
    : await apply(ports, prepared, sender)
  return attempts.map((one) => {
    if (one instanceof Refusal) return one
    const answer = answers[prepared.indexOf(one)]
    assert(answer !== undefined, 'every prepared correction has an answer')
    return answer
  })
}
