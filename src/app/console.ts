/** Fills the console's pages. Every number comes from the functions that the API and the invoice ask (L9). */
import { getAccount, listAccounts } from '../account/accounts.ts'
import type { Account } from '../account/accounts.ts'
import { listEndpoints } from '../account/endpoints.ts'
import { Refusal } from '../core/errors.ts'
import { zero } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import { unattributed } from '../core/ids.ts'
import type { AccountKey } from '../core/ids.ts'
import { formatMonth, parseMonth, windowStarts, zonedOf } from '../core/time.ts'
import type { Micros, Period } from '../core/time.ts'
import { draftInvoice, previewInvoice } from '../invoice/desk.ts'
import type { InvoiceDesk } from '../invoice/desk.ts'
import { selectIssuer } from '../invoice/invoice-table.ts'
import { listInvoices } from '../invoice/list.ts'
import { findMeter, listMeters } from '../meter/catalogue.ts'
import { sharedUsageReader, usageByAccount, usageOfAll } from '../meter/usage.ts'
import type { UsageAnswer } from '../meter/usage.ts'
import { lastPart } from '../price/contract/contract.ts'
import { costSoFar } from './cost-detail.ts'
import { askLatestEvent } from '../store/query.ts'
import { readMinor } from '../core/money.ts'
import type { Currency } from '../core/money.ts'
import type {
  AccountRow,
  AccountView,
  Cost,
  CostDetail,
  Day,
  Frame,
  HomeView,
  InvoiceRow,
  Known,
  MeterView,
  Months,
  QuarantineState,
  QuarantineView,
  SortKey,
} from './page/view.ts'
import { openCount } from '../log/log.ts'
import type { Service } from './service.ts'

export const limits = { accountsShown: 100, quarantineShown: 50, freshMillis: 2_000 } as const

export async function frameOf(service: Service): Promise<Frame> {
  const { database, log, projection, projector, world } = service
  await projector.reach(log.end(), limits.freshMillis)
  return {
    company: (await selectIssuer(database)).name || 'This installation',
    now: world.now(),
    log: { records: log.end(), counted: projection.position(), quarantined: Number(openCount(await log.heldTotals())) },
  }
}

/** The month that a page is about, in a zone: the one asked for, or the one of the newest event. */
interface Shown {
  readonly zone: string
  readonly month: string
  readonly period: Period
  /** Up to the end of the month or, in the current one, up to now: what comes later is not known (L13). */
  readonly until: Period
  readonly starts: readonly Micros[]
  readonly days: readonly Day[]
  readonly title: string
  readonly growing: boolean
}

function shownMonth(asked: string | undefined, zone: string, times: { now: Micros; latest: Micros | null }): Shown {
  const { now } = times
  const newest = formatMonth(Math.min(times.latest ?? now, now) as Micros, zone)
  const parsed = parseMonth(asked ?? newest, zone)
  if (!parsed.ok) throw new Refusal('REQUEST_INVALID', `month ${parsed.error}`)
  const period = parsed.value
  const until = { from: period.from, to: Math.max(period.from + 1, Math.min(period.to, now)) as Micros }
  const starts = windowStarts(until, 'day', zone, 40)
  if (!starts.ok) throw new Refusal('REQUEST_INVALID', starts.error)
  const growing = now < period.to
  const days = starts.value.map((start, index): Day => ({
    date: zonedOf(start, zone).toPlainDate().toString(),
    growing: growing && index === starts.value.length - 1,
  }))
  const name = zonedOf(period.from, zone).toPlainDate().toLocaleString('en', { month: 'long', year: 'numeric' })
  return {
    zone,
    month: asked ?? newest,
    period,
    until,
    starts: starts.value,
    days,
    title: `${name} (${zone})${growing ? ', so far' : ''}`,
    growing,
  }
}

function monthsAround({ period, zone, month, growing }: Shown, path: string): Months {
  const before = formatMonth((period.from - 1) as Micros, zone)
  return {
    shown: month,
    previousHref: `${path}?month=${before}`,
    nextHref: growing ? null : `${path}?month=${formatMonth(period.to, zone)}`,
  }
}

function known<T>(value: T): Known<T> {
  return { known: true, value }
}

/** L13: of no events there is no smallest, newest or average value, which is not zero. */
function valued(quantity: Exact | null): Known<Exact> {
  return quantity === null ? { known: false, why: 'no event has a value' } : known(quantity)
}

