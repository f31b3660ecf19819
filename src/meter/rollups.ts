/**
 * Which hours of a meter are rolled, which have to be, and up to when its windows are sealed. A rolled hour is sealed
 * while nothing has touched it since: it was equal to a recount from the events, and still is one (DESIGN §8).
 */
import { createHash } from 'node:crypto'
import type { MeterKey, Offset } from '../core/ids.ts'
import { unreachable } from '../core/result.ts'
import { hourMicros, instantMin } from '../core/time.ts'
import type { Micros, Period } from '../core/time.ts'
import type { Engine } from '../store/engine.ts'
import { isPartial } from '../store/measure/partial.ts'
import type { FactQuestion, Rolled } from '../store/measure/question.ts'
import { askHourStates, voidGeneration } from '../store/rollup.ts'
import type { RolledHour, RolledMeter, TouchedHours } from '../store/rollup.ts'
import type { MeterDefinition } from './definition.ts'
import { joined } from './intervals.ts'

export const limits = {
  /** An hour is rolled when it ended so long ago: most of its events are there by then. */
  settleMicros: 120_000_000,
  /** An hour that is touched again and again is rolled no more often than this. */
  againMicros: 300_000_000,
  /** About so many events are rolled together, in so many hours at most: reading them costs much the same. */
  runEvents: 8_000_000,
  runHours: 744,
  /** Parts of a period that are counted from their events; with more of them, all of it is. */
  restMax: 50,
} as const

type RolledWhat = Omit<RolledMeter, 'definition'>

/** A number out of 48 bits that says what is measured, of which events. */
function withDefinition(what: RolledWhat): RolledMeter {
  const { measure, conditions } = what
  const text = JSON.stringify([measure, conditions])
  return { ...what, definition: createHash('sha256').update(text).digest().readUIntBE(0, 6) }
}

/** All events, whatever their kind: says of meters that cannot be rolled whether their hours still change. */
export const everyEvent: RolledMeter = withDefinition({
  // Not the key of any meter.
  meter: '_events' as MeterKey,
  version: 1,
  measure: { kind: 'count' },
  conditions: [],
})

/** A meter as it is rolled; null: its measure cannot be put together out of hours. */
export function rolledMeterOf({ key, version, aggregation, filter }: MeterDefinition): RolledMeter | null {
  if (!isPartial(aggregation)) return null
  return withDefinition({ meter: key, version, measure: aggregation, conditions: filter })
}

/** Whether what was rolled of an hour is what its events come to: nothing has touched it since, and no audit objects. */
export function isClean({ hour, below, generation }: RolledHour, touched: TouchedHours): boolean {
  return generation !== voidGeneration && (touched.get(hour) ?? 0) <= below
}

/** How many hours of a log are rolled together, where it has so many events in so many hours. */
export function runHoursOf({ events, hours }: { readonly events: number; readonly hours: number }): number {
  const perHour = Math.max(1, Math.ceil(events / Math.max(1, hours)))
  return Math.max(1, Math.min(limits.runHours, Math.floor(limits.runEvents / perHour)))
}

/** Whether no event lies in any hour between two others: they may be rolled with them, as empty ones. */
function isEmpty({ from, to }: Period, touched: TouchedHours): boolean {
  for (let hour = from; hour < to; hour = (hour + hourMicros) as Micros) if (touched.has(hour)) return false
  return true
}

/** Ended hours that were touched and are not rolled as they are now, as runs of hours one after the other; empty hours between them belong to the run. */
export function hoursToRoll(
  touched: TouchedHours,
  rolled: readonly RolledHour[],
  { now, runHours }: { readonly now: Micros; readonly runHours: number },
): readonly Period[] {
  const versions = new Map(rolled.map((hour) => [hour.hour, hour]))
  const due = [...touched.keys()].filter((hour) => {
    if (hour + hourMicros + limits.settleMicros > now) return false
    const version = versions.get(hour)
    return version === undefined || (!isClean(version, touched) && now - version.rolled >= limits.againMicros)
  })
  const runs: Period[] = []
  for (const hour of due.toSorted((one, two) => one - two)) {
    const last = runs.at(-1)
    const end = (hour + hourMicros) as Micros
    if (last !== undefined && end - last.from <= runHours * hourMicros && isEmpty({ from: last.to, to: hour }, touched))
      runs[runs.length - 1] = { from: last.from, to: end }
    else runs.push({ from: hour, to: end })
  }
  return runs
}

