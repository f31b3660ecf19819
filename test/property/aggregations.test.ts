import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Offset } from '../../src/core/ids.ts'
import { dayMicros, hourMicros, parseInstant } from '../../src/core/time.ts'
import type { Micros, Period, WindowSize } from '../../src/core/time.ts'
import type { EventLog } from '../../src/log/log.ts'
import type { Projection } from '../../src/store/project.ts'
import type { LevelMeasure, Measure, PercentileMeasure } from '../../src/store/measure/measure.ts'
import { expectAnswers, expectParts } from '../support/aggregation-check.ts'
import type { Asked } from '../support/aggregation-check.ts'
import { windowsByClock } from '../support/aggregation-oracle.ts'
import { countedEvents, happen, happenings, newWorld } from '../support/aggregation-world.ts'
import type { DrawnEvent, Happening } from '../support/aggregation-world.ts'
import { openPipeline } from '../support/pipeline.ts'
import type { Pipeline } from '../support/pipeline.ts'

const at = (text: string): Micros => {
  const parsed = parseInstant(text)
  if (!parsed.ok) throw new Error(`${text} ${parsed.error}`)
  return parsed.value
}

interface Setting {
  readonly zone: string
  readonly period: Period
  readonly sizes: readonly (WindowSize | null)[]
}

function setting(zone: string, [from, to]: readonly [string, string], ...sizes: WindowSize[]): Setting {
  return { zone, period: { from: at(from), to: at(to) }, sizes: [null, ...sizes] }
}

/** Times in which calendars do odd things; ends of some periods lie within hours. */
const settings: readonly Setting[] = [
  // An hour less, and a month's end; an hour more.
  setting('Europe/Berlin', ['2026-03-27T23:00:00Z', '2026-04-01T22:00:00Z'], 'hour', 'day', 'month'),
  setting('Europe/Berlin', ['2025-10-25T10:17:03.000001Z', '2025-10-27T05:30:00.5Z'], 'hour', 'day'),
  // Half an hour more, and less.
  setting('Australia/Lord_Howe', ['2026-04-03T13:00:00Z', '2026-04-06T13:30:00Z'], 'hour', 'day'),
  setting('Australia/Lord_Howe', ['2025-10-03T13:30:00Z', '2025-10-06T13:00:00Z'], 'hour', 'day'),
  setting('Asia/Kolkata', ['2026-01-30T18:30:00Z', '2026-02-01T18:30:00Z'], 'hour', 'day', 'month'),
  // A leap day and a month that begins in winter and ends in summer.
  setting('America/New_York', ['2024-01-31T05:00:00Z', '2024-04-01T04:00:00Z'], 'day', 'month'),
  setting('UTC', ['2023-12-30T22:59:59.999999Z', '2024-01-02T00:00:00.000001Z'], 'hour', 'day', 'month'),
  // Zones that changed their rules: for good, by a quarter of an hour, and by a day that never was.
  setting('Europe/Moscow', ['2014-10-24T20:00:00Z', '2014-10-27T21:00:00Z'], 'hour', 'day'),
  setting('Asia/Kathmandu', ['1985-12-30T18:30:00Z', '1986-01-01T18:15:00Z'], 'hour', 'day', 'month'),
  setting('Pacific/Apia', ['2011-12-28T10:00:00Z', '2012-01-01T10:00:00Z'], 'hour', 'day', 'month'),
]

/** Few instants, some a microsecond apart, so that much happens at one of them and in one hour. */
function clustersIn({ period, zone, sizes }: Setting): number[] {
  const edges = windowsByClock(period, sizes.at(1) ?? null, zone).slice(0, 2)
  return edges.flatMap((edge) => [0, 0, 1, 1_000_000].map((after) => edge + 90_000_001 + after))
}