function daysOf(answer: UsageAnswer | undefined, days: readonly Day[]): readonly Known<Exact>[] {
  // Counted and found empty is zero, which is known.
  return days.map((_, index) => {
    const row = answer?.rows[index]
    return row === undefined ? known(zero) : valued(row.quantity)
  })
}

async function costOf(
  desk: InvoiceDesk,
  account: Account,
  month: string,
): Promise<{ plan: string | null; cost: Cost }> {
  try {
    const { plan } = await previewInvoice(desk, { account: account.key, month })
    const { name } = lastPart(plan.contract).plan
    const { currency } = plan
    if (account.billable) return { plan: name, cost: { kind: 'so_far', amount: plan.total, currency } }
    const amount = plan.total
    return { plan: null, cost: { kind: 'value', amount, currency, plan: name } }
  } catch (error) {
    if (error instanceof Refusal && error.code === 'PLAN_MISSING') return { plan: null, cost: { kind: 'no_plan' } }
    if (error instanceof Refusal) return { plan: null, cost: { kind: 'not_known', why: error.message } }
    throw error
  }
}

interface ByAccount {
  readonly requests: ReadonlyMap<AccountKey, UsageAnswer>
  readonly dataOut: ReadonlyMap<AccountKey, UsageAnswer>
  readonly connections: ReadonlyMap<AccountKey, UsageAnswer>
}

async function usageOf(service: Service, shown: Shown, now: Micros) {
  const { database, engine, projection } = service
  const below = projection.position()
  const ask = async (key: string) => {
    const meter = await findMeter(database, key)
    const question = { meter, period: shown.period, window: 'day' as const, zone: shown.zone, below, until: now }
    return { all: await usageOfAll(engine, question), byAccount: await usageByAccount(engine, question) }
  }
  return {
    requests: await ask('http_requests'),
    dataOut: await ask('data_out_wire'),
    connections: await ask('connections'),
  }
}

/**
 * A desk for one page: all of its numbers are of one offset, the one that can be counted now, and of one instant; nothing waits
 * for the store again. Only reading: what decides (issuing) asks the desk itself.
 */
function pageDesk(service: Service, desk: InvoiceDesk, now: Micros): InvoiceDesk {
  const below = service.projection.position()
  return {
    ...desk,
    clock: { now: () => now },
    countedBelow: () => Promise.resolve(below),
    completeness: (account, period) => service.completeness.recent({ account, period }),
  }
}

/** The page at `/`. */
export async function homeView(
  service: Service,
  desk: InvoiceDesk,
  asked: { sort: SortKey; month: string | undefined },
): Promise<HomeView> {
  const frame = await frameOf(service)
  const shown = shownMonth(asked.month, 'UTC', { now: frame.now, latest: await askLatestEvent(service.engine) })
  const usage = await usageOf(service, shown, frame.now)
  const by: ByAccount = {
    requests: usage.requests.byAccount,
    dataOut: usage.dataOut.byAccount,
    connections: usage.connections.byAccount,
  }
  const shared: InvoiceDesk = { ...pageDesk(service, desk, frame.now), readUsage: sharedUsageReader(service.engine) }
  const rowOf = async (account: Account): Promise<AccountRow> => ({
    key: account.key,
    name: account.name,
    ...(await costOf(shared, account, shown.month)),
    requests: known(by.requests.get(account.key)?.total ?? zero),
    dataOut: known(by.dataOut.get(account.key)?.total ?? zero),
    connections: known(by.connections.get(account.key)?.total ?? zero),
    requestsByDay: daysOf(by.requests.get(account.key), shown.days),
    dataOutByDay: daysOf(by.dataOut.get(account.key), shown.days),
  })
  const page = await listAccounts(service.database, { limit: limits.accountsShown })
  const rows: AccountRow[] = []
  for (const account of page.accounts) if (account.key !== unattributed) rows.push(await rowOf(account))
  const hadTraffic = [by.requests, by.dataOut, by.connections].some((answers) => answers.has(unattributed))
  return {
    frame,
    period: shown.title,
    months: monthsAround(shown, '/'),
    zone: shown.zone,
    days: shown.days,
    accounts: rows,
    unattributed: hadTraffic ? await rowOf(await getAccount(service.database, unattributed)) : null,
    totals: {
      requests: known(usage.requests.all.total ?? zero),
      dataOut: known(usage.dataOut.all.total ?? zero),
      connections: known(usage.connections.all.total ?? zero),
    },
    sort: asked.sort,
    more: page.next === null ? null : { count: null, href: '/v1/accounts' },
  }
}

