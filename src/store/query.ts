/**
 * The only place that builds a question to the event store. L11: a question names the account it is for, and
 * the account predicate is added here, in `fence`; the one way around it is an operator question, which is
 * asked for by a name of the closed list below.
 */
import { Refusal } from '../core/errors.ts'
import type { AccountKey, Offset } from '../core/ids.ts'
import { assert, unreachable } from '../core/result.ts'
import { hourMicros } from '../core/time.ts'
import type { Micros, Period } from '../core/time.ts'
import { columnOf, factColumns } from './columns.ts'
import { Parameters, conditionSql, dimensionSql } from './condition.ts'
import type { Condition, Dimension, SumField } from './condition.ts'
import type { FactName } from '../core/event.ts'
import type { Engine, Parameter } from './engine.ts'
import { newRowsSql } from './staged-rows.ts'
import type { StagedJob } from './staged-rows.ts'

/** Questions over all accounts. Each has a name, so that who may ask it can be decided and logged. */
export const operatorQuestions = [
  'usage_by_account',
  'usage_of_all',
  'latest_event',
  'times_of_numbers',
  'counter_samples',
  'counted_beside_counters',
  'past_of_source',
  'versions_of_event',
  'corrections',
  'staged_events',
] as const
export type OperatorQuestion = (typeof operatorQuestions)[number]

/** Rows of one answer; a question that has more is refused, not cut. The operator's are about every account. */
export const limits = { rowsMax: 100_000, operatorRowsMax: 2_000_000 } as const

function rowsMaxOf({ kind }: Scope): number {
  return kind === 'operator' ? limits.operatorRowsMax : limits.rowsMax
}

/** Whose events a question may see. */
export type Scope =
  | { readonly kind: 'account'; readonly account: AccountKey }
  | { readonly kind: 'operator'; readonly question: OperatorQuestion }

export type Measure =
  | { readonly kind: 'count' }
  | { readonly kind: 'sum'; readonly field: SumField }
  /** Distinct pairs of a fact's value and a clock hour (UTC). An hour lies where its first event lies. */
  | { readonly kind: 'active_hours'; readonly field: FactName }

export interface FactQuestion {
  readonly scope: Scope
  readonly period: Period
  /** Starts of the windows, ascending, the first at `period.from`. */
  readonly starts: readonly Micros[]
  readonly below: Offset
  readonly measure: Measure
  readonly conditions: readonly Condition[]
  readonly dimensions: readonly Dimension[]
  /** What would be counted if this were done; left out: what is counted. */
  readonly supposing?: Supposition
}

/** Traffic of an endpoint that would belong to another account. */
export interface Reattribution {
  readonly endpoint: string
  readonly period: Period
  readonly from: AccountKey
  readonly to: AccountKey
}

/**
 * Rows as they would be: with what a backfill job has loaded, or with traffic moved to another account. The same
 * question, over other rows, so that what a preview says is what will be counted.
 */
export type Supposition =
  | { readonly kind: 'loaded'; readonly job: StagedJob }
  /** Only in operator questions, because it is about two accounts. */
  | { readonly kind: 'reattributed'; readonly reattribution: Reattribution }

/** One row of an answer, exact: quantities are decimal strings. */
export interface MeasuredRow {
  readonly windowStart: Micros
  /** Only in answers to the operator question `usage_by_account`. */
  readonly account: AccountKey | null
  readonly dimensions: readonly (string | null)[]
  readonly quantity: string
  /** Matching events that carried no value for the summed field. */
  readonly missing: string
}

interface Statement {
  readonly sql: string
  readonly parameters: Readonly<Record<string, Parameter>>
}

/** L11: the account predicate. Every statement of the store begins its WHERE here. */
export function fence(scope: Scope, parameters: Parameters): string {
  switch (scope.kind) {
    case 'account':
      return `account = ${parameters.add(scope.account, 'String')}`
    case 'operator':
      return `/* operator question: ${scope.question} */ 1`
    default:
      return unreachable(scope)
  }
}

/**
 * Only the newest version of each event, as of the offset below which is asked: a later correction changes nothing
 * about what was said before it (L5). A superseded version lies in the same account and time as its correction's row.
 */
function newestVersion(
  { scope, period, below }: Pick<FactQuestion, 'scope' | 'period' | 'below'>,
  parameters: Parameters,
  from: Micros,
): string {
  const where = [
    fence(scope, parameters),
    `time_us >= ${parameters.add(from, 'Int64')}`,
    `time_us < ${parameters.add(period.to, 'Int64')}`,
    `offset < ${parameters.add(below, 'UInt64')}`,
  ].join(' AND ')
  return `offset NOT IN (SELECT supersedes FROM correction WHERE ${where})`
}

export function whereOf(
  question: Omit<FactQuestion, 'measure' | 'dimensions' | 'starts'>,
  parameters: Parameters,
  from: Micros,
): string {
  return [
    fence(question.scope, parameters),
    `time_us >= ${parameters.add(from, 'Int64')}`,
    `time_us < ${parameters.add(question.period.to, 'Int64')}`,
    `offset < ${parameters.add(question.below, 'UInt64')}`,
    newestVersion(question, parameters, from),
    ...question.conditions.map((condition) => conditionSql(condition, parameters)),
  ].join(' AND ')
}

