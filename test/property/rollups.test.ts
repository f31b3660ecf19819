import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { baseOf, newestOf } from '../../src/app/corrections.ts'
import { planCorrection } from '../../src/app/corrections-plan.ts'
import type { Wanted } from '../../src/app/corrections-plan.ts'
import { rollDue, rolledOf } from '../../src/app/rollups.ts'
import { exact, formatExact } from '../../src/core/exact.ts'
import type { AccountKey, MeterKey, Offset } from '../../src/core/ids.ts'
import { formatInstant, hourMicros } from '../../src/core/time.ts'
import type { Micros, Period } from '../../src/core/time.ts'
import type { EventLog } from '../../src/log/log.ts'
import type { MeterDefinition } from '../../src/meter/definition.ts'
import { planRolled, rolledMeterOf, sealedUntil, withRolled } from '../../src/meter/rollups.ts'
import { standardMeters } from '../../src/meter/standard.ts'
import { usageByAccount, usageReader } from '../../src/meter/usage.ts'
import { askFacts } from '../../src/store/query.ts'
import { rollHours } from '../../src/store/rollup.ts'
import { arrivalOf, testNow } from '../support/events.ts'
import { openPipeline } from '../support/pipeline.ts'
import type { Pipeline } from '../support/pipeline.ts'

const start = (Date.UTC(2026, 8, 28) * 1000) as Micros
const hours = 30
const period: Period = { from: start, to: (start + hours * hourMicros) as Micros }
const later = (period.to + 24 * hourMicros) as Micros

const value = { kind: 'field', field: 'bytes_out_wire' } as const
const more = (['min', 'max', 'average', 'latest'] as const).map((kind): MeterDefinition => ({
  key: `wire_${kind}` as MeterKey,
  version: 1,
  name: kind,
  unit: 'bytes',
  aggregation: { kind, value },
  filter: [],
  groupBy: ['endpoint', 'region'],
}))
const rolledStandard = new Set(['http_requests', 'data_out_wire', 'active_endpoint_hours'])
const meters = [...standardMeters.filter(({ key }) => rolledStandard.has(key)), ...more]

const event = fc.record({
  account: fc.constantFrom('acme', 'globex'),
  kind: fc.constantFrom('http_request', 'tcp_connection'),
  endpoint: fc.constantFrom('a.example', 'b.example', null),
  region: fc.constantFrom('eu', null),
  at: fc.integer({ min: 0, max: hours * hourMicros - 1 }),
  bytes_out_wire: fc.constantFrom(null, '0', '17', '18446744073709551615'),
})

let pipeline: Pipeline
let drawn = 0
let now = later
const raised: string[] = []
beforeAll(async () => {
  pipeline = await openPipeline()
})
afterAll(() => pipeline.close())

/** Rolls everything that is due, by the code of the service. */
async function rollAll(below: Offset): Promise<void> {
  // Hours that were touched again are due after a while.
  now = (now + 10 * 60 * 1_000_000) as Micros
  await rollDue({
    engine: pipeline.engine,
    projection: { position: () => below },
    world: {
      now: () => now,
      random: (size) => {
        drawn += 1
        return createHash('sha512').update(`rollups ${drawn}`).digest().subarray(0, size)
      },
    },
    meters: () => Promise.resolve(rolledOf(meters)),
    raise: ({ message }) => Promise.resolve(void raised.push(message)),
    report: (error) => {
      throw error
    },
  })
}

/** What a person corrects: time, account, or that it happened at all. */
async function correct(log: EventLog, first: Offset, roll: (sides: number) => number): Promise<void> {
  const at = formatInstant((start + roll(hours * hourMicros)) as Micros)
  const wanted = (
    [
      { kind: 'retract' },
      { kind: 'reattribute', account: roll(2) === 0 ? 'acme' : 'globex' },
      { kind: 'amend', change: { time: at } },
      { kind: 'amend', change: { bytes_out_wire: String(roll(1_000)), region: 'us' } },
    ] as unknown as Wanted[]
  )[roll(4)]
  const base = await baseOf({ log }, await newestOf({ log }, first))
  // What was retracted stays so.
  if (wanted === undefined || base.version.fact === null) return
  const door = { by: 'Ada', reason: 'drawn', now: testNow, ownerAt: () => null }
  const { arrival, unchanged } = planCorrection(base, wanted, door)
  if (!unchanged) await log.append([arrival], testNow)
}

