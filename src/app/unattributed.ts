/**
 * Traffic that nobody owns, so that somebody can do something about it: by endpoint, what it would cost, since when, and
 * who may be the owner. The parts add up to the whole of every meter.
 */
import { getAccount } from '../account/accounts.ts'
import type { Attribution } from '../account/attribution.ts'
import { endpointName, ownerNames } from '../account/endpoint-name.ts'
import type { Ownership } from '../account/ownership-index.ts'
import { Refusal } from '../core/errors.ts'
import { add, exact, formatExact, subtract, zero } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import { unattributed } from '../core/ids.ts'
import type { AccountKey, Offset } from '../core/ids.ts'
import { formatMinor } from '../core/money.ts'
import type { Micros, Period } from '../core/time.ts'
import { formatInstant } from '../core/time.ts'
import { collectUsage } from '../invoice/collect-usage.ts'
import { planInvoice } from '../invoice/plan-invoice.ts'
import { findMeter, listMeters } from '../meter/catalogue.ts'
import type { MeterDefinition } from '../meter/definition.ts'
import { standardMeters } from '../meter/standard.ts'
import { lastPart } from '../price/contract/contract.ts'
import { contractFor } from '../price/contract/contract-table.ts'
import { askAttributed, askEndpoints } from '../store/attributed.ts'
import type { AttributedRow } from '../store/attributed.ts'
import type { Condition } from '../store/condition.ts'
import type { Service } from './service.ts'

export const limits = { topMax: 200, candidatesMax: 5, spellingsShown: 5 } as const

type Ports = Pick<Service, 'database' | 'engine' | 'projection' | 'readUsage' | 'ownership' | 'world'>

/** Why an account may be the owner. */
export type CandidateReason = 'owner_then' | 'owned_before' | 'owns_after' | 'wildcard' | 'pays_there'

export interface Candidate {
  readonly account: AccountKey
  readonly why: CandidateReason
  /** The ownership that says so; null: other traffic of the endpoint in this time does. */
  readonly ownership: Ownership | null
}

type Quantities = ReadonlyMap<string, Exact>

export interface UnattributedEndpoint {
  /** Canonical; null: the events name no endpoint. */
  readonly endpoint: string | null
  /** As senders wrote it. */
  readonly written: readonly string[]
  readonly events: bigint
  readonly first: Micros
  readonly last: Micros
  readonly quantities: Quantities
  readonly candidates: readonly Candidate[]
}

export interface UnattributedReport {
  readonly below: Offset
  readonly meters: readonly MeterDefinition[]
  readonly events: bigint
  readonly total: Quantities
  readonly endpoints: readonly UnattributedEndpoint[]
  /** All other endpoints together. */
  readonly others: { readonly endpoints: number; readonly events: bigint; readonly quantities: Quantities }
  /** What it would cost under the default plan, without flat fees; null: it has no price. */
  readonly value: { readonly amount: string; readonly currency: string; readonly plan: string } | null
  readonly noValue: string | null
}

interface Group {
  readonly endpoint: string | null
  readonly written: string[]
  events: bigint
  first: Micros
  last: Micros
}

/** The spellings of one endpoint are one endpoint; those with the most events come first. */
function groupsOf(rows: readonly AttributedRow[]): Group[] {
  const groups = new Map<string | null, Group>()
  for (const { endpoint, events, first, last } of rows) {
    const name = endpoint === null ? null : endpointName(endpoint)
    const group = groups.get(name) ?? { endpoint: name, written: [], events: 0n, first, last }
    groups.set(name, group)
    if (endpoint !== null && !group.written.includes(endpoint)) group.written.push(endpoint)
    group.events += events
    group.first = Math.min(group.first, first) as Micros
    group.last = Math.max(group.last, last) as Micros
  }
  return [...groups.values()].toSorted((a, b) => {
    if (a.events !== b.events) return a.events > b.events ? -1 : 1
    return (a.endpoint ?? '') < (b.endpoint ?? '') ? -1 : 1
  })
}

