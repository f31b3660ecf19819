/**
 * `node bench/simulation.ts [ACCOUNTS] [EVENTS PER ACCOUNT]`: a month of all accounts (100,000 by default, 12 lines each)
 * under two price books, from contracts in Postgres and events in the store to the summary. Aim: under 60 s on two cores.
 * The events are made inside the engine. One account in fifty subscribed in the middle of the month; four time zones.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { openDatabase } from '../src/account/database.ts'
import type { Database } from '../src/account/database.ts'
import { migrate, readMigrations } from '../src/app/migrate.ts'
import { startPostgres } from '../src/app/postgres.ts'
import { simulate } from '../src/app/simulation.ts'
import { systemWorld } from '../src/app/world.ts'
import type { Offset, PlanKey } from '../src/core/ids.ts'
import { hourMicros } from '../src/core/time.ts'
import type { Micros } from '../src/core/time.ts'
import { findMeter, seedStandardMeters } from '../src/meter/catalogue.ts'
import { loadAllContractFacts } from '../src/price/contract/contract-table.ts'
import { publishPlan } from '../src/price/book/plan-catalogue.ts'
import { parsePlan } from '../src/price/plan.ts'
import type { PlanInput } from '../src/price/plan.ts'
import { loadPriceBook } from '../src/price/book/price-book-load.ts'
import { parsePriceBook } from '../src/price/book/price-book-file.ts'
import { supposeBook } from '../src/price/simulation/simulation-book.ts'
import { openChdb } from '../src/store/engine.ts'
import type { Engine } from '../src/store/engine.ts'
import { migrateStore } from '../src/store/migrate.ts'

const [accounts = 100_000, eventsEach = 100] = process.argv.slice(2).map(Number)
const events = accounts * eventsEach
const from = (Date.UTC(2026, 9, 1) * 1000) as Micros
const month = 31 * 24 * hourMicros
const root = join(import.meta.dirname, '..')

function tell(text: string): void {
  process.stderr.write(`${text}\n`)
}

const gigabytes = { name: 'GB', per: '1000000000' }
const thousand = { name: '1000 requests', per: '1000' }
const tiers = [{ up_to: '100', unit_amount: '0.10' }, { up_to: '1000', unit_amount: '0.08' }, { unit_amount: '0.05' }]

/** Twelve lines: a base fee, ten of seven meters, one of them by region, and a surcharge. */
function planDocument(version: number, factor: (amount: string) => string): object {
  const metered = (key: string, meter: string, more: object): object => ({ key, name: key, meter, ...more })
  const perUnit = (amount: string): object => ({ kind: 'per_unit', unit_amount: factor(amount) })
  const graduated = {
    kind: 'graduated',
    tiers: tiers.map((tier) => ({ ...tier, unit_amount: factor(tier.unit_amount) })),
  }
  return {
    key: 'usual',
    version,
    name: 'Usual',
    currency: 'USD',
    effective_from: '2020-01-01T00:00:00Z',
    prices: [
      { key: 'base', name: 'Base fee', model: { kind: 'flat', amount: factor('20') } },
      metered('out', 'data_out_wire', { unit: gigabytes, included: '0.001', model: graduated }),
      metered('out_body', 'data_out_body', { unit: gigabytes, model: perUnit('0.01') }),
      metered('in', 'data_in_wire', { unit: gigabytes, model: graduated, maximum: '1000' }),
      metered('in_body', 'data_in_body', { unit: gigabytes, model: perUnit('0.003') }),
      metered('requests', 'http_requests', { unit: thousand, included: '0.01', model: perUnit('0.57') }),
      metered('requests_rounded', 'http_requests', {
        unit: { ...thousand, rounding: { mode: 'up', decimals: 0 } },
        model: { kind: 'volume', tiers: tiers.map((tier) => ({ ...tier, unit_amount: factor(tier.unit_amount) })) },
      }),
      metered('requests_by_region', 'http_requests', {
        unit: { name: 'requests', per: '1' },
        model: {
          kind: 'matrix',
          dimensions: ['region'],
          cells: [{ when: { region: ['eu'] }, included: '10', model: perUnit('0.001') }],
          default: { model: perUnit('0.002') },
        },
      }),
      metered('connections', 'connections', { unit: { name: 'connections', per: '1' }, model: perUnit('0.0001') }),
      metered('connections_beyond', 'connections', {
        unit: { name: 'connections', per: '1' },
        included: '3',
        model: graduated,
        discounts: [{ name: 'Loyal', percent: '10' }],
      }),
      metered('endpoint_hours', 'active_endpoint_hours', {
        unit: { name: 'hours', per: '1' },
        model: perUnit('0.0125'),
      }),
      { key: 'compliance', name: 'Compliance', model: { kind: 'surcharge', percent: '50', of: 'all' } },
    ],
  }
}

function planOf(version: number, factor: (amount: string) => string): PlanInput {
  const parsed = parsePlan(planDocument(version, factor))
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  return parsed.value
}

