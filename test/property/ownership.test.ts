import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAccount } from '../../src/account/accounts.ts'
import { followOwnership } from '../../src/account/endpoints.ts'
import type { CorrectionPorts } from '../../src/app/corrections.ts'
import type { Wanted } from '../../src/app/ownership-change.ts'
import { changeOwnership, settleTraffic } from '../../src/app/ownership.ts'
import { Refusal } from '../../src/core/errors.ts'
import { add, exact, formatExact, zero } from '../../src/core/exact.ts'
import type { AccountKey, Offset } from '../../src/core/ids.ts'
import { formatInstant, hourMicros, instantMin } from '../../src/core/time.ts'
import type { Micros, Period } from '../../src/core/time.ts'
import { parseEvent } from '../../src/ingest/event.ts'
import { seedStandardMeters } from '../../src/meter/catalogue.ts'
import { standardMeters } from '../../src/meter/standard.ts'
import { usageByAccount } from '../../src/meter/usage.ts'
import { testNow } from '../support/events.ts'
import { openPipeline } from '../support/pipeline.ts'
import type { Pipeline } from '../support/pipeline.ts'
import { freshDatabase } from '../support/postgres.ts'

/**
 * Ownership changes, merges, splits, late events and reattributions in any order. Time has 12 slots of a quarter of an
 * hour; the oracle is a table with the owner of each name in each slot. It knows nothing of rows, windows or versions.
 */
const accounts = ['a', 'b', 'c', 'd'] as const
type Name = (typeof accounts)[number]
const owned = ['x.example', 'a.x.example', '*.x.example', '*.a.x.example'] as const
type Owned = (typeof owned)[number]
/** What senders write, and the names under which an owner is looked for. */
const written: Readonly<Record<string, readonly Owned[]>> = {
  'x.example': ['x.example'],
  'a.x.example': ['a.x.example', '*.x.example'],
  'A.X.example.': ['a.x.example', '*.x.example'],
  'b.a.x.example': ['*.a.x.example', '*.x.example'],
}
const slots = 12
const slotMicros = hourMicros / 4
const start = (Date.UTC(2026, 8, 30, 22) * 1000) as Micros
const period: Period = { from: start, to: (start + slots * slotMicros) as Micros }
const instant = (slot: number): Micros => (start + slot * slotMicros) as Micros

interface Sent {
  readonly given: Name | null
  readonly endpoint: string | null
  readonly slot: number
  readonly wire: number
}

interface World {
  readonly sent: Sent[]
  readonly owner: Record<Owned, (Name | null)[]>
  readonly merges: { readonly account: Name; readonly into: Name; readonly slot: number }[]
  readonly splits: { readonly account: Name; readonly endpoint: Owned; readonly slot: number }[]
}

function emptyWorld(): World {
  const nobody = (): null[] => Array<null>(slots).fill(null)
  const owner = { 'x.example': nobody(), 'a.x.example': nobody(), '*.x.example': nobody(), '*.a.x.example': nobody() }
  return { sent: [], owner, merges: [], splits: [] }
}

function ownerOf({ owner }: World, names: readonly Owned[], slot: number): Name | null {
  for (const name of names) if (owner[name][slot] !== null) return owner[name][slot] ?? null
  return null
}

/** The slow and obvious way: who pays for an event, by the table of owners and the lists of merges and splits. */
function payerOf(world: World, { given, endpoint, slot }: Sent): string {
  const names = endpoint === null ? [] : (written[endpoint] ?? [])
  const owner = ownerOf(world, names, slot)
  if (given === null) return owner ?? 'unattributed'
  for (let name = given; ;) {
    const current = name
    const isSplit = world.splits.some(
      (split) => split.account === current && names.includes(split.endpoint) && split.slot <= slot,
    )
    if (isSplit && owner !== null) return owner
    const merge = world.merges.find(({ account, slot: at }) => account === current && at <= slot)
    if (merge === undefined) return current
    name = merge.into
  }
}

