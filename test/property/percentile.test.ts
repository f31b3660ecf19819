import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { planCorrection } from '../../src/app/corrections-plan.ts'
import { baseOf, newestOf } from '../../src/app/corrections.ts'
import { divide, exact, formatExact, zero } from '../../src/core/exact.ts'
import type { Exact } from '../../src/core/exact.ts'
import type { AccountKey, Offset } from '../../src/core/ids.ts'
import { calendarMonth, dayMicros, formatInstant, secondMicros } from '../../src/core/time.ts'
import type { Micros, Period, WindowSize } from '../../src/core/time.ts'
import type { Dimension } from '../../src/meter/definition.ts'
import type { EventLog } from '../../src/log/log.ts'
import type { Projection } from '../../src/store/project.ts'
import type { PercentileMeasure } from '../../src/store/measure/measure.ts'
import { meterOf } from '../support/aggregation-check.ts'
import { belowFilled, fillFacts } from '../support/aggregation-fill.ts'
import { arrivalOf, testNow } from '../support/events.ts'
import { openPipeline } from '../support/pipeline.ts'
import type { Pipeline } from '../support/pipeline.ts'

const five = 300 * secondMicros
const mbit = (n: number): string => String((n * 1_000_000 * 300) / 8)

/** Bits per second of five minutes, the 95th percentile: what is sold as bandwidth. */
const p95: PercentileMeasure = {
  kind: 'percentile',
  dropped: 500,
  intervalSeconds: 300,
  inward: { kind: 'field', field: 'bytes_in_wire' },
  outward: { kind: 'field', field: 'bytes_out_wire' },
  direction: 'out',
  combine: 'before',
  factor: 8,
}

let pipeline: Pipeline
let log: EventLog
let projection: Projection
beforeAll(async () => {
  pipeline = await openPipeline()
  ;({ log, projection } = await pipeline.fresh())
})
afterAll(() => pipeline.close())

interface Asking {
  readonly period: Period
  readonly measure?: Partial<PercentileMeasure>
  readonly below?: Offset
  readonly window?: WindowSize
  readonly zone?: string
  readonly until?: Micros
  readonly groupBy?: readonly Dimension[]
  readonly top?: number
}

async function rowsOf(account: string, { period, measure, below, window, zone, ...rest }: Asking): Promise<string[]> {
  const { rows } = await pipeline.readUsage({
    account: account as AccountKey,
    meter: meterOf({ ...p95, ...measure }, [], ['endpoint']),
    period,
    window: window ?? null,
    zone: zone ?? 'UTC',
    groupBy: [],
    below: below ?? belowFilled,
    ...rest,
  })
  return rows.map(({ quantity, group, others }) =>
    [...Object.values(group), ...(others === true ? ['others'] : []), formatExact(quantity ?? zero)].join(' '),
  )
}

async function rateOf(account: string, asking: Asking): Promise<string | undefined> {
  return (await rowsOf(account, asking))[0]
}

const monthOf = (year: number, month: number, zone: string): Period =>
  calendarMonth((Date.UTC(year, month - 1, 15) * 1000) as Micros, zone)

