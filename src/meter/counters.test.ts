import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPipeline } from '../../test/support/pipeline.ts'
import type { Pipeline } from '../../test/support/pipeline.ts'
import { zero } from '../core/exact.ts'
import { formatInstant, secondMicros } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { parseEvent } from '../ingest/event.ts'
import type { EventLog } from '../log/log.ts'
import type { Projection } from '../store/project.ts'
import { readCounters } from './counters.ts'
import { standardMeters } from './standard.ts'

const start = (Date.UTC(2026, 9, 1) * 1000) as Micros
const at = (second: number): Micros => (start + Math.round(second * secondMicros)) as Micros

let pipeline: Pipeline
let log: EventLog
let projection: Projection
beforeAll(async () => {
  pipeline = await openPipeline()
  ;({ log, projection } = await pipeline.fresh())
})
afterAll(() => pipeline.close())

let sources = 0
let ids = 0

interface Sample {
  readonly second: number
  readonly value: number
  /** Null: the source does not say since when it counts. */
  readonly started: number | null
}

async function send(events: readonly object[]): Promise<void> {
  const arrivals = events.map((event) => {
    const input = { id: String((ids += 1)), ...event }
    return parseEvent(input, JSON.stringify(input), { now: at(86_400), ownerAt: () => null })
  })
  expect(arrivals.filter(({ kind }) => kind === 'held')).toEqual([])
  await log.append(arrivals, at(86_400))
  await projection.catchUp()
}

function sampleEvent(source: string, { second, value, started }: Sample): object {
  return {
    source,
    kind: 'counter',
    name: 'requests',
    time: formatInstant(at(second)),
    value,
    ...(started === null ? {} : { started: formatInstant(at(started)) }),
  }
}

function newSource(): string {
  sources += 1
  return `edge-${sources}`
}

async function ask(source: string | null, from = 0, to = 86_400) {
  const { series } = await readCounters(pipeline.engine, {
    source,
    period: { from: at(from), to: at(to) },
    below: projection.position(),
  })
  return series
}

/** [second, value] or [second, value, started] */
type Short = readonly [number, number, number?]

async function increaseOf(samples: readonly Short[], from = 0): Promise<[string, number] | []> {
  const source = newSource()
  await send(samples.map(([second, value, started = null]) => sampleEvent(source, { second, value, started })))
  const [found] = await ask(source, from)
  return found === undefined ? [] : [found.increase, found.resets]
}

describe('what a counter counted', () => {
  test('a counter reset is not traffic: what it shows afterwards is what it has counted since', async () => {
    expect(
      await increaseOf([
        [1, 1_000_000],
        [2, 1_000_010],
        [3, 4],
        [4, 9],
      ]),
    ).toEqual(['19', 1])
  })

  test('the first sample only says where the counter stands, unless the counter began within the period', async () => {
    expect(await increaseOf([[10, 500]])).toEqual(['0', 0])
    expect(await increaseOf([[10, 500, 5]])).toEqual(['500', 0])
    expect(
      await increaseOf(
        [
          [10, 500, 5],
          [20, 507, 5],
        ],
        6,
      ),
    ).toEqual(['7', 0])
  })

  test('a restart that says so counts anew, also where the counter is above its last sample already', async () => {
    expect(
      await increaseOf([
        [10, 5, 0],
        [20, 8, 15],
      ]),
    ).toEqual(['13', 1])
    expect(
      await increaseOf(
        [
          [10, 5],
          [20, 8, 15],
        ],
        1,
      ),
    ).toEqual(['8', 1])
    // Since before the last sample: no restart lies between.
    expect(
      await increaseOf(
        [
          [10, 5],
          [20, 8, 3],
        ],
        1,
      ),
    ).toEqual(['3', 0])
  })

  test('a start time that trembles is no restart', async () => {
    // 1000 when it was first seen, having begun within the period, and 20 since.
    expect(
      await increaseOf([
        [10, 1_000, 5],
        [20, 1_010, 5.001],
        [30, 1_020, 4.999],
      ]),
    ).toEqual(['1020', 0])
    // Also of one instant, in whatever order the start times are.
    expect(
      await increaseOf([
        [10, 1_000, 5],
        [20, 1_010, 5.001],
        [20, 1_020, 4.999],
      ]),
    ).toEqual(['1020', 0])
    // The second one of an instant began at it: it is the one behind.
    expect(
      await increaseOf([
        [10, 100, 5],
        [20, 110, 5],
        [20, 3, 20],
        [30, 7, 20],
      ]),
    ).toEqual(['117', 1])
  })

  test('repeated, late and disordered samples change nothing', async () => {
    const late = [
      [30, 9],
      [10, 5],
      [20, 7],
      [20, 7],
      [30, 9],
    ] as const
    expect(await increaseOf(late)).toEqual(['4', 0])
    // Two samples of one instant do not make a reset.
    expect(
      await increaseOf([
        [10, 5],
        [20, 9],
        [20, 7],
        [30, 9],
      ]),
    ).toEqual(['4', 0])
  })

  test('a period begins at the last sample before it, and periods add up', async () => {
    const source = newSource()
    const samples = [
      [10, 5],
      [20, 7],
      [30, 12],
      [40, 2],
      [50, 4],
    ] as const
    await send(samples.map(([second, value]) => sampleEvent(source, { second, value, started: null })))
    const parts = [await ask(source, 0, 25), await ask(source, 25, 35), await ask(source, 35, 100)]
    expect(parts.map(([part]) => part?.increase)).toEqual(['2', '5', '4'])
    expect(parts[1]?.[0]).toMatchObject({ after: at(20), until: at(30), samples: 1 })
  })

  test('values beyond 2^53 keep every digit', async () => {
    const source = newSource()
    const huge = (value: string, second: number) => ({
      ...sampleEvent(source, { second, value: 0, started: null }),
      name: 'bytes_out_wire',
      value,
    })
    await send([huge('9007199254740993', 1), huge('18446744073709551615', 2)])
    expect((await ask(source))[0]?.increase).toBe((18446744073709551615n - 9007199254740993n).toString())
  })
})