const account = fc.constantFrom(...accounts)
const slot = fc.integer({ min: 0, max: slots - 1 })
/** Whether the traffic that a change is about is moved with it. */
const moves = fc.boolean()
const send = fc.record({
  kind: fc.constant('send' as const),
  given: fc.option(account, { freq: 3 }),
  endpoint: fc.option(fc.constantFrom(...Object.keys(written)), { freq: 8 }),
  slot,
  wire: fc.integer({ min: 0, max: 3 }).map((n) => n * 1_000),
})
const set = fc.record({
  kind: fc.constant('owner' as const),
  endpoint: fc.constantFrom(...owned),
  account: fc.option(account, { freq: 4 }),
  slot,
  until: fc.option(fc.integer({ min: 1, max: slots })),
  moves,
})
const merge = fc.record({ kind: fc.constant('merge' as const), account, into: account, slot, moves })
const split = fc.record({
  kind: fc.constant('split' as const),
  account,
  into: account,
  endpoint: fc.constantFrom(...owned),
  slot,
  moves,
})
const settle = fc.constant({ kind: 'settle' as const })
const step = fc.oneof(
  { arbitrary: send, weight: 12 },
  { arbitrary: set, weight: 5 },
  { arbitrary: merge, weight: 3 },
  { arbitrary: split, weight: 3 },
  { arbitrary: settle, weight: 1 },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never
type Change = Exclude<Step, { kind: 'send' | 'settle' }>

/** A merge into an account that was split, at an endpoint whose owner changed since. */
const mergeIntoSplit: Step[] = [
  { kind: 'owner', endpoint: 'x.example', account: 'b', slot: 0, until: null, moves: false },
  { kind: 'split', account: 'b', into: 'c', endpoint: 'x.example', slot: 1, moves: false },
  { kind: 'owner', endpoint: 'x.example', account: 'd', slot: 6, until: null, moves: false },
  { kind: 'send', given: 'a', endpoint: 'x.example', slot: 5, wire: 1_000 },
  { kind: 'send', given: 'a', endpoint: 'x.example', slot: 7, wire: 2_000 },
  { kind: 'merge', account: 'a', into: 'b', slot: 4, moves: true },
]

function wantedOf(change: Change): Wanted {
  const at = instant(change.slot)
  switch (change.kind) {
    case 'owner': {
      const to = change.until === null ? null : instant(change.until)
      return { ...change, account: change.account as AccountKey | null, from: at, to }
    }
    case 'merge':
      return { kind: 'merge', account: change.account as AccountKey, into: change.into as AccountKey, at }
    case 'split': {
      const { account: from, into, endpoint } = change
      return { kind: 'split', account: from as AccountKey, into: into as AccountKey, endpoints: [endpoint], at }
    }
  }
}

/** The nearest wildcard that holds a name: what is under *.a.x.example is under *.x.example too. */
function wildcardsOf(name: Owned): readonly Owned[] {
  if (name === 'a.x.example' || name === '*.a.x.example') return ['*.x.example']
  return []
}

/** Fills the table as a change says; the service has taken it. */
function happen(world: World, change: Change): void {
  const { owner } = world
  if (change.kind === 'owner') {
    for (let at = change.slot; at < (change.until ?? slots); at += 1) owner[change.endpoint][at] = change.account
    return
  }
  const { account: from, into, slot: first } = change
  const handOver = (name: Owned): void => {
    for (let at = first; at < slots; at += 1) if (owner[name][at] === from) owner[name][at] = into
  }
  if (change.kind === 'merge') {
    owned.forEach(handOver)
    world.merges.push({ account: from, into, slot: first })
    return
  }
  const { endpoint } = change
  world.splits.push({ account: from, endpoint, slot: first })
  const was = owner[endpoint][first]
  handOver(endpoint)
  if (was !== null) return
  const wildcard = wildcardsOf(endpoint).find((name) => owner[name][first] !== null)
  const holder = wildcard === undefined ? null : owner[wildcard][first]
  for (let at = first; at < slots && (owner[endpoint][at] ?? null) === null; at += 1) {
    if (wildcard !== undefined && owner[wildcard][at] !== holder) break
    owner[endpoint][at] = into
  }
}

let pipeline: Pipeline
beforeAll(async () => {
  pipeline = await openPipeline()
})
afterAll(() => pipeline.close())

/** The quantities of every standard meter, by account, hour by hour. */
async function counted(below: Offset): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const meter of standardMeters) {
    const question = { meter, period, window: 'hour' as const, zone: 'UTC', below }
    for (const [key, { rows }] of await usageByAccount(pipeline.engine, question))
      rows.forEach(({ quantity }, hour) => {
        const text = formatExact(quantity ?? zero)
        if (text !== '0') found.set(`${meter.key} ${key} ${hour}`, text)
      })
  }
  return found
}

