/**
 * What a definition would have counted: on past data, beside what the meter's current version counts. The same function
 * that counts for invoices, with another definition, so that what is seen here is what will be billed (L9).
 */
import { compare, subtract, sum, zero } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import type { AccountKey, Offset } from '../core/ids.ts'
import type { Micros, Period, WindowSize } from '../core/time.ts'
import type { Dimension, MeterDefinition } from '../meter/definition.ts'
import { usageByAccount, usageEvents, usageOfAll, usageReader } from '../meter/usage.ts'
import type { UsageAnswer, UsageRow } from '../meter/usage.ts'
import { emptyQuantity } from '../meter/usage-row.ts'
import type { Engine } from '../store/engine.ts'
import { whyNotAdditive } from '../store/measure/measure.ts'
import type { Scope, StoredEvent } from '../store/query.ts'

export const limits = { accountsMax: 1_000, samplesMax: 20 } as const

export interface PreviewQuestion {
  readonly meter: MeterDefinition
  /** What the quantities are compared with; null: the meter is new. */
  readonly current: MeterDefinition | null
  /** Null: all accounts. */
  readonly account: AccountKey | null
  readonly period: Period
  readonly window: WindowSize | null
  readonly zone: string
  /** Only of one account. */
  readonly groupBy: readonly Dimension[]
  readonly below: Offset
  readonly until: Micros
  /** So many accounts, those that change most; and so many events. */
  readonly accounts: number
  readonly samples: number
}

/** A quantity beside what it is now. Null: nothing has a value, or there is nothing to compare with (L13). */
export interface Compared {
  readonly quantity: Exact | null
  readonly current: Exact | null
  readonly difference: Exact | null
}

export interface PreviewedAccount extends Compared {
  readonly account: AccountKey
  readonly eventsWithoutValue: bigint
}

export interface Preview {
  readonly total: Compared
  readonly rows: readonly (UsageRow & Compared)[]
  /** Those whose quantity changes most, then the largest. */
  readonly accounts: readonly PreviewedAccount[]
  /** All accounts that are not among them; null where their quantities do not add up. */
  readonly others: (Compared & { readonly accounts: number }) | null
  readonly matched: Exact
  readonly eventsWithoutValue: bigint
  readonly samples: readonly StoredEvent[]
}

/** Only quantities of one unit are set against each other. */
function comparedWith(current: MeterDefinition | null, meter: MeterDefinition) {
  const isComparable = current !== null && current.unit === meter.unit
  return (quantity: Exact | null, was: Exact | null): Compared => {
    const isKnown = isComparable && quantity !== null && was !== null
    return { quantity, current: was, difference: isKnown ? subtract(quantity, was) : null }
  }
}

function magnitude(value: Exact | null): Exact {
  if (value === null) return zero
  return compare(value, zero) < 0 ? subtract(zero, value) : value
}

function byChange(a: Compared, b: Compared): number {
  const change = compare(magnitude(b.difference), magnitude(a.difference))
  return change === 0 ? compare(magnitude(b.quantity), magnitude(a.quantity)) : change
}

function added(values: readonly (Exact | null)[]): Exact {
  return sum(values.filter((value) => value !== null))
}

type Compare = (quantity: Exact | null, was: Exact | null) => Compared

async function compareAccounts(engine: Engine, question: PreviewQuestion, compared: Compare) {
  const { meter, current, period, zone, below, until } = question
  const asked = { period, zone, below, until, window: null }
  const now = await usageByAccount(engine, { ...asked, meter })
  const was = current === null ? null : await usageByAccount(engine, { ...asked, meter: current })
  const keys = [...new Set([...now.keys(), ...(was?.keys() ?? [])])]
  const totalOf = (of: MeterDefinition, answer: UsageAnswer | undefined): Exact | null =>
    answer === undefined ? emptyQuantity(of.aggregation) : answer.total
  const accounts = keys.map((account): PreviewedAccount => {
    const answer = now.get(account)
    const before = current === null ? null : totalOf(current, was?.get(account))
    return {
      account,
      ...compared(totalOf(meter, answer), before),
      eventsWithoutValue: answer?.eventsWithoutValue ?? 0n,
    }
  })
  accounts.sort((a, b) => byChange(a, b) || (a.account < b.account ? -1 : 1))
  const [kept, rest] = [accounts.slice(0, question.accounts), accounts.slice(question.accounts)]
  const addsUp = [meter, ...(current === null ? [] : [current])].every(
    (one) => whyNotAdditive(one.aggregation) === null,
  )
  if (rest.length === 0 || !addsUp) return { accounts: kept, others: null }
  const quantity = added(rest.map((one) => one.quantity))
  const before = current === null ? null : added(rest.map((one) => one.current))
  return { accounts: kept, others: { accounts: rest.length, ...compared(quantity, before) } }
}

function rowName({ from, group }: UsageRow): string {
  return JSON.stringify([from, group])
}

/** Rows of both definitions side by side, in the order of time. */
function pairedRows(answer: UsageAnswer, was: UsageAnswer | null, compared: Compare): readonly (UsageRow & Compared)[] {
  const before = new Map((was?.rows ?? []).map((row) => [rowName(row), row]))
  const rows = answer.rows.map((row) => {
    const name = rowName(row)
    const earlier = before.get(name)
    before.delete(name)
    return { ...row, ...compared(row.quantity, earlier?.quantity ?? null) }
  })
  // Groups that only the current version has.
  const gone = [...before.values()].map((row) => ({ ...row, ...compared(null, row.quantity), eventsWithoutValue: 0n }))
  return [...rows, ...gone].toSorted((a, b) => a.from - b.from)
}

/** Counts a definition on what is stored. Changes nothing. */
export async function previewMeter(engine: Engine, question: PreviewQuestion): Promise<Preview> {
  const { meter, current, account, period, window, zone, groupBy, below, until } = question
  const compared = comparedWith(current, meter)
  const asked = { period, window, zone, below, until }
  const ask = (of: MeterDefinition): Promise<UsageAnswer> =>
    account === null
      ? usageOfAll(engine, { ...asked, meter: of })
      : usageReader(engine)({ ...asked, meter: of, account, groupBy })
  const answer = await ask(meter)
  const isGrouped = current !== null && groupBy.every((dimension) => current.groupBy.includes(dimension))
  const was = isGrouped ? await ask(current) : null
  // Version 0 is nobody's: what was rolled of the meter is not what is counted here.
  const count: MeterDefinition = { ...meter, version: 0, aggregation: { kind: 'count' } }
  const whole = { ...asked, window: null, meter: count }
  const matched =
    account === null ? await usageOfAll(engine, whole) : await usageReader(engine)({ ...whole, account, groupBy: [] })
  const scope: Scope = account === null ? { kind: 'operator', question: 'usage_of_all' } : { kind: 'account', account }
  const { events } = await usageEvents(engine, { meter, period, below, scope, cursor: null, most: question.samples })
  const many = account === null ? await compareAccounts(engine, question, compared) : { accounts: [], others: null }
  return {
    ...many,
    total: compared(answer.total, was?.total ?? null),
    rows: window === null && groupBy.length === 0 ? [] : pairedRows(answer, was, compared),
    matched: matched.total ?? zero,
    eventsWithoutValue: answer.eventsWithoutValue,
    samples: question.samples === 0 ? [] : events,
  }
}
