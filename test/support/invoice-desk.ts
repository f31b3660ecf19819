import { createAccount } from '../../src/account/accounts.ts'
import { exact, sum, zero } from '../../src/core/exact.ts'
import type { AccountKey, InvoiceId, MeterKey, Offset, PlanKey } from '../../src/core/ids.ts'
import { parseInstant, windowStarts } from '../../src/core/time.ts'
import type { Micros } from '../../src/core/time.ts'
import { draftInvoice, issueInvoice } from '../../src/invoice/desk.ts'
import type { InvoiceDesk } from '../../src/invoice/desk.ts'
import { invoiceJson } from '../../src/invoice/document.ts'
import type { Invoice, Waiver } from '../../src/invoice/document.ts'
import { nameIssuer } from '../../src/invoice/invoice-table.ts'
import { seedStandardMeters } from '../../src/meter/catalogue.ts'
import { standardMeters } from '../../src/meter/standard.ts'
import type { MeterDefinition } from '../../src/meter/definition.ts'
import type { ReadUsage, UsageRow } from '../../src/meter/usage.ts'
import { publishPlan } from '../../src/price/book/plan-catalogue.ts'
import { parsePlan } from '../../src/price/plan.ts'
import { subscribe } from '../../src/price/contract/subscription.ts'
import { freshDatabase } from './postgres.ts'
import type { FreshDatabase } from './postgres.ts'

export function at(text: string): Micros {
  const parsed = parseInstant(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

/** One event of a test's traffic; a null quantity is one that the source did not know. */
export interface Traffic {
  readonly account: string
  readonly meter: string
  readonly time: string
  readonly quantity: string | null
}

function windowsOf(from: Micros, to: Micros, zone: string): readonly Micros[] {
  const starts = windowStarts({ from, to }, 'day', zone, 40)
  if (!starts.ok) throw new Error(starts.error)
  return starts.value
}

/** Usage by going through a list: what an invoice is given does not come from our own store here. */
export function usageOf(traffic: readonly Traffic[]): ReadUsage {
  return async ({ account, meter, period, window, zone, below }) => {
    const starts = window === null ? [period.from] : windowsOf(period.from, period.to, zone)
    const mine = traffic.slice(0, below).filter((one) => one.account === account && one.meter === meter.key)
    const rows = starts.map((from, index): UsageRow => {
      const to = starts[index + 1] ?? period.to
      const inside = mine.filter(({ time }) => at(time) >= from && at(time) < to)
      const known = inside.flatMap(({ quantity }) => (quantity === null ? [] : [exact(quantity)]))
      const eventsWithoutValue = BigInt(inside.length - known.length)
      return { from, to, group: {}, quantity: sum(known), eventsWithoutValue }
    })
    const missing = rows.reduce((total, row) => total + row.eventsWithoutValue, 0n)
    return { rows, total: sum(rows.map(({ quantity }) => quantity ?? zero)), eventsWithoutValue: missing }
  }
}

async function findMeter(key: MeterKey): Promise<MeterDefinition> {
  const meter = standardMeters.find((one) => one.key === key)
  if (meter === undefined) throw new Error(`no meter ${key}`)
  return meter
}

const usualPlan = {
  key: 'usual',
  name: 'Usual',
  currency: 'USD',
  effective_from: '2020-01-01T00:00:00Z',
  prices: [
    { key: 'fee', name: 'Base fee', model: { kind: 'flat', amount: '20' } },
    {
      key: 'out',
      name: 'Data transfer out',
      meter: 'data_out_wire',
      unit: { name: 'GB', per: '1000000000' },
      included: '5',
      model: { kind: 'per_unit', unit_amount: '0.10' },
    },
  ],
}

/** An invoice desk on a database of its own, with traffic, gaps and a clock that a test sets. */
export interface TestDesk extends FreshDatabase {
  readonly desk: InvoiceDesk
  readonly traffic: Traffic[]
  /** Reasons why usage is incomplete. */
  readonly gaps: string[]
  now: Micros
  /** An account that is subscribed to the plan `usual`: 20.00 a month, and 0.10 per GB after 5 GB. */
  subscriber(key: string, timeZone?: string): Promise<AccountKey>
  issued(account: string, month?: string, waiver?: Waiver | null): Promise<Invoice>
}

export async function openDesk(): Promise<TestDesk> {
  const fresh = await freshDatabase()
  const { database } = fresh
  const traffic: Traffic[] = []
  const gaps: string[] = []
  let ids = 0
  const desk: InvoiceDesk = {
    database,
    clock: { now: () => test.now },
    newId: () => `inv_${(ids += 1)}` as InvoiceId,
    readUsage: usageOf(traffic),
    findMeter,
    countedBelow: async () => traffic.length as Offset,
    completeness: async () => ({ complete: gaps.length === 0, reasons: [...gaps] }),
  }
  const test: TestDesk = {
    ...fresh,
    desk,
    traffic,
    gaps,
    now: at('2026-11-22T12:00:00Z'),
    subscriber: async (key, timeZone = 'UTC') => {
      const account = await createAccount(database, { key, timeZone, currency: 'USD' }, test.now)
      const from = at('2025-01-01T00:00:00Z')
      await subscribe(
        database,
        { account: account.key, plan: 'usual' as PlanKey, from, to: null },
        { by: 'test', now: test.now },
      )
      return account.key
    },
    issued: async (account, month = '2026-10', waiver = null) => {
      const draft = await draftInvoice(desk, { account, month })
      return issueInvoice(desk, draft.id, { waiver, viewer: { account: null } })
    },
  }
  await nameIssuer(database, { name: 'Edge & Sons', address: 'Quay 1\nHamburg' })
  const parsed = parsePlan(usualPlan)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  await seedStandardMeters(database, test.now)
  await publishPlan(database, parsed.value, test.now)
  return test
}

/** The invoice as the bytes of the API's answer. */
export function bytesOf(invoice: Invoice): string {
  return JSON.stringify(invoiceJson(invoice))
}