/** What should be counted: one loop over what was sent. */
function recount(world: World): Map<string, string> {
  const counts = new Map<string, bigint>()
  const put = (meter: string, payer: string, { slot: at, value }: { slot: number; value: number }): void => {
    const name = `${meter} ${payer} ${Math.floor(at / 4)}`
    counts.set(name, (counts.get(name) ?? 0n) + BigInt(value))
  }
  const active = new Set<string>()
  for (const one of world.sent) {
    const payer = payerOf(world, one)
    put('http_requests', payer, { slot: one.slot, value: 1 })
    put('data_out_wire', payer, { slot: one.slot, value: one.wire })
    const hour = `${payer} ${one.endpoint} ${Math.floor(one.slot / 4)}`
    if (one.wire === 0 || active.has(hour)) continue
    active.add(hour)
    // An hour is active for each account that had traffic in it: one transfer within an hour makes one more.
    put('active_endpoint_hours', payer, { slot: one.slot, value: 1 })
  }
  return new Map([...counts].filter(([, count]) => count !== 0n).map(([name, count]) => [name, String(count)]))
}

/** Sums over all accounts and hours, of the meters that a change of payer cannot change. */
function sums(quantities: ReadonlyMap<string, string>): Map<string, string> {
  const totals = new Map<string, ReturnType<typeof exact>>()
  for (const [name, quantity] of quantities) {
    const [meter = ''] = name.split(' ')
    if (meter !== 'active_endpoint_hours') totals.set(meter, add(totals.get(meter) ?? zero, exact(quantity)))
  }
  return new Map([...totals].map(([meter, total]) => [meter, formatExact(total)]))
}

function addUp(effects: readonly { readonly meter: string; readonly change: string }[]): string[] {
  const totals = new Map<string, ReturnType<typeof exact>>()
  for (const { meter, change } of effects) totals.set(meter, add(totals.get(meter) ?? zero, exact(change)))
  return [...totals.values()].map(formatExact)
}

const decision = { by: 'Ada', reason: 'drawn' }
const mover = { ...decision, sender: 'key' }
const everything = { endpoints: null, accounts: [], from: instantMin, to: null }

type Traffic = Awaited<ReturnType<typeof settleTraffic>>['traffic']

/** Events to be moved, by what decides that: without the windows, which depend on what is looked at. */
function toMove({ moves: all }: Traffic, name: Name | null): Map<string, bigint> {
  const events = new Map<string, bigint>()
  for (const { from, to, endpoint, given, events: count } of all) {
    if (name !== null && given !== name) continue
    const key = JSON.stringify([from, to, endpoint, given])
    events.set(key, (events.get(key) ?? 0n) + count)
  }
  return events
}

/** What is found by the account that events name is what is found of them among everything. */
async function checkByName(ports: CorrectionPorts): Promise<void> {
  const attribution = ports.ownership.current()
  const { traffic: whole } = await settleTraffic(ports, { attribution, touched: everything }, null)
  for (const name of accounts) {
    const touched = { ...everything, endpoints: [], accounts: [name as AccountKey] }
    const { traffic } = await settleTraffic(ports, { attribution, touched }, null)
    expect(toMove(traffic, null)).toEqual(toMove(whole, name))
  }
}

