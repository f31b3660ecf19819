import type { AccountKey, MeterKey, Offset } from '../../core/ids.ts'
import type { Micros, Period } from '../../core/time.ts'
import type { Condition, Dimension } from '../condition.ts'
import { Parameters, dimensionSql } from '../condition.ts'
import type { StagedJob } from '../staged-rows.ts'
import type { Measure } from './measure.ts'

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
  'ingested_by',
  'attribution',
  'address_seen',
] as const
export type OperatorQuestion = (typeof operatorQuestions)[number]

/** Whose events a question may see. */
export type Scope =
  | { readonly kind: 'account'; readonly account: AccountKey }
  | {
      readonly kind: 'operator'
      readonly question: OperatorQuestion
      /** Only these accounts: a part of all that an operator may see. Left out: all of them. */
      readonly among?: readonly AccountKey[]
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

/** Which events are counted. */
export interface EventsWanted {
  readonly scope: Scope
  readonly period: Period
  readonly below: Offset
  readonly conditions: readonly Condition[]
  /** What would be counted if this were done; left out: what is counted. */
  readonly supposing?: Supposition
}

/** Hours of a meter that were rolled, each in the generation that holds, and where the events are to be counted still. */
export interface Rolled {
  readonly meter: MeterKey
  readonly version: number
  readonly definition: number
  /** Where a run of hours of one generation begins, ascending; it ends where the next one begins. */
  readonly runs: readonly Micros[]
  /** The generation of each run; 0, of which there are no rows: these hours are counted or empty. */
  readonly generations: readonly number[]
  /** Parts of the period, ascending, that the runs do not cover; each begins with a clock hour or with the period. */
  readonly rest: readonly Period[]
}

export interface FactQuestion extends EventsWanted {
  /** Starts of the windows, ascending, the first at `period.from`. */
  readonly starts: readonly Micros[]
  readonly measure: Measure
  readonly dimensions: readonly Dimension[]
  /** Levels, sessions and intervals count up to here: what comes later is not known. Left out: to the period's end. */
  readonly until?: Micros
  /** Left out: everything is counted from the events. */
  readonly rolled?: Rolled
  /** Names of groups that stay apart, as an earlier answer gave them; all others are put into one. */
  readonly apart?: readonly string[]
  /** Only so many rows, those of the largest quantities. */
  readonly largest?: number
}

/** The end of what a question counts. */
export function untilOf({ period, until }: FactQuestion): Micros {
  return Math.min(period.to, until ?? period.to) as Micros
}

/** The windows of a question as arrays of a statement: starts, and the ends up to which is counted. */
export interface Windows {
  readonly starts: string
  readonly ends: string
}

export function windowsOf(question: FactQuestion, parameters: Parameters): Windows {
  const { starts, period } = question
  const until = untilOf(question)
  const ends = starts.map((start, index) => Math.max(start, Math.min(starts[index + 1] ?? period.to, until)))
  return { starts: parameters.add(starts, 'Array(Int64)'), ends: parameters.add(ends, 'Array(Int64)') }
}

/** What a part of a statement puts its rows into groups by. */
export interface Groups {
  /** Asked of each account apart. */
  readonly byAccount: boolean
  /** Each dimension as text of a stored row. */
  readonly values: readonly string[]
  /** Turns columns with those texts into the columns that are answered: `d0`, `d1`, …; `group_name` where groups stay apart. */
  columns(values: readonly string[]): readonly string[]
  /** The names of the columns that are answered, for GROUP BY. */
  readonly names: readonly string[]
  /** The name of an answered group, out of the answered columns. */
  readonly name: string
}

/** One text for each combination of values: null is not the empty text, and no text can imitate another. */
function nameSql(values: readonly string[]): string {
  return `toJSONString(CAST([${values.join(', ')}] AS Array(Nullable(String))))`
}

export function groupsOf({ scope, dimensions, apart }: FactQuestion, parameters: Parameters): Groups {
  const byAccount = scope.kind === 'operator' && scope.question === 'usage_by_account'
  const account = byAccount ? ['account'] : []
  const values = dimensions.map((dimension) => dimensionSql(dimension, parameters))
  const names = [...account, ...values.map((_, index) => `d${index}`)]
  if (apart === undefined) {
    const columns = (of: readonly string[]): string[] => [
      ...account,
      ...of.map((value, index) => `${value} AS d${index}`),
    ]
    return { byAccount, values, names, columns, name: nameSql(values.map((_, index) => `d${index}`)) }
  }
  const kept = parameters.add(apart, 'Array(String)')
  return {
    byAccount,
    values,
    names: [...names, 'group_name'],
    name: 'group_name',
    columns(of) {
      const name = nameSql(of)
      const isApart = `has(${kept}, ${name})`
      return [
        ...account,
        ...of.map((value, index) => `if(${isApart}, ${value}, NULL) AS d${index}`),
        `if(${isApart}, ${name}, '') AS group_name`,
      ]
    },
  }
}

/** A part of a statement that gives the columns window_us, those of the groups, measured, divisor, missing. */
export interface MeasurePart {
  readonly question: FactQuestion
  readonly parameters: Parameters
  readonly groups: Groups
  /** `FROM … WHERE …`: the counted rows from an instant on, by default from the period's start. */
  readonly rows: (from?: Micros) => string
  /** The account predicate, for tables beside those of events. */
  readonly fence: string
}