/** Instants at which something begins, again and again the same ones, and others; also long before the period. */
function timeIn({ period, zone, sizes }: Setting): fc.Arbitrary<number> {
  const edges = windowsByClock(period, sizes.at(1) ?? null, zone)
  const near = fc
    .tuple(fc.constantFrom(...edges, period.to), fc.constantFrom(-1, 0, 0, 1))
    .map(([edge, by]) => edge + by)
  const few = fc.constantFrom(...clustersIn({ period, zone, sizes }))
  const inside = fc.integer({ min: period.from, max: period.to - 1 })
  const before = fc.integer({ min: 0, max: 70 }).map((days) => period.from - days * dayMicros + 5)
  const long = fc.constantFrom(period.from - 800 * dayMicros, period.to + dayMicros)
  return fc.oneof(
    { weight: 4, arbitrary: near },
    { weight: 8, arbitrary: few },
    { weight: 6, arbitrary: inside },
    { weight: 2, arbitrary: before },
    { weight: 1, arbitrary: long },
  )
}

const quantity = fc.oneof(
  fc.constantFrom(null, 0n, 1n, -1n, 10n ** 48n - 1n, 1n - 10n ** 48n),
  fc.integer({ min: -9, max: 9 }).map((n) => BigInt(n) * 10n ** 18n),
  fc.bigInt({ min: -(10n ** 22n), max: 10n ** 22n }),
)
const bytes = fc.oneof(
  fc.constantFrom(null, 0n, 2n ** 64n - 1n, 2n ** 64n - 1n),
  fc.integer({ min: 0, max: 5_000 }).map(BigInt),
)

function eventIn(where: Setting): fc.Arbitrary<DrawnEvent> {
  return fc.record({
    account: fc.nat(1),
    time: timeIn(where),
    endpoint: fc.constantFrom('a.example', 'b.example', null),
    tag: fc.constantFrom('x', '', null),
    member: fc.constantFrom('m1', 'm1', 'm2', null),
    operation: fc.constantFrom('join', 'join', 'join', 'leave', 'leave', 'look', null),
    quantity,
    out: bytes,
    in: bytes,
  })
}

function happeningsIn(where: Setting): fc.Arbitrary<readonly Happening[]> {
  const one = fc.record({ event: fc.nat(29), what: fc.constantFrom(...happenings), to: eventIn(where) })
  return fc.array(one, { minLength: 30, maxLength: 70, size: 'max' })
}

type Question = Omit<Asked, 'measure'> & { readonly cuts: readonly Micros[] }

function questionIn({ period, zone, sizes }: Setting): fc.Arbitrary<Question> {
  const instant = fc
    .oneof(
      fc.integer({ min: period.from + 1, max: period.to - 1 }),
      fc.constantFrom(...clustersIn({ period, zone, sizes })),
    )
    .map((n) => n as Micros)
  return fc.record({
    period: fc.constant(period),
    zone: fc.constant(zone),
    size: fc.constantFrom(...sizes),
    groupBy: fc.constantFrom([], [], ['endpoint'] as const, ['endpoint', 'attributes.tag'] as const),
    top: fc.constantFrom(null, null, 1, 2),
    until: fc.oneof(
      { weight: 3, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: instant },
      // Also of a period that has not begun by then.
      { weight: 2, arbitrary: fc.constantFrom(0, 1, dayMicros).map((before) => (period.from - before) as Micros) },
    ),
    endpoints: fc.constantFrom(null, null, ['a.example']),
    cuts: fc.array(instant, { minLength: 1, maxLength: 3 }),
  })
}

const field = (name: 'quantity' | 'bytes_out_wire' | 'bytes_in_wire') => ({ kind: 'field', field: name }) as const
const membership = { field: 'attributes.operation', add: ['join'], remove: ['leave'] } as const

const levels: readonly LevelMeasure[] = [
  { kind: 'level', value: field('quantity'), mode: 'set', field: null, per: 'hour' },
  { kind: 'level', value: field('quantity'), mode: 'set', field: 'attributes.member', per: 'second' },
  { kind: 'level', value: field('quantity'), mode: 'set', field: 'attributes.member', per: 'window' },
  { kind: 'level', value: field('bytes_out_wire'), mode: 'set', field: 'endpoint', per: 'day' },
]
const changes = levels.map((measure): LevelMeasure => ({ ...measure, mode: 'change' }))

