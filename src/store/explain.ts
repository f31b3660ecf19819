/** Opens a number (L10): which events, keys, hours, levels or intervals made it. Behind the same fence as the number. */
import type { Offset } from '../core/ids.ts'
import { unreachable } from '../core/result.ts'
import { hourMicros, instantMin, secondMicros } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { Parameters, conditionSql, dimensionSql } from './condition.ts'
import type { Engine } from './engine.ts'
import { expressionSql } from './expression.ts'
import type { Expression } from './expression.ts'
import type { ActiveHoursMeasure, LevelMeasure, PercentileMeasure, UniqueMeasure } from './measure/measure.ts'
import type { EventsWanted } from './measure/question.ts'
import { whereOf } from './counted-rows.ts'

/** An event by its place in the log, and what it gave. */
export interface Contribution {
  readonly offset: Offset
  readonly time: Micros
  readonly value: string
}

interface Asking {
  readonly engine: Engine
  readonly question: EventsWanted
  readonly most: number
}

function contributionOf(row: { offset: string; time_us: string; value: string }): Contribution {
  return { offset: Number(row.offset) as Offset, time: Number(row.time_us) as Micros, value: row.value }
}

const orders = {
  largest: 'given DESC, time_us, offset',
  smallest: 'given, time_us, offset',
  newest: 'time_us DESC, offset DESC',
} as const

/** Events with a value, in an order: the largest, smallest or newest ones. */
export async function askContributions(
  { engine, question, most }: Asking,
  value: Expression,
  order: keyof typeof orders,
): Promise<readonly Contribution[]> {
  const parameters = new Parameters()
  const { sql } = expressionSql(value, parameters)
  const rows = await engine.query<{ offset: string; time_us: string; value: string }>(
    `SELECT offset, time_us, toString(given) AS value FROM (SELECT offset, time_us, ${sql} AS given FROM fact WHERE ${whereOf(question, parameters, question.period.from)}) WHERE isNotNull(given) ORDER BY ${orders[order]} LIMIT ${parameters.add(most, 'UInt32')}`,
    parameters.values,
  )
  return rows.map(contributionOf)
}

export interface Tally {
  readonly events: bigint
  readonly withoutValue: bigint
  /** How many events share the smallest, and the greatest value. */
  readonly atMin: bigint
  readonly atMax: bigint
}

/** How many events there are, and how many of them without a value. */
export async function askTally(engine: Engine, question: EventsWanted, value: Expression | null): Promise<Tally> {
  const parameters = new Parameters()
  const given = value === null ? 'toNullable(1)' : expressionSql(value, parameters).sql
  const rows = `SELECT ${given} AS given FROM fact WHERE ${whereOf(question, parameters, question.period.from)}`
  const [row] = await engine.query<Record<'events' | 'missing' | 'at_min' | 'at_max', string>>(
    `WITH rows AS (${rows}) SELECT count() AS events, countIf(isNull(given)) AS missing, countIf(given = (SELECT min(given) FROM rows)) AS at_min, countIf(given = (SELECT max(given) FROM rows)) AS at_max FROM rows`,
    parameters.values,
  )
  return {
    events: BigInt(row?.events ?? 0),
    withoutValue: BigInt(row?.missing ?? 0),
    atMin: BigInt(row?.at_min ?? 0),
    atMax: BigInt(row?.at_max ?? 0),
  }
}

export interface KeyCount {
  readonly key: string
  readonly events: bigint
  readonly first: Contribution
  readonly last: Contribution
}

/** The distinct values with their events, those with the most events first. With membership: those that are in at the end. */
export async function askKeys(
  { engine, question, most }: Asking,
  { field, membership }: UniqueMeasure,
): Promise<readonly KeyCount[]> {
  const parameters = new Parameters()
  const key = dimensionSql(field, parameters)
  const from = membership?.carried === true ? instantMin : question.period.from
  const where = [whereOf(question, parameters, from), `isNotNull(${key})`]
  let having = ''
  if (membership !== null) {
    const { add, remove } = membership
    where.push(conditionSql({ operator: 'in', field: membership.field, values: [...add, ...remove] }, parameters))
    const operation = dimensionSql(membership.field, parameters)
    having = `HAVING has(${parameters.add(add, 'Array(String)')}, argMax(ifNull(${operation}, ''), (time_us, offset)))`
  }
  const rows = await engine.query<
    Record<'name' | 'events' | 'first_us' | 'first_offset' | 'last_us' | 'last_offset', string>
  >(
    `SELECT assumeNotNull(${key}) AS name, count() AS events, min((time_us, offset)) AS one, max((time_us, offset)) AS two, one.1 AS first_us, one.2 AS first_offset, two.1 AS last_us, two.2 AS last_offset FROM fact WHERE ${where.join(' AND ')} GROUP BY name ${having} ORDER BY events DESC, name LIMIT ${parameters.add(most, 'UInt32')}`,
    parameters.values,
  )
  return rows.map((row) => ({
    key: row.name,
    events: BigInt(row.events),
    first: contributionOf({ offset: row.first_offset, time_us: row.first_us, value: row.name }),
    last: contributionOf({ offset: row.last_offset, time_us: row.last_us, value: row.name }),
  }))
}

export interface ActiveHour {
  readonly hour: Micros
  readonly key: string | null
  /** The event that made it an active hour: where the unit lies. */
  readonly first: Omit<Contribution, 'value'>
  readonly events: bigint
}

