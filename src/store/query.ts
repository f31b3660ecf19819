/** Questions to the event store: the parts of a statement are put together here, over the rows that `counted-rows.ts` lets through. */
import { Refusal } from '../core/errors.ts'
import type { AccountKey, Offset } from '../core/ids.ts'
import { unreachable } from '../core/result.ts'
import type { Micros, Period } from '../core/time.ts'
import { Parameters } from './condition.ts'
import type { Condition } from './condition.ts'
import { countedRows, fence, whereOf } from './counted-rows.ts'
import type { Engine, Parameter } from './engine.ts'
import { levelSql } from './measure/level.ts'
import { percentileSql } from './measure/percentile.ts'
import { partialSql } from './measure/partial.ts'
import type { Measure } from './measure/measure.ts'
import { groupsOf, operatorQuestions } from './measure/question.ts'
import type { FactQuestion, MeasurePart, OperatorQuestion, Scope } from './measure/question.ts'
import { uniqueSql } from './measure/unique.ts'
import { peakSql } from './sessions-peak.ts'

export { operatorQuestions }
export type { FactQuestion, OperatorQuestion, Scope }
export type { Reattribution, Supposition } from './measure/question.ts'
export type { Measure }

/** Rows of one answer; a question that has more is refused, not cut. The operator's are about every account. */
export const limits = { rowsMax: 100_000, operatorRowsMax: 2_000_000, streamRowsMax: 100_000_000 } as const

function rowsMaxOf({ kind }: Scope): number {
  return kind === 'operator' ? limits.operatorRowsMax : limits.rowsMax
}

/** One row of an answer, exact: the quantity is `quantity` / `divisor`, both decimal strings. */
export interface MeasuredRow {
  readonly windowStart: Micros
  /** Only in answers to the operator question `usage_by_account`. */
  readonly account: AccountKey | null
  readonly dimensions: readonly (string | null)[]
  /** One name for the values of all dimensions; empty: all groups that are not kept apart. */
  readonly groupName: string
  /** Null: no event of these has a value, so there is no smallest, newest, average one (L13). */
  readonly quantity: string | null
  readonly divisor: string
  /** Matching events that carried no value for the summed field. */
  readonly missing: string
}

interface Statement {
  readonly sql: string
  readonly parameters: Readonly<Record<string, Parameter>>
}

function measureSql(part: MeasurePart): string {
  const { measure } = part.question
  switch (measure.kind) {
    case 'count':
    case 'sum':
    case 'min':
    case 'max':
    case 'average':
    case 'latest':
    case 'active_hours':
      return partialSql(measure, part)
    case 'unique':
      return uniqueSql(measure, part)
    case 'level':
      return levelSql(measure, part)
    case 'percentile':
      return percentileSql(measure, part)
    case 'peak':
      return peakSql(part)
    default:
      return unreachable(measure)
  }
}

/** What rows of one window are ranked by; only averages differ in what they are divided by, and are held to 18 decimals. */
function largestSql({ kind }: Measure): string {
  return kind === 'average' ? 'measured / toDecimal256(divisor, 0)' : 'measured'
}

/** Builds the statement of a question; exported so that tests can hold it to the fence. */
export function factStatement(question: FactQuestion, rowsMax = rowsMaxOf(question.scope)): Statement {
  const parameters = new Parameters()
  const groups = groupsOf(question, parameters)
  const rows = (from: Micros = question.period.from): string => countedRows(question, parameters, from)
  const columns = [
    'window_us',
    ...groups.names.filter((name) => name !== 'group_name'),
    `${groups.name} AS named_group`,
    'toString(measured) AS measured_quantity',
    'toString(divisor) AS measured_divisor',
    'toString(missing) AS measured_missing',
  ]
  const order = ['window_us', ...groups.names].join(', ')
  const [by, most] =
    question.largest === undefined
      ? [order, rowsMax + 1]
      : [`${largestSql(question.measure)} DESC, ${order}`, question.largest]
  const measured = measureSql({ question, parameters, groups, rows, fence: fence(question.scope, parameters) })
  const sql = `SELECT ${columns.join(', ')} FROM (${measured}) ORDER BY ${by} LIMIT ${most}`
  return { sql, parameters: parameters.values }
}