async function take(ports: CorrectionPorts, world: World, one: Step): Promise<void> {
  const { ownership, log } = ports
  if (one.kind === 'send') {
    const { given, endpoint, wire } = one
    const seq = world.sent.length + 1
    const named = { ...(given === null ? {} : { account: given }), ...(endpoint === null ? {} : { endpoint }) }
    const event = { source: 'edge', seq, kind: 'http_request', time: formatInstant(instant(one.slot)), ...named }
    const input = { ...event, bytes_out_wire: wire }
    await log.append([parseEvent(input, JSON.stringify(input), { now: testNow, ...ownership })], testNow)
    world.sent.push(one)
    return
  }
  if (one.kind === 'settle') {
    await checkByName(ports)
    const { settled } = await settleTraffic(ports, { attribution: ownership.current(), touched: everything }, mover)
    expect(settled?.left).toBe(0n)
    return
  }
  const request = { wanted: wantedOf(one), decision, sender: 'key' }
  try {
    const planned = await changeOwnership(ports, request, { dryRun: true })
    const preview = await settleTraffic(ports, { ...planned, touched: planned.plan.touched }, null)
    const changed = await changeOwnership(ports, request, { dryRun: false })
    const { traffic } = await settleTraffic(ports, { ...changed, touched: changed.plan.touched }, null)
    // What the preview says is what is there when it is done; nothing is made or lost by it.
    expect(traffic.moves).toEqual(preview.traffic.moves)
    expect(addUp(traffic.effects).every((total) => total === '0')).toBe(true)
    happen(world, one)
    if (!one.moves) return
    const { settled } = await settleTraffic(ports, { ...changed, touched: changed.plan.touched }, mover)
    expect(settled?.left).toBe(0n)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    expect(['REQUEST_INVALID', 'ACCOUNT_MERGED', 'OWNERSHIP_OVERLAP']).toContain(error.code)
  }
}

test('property: once it is settled, each event is paid by who pays by a plain table, and nothing is made or lost (L2, L5)', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), fc.nat(), async (steps, at) => {
      const { log, projection } = await pipeline.fresh()
      const fresh = await freshDatabase()
      try {
        const { database } = fresh
        for (const key of accounts) await createAccount(database, { key }, testNow)
        await seedStandardMeters(database, testNow)
        const reach = async (): Promise<boolean> => {
          await projection.catchUp()
          return true
        }
        const ports = {
          database,
          engine: pipeline.engine,
          log,
          projector: { reach },
          ownership: await followOwnership(database),
          world: { now: () => testNow },
          append: (arrivals: Parameters<typeof log.append>[0], sender: string) => log.append(arrivals, testNow, sender),
        } as unknown as CorrectionPorts
        const world = emptyWorld()
        const middle = at % steps.length
        let then = { below: 0 as Offset, counted: new Map<string, string>() }
        for (const [index, one] of steps.entries()) {
          if (index === middle) {
            await projection.catchUp()
            then = { below: log.end(), counted: await counted(log.end()) }
          }
          await take(ports, world, one)
        }
        await projection.catchUp()
        const before = await counted(log.end())
        await take(ports, world, { kind: 'settle' })
        await projection.catchUp()
        const after = await counted(log.end())
        expect(after).toEqual(recount(world))
        expect(sums(after)).toEqual(sums(before))
        expect(await counted(then.below)).toEqual(then.counted)
        // Who learns the rules anew, as another process does, knows the same payers.
        const other = await followOwnership(database)
        const found = await settleTraffic(ports, { attribution: other.current(), touched: everything }, null)
        expect(found.traffic.moves).toEqual([])
      } finally {
        await fresh.close()
      }
    }),
    { numRuns: 6, endOnFailure: true, examples: [[mergeIntoSplit, 0]] },
  )
})