/** The answer from rolled hours, and the one from the events alone, which property tests hold against oracles. */
async function bothAnswers(
  meter: MeterDefinition,
  below: Offset,
  cut: { readonly part: Period; readonly starts: Micros[] },
) {
  const { part, starts } = cut
  const question = {
    scope: { kind: 'operator', question: 'usage_by_account' },
    period: part,
    starts,
    below,
    measure: meter.aggregation,
    conditions: meter.filter,
    dimensions: [],
  } as const
  const planned = await withRolled(pipeline.engine, meter, question)
  return {
    fromEvents: await askFacts(pipeline.engine, question),
    planned,
    fromRolled: await askFacts(pipeline.engine, planned),
  }
}

describe('rolled hours', () => {
  test('property: whatever is rolled, touched since, or not rolled yet, the answer is that of the events (L5, L9)', async () => {
    let used = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(event, { minLength: 1, maxLength: 25 }), { minLength: 2, maxLength: 4 }),
        fc.infiniteStream(fc.nat()),
        async (batches, dice) => {
          const { log, projection } = await pipeline.fresh()
          const roll = (sides: number): number => Number(dice.next().value) % sides
          const ends: Offset[] = []
          let seq = 0
          for (const batch of batches) {
            await log.append(
              batch.map(({ at, ...fields }) => {
                seq += 1
                return arrivalOf({ ...fields, seq, time: formatInstant((start + at) as Micros) })
              }),
              testNow,
            )
            for (let turn = roll(6); turn > 0; turn -= 1) await correct(log, roll(log.end()) as Offset, roll)
            await projection.catchUp()
            ends.push(projection.position())
            if (roll(2) === 0) await rollAll(projection.position())
          }
          for (const meter of meters) {
            const below = ends[roll(ends.length)] ?? projection.position()
            const from = (start + roll(5) * hourMicros + (roll(2) === 0 ? 0 : roll(hourMicros))) as Micros
            const to = (period.to - roll(5) * hourMicros - (roll(2) === 0 ? 0 : roll(hourMicros))) as Micros
            const middle = (from + roll(to - from - 2) + 1) as Micros
            const whole = (start + 12 * hourMicros) as Micros
            for (const starts of [[from], [from, middle], [from, whole]]) {
              const { fromEvents, planned, fromRolled } = await bothAnswers(meter, below, {
                part: { from, to },
                starts,
              })
              if (planned.rolled !== undefined) used += 1
              expect(fromRolled, `${meter.key} below ${below}`).toEqual(fromEvents)
            }
          }
        },
      ),
      { numRuns: 4, endOnFailure: true },
    )
    // The property says nothing unless rolled hours answered.
    expect(used).toBeGreaterThan(20)
    expect(raised).toEqual([])
  }, 120_000)

  test('a late event opens its hour again, and only its hour', async () => {
    const { log, projection } = await pipeline.fresh()
    const send = async (seq: number, hour: number): Promise<void> => {
      const at = formatInstant((start + hour * hourMicros + 5) as Micros)
      const input = { seq, kind: 'http_request', account: 'acme', bytes_out_wire: '1', time: at }
      await log.append([arrivalOf(input)], testNow)
      await projection.catchUp()
    }
    for (const [seq, hour] of [1, 2, 5].entries()) await send(seq + 1, hour)
    await rollAll(projection.position())
    const [meter] = standardMeters
    if (meter === undefined) throw new Error('there are standard meters')
    const sealed = () => sealedUntil(pipeline.engine, { meter, period, below: projection.position(), now: later })
    expect(await sealed()).toBe(period.to)
    await send(4, 2)
    expect(await sealed()).toBe(start + 2 * hourMicros)
    const { planned } = await bothAnswers(meter, projection.position(), { part: period, starts: [period.from] })
    expect(planned.rolled?.runs).toEqual([1, 2, 5, 6].map((hour) => start + hour * hourMicros))
    expect(planned.rolled?.generations.map((generation) => generation > 1)).toEqual([true, false, true, false])
    expect(planned.rolled?.rest).toEqual([{ from: start + 2 * hourMicros, to: start + 3 * hourMicros }])
    // What was said before the late event is still said below its offset.
    const { fromRolled } = await bothAnswers(meter, 3 as Offset, { part: period, starts: [period.from] })
    expect(fromRolled.map(({ quantity }) => Number(quantity))).toEqual([3])
    await rollAll(projection.position())
    expect(await sealed()).toBe(period.to)
    const usage = await usageReader(pipeline.engine)({
      account: 'acme' as AccountKey,
      meter,
      period,
      window: null,
      zone: 'UTC',
      groupBy: [],
      below: projection.position(),
    })
    expect(usage.total === null ? null : formatExact(usage.total)).toBe('4')
  })

  test('what an interruption left behind is never read', async () => {
    const { log, projection } = await pipeline.fresh()
    const time = formatInstant((start + 5) as Micros)
    await log.append([arrivalOf({ seq: 1, kind: 'http_request', account: 'acme', time })], testNow)
    await projection.catchUp()
    const run = { from: start, to: (start + hourMicros) as Micros }
    // Killed after its rows and before its note, twice.
    const rolled = rolledMeterOf(standardMeters[0] as MeterDefinition)
    if (rolled === null) throw new Error('requests are rolled')
    for (const generation of [1_000_007, 1_000_008])
      await rollHours(pipeline.engine, { rolled, run, below: projection.position(), generation })
    await rollAll(projection.position())
    const { fromEvents, planned, fromRolled } = await bothAnswers(
      standardMeters[0] as MeterDefinition,
      projection.position(),
      {
        part: period,
        starts: [period.from],
      },
    )
    expect(planned.rolled?.runs).toEqual([start, start + hourMicros])
    expect(fromRolled).toEqual(fromEvents)
  })

  test('windows that begin within an hour are counted from its events', () => {
    const touched = new Map([[start, 1 as Offset]])
    const rolled = [{ hour: start, below: 1 as Offset, generation: 7, accounts: 1, digest: '1', rolled: start }]
    const meter = { meter: 'x' as MeterKey, version: 1, definition: 1 }
    const plan = (starts: Micros[]) => planRolled({ period, starts }, meter, { touched, rolled })
    expect(plan([start])?.generations).toEqual([7, 0])
    expect(plan([start, (start + 1) as Micros])).toBeNull()
  })

  test('a narrower question of the same name and version is not answered by the rolled hours of the wider one', async () => {
    const { log, projection } = await pipeline.fresh()
    const event = { kind: 'http_request', account: 'acme', time: formatInstant((start + 5) as Micros) }
    await log.append([arrivalOf({ ...event, seq: 1, endpoint: 'a.example' }), arrivalOf({ ...event, seq: 2 })], testNow)
    await projection.catchUp()
    await rollAll(projection.position())
    const [meter] = standardMeters
    if (meter === undefined) throw new Error('there are standard meters')
    const filter = [...meter.filter, { operator: 'in', field: 'endpoint', values: ['a.example'] } as const]
    const question = { period, window: null, zone: 'UTC', below: projection.position() }
    const [wide, narrow] = await Promise.all(
      [meter, { ...meter, filter }].map((one) => usageByAccount(pipeline.engine, { ...question, meter: one })),
    )
    expect(wide?.get('acme' as AccountKey)?.total).toEqual(exact(2n))
    expect(narrow?.get('acme' as AccountKey)?.total).toEqual(exact(1n))
  })
})
