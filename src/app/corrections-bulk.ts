/**
 * Moves all traffic of an endpoint in a time from one account to another: planned as data, then done in batches. Doing
 * it again goes on with what is left, so an interruption needs nothing but the same request once more (L2).
 */
import { getAccount } from '../account/accounts.ts'
import { refuseMerged } from '../account/ownership-table.ts'
import { Refusal } from '../core/errors.ts'
import { compare, formatQuantity, subtract, zero } from '../core/exact.ts'
import type { AccountKey, Offset } from '../core/ids.ts'
import type { Arrival, Decision } from '../core/record.ts'
import { assert } from '../core/result.ts'
import type { Micros } from '../core/time.ts'
import { issuedWithin } from '../invoice/drift.ts'
import { listMeters } from '../meter/catalogue.ts'
import { usageByAccount } from '../meter/usage.ts'
import type { Condition } from '../store/condition.ts'
import { askEvents, askFacts } from '../store/query.ts'
import type { Reattribution } from '../store/query.ts'
import { hasFact, readVersions, waitForStore } from './corrections.ts'
import type { CorrectionPorts } from './corrections.ts'
import { planCorrection } from './corrections-plan.ts'

export const limits = {
  /** Events that one batch moves. */
  batchEvents: 1_000,
  /** Events that one request moves; the answer says whether some are left. */
  requestEvents: 20_000,
} as const

export interface MeterEffect {
  readonly meter: string
  readonly unit: string
  readonly from: string
  readonly to: string
}

export interface ReattributionPlan {
  readonly events: number
  /** By how much each meter changes, below zero for the account that loses. */
  readonly effects: readonly MeterEffect[]
  /** Issued invoices of either account over that time. */
  readonly invoices: readonly string[]
  readonly below: Offset
}

function conditionsOf({ endpoint }: Reattribution): readonly Condition[] {
  return [{ operator: 'in', field: 'endpoint', values: [endpoint] }]
}

async function countOf({ engine }: CorrectionPorts, moved: Reattribution, below: Offset): Promise<number> {
  const { from: account, period } = moved
  const [row] = await askFacts(engine, {
    scope: { kind: 'account', account },
    period,
    starts: [period.from],
    below,
    measure: { kind: 'count' },
    conditions: conditionsOf(moved),
    dimensions: [],
  })
  return Number(row?.quantity ?? 0)
}

async function effectsOf(ports: CorrectionPorts, moved: Reattribution, below: Offset): Promise<MeterEffect[]> {
  const effects: MeterEffect[] = []
  const { from, to, period } = moved
  for (const meter of await listMeters(ports.database)) {
    const question = { meter, period, window: null, zone: 'UTC', below }
    const [before, after] = [
      await usageByAccount(ports.engine, { ...question, supposing: nothingMoves(moved) }),
      await usageByAccount(ports.engine, { ...question, supposing: { kind: 'reattributed', reattribution: moved } }),
    ]
    const change = (account: AccountKey): ReturnType<typeof subtract> =>
      subtract(after.get(account)?.total ?? zero, before.get(account)?.total ?? zero)
    const [lost, gained] = [change(from), change(to)]
    if (compare(lost, zero) === 0 && compare(gained, zero) === 0) continue
    effects.push({ meter: meter.key, unit: meter.unit, from: formatQuantity(lost), to: formatQuantity(gained) })
  }
  return effects
}

/** The same two accounts as they are, so that both sides of a difference come from one statement. */
function nothingMoves(moved: Reattribution): { kind: 'reattributed'; reattribution: Reattribution } {
  return { kind: 'reattributed', reattribution: { ...moved, period: { from: 0 as Micros, to: 0 as Micros } } }
}

async function check({ database, ownership }: CorrectionPorts, { from, to, period }: Reattribution): Promise<void> {
  if (period.from >= period.to) throw new Refusal('REQUEST_INVALID', 'from must be before to')
  if (from === to) throw new Refusal('REQUEST_INVALID', `the events belong to ${to} already`)
  await getAccount(database, to)
  refuseMerged(ownership.current().rules, to, period.to)
}

/** What a reattribution would do, by the function that counts for invoices. */
export async function planReattribution(ports: CorrectionPorts, moved: Reattribution): Promise<ReattributionPlan> {
  await check(ports, moved)
  const below = await waitForStore(ports)
  const span = { first: moved.period.from, last: (moved.period.to - 1) as Micros }
  return {
    events: await countOf(ports, moved, below),
    effects: await effectsOf(ports, moved, below),
    invoices: await issuedWithin(ports.database, [
      { account: moved.from, ...span },
      { account: moved.to, ...span },
    ]),
    below,
  }
}

/** Corrections of the next events that are still to be moved. */
async function nextBatch(
  ports: CorrectionPorts,
  moved: Reattribution,
  { below, by, reason }: Decision & { readonly below: Offset },
): Promise<readonly Arrival[]> {
  const events = await askEvents(ports.engine, {
    scope: { kind: 'account', account: moved.from },
    period: moved.period,
    below,
    conditions: conditionsOf(moved),
    after: null,
    most: limits.batchEvents,
  })
  const offsets = events.map(({ offset }) => Number(offset) as Offset)
  const door = { by, reason, now: ports.world.now(), ownerAt: () => null }
  return (await readVersions(ports, offsets)).map((version) => {
    assert(hasFact(version), 'what is counted has a fact')
    const wanted = { kind: 'reattribute', account: moved.to } as const
    return planCorrection({ version, content: version }, wanted, door).arrival
  })
}

export interface Reattributed {
  readonly moved: number
  /** Events that are still to be moved: make the same request again. */
  readonly left: number
}

/** Moves events, batch by batch, up to the limit of one request. */
export async function reattribute(
  ports: CorrectionPorts,
  moved: Reattribution,
  { by, reason, sender }: Decision & { readonly sender: string },
): Promise<Reattributed> {
  await check(ports, moved)
  let count = 0
  for (;;) {
    const below = await waitForStore(ports)
    const arrivals = count < limits.requestEvents ? await nextBatch(ports, moved, { below, by, reason }) : []
    if (arrivals.length === 0) return { moved: count, left: await countOf(ports, moved, below) }
    const { outcomes } = await ports.append(arrivals, sender)
    count += outcomes.filter(({ kind }) => kind === 'accepted').length
  }
}
