import { expect } from 'vitest'
import { add, denominatorOf, exact, numeratorOf } from '../../src/core/exact.ts'
import type { Exact } from '../../src/core/exact.ts'
import type { AccountKey, MeterKey, Offset } from '../../src/core/ids.ts'
import type { Micros, Period, WindowSize } from '../../src/core/time.ts'
import type { Condition, Dimension, MeterDefinition } from '../../src/meter/definition.ts'
import { usageByAccount, usageOfAll } from '../../src/meter/usage.ts'
import type { UsageAnswer, UsageRow } from '../../src/meter/usage.ts'
import { whyNotAdditive } from '../../src/store/measure/measure.ts'
import type { Measure } from '../../src/store/measure/measure.ts'
import { compareRatios, measured, ratioText, windowsByClock } from './aggregation-oracle.ts'
import type { KnownEvent, Measured, Ratio, Span } from './aggregation-oracle.ts'
import type { Pipeline } from './pipeline.ts'

/** A question in the words of a test. */
export interface Asked {
  readonly measure: Measure
  readonly period: Period
  readonly size: WindowSize | null
  readonly zone: string
  readonly groupBy: readonly Dimension[]
  readonly top: number | null
  readonly until: Micros | null
  /** Only events with one of these endpoints; null: all. */
  readonly endpoints: readonly string[] | null
}

export function meterOf(
  measure: Measure,
  filter: readonly Condition[] = [],
  groupBy: readonly Dimension[] = ['endpoint', 'attributes.tag'],
): MeterDefinition {
  return { key: 'tested' as MeterKey, version: 1, name: 'Tested', unit: 'units', aggregation: measure, filter, groupBy }
}

export function exactText(value: Exact | null): string {
  return value === null ? 'none' : `${numeratorOf(value)}/${denominatorOf(value)}`
}

const ratio = (quantity: Ratio | null): string => (quantity === null ? 'none' : ratioText(quantity))

/** What is measured where nothing happened. */
function empty({ kind }: Measure): Measured {
  const hasNone = ['min', 'max', 'average', 'latest'].includes(kind)
  return { quantity: hasNone ? null : [0n, 1n], missing: 0n }
}

type Values = readonly (string | null)[]
const valuesOf = (event: KnownEvent, groupBy: readonly Dimension[]): Values =>
  groupBy.map((dimension) => (dimension === 'endpoint' ? event.endpoint : event.tag))

/** Of equal quantities the names decide; an absent value comes last. */
function compareNames(one: Values, other: Values): number {
  for (const [index, a] of one.entries()) {
    const b = other[index] ?? null
    if (a === b) continue
    return a === null ? 1 : b === null ? -1 : a < b ? -1 : 1
  }
  return 0
}

/** Which groups stay apart; null: all. */
function topNames({ measure, groupBy, top }: Asked, events: readonly KnownEvent[], whole: Span): string[] | null {
  if (top === null || groupBy.length === 0) return null
  const names = new Map(events.map((event) => [JSON.stringify(valuesOf(event, groupBy)), valuesOf(event, groupBy)]))
  const found = [...names].flatMap(([name, values]) => {
    const one = measured(measure, events, whole, (event) => JSON.stringify(valuesOf(event, groupBy)) === name)
    return one === null ? [] : [{ name, values, quantity: one.quantity }]
  })
  const ordered = found.toSorted((a, b) => {
    if (a.quantity === null || b.quantity === null)
      return a.quantity === b.quantity ? compareNames(a.values, b.values) : a.quantity === null ? 1 : -1
    const [one, other] = [a.quantity, b.quantity].map(([n, d]): Ratio => {
      // Averages are ranked by 18 decimals.
      return measure.kind === 'average' ? [(n * 10n ** 18n) / d, 10n ** 18n] : [n, d]
    })
    const difference = one === undefined || other === undefined ? 0 : compareRatios(other, one)
    return difference || compareNames(a.values, b.values)
  })
  return ordered.slice(0, top).map(({ name }) => name)
}

