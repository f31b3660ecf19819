/** Stored traffic by who pays for it, at which endpoint, and by which account it names: what attribution looks at again. */
import { Refusal } from '../core/errors.ts'
import type { AccountKey, Offset } from '../core/ids.ts'
import type { Micros, Period } from '../core/time.ts'
import { Parameters, conditionSql } from './condition.ts'
import type { Condition } from './condition.ts'
import type { Engine } from './engine.ts'
import { expressionSql } from './expression.ts'
import type { Expression } from './expression.ts'
import { fence, whereOf } from './counted-rows.ts'
import { limits } from './query.ts'
import type { Scope } from './query.ts'

/** A quantity that adds up over any parts: the number of events, or the sum of a value. */
export interface AdditiveMeasure {
  readonly conditions: readonly Condition[]
  /** Null: the events are counted. */
  readonly value: Expression | null
}

export interface AttributedQuestion {
  readonly scope: Scope
  readonly period: Period
  /** Starts of the windows, ascending, the first at `period.from`. */
  readonly starts: readonly Micros[]
  readonly below: Offset
  readonly conditions: readonly Condition[]
  readonly measures: readonly AdditiveMeasure[]
}

/** Traffic of one payer, endpoint and named account in one window. */
export interface AttributedRow {
  readonly start: Micros
  readonly account: AccountKey
  readonly endpoint: string | null
  readonly given: AccountKey | null
  readonly events: bigint
  readonly first: Micros
  readonly last: Micros
  /** In the order of the measures, as decimal strings. */
  readonly quantities: readonly string[]
}

function measureSql({ conditions, value }: AdditiveMeasure, parameters: Parameters): string {
  const counted = ['1', ...conditions.map((condition) => conditionSql(condition, parameters))].join(' AND ')
  if (value === null) return `toString(countIf(${counted}))`
  return `ifNull(toString(sumIf(${expressionSql(value, parameters).sql}, ${counted})), '0')`
}

type Row = Readonly<Record<string, string | null>>

function tooLarge(): Refusal {
  return new Refusal(
    'QUERY_TOO_LARGE',
    `the traffic has more than ${limits.operatorRowsMax} parts by account, endpoint and time; ask for a shorter time`,
  )
}

/** Traffic put together by window, payer, endpoint and named account; the newest version of each event. */
export async function askAttributed(engine: Engine, question: AttributedQuestion): Promise<readonly AttributedRow[]> {
  const parameters = new Parameters()
  const { period, starts, measures } = question
  const select = [
    `roundDown(time_us, ${parameters.add(starts, 'Array(Int64)')}) AS start_us`,
    'account AS payer',
    'endpoint AS named_endpoint',
    'given_account AS named_account',
    'toString(count()) AS events',
    'min(time_us) AS first_us',
    'max(time_us) AS last_us',
    ...measures.map((measure, index) => `${measureSql(measure, parameters)} AS q${index}`),
  ]
  const groups = 'start_us, payer, named_endpoint, named_account'
  const rows = await engine.query<Row>(
    `SELECT ${select.join(', ')} FROM fact WHERE ${whereOf(question, parameters, period.from)}
     GROUP BY ${groups} ORDER BY ${groups} LIMIT ${limits.operatorRowsMax + 1}`,
    parameters.values,
  )
  if (rows.length > limits.operatorRowsMax) throw tooLarge()
  return rows.map((row) => ({
    start: Number(row['start_us']) as Micros,
    account: row['payer'] as AccountKey,
    endpoint: row['named_endpoint'] ?? null,
    given: (row['named_account'] ?? null) as AccountKey | null,
    events: BigInt(row['events'] ?? '0'),
    first: Number(row['first_us']) as Micros,
    last: Number(row['last_us']) as Micros,
    quantities: measures.map((_, index) => row[`q${index}`] ?? '0'),
  }))
}

/** Every way in which senders wrote an endpoint in a time. */
export async function askEndpoints(engine: Engine, period: Period): Promise<readonly string[]> {
  const parameters = new Parameters()
  const where = [
    fence({ kind: 'operator', question: 'attribution' }, parameters),
    `time_us >= ${parameters.add(period.from, 'Int64')}`,
    `time_us < ${parameters.add(period.to, 'Int64')}`,
  ].join(' AND ')
  const rows = await engine.query<{ written: string }>(
    `SELECT DISTINCT assumeNotNull(endpoint) AS written FROM fact WHERE ${where} AND isNotNull(endpoint) LIMIT ${limits.operatorRowsMax + 1}`,
    parameters.values,
  )
  if (rows.length > limits.operatorRowsMax) throw tooLarge()
  return rows.map(({ written }) => written)
}
