/**
 * Which hours of a meter are rolled, which have to be, and up to when its windows are sealed. A rolled hour is sealed
 * while nothing has touched it since: it was equal to a recount from the events, and still is one (DESIGN §8).
 */
import type { MeterKey, Offset } from '../core/ids.ts'
import { hourMicros } from '../core/time.ts'
import type { Micros, Period } from '../core/time.ts'
import type { Engine } from '../store/engine.ts'
import { isPartial } from '../store/measure/partial.ts'
import type { FactQuestion, Rolled } from '../store/measure/question.ts'
import { askHourStates, voidGeneration } from '../store/rollup.ts'
import type { RolledHour, RolledMeter, TouchedHours } from '../store/rollup.ts'
import type { MeterDefinition } from './definition.ts'

export const limits = {
  /** An hour is rolled when it ended so long ago: most of its events are there by then. */
  settleMicros: 120_000_000,
  /** An hour that is touched again and again is rolled no more often than this. */
  againMicros: 300_000_000,
  /** Hours that are rolled together. */
  runHours: 24,
  /** Parts of a period that are counted from their events; with more of them, all of it is. */
  restMax: 50,
} as const

/** All events, whatever their kind: says of meters that cannot be rolled whether their hours still change. */
export const everyEvent: RolledMeter = {
  // Not the key of any meter.
  meter: '_events' as MeterKey,
  version: 1,
  measure: { kind: 'count' },
  conditions: [],
  dimensions: [],
}

/** A meter as it is rolled; null: its measure cannot be put together out of hours. */
export function rolledMeterOf({ key, version, aggregation, filter, groupBy }: MeterDefinition): RolledMeter | null {
  if (!isPartial(aggregation)) return null
  return { meter: key, version, measure: aggregation, conditions: filter, dimensions: groupBy }
}

/** Whether what was rolled of an hour is what its events come to: nothing has touched it since, and no audit objects. */
export function isClean({ hour, below, generation }: RolledHour, touched: TouchedHours): boolean {
  return generation !== voidGeneration && (touched.get(hour) ?? 0) <= below
}

/** Ended hours that were touched and are not rolled as they are now, as runs of hours one after the other. */
export function hoursToRoll(touched: TouchedHours, rolled: readonly RolledHour[], now: Micros): readonly Period[] {
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
    if (last?.to === hour && last.to - last.from < limits.runHours * hourMicros)
      runs[runs.length - 1] = { from: last.from, to: end }
    else runs.push({ from: hour, to: end })
  }
  return runs
}

/** Parts of a period as runs: those that touch each other are one. */
function joined(parts: readonly Period[]): readonly Period[] {
  const runs: Period[] = []
  for (const part of parts) {
    const last = runs.at(-1)
    if (last !== undefined && part.from <= last.to) runs[runs.length - 1] = { from: last.from, to: part.to }
    else runs.push(part)
  }
  return runs
}

/** What of a question rolled hours can answer, and what is left to be counted; null: all of it. */
export function planRolled(
  question: Pick<FactQuestion, 'period' | 'starts'>,
  meter: Pick<RolledMeter, 'meter' | 'version' | 'dimensions'>,
  { touched, rolled }: { readonly touched: TouchedHours; readonly rolled: readonly RolledHour[] },
): Rolled | null {
  const { period, starts } = question
  const cut = new Set(starts.filter((start) => start % hourMicros !== 0).map((start) => start - (start % hourMicros)))
  const versions = new Map(rolled.map((version) => [version.hour, version]))
  const usable: RolledHour[] = []
  const rest: Period[] = []
  // Hours without a single event are in neither: there is nothing to count.
  for (const hour of [...touched.keys()].toSorted((one, two) => one - two)) {
    const version = versions.get(hour)
    const end = (hour + hourMicros) as Micros
    const isWhole = hour >= period.from && end <= period.to && !cut.has(hour)
    if (isWhole && version !== undefined && isClean(version, touched)) usable.push(version)
    else rest.push({ from: Math.max(hour, period.from) as Micros, to: Math.min(end, period.to) as Micros })
  }
  const parts = joined(rest)
  if (usable.length === 0 || parts.length > limits.restMax) return null
  return {
    meter: meter.meter,
    version: meter.version,
    dimensions: meter.dimensions,
    hours: usable.map(({ hour }) => hour),
    generations: usable.map(({ generation }) => generation),
    rest: parts,
  }
}

/** The same question, answered by rolled hours as far as they hold; the answer is the same. */
export async function withRolled(
  engine: Engine,
  meter: MeterDefinition,
  question: FactQuestion,
): Promise<FactQuestion> {
  const { period, below, conditions, dimensions, supposing } = question
  const asked = rolledMeterOf(meter)
  if (asked === null || supposing !== undefined || conditions !== meter.filter) return question
  if (period.to - period.from < hourMicros || dimensions.some((name) => !asked.dimensions.includes(name)))
    return question
  const { touched, rolled } = await askHourStates(engine, asked, period, below)
  const plan = touched === null ? null : planRolled(question, asked, { touched, rolled })
  return plan === null ? question : { ...question, rolled: plan }
}

/**
 * Up to when the hours of a period are sealed: they ended, and what was rolled of them still holds. The completeness of
 * the sources is judged beside it. Null: not even the first hour.
 */
export async function sealedUntil(
  engine: Engine,
  { meter, period, below, now }: { meter: MeterDefinition; period: Period; below: Offset; now: Micros },
): Promise<Micros | null> {
  const asked = rolledMeterOf(meter) ?? everyEvent
  const { touched, rolled } = await askHourStates(engine, asked, period, below)
  if (touched === null) return null
  const versions = new Map(rolled.map((version) => [version.hour, version]))
  const settled = now - limits.settleMicros
  let until = Math.min(period.to, settled - (settled % hourMicros))
  for (const hour of touched.keys()) {
    const version = versions.get(hour)
    if (version === undefined || !isClean(version, touched)) until = Math.min(until, hour)
  }
  return until > period.from ? (until as Micros) : null
}
