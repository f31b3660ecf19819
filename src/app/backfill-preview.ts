/** What closing a backfill job would do, by the same questions that are asked afterwards. */
import { installationDefaults } from '../account/accounts.ts'
import type { Queryable } from '../account/database.ts'
import { Refusal } from '../core/errors.ts'
import { compare, formatQuantity, subtract, zero } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import type { AccountKey, InvoiceId, Offset } from '../core/ids.ts'
import { calendarMonth, formatMonth } from '../core/time.ts'
import type { Period } from '../core/time.ts'
import { findInvoice } from '../invoice/desk.ts'
import type { InvoiceDesk } from '../invoice/desk.ts'
import { driftOf, issuedWithin } from '../invoice/drift.ts'
import type { Drift } from '../invoice/drift.ts'
import { findMeter, listMeters } from '../meter/catalogue.ts'
import type { MeterDefinition } from '../meter/definition.ts'
import { sharedUsageReader, usageByAccount } from '../meter/usage.ts'
import type { Engine } from '../store/engine.ts'
import type { Supposition } from '../store/query.ts'
import type { StagedJob } from '../store/staged-rows.ts'
import { askLoadSizes, askSpans, askVerdicts } from '../store/staged.ts'
import type { Span, Verdicts } from '../store/staged.ts'
import { loadsOf, stagedJobOf } from './backfill-table.ts'
import type { Backfill } from './backfill-table.ts'
import { waitForStore } from './corrections.ts'
import type { Service } from './service.ts'

export const limits = {
  /** Issued invoices whose drift a preview computes; the others are named. */
  driftsMax: 50,
} as const

export interface Effect {
  readonly account: AccountKey
  readonly month: string
  readonly meter: string
  readonly unit: string
  readonly before: Exact
  readonly after: Exact
}

export interface Preview {
  readonly verdicts: Verdicts
  readonly effects: readonly Effect[]
  /** Issued invoices over the time: what they were, and what they would be. */
  readonly drifts: readonly Drift[]
  /** Issued invoices beyond the first ones; look at them one by one after the close. */
  readonly others: readonly InvoiceId[]
}

/**
 * Refuses when the store lacks what was loaded: it was moved away or restored from an older copy. Nothing may be
 * called complete then, and nothing closed.
 */
export async function requireLoads(
  { database, engine }: Pick<Service, 'database' | 'engine'>,
  job: StagedJob,
): Promise<void> {
  const sizes = await askLoadSizes(engine, job)
  const lost = (await loadsOf(database, job.job)).filter(({ content, events }) => (sizes.get(content) ?? 0) < events)
  if (lost.length === 0) return
  throw new Refusal(
    'BACKFILL_LOAD_LOST',
    `the event store lacks ${lost.length} of the job's loads (${lost
      .map(({ content }) => content)
      .slice(0, 5)
      .join(', ')}); load the same files again`,
  )
}

async function zonesOf(
  queryable: Queryable,
  accounts: readonly AccountKey[],
): Promise<ReadonlyMap<AccountKey, string>> {
  const { rows } = await queryable.query<{ key: AccountKey; time_zone: string }>(
    'select key, time_zone from account where key = any($1)',
    [accounts],
  )
  const zones = new Map(rows.map(({ key, time_zone: zone }) => [key, zone]))
  const { timeZone } = await installationDefaults(queryable)
  // An account that only these events name will get the default.
  return new Map(accounts.map((account) => [account, zones.get(account) ?? timeZone]))
}

/** The months of a zone that a span of time touches. */
function monthsOf(spans: readonly Span[], zone: string): Period {
  const first = spans.reduce(
    (least, span) => (span.first < least ? span.first : least),
    spans[0]?.first ?? (0 as never),
  )
  const last = spans.reduce((most, span) => (span.last > most ? span.last : most), first)
  return { from: calendarMonth(first, zone).from, to: calendarMonth(last, zone).to }
}

interface EffectQuestion {
  readonly meter: MeterDefinition
  readonly zone: string
  readonly spans: readonly Span[]
  readonly supposing: Supposition
  readonly below: Offset
}

async function effectsIn(engine: Engine, { meter, zone, spans, supposing, below }: EffectQuestion): Promise<Effect[]> {
  const question = { meter, period: monthsOf(spans, zone), window: 'month' as const, zone, below }
  const before = await usageByAccount(engine, question)
  const after = await usageByAccount(engine, { ...question, supposing })
  return spans.flatMap(({ account }) =>
    (after.get(account)?.rows ?? []).flatMap((row, index): Effect[] => {
      const quantity = before.get(account)?.rows[index]?.quantity ?? zero
      const supposed = row.quantity ?? zero
      if (compare(supposed, quantity) === 0) return []
      const month = formatMonth(row.from, zone)
      return [{ account, month, meter: meter.key, unit: meter.unit, before: quantity, after: supposed }]
    }),
  )
}

async function effectsOf(
  { database, engine }: Pick<Service, 'database' | 'engine'>,
  job: StagedJob,
  asked: { spans: readonly Span[]; below: Offset },
): Promise<Effect[]> {
  const zones = await zonesOf(
    database,
    asked.spans.map(({ account }) => account),
  )
  const effects: Effect[] = []
  const supposing: Supposition = { kind: 'loaded', job }
  for (const [zone, spans] of Map.groupBy(asked.spans, ({ account }) => zones.get(account) ?? 'UTC'))
    for (const meter of await listMeters(database))
      effects.push(...(await effectsIn(engine, { meter, zone, spans, supposing, below: asked.below })))
  return effects
}

/** Looks at a job as if it were closed now. Changes nothing. */
export async function previewBackfill(service: Service, desk: InvoiceDesk, backfill: Backfill): Promise<Preview> {
  const { database, engine } = service
  const below = await waitForStore(service)
  const job = await stagedJobOf(database, backfill)
  await requireLoads(service, job)
  const verdicts = await askVerdicts(engine, job)
  const spans = await askSpans(engine, job)
  const effects = spans.length === 0 ? [] : await effectsOf(service, job, { spans, below })
  const invoices = spans.length === 0 ? [] : await issuedWithin(database, spans)
  const readUsage = sharedUsageReader(engine)
  const source = {
    database,
    readUsage: (question: Parameters<typeof readUsage>[0]) =>
      readUsage({ ...question, supposing: { kind: 'loaded', job } }),
    findMeter: (key: string, version: number | undefined) => findMeter(database, key, version),
  }
  const drifts: Drift[] = []
  for (const id of invoices.slice(0, limits.driftsMax))
    drifts.push(await driftOf(source, await findInvoice(desk, id, { account: null }), below))
  return { verdicts, effects, drifts, others: invoices.slice(limits.driftsMax) }
}

export function effectJson({ account, month, meter, unit, before, after }: Effect): object {
  return {
    account,
    month,
    meter,
    unit,
    before: formatQuantity(before),
    after: formatQuantity(after),
    difference: formatQuantity(subtract(after, before)),
  }
}
