import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { baseOf, newestOf } from '../../src/app/corrections.ts'
import { planCorrection } from '../../src/app/corrections-plan.ts'
import type { Wanted } from '../../src/app/corrections-plan.ts'
import { formatExact, zero } from '../../src/core/exact.ts'
import type { AccountKey, Offset } from '../../src/core/ids.ts'
import { formatInstant, hourMicros } from '../../src/core/time.ts'
import type { Micros, Period } from '../../src/core/time.ts'
import type { EventLog } from '../../src/log/log.ts'
import { standardMeters } from '../../src/meter/standard.ts'
import { usageByAccount } from '../../src/meter/usage.ts'
import { arrivalOf, testNow } from '../support/events.ts'
import { openPipeline } from '../support/pipeline.ts'
import type { Pipeline } from '../support/pipeline.ts'

const accounts = ['acme', 'globex', 'unattributed'] as const
const endpoints = ['api.example.com', 'www.example.com'] as const
const hours = 6
const start = (Date.UTC(2026, 8, 30, 22) * 1000) as Micros
const period: Period = { from: start, to: (start + hours * hourMicros) as Micros }

/** What the oracle knows of an event; `null` in its place: retracted. */
interface Known {
  readonly account: (typeof accounts)[number]
  readonly kind: 'http_request' | 'tcp_connection'
  readonly endpoint: (typeof endpoints)[number]
  readonly at: number
  readonly wire: number
  readonly body: number
}

const known: fc.Arbitrary<Known> = fc.record({
  account: fc.constantFrom(...accounts),
  kind: fc.constantFrom('http_request', 'tcp_connection'),
  endpoint: fc.constantFrom(...endpoints),
  at: fc.integer({ min: 0, max: hours * hourMicros - 1 }),
  wire: fc.integer({ min: 0, max: 3 }).map((n) => n * 1_000),
  body: fc.integer({ min: 0, max: 2 }).map((n) => n * 100),
})

