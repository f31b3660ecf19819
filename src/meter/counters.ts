/**
 * Counters are a second way to count the same traffic: what a source's own cumulative counters say, beside what its
 * events say. A difference is a reason to look, not a bill: an event carries the time at which a request began, a
 * counter moves when it has ended, so what was under way at either end of the time is on one side only.
 */
import { limits as storeLimits, askBesideCounters, askCounters } from '../store/counters.ts'
import type { CountedTraffic, CounterQuestion, CounterSeries } from '../store/counters.ts'
import type { Engine } from '../store/engine.ts'

/** Counters whose name says what events count it too; names of other counters are the source's own. */
export const comparedNames = [
  'requests',
  'connections',
  'bytes_out_wire',
  'bytes_out_body',
  'bytes_in_wire',
  'bytes_in_body',
] as const satisfies readonly (keyof CountedTraffic)[]
export type ComparedName = (typeof comparedNames)[number]

export interface ComparedSeries extends CounterSeries {
  /** The same by its events; null: nothing is known that counts it too. */
  readonly counted: bigint | null
  /** By the counter, less by the events: above zero, events are missing. Null: not compared. */
  readonly difference: bigint | null
}

export interface CounterAnswer {
  readonly series: readonly ComparedSeries[]
  /** There are more series than these, or than could be compared. */
  readonly cut: boolean
}

function comparedName({ name, attributes }: CounterSeries): ComparedName | null {
  // An own dimension may say that it is a part of the traffic, and which one only the source knows.
  if (Object.keys(attributes).length > 0) return null
  return comparedNames.find((compared) => compared === name) ?? null
}

/** What the counters of a source (or of all) counted in a period, and the same by their events. */
export async function readCounters(engine: Engine, question: CounterQuestion): Promise<CounterAnswer> {
  const found = await askCounters(engine, question)
  const series = found.slice(0, storeLimits.seriesMax)
  const comparable = series.filter((one) => comparedName(one) !== null)
  const beside = await askBesideCounters(engine, { series: comparable, below: question.below })
  return {
    cut: found.length > series.length || comparable.some((one) => !beside.has(one)),
    series: series.map((one): ComparedSeries => {
      const name = comparedName(one)
      const events = beside.get(one)
      if (name === null || events === undefined) return { ...one, counted: null, difference: null }
      const counted = BigInt(events[name])
      return { ...one, counted, difference: BigInt(one.increase) - counted }
    }),
  }
}