describe('one interval decides, in a month of every length', () => {
  test.each([
    [2026, 4, 'UTC', 8640, 432],
    [2026, 3, 'UTC', 8928, 446],
    [2026, 2, 'UTC', 8064, 403],
    [2024, 2, 'UTC', 8352, 417],
    // 31 × 288 without an hour, and with one more; 30 × 288 with one more.
    [2026, 3, 'Europe/Berlin', 8916, 445],
    [2025, 10, 'Europe/Berlin', 8940, 447],
    [2025, 11, 'America/New_York', 8652, 432],
    // Half an hour more.
    [2026, 4, 'Australia/Lord_Howe', 8646, 432],
  ])('%i-%i in %s: %i intervals, of which %i are dropped', async (year, month, zone, intervals, dropped) => {
    const period = monthOf(year, month, zone)
    expect((period.to - period.from) / five).toBe(intervals)
    for (const bursts of [dropped, dropped + 1]) {
      const account = `month-${year}-${month}-${zone}-${bursts}`
      await fillFacts(pipeline.engine, intervals, {
        account: `'${account}'`,
        // Anywhere in its interval; the bursts lie all over the month.
        time_us: `${period.from} + number * ${five} + (number * 7919) % ${five}`,
        bytes_out_wire: `if((number * 7919) % ${intervals} < ${bursts}, ${mbit(1_200)}, ${mbit(320)})`,
      })
      const expected = bursts > dropped ? '1200000000' : '320000000'
      expect(await rateOf(account, { period, zone })).toBe(expected)
      expect(await rateOf(account, { period, zone, window: 'month' })).toBe(expected)
    }
  })

  test('days of a month have intervals of their own: 288, and 276 where an hour is missing', async () => {
    const period = { from: at('2026-03-28T23:00:00Z'), to: at('2026-03-30T22:00:00Z') }
    // The 29th has 276 intervals and drops 13, the 30th 288 and 14: 14 bursts a day.
    await fillFacts(pipeline.engine, 28, {
      account: "'days'",
      time_us: `${period.from} + intDiv(number, 14) * ${23 * 12 * five} + (number % 14) * ${five}`,
      bytes_out_wire: mbit(1),
    })
    expect(await rowsOf('days', { period, zone: 'Europe/Berlin', window: 'day' })).toEqual(['1000000', '0'])
    expect(await rateOf('days', { period, zone: 'Europe/Berlin' })).toBe('0')
  })
})

const at = (text: string): Micros => (Date.parse(text) * 1000) as Micros
const begin = at('2026-09-01T00:00:00Z')
const intervals = (count: number): Period => ({ from: begin, to: (begin + count * five) as Micros })

describe('of few intervals', () => {
  // 1, 2, 3, … Mbit/s, and so many dropped: floor(N × 5 %).
  test.each([
    [1, 1],
    [2, 2],
    [19, 19],
    [20, 19],
    [21, 20],
    [39, 38],
    [40, 38],
    [41, 39],
    [101, 96],
  ])('of 1 to %i it is %i', async (count, expected) => {
    const account = `ladder-${count}`
    await fillFacts(pipeline.engine, count, {
      account: `'${account}'`,
      time_us: `${begin} + number * ${five}`,
      bytes_out_wire: `(number + 1) * ${mbit(1)}`,
    })
    expect(await rateOf(account, { period: intervals(count) })).toBe(String(expected * 1_000_000))
  })

  test('fewer with traffic than are dropped: nothing; with none dropped, the highest', async () => {
    await fillFacts(pipeline.engine, 432, {
      account: "'few'",
      time_us: `${begin} + number * ${five}`,
      bytes_out_wire: `(number + 1) * ${mbit(1)}`,
    })
    const period = { from: begin, to: at('2026-10-01T00:00:00Z') }
    expect(await rateOf('few', { period })).toBe('0')
    expect(await rateOf('few', { period, measure: { dropped: 0 } })).toBe('432000000')
    expect(await rateOf('few', { period, measure: { dropped: 499 } })).toBe('1000000')
    expect(await rateOf('nobody', { period })).toBe('0')
  })

  test('an interval ends before the next begins; the last one may be shorter, and is one', async () => {
    const period = { from: begin, to: (begin + 19 * five + secondMicros) as Micros }
    // The 20th interval lasts a second; its rate is of five minutes all the same.
    const times = [begin + five - 1, begin + five, begin + 19 * five]
    await fillFacts(pipeline.engine, 3, {
      account: "'ends'",
      time_us: `[${times.join(', ')}][number + 1]`,
      bytes_out_wire: `[${mbit(5)}, ${mbit(7)}, ${mbit(9)}][number + 1]`,
    })
    expect(await rateOf('ends', { period })).toBe('7000000')
    expect(await rateOf('ends', { period: { ...period, to: (begin + 19 * five) as Micros } })).toBe('7000000')
    expect(await rateOf('ends', { period, measure: { dropped: 1_000 } })).toBe('5000000')
  })

  test('rates beyond 64 bits, and fractions of a byte per second', async () => {
    await fillFacts(pipeline.engine, 4, {
      account: "'wide'",
      time_us: `${begin} + number`,
      bytes_out_wire: '18446744073709551615',
    })
    // 4 × (2^64 - 1) × 8 / 300
    expect(await rateOf('wide', { period: intervals(1) })).toBe(formatExact(exactOf(4n * (2n ** 64n - 1n) * 8n, 300n)))
    await fillFacts(pipeline.engine, 1, { account: "'thin'", time_us: `${begin}`, bytes_out_wire: '1' })
    expect(await rateOf('thin', { period: intervals(1) })).toBe('2/75')
  })

  test('amounts below zero lie under the intervals without traffic', async () => {
    await fillFacts(pipeline.engine, 4, {
      account: "'below'",
      time_us: `${begin} + number * ${five}`,
      quantity: `toDecimal256([-600, -300, 300, 0][number + 1], 18)`,
    })
    const measure = { outward: { kind: 'field', field: 'quantity' }, factor: 1 } as const
    const places = [0, 2_000, 4_000, 6_000, 8_000]
    const rates = places.map((dropped) => rateOf('below', { period: intervals(5), measure: { ...measure, dropped } }))
    expect(await Promise.all(rates)).toEqual(['1', '0', '0', '-1', '-2'])
  })
})

