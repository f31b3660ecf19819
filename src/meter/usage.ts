/**
 * Usage owns: from stored events to a quantity, for one meter, account, window and group. It is the one
 * function behind the page, the API, the command line and the invoice (L9). It does not own: prices.
 */
import { Refusal } from '../core/errors.ts'
import { subtract, sum, zero } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import type { AccountKey, Offset } from '../core/ids.ts'
import { assert } from '../core/result.ts'
import type { Micros, Period } from '../core/time.ts'
import type { Engine } from '../store/engine.ts'
import { whyNotAdditive } from '../store/measure/measure.ts'
import { askEvents } from '../store/query.ts'
import type { FactQuestion, MeasuredRow, Scope, StoredEvent } from '../store/query.ts'
import { askMeter, onlyConditions } from './only.ts'
import { checkDimensions, emptyQuantity, factQuestionOf, rowsOf, startsOf } from './usage-row.ts'
import type { Only, UsageQuestion, UsageRow } from './usage-row.ts'

export type { Only, UsageQuestion, UsageRow }

export const limits = {
  /** Windows of one answer: more than a month of hours, or six days of five minutes. */
  windowsMax: 2_000,
  eventsMax: 1_000,
} as const

export interface UsageAnswer {
  readonly rows: readonly UsageRow[]
  /** Of the whole period; the sum of the rows where the measure adds up. */
  readonly total: Exact | null
  readonly eventsWithoutValue: bigint
  /** Names of the groups that stand apart, where others were put together. */
  readonly apart?: readonly string[]
}

/** Answers a usage question; `app/` hands it to whoever needs quantities. */
export type ReadUsage = (question: UsageQuestion) => Promise<UsageAnswer>

type Shape = Pick<UsageQuestion, 'period' | 'groupBy' | 'meter'>

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

/** Names of the groups with the largest quantities of the whole period; null: all groups stay apart. */
export async function topGroups(
  engine: Engine,
  asked: Omit<FactQuestion, 'starts'>,
  { meter, top, only = [] }: Pick<UsageQuestion, 'meter' | 'top' | 'only'>,
): Promise<readonly string[] | null> {
  if (top === undefined || asked.dimensions.length === 0) return null
  const question = { ...asked, starts: [asked.period.from], largest: top }
  const rows = await askMeter(engine, meter, question, only)
  return rows.map(({ groupName }) => groupName)
}

/**
 * The top groups of one window of a measure that adds up: they are asked for once, and all others are what is left of the
 * whole, which is asked without groups and so out of rolled hours. Null: the question is of another form.
 */
async function topOfOneWindow(
  engine: Engine,
  question: UsageQuestion,
  asked: FactQuestion,
): Promise<UsageAnswer | null> {
  const { meter, top, only = [], groupBy } = question
  const isPlain = meter.aggregation.kind === 'count' || meter.aggregation.kind === 'sum'
  if (top === undefined || question.apart !== undefined || groupBy.length === 0) return null
  if (!isPlain || asked.starts.length !== 1 || only.length > 0) return null
  const largest = await askMeter(engine, meter, { ...asked, largest: top + 1 })
  const rows = rowsOf(largest.slice(0, top), asked.starts, question)
  const apart = largest.slice(0, top).map(({ groupName }) => groupName)
  const told = addedUp(rows)
  if (largest.length <= top) return { ...told, apart }
  const whole = addedUp(
    rowsOf(await askMeter(engine, meter, { ...asked, dimensions: [] }), asked.starts, { ...question, groupBy: [] }),
  )
  const others = {
    from: question.period.from,
    to: question.period.to,
    group: {},
    others: true as const,
    quantity: subtract(whole.total ?? zero, told.total ?? zero),
    eventsWithoutValue: whole.eventsWithoutValue - told.eventsWithoutValue,
  }
  return { ...whole, rows: [...rows, others], apart }
}

/** Refuses dimensions that the meter does not declare. */
export function checkQuestion({ meter, groupBy, only = [] }: Pick<UsageQuestion, 'meter' | 'groupBy' | 'only'>): void {
  checkDimensions(meter, groupBy, 'grouped')
  checkDimensions(
    meter,
    only.map(({ field }) => field),
    'filtered',
  )
}

