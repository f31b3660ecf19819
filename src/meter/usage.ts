/**
 * Usage owns: from stored events to a quantity, for one meter, account, window and group. It is the one
 * function behind the page, the API, the command line and the invoice (L9). It does not own: prices.
 */
import { Refusal } from '../core/errors.ts'
import { divide, exact, sum, zero } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import type { AccountKey, Offset } from '../core/ids.ts'
import { assert } from '../core/result.ts'
import { windowStarts } from '../core/time.ts'
import type { Micros, Period, WindowSize } from '../core/time.ts'
import type { Engine } from '../store/engine.ts'
import { whyNotAdditive } from '../store/measure/measure.ts'
import type { Measure } from '../store/measure/measure.ts'
import { askEvents, askFacts } from '../store/query.ts'
import type { FactQuestion, MeasuredRow, Scope, StoredEvent, Supposition } from '../store/query.ts'
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
  /** Levels, sessions and intervals count up to here; what comes later is not known. Left out: to the period's end. */
  readonly until?: Micros
  /** Only the groups of the largest quantities, so many; all others together are one more. */
  readonly top?: number
  /** Usage as it would be if this were done: for previews. Left out: as it is. */
  readonly supposing?: Supposition
}

export interface UsageRow {
  readonly from: Micros
  readonly to: Micros
  /** Absent dimension values are null, which is not the empty text. */
  readonly group: Readonly<Record<string, string | null>>
  /** The row of all groups that are not among the top ones; its group is empty. */
  readonly others?: true
  /** Null: no event has a value, so there is no smallest, newest or average one, which is not zero (L13). */
  readonly quantity: Exact | null
  /** Matching events that carried no value for the summed field: not known, which is not zero (L13). */
  readonly eventsWithoutValue: bigint
}

