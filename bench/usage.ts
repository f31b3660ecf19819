/**
 * `node bench/usage.ts [MILLIONS]`: how fast usage is answered over so many stored events (100 by default), each figure
 * beside the same question as one hand-written query over the events. The events are made inside the engine: a month of
 * 2,000 accounts, of which the largest has a tenth of all traffic.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rollDue, rolledOf } from '../src/app/rollups.ts'
import type { AccountKey, Offset } from '../src/core/ids.ts'
import { hourMicros } from '../src/core/time.ts'
import type { Micros, Period } from '../src/core/time.ts'
import type { MeterDefinition } from '../src/meter/definition.ts'
import { standardMeters } from '../src/meter/standard.ts'
import { usageByAccount, usageReader } from '../src/meter/usage.ts'
import { openChdb } from '../src/store/engine.ts'
import type { Engine } from '../src/store/engine.ts'
import { migrateStore } from '../src/store/migrate.ts'
import { systemWorld } from '../src/app/world.ts'

const millions = Number(process.argv[2] ?? 100)
const events = millions * 1_000_000
const from = (Date.UTC(2026, 9, 1) * 1000) as Micros
const days = 31
const month: Period = { from, to: (from + days * 24 * hourMicros) as Micros }
/** The hour after the month, with a million events: the one that is sealed while the clock runs. */
const lastHour = month.to
const sealEvents = 1_000_000
const rangeEvents = 25_000

function tell(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** Rows of offsets [first, next), whose times go through [begin, end) in their order. */
function insertSql({ first, next }: { first: number; next: number }, { from: begin, to: end }: Period): string {
  const columns =
    'offset, ingested_us, account, source, id, epoch, seq, kind, phase, time_us, endpoint, protocol, region, leg, method, status, bytes_out_wire, bytes_out_body, bytes_in_wire, bytes_in_body, duration_us, country, asn'
  const step = (end - begin) / (next - first)
  return `INSERT INTO fact (${columns})
    SELECT number, time_us + 1000000, account, concat('edge-', toString(number % 40)), toString(number), '', intDiv(number, 40) + 1,
      if(h % 100 < 93, 'http_request', if(h % 2 = 0, 'tcp_connection', 'tls_connection')), 'final',
      toInt64(${begin} + (number - ${first}) * ${step}) AS time_us,
      concat('e', toString(intDiv(h, 7) % (5 + payer % 60)), '.', account, '.example.com'), if(h % 3 = 0, 'h2', 'HTTP/1.1'),
      ['eu', 'us', 'ap', 'sa'][1 + intDiv(h, 11) % 4], 'client', if(h % 5 = 0, 'POST', 'GET'),
      [200, 200, 200, 304, 404, 500][1 + intDiv(h, 13) % 6], 300 + h % 90000, h % 90000, 200 + h % 700, h % 500, 900 + h % 100000,
      ['DE', 'US', 'IN', 'BR', 'FR'][1 + intDiv(h, 17) % 5], 1000 + intDiv(h, 19) % 400
    FROM (
      SELECT number, cityHash64(number) AS h,
        if(intDiv(h, 3) % 10 = 0, 0, 1 + toUInt64(1999 * pow((intDiv(h, 31) % 1000000) / 1000000, 2))) AS payer,
        concat('account-', toString(payer)) AS account
      FROM numbers(${first}, ${next - first})
    )`
}

function rangesSql({ first, next }: { first: number; next: number }, { from: begin, to: end }: Period): string {
  const step = (end - begin) / (next - first)
  const hourOf = (offset: string): string =>
    `intDiv(toInt64(${begin} + (${offset} - ${first}) * ${step}), ${hourMicros})`
  return `INSERT INTO projected_range SELECT number AS first, least(number + ${rangeEvents}, ${next}) AS next,
      arrayMap(hour -> hour * ${hourMicros}, range(${hourOf('first')}, ${hourOf('(next - 1)')} + 1))
    FROM numbers(${first}, ${next - first}, ${rangeEvents})`
}

async function makeEvents(engine: Engine): Promise<void> {
  const parts = days
  for (let part = 0; part < parts; part += 1) {
    const offsets = { first: Math.floor((events * part) / parts), next: Math.floor((events * (part + 1)) / parts) }
    const period = {
      from: (from + part * 24 * hourMicros) as Micros,
      to: (from + (part + 1) * 24 * hourMicros) as Micros,
    }
    await engine.command(insertSql(offsets, period))
    await engine.command(rangesSql(offsets, period))
    tell(`made ${((offsets.next / events) * 100).toFixed(0)} % of ${millions} million events`)
  }
}

function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((one, two) => one - two)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
}

async function timed(times: number, ask: (turn: number) => Promise<unknown>): Promise<{ p50: number; p95: number }> {
  const millis: number[] = []
  for (let turn = 0; turn < times; turn += 1) {
    const began = performance.now()
    await ask(turn)
    millis.push(performance.now() - began)
  }
  return { p50: quantile(millis, 0.5), p95: quantile(millis, 0.95) }
}

function print(name: string, ours: { p50: number; p95: number }, theirs: { p50: number; p95: number }): void {
  const ms = (value: number): string => (value < 1000 ? `${value.toFixed(0)} ms` : `${(value / 1000).toFixed(2)} s`)
  process.stdout.write(
    `${name.padEnd(58)} p50 ${ms(ours.p50)}, p95 ${ms(ours.p95)}; by hand over events p50 ${ms(theirs.p50)}, p95 ${ms(theirs.p95)}; ${(ours.p95 / theirs.p95).toFixed(2)} ×\n`,
  )
}

