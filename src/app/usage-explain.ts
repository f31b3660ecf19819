/** Opens a number: what made it, as data, for each way of measuring (L10). */
import { divide, exact, formatQuantity, multiply } from '../core/exact.ts'
import { unreachable } from '../core/result.ts'
import { formatInstant, secondMicros } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { onlyConditions } from '../meter/only.ts'
import type { UsageQuestion } from '../meter/usage.ts'
import type { Engine } from '../store/engine.ts'
import type { Expression } from '../store/expression.ts'
import { askActiveHours, askContributions, askKeys, askSamples, askSegments, askTally } from '../store/explain.ts'
import type { Contribution, Sample } from '../store/explain.ts'
import type { Measure, PercentileMeasure } from '../store/measure/measure.ts'
import type { EventsWanted } from '../store/measure/question.ts'
import { askPeaks } from '../store/sessions-peak.ts'

export const limits = { namedMax: 10, listedMax: 1_000 } as const

export type Explanation = Readonly<Record<string, unknown>>

interface Asking {
  readonly engine: Engine
  readonly question: EventsWanted
  /** Levels, peaks and intervals are measured up to here. */
  readonly until: Micros
}

function named({ offset, time, value }: Omit<Contribution, 'value'> & { readonly value?: string }): Explanation {
  return { offset: String(offset), time: formatInstant(time), ...(value === undefined ? {} : { value }) }
}

async function contributions(
  { engine, question }: Asking,
  value: Expression,
  order: 'largest' | 'smallest' | 'newest',
): Promise<readonly Contribution[]> {
  return askContributions({ engine, question, most: limits.namedMax }, value, order)
}

async function tallied(
  { engine, question }: Asking,
  value: Expression | null,
): Promise<{ readonly events: string; readonly events_without_value: string; readonly tied: [string, string] }> {
  const { events, withoutValue, atMin, atMax } = await askTally(engine, question, value)
  return {
    events: String(events),
    events_without_value: String(withoutValue),
    tied: [String(atMin), String(atMax)],
  }
}

async function explainPlain(asking: Asking, measure: Extract<Measure, { value: Expression }>): Promise<Explanation> {
  if (measure.kind === 'level') return explainLevel(asking, measure)
  const { tied, ...counts } = await tallied(asking, measure.value)
  switch (measure.kind) {
    case 'sum':
    case 'average': {
      const how = measure.kind === 'sum' ? 'values added up' : 'values added up, divided by the events that have one'
      return { how, ...counts, largest: (await contributions(asking, measure.value, 'largest')).map(named) }
    }
    case 'min':
    case 'max': {
      const isMin = measure.kind === 'min'
      const found = await contributions(asking, measure.value, isMin ? 'smallest' : 'largest')
      const at = found.filter(({ value }) => value === found[0]?.value)
      const how = `the ${isMin ? 'smallest' : 'greatest'} value; the earliest event with it is the first`
      return { how, ...counts, events_with_it: isMin ? tied[0] : tied[1], at: at.map(named) }
    }
    case 'latest': {
      const [newest, ...rest] = await contributions(asking, measure.value, 'newest')
      const how = 'the value of the newest event; of those at one microsecond the one with the higher log offset'
      const lost = rest.filter(({ time }) => time === newest?.time)
      return { how, ...counts, event: newest === undefined ? null : named(newest), tied_at_its_time: lost.map(named) }
    }
    default:
      return unreachable(measure)
  }
}

async function explainLevel(asking: Asking, measure: Extract<Measure, { kind: 'level' }>): Promise<Explanation> {
  const { engine, question, until } = asking
  const segments = await askSegments({ engine, question, most: limits.listedMax + 1 }, measure, until)
  return {
    how: `each level times how long it held, in units of a ${measure.per}`,
    segments: segments.slice(0, limits.listedMax).map(({ key, from, to, level, set }) => ({
      key,
      from: formatInstant(from),
      to: formatInstant(to),
      level: formatQuantity(exact(level)),
      set_by: named(set),
    })),
    cut: segments.length > limits.listedMax,
  }
}

async function explainUnique(asking: Asking, measure: Extract<Measure, { kind: 'unique' }>): Promise<Explanation> {
  const { engine, question: asked, until } = asking
  const isRunning = measure.membership !== null && until < asked.period.to
  const question = isRunning ? { ...asked, period: { from: asked.period.from, to: until } } : asked
  // Of a period that has not begun nobody is in.
  const hasBegun = question.period.from < question.period.to
  const keys = hasBegun ? await askKeys({ engine, question, most: limits.listedMax + 1 }, measure) : []
  return {
    how:
      measure.membership === null
        ? 'distinct values among the events'
        : 'values whose last event by the end puts them in',
    keys: keys.slice(0, limits.listedMax).map(({ key, events, first, last }) => ({
      key,
      events: String(events),
      first: named({ offset: first.offset, time: first.time }),
      last: named({ offset: last.offset, time: last.time }),
    })),
    cut: keys.length > limits.listedMax,
  }
}