function exactOf(numerator: bigint, denominator: bigint): Exact {
  return divide(exact(numerator), exact(denominator))
}

describe('directions', () => {
  // 20 intervals, one is dropped. In: 100 in the first and second; out: 100 in the third and fourth, else 10.
  const expectations: [PercentileMeasure['direction'], PercentileMeasure['combine'], string][] = [
    ['in', 'before', '100'],
    ['in', 'after', '100'],
    ['out', 'before', '100'],
    ['out', 'after', '100'],
    ['higher', 'before', '100'],
    ['higher', 'after', '100'],
    ['sum', 'before', '110'],
    ['sum', 'after', '200'],
  ]
  test.each(expectations)('%s, combined %s the percentile: %s', async (direction, combine, expected) => {
    const account = `directions-${direction}-${combine}`
    const rate = (places: string): string => `if(number IN (${places}), ${mbit(100)}, ${mbit(10)})`
    await fillFacts(pipeline.engine, 20, {
      account: `'${account}'`,
      time_us: `${begin} + number * ${five}`,
      bytes_in_wire: rate('0, 1'),
      bytes_out_wire: rate('2, 3'),
    })
    const asking = { period: intervals(20), measure: { direction, combine } }
    expect(await rateOf(account, asking)).toBe(`${expected}000000`)
  })

  test('the higher of both is another number before and after', async () => {
    // In is high in one interval, out in another: dropped apart, neither is left; together, one is.
    await fillFacts(pipeline.engine, 2, {
      account: "'apart'",
      time_us: `${begin} + number * ${five}`,
      bytes_in_wire: `if(number = 0, ${mbit(50)}, 0)`,
      bytes_out_wire: `if(number = 1, ${mbit(40)}, 0)`,
    })
    const period = intervals(20)
    expect(await rateOf('apart', { period, measure: { direction: 'higher', combine: 'before' } })).toBe('40000000')
    expect(await rateOf('apart', { period, measure: { direction: 'higher', combine: 'after' } })).toBe('0')
  })

  test('an event is a sample of what it carries; one that lacks a direction that is measured is said to be missing', async () => {
    await fillFacts(pipeline.engine, 3, {
      account: "'one-way'",
      time_us: `${begin} + number`,
      bytes_in_wire: `if(number = 0, ${mbit(3)}, NULL)`,
      bytes_out_wire: `if(number = 1, ${mbit(4)}, NULL)`,
    })
    const one = { account: 'one-way' as AccountKey, period: intervals(1), window: null, zone: 'UTC', groupBy: [] }
    const said = async (direction: PercentileMeasure['direction']) => {
      const meter = meterOf({ ...p95, direction })
      const answer = await pipeline.readUsage({ ...one, meter, below: belowFilled })
      return [formatExact(answer.total ?? zero), answer.eventsWithoutValue]
    }
    // One event has the one direction, one the other, and one neither.
    expect(await said('in')).toEqual(['3000000', 2n])
    expect(await said('out')).toEqual(['4000000', 2n])
    expect(await said('higher')).toEqual(['4000000', 3n])
    expect(await said('sum')).toEqual(['7000000', 3n])
  })
})

