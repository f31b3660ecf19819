import type { Micros } from '../core/time.ts'
import { Parameters } from './condition.ts'
import type { Engine } from './engine.ts'
import type { FactQuestion, Groups } from './measure/question.ts'
import { livesSql, querySessions, sessionFields, sessionRows, spanAround } from './sessions.ts'
import type { SessionScope } from './sessions.ts'

export type PeaksQuestion = SessionScope & Pick<FactQuestion, 'period' | 'starts' | 'until' | 'conditions'>

/** What the greatest number of open sessions is asked with: a `MeasurePart` of `query.ts` is one. */
export interface PeakPart {
  readonly question: PeaksQuestion
  readonly parameters: Parameters
  readonly groups: Pick<Groups, 'values' | 'names' | 'columns'>
}

/**
 * Levels of open sessions, each from the instant of a change until the next: +1 at a start, -1 at an end, the changes of
 * one microsecond together, so that what ends then does not overlap with what starts then. Each level is given once
 * for each window it lies in, so a window in which nothing starts has the level that was carried into it.
 */
function levelsSql({ question, parameters, groups }: PeakPart): string {
  const { period, conditions } = question
  const starts = parameters.add(question.starts, 'Array(Int64)')
  const from = parameters.add(period.from, 'Int64')
  const until = parameters.add(Math.min(period.to, question.until ?? period.to), 'Int64')
  const fields = sessionFields(groups.values, conditions, parameters)
  const rows = sessionRows(question, parameters)
  const lives = livesSql({ parameters, rows, span: spanAround(period), columns: fields.ofRecord }, fields.ofLife)
  const open = [
    ...groups.columns(groups.values.map((_, index) => `g${index}`)),
    `greatest(start_us, ${from}) AS open_us`,
    `least(end_us, ${until}) AS close_us`,
  ]
  const within = `SELECT ${open.join(', ')} FROM (${lives}) WHERE ${fields.meets} AND open_us < close_us`
  const names = groups.names.join(', ')
  const list = names === '' ? '' : `${names}, `
  const change = 'arrayJoin([(open_us, toInt64(1)), (close_us, toInt64(-1))])'
  const changes = `SELECT ${list}change.1 AS at_us, sum(change.2) AS rise FROM (SELECT ${list}${change} AS change FROM (${within})) GROUP BY ${list}at_us`
  const by = names === '' ? '' : `PARTITION BY ${names} `
  const over = `OVER (${by}ORDER BY at_us ROWS BETWEEN UNBOUNDED PRECEDING AND`
  const levels = `SELECT ${list}at_us, sum(rise) ${over} CURRENT ROW) AS level, leadInFrame(at_us, 1, ${until}) ${over} UNBOUNDED FOLLOWING) AS next_us FROM (${changes})`
  const at = (instant: string): string => `indexOf(${starts}, roundDown(${instant}, ${starts}))`
  const window = `arrayJoin(arraySlice(${starts}, ${at('at_us')}, ${at('next_us - 1')} - ${at('at_us')} + 1)) AS window_us`
  return `SELECT ${list}level, ${window}, greatest(at_us, window_us) AS reached_us FROM (${levels}) WHERE level > 0`
}

/** The peak as a part of a statement of `query.ts`: the columns window_us, those of the groups, measured, divisor, missing. */
export function peakSql(part: PeakPart): string {
  const columns = [
    'window_us',
    ...part.groups.names,
    'toDecimal256(max(level), 18) AS measured',
    'toInt256(1) AS divisor',
    '0 AS missing',
  ]
  return `SELECT ${columns.join(', ')} FROM (${levelsSql(part)}) GROUP BY ${['window_us', ...part.groups.names].join(', ')}`
}

/** The peak of each window that has one, and the first instant at which it was reached: `window_us, peak, at_us`. */
export function peaksSql(part: PeakPart): string {
  return `SELECT window_us, toString(max(level)) AS peak, argMin(reached_us, (-level, reached_us)) AS at_us FROM (${levelsSql(part)}) GROUP BY window_us ORDER BY window_us`
}

export interface Peak {
  readonly window: Micros
  /** How many sessions were open at once; a decimal string. */
  readonly sessions: string
  /** When there were so many for the first time. */
  readonly at: Micros
}

/** The peaks of an account's sessions, window by window. A window in which no session was open has none. */
export async function askPeaks(engine: Engine, question: PeaksQuestion): Promise<readonly Peak[]> {
  const parameters = new Parameters()
  const groups = { values: [], names: [], columns: () => [] }
  const found = await querySessions<Record<string, string>>(
    engine,
    peaksSql({ question, parameters, groups }),
    parameters,
  )
  return found.map((row) => ({
    window: Number(row['window_us']) as Micros,
    sessions: row['peak'] ?? '0',
    at: Number(row['at_us']) as Micros,
  }))
}