/** Accounts and their subscriptions, made inside Postgres. */
async function makeAccounts(database: Database): Promise<void> {
  await database.query(
    `insert into account (key, name, time_zone, currency, created_at)
     select 'account-' || n, 'Account ' || n,
       (array['UTC', 'UTC', 'UTC', 'Europe/Berlin', 'America/Los_Angeles', 'Asia/Kolkata'])[1 + n % 6], 'USD', '2020-01-01T00:00:00Z'
     from generate_series(0, $1 - 1) n`,
    [accounts],
  )
  await database.query(
    `insert into subscription_decision (account, number, plan, starts_at, begun_at, terms, recorded_at, recorded_by)
     select 'account-' || n, 1, 'usual', at, at, '{}', '2020-01-01T00:00:00Z', 'bench'
     from generate_series(0, $1 - 1) n,
       lateral (select case when n % 50 = 7 then '2026-10-02T00:00:00Z'::timestamptz + n * interval '17 seconds' else '2025-01-01T00:00:00Z'::timestamptz end as at)`,
    [accounts],
  )
}

/** Events of accounts that subscribed in the middle of the month lie after that: there is no plan for them before. */
async function makeEvents(engine: Engine): Promise<void> {
  const pieces = 20
  for (let piece = 0; piece < pieces; piece += 1) {
    const [first, next] = [piece, piece + 1].map((part) => Math.floor((events * part) / pieces)) as [number, number]
    await engine.command(
      `INSERT INTO fact (offset, ingested_us, account, source, id, epoch, seq, kind, phase, time_us, endpoint, region, leg, bytes_out_wire, bytes_out_body, bytes_in_wire, bytes_in_body)
       SELECT number, time_us, concat('account-', toString(payer)), 'edge', toString(number), '', number + 1,
         if(h % 100 < 93, 'http_request', 'tcp_connection'), 'final',
         toInt64(${from} + if(payer % 50 = 7, ${month - 2 * 24 * hourMicros} + (h % ${24 * hourMicros}), h % ${month})) AS time_us,
         concat('e', toString(h % 5), '.example.com'), ['eu', 'us', 'ap', 'sa'][1 + intDiv(h, 11) % 4], 'client',
         h % 90000000, h % 80000000, h % 700000, h % 500000
       FROM (SELECT number, cityHash64(number) AS h, intDiv(h, 7) % ${accounts} AS payer FROM numbers(${first}, ${next - first}))`,
    )
  }
}

const directory = mkdtempSync(join(tmpdir(), 'crossfoot-bench-simulation-'))
const postgres = await startPostgres({
  directory: join(directory, 'postgres'),
  created: [directory],
  random: (size) => randomBytes(size),
  log: () => undefined,
  onExit: (reason) => {
    throw new Error(reason)
  },
})
await migrate(postgres.url, readMigrations(join(root, 'migrations/postgres')))
const database = openDatabase(postgres.url, () => undefined)
const engine = openChdb(join(directory, 'store'))
try {
  await migrateStore(engine, join(root, 'migrations/clickhouse'))
  await seedStandardMeters(database, from)
  await publishPlan(
    database,
    planOf(1, (amount) => amount),
    from,
  )
  tell(`making ${accounts} accounts and ${events} events`)
  await makeAccounts(database)
  await makeEvents(engine)
  const before = await loadPriceBook(database)
  const file = parsePriceBook({ plans: [planDocument(2, (amount) => `${amount}3`.replace(/^(\d+)3$/, '$1.3'))] })
  if (!file.ok) throw new Error(JSON.stringify(file.error))
  const supposed = supposeBook(before, file.value, from)
  if (!supposed.ok) throw new Error(JSON.stringify(supposed.error))
  tell('simulating')
  const question = {
    months: ['2026-10'],
    before,
    after: supposed.value.book,
    assign: new Map<PlanKey, PlanKey>(),
    only: { accounts: null, plans: null, currencies: null },
    named: 20,
  }
  const ports = {
    engine,
    findMeter: (key: string) => findMeter(database, key),
    below: events as Offset,
    until: systemWorld.now(),
    facts: () => loadAllContractFacts(database),
    breathe: () => setImmediate(),
  }
  const resident = process.memoryUsage().rss
  const processor = process.cpuUsage()
  const began = performance.now()
  let [most, told] = [0, 0]
  for await (const step of simulate(ports, question, new AbortController().signal)) {
    const now = performance.now()
    most = Math.max(most, process.memoryUsage().rss)
    if (step.done - told >= accounts / 10) {
      told = step.done
      tell(`${step.done} accounts, ${((now - began) / 1000).toFixed(1)} s, ${(most / 1e6).toFixed(0)} MB`)
    }
    if (step.kind !== 'finished') continue
    const seconds = (now - began) / 1000
    const used = process.cpuUsage(processor)
    const [dollars] = step.summary.currencies
    process.stdout.write(
      `${step.summary.accounts} accounts × 12 lines × 2 books from ${events} events: ${seconds.toFixed(1)} s, processor ${((used.user + used.system) / 1e6).toFixed(1)} s; ` +
        `resident memory ${(resident / 1e6).toFixed(0)} MB before, at most ${(most / 1e6).toFixed(0)} MB; ${step.summary.not_priced.accounts} not priced; ` +
        `${dollars?.before.net} → ${dollars?.after.net} ${dollars?.currency}\n`,
    )
  }
} finally {
  await engine.close()
  await database.end()
  await postgres.stop()
  rmSync(directory, { recursive: true, force: true })
}