/** Rows by window and group, and the total, as the oracle has them: as text, to be compared. */
export function expectedAnswer(asked: Asked, all: readonly KnownEvent[]): { rows: string[]; total: string } {
  const { measure, period, size, zone, groupBy, until, endpoints } = asked
  const events = endpoints === null ? all : all.filter(({ endpoint }) => endpoints.includes(endpoint ?? ''))
  const whole = { ...period, until: until ?? period.to }
  const starts = windowsByClock(period, size, zone)
  const spans = starts.map((from, index): Span => ({ ...whole, from, to: starts[index + 1] ?? period.to }))
  const total = measured(measure, events, whole) ?? empty(measure)
  const text = (from: number, name: string, { quantity, missing }: Measured): string =>
    `${from} ${name} ${ratio(quantity)} without ${missing}`
  if (groupBy.length === 0) {
    return {
      rows: spans.map((span) => text(span.from, '[]', measured(measure, events, span) ?? empty(measure))),
      total: ratio(total.quantity),
    }
  }
  const top = topNames(asked, events, whole)
  const groupOf = (event: KnownEvent): string => {
    const name = JSON.stringify(valuesOf(event, groupBy))
    return top === null || top.includes(name) ? name : 'others'
  }
  const names = [...new Set(events.map(groupOf))]
  const rows = spans.flatMap((span) =>
    names.flatMap((name) => {
      const found = measured(measure, events, span, (event) => groupOf(event) === name)
      return found === null ? [] : [text(span.from, name, found)]
    }),
  )
  return { rows: rows.toSorted(), total: ratio(total.quantity) }
}

function rowText({ from, group, others, quantity, eventsWithoutValue }: UsageRow, groupBy: readonly string[]): string {
  const name = others === true ? 'others' : JSON.stringify(groupBy.map((dimension) => group[dimension] ?? null))
  return `${from} ${name} ${exactText(quantity)} without ${eventsWithoutValue}`
}

export function answered(answer: UsageAnswer, groupBy: readonly string[]): { rows: string[]; total: string } {
  const rows = answer.rows.map((row) => rowText(row, groupBy))
  return { rows: groupBy.length === 0 ? rows : rows.toSorted(), total: exactText(answer.total) }
}

type Engines = Pick<Pipeline, 'engine' | 'readUsage'>
interface Said {
  readonly below: Offset
  readonly accounts: readonly AccountKey[]
  readonly events: readonly KnownEvent[]
}

const isAdditiveOverAccounts = ({ kind }: Measure): boolean =>
  ['count', 'sum', 'active_hours', 'unique', 'level'].includes(kind)

function sumText(answers: readonly UsageAnswer[]): string {
  let total = exact(0n)
  for (const one of answers) total = one.total === null ? total : add(total, one.total)
  return exactText(total)
}

/** The answer, for each account, by groups and not, is what the oracle says; all accounts together are their sum. */
export async function expectAnswers({ engine, readUsage }: Engines, asked: Asked, said: Said): Promise<void> {
  const { measure, period, size, zone, groupBy, top, until, endpoints } = asked
  const filter = endpoints === null ? [] : [{ operator: 'in', field: 'endpoint', values: endpoints } as const]
  const question = {
    meter: meterOf(measure, filter),
    period,
    zone,
    below: said.below,
    ...(until === null ? {} : { until }),
  }
  const inWindows = { ...question, window: size }
  const all = await usageByAccount(engine, inWindows)
  for (const account of said.accounts) {
    const events = said.events.filter((event) => event.account === account)
    const about = `${account} below ${said.below}`
    const answer = await readUsage({ ...inWindows, account, groupBy, ...(top === null ? {} : { top }) })
    expect(answered(answer, groupBy), about).toEqual(expectedAnswer(asked, events))
    const whole = expectedAnswer({ ...asked, groupBy: [], top: null }, events)
    const beside = all.get(account)
    if (beside === undefined) expect(whole).toEqual(expectedAnswer({ ...asked, groupBy: [], top: null }, []))
    else expect(answered(beside, []), `${about}, beside the others`).toEqual(whole)
  }
  if (isAdditiveOverAccounts(measure)) {
    const { total } = await usageOfAll(engine, inWindows)
    expect(exactText(total), 'all accounts at once').toBe(sumText([...all.values()]))
  }
}

/** The parts of a period add up to the whole, or there is a reason why they do not. */
export async function expectParts(
  { readUsage }: Engines,
  asked: Asked,
  said: Said,
  cuts: readonly Micros[],
): Promise<void> {
  const { measure, period, zone, until } = asked
  const why = whyNotAdditive(measure)
  if (why !== null) return expect(why).toMatch(/^\w.{20,}/)
  const { below, accounts } = said
  const question = {
    meter: meterOf(measure),
    window: null,
    zone,
    below,
    groupBy: [],
    ...(until === null ? {} : { until }),
  }
  const edges = [period.from, ...cuts.toSorted((a, b) => a - b), period.to]
  for (const account of accounts.slice(0, 1)) {
    const whole = await readUsage({ ...question, account, period })
    const parts: UsageAnswer[] = []
    for (const [index, from] of edges.entries()) {
      const to = edges[index + 1]
      if (to !== undefined && from < to) parts.push(await readUsage({ ...question, account, period: { from, to } }))
    }
    expect(sumText(parts), `${account} in parts`).toBe(exactText(whole.total))
  }
}