async function explainHours(
  { engine, question }: Asking,
  measure: Extract<Measure, { kind: 'active_hours' }>,
): Promise<Explanation> {
  const hours = await askActiveHours({ engine, question, most: limits.listedMax + 1 }, measure)
  return {
    how: `hours of UTC with an event, for each value of ${measure.field}; each lies at its first event`,
    hours: hours.slice(0, limits.listedMax).map(({ hour, key, first, events }) => ({
      hour: formatInstant(hour),
      key,
      first: named(first),
      events: String(events),
    })),
    cut: hours.length > limits.listedMax,
  }
}

type Ranked = PercentileMeasure['direction']

/** By what samples are ranked: where the directions are put together afterwards, each has an order of its own. */
function rankings({ direction, combine }: PercentileMeasure): readonly Ranked[] {
  return combine === 'after' && (direction === 'higher' || direction === 'sum') ? ['in', 'out'] : [direction]
}

async function explainPercentile(asking: Asking, measure: PercentileMeasure): Promise<Explanation> {
  const { engine, question, until } = asking
  const interval = measure.intervalSeconds * secondMicros
  const { from } = question.period
  const end = Math.max(from, Math.min(question.period.to, until))
  const count = Math.ceil((end - from) / interval)
  const dropped = Number((BigInt(count) * BigInt(measure.dropped)) / 10_000n)
  const rate = (amount: string): string =>
    formatQuantity(
      divide(multiply(exact(amount), exact(BigInt(measure.factor))), exact(BigInt(measure.intervalSeconds))),
    )
  const sampleJson = (sample: Sample): Explanation => ({
    from: formatInstant((from + sample.interval * interval) as Micros),
    to: formatInstant(Math.min(from + (sample.interval + 1) * interval, question.period.to) as Micros),
    in: rate(sample.inward),
    out: rate(sample.outward),
    events: String(sample.events),
  })
  const orders = []
  for (const by of rankings(measure)) {
    const most = limits.namedMax
    const [set] = await askSamples({ engine, question, most: 1 }, measure, { by, skip: dropped })
    const highest = await askSamples({ engine, question, most }, measure, { by, skip: 0 })
    orders.push({ by, set_by: set === undefined ? null : sampleJson(set), highest: highest.map(sampleJson) })
  }
  return {
    how: `of ${count} intervals of ${measure.intervalSeconds} s the highest ${dropped} are dropped, the next one is taken; where set_by is null it is an interval without traffic, which is 0`,
    intervals: count,
    dropped,
    direction: measure.direction,
    combine: measure.combine,
    orders,
  }
}

async function explainPeak({ engine, question, until }: Asking): Promise<Explanation> {
  const { scope, below, period, conditions } = question
  const [peak] = await askPeaks(engine, { scope, below, period, conditions, starts: [period.from], until })
  return {
    how: 'the greatest number of sessions open at one instant; GET /v1/sessions lists them',
    first_at: peak === undefined ? null : formatInstant(peak.at),
  }
}

async function explained(asking: Asking, measure: Measure): Promise<Explanation> {
  switch (measure.kind) {
    case 'count': {
      const { events } = await tallied(asking, null)
      return { how: 'events counted', events }
    }
    case 'sum':
    case 'average':
    case 'min':
    case 'max':
    case 'latest':
    case 'level':
      return explainPlain(asking, measure)
    case 'unique':
      return explainUnique(asking, measure)
    case 'active_hours':
      return explainHours(asking, measure)
    case 'percentile':
      return explainPercentile(asking, measure)
    case 'peak':
      return explainPeak(asking)
    default:
      return unreachable(measure)
  }
}

/** What made the quantity of a whole period. */
export function explainUsage(
  engine: Engine,
  { account, meter, period, below, until = period.to, only = [] }: Omit<UsageQuestion, 'window' | 'zone' | 'groupBy'>,
): Promise<Explanation> {
  const conditions = [...meter.filter, ...onlyConditions(only)]
  const question: EventsWanted = { scope: { kind: 'account', account }, period, below, conditions }
  return explained({ engine, question, until: Math.min(until, period.to) as Micros }, meter.aggregation)
}