/** Six of the seven standard meters over all accounts, as a person would write them in one query; the active hours alone take more memory than a question may have, over a hundred million events. */
const byHandAll = `SELECT account, countIf(kind = 'http_request' AND phase = 'final' AND leg = 'client'),
    sumIf(bytes_out_wire, leg = 'client'), sumIf(bytes_out_body, leg = 'client'), sumIf(bytes_in_wire, leg = 'client'), sumIf(bytes_in_body, leg = 'client'),
    countIf(kind IN ('tcp_connection', 'tls_connection') AND phase = 'final' AND leg = 'client')
  FROM fact WHERE time_us >= {from:Int64} AND time_us < {to:Int64} GROUP BY account`

async function questions(engine: Engine, below: Offset, isRolled: boolean): Promise<void> {
  const read = usageReader(engine)
  const meterOf = (key: string): MeterDefinition => {
    const meter = standardMeters.find((one) => one.key === key)
    if (meter === undefined) throw new Error(`${key} is a standard meter`)
    return meter
  }
  const requests = meterOf('http_requests')
  const accountOf = (turn: number): AccountKey => `account-${turn * 37}` as AccountKey
  const shared = { meter: requests, period: month, zone: 'UTC', below }
  const settings = { from: month.from, to: month.to }
  print(
    'one account, month by day (40 accounts)',
    await timed(40, (turn) => read({ ...shared, account: accountOf(turn), window: 'day', groupBy: [] })),
    await timed(40, (turn) =>
      engine.query(
        `SELECT toDate(time) AS day, count() FROM fact WHERE account = {account:String} AND time_us >= {from:Int64} AND time_us < {to:Int64} AND kind = 'http_request' AND phase = 'final' AND leg = 'client' GROUP BY day ORDER BY day`,
        { ...settings, account: accountOf(turn) },
      ),
    ),
  )
  for (const [name, account] of [
    ['the largest account (a tenth of all)', 'account-0'],
    ['another account', 'account-7'],
  ] as const) {
    const question = {
      ...shared,
      account: account as AccountKey,
      window: null,
      groupBy: ['endpoint' as const],
      top: 20,
    }
    print(
      `top 20 endpoints and others, ${name}`,
      await timed(20, () => read(question)),
      await timed(20, () =>
        engine.query(
          `SELECT endpoint, count() AS n FROM fact WHERE account = {account:String} AND time_us >= {from:Int64} AND time_us < {to:Int64} AND kind = 'http_request' AND phase = 'final' AND leg = 'client' GROUP BY endpoint ORDER BY n DESC LIMIT 20`,
          { ...settings, account },
        ),
      ),
    )
  }
  // Seven times every event, counted in 256 bits: with many millions that is for those who have time.
  if (!isRolled && millions > 20) return
  const all = async (): Promise<void> => {
    for (const meter of standardMeters) await usageByAccount(engine, { ...shared, meter, window: null })
  }
  print(
    'all accounts, month, seven meters (by hand: six)',
    await timed(3, all),
    await timed(3, () => engine.query(byHandAll, settings)),
  )
}

const directory = mkdtempSync(join(tmpdir(), 'crossfoot-bench-usage-'))
const engine = openChdb(join(directory, 'store'))
try {
  await migrateStore(engine, join(import.meta.dirname, '../migrations/clickhouse'))
  await makeEvents(engine)
  let position = events
  const ports = {
    engine,
    projection: { position: () => position as Offset },
    world: { ...systemWorld, now: () => (lastHour + 2 * hourMicros) as Micros },
    meters: () => Promise.resolve(rolledOf(standardMeters)),
    raise: (difference: object) => Promise.reject(new Error(JSON.stringify(difference))),
    report: (error: unknown) => {
      throw error
    },
  }
  tell('asking without rolled hours')
  process.stdout.write(`${millions} million events, nothing rolled\n`)
  await questions(engine, events as Offset, false)
  let began = performance.now()
  const hours = await rollDue(ports)
  const seconds = (performance.now() - began) / 1000
  process.stdout.write(
    `rolled and recounted ${hours} hours of ${standardMeters.length + 1} meters in ${seconds.toFixed(0)} s: ${((millions * (standardMeters.length + 1)) / seconds).toFixed(1)} million events a second and meter\n`,
  )
  process.stdout.write(`${millions} million events, rolled\n`)
  await questions(engine, events as Offset, true)
  const offsets = { first: events, next: events + sealEvents }
  const hour = { from: lastHour, to: (lastHour + hourMicros) as Micros }
  await engine.command(insertSql(offsets, hour))
  await engine.command(rangesSql(offsets, hour))
  position = offsets.next
  began = performance.now()
  await rollDue(ports)
  process.stdout.write(
    `an hour of 1 million events sealed for ${standardMeters.length + 1} meters: ${((performance.now() - began) / 1000).toFixed(2)} s\n`,
  )
  const sizes = await engine.query<{ table: string; bytes: string; rows: string }>(
    "SELECT table, sum(bytes_on_disk) AS bytes, sum(rows) AS rows FROM system.parts WHERE active AND table IN ('fact', 'rollup', 'rolled_hour', 'projected_range') GROUP BY table ORDER BY table",
    {},
  )
  for (const { table, bytes, rows } of sizes) {
    process.stdout.write(
      `${table}: ${rows} rows, ${(Number(bytes) / 1e6).toFixed(0)} MB, ${(Number(bytes) / position).toFixed(2)} bytes an event\n`,
    )
  }
} finally {
  await engine.close()
  rmSync(directory, { recursive: true, force: true })
}