/** Asks for measured quantities by window, account (operator questions) and dimensions. Windows without events have no row. */
export async function askFacts(engine: Engine, question: FactQuestion): Promise<readonly MeasuredRow[]> {
  const { sql, parameters } = factStatement(question)
  const rows = await engine.query<Record<string, string | null>>(sql, parameters)
  const rowsMax = rowsMaxOf(question.scope)
  if (rows.length > rowsMax) {
    throw new Refusal(
      'QUERY_TOO_LARGE',
      `the answer has more than ${rowsMax} rows; ask for a shorter period, larger windows or fewer groups`,
    )
  }
  return rows.map((row) => measuredRow(row, question))
}

function measuredRow(row: Readonly<Record<string, string | null>>, { dimensions }: FactQuestion): MeasuredRow {
  return {
    windowStart: Number(row['window_us']) as Micros,
    account: (row['account'] ?? null) as AccountKey | null,
    dimensions: dimensions.map((_, index) => row[`d${index}`] ?? null),
    groupName: row['named_group'] ?? '',
    quantity: row['measured_quantity'] ?? null,
    divisor: row['measured_divisor'] ?? '1',
    missing: row['measured_missing'] ?? '0',
  }
}

/**
 * The same question for answers of any size: rows in the same order, piece by piece as they are taken. Whoever stops
 * taking them ends the question.
 */
export async function* streamFacts(engine: Engine, question: FactQuestion): AsyncGenerator<readonly MeasuredRow[]> {
  const { sql, parameters } = factStatement(question, limits.streamRowsMax)
  let told = 0
  for await (const rows of engine.stream<Record<string, string | null>>(sql, parameters)) {
    told += rows.length
    if (told > limits.streamRowsMax) {
      throw new Refusal('QUERY_TOO_LARGE', `the answer has more than ${limits.streamRowsMax} rows; ask for less`)
    }
    yield rows.map((row) => measuredRow(row, question))
  }
}

/** The time of the newest event, or null while there is none. */
export async function askLatestEvent(engine: Engine): Promise<Micros | null> {
  const parameters = new Parameters()
  const where = fence({ kind: 'operator', question: 'latest_event' }, parameters)
  const [row] = await engine.query<{ rows: string; latest: string }>(
    `SELECT count() AS rows, max(time_us) AS latest FROM fact WHERE ${where}`,
    parameters.values,
  )
  return row === undefined || row.rows === '0' ? null : (Number(row.latest) as Micros)
}

export interface EventsQuestion {
  readonly scope: Scope
  readonly period: Period
  readonly below: Offset
  readonly conditions: readonly Condition[]
  readonly after: { readonly time: Micros; readonly offset: Offset } | null
  readonly most: number
}

/** A stored event as it is shown to a person: facts and, while they are kept, inspection fields. */
export type StoredEvent = Readonly<Record<string, unknown>> & { readonly offset: string; readonly time_us: string }

/** The events behind a number, in the order of time and offset, page by page. */
export async function askEvents(engine: Engine, question: EventsQuestion): Promise<readonly StoredEvent[]> {
  const parameters = new Parameters()
  const where = [whereOf(question, parameters, question.period.from)]
  if (question.after !== null) {
    const time = parameters.add(question.after.time, 'Int64')
    const offset = parameters.add(question.after.offset, 'UInt64')
    where.push(`(time_us, offset) > (${time}, ${offset})`)
  }
  const limit = parameters.add(question.most, 'UInt32')
  const facts = await engine.query<StoredEvent>(
    `SELECT * FROM fact WHERE ${where.join(' AND ')} ORDER BY time_us, offset LIMIT ${limit}`,
    parameters.values,
  )
  if (facts.length === 0) return []
  const about = new Parameters()
  const inspections = await engine.query<StoredEvent>(
    `SELECT * EXCEPT (account, time_us) FROM inspection WHERE ${fence(question.scope, about)} AND time_us >= ${about.add(Number(facts[0]?.time_us), 'Int64')} AND time_us <= ${about.add(Number(facts.at(-1)?.time_us), 'Int64')} AND has(${about.add(
      facts.map(({ offset }) => Number(offset)),
      'Array(UInt64)',
    )}, offset)`,
    about.values,
  )
  const byOffset = new Map(inspections.map((row) => [row.offset, row]))
  return facts.map((fact) => ({ ...fact, ...byOffset.get(fact.offset) }))
}
