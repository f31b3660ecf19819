/**
 * Stored traffic against the rules that say who pays: what is paid by another account than the rules say, how much that
 * is, and its correction. The rules are handed in, so a preview compares with rules that are not in force yet.
 *
 * Attribution is written into the log when an event arrives (docs/decisions/0006), so a change of ownership for the past
 * contradicts stored traffic until somebody moves it, by name and with a reason (docs/decisions/0036).
 */
import { attributionOf } from '../account/attribution.ts'
import type { Attribution, AttributionRules } from '../account/attribution.ts'
import { ownerNames } from '../account/endpoint-name.ts'
import { Refusal } from '../core/errors.ts'
import { add, exact, formatExact, subtract, zero } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import type { AccountKey, Offset } from '../core/ids.ts'
import { instantMax } from '../core/time.ts'
import type { Micros, Period } from '../core/time.ts'
import { issuedWithin } from '../invoice/drift.ts'
import { listMeters } from '../meter/catalogue.ts'
import type { MeterDefinition } from '../meter/definition.ts'
import { askAttributed, askEndpoints } from '../store/attributed.ts'
import type { AdditiveMeasure, AttributedRow } from '../store/attributed.ts'
import type { Condition } from '../store/condition.ts'
import { waitForStore } from './corrections.ts'
import type { CorrectionPorts } from './corrections.ts'
import type { Touched } from './ownership-change.ts'

export const limits = {
  /** Values of one condition of a question. */
  valuesMax: 1_000,
  /** Instants at which the rules change within what one plan looks at. */
  boundariesMax: 10_000,
} as const

/** Traffic that one account pays and another should. */
export interface Move {
  readonly period: Period
  readonly from: AccountKey
  readonly to: AccountKey
  /** As senders wrote it. */
  readonly endpoint: string | null
  /** The account that the events name. */
  readonly given: AccountKey | null
  readonly events: bigint
  readonly first: Micros
  readonly last: Micros
  /** In the order of `Contradiction.meters`. */
  readonly quantities: readonly string[]
}

export interface MeterChange {
  readonly account: AccountKey
  readonly meter: string
  readonly unit: string
  /** Below zero: the account loses it. */
  readonly change: string
}

/** What stored traffic and the rules disagree about. */
export interface Contradiction {
  readonly events: bigint
  readonly moves: readonly Move[]
  readonly effects: readonly MeterChange[]
  /** Meters that do not add up over parts of the traffic, so that their change is not known before. */
  readonly notPreviewed: readonly string[]
  /** Issued invoices of the accounts over that time: they stay as they are (L6). */
  readonly invoices: readonly string[]
  readonly below: Offset
}

function periodOf({ from, to }: Touched): Period {
  const period = { from, to: to ?? instantMax }
  if (period.from >= period.to) throw new Refusal('REQUEST_INVALID', 'from must be before to')
  return period
}

interface AdditiveMeter {
  readonly meter: MeterDefinition
  readonly measure: AdditiveMeasure
}

function additiveOf(meter: MeterDefinition): AdditiveMeter | null {
  const { aggregation, filter: conditions } = meter
  if (aggregation.kind === 'count') return { meter, measure: { conditions, value: null } }
  if (aggregation.kind === 'sum') return { meter, measure: { conditions, value: aggregation.value } }
  return null
}

function chunked<T>(values: readonly T[]): T[][] {
  const chunks: T[][] = []
  for (let start = 0; start < values.length; start += limits.valuesMax)
    chunks.push(values.slice(start, start + limits.valuesMax))
  return chunks
}

/** What the store is asked for: the spellings of the touched endpoints, and the touched names. */
function conditionsOf(
  spellings: readonly string[],
  { endpoints, accounts }: Touched,
): readonly (readonly Condition[])[] {
  if (endpoints === null) return [[]]
  return [
    ...chunked(spellings).map((values): Condition[] => [{ operator: 'in', field: 'endpoint', values }]),
    ...chunked(accounts).map((values): Condition[] => [{ operator: 'in', field: 'account', values }]),
  ]
}

async function spellingsOf({ engine }: CorrectionPorts, touched: Touched, period: Period): Promise<readonly string[]> {
  if (touched.endpoints?.length === 0) return []
  const written = await askEndpoints(engine, period)
  if (touched.endpoints === null) return written
  const names = new Set(touched.endpoints)
  return written.filter((endpoint) => ownerNames(endpoint).some((name) => names.has(name)))
}

/**
 * The starts of windows within which the rules do not change. Between them one event is as good as another; where an
 * event is moved, it is its own time that is asked.
 */
function startsOf({ rules }: Attribution, period: Period): readonly Micros[] {
  const instants = new Set<Micros>([period.from])
  const addInstant = (at: Micros | null): void => {
    if (at !== null && at > period.from && at < period.to) instants.add(at)
  }
  for (const { from, to } of rules.owned) {
    addInstant(from)
    addInstant(to)
  }
  for (const { at } of [...rules.merges, ...rules.splits]) addInstant(at)
  if (instants.size > limits.boundariesMax)
    throw new Refusal(
      'QUERY_TOO_LARGE',
      `ownership changes more than ${limits.boundariesMax} times in that time; ask for a shorter one`,
    )
  return [...instants].toSorted((a, b) => a - b)
}

