import type { AccountKey } from '../core/ids.ts'
import type { Micros } from '../core/time.ts'
import { endpointName, wildcardSuffix } from './endpoint-name.ts'

/** An account owns an endpoint from one instant until, not including, another; null: until further notice. */
export interface Ownership {
  readonly endpoint: string
  readonly account: AccountKey
  readonly from: Micros
  readonly to: Micros | null
}

/** Answers for every event without an account who owned its endpoint when it happened. */
export interface OwnershipIndex {
  /** The exact owner at that instant, else that of the longest wildcard, else null. */
  ownerAt(endpoint: string, instant: Micros): AccountKey | null
  readonly size: number
}

/** The times of one endpoint: sorted, without overlap, so that one binary search answers. */
interface Timeline {
  readonly from: number[]
  readonly to: number[]
  readonly account: AccountKey[]
}

/** Builds the index. The rows of one endpoint do not overlap: the database sees to that. */
export function ownershipIndex(rows: Iterable<Ownership>): OwnershipIndex {
  const exact = new Map<string, Timeline>()
  const wildcards = new Map<string, Timeline>()
  let size = 0
  for (const row of [...rows].sort((a, b) => a.from - b.from)) {
    const name = endpointName(row.endpoint)
    const suffix = wildcardSuffix(name)
    append(suffix === null ? timelineOf(exact, name) : timelineOf(wildcards, suffix), row)
    size += 1
  }
  return { size, ownerAt: (endpoint, instant) => find({ exact, wildcards }, endpoint, instant) }
}

interface Timelines {
  readonly exact: ReadonlyMap<string, Timeline>
  readonly wildcards: ReadonlyMap<string, Timeline>
}

function timelineOf(timelines: Map<string, Timeline>, name: string): Timeline {
  const found = timelines.get(name)
  if (found !== undefined) return found
  const timeline: Timeline = { from: [], to: [], account: [] }
  timelines.set(name, timeline)
  return timeline
}

function append(timeline: Timeline, { from, to, account }: Ownership): void {
  timeline.from.push(from)
  timeline.to.push(to ?? Infinity)
  timeline.account.push(account)
}

function find({ exact, wildcards }: Timelines, endpoint: string, instant: Micros): AccountKey | null {
  const name = endpointName(endpoint)
  const owner = ownerIn(exact.get(name), instant)
  if (owner !== null || wildcards.size === 0) return owner
  // From the longest ending to the shortest: the nearest wildcard wins.
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
    const wildcardOwner = ownerIn(wildcards.get(name.slice(dot + 1)), instant)
    if (wildcardOwner !== null) return wildcardOwner
  }
  return null
}

function ownerIn(timeline: Timeline | undefined, instant: Micros): AccountKey | null {
  if (timeline === undefined) return null
  let low = 0
  let high = timeline.from.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((timeline.from[middle] ?? Infinity) <= instant) low = middle + 1
    else high = middle
  }
  const at = low - 1
  return at >= 0 && instant < (timeline.to[at] ?? 0) ? (timeline.account[at] ?? null) : null
}