/** Active hours in the order of time. */
export async function askActiveHours(
  { engine, question, most }: Asking,
  { field }: ActiveHoursMeasure,
): Promise<readonly ActiveHour[]> {
  const parameters = new Parameters()
  const { from } = question.period
  const where = whereOf(question, parameters, (from - (from % hourMicros)) as Micros)
  const rows = await engine.query<{
    name: string | null
    hour: string
    first_us: string
    first_offset: string
    events: string
  }>(
    `SELECT ${dimensionSql(field, parameters)} AS name, intDiv(time_us, ${hourMicros}) * ${hourMicros} AS hour, min((time_us, offset)) AS one, one.1 AS first_us, one.2 AS first_offset, count() AS events FROM fact WHERE ${where} GROUP BY name, hour HAVING first_us >= ${parameters.add(from, 'Int64')} ORDER BY hour, name LIMIT ${parameters.add(most, 'UInt32')}`,
    parameters.values,
  )
  return rows.map(({ name, hour, first_us: at, first_offset: offset, events }) => ({
    hour: Number(hour) as Micros,
    key: name,
    first: { offset: Number(offset) as Offset, time: Number(at) as Micros },
    events: BigInt(events),
  }))
}

export interface Segment {
  readonly key: string | null
  readonly from: Micros
  readonly to: Micros
  readonly level: string
  /** The event that set the level, or changed it: it may lie before the period. */
  readonly set: Omit<Contribution, 'value'>
}

const lastInstant = '9223372036854775807'

/** The levels that held in a period, in the order of time; each ends where the next of its key begins. */
export async function askSegments(
  { engine, question, most }: Asking,
  { value, mode, field }: LevelMeasure,
  until: Micros,
): Promise<readonly Segment[]> {
  const parameters = new Parameters()
  const key = field === null ? "''" : `ifNull(toString(${dimensionSql(field, parameters)}), '')`
  const events = `SELECT ${key} AS name, time_us, offset, toDecimal256(${expressionSql(value, parameters).sql}, 18) AS given FROM fact WHERE ${whereOf(question, parameters, instantMin)}`
  const over =
    'OVER (PARTITION BY name ORDER BY time_us, offset ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)'
  const running = 'OVER (PARTITION BY name ORDER BY time_us, offset ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)'
  const levels = `SELECT name, offset, time_us AS begin_us, leadInFrame(time_us, 1, ${lastInstant}) ${over} AS end_us, toString(${mode === 'set' ? 'given' : `sum(given) ${running}`}) AS level FROM (${events}) WHERE isNotNull(given)`
  const [from, to] = [parameters.add(question.period.from, 'Int64'), parameters.add(until, 'Int64')]
  const rows = await engine.query<Record<'name' | 'offset' | 'begin_us' | 'end_us' | 'level', string>>(
    `SELECT * FROM (${levels}) WHERE begin_us < ${to} AND end_us > ${from} AND end_us > begin_us ORDER BY begin_us, offset LIMIT ${parameters.add(most, 'UInt32')}`,
    parameters.values,
  )
  return rows.map((row) => ({
    key: field === null ? null : row.name,
    from: Math.max(Number(row.begin_us), question.period.from) as Micros,
    to: Math.min(Number(row.end_us), until) as Micros,
    level: row.level,
    set: { offset: Number(row.offset) as Offset, time: Number(row.begin_us) as Micros },
  }))
}

export interface Sample {
  /** Counted from the period's start. */
  readonly interval: number
  readonly inward: string
  readonly outward: string
  readonly events: bigint
}

type Ranked = 'in' | 'out' | 'higher' | 'sum'

function rankSql(by: Ranked): string {
  switch (by) {
    case 'in':
      return 'inward'
    case 'out':
      return 'outward'
    case 'higher':
      return 'greatest(inward, outward)'
    case 'sum':
      return 'inward + outward'
    default:
      return unreachable(by)
  }
}

/** The intervals with traffic from the highest on, without the first `skip` of them. */
export async function askSamples(
  { engine, question, most }: Asking,
  { intervalSeconds, inward, outward }: PercentileMeasure,
  { by, skip }: { readonly by: Ranked; readonly skip: number },
): Promise<readonly Sample[]> {
  const parameters = new Parameters()
  const interval = intervalSeconds * secondMicros
  const amount = (expression: Expression): string =>
    `toDecimal256(ifNull(sumOrNull(${expressionSql(expression, parameters).sql}), 0), 18)`
  const start = parameters.add(question.period.from, 'Int64')
  const samples = `SELECT intDiv(time_us - ${start}, ${interval}) AS place, ${amount(inward)} AS inward, ${amount(outward)} AS outward, count() AS events FROM fact WHERE ${whereOf(question, parameters, question.period.from)} GROUP BY place`
  const rows = await engine.query<Record<'place' | 'amount_in' | 'amount_out' | 'events', string>>(
    `SELECT place, toString(inward) AS amount_in, toString(outward) AS amount_out, events FROM (${samples}) ORDER BY ${rankSql(by)} DESC, place LIMIT ${parameters.add(most, 'UInt32')} OFFSET ${parameters.add(skip, 'UInt64')}`,
    parameters.values,
  )
  return rows.map((row) => ({
    interval: Number(row.place),
    inward: row.amount_in,
    outward: row.amount_out,
    events: BigInt(row.events),
  }))
}