export interface UsageAnswer {
  readonly rows: readonly UsageRow[]
  /** Of the whole period; the sum of the rows where the measure adds up. */
  readonly total: Exact | null
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

function quantityOf({ quantity, divisor }: MeasuredRow): Exact | null {
  return quantity === null ? null : divide(exact(quantity), exact(divisor))
}

/** What a window without events measures: counted and found empty is zero, but there is no smallest of nothing. */
function emptyQuantity({ kind }: Measure): Exact | null {
  return kind === 'min' || kind === 'max' || kind === 'average' || kind === 'latest' ? null : zero
}

type Shape = Pick<UsageQuestion, 'period' | 'groupBy' | 'meter'>

/** Puts measured rows into windows. Without groups every window has a row. */
function rowsOf(measured: readonly MeasuredRow[], starts: readonly Micros[], question: Shape): UsageRow[] {
  const { period, groupBy, meter } = question
  const ends = new Map(starts.map((start, index) => [start, starts[index + 1] ?? period.to]))
  const rows = measured.map((row): UsageRow => {
    const to = ends.get(row.windowStart)
    assert(to !== undefined, 'the store answers in the windows it was asked for')
    const others = row.groupName === '' && (true as const)
    return {
      from: row.windowStart,
      to,
      group: others
        ? {}
        : Object.fromEntries(groupBy.map((dimension, index) => [dimension, row.dimensions[index] ?? null])),
      ...(others ? { others } : {}),
      quantity: quantityOf(row),
      eventsWithoutValue: BigInt(row.missing),
    }
  })
  if (groupBy.length > 0) return rows
  const byStart = new Map(rows.map((row) => [row.from, row]))
  const quantity = emptyQuantity(meter.aggregation)
  return starts.map(
    (from): UsageRow =>
      byStart.get(from) ?? {
        from,
        to: ends.get(from) ?? period.to,
        group: {},
        quantity,
        eventsWithoutValue: 0n,
      },
  )
}

/** The answer of rows that add up. */
function addedUp(rows: readonly UsageRow[]): UsageAnswer {
  let eventsWithoutValue = 0n
  for (const row of rows) eventsWithoutValue += row.eventsWithoutValue
  return { rows, total: sum(rows.flatMap(({ quantity }) => (quantity === null ? [] : [quantity]))), eventsWithoutValue }
}

/** The answer of rows of which the whole is not the sum: it was asked for as well. */
function besideWhole(rows: readonly UsageRow[], whole: UsageRow | undefined, { meter }: Shape): UsageAnswer {
  const total = whole === undefined ? emptyQuantity(meter.aggregation) : whole.quantity
  return { rows, total, eventsWithoutValue: whole?.eventsWithoutValue ?? 0n }
}

function factQuestionOf(question: Omit<UsageQuestion, 'account'>, scope: Scope): Omit<FactQuestion, 'starts'> {
  const { meter, period, groupBy, below, until, supposing } = question
  return {
    scope,
    period,
    below,
    measure: meter.aggregation,
    conditions: meter.filter,
    dimensions: groupBy,
    ...(until === undefined ? {} : { until }),
    ...(supposing === undefined ? {} : { supposing }),
  }
}

/** Names of the groups with the largest quantities of the whole period. */
async function topGroups(
  engine: Engine,
  asked: Omit<FactQuestion, 'starts'>,
  most: number,
): Promise<readonly string[]> {
  const rows = await askFacts(engine, { ...asked, starts: [asked.period.from], largest: most })
  return rows.map(({ groupName }) => groupName)
}

/** The usage function of one account, over an event store. */
export function usageReader(engine: Engine): ReadUsage {
  return async (question) => {
    const { account, meter, period, groupBy, top } = question
    checkGroups(meter, groupBy)
    const starts = startsOf(question)
    const asked = factQuestionOf(question, { kind: 'account', account })
    const apart = top === undefined || groupBy.length === 0 ? null : await topGroups(engine, asked, top)
    const rows = rowsOf(
      await askFacts(engine, { ...asked, starts, ...(apart === null ? {} : { apart }) }),
      starts,
      question,
    )
    if (whyNotAdditive(meter.aggregation) === null) return addedUp(rows)
    if (starts.length === 1 && groupBy.length === 0) return besideWhole(rows, rows[0], question)
    const whole = await askFacts(engine, { ...asked, starts: [period.from], dimensions: [] })
    return besideWhole(rows, rowsOf(whole, [period.from], { ...question, groupBy: [] })[0], question)
  }
}

type InstallationQuestion = Omit<UsageQuestion, 'account' | 'groupBy' | 'top'>

/** The same question over all accounts at once: the sum that the accounts' own numbers have to add up to. */
export async function usageOfAll(engine: Engine, question: InstallationQuestion): Promise<UsageAnswer> {
  const scope: Scope = { kind: 'operator', question: 'usage_of_all' }
  const starts = startsOf(question)
  const shape = { ...question, groupBy: [] }
  const asked = factQuestionOf(shape, scope)
  const rows = rowsOf(await askFacts(engine, { ...asked, starts }), starts, shape)
  if (whyNotAdditive(question.meter.aggregation) === null) return addedUp(rows)
  const { period } = question
  const whole =
    starts.length === 1
      ? rows
      : rowsOf(await askFacts(engine, { ...asked, starts: [period.from] }), [period.from], shape)
  return besideWhole(rows, whole[0], shape)
}

function byAccount(rows: readonly MeasuredRow[]): ReadonlyMap<AccountKey, readonly MeasuredRow[]> {
  return Map.groupBy(rows, ({ account }) => {
    assert(account !== null, 'this operator question answers by account')
    return account
  })
}

/** The same question for every account that had usage at all: for the operator's pages and for crossfooting. */
export async function usageByAccount(
  engine: Engine,
  question: InstallationQuestion,
): Promise<ReadonlyMap<AccountKey, UsageAnswer>> {
  const starts = startsOf(question)
  const shape = { ...question, groupBy: [] }
  const asked = factQuestionOf(shape, { kind: 'operator', question: 'usage_by_account' })
  const measured = byAccount(await askFacts(engine, { ...asked, starts }))
  const { period, meter } = question
  if (whyNotAdditive(meter.aggregation) === null) {
    return new Map([...measured].map(([account, rows]) => [account, addedUp(rowsOf(rows, starts, shape))]))
  }
  const wholes = starts.length === 1 ? measured : byAccount(await askFacts(engine, { ...asked, starts: [period.from] }))
  return new Map(
    [...measured].map(([account, rows]) => {
      const [whole] = rowsOf(wholes.get(account) ?? [], [period.from], shape)
      return [account, besideWhole(rowsOf(rows, starts, shape), whole, shape)]
    }),
  )
}

/** The one row of the whole period. */
function wholeOf({ total, eventsWithoutValue }: UsageAnswer, { from, to }: Period): UsageAnswer {
  const row = { from, to, group: {}, quantity: total, eventsWithoutValue }
  return { rows: [row], total, eventsWithoutValue }
}

/**
 * The usage function for one page that shows many accounts: a question is asked once for all of them, day by day,
 * and each account and each whole period is answered from that. Same statement but for the grouping, same numbers.
 */
export function sharedUsageReader(engine: Engine): ReadUsage {
  const asked = new Map<string, Promise<ReadonlyMap<AccountKey, UsageAnswer>>>()
  const alone = usageReader(engine)
  return async (question) => {
    const { account, meter, period, groupBy, zone, below, until, supposing } = question
    if (groupBy.length > 0 || (question.window !== null && question.window !== 'day')) return alone(question)
    const shared = { meter, period, window: 'day' as const, zone, below }
    const daily = {
      ...shared,
      ...(until === undefined ? {} : { until }),
      ...(supposing === undefined ? {} : { supposing }),
    }
    const name = JSON.stringify([meter.key, meter.version, period.from, period.to, zone, below, until, supposing])
    const answers = asked.get(name) ?? usageByAccount(engine, daily)
    asked.set(name, answers)
    const shape = { period, groupBy: [], meter }
    const answer = (await answers).get(account) ?? besideWhole(rowsOf([], startsOf(daily), shape), undefined, shape)
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
