import { divide, exact, formatScaled, roundToInteger, zero } from '../../src/core/exact.ts'
import { secondMicros } from '../../src/core/time.ts'
import type { Micros, Period } from '../../src/core/time.ts'
import type { PercentileMeasure } from '../../src/store/measure/measure.ts'
import type { ForeignCase, Json, Outcome } from './aggregation-cases.ts'
import { instant } from './aggregation-stage.ts'
import type { Stage, StageEvent } from './aggregation-stage.ts'

const begin = instant('2026-01-01')
const five = 300 * secondMicros
const period = (intervals: number): Period => ({ from: begin, to: (begin + intervals * five) as Micros })

/** Bytes of five minutes at so many Mbit/s. */
const bytes = (mbps: number): string => String((mbps * 1_000_000 * 300) / 8)

function measureOf(about: Partial<PercentileMeasure>): PercentileMeasure {
  return {
    kind: 'percentile',
    dropped: 500,
    intervalSeconds: 300,
    inward: { kind: 'field', field: 'bytes_in_wire' },
    outward: { kind: 'field', field: 'bytes_out_wire' },
    direction: 'out',
    combine: 'before',
    factor: 8,
    ...about,
  }
}

const eventAt = (interval: number, fields: object): StageEvent => ({
  time: new Date((begin + interval * five) / 1_000).toISOString(),
  ...fields,
})

type Account = Awaited<ReturnType<Stage['play']>>

async function mbpsOf(
  stage: Stage,
  [account, intervals]: readonly [Account, number],
  about: Partial<PercentileMeasure> = {},
): Promise<number> {
  const { total } = await stage.ask(account, { measure: measureOf(about), period: period(intervals) })
  return Number(formatScaled(roundToInteger(divide(total ?? zero, exact(1_000_000n)), 6), 6))
}

/** Samples in an order that has nothing to do with their size. */
function scattered(samples: readonly number[]): StageEvent[] {
  return samples.map((mbps, index) => eventAt((index * 7919) % samples.length, { bytes_out_wire: bytes(mbps) }))
}

async function percentileOf(stage: Stage, samples: readonly number[], about: Partial<PercentileMeasure> = {}) {
  return mbpsOf(stage, [await stage.play(scattered(samples)), samples.length], about)
}

function samplesOf(samples: readonly Json[] | string): number[] {
  if (typeof samples === 'string')
    return Array.from({ length: Number(samples.split('..')[1]) }, (_, index) => index + 1)
  return samples.flatMap(({ mbps, times }) => Array<number>(times).fill(mbps))
}

/** Of 1, 2, 3, … the percentile is its own rank from below. */
async function rank({ input, expected }: ForeignCase, stage: Stage): Promise<Outcome> {
  const { samples } = input
  const found = await percentileOf(
    stage,
    Array.from({ length: samples }, (_, index) => index + 1),
  )
  const actual = { discarded_highest: samples - found, rank_descending: samples - found + 1, rank_ascending: found }
  return { actual, expected }
}

async function ofSamples({ input, expected }: ForeignCase, stage: Stage): Promise<Outcome> {
  return { actual: await percentileOf(stage, samplesOf(input['samples'])), expected: expected['p95_mbps'] }
}

async function directions({ input, expected }: ForeignCase, stage: Stage): Promise<Outcome> {
  const [inward, outward]: [number[], number[]] = [input['in_mbps'], input['out_mbps']]
  const account = await stage.play(
    inward.map((mbps, index) =>
      eventAt(index, { bytes_in_wire: bytes(mbps), bytes_out_wire: bytes(outward[index] ?? 0) }),
    ),
  )
  const ask = (about: Partial<PercentileMeasure>): Promise<number> => mbpsOf(stage, [account, inward.length], about)
  const sumOfSamples = await ask({ direction: 'sum', combine: 'before' })
  const actual = {
    p95_in: await ask({ direction: 'in' }),
    p95_out: await ask({ direction: 'out' }),
    higher_of_the_two_p95: await ask({ direction: 'higher', combine: 'after' }),
    sum_of_the_two_p95: await ask({ direction: 'sum', combine: 'after' }),
    p95_of_sum_per_sample: sumOfSamples,
    p95_of_max_per_sample: await ask({ direction: 'higher', combine: 'before' }),
    // The mean of both is half their sum, in the same order.
    p95_of_mean_per_sample: sumOfSamples / 2,
  }
  return { actual, expected }
}

/** Ours is: a missing interval is one without traffic. */
async function missing({ input, expected }: ForeignCase, stage: Stage): Promise<Outcome> {
  const samples = samplesOf(input['samples'])
  const account = await stage.play(samples.map((mbps, index) => eventAt(index, { bytes_out_wire: bytes(mbps) })))
  const actual = await mbpsOf(stage, [account, input['interval_count']])
  return { actual, expected: expected['p95_if_missing_is_zero'] }
}

async function rateOfBytes({ input, expected }: ForeignCase, stage: Stage): Promise<Outcome> {
  const account = await stage.play([eventAt(0, { bytes_out_wire: String(input['bytes']) })])
  const found = await mbpsOf(stage, [account, 1], { intervalSeconds: input['seconds'] })
  return { actual: String(found), expected: expected['mbps'] }
}

/** The fifth highest of 288: four are dropped. */
async function dailyPeak({ expected }: ForeignCase, stage: Stage): Promise<Outcome> {
  const points = (high: number): number[] => Array.from({ length: 288 }, (_, index) => (index < high ? 500 : 20))
  const peaks = [
    await percentileOf(stage, points(5), { dropped: 139 }),
    await percentileOf(stage, points(4), { dropped: 139 }),
  ]
  return { actual: peaks, expected: [expected['daily_peak_mbps'], 20] }
}

export const percentiles: Readonly<Record<string, (foreign: ForeignCase, stage: Stage) => Promise<Outcome>>> = {
  p95_rank: rank,
  p95_of_samples: ofSamples,
  p95_directions: directions,
  p95_missing_samples: missing,
  bytes_to_mbps: rateOfBytes,
  daily_peak: dailyPeak,
}