describe('groups and what is not known yet', () => {
  test('percentiles of groups are their own, the others are one, and they do not add up to the whole', async () => {
    // Three hosts, each high in its own two intervals of 20.
    await fillFacts(pipeline.engine, 6, {
      account: "'hosts'",
      time_us: `${begin} + number * ${five}`,
      endpoint: `['a', 'b', 'c'][intDiv(number, 2) + 1]`,
      bytes_out_wire: `(intDiv(number, 2) + 1) * ${mbit(1)}`,
    })
    const asking = { period: intervals(20), groupBy: ['endpoint'] } as const
    expect(await rowsOf('hosts', asking)).toEqual(['a 1000000', 'b 2000000', 'c 3000000'])
    expect(await rateOf('hosts', { period: intervals(20) })).toBe('3000000')
    expect((await rowsOf('hosts', { ...asking, top: 1 })).toSorted()).toEqual(['c 3000000', 'others 2000000'])
  })

  test('up to now: only intervals that have begun are counted, and nothing of what lies ahead', async () => {
    // 20 intervals of traffic in a period of 400; a burst after them.
    await fillFacts(pipeline.engine, 21, {
      account: "'now'",
      time_us: `${begin} + number * ${five}`,
      bytes_out_wire: `(number + 1) * ${mbit(1)}`,
    })
    const until = (begin + 20 * five) as Micros
    expect(await rateOf('now', { period: intervals(400) })).toBe('1000000')
    expect(await rateOf('now', { period: intervals(400), until })).toBe('19000000')
    const days = { period: { from: begin, to: (begin + 2 * dayMicros) as Micros }, window: 'day', until } as const
    expect(await rowsOf('now', days)).toEqual(['19000000', '0'])
  })
})

describe('late events', () => {
  test('raise it and lower it when they come and go, and change nothing that was said before (L5)', async () => {
    const period = intervals(40)
    const send = async (seq: number, interval: number, rate: number): Promise<void> => {
      const time = formatInstant((begin + interval * five) as Micros)
      const arrival = arrivalOf({ account: 'late', source: 'late', seq, time, bytes_out_wire: mbit(rate) })
      const { outcomes } = await log.append([arrival, arrival], testNow)
      expect(outcomes.map(({ kind }) => kind)).toEqual(['accepted', 'duplicate'])
    }
    const now = async (): Promise<string | undefined> => {
      await projection.catchUp()
      return rateOf('late', { period, below: projection.position() })
    }
    // Of 40 intervals two are dropped.
    await send(1, 3, 500)
    await send(2, 30, 400)
    expect(await now()).toBe('0')
    const before = projection.position()
    await send(3, 7, 90)
    expect(await now()).toBe('90000000')
    // Into an interval that had traffic: the order changes, 500 and 490 are dropped.
    await send(4, 7, 400)
    expect(await now()).toBe('400000000')
    const raised = projection.position()
    const base = await baseOf({ log }, await newestOf({ log }, (raised - 1) as Offset))
    const door = { by: 'Ada', reason: 'counted by another', now: testNow, ownerAt: () => null }
    await log.append([planCorrection(base, { kind: 'retract' }, door).arrival], testNow)
    expect(await now()).toBe('90000000')
    expect(await rateOf('late', { period, below: before })).toBe('0')
    expect(await rateOf('late', { period, below: raised })).toBe('400000000')
  })
})
