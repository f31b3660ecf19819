/**
 * Rolled hours: a meter's usage of a clock hour, made from the events and held against a recount of them. A rolled hour
 * is true for the log below an offset; which hours were touched since is known from the ranges of the projection, which
 * say in which hours their events lie. An hour that was touched since is counted from its events until it is rolled again,
 * so that an answer never depends on how far the rolling has come (L9).
 */
import type { MeterKey, Offset } from '../core/ids.ts'
import { hourMicros } from '../core/time.ts'
import type { Micros, Period } from '../core/time.ts'
import { Parameters } from './condition.ts'
import type { Condition } from './condition.ts'
import type { Engine } from './engine.ts'
import { partialRows, partialSql } from './measure/partial.ts'
import type { PartialMeasure } from './measure/plain.ts'
import { groupsOf } from './measure/question.ts'
import type { FactQuestion, MeasurePart } from './measure/question.ts'
import { countedRows, fence } from './counted-rows.ts'

/** A meter as it is rolled. */
export interface RolledMeter {
  readonly meter: MeterKey
  readonly version: number
  /** A hash of measure and conditions: another question of the same name never meets these rows. */
  readonly definition: number
  readonly measure: PartialMeasure
  readonly conditions: readonly Condition[]
}

/** A version of a rolled hour. */
export interface RolledHour {
  readonly hour: Micros
  /** What the log held below this offset is in it. */
  readonly below: Offset
  /** `voidGeneration`: what was rolled does not hold. */
  readonly generation: number
  /** Accounts that have usage in it. */
  readonly accounts: number
  readonly digest: string
  readonly rolled: Micros
}

/** The UTC clock hour of a row. */
const hourOfRow = `intDiv(time_us, ${hourMicros}) * ${hourMicros}`

/** In the `hours` of a range that was written down before they were noted. */
const notNoted = -1

/** The hours of events and corrections by their own rows, where the ranges do not tell. */
const hoursOfRows = `SELECT ${hourOfRow} AS hour, min(offset), max(offset) + 1
  FROM (SELECT time_us, offset FROM fact WHERE /* operator question: rollup */ 1 UNION ALL SELECT time_us, offset FROM correction)
  WHERE offset >= {from:UInt64} AND offset < {position:UInt64} GROUP BY hour`

const hoursOfRanges = `SELECT hour, min(first), max(next) FROM projected_range ARRAY JOIN hours AS hour
  WHERE first >= {from:UInt64} AND next <= {position:UInt64} GROUP BY hour`

async function askTouchedUntil(engine: Engine): Promise<Offset> {
  const [last] = await engine.query<{ next: string }>('SELECT max(next) AS next FROM touched_until', {})
  return Number(last?.next ?? 0) as Offset
}

/** Notes in which hours the ranges lie that were projected since the last time; `position`: all below is projected. */
export async function noteTouchedHours(engine: Engine, position: Offset): Promise<void> {
  const from = await askTouchedUntil(engine)
  if (from >= position) return
  const [ranges] = await engine.query<{ unknown: string }>(
    `SELECT countIf(has(hours, ${notNoted})) AS unknown FROM projected_range WHERE first >= {from:UInt64} AND next <= {position:UInt64}`,
    { from, position },
  )
  // Doing it twice after a crash says the same twice.
  const hours = ranges?.unknown === '0' ? hoursOfRanges : hoursOfRows
  await engine.compute(`INSERT INTO touched_hour ${hours}`, { from, position })
  await engine.compute('INSERT INTO touched_until SELECT {position:UInt64}', { position })
}

/** Hours in which events or corrections lie, each with the offset below which all of them do. */
export type TouchedHours = ReadonlyMap<Micros, Offset>

/** How the hours of a period stand for a meter, as of an offset. */
export interface HourStates {
  /** Null: it is not known which. */
  readonly touched: TouchedHours | null
  /** The newest version of each rolled hour that is true for no more than the log below the offset. */
  readonly rolled: readonly RolledHour[]
}

interface StateRow {
  readonly kind: 'touched' | 'rolled'
  readonly hour: string
  readonly latest: string
  readonly made: string
  readonly amount: string
  readonly sum: string
  readonly at: string
}