interface Asked {
  readonly period: Period
  readonly below: Offset
  /** The moment of the question: while the period still runs, levels and peaks count up to here. */
  readonly until: Micros
}

type Grouping = 'endpoint' | null

/** The usage function for a part of the traffic (L9): the meter with one more condition. */
async function usageOf(
  { readUsage }: Ports,
  { period, below, until }: Asked,
  part: { readonly meter: MeterDefinition; readonly condition: Condition | null; readonly by: Grouping },
): Promise<ReadonlyMap<string | null, Exact>> {
  const { meter, condition, by } = part
  const answer = await readUsage({
    account: unattributed,
    meter: condition === null ? meter : { ...meter, filter: [...meter.filter, condition] },
    period,
    window: null,
    zone: 'UTC',
    groupBy: by === null ? [] : [by],
    below,
    ...(until < period.to ? { until } : {}),
  })
  if (by === null) return new Map([[null, answer.total ?? zero]])
  return new Map(answer.rows.map(({ group, quantity }) => [group[by] ?? null, quantity ?? zero]))
}

interface Measured {
  readonly total: Exact
  /** Of each group, in order. */
  readonly parts: readonly Exact[]
}

async function measured(
  ports: Ports,
  asked: Asked,
  { meter, top }: { readonly meter: MeterDefinition; readonly top: readonly Group[] },
): Promise<Measured> {
  const whole = (await usageOf(ports, asked, { meter, condition: null, by: null })).get(null) ?? zero
  const values = top.flatMap(({ written }) => written)
  const named: Condition = { operator: 'in', field: 'endpoint', values }
  const byName = await usageOf(ports, asked, { meter, condition: named, by: 'endpoint' })
  const nameless = async (): Promise<Exact> => {
    // An absent endpoint is in no list; what is outside of the empty list is every endpoint that is there.
    const present: Condition = { operator: 'not_in', field: 'endpoint', values: [] }
    return subtract(whole, (await usageOf(ports, asked, { meter, condition: present, by: null })).get(null) ?? zero)
  }
  const parts: Exact[] = []
  for (const { endpoint, written } of top)
    parts.push(
      endpoint === null ? await nameless() : written.reduce((sum, one) => add(sum, byName.get(one) ?? zero), zero),
    )
  return { total: whole, parts }
}

function byTime(rows: readonly Ownership[], { first, last }: Pick<Group, 'first' | 'last'>) {
  const before = rows.filter(({ to }) => to !== null && to <= first).toSorted((a, b) => b.from - a.from)[0]
  const after = rows.filter(({ from }) => from > last).toSorted((a, b) => a.from - b.from)[0]
  const during = rows.find(({ from, to }) => from <= last && (to ?? Infinity) > first)
  return { before, after, during }
}

/** Who may own an endpoint: the nearest by name first, then by time. */
function candidatesOf(
  { endpoint, ...times }: Group,
  { rules }: Attribution,
  paying: readonly AccountKey[],
): readonly Candidate[] {
  if (endpoint === null) return []
  const found: Candidate[] = []
  const put = (why: CandidateReason, ownership: Ownership | undefined): void => {
    if (ownership !== undefined) found.push({ account: ownership.account, why, ownership })
  }
  const [name = '', ...wildcards] = ownerNames(endpoint)
  const rowsOf = (of: string): Ownership[] => rules.owned.filter((row) => row.endpoint === of)
  const { before, after, during } = byTime(rowsOf(name), times)
  put('owner_then', during)
  put('owned_before', before)
  put('owns_after', after)
  for (const wildcard of wildcards) {
    const rows = rowsOf(wildcard)
    if (rows.length === 0) continue
    const near = byTime(rows, times)
    put(near.during === undefined ? 'wildcard' : 'owner_then', near.during ?? near.before ?? near.after)
    break
  }
  for (const account of paying) found.push({ account, why: 'pays_there', ownership: null })
  const once = found.filter(({ account }, index) => found.findIndex((other) => other.account === account) === index)
  return once.slice(0, limits.candidatesMax)
}