/** Usable hours as runs of one generation; where the next one does not follow, a run without rows begins. */
function runsOf(usable: readonly RolledHour[]): Pick<Rolled, 'runs' | 'generations'> {
  const runs: Micros[] = []
  const generations: number[] = []
  const begin = (at: Micros, generation: number): void => {
    runs.push(at)
    generations.push(generation)
  }
  for (const [index, { hour, generation }] of usable.entries()) {
    if (generations.at(-1) !== generation) begin(hour, generation)
    const end = (hour + hourMicros) as Micros
    if (usable[index + 1]?.hour !== end) begin(end, voidGeneration)
  }
  return { runs, generations }
}

/** What of a question rolled hours can answer, and what is left to be counted; null: all of it. */
export function planRolled(
  question: Pick<FactQuestion, 'period' | 'starts'>,
  { meter, version, definition }: Pick<RolledMeter, 'meter' | 'version' | 'definition'>,
  { touched, rolled }: { readonly touched: TouchedHours; readonly rolled: readonly RolledHour[] },
): Rolled | null {
  const { period, starts } = question
  const cut = new Set(starts.filter((start) => start % hourMicros !== 0).map((start) => start - (start % hourMicros)))
  const versions = new Map(rolled.map((one) => [one.hour, one]))
  const usable: RolledHour[] = []
  const rest: Period[] = []
  // Hours without a single event are in neither: there is nothing to count.
  for (const hour of [...touched.keys()].toSorted((one, two) => one - two)) {
    const found = versions.get(hour)
    const end = (hour + hourMicros) as Micros
    const isWhole = hour >= period.from && end <= period.to && !cut.has(hour)
    if (isWhole && found !== undefined && isClean(found, touched)) usable.push(found)
    else rest.push({ from: Math.max(hour, period.from) as Micros, to: Math.min(end, period.to) as Micros })
  }
  const parts = joined(rest)
  if (usable.length === 0 || parts.length > limits.restMax) return null
  return { meter, version, definition, ...runsOf(usable), rest: parts }
}

/** The same question, answered by rolled hours as far as they hold; the answer is the same. */
export async function withRolled(
  engine: Engine,
  { key, version }: MeterDefinition,
  question: FactQuestion,
): Promise<FactQuestion> {
  const { period, below, conditions, measure, dimensions, supposing } = question
  if (!isPartial(measure) || supposing !== undefined || period.to - period.from < hourMicros) return question
  // By groups an hour has about as many rows as events: those are counted.
  if (dimensions.length > 0) return question
  const asked = withDefinition({ meter: key, version, measure, conditions })
  const { touched, rolled } = await askHourStates(engine, asked, period, below)
  const plan = touched === null ? null : planRolled(question, asked, { touched, rolled })
  return plan === null ? question : { ...question, rolled: plan }
}

/** Whether what lies before a period has a say in it: then an event of long ago can change its windows. */
function looksBack({ aggregation }: MeterDefinition): boolean {
  switch (aggregation.kind) {
    case 'level':
    case 'peak':
      return true
    case 'unique':
      return aggregation.membership?.carried ?? false
    case 'count':
    case 'sum':
    case 'min':
    case 'max':
    case 'average':
    case 'latest':
    case 'active_hours':
    case 'percentile':
      return false
    default:
      return unreachable(aggregation)
  }
}

/**
 * Up to when the hours of a period are sealed: they ended, and what was rolled of them still holds. Where a meter is
 * answered from its events (because of its measure, or in a version that is not rolled), the count of all events stands
 * for it: its hours are as they were when that was recounted. The completeness of the sources is judged beside it. Null:
 * not even the first hour.
 */
export async function sealedUntil(
  engine: Engine,
  { meter, period, below, now }: { meter: MeterDefinition; period: Period; below: Offset; now: Micros },
): Promise<Micros | null> {
  const settled = now - limits.settleMicros
  let until = Math.min(period.to, settled - (settled % hourMicros))
  const seen = { from: looksBack(meter) ? instantMin : period.from, to: period.to }
  const own = rolledMeterOf(meter)
  for (const asked of own === null ? [everyEvent] : [everyEvent, own]) {
    const { touched, rolled } = await askHourStates(engine, asked, seen, below)
    if (touched === null) return null
    if (asked === own && rolled.length === 0) continue
    const versions = new Map(rolled.map((version) => [version.hour, version]))
    for (const hour of touched.keys()) {
      const version = versions.get(hour)
      if (version === undefined || !isClean(version, touched)) until = Math.min(until, hour)
    }
  }
  return until > period.from ? (until as Micros) : null
}