async function metersOf(service: Service, account: Account, shown: Shown, now: Micros): Promise<MeterView[]> {
  const views: MeterView[] = []
  for (const meter of await listMeters(service.database)) {
    const answer = await service.readUsage({
      account: account.key,
      meter,
      period: shown.period,
      window: 'day',
      zone: shown.zone,
      groupBy: [],
      below: service.projection.position(),
      until: now,
    })
    views.push({
      key: meter.key,
      name: meter.name,
      unit: meter.unit,
      total: valued(answer.total),
      eventsWithoutValue: answer.eventsWithoutValue,
      byDay: daysOf(answer, shown.days),
    })
  }
  return views
}

async function costDetail(
  desk: InvoiceDesk,
  key: AccountKey,
  month: string,
): Promise<{ plan: string | null; cost: CostDetail }> {
  try {
    const { plan } = await previewInvoice(desk, { account: key, month })
    return { plan: lastPart(plan.contract).plan.name, cost: costSoFar(plan) }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const cost: CostDetail =
      error.code === 'PLAN_MISSING' ? { kind: 'no_plan' } : { kind: 'not_known', why: error.message }
    return { plan: null, cost }
  }
}

async function invoicesOf(desk: InvoiceDesk, account: Account, month: string): Promise<InvoiceRow[]> {
  // The month's draft is made when there is none, so that the page can lead to it.
  await draftInvoice(desk, { account: account.key, month }).catch((error: unknown) => {
    if (!(error instanceof Refusal)) throw error
  })
  const { invoices } = await listInvoices(desk.database, { account: account.key })
  return invoices.map((invoice): InvoiceRow => {
    const currency = invoice.currency as Currency
    return {
      href: `/invoices/${invoice.number ?? invoice.id}`,
      number: invoice.number,
      period: invoice.month,
      state: invoice.status,
      total: known(readMinor(invoice.total, currency)),
      currency,
    }
  })
}

/** The page at `/accounts/{key}`: the account's month in its own zone. */
export async function accountView(
  service: Service,
  desk: InvoiceDesk,
  asked: { key: string; month: string | undefined },
): Promise<AccountView> {
  const frame = await frameOf(service)
  const account = await getAccount(service.database, asked.key)
  const shown = shownMonth(asked.month, account.timeZone, {
    now: frame.now,
    latest: await askLatestEvent(service.engine),
  })
  const reading = pageDesk(service, desk, frame.now)
  const { plan, cost } = await costDetail(reading, account.key, shown.month)
  const endpoints = await listEndpoints(service.database, account.key)
  return {
    frame,
    key: account.key,
    name: account.name,
    zone: shown.zone,
    currency: account.currency,
    plan,
    period: shown.title,
    months: monthsAround(shown, `/accounts/${encodeURIComponent(account.key)}`),
    days: shown.days,
    meters: await metersOf(service, account, shown, frame.now),
    cost,
    endpoints: endpoints.map(({ endpoint, from, to }) => ({ endpoint, from, to })),
    invoices: await invoicesOf(reading, account, shown.month),
  }
}

/** The page at `/quarantine`. */
export async function quarantineView(
  service: Service,
  { before, state }: { readonly before: number | null; readonly state: QuarantineState },
): Promise<QuarantineView> {
  const frame = await frameOf(service)
  const { rows, next } = await service.log.held({ before, most: limits.quarantineShown, filter: { state } })
  const totals = await service.log.heldTotals()
  return {
    frame,
    state,
    counts: {
      open: Number(openCount(totals)),
      released: Number(totals.released),
      duplicate: Number(totals.foundDuplicate),
      written_off: Number(totals.writtenOff),
    },
    rows: rows.map(({ number, source, epoch, seq, arrived, problem, raw, resolution }) => ({
      number,
      source: source ?? '(not known)',
      epoch: epoch === '' ? null : epoch,
      seq: seq === null ? null : String(seq),
      received: arrived,
      code: problem.code,
      message: problem.message,
      line: raw,
      resolution,
    })),
    nextHref: next === null ? null : `/quarantine?state=${state}&before=${next}`,
  }
}
