import fc from 'fast-check'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { AccountKey } from '../core/ids.ts'
import { formatInstant, secondMicros } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { holdInput, parseEvent } from '../ingest/event.ts'
import { boundSource } from '../ingest/receive.ts'
import { openLmdbLog } from '../log/lmdb.ts'
import type { EventLog, HeldRecord } from '../log/log.ts'
import { crossfootLog } from './balance.ts'
import { executeReleases, planRelease, planRepair } from './quarantine.ts'
import type { ReleasePlan } from './quarantine.ts'

const now = (Date.UTC(2026, 10, 22) * 1000) as Micros
const later = (now + 600 * secondMicros) as Micros
const acme = 'acme' as AccountKey
const door = { now, ownerAt: () => null }
const doorLater = { now: later, ownerAt: () => acme }
const decision = { by: 'Ada Osei', reason: 'its clock was ahead' }

const folder = mkdtempSync(join(tmpdir(), 'crossfoot-quarantine-'))
const logs: EventLog[] = []
afterAll(async () => {
  for (const log of logs) await log.close()
  rmSync(folder, { recursive: true, force: true })
})

function openLog(): EventLog {
  const log = openLmdbLog(join(folder, String(logs.length)))
  logs.push(log)
  return log
}

function event(change: object = {}): Record<string, unknown> {
  return { source: 'edge-1', seq: 1, kind: 'http_request', time: formatInstant(now), bytes_out_wire: 5, ...change }
}

async function send(log: EventLog, ...inputs: readonly object[]): Promise<void> {
  await log.append(
    inputs.map((input) => parseEvent(input, JSON.stringify(input), door)),
    now,
  )
}

async function openOf(log: EventLog): Promise<readonly HeldRecord[]> {
  return (await log.held({ before: null, most: 1_000, filter: { state: 'open' } })).rows
}

async function heldAs(change: object): Promise<HeldRecord> {
  const log = openLog()
  await send(log, event(change))
  const [held] = await openOf(log)
  if (held === undefined) throw new Error('it is held')
  return held
}

function execute(log: EventLog, plans: readonly ReleasePlan[]) {
  return executeReleases(plans, decision, (arrivals) => log.append(arrivals, later))
}

async function expectBalanced(log: EventLog): Promise<void> {
  const total = await crossfootLog(log)
  expect(total?.checks.filter(({ addsUp }) => !addsUp)).toEqual([])
  expect(total?.checks).toHaveLength(3)
}

const ahead = formatInstant((now + 400 * secondMicros) as Micros)

describe('releasing what is held', () => {
  test('what is good now is counted under its own identity, time and owner, once, and says who released it', async () => {
    const log = openLog()
    await send(log, event({ seq: 1 }), event({ seq: 2, time: ahead, endpoint: 'www.example.com' }))
    expect(log.end()).toBe(1)
    const plans = (await openOf(log)).map((held) => planRelease(held, doorLater))
    expect(await execute(log, plans)).toMatchObject([{ number: 0, status: 'released' }])
    // The same plans once more, as after an answer that was lost on its way.
    expect(await execute(log, plans)).toMatchObject([{ number: 0, status: 'resolved' }])
    expect(log.end()).toBe(2)
    const [, released] = await log.read(0 as never, 10)
    expect([formatInstant(released?.time ?? now), released?.account]).toEqual([ahead, 'acme'])
    expect((await log.source('edge-1'))?.[0]?.accepted).toEqual([[1, 2]])
    expect((await log.heldByNumber(0))?.resolution).toMatchObject({ kind: 'released', ...decision, offset: 1 })
    await expectBalanced(log)
  })

  test('what is wrong today as well stays, and is told its problem', async () => {
    const held = await heldAs({ bytes_out_wire: -1 })
    expect(planRelease(held, doorLater)).toMatchObject({ kind: 'wrong', problem: { code: 'EVENT_FIELD_OUT_OF_RANGE' } })
    const still = await heldAs({ time: ahead })
    expect(planRelease(still, door)).toMatchObject({ kind: 'wrong', problem: { code: 'EVENT_TIME_FUTURE' } })
  })

  test('a CloudEvent that came under another media type is unwrapped, under the identity it was held under', async () => {
    const held = await heldAs({
      ...event(),
      seq: undefined,
      kind: undefined,
      bytes_out_wire: undefined,
      specversion: '1.0',
      type: 'http_request',
      id: 'a',
      data: { bytes_out_wire: 7 },
    })
    expect(planRelease(held, door)).toMatchObject({ kind: 'good', event: { id: 'a', seq: null } })
  })

  test('a line of a collector is read by the server when it is an event as JSON, and keeps its number', async () => {
    const hold = async (line: string): Promise<HeldRecord> => {
      const log = openLog()
      await send(log, { source: 'file', epoch: 'e', seq: 9, unreadable: { message: 'what is this', line } })
      return (await openOf(log))[0] as HeldRecord
    }
    const line = JSON.stringify({ kind: 'http_request', time: formatInstant(now) })
    expect(planRelease(await hold(line), door)).toMatchObject({
      kind: 'good',
      event: { source: 'file', epoch: 'e', seq: 9 },
    })
    expect(planRelease(await hold('GET / HTTP/1.1'), door)).toMatchObject({
      kind: 'stuck',
      why: expect.stringContaining('only a collector can read') as string,
    })
  })

  test('L11: an input of a customer’s key stays that customer’s, and one without a source is nobody’s', async () => {
    const log = openLog()
    const source = boundSource(acme, 'edge-1')
    const raw = JSON.stringify(event({ time: ahead, account: 'victim' }))
    const problem = { code: 'EVENT_TIME_FUTURE', message: '' } as const
    await log.append([holdInput({ ...event(), source }, raw, problem), holdInput(null, raw, problem)], now)
    const [unknown, bound] = await openOf(log)
    if (unknown === undefined || bound === undefined) throw new Error('both are held')
    expect(planRelease(bound, doorLater)).toMatchObject({ kind: 'good', event: { source, account: 'acme' } })
    expect(planRelease(unknown, doorLater)).toMatchObject({ kind: 'stuck' })
    // A repair cannot change that either.
    const repaired = event({ account: 'victim' })
    expect(planRepair(bound, repaired, doorLater)).toMatchObject({ kind: 'good', event: { source, account: 'acme' } })
    expect(planRepair(unknown, event({ source: 'acme~edge-1' }), door)).toMatchObject({ kind: 'wrong' })
  })

  test('a conflict is not released: the first one stands until somebody amends it', async () => {
    const log = openLog()
    await send(log, event(), event({ bytes_out_wire: 6 }))
    const [conflict] = await openOf(log)
    if (conflict === undefined) throw new Error('it is held')
    expect(planRelease(conflict, doorLater)).toMatchObject({
      kind: 'stuck',
      why: expect.stringContaining('POST /v1/corrections') as string,
    })
  })

  test('what was cut when it was kept is not taken for the whole', async () => {
    const held = await heldAs({ bytes_out_wire: -1, path: 'x'.repeat(70_000) })
    expect(planRelease(held, door)).toMatchObject({ kind: 'stuck' })
  })

  test('L1: an input that was written off meanwhile does not become an event', async () => {
    const log = openLog()
    await send(log, event({ time: ahead }))
    const plans = (await openOf(log)).map((held) => planRelease(held, doorLater))
    expect(await log.writeOff([0], decision, later)).toBe(1)
    expect(await execute(log, plans)).toMatchObject([{ status: 'resolved' }])
    expect(log.end()).toBe(0)
    await expectBalanced(log)
  })
})

