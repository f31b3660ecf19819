import type { Ownership } from '../../account/ownership-index.ts'
import { difference } from '../../account/ownership-plan.ts'
import type { KeptDecision } from '../../account/ownership-table.ts'
import { formatInstant } from '../../core/time.ts'
import type { Contradiction, Move } from '../ownership-traffic.ts'
import { subscriptionJson } from '../ownership.ts'
import type { Changed, TrafficAnswer } from '../ownership.ts'
import { instantOrNull } from './schema.ts'

/** Parts of traffic that one answer names; its counts are of all of them. */
const movesShown = 100

export function ownershipJson({ endpoint, account, from, to }: Ownership): Record<string, unknown> {
  return { endpoint, account, from: formatInstant(from), to: instantOrNull(to) }
}

function moveJson({ period, from, to, endpoint, given, events, first, last }: Move): object {
  return {
    endpoint,
    names: given,
    from_account: from,
    to_account: to,
    from: formatInstant(period.from),
    to: formatInstant(period.to),
    events: String(events),
    first: formatInstant(first),
    last: formatInstant(last),
  }
}

export function trafficJson({ events, moves, effects, notPreviewed, invoices }: Contradiction): object {
  return {
    events: String(events),
    parts: moves.slice(0, movesShown).map(moveJson),
    more_parts: Math.max(0, moves.length - movesShown),
    effects,
    not_previewed: notPreviewed,
    invoices,
  }
}

function statusOf({ traffic, settled }: TrafficAnswer, dryRun: boolean): string {
  if (dryRun) return 'planned'
  if (settled === null) return traffic.events === 0n ? 'done' : 'recorded'
  return settled.left === 0n ? 'done' : 'going on'
}

export interface ChangeAnswer {
  readonly changed: Changed | null
  readonly answer: TrafficAnswer
  readonly dryRun: boolean
}

/** What was done, or would be: the rows that change, and the stored traffic that they contradict. */
export function changeJson({ changed, answer, dryRun }: ChangeAnswer): object {
  const { traffic, settled } = answer
  const rows = changed === null ? null : difference(changed.plan.before, changed.plan.after)
  const merge = changed?.merge ?? null
  return {
    status: statusOf(answer, dryRun),
    ...(changed === null ? {} : { decision: changed.decision, changes: changed.plan.changes }),
    ...(rows === null ? {} : { removed: rows.gone.map(ownershipJson), added: rows.come.map(ownershipJson) }),
    ...(merge === null ? {} : { subscriptions: merge.subscriptions.map(subscriptionJson), keys: merge.keys }),
    traffic: trafficJson(traffic),
    moved: settled === null ? 0 : settled.moved,
    left: String(settled === null ? traffic.events : settled.left),
  }
}

export function decisionJson(made: KeptDecision): object {
  const { id, kind, at, keyId, decision, accounts, endpoints, from, to, document } = made
  return {
    decision: id,
    kind,
    at: formatInstant(at),
    key: keyId,
    author: decision?.by ?? null,
    reason: decision?.reason ?? null,
    accounts,
    endpoints,
    from: formatInstant(from),
    to: instantOrNull(to),
    ...document,
  }
}
