/** Usage beside that of the period before: row by row, by the place of the window in its period. */
import { compare, divide, exact, formatScaled, multiply, roundToInteger, subtract, zero } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import type { Micros, Period } from '../core/time.ts'
import { previousPeriod } from '../meter/previous-period.ts'
import { limits as usageLimits } from '../meter/usage.ts'
import type { ReadUsage, UsageAnswer, UsageQuestion, UsageRow } from '../meter/usage.ts'
import { emptyQuantity, startsOf } from '../meter/usage-row.ts'

export interface Compared {
  readonly period: Period
  readonly answer: UsageAnswer
  /** The part of it that is as long as what has passed of a period that is not over; null: it is over, or did not begin. */
  readonly samePart: { readonly to: Micros; readonly total: Exact | null } | null
  /** What stands in the place of a row; null: the period before has no such window. */
  readonly rowBefore: (row: UsageRow) => UsageRow | null
  /** Rows that stand beside no row of the answer: of other groups, and of windows that have not begun here. */
  readonly onlyThen: readonly UsageRow[]
}

function groupOf({ group, others }: UsageRow): string {
  return JSON.stringify([others === true, group])
}

/** Rows of an answer by the place of their window and by their group. */
function placed(rows: readonly UsageRow[], starts: readonly Micros[]): ReadonlyMap<string, UsageRow> {
  const places = new Map(starts.map((start, index) => [start, index]))
  return new Map(rows.map((row) => [`${places.get(row.from)} ${groupOf(row)}`, row]))
}

async function samePartOf(read: ReadUsage, question: UsageQuestion, before: Period): Promise<Compared['samePart']> {
  const { period, until = period.to } = question
  if (until >= period.to || until <= period.from) return null
  const to = Math.min(before.to, before.from + (until - period.from)) as Micros
  const { total } = await read({ ...question, period: { from: before.from, to }, window: null, groupBy: [] })
  return { to, total }
}

/**
 * Null: there is no period before. The groups that stand apart are those of the answer; it has the rows that are shown,
 * so that the earlier rows beside them and `onlyThen` are all there are.
 */
export async function compareUsage(
  read: ReadUsage,
  question: UsageQuestion,
  answer: UsageAnswer,
): Promise<Compared | null> {
  const before = previousPeriod(question.period, question.periodZone ?? question.zone)
  if (before === null) return null
  const { apart } = answer
  const asked = { ...question, period: before, ...(apart === undefined ? {} : { apart }) }
  const then = await read(asked)
  const starts = startsOf(question, usageLimits.windowsMax)
  const startsBefore = startsOf(asked, usageLimits.windowsMax)
  const rows = placed(then.rows, startsBefore)
  const places = new Map(starts.map((start, index) => [start, index]))
  const matched = new Set<UsageRow>()
  const rowBefore = (row: UsageRow): UsageRow | null => {
    const place = places.get(row.from) ?? 0
    const from = startsBefore[place]
    if (from === undefined) return null
    const found = rows.get(`${place} ${groupOf(row)}`)
    if (found !== undefined) return found
    const to = startsBefore[place + 1] ?? before.to
    return { ...row, from, to, quantity: emptyQuantity(question.meter.aggregation), eventsWithoutValue: 0n }
  }
  for (const row of answer.rows) {
    const found = rowBefore(row)
    if (found !== null) matched.add(found)
  }
  return {
    period: before,
    answer: then,
    samePart: await samePartOf(read, question, before),
    rowBefore,
    onlyThen: then.rows.filter((row) => !matched.has(row)),
  }
}

const percentDigits = 4

/** How far a quantity is from an earlier one; null where one of them is not known, a share of nothing is not known. */
export function changeOf(
  now: Exact | null,
  then: Exact | null,
): { readonly difference: Exact | null; readonly percent: string | null } {
  if (now === null || then === null) return { difference: null, percent: null }
  const difference = subtract(now, then)
  if (compare(then, zero) === 0) return { difference, percent: null }
  const share = divide(multiply(difference, exact(100n)), compare(then, zero) < 0 ? subtract(zero, then) : then)
  return { difference, percent: formatScaled(roundToInteger(share, percentDigits), percentDigits) }
}