/** One thing that happens to an event: it is sent (perhaps again), amended, retracted, moved. */
const step = fc.record({
  event: fc.nat(11),
  what: fc.constantFrom('send', 'send', 'amend', 'amend time', 'amend account', 'retract', 'reattribute'),
  to: known,
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

type World = Map<number, Known | null>

/** The slow and obvious way: one loop over what every event is by now. Knows nothing of the store, log or versions. */
function recount(world: World): Map<string, bigint> {
  const counts = new Map<string, bigint>()
  const active = new Map<string, number>()
  const add = (meter: string, { account, at }: Known, value: number): void => {
    const key = `${meter} ${account} ${Math.floor(at / hourMicros)}`
    counts.set(key, (counts.get(key) ?? 0n) + BigInt(value))
  }
  for (const event of world.values()) {
    if (event === null) continue
    add(event.kind === 'http_request' ? 'http_requests' : 'connections', event, 1)
    add('data_out_wire', event, event.wire)
    add('data_out_body', event, event.body)
    if (event.wire > 0 || event.body > 0)
      active.set(`${event.account} ${event.endpoint} ${Math.floor(event.at / hourMicros)}`, 1)
  }
  for (const name of active.keys()) {
    const [account = '', , hour = ''] = name.split(' ')
    const key = `active_endpoint_hours ${account} ${hour}`
    counts.set(key, (counts.get(key) ?? 0n) + 1n)
  }
  return counts
}

function inputOf({ account, kind, endpoint, at, wire, body }: Known, seq: number): Record<string, unknown> {
  const time = formatInstant((start + at) as Micros)
  return { source: 'edge', seq, account, kind, endpoint, time, bytes_out_wire: wire, bytes_out_body: body }
}

/** What a step asks for, and what the event is afterwards. Null: there is nothing to do it to. */
function wantedOf({ what, to }: Step, before: Known | null): { wanted: Wanted; after: Known | null } | null {
  switch (what) {
    case 'send':
      return null
    case 'retract':
      return { wanted: { kind: 'retract' }, after: null }
    case 'reattribute':
      return before === null
        ? null
        : {
            wanted: { kind: 'reattribute', account: to.account as AccountKey },
            after: { ...before, account: to.account },
          }
    case 'amend':
      return before === null
        ? null
        : { wanted: { kind: 'amend', change: { bytes_out_wire: to.wire } }, after: { ...before, wire: to.wire } }
    case 'amend time':
      return before === null
        ? null
        : {
            wanted: {
              kind: 'amend',
              change: { time: formatInstant((start + to.at) as Micros), endpoint: to.endpoint },
            },
            after: { ...before, at: to.at, endpoint: to.endpoint },
          }
    case 'amend account': {
      // All of it: this is also how a retracted event comes back.
      const { source: _, seq: __, ...change } = inputOf(to, 1)
      return { wanted: { kind: 'amend', change }, after: to }
    }
  }
}

let pipeline: Pipeline
beforeAll(async () => {
  pipeline = await openPipeline()
})
afterAll(() => pipeline.close())

async function take(log: EventLog, world: World, offsets: Map<number, Offset>, one: Step): Promise<void> {
  const first = offsets.get(one.event)
  if (first === undefined) {
    const { outcomes } = await log.append([arrivalOf(inputOf(one.to, one.event + 1))], testNow)
    expect(outcomes[0]?.kind).toBe('accepted')
    offsets.set(one.event, (log.end() - 1) as Offset)
    world.set(one.event, one.to)
    return
  }
  const step = wantedOf(one, world.get(one.event) ?? null)
  if (step === null) return
  const base = await baseOf({ log }, await newestOf({ log }, first))
  const door = { by: 'Ada', reason: 'drawn', now: testNow, ownerAt: () => null }
  const { arrival, unchanged } = planCorrection(base, step.wanted, door)
  if (!unchanged) {
    // Sent twice, as after a lost answer: counted once (L2).
    const { outcomes } = await log.append([arrival, arrival], testNow)
    expect(outcomes.map(({ kind }) => kind)).toEqual(['accepted', 'duplicate'])
  }
  world.set(one.event, step.after)
}

async function expectCounted(below: Offset, oracle: Map<string, bigint>): Promise<void> {
  for (const meter of standardMeters) {
    const question = { meter, period, window: 'hour' as const, zone: 'UTC', below }
    const all = await usageByAccount(pipeline.engine, question)
    for (const account of accounts as readonly string[] as readonly AccountKey[]) {
      const answer = await pipeline.readUsage({ ...question, account, groupBy: [] })
      const counted = answer.rows.map(({ quantity }) => formatExact(quantity ?? zero))
      const expected = Array.from({ length: hours }, (_, hour) =>
        String(oracle.get(`${meter.key} ${account} ${hour}`) ?? 0n),
      )
      expect(counted, `${meter.key} of ${account} below ${below}`).toEqual(expected)
      expect(formatExact(all.get(account)?.total ?? answer.total ?? zero)).toBe(formatExact(answer.total ?? zero))
    }
  }
}

test('property: usage is a plain recount of what every event is by now, and was by then (L2, L5)', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), fc.nat(), async (steps, at) => {
      const { log, projection } = await pipeline.fresh()
      const world: World = new Map()
      const offsets = new Map<number, Offset>()
      const middle = at % steps.length
      let then = { below: 0 as Offset, oracle: recount(world) }
      for (const [index, one] of steps.entries()) {
        if (index === middle) then = { below: log.end(), oracle: recount(world) }
        await take(log, world, offsets, one)
        if (index % 7 === 3) await projection.step()
      }
      await projection.catchUp()
      await expectCounted(projection.position(), recount(world))
      await expectCounted(then.below, then.oracle)
    }),
    { numRuns: 8, endOnFailure: true },
  )
})