const touchedSql = `SELECT 'touched' AS kind, hour, max(latest) AS latest, 0 AS made, 0 AS amount, 0 AS sum, 0 AS at FROM (
    SELECT hour_us AS hour, max(next) AS latest FROM touched_hour
    WHERE hour_us >= {from:Int64} AND hour_us < {to:Int64} AND first < {below:UInt64} GROUP BY hour
    UNION ALL
    SELECT hour, max(next) AS latest FROM projected_range ARRAY JOIN hours AS hour
    WHERE first >= {until:UInt64} AND first < {below:UInt64}
      AND (hour = ${notNoted} OR (hour >= {from:Int64} AND hour < {to:Int64})) GROUP BY hour
  ) GROUP BY hour`

const rolledSql = `SELECT 'rolled' AS kind, hour_us AS hour, max(below) AS latest, argMax(generation, (below, rolled_us, generation = 0)) AS made,
    argMax(accounts, (below, rolled_us, generation = 0)) AS amount, argMax(digest, (below, rolled_us, generation = 0)) AS sum, argMax(rolled_us, (below, rolled_us, generation = 0)) AS at
  FROM rolled_hour WHERE meter = {meter:String} AND meter_version = {version:UInt32} AND definition = {definition:UInt64}
    AND hour_us >= {from:Int64} AND hour_us < {to:Int64} AND below <= {below:UInt64}
  GROUP BY hour_us`

function rolledHourOf(row: StateRow): RolledHour {
  return {
    hour: Number(row.hour) as Micros,
    below: Number(row.latest) as Offset,
    generation: Number(row.made),
    accounts: Number(row.amount),
    digest: row.sum,
    rolled: Number(row.at) as Micros,
  }
}

/**
 * Hours of a period that were touched by what lies below an offset, and those that are rolled. What is not condensed yet
 * of the touched ones is looked at as it is; how far that is is asked before, in a statement of its own: in one
 * statement the condensing could come between two looks, and be in neither.
 */
export async function askHourStates(
  engine: Engine,
  { meter, version, definition }: Pick<RolledMeter, 'meter' | 'version' | 'definition'>,
  { from, to }: Period,
  below: Offset,
): Promise<HourStates> {
  const until = await askTouchedUntil(engine)
  const rows = await engine.query<StateRow>(
    `SELECT * FROM (${touchedSql} UNION ALL ${rolledSql}) ORDER BY kind, hour`,
    { meter, version, definition, from: from - (from % hourMicros), to, below, until },
  )
  const touched = rows.filter(({ kind }) => kind === 'touched')
  const isKnown = touched.every(({ hour }) => Number(hour) !== notNoted)
  return {
    touched: isKnown
      ? new Map(touched.map(({ hour, latest }) => [Number(hour) as Micros, Number(latest) as Offset]))
      : null,
    rolled: rows.filter(({ kind }) => kind === 'rolled').map(rolledHourOf),
  }
}

/** Hours that were touched by what lies at an offset or beyond it, as far as that is condensed. */
export async function askHoursTouchedSince(engine: Engine, since: Offset): Promise<readonly Micros[]> {
  const rows = await engine.query<{ hour: string }>(
    'SELECT DISTINCT hour_us AS hour FROM touched_hour WHERE next > {since:UInt64} ORDER BY hour',
    { since },
  )
  return rows.map(({ hour }) => Number(hour) as Micros)
}

/** One rolled hour of a meter, drawn by a seed; null: none is rolled. */
export async function drawRolledHour(
  engine: Engine,
  { meter, version, definition }: Pick<RolledMeter, 'meter' | 'version' | 'definition'>,
  seed: number,
): Promise<Micros | null> {
  const [row] = await engine.query<{ hour: string }>(
    `SELECT hour_us AS hour FROM rolled_hour
     WHERE meter = {meter:String} AND meter_version = {version:UInt32} AND definition = {definition:UInt64}
     ORDER BY cityHash64(hour_us, {seed:UInt32}) LIMIT 1`,
    { meter, version, definition, seed },
  )
  return row === undefined ? null : (Number(row.hour) as Micros)
}

/** No rows have it: stands where what was rolled was not equal to a recount. */
export const voidGeneration = 0

/** Which hours are rolled: a run of whole clock hours, one after the other. */
export interface Rolling {
  readonly rolled: RolledMeter
  readonly run: Period
  readonly below: Offset
  /** A number that no other rolling has. */
  readonly generation: number
}

function hoursOf({ from, to }: Period): Micros[] {
  return Array.from({ length: (to - from) / hourMicros }, (_, index) => (from + index * hourMicros) as Micros)
}