function percentiles(combine: PercentileMeasure['combine']): PercentileMeasure[] {
  const [inward, outward] = [field('bytes_in_wire'), field('bytes_out_wire')]
  const base = { kind: 'percentile', inward, outward, combine } as const
  return [
    { ...base, dropped: 500, intervalSeconds: 7_200, direction: 'in', factor: 8 },
    { ...base, dropped: 2_000, intervalSeconds: 43_200, direction: 'out', factor: 1 },
    { ...base, dropped: 0, intervalSeconds: 10_800, direction: 'higher', factor: 8 },
    { ...base, dropped: 3_000, intervalSeconds: 86_400, direction: 'sum', factor: 8 },
    // Numbers below zero are samples too: intervals without traffic lie above them.
    { ...base, dropped: 8_000, intervalSeconds: 21_600, direction: 'in', factor: 1, inward: field('quantity') },
  ]
}

const plain = (kind: 'sum' | 'min' | 'max' | 'average' | 'latest'): Measure[] => [
  { kind, value: field('quantity') },
  { kind, value: field('bytes_out_wire') },
]

const families: Readonly<Record<string, readonly Measure[]>> = {
  count: [{ kind: 'count' }],
  sum: plain('sum'),
  min: plain('min'),
  max: plain('max'),
  average: plain('average'),
  latest: plain('latest'),
  'active hours': [
    { kind: 'active_hours', field: 'endpoint' },
    { kind: 'active_hours', field: 'attributes.member' },
  ],
  unique: [{ kind: 'unique', field: 'attributes.member', membership: null }],
  'members, carried': [{ kind: 'unique', field: 'attributes.member', membership: { ...membership, carried: true } }],
  'members of a window': [
    { kind: 'unique', field: 'attributes.member', membership: { ...membership, carried: false } },
  ],
  'levels that are set': levels,
  'levels that change': changes,
  'percentile, combined before': percentiles('before'),
  'percentile, combined after': percentiles('after'),
}

describe('every measure equals the plain oracle, whatever happens to the events on their way', () => {
  let pipeline: Pipeline
  let log: EventLog
  let projection: Projection
  beforeAll(async () => {
    pipeline = await openPipeline()
    ;({ log, projection } = await pipeline.fresh())
  })
  afterAll(() => pipeline.close())

  const drawn = fc
    .constantFrom(...settings)
    .chain((where) =>
      fc.tuple(happeningsIn(where), fc.array(questionIn(where), { minLength: 1, maxLength: 2, size: 'max' })),
    )

  test.each(Object.keys(families))('property: %s', async (family) => {
    await fc.assert(
      fc.asyncProperty(drawn, fc.constantFrom(...(families[family] ?? [])), fc.nat(), async (all, measure, dice) => {
        const [steps, questions] = all
        const world = newWorld()
        const middle = dice % steps.length
        let then = { below: 0 as Offset, events: countedEvents(world) }
        for (const [index, step] of steps.entries()) {
          if (index === middle) then = { below: log.end(), events: countedEvents(world) }
          await happen(log, world, step)
          if (index % 13 === 5) await projection.step()
        }
        await projection.catchUp()
        const { accounts } = world
        const now = { below: projection.position(), accounts, events: countedEvents(world) }
        for (const { cuts, ...question } of questions) {
          await expectAnswers(pipeline, { ...question, measure }, now)
          await expectParts(pipeline, { ...question, measure }, now, cuts)
        }
        // What was said before the later events and corrections is said again (L5).
        const [first] = questions
        if (first !== undefined) await expectAnswers(pipeline, { ...first, measure }, { ...then, accounts })
      }),
      { numRuns: 3, endOnFailure: true },
    )
  })

  test('the oracle’s windows are hours by the clock', () => {
    const hours = ({ period, zone }: Setting): number => windowsByClock(period, 'hour', zone).length
    expect(settings.map(hours).every((count) => count >= 40)).toBe(true)
    const [, , , lordHowe] = settings
    // 71.5 hours, of which one ends and one begins at the half.
    expect(lordHowe === undefined ? 0 : hours(lordHowe)).toBe(72)
    expect(hourMicros).toBe(3_600_000_000)
  })
})
