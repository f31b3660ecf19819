/**
 * Moves stored traffic to the accounts that pay for it by the rules: planned as data, then corrected in batches. The
 * same request again goes on with what is left, so an interruption needs nothing but the same request once more (L2).
 */
import type { Attribution } from '../account/attribution.ts'
import type { AccountKey, Offset } from '../core/ids.ts'
import type { Arrival, Decision } from '../core/record.ts'
import { assert } from '../core/result.ts'
import type { Micros, Period } from '../core/time.ts'
import type { Condition } from '../store/condition.ts'
import { askEvents } from '../store/query.ts'
import type { StoredEvent } from '../store/query.ts'
import { hasFact, readVersions } from './corrections.ts'
import type { CorrectionPorts } from './corrections.ts'
import { planCorrection } from './corrections-plan.ts'
import type { Touched } from './ownership-change.ts'
import { contradiction, limits as trafficLimits } from './ownership-traffic.ts'
import type { Contradiction, Move } from './ownership-traffic.ts'

export const limits = {
  /** Events that one batch moves. */
  batchEvents: 1_000,
  /** Events that one request moves; the answer says whether some are left. */
  requestEvents: 20_000,
} as const

export interface Settled {
  readonly moved: number
  /** Events that still contradict the rules: make the same request again. */
  readonly left: bigint
}

/** Moves that are read together: one payer, one time, by endpoint or by the account that they name. */
interface Reading {
  readonly from: AccountKey
  readonly period: Period
  readonly condition: Condition
}

function readingsOf(moves: readonly Move[]): Reading[] {
  const groups = Map.groupBy(moves, ({ from, period, given }) =>
    JSON.stringify([from, period.from, period.to, given === null]),
  )
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    assert(first !== undefined, 'a group has a member')
    const { from, period, given } = first
    const field = given === null ? ('endpoint' as const) : ('account' as const)
    const values = [...new Set(group.flatMap((move) => (given === null ? move.endpoint : move.given) ?? []))]
    const readings: Reading[] = []
    for (let start = 0; start < values.length; start += trafficLimits.valuesMax) {
      const some = values.slice(start, start + trafficLimits.valuesMax)
      readings.push({ from, period, condition: { operator: 'in', field, values: some } })
    }
    return readings
  })
}

interface Wrong {
  readonly offset: Offset
  readonly account: AccountKey
}

/** The events of a page that belong to another account, and to which. */
function wrongOf(events: readonly StoredEvent[], { from, condition }: Reading, attribution: Attribution): Wrong[] {
  return events.flatMap((event): Wrong[] => {
    const given = (event['given_account'] ?? null) as AccountKey | null
    // Whoever names an account is read by that name.
    if ('field' in condition && condition.field === 'endpoint' && given !== null) return []
    const endpoint = (event['endpoint'] ?? null) as string | null
    const account = attribution.payerOf({ given, endpoint, time: Number(event.time_us) as Micros })
    return account === from ? [] : [{ offset: Number(event.offset) as Offset, account }]
  })
}

async function arrivalsOf(
  ports: CorrectionPorts,
  wrong: readonly Wrong[],
  { by, reason }: Decision,
): Promise<readonly Arrival[]> {
  const accounts = new Map(wrong.map(({ offset, account }) => [offset, account]))
  const door = { by, reason, now: ports.world.now(), ownerAt: () => null }
  const versions = await readVersions(ports, [...accounts.keys()])
  return versions.map((version) => {
    assert(hasFact(version), 'what is counted has a fact')
    const account = accounts.get(version.offset)
    assert(account !== undefined, 'only versions that were asked for are read')
    return planCorrection({ version, content: version }, { kind: 'reattribute', account }, door).arrival
  })
}

interface Work {
  readonly ports: CorrectionPorts
  readonly attribution: Attribution
  readonly decision: Decision & { readonly sender: string }
}

/** Moves what one reading finds, page by page; at most so many events. */
async function moveReading(
  { ports, attribution, decision }: Work,
  reading: Reading,
  { below, most }: { readonly below: Offset; readonly most: number },
): Promise<number> {
  let moved = 0
  for (let after: { time: Micros; offset: Offset } | null = null; moved < most;) {
    const events: readonly StoredEvent[] = await askEvents(ports.engine, {
      scope: { kind: 'account', account: reading.from },
      period: reading.period,
      below,
      conditions: [reading.condition],
      after,
      most: limits.batchEvents,
    })
    const last = events.at(-1)
    if (last === undefined) break
    const wrong = wrongOf(events, reading, attribution).slice(0, most - moved)
    if (wrong.length > 0) {
      const { outcomes } = await ports.append(await arrivalsOf(ports, wrong, decision), decision.sender)
      moved += outcomes.filter(({ kind }) => kind === 'accepted').length
    }
    after = { time: Number(last.time_us) as Micros, offset: Number(last.offset) as Offset }
  }
  return moved
}

async function moveAll(work: Work, { moves, below }: Contradiction, most: number): Promise<number> {
  let moved = 0
  for (const reading of readingsOf(moves)) {
    if (moved >= most) break
    moved += await moveReading(work, reading, { below, most: most - moved })
  }
  return moved
}

/** Corrects traffic until none contradicts the rules, or the limit of one request is reached. */
export async function settle(
  ports: CorrectionPorts,
  attribution: Attribution,
  { touched, decision }: { readonly touched: Touched; readonly decision: Decision & { readonly sender: string } },
): Promise<Settled> {
  const work = { ports, attribution, decision }
  let moved = 0
  for (;;) {
    const found = await contradiction(ports, attribution, touched)
    if (found.events === 0n || moved >= limits.requestEvents) return { moved, left: found.events }
    const more = await moveAll(work, found, limits.requestEvents - moved)
    moved += more
    // Somebody else corrects the same events meanwhile: whoever asks again sees what is left then.
    if (more === 0) return { moved, left: found.events }
  }
}
