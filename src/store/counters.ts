import type { AccountKey, Offset } from '../core/ids.ts'
import { dayMicros } from '../core/time.ts'
import type { Micros, Period } from '../core/time.ts'
import { Parameters } from './condition.ts'
import type { Condition } from './condition.ts'
import type { Engine } from './engine.ts'
import { whereOf } from './counted-rows.ts'

export const limits = {
  /** Series of one answer; one more says that there are more. */
  seriesMax: 1_000,
  /** Series without an endpoint that are compared with events. */
  wideMax: 100,
  /** A series whose last sample is older begins anew: what it counted in between is not known. */
  lookbackMicros: 35 * dayMicros,
} as const

/** What makes samples one series. */
export interface SeriesKey {
  readonly source: string
  readonly name: string
  /** As the source said; null: it did not. */
  readonly account: string | null
  readonly endpoint: string | null
  readonly region: string | null
  readonly attributes: Readonly<Record<string, string>>
}

/** What a series counted in a period. */
export interface CounterSeries extends SeriesKey {
  /** How much the counter rose at samples in the period; a decimal string. */
  readonly increase: string
  readonly resets: number
  readonly samples: number
  /** The increase is what happened after this instant … */
  readonly after: Micros
  /** … and not after this one. */
  readonly until: Micros
}

export interface CounterQuestion {
  /** Series that can be of this account's traffic: its own, and those that name none. Left out: all. */
  readonly account?: AccountKey | null
  /** Null: of all sources. */
  readonly source: string | null
  readonly period: Period
  readonly below: Offset
}

/**
 * How a sample follows the one before it in its series. The order is that of time, whatever the order of arrival; two
 * samples of one instant stand in the order in which a counter would have shown them: what began at that instant or
 * later stands behind, and then the lower value before the higher.
 *
 * A counter that shows less than before, or says that it began after the sample before, was reset: what it shows now is
 * what it has counted since (the rule of Prometheus' `increase`; the start time is OpenTelemetry's). A start time that
 * only differs is none: many sources compute theirs from an uptime, and it trembles. A reset is not traffic, so it
 * never takes anything away and never adds what was counted before it. The first sample of a series only says where
 * the counter stands, unless the counter began within the period: then it began at 0.
 */
const stepSql = (from: string): string => `
  SELECT source, name, given_account, endpoint, region, toJSONString(attributes) AS attributes_json, time_us,
    lagInFrame(value) OVER series AS value_before,
    lagInFrame(toNullable(time_us)) OVER series AS time_before,
    isNull(value_before) AS is_first,
    NOT is_first AND (value < value_before OR ifNull(started_us > time_before, 0)) AS is_reset,
    is_first AND ifNull(started_us >= ${from}, 0) AS is_begun,
    toInt256(ifNull(value, 0)) - if(is_first OR is_reset, 0, toInt256(ifNull(value_before, 0))) AS above,
    if(is_first AND NOT is_begun, 0, above) AS rise,
    multiIf(is_begun, started_us, is_first, time_us, time_before) AS after_us`

const seriesColumns = 'source, name, given_account, endpoint, region, attributes_json'

/** What counters counted by themselves, series by series, computed from the stored samples each time it is asked. */
export async function askCounters(
  engine: Engine,
  { source, period, below, account = null }: CounterQuestion,
): Promise<readonly CounterSeries[]> {
  const parameters = new Parameters()
  const conditions: Condition[] = [
    { operator: 'in', field: 'kind', values: ['counter'] },
    ...(source === null ? [] : [{ operator: 'in' as const, field: 'source' as const, values: [source] }]),
  ]
  const scope = { kind: 'operator', question: 'counter_samples' } as const
  const back = Math.max(0, period.from - limits.lookbackMicros) as Micros
  const where = whereOf({ scope, period: { ...period, from: back }, below, conditions }, parameters, back)
  const from = parameters.add(period.from, 'Int64')
  const whose =
    account === null ? '' : ` AND (given_account IS NULL OR given_account = ${parameters.add(account, 'String')})`
  const window = `PARTITION BY source, name, given_account, endpoint, region, toJSONString(attributes)
    ORDER BY time_us, ifNull(started_us >= time_us, 0), value ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW`
  const rows = await engine.query<Record<string, string | null>>(
    `SELECT ${seriesColumns}, toString(sum(rise)) AS increase, toString(sum(is_reset)) AS resets,
       toString(count()) AS samples, toString(min(after_us)) AS after, toString(max(time_us)) AS until
     FROM (${stepSql(from)} FROM fact WHERE ${where}${whose} WINDOW series AS (${window}))
     WHERE time_us >= ${from} GROUP BY ${seriesColumns} ORDER BY ${seriesColumns} LIMIT ${limits.seriesMax + 1}`,
    parameters.values,
  )
  return rows.map((row) => ({
    source: row['source'] ?? '',
    name: row['name'] ?? '',
    account: row['given_account'] ?? null,
    endpoint: row['endpoint'] ?? null,
    region: row['region'] ?? null,
    attributes: JSON.parse(row['attributes_json'] ?? '{}') as Record<string, string>,
    increase: row['increase'] ?? '0',
    resets: Number(row['resets']),
    samples: Number(row['samples']),
    after: Number(row['after']) as Micros,
    until: Number(row['until']) as Micros,
  }))
}

