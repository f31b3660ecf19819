import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { formatExact, zero } from '../../src/core/exact.ts'
import type { AccountKey } from '../../src/core/ids.ts'
import { formatInstant, hourMicros } from '../../src/core/time.ts'
import type { Micros, Period } from '../../src/core/time.ts'
import { standardMeters } from '../../src/meter/standard.ts'
import { sharedUsageReader, usageByAccount, usageOfAll } from '../../src/meter/usage.ts'
import { arrivalOf, testNow } from '../support/events.ts'
import { openPipeline } from '../support/pipeline.ts'
import type { Pipeline } from '../support/pipeline.ts'

const accounts = ['acme', 'globex', 'unattributed']
const start = (Date.UTC(2026, 8, 28) * 1000) as Micros
const period: Period = { from: start, to: (start + 8 * 24 * hourMicros) as Micros }

/** A part of the period whose ends lie within hours. */
const part: Period = { from: (start + 1.3 * hourMicros) as Micros, to: (start + 6.71 * 24 * hourMicros) as Micros }

const size = fc.oneof(
  fc.constant(null),
  fc.constant('0'),
  fc.integer({ min: 1, max: 5_000 }).map(String),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }).map(String),
)
const event = fc.record({
  account: fc.constantFrom(...accounts, null),
  kind: fc.constantFrom('http_request', 'tcp_connection', 'tls_connection', 'session'),
  phase: fc.constantFrom('final', 'interim', null),
  leg: fc.constantFrom('client', 'agent', null),
  endpoint: fc.constantFrom('api.example.com', 'www.example.com', null),
  // Some of them close together, so that hours have more than one event.
  at: fc.oneof(fc.integer({ min: 0, max: 8 * 24 * hourMicros - 1 }), fc.integer({ min: 0, max: 3 * hourMicros })),
  bytes_out_wire: size,
  bytes_out_body: size,
  bytes_in_wire: size,
  bytes_in_body: size,
})
type Drawn = typeof event extends fc.Arbitrary<infer T> ? T : never

/** The slow and obvious way: one loop, one Map, big integers. Knows nothing of the store. */
function recount(events: readonly Drawn[]): Map<string, bigint> {
  const counts = new Map<string, bigint>()
  const hours = new Map<string, number>()
  const add = (meter: string, account: string, at: number, value: bigint): void => {
    const key = `${meter} ${account} ${start + at - ((start + at) % hourMicros)}`
    counts.set(key, (counts.get(key) ?? 0n) + value)
  }
  for (const drawn of events) {
    const { kind, at } = drawn
    const account = drawn.account ?? 'unattributed'
    if (kind === 'session' || drawn.leg === 'agent') continue
    if (drawn.phase !== 'interim') add(kind === 'http_request' ? 'http_requests' : 'connections', account, at, 1n)
    add('data_out_wire', account, at, BigInt(drawn.bytes_out_wire ?? 0))
    add('data_out_body', account, at, BigInt(drawn.bytes_out_body ?? 0))
    add('data_in_wire', account, at, BigInt(drawn.bytes_in_wire ?? 0))
    add('data_in_body', account, at, BigInt(drawn.bytes_in_body ?? 0))
    if (BigInt(drawn.bytes_out_wire ?? 0) > 0n || BigInt(drawn.bytes_out_body ?? 0) > 0n) {
      hours.set(`${account} ${drawn.endpoint ?? ''} ${Math.floor((start + at) / hourMicros)}`, at)
    }
  }
  for (const [key, at] of hours) add('active_endpoint_hours', key.split(' ')[0] ?? '', at, 1n)
  return counts
}

/** Totals of a period that begins and ends within hours; an active hour lies where its first event lies. */
function recountBetween(events: readonly Drawn[], part: Period): Map<string, bigint> {
  const counts = new Map<string, bigint>()
  const firsts = new Map<string, number>()
  const add = (key: string, value: bigint): void => void counts.set(key, (counts.get(key) ?? 0n) + value)
  for (const drawn of events) {
    const time = start + drawn.at
    const account = drawn.account ?? 'unattributed'
    if (drawn.kind === 'session' || drawn.leg === 'agent') continue
    if (BigInt(drawn.bytes_out_wire ?? 0) > 0n || BigInt(drawn.bytes_out_body ?? 0) > 0n) {
      const hour = `${account} ${drawn.endpoint ?? ''} ${Math.floor(time / hourMicros)}`
      firsts.set(hour, Math.min(firsts.get(hour) ?? time, time))
    }
    if (time < part.from || time >= part.to) continue
    add(`data_out_wire ${account}`, BigInt(drawn.bytes_out_wire ?? 0))
    if (drawn.kind === 'http_request' && drawn.phase !== 'interim') add(`http_requests ${account}`, 1n)
  }
  for (const [hour, first] of firsts) {
    if (first >= part.from && first < part.to) add(`active_endpoint_hours ${hour.split(' ')[0] ?? ''}`, 1n)
  }
  return counts
}