describe('repairing', () => {
  test('the repaired event keeps the identity under which the input was held', async () => {
    const held = await heldAs({ seq: 4, epoch: 'e', bytes_out_wire: -1 })
    const fields = { kind: 'http_request', time: formatInstant(now) }
    expect(planRepair(held, fields, door)).toMatchObject({
      kind: 'good',
      event: { source: 'edge-1', epoch: 'e', seq: 4 },
    })
    for (const other of [{ seq: 5 }, { epoch: 'f' }, { source: 'edge-2' }])
      expect(planRepair(held, { ...fields, ...other }, door)).toMatchObject({ kind: 'stuck' })
    const named = await heldAs({ seq: undefined, id: 'a', bytes_out_wire: -1 })
    expect(planRepair(named, fields, door)).toMatchObject({ kind: 'good', event: { id: 'a', seq: null } })
    // With a number it would be another event.
    expect(planRepair(named, { ...fields, seq: 1 }, door)).toMatchObject({ kind: 'stuck' })
  })

  test('L4: a number that JSON readers do not keep is refused, not rounded', async () => {
    const held = await heldAs({ bytes_out_wire: -1 })
    for (const quantity of [0.1, 2 ** 60])
      expect(planRepair(held, event({ quantity }), door)).toMatchObject({
        kind: 'wrong',
        problem: { field: 'quantity' },
      })
  })
})

test('property: whatever is sent, released and written off in whatever order, everything adds up, each event once', async () => {
  const input = fc.record({
    do: fc.constant('send' as const),
    seq: fc.integer({ min: 1, max: 5 }),
    bytes: fc.integer({ min: -1, max: 2 }),
    isAhead: fc.boolean(),
  })
  const step = fc.oneof(
    { weight: 6, arbitrary: input },
    { weight: 2, arbitrary: fc.constant({ do: 'release' as const }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('write off' as const), number: fc.nat(8) }) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const log = openLog()
      // The plain count: numbers that were accepted, and the open inputs that a release makes good.
      const counted = new Set<number>()
      for (const next of steps) {
        if (next.do === 'send') {
          const { seq, bytes, isAhead } = next
          if (bytes >= 0 && !isAhead) counted.add(seq)
          await send(log, event({ seq, bytes_out_wire: bytes, ...(isAhead ? { time: ahead } : {}) }))
        } else if (next.do === 'release') {
          const open = await openOf(log)
          for (const { problem, seq } of open) if (problem.code === 'EVENT_TIME_FUTURE') counted.add(seq ?? 0)
          await execute(
            log,
            open.map((held) => planRelease(held, doorLater)),
          )
        } else {
          await log.writeOff([next.number], decision, later)
        }
        await expectBalanced(log)
      }
      expect(log.end()).toBe(counted.size)
    }),
    { numRuns: 20 },
  )
})