/** Who pays for other traffic of the same endpoints in this time. */
async function payersThere(
  { engine }: Ports,
  { period, below }: Asked,
  top: readonly Group[],
): Promise<ReadonlyMap<string, readonly AccountKey[]>> {
  const names = new Set(top.map(({ endpoint }) => endpoint))
  // Others may write the same endpoint in another way.
  const values = (await askEndpoints(engine, period)).filter((written) => names.has(endpointName(written)))
  const rows = await askAttributed(engine, {
    scope: { kind: 'operator', question: 'attribution' },
    period,
    starts: [period.from],
    below,
    conditions: [{ operator: 'in', field: 'endpoint', values }],
    measures: [],
  })
  const payers = new Map<string, AccountKey[]>()
  for (const { endpoint, account } of rows) {
    if (endpoint === null || account === unattributed) continue
    const name = endpointName(endpoint)
    const known = payers.get(name) ?? []
    if (!known.includes(account)) payers.set(name, [...known, account])
  }
  return payers
}

async function valueOf(
  { database, readUsage }: Ports,
  { period, below, until }: Asked,
): Promise<Pick<UnattributedReport, 'value' | 'noValue'>> {
  try {
    const account = await getAccount(database, unattributed)
    const contract = await contractFor(database, account, period)
    const billed = { ...period, zone: 'UTC', month: formatInstant(period.from) }
    const source = { readUsage, findMeter: (key: MeterDefinition['key']) => findMeter(database, key) }
    const usage = await collectUsage(source, {
      account: unattributed,
      contract,
      period: billed,
      below,
      until,
    })
    const { total, currency } = planInvoice({ account, contract, period: billed, usage })
    return {
      value: { amount: formatMinor(total, currency), currency, plan: lastPart(contract).plan.name },
      noValue: null,
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { value: null, noValue: error.message }
  }
}

const sum = (counts: readonly { readonly events: bigint }[]): bigint =>
  counts.reduce((all, one) => all + one.events, 0n)

/** Everything that is counted for nobody in a time, the endpoints with the most events by name. */
export async function unattributedReport(
  ports: Ports,
  { period, top: most }: { readonly period: Period; readonly top: number },
): Promise<UnattributedReport> {
  const asked = { period, below: ports.projection.position(), until: ports.world.now() }
  const scope = { kind: 'account', account: unattributed } as const
  const question = { scope, period, below: asked.below, starts: [period.from], conditions: [], measures: [] }
  const groups = groupsOf(await askAttributed(ports.engine, question))
  const top = groups.slice(0, most)
  const standard = new Set<string>(standardMeters.map(({ key }) => key))
  const meters = (await listMeters(ports.database)).filter(({ key }) => standard.has(key))
  const quantities = new Map<string, Measured>()
  for (const meter of meters) quantities.set(meter.key, await measured(ports, asked, { meter, top }))
  const payers = await payersThere(ports, asked, top)
  const attribution = ports.ownership.current()
  const of = (pick: (one: Measured) => Exact): Quantities =>
    new Map([...quantities].map(([key, one]) => [key, pick(one)]))
  const shown = (one: Measured): Exact => one.parts.reduce((all, part) => add(all, part), exact(0n))
  return {
    below: asked.below,
    meters,
    events: sum(groups),
    total: of(({ total }) => total),
    endpoints: top.map((group, index) => ({
      ...group,
      written: group.written.slice(0, limits.spellingsShown),
      quantities: of(({ parts }) => parts[index] ?? zero),
      candidates: candidatesOf(group, attribution, payers.get(group.endpoint ?? '') ?? []),
    })),
    others: {
      endpoints: groups.length - top.length,
      events: sum(groups.slice(most)),
      quantities: of((one) => subtract(one.total, shown(one))),
    },
    ...(await valueOf(ports, asked)),
  }
}

/** Quantities as decimal strings, by meter. */
export function quantitiesJson(quantities: Quantities): Readonly<Record<string, string>> {
  return Object.fromEntries([...quantities].map(([key, quantity]) => [key, formatExact(quantity)]))
}