/** The same traffic counted by its events. Decimal strings. */
export interface CountedTraffic {
  readonly requests: string
  readonly connections: string
  readonly bytes_out_wire: string
  readonly bytes_out_body: string
  readonly bytes_in_wire: string
  readonly bytes_in_body: string
}

const quantities = ['bytes_out_wire', 'bytes_out_body', 'bytes_in_wire', 'bytes_in_body'] as const
const nothing: CountedTraffic = {
  requests: '0',
  connections: '0',
  bytes_out_wire: '0',
  bytes_out_body: '0',
  bytes_in_wire: '0',
  bytes_in_body: '0',
}

export type Beside = Pick<CounterSeries, 'source' | 'account' | 'endpoint' | 'region' | 'after' | 'until'>

/** The list of series as a table of the statement. An absent value is the empty text, which no event has. */
function seriesTable(series: readonly Beside[], parameters: Parameters): string {
  const texts = (of: (one: Beside) => string | null): string =>
    parameters.add(
      series.map((one) => of(one) ?? ''),
      'Array(String)',
    )
  const times = (of: (one: Beside) => Micros): string => parameters.add(series.map(of), 'Array(Int64)')
  const columns = [
    `arrayEnumerate(${texts(({ source }) => source)}) AS n`,
    `${texts(({ source }) => source)} AS s_source`,
    `${texts(({ account }) => account)} AS s_account`,
    `${texts(({ endpoint }) => endpoint)} AS s_endpoint`,
    `${texts(({ region }) => region)} AS s_region`,
    `${times(({ after }) => after)} AS s_after`,
    `${times(({ until }) => until)} AS s_until`,
  ]
  const names = 'n, s_source, s_account, s_endpoint, s_region, s_after, s_until'
  return `SELECT ${names} FROM (SELECT 1 AS one) ARRAY JOIN ${columns.join(', ')}`
}

/** `join`: what an event and a series have to have in common; without the endpoint each event meets every series. */
function besideSql(series: readonly Beside[], below: Offset, join: string): { sql: string; parameters: Parameters } {
  const parameters = new Parameters()
  const period = {
    from: Math.min(...series.map(({ after }) => after)) as Micros,
    to: (Math.max(...series.map(({ until }) => until)) + 1) as Micros,
  }
  const conditions: Condition[] = [
    { operator: 'in', field: 'kind', values: ['http_request', 'tcp_connection', 'tls_connection'] },
    { operator: 'in', field: 'leg', values: ['client'] },
    { operator: 'in', field: 'source', values: [...new Set(series.map(({ source }) => source))] },
  ]
  const scope = { kind: 'operator', question: 'counted_beside_counters' } as const
  const where = whereOf({ scope, period, below, conditions }, parameters, period.from)
  const finished = "phase = 'final'"
  const sums = quantities.map((name) => `toString(ifNull(sum(toUInt256(${name})), 0)) AS sum_${name}`)
  const sql = `SELECT toString(n) AS number, toString(countIf(kind = 'http_request' AND ${finished})) AS requests,
       toString(countIf(kind != 'http_request' AND ${finished})) AS connections, ${sums.join(', ')}
     FROM (SELECT source, account, endpoint, region, kind, phase, time_us, ${quantities.join(', ')} FROM fact WHERE ${where}) AS event
     INNER JOIN (${seriesTable(series, parameters)}) AS list ON ${join}
     WHERE time_us > s_after AND time_us <= s_until AND (s_account = '' OR account = s_account)
       AND (s_endpoint = '' OR endpoint = s_endpoint) AND (s_region = '' OR region = s_region)
     GROUP BY n`
  return { sql, parameters }
}

const bySource = 'event.source = list.s_source'
const byEndpoint = `${bySource} AND event.endpoint = list.s_endpoint`

async function askBeside(
  engine: Engine,
  series: readonly Beside[],
  below: Offset,
  join: string,
): Promise<ReadonlyMap<Beside, CountedTraffic>> {
  if (series.length === 0) return new Map()
  const { sql, parameters } = besideSql(series, below, join)
  const rows = await engine.query<Record<string, string>>(sql, parameters.values)
  const byNumber = new Map(rows.map((row) => [Number(row['number']), row]))
  return new Map(series.map((one, index) => [one, trafficOf(byNumber.get(index + 1))]))
}

function trafficOf(row: Readonly<Record<string, string>> | undefined): CountedTraffic {
  if (row === undefined) return nothing
  return {
    requests: row['requests'] ?? '0',
    connections: row['connections'] ?? '0',
    bytes_out_wire: row['sum_bytes_out_wire'] ?? '0',
    bytes_out_body: row['sum_bytes_out_body'] ?? '0',
    bytes_in_wire: row['sum_bytes_in_wire'] ?? '0',
    bytes_in_body: row['sum_bytes_in_body'] ?? '0',
  }
}

/**
 * What the events of each series' source say of the same traffic, over exactly the time that the series covers. Of
 * the series that name no endpoint only so many are answered, because each event is held against each of them.
 */
export async function askBesideCounters(
  engine: Engine,
  { series, below }: { readonly series: readonly CounterSeries[]; readonly below: Offset },
): Promise<ReadonlyMap<Beside, CountedTraffic>> {
  const wide = series.filter(({ endpoint }) => endpoint === null).slice(0, limits.wideMax)
  const narrow = series.filter(({ endpoint }) => endpoint !== null)
  const found = [await askBeside(engine, wide, below, bySource), await askBeside(engine, narrow, below, byEndpoint)]
  return new Map(found.flatMap((some) => [...some]))
}