/** The usage function of one account, over an event store. */
export function usageReader(engine: Engine): ReadUsage {
  return async (question) => {
    const { account, meter, period, groupBy, only = [] } = question
    checkQuestion(question)
    const starts = startsOf(question, limits.windowsMax)
    const asked = factQuestionOf(question, { kind: 'account', account })
    const top = await topOfOneWindow(engine, question, { ...asked, starts })
    if (top !== null) return top
    const apart = question.apart ?? (await topGroups(engine, asked, question))
    const kept = apart === null ? {} : { apart }
    const rows = rowsOf(await askMeter(engine, meter, { ...asked, starts, ...kept }, only), starts, question)
    if (whyNotAdditive(meter.aggregation) === null) return { ...addedUp(rows), ...kept }
    if (starts.length === 1 && groupBy.length === 0) return besideWhole(rows, rows[0], question)
    const whole = await askMeter(engine, meter, { ...asked, starts: [period.from], dimensions: [] }, only)
    const [total] = rowsOf(whole, [period.from], { ...question, groupBy: [] })
    return { ...besideWhole(rows, total, question), ...kept }
  }
}

export type InstallationQuestion = Omit<UsageQuestion, 'account' | 'groupBy' | 'top' | 'apart' | 'only'>

/** The same question over all accounts at once: the sum that the accounts' own numbers have to add up to. */
export async function usageOfAll(engine: Engine, question: InstallationQuestion): Promise<UsageAnswer> {
  const scope: Scope = { kind: 'operator', question: 'usage_of_all' }
  const starts = startsOf(question, limits.windowsMax)
  const shape = { ...question, groupBy: [] }
  const asked = factQuestionOf(shape, scope)
  const rows = rowsOf(await askMeter(engine, question.meter, { ...asked, starts }), starts, shape)
  if (whyNotAdditive(question.meter.aggregation) === null) return addedUp(rows)
  const { period } = question
  const whole =
    starts.length === 1
      ? rows
      : rowsOf(await askMeter(engine, question.meter, { ...asked, starts: [period.from] }), [period.from], shape)
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
  const starts = startsOf(question, limits.windowsMax)
  const shape = { ...question, groupBy: [] }
  const asked = factQuestionOf(shape, { kind: 'operator', question: 'usage_by_account' })
  const measured = byAccount(await askMeter(engine, question.meter, { ...asked, starts }))
  const { period, meter } = question
  if (whyNotAdditive(meter.aggregation) === null) {
    return new Map([...measured].map(([account, rows]) => [account, addedUp(rowsOf(rows, starts, shape))]))
  }
  const wholes =
    starts.length === 1
      ? measured
      : byAccount(await askMeter(engine, question.meter, { ...asked, starts: [period.from] }))
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
    const { account, meter, period, groupBy, zone, below, until, only, supposing } = question
    if (groupBy.length > 0 || only !== undefined || (question.window !== null && question.window !== 'day'))
      return alone(question)
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
    const answer =
      (await answers).get(account) ??
      besideWhole(rowsOf([], startsOf(daily, limits.windowsMax), shape), undefined, shape)
    return question.window === null ? wholeOf(answer, period) : answer
  }
}

export interface EventsPage {
  readonly events: readonly StoredEvent[]
  /** Hand it in again for the next page; null on the last page. */
  readonly cursor: string | null
}

function cursorOf(text: string): { readonly time: Micros; readonly offset: Offset } {
  const match = /^(\d{1,16})-(\d{1,16})$/.exec(text)
  const [time, offset] = [Number(match?.[1]), Number(match?.[2])]
  if (!Number.isSafeInteger(time) || !Number.isSafeInteger(offset))
    throw new Refusal('REQUEST_INVALID', 'cursor is not one that was given out')
  return { time: time as Micros, offset: offset as Offset }
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
  const after = question.cursor === null ? null : cursorOf(question.cursor)
  const most = Math.min(question.most, limits.eventsMax)
  const events = await askEvents(engine, {
    scope: question.scope,
    period: question.period,
    below: question.below,
    conditions: [...question.meter.filter, ...onlyConditions(question.only ?? [])],
    after,
    most: most + 1,
  })
  const page = events.slice(0, most)
  const last = page.at(-1)
  return { events: page, cursor: events.length > most && last !== undefined ? `${last.time_us}-${last.offset}` : null }
}
