/**
 * Which rows of events a question counts. L11: a question names the account it is for, and the account predicate is
 * added here, in `fence`; the one way around it is an operator question, which is asked for by a name of a closed list.
 */
import type { AccountKey } from '../core/ids.ts'
import { assert, unreachable } from '../core/result.ts'
import { hourMicros } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { factColumns } from './columns.ts'
import { Parameters, conditionSql } from './condition.ts'
import type { EventsWanted, FactQuestion, Scope } from './measure/question.ts'
import { newRowsSql } from './staged-rows.ts'

/** L11: the account predicate. Every statement of the store begins its WHERE here. */
export function fence(scope: Scope, parameters: Parameters): string {
  switch (scope.kind) {
    case 'account':
      return `account = ${parameters.add(scope.account, 'String')}`
    case 'operator':
      return `/* operator question: ${scope.question} */ ${
        scope.among === undefined ? '1' : `account IN ${parameters.add(scope.among, 'Array(String)')}`
      }`
    default:
      return unreachable(scope)
  }
}

/**
 * Only the newest version of each event, as of the offset below which is asked: a later correction changes nothing
 * about what was said before it (L5). A superseded version lies in the same account and time as its correction's row.
 */
function newestVersion(
  { scope, period, below }: Pick<EventsWanted, 'scope' | 'period' | 'below'>,
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

export function whereOf(question: EventsWanted, parameters: Parameters, from: Micros): string {
  return [
    fence(question.scope, parameters),
    `time_us >= ${parameters.add(from, 'Int64')}`,
    `time_us < ${parameters.add(question.period.to, 'Int64')}`,
    `offset < ${parameters.add(question.below, 'UInt64')}`,
    newestVersion(question, parameters, from),
    ...question.conditions.map((condition) => conditionSql(condition, parameters)),
  ].join(' AND ')
}

/** Only the parts of the period that no rolled hour covers. */
function restOf(rolled: FactQuestion['rolled'], parameters: Parameters): readonly string[] {
  if (rolled === undefined) return []
  const parts = rolled.rest.map(({ from, to }) => {
    // An active hour lies at its first event: the hour in which the period begins is looked at from its start.
    const hour = from - (from % hourMicros)
    return `time_us >= ${parameters.add(hour, 'Int64')} AND time_us < ${parameters.add(to, 'Int64')}`
  })
  return [`(${parts.join(' OR ')})`]
}

/** The rows that a question counts, behind the fence: `FROM … WHERE …`, to which a part may add ` AND …`. */
export function countedRows(
  question: EventsWanted & Pick<FactQuestion, 'rolled'>,
  parameters: Parameters,
  from: Micros,
): string {
  const { scope, supposing, rolled } = question
  const stored = [whereOf(question, parameters, from), ...restOf(rolled, parameters)].join(' AND ')
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
      return `FROM (SELECT ${columns} FROM fact WHERE ${stored} UNION ALL SELECT ${columns} FROM (${rows}) WHERE ${loaded}) WHERE 1`
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
      return `FROM (SELECT ${renamed} FROM (SELECT ${moved} FROM fact WHERE ${stored} AND ${both})) WHERE 1`
    }
    default:
      return unreachable(supposing)
  }
}