describe('the same traffic by its events', () => {
  const request = (source: string, second: number, more: object = {}) => ({
    source,
    kind: 'http_request',
    time: formatInstant(at(second)),
    account: 'acme',
    endpoint: 'a.example',
    bytes_out_wire: 10,
    ...more,
  })

  test('is counted over exactly the time between the samples, for what the series names', async () => {
    const source = newSource()
    const counter = (name: string, second: number, value: number, more: object = {}) => ({
      ...sampleEvent(source, { second, value, started: null }),
      name,
      ...more,
    })
    await send([
      counter('requests', 10, 100),
      counter('requests', 20, 103),
      counter('bytes_out_wire', 10, 0),
      counter('bytes_out_wire', 20, 30),
      counter('requests', 10, 7, { endpoint: 'b.example' }),
      counter('requests', 20, 8, { endpoint: 'b.example' }),
      counter('connections', 10, 1),
      counter('connections', 20, 2),
      counter('cache_hits', 10, 1),
      counter('cache_hits', 20, 2),
      ...[10, 11, 20, 21].map((second) => request(source, second)),
      request(source, 15, { endpoint: 'b.example' }),
      request(source, 16, { phase: 'interim' }),
      request(source, 17, { leg: 'agent' }),
      request(newSource(), 15),
      { ...request(source, 18), kind: 'tcp_connection' },
    ])
    const found = (await ask(source)).map(({ name, endpoint, increase, counted, difference }) => [
      [name, endpoint],
      [increase, counted, difference],
    ])
    expect(Object.fromEntries(found.map(([key, values]) => [String(key), values]))).toEqual({
      // Seconds 11, 15 and 20; the one of 10 lies before, the one of 21 behind.
      'requests,': ['3', 3n, 0n],
      'requests,b.example': ['1', 1n, 0n],
      // The interim record's bytes count, and so do the connection's.
      'bytes_out_wire,': ['30', 50n, -20n],
      'connections,': ['1', 1n, 0n],
      'cache_hits,': ['1', null, null],
    })
  })

  test('a counter is never counted as traffic', async () => {
    const source = newSource()
    const account = `only-counters-${sources}`
    const sample = { ...sampleEvent(source, { second: 1, value: 1_000, started: 0 }), account, bytes_out_wire: 99 }
    await send([{ ...sample, endpoint: 'c.example' }])
    for (const meter of standardMeters) {
      const period = { from: at(0), to: at(100) }
      const below = projection.position()
      const question = { account: account as never, meter, period, window: null, zone: 'UTC', groupBy: [], below }
      expect([meter.key, (await pipeline.readUsage(question)).total]).toEqual([meter.key, zero])
    }
  })
})

/** One thing that happens at a source, one second after the other. */
type Happening =
  | { readonly kind: 'traffic'; readonly count: number }
  /** `tremble`: by how many thousandths of a second the sample's start time is wrong. */
  | { readonly kind: 'sample'; readonly isRepeated: boolean; readonly rank: number; readonly tremble: number }
  | { readonly kind: 'restart' }
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('traffic' as const), count: fc.integer({ min: 0, max: 9 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('sample' as const),
      isRepeated: fc.boolean(),
      rank: fc.nat(99),
      tremble: fc.integer({ min: -300, max: 300 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
)

/** The source as it really is, and what plain counting makes of the samples that it takes. */
function simulate(happenings: readonly Happening[], saysStart: boolean, from: number) {
  let [value, started, truth] = [0, 0, 0]
  let before: { second: number; value: number; truth: number } | null = null
  let [expected, traffic] = [0, 0]
  const samples: (Sample & { rank: number })[] = []
  happenings.forEach((one, index) => {
    const second = index + 1
    if (one.kind === 'traffic') {
      value += one.count
      truth += one.count
    } else if (one.kind === 'restart') {
      value = 0
      started = second
    } else {
      const said = started + one.tremble / 1_000
      const sample = { second, value, started: saysStart ? said : null, rank: one.rank }
      samples.push(sample, ...(one.isRepeated ? [{ ...sample, rank: 99 - one.rank }] : []))
      if (second >= from) {
        const isKnownRestart = before !== null && (value < before.value || (saysStart && started > before.second))
        if (isKnownRestart) expected += value
        else if (before !== null) expected += value - before.value
        else if (saysStart && said >= from) expected += value
        traffic += truth - (before?.truth ?? 0)
      }
      before = { second, value, truth }
    }
  })
  return { samples: samples.toSorted((one, two) => one.rank - two.rank), expected, traffic }
}

test('property: with restarts, repetitions and disorder it is the plain count, and never more than the traffic', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(happening, { minLength: 1, maxLength: 40 }),
      fc.boolean(),
      fc.integer({ min: 0, max: 20 }),
      async (happenings, saysStart, from) => {
        const source = newSource()
        const { samples, expected, traffic } = simulate(happenings, saysStart, from)
        await send(samples.map((sample) => sampleEvent(source, sample)))
        const [found] = await ask(source, from)
        const increase = Number(found?.increase ?? 0)
        expect(increase).toBe(expected)
        expect(increase).toBeLessThanOrEqual(traffic)
      },
    ),
    { numRuns: 25 },
  )
})
