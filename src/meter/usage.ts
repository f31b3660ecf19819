/**
 * Usage owns: from stored events to a quantity, for one meter, account, window and group. It is the one
 * function behind the page, the API, the command line and the invoice (L9). It does not own: prices.
 */
import { Refusal } from '../core/errors.ts'
import { exact, sum } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import type { AccountKey, Offset } from '../core/ids.ts'
import { assert } from '../core/result.ts'
import { windowStarts } from '../core/time.ts'
import type { Micros, Period, WindowSize } from '../core/time.ts'
import type { Engine } from '../store/engine.ts'
import { askEvents, askFacts } from '../store/query.ts'
import type { MeasuredRow, OperatorQuestion, Scope, StoredEvent, Supposition } from '../store/query.ts'
import type { Dimension, MeterDefinition } from './definition.ts'

export const limits = {
  /** Windows of one answer: more than a month of hours, or six days of five minutes. */
  windowsMax: 2_000,
  eventsMax: 1_000,
} as const

/** One question for one number. */
export interface UsageQuestion {
  readonly account: AccountKey
  readonly meter: MeterDefinition
  readonly period: Period
  /** Without a window there is one row for the whole period (and group). */
  readonly window: WindowSize | null
  readonly zone: string
  readonly groupBy: readonly Dimension[]
  /** Only events with a log offset below this: usage is a pure function of the log up to an offset (L5). */
  readonly below: Offset
  /** Usage as it would be if this were done: for previews. Left out: as it is. */
  readonly supposing?: Supposition
}

export interface UsageRow {
  readonly from: Micros
  readonly to: Micros
  /** Absent dimension values are null, which is not the empty text. */
  readonly group: Readonly<Record<string, string | null>>
  readonly quantity: Exact
  /** Matching events that carried no value for the summed field: not known, which is not zero (L13). */
  readonly eventsWithoutValue: bigint
}

export interface UsageAnswer {
  readonly rows: readonly UsageRow[]
  readonly total: Exact
  readonly eventsWithoutValue: bigint
}

/** Answers a usage question; `app/` hands it to whoever needs quantities. */
export type ReadUsage = (question: UsageQuestion) => Promise<UsageAnswer>

type Span = Pick<UsageQuestion, 'period' | 'window' | 'zone'>

function startsOf({ period, window, zone }: Span): readonly Micros[] {
  if (period.from >= period.to) throw new Refusal('REQUEST_INVALID', 'from must be before to')
  if (window === null) return [period.from]
  const starts = windowStarts(period, window, zone, limits.windowsMax)
  if (!starts.ok) throw new Refusal('QUERY_TOO_LARGE', starts.error)
  return starts.value
}

function checkGroups(meter: MeterDefinition, groupBy: readonly Dimension[]): void {
  const undeclared = groupBy.filter((dimension) => !meter.groupBy.includes(dimension))
  if (undeclared.length > 0) {
    throw new Refusal(
      'REQUEST_INVALID',
      `meter ${meter.key} is not grouped by ${undeclared.join(', ')}; it declares ${meter.groupBy.join(', ') || 'nothing'}`,
    )
  }
}

/** Puts measured rows into windows. Without groups every window has a row: counted and found empty is zero. */
function rowsOf(
  measured: readonly MeasuredRow[],
  starts: readonly Micros[],
  question: Pick<UsageQuestion, 'period' | 'groupBy'>,
): UsageRow[] {
  const ends = new Map(starts.map((start, index) => [start, starts[index + 1] ?? question.period.to]))
  const rows = measured.map((row): UsageRow => {
    const to = ends.get(row.windowStart)
    assert(to !== undefined, 'the store answers in the windows it was asked for')
    return {
      from: row.windowStart,
      to,
      group: Object.fromEntries(question.groupBy.map((dimension, index) => [dimension, row.dimensions[index] ?? null])),
      quantity: exact(row.quantity),
      eventsWithoutValue: BigInt(row.missing),
    }
  })
  if (question.groupBy.length > 0) return rows
  const byStart = new Map(rows.map((row) => [row.from, row]))
  return starts.map(
    (from): UsageRow =>
      byStart.get(from) ?? {
        from,
        to: ends.get(from) ?? question.period.to,
        group: {},
        quantity: exact(0n),
        eventsWithoutValue: 0n,
      },
  )
}

function answerOf(rows: readonly UsageRow[]): UsageAnswer {
  let eventsWithoutValue = 0n
  for (const row of rows) eventsWithoutValue += row.eventsWithoutValue
  return { rows, total: sum(rows.map(({ quantity }) => quantity)), eventsWithoutValue }
}