function questionOf({ rolled, run, below }: Omit<Rolling, 'generation'>): FactQuestion {
  const { measure, conditions } = rolled
  const scope = { kind: 'operator', question: 'usage_by_account' } as const
  return { scope, period: run, starts: hoursOf(run), below, measure, conditions, dimensions: [] }
}

function partOf(question: FactQuestion, parameters: Parameters): MeasurePart {
  return {
    question,
    parameters,
    groups: groupsOf(question, parameters),
    rows: (from = question.period.from) => countedRows(question, parameters, from),
    fence: fence(question.scope, parameters),
  }
}

/** Writes the rows of a run's hours under its generation; nothing reads them before `noteRolledHours`. */
export async function rollHours(engine: Engine, rolling: Rolling): Promise<void> {
  const { rolled, generation } = rolling
  const parameters = new Parameters()
  const part = partOf(questionOf(rolling), parameters)
  const columns = [
    `${parameters.add(rolled.meter, 'String')} AS meter`,
    `toUInt32(${parameters.add(rolled.version, 'UInt32')}) AS meter_version`,
    `${parameters.add(rolled.definition, 'UInt64')} AS definition`,
    'account',
    'window_us AS hour_us',
    `${parameters.add(generation, 'UInt64')} AS generation`,
    'events',
    'without',
    'amount',
    'at_us',
    'at_offset',
  ]
  await engine.compute(
    `INSERT INTO rollup SELECT ${columns.join(', ')} FROM (${partialRows(rolled.measure, part)})`,
    parameters.values,
  )
}

/** What an hour comes to: how many accounts have usage in it, and a digest over accounts and quantities. */
export interface HourSum {
  readonly hour: Micros
  readonly accounts: number
  readonly digest: string
}

async function sumsOf(engine: Engine, question: FactQuestion, measure: PartialMeasure): Promise<readonly HourSum[]> {
  const parameters = new Parameters()
  const part = partOf(question, parameters)
  const rows = await engine.recount<Record<'hour' | 'accounts' | 'digest', string>>(
    `SELECT window_us AS hour, count() AS accounts,
       groupBitXor(cityHash64(account, toString(measured), toString(divisor), missing)) AS digest
     FROM (${partialSql(measure, part)}) GROUP BY window_us ORDER BY window_us`,
    parameters.values,
  )
  return rows.map(({ hour, accounts, digest }) => ({
    hour: Number(hour) as Micros,
    accounts: Number(accounts),
    digest,
  }))
}

/** The hours of a run as their events give them, by the statement that answers questions. */
export function recountHours(engine: Engine, rolling: Omit<Rolling, 'generation'>): Promise<readonly HourSum[]> {
  return sumsOf(engine, questionOf(rolling), rolling.rolled.measure)
}

/** The hours of a run as the rows of a generation give them. */
export function sumRolledHours(engine: Engine, rolling: Rolling): Promise<readonly HourSum[]> {
  const { rolled, run, generation } = rolling
  const { meter, version, definition, measure } = rolled
  const rows = { meter, version, definition, runs: [run.from], generations: [generation], rest: [] }
  return sumsOf(engine, { ...questionOf(rolling), rolled: rows }, measure)
}

const rolledHourColumns = [
  'meter',
  'meter_version',
  'definition',
  'hour_us',
  'below',
  'generation',
  'accounts',
  'digest',
  'rolled_us',
]

/** Makes rolled hours readable; under `voidGeneration`: says that there is nothing to read. An hour without usage has no sum and is noted as well: it is known to be empty. */
export async function noteRolledHours(
  engine: Engine,
  { rolled, run, below, generation }: Rolling,
  sums: readonly HourSum[],
  now: Micros,
): Promise<void> {
  const { meter, version, definition } = rolled
  const byHour = new Map(sums.map((sum) => [sum.hour, sum]))
  const rows = hoursOf(run).map((hour) => {
    const { accounts = 0, digest = '0' } = byHour.get(hour) ?? {}
    return `[${JSON.stringify(meter)},${version},${definition},${hour},${below},${generation},${accounts},${digest},${now}]`
  })
  await engine.insert({
    table: 'rolled_hour',
    columns: rolledHourColumns,
    rows: rows.join('\n'),
    token: `rolled ${meter} ${version} ${definition} ${run.from} ${generation} ${now}`,
  })
}
