/**
 * Usage for answers of any size: the rows of the same questions, in the same order, piece by piece as they are taken.
 * All pieces are of one log offset, so together they are one answer (L5).
 */
import type { AccountKey } from '../core/ids.ts'
import { assert } from '../core/result.ts'
import type { Micros } from '../core/time.ts'
import type { Engine } from '../store/engine.ts'
import { streamFacts } from '../store/query.ts'
import type { FactQuestion, MeasuredRow, Scope } from '../store/query.ts'
import { askMeter, needsAllEvents, onlyConditions } from './only.ts'
import { checkQuestion, topGroups } from './usage.ts'
import type { InstallationQuestion } from './usage.ts'
import { endsOf, factQuestionOf, rowsOf, startsOf, usageRow } from './usage-row.ts'
import type { UsageQuestion, UsageRow } from './usage-row.ts'

export const limits = {
  /** More than a month of minutes. */
  windowsMax: 50_000,
  /** Windows that are asked for at once: their groups are what the engine keeps in memory. */
  sliceWindows: 500,
} as const

type Asked = Omit<UsageQuestion, 'account'>

/** The question cut into parts of some windows each; windows do not depend on each other. */
function* slicesOf(asked: Omit<FactQuestion, 'starts'>, starts: readonly Micros[]): Generator<FactQuestion> {
  for (let at = 0; at < starts.length; at += limits.sliceWindows) {
    const slice = starts.slice(at, at + limits.sliceWindows)
    const [from] = slice
    assert(from !== undefined, 'a slice has a window')
    const to = starts[at + limits.sliceWindows] ?? asked.period.to
    yield { ...asked, period: { from, to }, starts: slice }
  }
}

async function* measured(engine: Engine, question: FactQuestion, asked: Asked): AsyncGenerator<readonly MeasuredRow[]> {
  const { meter, only = [] } = asked
  const isGrouped = question.dimensions.length > 0
  // Without groups an answer is as long as its windows: asked like any other.
  if (!isGrouped || (only.length > 0 && needsAllEvents(meter.aggregation))) {
    yield await askMeter(engine, meter, question, only)
    return
  }
  yield* streamFacts(engine, { ...question, conditions: [...question.conditions, ...onlyConditions(only)] })
}

/** The rows of one account's usage; ended by whoever stops taking them. */
export async function* streamUsage(engine: Engine, question: UsageQuestion): AsyncGenerator<readonly UsageRow[]> {
  checkQuestion(question)
  const starts = startsOf(question, limits.windowsMax)
  const asked = factQuestionOf(question, { kind: 'account', account: question.account })
  const apart = await topGroups(engine, asked, question)
  for (const slice of slicesOf({ ...asked, ...(apart === null ? {} : { apart }) }, starts)) {
    const shape = { ...question, period: slice.period }
    const ends = endsOf(slice.starts, slice.period)
    for await (const rows of measured(engine, slice, question)) {
      yield question.groupBy.length === 0
        ? rowsOf(rows, slice.starts, shape)
        : rows.map((row) => usageRow(row, { ends, groupBy: question.groupBy }))
    }
  }
}

export interface AccountRow extends UsageRow {
  readonly account: AccountKey
}

/** The rows of every account that had usage; a window without usage has none. Only for operators. */
export async function* streamUsageByAccount(
  engine: Engine,
  question: InstallationQuestion & Pick<UsageQuestion, 'groupBy'>,
): AsyncGenerator<readonly AccountRow[]> {
  checkQuestion(question)
  const starts = startsOf(question, limits.windowsMax)
  const scope: Scope = { kind: 'operator', question: 'usage_by_account' }
  for (const slice of slicesOf(factQuestionOf(question, scope), starts)) {
    const ends = endsOf(slice.starts, slice.period)
    for await (const rows of streamFacts(engine, slice)) {
      yield rows.map((row) => {
        assert(row.account !== null, 'this operator question answers by account')
        return { account: row.account, ...usageRow(row, { ends, groupBy: question.groupBy }) }
      })
    }
  }
}