/** The rows that a question counts, behind the fence, and what is asked of them: `FROM … WHERE …`. */
function rowsOf(
  question: Omit<FactQuestion, 'measure' | 'dimensions' | 'starts'>,
  parameters: Parameters,
  from: Micros,
): string {
  const { scope, supposing } = question
  const stored = whereOf(question, parameters, from)
  if (supposing === undefined) return `FROM fact WHERE ${stored}`
  const columns = factColumns.join(', ')
  switch (supposing.kind) {
    case 'loaded': {
      const loaded = [
        fence(scope, parameters),
        `time_us >= ${parameters.add(from, 'Int64')}`,
        `time_us < ${parameters.add(question.period.to, 'Int64')}`,
        ...question.conditions.map((condition) => conditionSql(condition, parameters)),
      ].join(' AND ')
      const rows = newRowsSql(supposing.job, parameters)
      return `FROM (SELECT ${columns} FROM fact WHERE ${stored} UNION ALL SELECT ${columns} FROM (${rows}) WHERE ${loaded})`
    }
    case 'reattributed': {
      assert(scope.kind === 'operator', 'a question about two accounts is an operator question')
      const { reattribution } = supposing
      const payer = (account: AccountKey): string => parameters.add(account, 'String')
      const moves = [
        `account = ${payer(reattribution.from)}`,
        `ifNull(endpoint = ${parameters.add(reattribution.endpoint, 'String')}, 0)`,
        `time_us >= ${parameters.add(reattribution.period.from, 'Int64')}`,
        `time_us < ${parameters.add(reattribution.period.to, 'Int64')}`,
      ].join(' AND ')
      const both = `account IN (${payer(reattribution.from)}, ${payer(reattribution.to)})`
      const moved = columns.replace(/\baccount\b/, `if(${moves}, ${payer(reattribution.to)}, account) AS payer`)
      const renamed = columns.replace(/\baccount\b/, 'payer AS account')
      return `FROM (SELECT ${renamed} FROM (SELECT ${moved} FROM fact WHERE ${stored} AND ${both}))`
    }
    default:
      return unreachable(supposing)
  }
}

function outputs(measure: Exclude<Measure, { kind: 'active_hours' }>): { quantity: string; missing: string } {
  switch (measure.kind) {
    case 'count':
      return { quantity: 'toString(count())', missing: "'0'" }
    case 'sum':
      // L4: 64-bit sums would wrap around without a word. 256 bits hold 10^57 events of the largest size.
      return {
        quantity: `ifNull(toString(sum(${measure.field === 'quantity' ? 'quantity' : `toUInt256(${measure.field})`})), '0')`,
        missing: `toString(countIf(isNull(${measure.field})))`,
      }
    default:
      return unreachable(measure)
  }
}

/** Builds the statement of a question; exported so that tests can hold it to the fence. */
export function factStatement(question: FactQuestion): Statement {
  const { scope, starts, measure, period } = question
  const parameters = new Parameters()
  const startsSql = parameters.add(starts, 'Array(Int64)')
  const dimensions = question.dimensions.map(
    (dimension, index) => `${dimensionSql(dimension, parameters)} AS d${index}`,
  )
  const account = scope.kind === 'operator' && scope.question === 'usage_by_account' ? ['account'] : []
  const groups = ['window_us', ...account, ...dimensions.map((_, index) => `d${index}`)]
  if (measure.kind !== 'active_hours') {
    const { quantity, missing } = outputs(measure)
    const select = [
      `roundDown(time_us, ${startsSql}) AS window_us`,
      ...account,
      ...dimensions,
      `${quantity} AS measured_quantity`,
      `${missing} AS measured_missing`,
    ]
    const rows = rowsOf(question, parameters, period.from)
    const sql = `SELECT ${select.join(', ')} ${rows} GROUP BY ${groups.join(', ')} ORDER BY ${groups.join(', ')} LIMIT ${rowsMaxOf(scope) + 1}`
    return { sql, parameters: parameters.values }
  }
  // An active hour is one unit that lies at its first event, so any cut of time into windows adds up. To know
  // which event was first, the hour in which the period begins is looked at from its start.
  const hourStart = (period.from - (period.from % hourMicros)) as Micros
  const rows = rowsOf(question, parameters, hourStart)
  const inner = [
    'account',
    `${columnOf(measure.field)} AS active_key`,
    `intDiv(time_us, ${hourMicros}) AS active_hour`,
    'min(time_us) AS first_us',
    ...question.dimensions.map(
      (dimension, index) => `argMin(tuple(${dimensionSql(dimension, parameters)}), (time_us, offset)).1 AS d${index}`,
    ),
  ]
  // Two accounts that are active on one endpoint in one hour are two active hours, also in a sum over all.
  const innerGroups = ['account', 'active_key', 'active_hour'].join(', ')
  const select = [
    `roundDown(first_us, ${startsSql}) AS window_us`,
    ...account,
    ...dimensions.map((_, index) => `d${index}`),
    'toString(count()) AS measured_quantity',
    "'0' AS measured_missing",
  ]
  const sql = `SELECT ${select.join(', ')} FROM (SELECT ${inner.join(', ')} ${rows} GROUP BY ${innerGroups}) WHERE first_us >= ${parameters.add(period.from, 'Int64')} GROUP BY ${groups.join(', ')} ORDER BY ${groups.join(', ')} LIMIT ${rowsMaxOf(scope) + 1}`
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
  return rows.map((row) => ({
    windowStart: Number(row['window_us']) as Micros,
    account: (row['account'] ?? null) as AccountKey | null,
    dimensions: question.dimensions.map((_, index) => row[`d${index}`] ?? null),
    quantity: row['measured_quantity'] ?? '0',
    missing: row['measured_missing'] ?? '0',
  }))
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