function inputOf(drawn: Drawn, seq: number): Record<string, unknown> {
  const { at, ...fields } = drawn
  return { ...fields, seq, time: formatInstant((start + at) as Micros) }
}

describe('usage equals a plain recount, whatever happens to the events on their way', () => {
  let pipeline: Pipeline
  beforeAll(async () => {
    pipeline = await openPipeline()
  })
  afterAll(() => pipeline.close())

  test('property: by account, meter and hour; by the whole period; by all accounts at once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { minLength: 1, maxLength: 60 }),
        fc.infiniteStream(fc.nat()),
        async (events, dice) => {
          const { log, projection } = await pipeline.fresh()
          const roll = (sides: number): number => Number(dice.next().value) % sides
          // Every event at least once, some again, in any order, in batches of any size.
          const sent = [...events.keys(), ...events.keys().filter(() => roll(3) === 0)]
            .map((index) => ({ index, order: roll(1_000_000) }))
            .toSorted((a, b) => a.order - b.order)
          while (sent.length > 0) {
            const batch = sent.splice(0, 1 + roll(25))
            await log.append(
              batch.map(({ index }) => arrivalOf(inputOf(events[index] as Drawn, index + 1))),
              testNow,
            )
            if (roll(3) === 0) await projection.step()
          }
          await projection.catchUp()
          const oracle = recount(events)
          const parts = recountBetween(events, part)
          const below = projection.position()
          for (const meter of standardMeters) {
            const all = await usageByAccount(pipeline.engine, { meter, period, window: 'hour', zone: 'UTC', below })
            if (['data_out_wire', 'http_requests', 'active_endpoint_hours'].includes(meter.key)) {
              for (const account of accounts as AccountKey[]) {
                const question = {
                  account,
                  meter,
                  period: part,
                  window: 'hour' as const,
                  zone: 'Asia/Kolkata',
                  groupBy: [],
                  below,
                }
                const answer = await pipeline.readUsage(question)
                expect(formatExact(answer.total ?? zero), `${meter.key} ${account}`).toBe(
                  String(parts.get(`${meter.key} ${account}`) ?? 0n),
                )
              }
            }
            let rowsTotal = 0n
            for (const account of accounts) {
              const answer = await pipeline.readUsage({
                account: account as AccountKey,
                meter,
                period,
                window: 'hour',
                zone: 'UTC',
                groupBy: [],
                below,
              })
              for (const row of answer.rows) {
                expect(formatExact(row.quantity ?? zero), `${meter.key} ${account} ${formatInstant(row.from)}`).toBe(
                  String(oracle.get(`${meter.key} ${account} ${row.from}`) ?? 0n),
                )
              }
              // Crossfoot: the one question over the whole period, and the operator's over all accounts, agree.
              const whole = await pipeline.readUsage({
                account: account as AccountKey,
                meter,
                period,
                window: null,
                zone: 'UTC',
                groupBy: [],
                below,
              })
              expect(formatExact(whole.total ?? zero)).toBe(formatExact(answer.total ?? zero))
              expect(formatExact(all.get(account as AccountKey)?.total ?? answer.total ?? zero)).toBe(
                formatExact(answer.total ?? zero),
              )
              rowsTotal += BigInt(formatExact(answer.total ?? zero))
            }
            const shared = sharedUsageReader(pipeline.engine)
            for (const account of accounts as AccountKey[]) {
              const question = {
                account,
                meter,
                period,
                window: 'day' as const,
                zone: 'America/New_York',
                groupBy: [],
                below,
              }
              expect(await shared(question)).toEqual(await pipeline.readUsage(question))
              const whole = { ...question, window: null }
              expect(await shared(whole)).toEqual(await pipeline.readUsage(whole))
            }
            const columnsTotal = [...oracle]
              .filter(([key]) => key.startsWith(`${meter.key} `))
              .reduce((total, [, value]) => total + value, 0n)
            expect(rowsTotal).toBe(columnsTotal)
            const together = await usageOfAll(pipeline.engine, {
              meter,
              period,
              window: 'day',
              zone: 'Asia/Kolkata',
              below,
            })
            expect(formatExact(together.total ?? zero)).toBe(String(columnsTotal))
          }
        },
      ),
      { numRuns: 8, endOnFailure: true },
    )
  })
})