/** The accounts and all that they were merged into, one after the other: whose splits say who pays for what names them. */
function withMerged({ merges }: AttributionRules, accounts: readonly AccountKey[]): ReadonlySet<AccountKey> {
  const into = new Map(merges.map((merge) => [merge.account, merge.into]))
  const names = new Set(accounts)
  for (const name of names) {
    const next = into.get(name)
    if (next !== undefined) names.add(next)
  }
  return names
}

/** Only rules that can say anything about the touched traffic, so that other endpoints’ changes cut no windows. */
function relevant(
  attribution: Attribution,
  spellings: readonly string[],
  { endpoints, accounts }: Touched,
): Attribution {
  const { owned, merges, splits } = attribution.rules
  const named = withMerged(attribution.rules, accounts)
  const isTouched = (account: AccountKey): boolean => endpoints === null || named.has(account)
  const splitOff = new Set(splits.filter(({ account }) => isTouched(account)).map(({ endpoint }) => endpoint))
  const names = new Set([...spellings, ...splitOff].flatMap((endpoint) => ownerNames(endpoint)))
  const isSplit = (endpoint: string): boolean => ownerNames(endpoint).some((name) => splitOff.has(name))
  return attributionOf({
    owned: owned.filter(({ endpoint }) => names.has(endpoint) || isSplit(endpoint)),
    merges,
    splits,
  })
}

function nameOf({ start, account, endpoint, given }: AttributedRow): string {
  return JSON.stringify([start, account, endpoint, given])
}

async function rowsOf(
  ports: CorrectionPorts,
  touched: Touched,
  asked: { readonly attribution: Attribution; readonly below: Offset; readonly measures: readonly AdditiveMeasure[] },
): Promise<{ readonly rows: readonly AttributedRow[]; readonly starts: readonly Micros[] }> {
  const period = periodOf(touched)
  const spellings = await spellingsOf(ports, touched, period)
  const starts = startsOf(relevant(asked.attribution, spellings, touched), period)
  const rows = new Map<string, AttributedRow>()
  for (const conditions of conditionsOf(spellings, touched)) {
    const { below, measures } = asked
    const scope = { kind: 'operator', question: 'attribution' } as const
    const found = await askAttributed(ports.engine, { scope, period, starts, below, conditions, measures })
    // What is touched by its endpoint and by its name is found twice, as the same row.
    for (const row of found) rows.set(nameOf(row), row)
  }
  return { rows: [...rows.values()], starts }
}

function movesOf(
  rows: readonly AttributedRow[],
  starts: readonly Micros[],
  { attribution, period }: { readonly attribution: Attribution; readonly period: Period },
): Move[] {
  const ends = new Map(starts.map((start, index) => [start, starts[index + 1] ?? period.to]))
  return rows.flatMap(({ start, account: from, endpoint, given, events, first, last, quantities }): Move[] => {
    // The rules say nothing about what names neither: it stays where somebody has put it.
    if (endpoint === null && given === null) return []
    const to = attribution.payerOf({ given, endpoint, time: start })
    if (to === from) return []
    const window = { from: start, to: ends.get(start) ?? period.to }
    return [{ period: window, from, to, endpoint, given, events, first, last, quantities }]
  })
}

function effectsOf(moves: readonly Move[], meters: readonly AdditiveMeter[]): MeterChange[] {
  const changes = new Map<string, { account: AccountKey; index: number; change: Exact }>()
  const put = (account: AccountKey, index: number, quantity: Exact): void => {
    const name = JSON.stringify([account, index])
    const known = changes.get(name)?.change ?? zero
    changes.set(name, { account, index, change: add(known, quantity) })
  }
  for (const { from, to, quantities } of moves)
    quantities.forEach((quantity, index) => {
      put(from, index, subtract(zero, exact(quantity)))
      put(to, index, exact(quantity))
    })
  return [...changes.values()].flatMap(({ account, index, change }) => {
    const meter = meters[index]?.meter
    const text = formatExact(change)
    return meter === undefined || text === '0' ? [] : [{ account, meter: meter.key, unit: meter.unit, change: text }]
  })
}

async function invoicesOf({ database }: CorrectionPorts, moves: readonly Move[]): Promise<readonly string[]> {
  const spans = new Map<AccountKey, { account: AccountKey; first: Micros; last: Micros }>()
  for (const { from, to, first, last } of moves)
    for (const account of [from, to]) {
      const known = spans.get(account) ?? { account, first, last }
      spans.set(account, {
        account,
        first: Math.min(known.first, first) as Micros,
        last: Math.max(known.last, last) as Micros,
      })
    }
  return issuedWithin(database, [...spans.values()])
}

/** Which stored traffic contradicts the rules, by endpoint and time. */
export async function contradiction(
  ports: CorrectionPorts,
  attribution: Attribution,
  touched: Touched,
): Promise<Contradiction> {
  const below = await waitForStore(ports)
  const all = await listMeters(ports.database)
  const meters = all.flatMap((meter) => additiveOf(meter) ?? [])
  const measures = meters.map(({ measure }) => measure)
  const { rows, starts } = await rowsOf(ports, touched, { attribution, below, measures })
  const moves = movesOf(rows, starts, { attribution, period: periodOf(touched) })
  return {
    events: moves.reduce((sum, { events }) => sum + events, 0n),
    moves,
    effects: effectsOf(moves, meters),
    notPreviewed: all.filter((meter) => additiveOf(meter) === null).map(({ key }) => key),
    invoices: await invoicesOf(ports, moves),
    below,
  }
}
