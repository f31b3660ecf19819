import { expect } from 'vitest'
import { baseOf, newestOf } from '../../src/app/corrections.ts'
import { planCorrection } from '../../src/app/corrections-plan.ts'
import type { Wanted } from '../../src/app/corrections-plan.ts'
import type { AccountKey, Offset } from '../../src/core/ids.ts'
import { formatScaled } from '../../src/core/exact.ts'
import { formatInstant } from '../../src/core/time.ts'
import type { Micros } from '../../src/core/time.ts'
import type { EventLog } from '../../src/log/log.ts'
import type { KnownEvent } from './aggregation-oracle.ts'
import { arrivalOf, testNow } from './events.ts'

/** An event as it is drawn: its account is a number, because every world has accounts of its own. */
export type DrawnEvent = Omit<KnownEvent, 'account' | 'offset'> & { readonly account: number }

export const happenings = [
  'send',
  'send',
  'send',
  'send again',
  'conflict',
  'amend',
  'amend time',
  'retract',
  'reattribute',
] as const

/** One thing that happens to one event. The first one sends it, late or not. */
export interface Happening {
  readonly event: number
  readonly what: (typeof happenings)[number]
  readonly to: DrawnEvent
}

/** Some accounts with one source, among others in one log; and what is true of their events by now. */
export interface World {
  readonly accounts: readonly AccountKey[]
  readonly source: string
  readonly first: Map<number, Offset>
  /** Null: retracted. */
  readonly events: Map<number, KnownEvent | null>
}

let worlds = 0

export function newWorld(accounts = 2): World {
  worlds += 1
  const names = Array.from({ length: accounts }, (_, index) => `account-${worlds}-${index}` as AccountKey)
  return { accounts: names, source: `edge-${worlds}`, first: new Map(), events: new Map() }
}

/** The events that count. */
export function countedEvents({ events }: World): readonly KnownEvent[] {
  return [...events.values()].flatMap((event) => event ?? [])
}

type Known = Omit<KnownEvent, 'offset'>

function knownOf({ accounts }: World, { account, ...fields }: DrawnEvent): Known {
  return { ...fields, account: accounts[account % accounts.length] ?? '' }
}

function fieldsOf(event: Known): Record<string, unknown> {
  const { account, time, endpoint, tag, member, operation, quantity } = event
  const attributes = Object.entries({ tag, member, operation }).filter(([, value]) => value !== null)
  return {
    account,
    time: formatInstant(time as Micros),
    endpoint,
    quantity: quantity === null ? null : formatScaled(quantity, 18),
    bytes_out_wire: event.out === null ? null : String(event.out),
    bytes_in_wire: event.in === null ? null : String(event.in),
    attributes: Object.fromEntries(attributes),
  }
}

async function append(log: EventLog, arrivals: Parameters<EventLog['append']>[0]): Promise<string[]> {
  const { outcomes } = await log.append(arrivals, testNow)
  return outcomes.map(({ kind }) => kind)
}

interface Change {
  readonly wanted: Wanted
  readonly after: Known | null
}

/** What is asked for, and what the event is afterwards. Null: it is retracted, and only an amendment brings it back. */
function changeOf(what: Happening['what'], to: Known, before: Known | null): Change | null {
  switch (what) {
    case 'retract':
      return { wanted: { kind: 'retract' }, after: null }
    case 'reattribute':
      if (before === null) return null
      return {
        wanted: { kind: 'reattribute', account: to.account as AccountKey },
        after: { ...before, account: to.account },
      }
    case 'amend time':
      if (before === null) return null
      return {
        wanted: { kind: 'amend', change: { time: formatInstant(to.time as Micros) } },
        after: { ...before, time: to.time },
      }
    default:
      return { wanted: { kind: 'amend', change: fieldsOf(to) }, after: to }
  }
}

/** Does it to the log, as the service would, and notes what is true then. */
export async function happen(log: EventLog, world: World, { event, what, to }: Happening): Promise<void> {
  const known = knownOf(world, to)
  const identity = { kind: 'http_request', source: world.source, seq: event + 1 }
  const arrival = arrivalOf({ ...identity, ...fieldsOf(known) })
  const first = world.first.get(event)
  if (first === undefined) {
    // Twice, as after a lost answer: counted once (L2).
    expect(await append(log, [arrival, arrival])).toEqual(['accepted', 'duplicate'])
    const offset = (log.end() - 1) as Offset
    world.first.set(event, offset)
    world.events.set(event, { ...known, offset })
    return
  }
  if (what === 'send' || what === 'send again' || what === 'conflict') {
    const other = arrivalOf({ ...identity, ...fieldsOf(known), region: 'elsewhere' })
    expect(await append(log, [other])).toEqual(['conflict'])
    return
  }
  const before = world.events.get(event) ?? null
  const change = changeOf(what, known, before)
  if (change === null) return
  const door = { by: 'Ada', reason: 'drawn', now: testNow, ownerAt: () => null }
  const base = await baseOf({ log }, await newestOf({ log }, first))
  const planned = planCorrection(base, change.wanted, door)
  if (planned.unchanged) return
  expect(await append(log, [planned.arrival, planned.arrival])).toEqual(['accepted', 'duplicate'])
  const offset = (log.end() - 1) as Offset
  world.events.set(event, change.after === null ? null : { ...change.after, offset })
}