/** The usage function of one account, over an event store. */
export function usageReader(engine: Engine): ReadUsage {
  return async (question) => {
    const { account, meter, period, groupBy, below, supposing } = question
    checkGroups(meter, groupBy)
    const starts = startsOf(question)
    const measured = await askFacts(engine, {
      scope: { kind: 'account', account },
      period,
      starts,
      below,
      measure: meter.aggregation,
      conditions: meter.filter,
      dimensions: groupBy,
      ...(supposing === undefined ? {} : { supposing }),
    })
    return answerOf(rowsOf(measured, starts, question))
  }
}

type InstallationQuestion = Omit<UsageQuestion, 'account' | 'groupBy'>

function askInstallation(
  engine: Engine,
  question: InstallationQuestion,
  name: OperatorQuestion,
): Promise<readonly MeasuredRow[]> {
  const { meter, period, below, supposing } = question
  const { aggregation: measure, filter: conditions } = meter
  const scope: Scope = { kind: 'operator', question: name }
  return askFacts(engine, {
    scope,
    period,
    starts: startsOf(question),
    below,
    measure,
    conditions,
    dimensions: [],
    ...(supposing === undefined ? {} : { supposing }),
  })
}

/** The same question over all accounts at once: the sum that the accounts' own numbers have to add up to. */
export async function usageOfAll(engine: Engine, question: InstallationQuestion): Promise<UsageAnswer> {
  const measured = await askInstallation(engine, question, 'usage_of_all')
  return answerOf(rowsOf(measured, startsOf(question), { period: question.period, groupBy: [] }))
}

/** The same question for every account that had usage at all: for the operator's pages and for crossfooting. */
export async function usageByAccount(
  engine: Engine,
  question: InstallationQuestion,
): Promise<ReadonlyMap<AccountKey, UsageAnswer>> {
  const starts = startsOf(question)
  const measured = await askInstallation(engine, question, 'usage_by_account')
  const byAccount = Map.groupBy(measured, ({ account }) => {
    assert(account !== null, 'this operator question answers by account')
    return account
  })
  const whole = { period: question.period, groupBy: [] }
  return new Map([...byAccount].map(([account, rows]) => [account, answerOf(rowsOf(rows, starts, whole))]))
}

/** One number out of windows that add up (a property test compares it with asking for the whole at once). */
function wholeOf({ total, eventsWithoutValue }: UsageAnswer, { from, to }: Period): UsageAnswer {
  return { rows: [{ from, to, group: {}, quantity: total, eventsWithoutValue }], total, eventsWithoutValue }
}

/**
 * The usage function for one page that shows many accounts: a question is asked once for all of them, day by day,
 * and each account and each whole period is answered from that. Same statement but for the grouping, same numbers.
 */
export function sharedUsageReader(engine: Engine): ReadUsage {
  const asked = new Map<string, Promise<ReadonlyMap<AccountKey, UsageAnswer>>>()
  const alone = usageReader(engine)
  return async (question) => {
    const { account, meter, period, groupBy, zone, below, supposing } = question
    if (groupBy.length > 0 || (question.window !== null && question.window !== 'day')) return alone(question)
    const shared = { meter, period, window: 'day' as const, zone, below }
    const daily = { ...shared, ...(supposing === undefined ? {} : { supposing }) }
    const name = JSON.stringify([meter.key, meter.version, period.from, period.to, zone, below, supposing])
    const answers = asked.get(name) ?? usageByAccount(engine, daily)
    asked.set(name, answers)
    const answer = (await answers).get(account) ?? answerOf(rowsOf([], startsOf(daily), { period, groupBy: [] }))
    return question.window === null ? wholeOf(answer, period) : answer
  }
}

export interface EventsPage {
  readonly events: readonly StoredEvent[]
  /** Hand it in again for the next page; null on the last page. */
  readonly cursor: string | null
}

/** Opens a number down to its events (L10): those that the meter counts in the period, in order of time. */
export async function usageEvents(
  engine: Engine,
  question: Omit<UsageQuestion, 'account' | 'window' | 'zone' | 'groupBy'> & {
    scope: Scope
    cursor: string | null
    most: number
  },
): Promise<EventsPage> {
  const match = question.cursor === null ? null : /^(\d{1,16})-(\d{1,16})$/.exec(question.cursor)
  if (question.cursor !== null && match === null)
    throw new Refusal('REQUEST_INVALID', 'cursor is not one that was given out')
  const most = Math.min(question.most, limits.eventsMax)
  const events = await askEvents(engine, {
    scope: question.scope,
    period: question.period,
    below: question.below,
    conditions: question.meter.filter,
    after: match === null ? null : { time: Number(match[1]) as Micros, offset: Number(match[2]) as Offset },
    most: most + 1,
  })
  const page = events.slice(0, most)
  const last = page.at(-1)
  return { events: page, cursor: events.length > most && last !== undefined ? `${last.time_us}-${last.offset}` : null }
}
