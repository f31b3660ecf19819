import { openCount } from '../log/log.ts'
import type { DayBalance, EventLog } from '../log/log.ts'

export const limits = {
  page: 1_000,
  /** Events may arrive while the rows are added up; after so many tries the sum is not known. */
  tries: 5,
} as const

type Counts = Omit<DayBalance, 'source' | 'day'>

/** Two ways to the same number. */
export interface Check {
  readonly about: string
  readonly left: bigint
  readonly right: bigint
  readonly addsUp: boolean
}

/** L1 over everything that was ever received. */
export interface LogTotal {
  readonly counts: Counts
  readonly events: bigint
  readonly checks: readonly Check[]
}

const nothing: Counts = {
  received: 0n,
  accepted: 0n,
  duplicates: 0n,
  quarantined: 0n,
  held: 0n,
  released: 0n,
  foundDuplicate: 0n,
  writtenOff: 0n,
}

function plus(one: Counts, two: Counts): Counts {
  return {
    received: one.received + two.received,
    accepted: one.accepted + two.accepted,
    duplicates: one.duplicates + two.duplicates,
    quarantined: one.quarantined + two.quarantined,
    held: one.held + two.held,
    released: one.released + two.released,
    foundDuplicate: one.foundDuplicate + two.foundDuplicate,
    writtenOff: one.writtenOff + two.writtenOff,
  }
}

async function sumOfDays(log: EventLog): Promise<Counts> {
  let counts = nothing
  for (let after: string | null = null; ;) {
    const rows: readonly DayBalance[] = await log.balances({ after, most: limits.page })
    for (const row of rows) counts = plus(counts, row)
    const last = rows.at(-1)
    if (rows.length < limits.page || last === undefined) return counts
    after = `${last.source}\0${last.day}`
  }
}

function check(about: string, left: bigint, right: bigint): Check {
  return { about, left, right, addsUp: left === right }
}

function checksOf(counts: Counts, { events, open }: { readonly events: bigint; readonly open: bigint }): Check[] {
  const { received, accepted, duplicates, quarantined, held, released, foundDuplicate, writtenOff } = counts
  return [
    check('received = accepted + duplicates + quarantined', received, accepted + duplicates + quarantined),
    check(
      'held = released + found_duplicate + written_off + open',
      held,
      released + foundDuplicate + writtenOff + open,
    ),
    check('accepted + released = events in the log', accepted + released, events),
  ]
}

/**
 * Adds up every row of the balance and holds the sums against what the log counts by itself: its end, and what of the
 * quarantine is open. Null when events kept arriving while it added up.
 */
export async function crossfootLog(log: EventLog): Promise<LogTotal | null> {
  for (let attempt = 0; attempt < limits.tries; attempt += 1) {
    const before = [BigInt(log.end()), openCount(await log.heldTotals())] as const
    const counts = await sumOfDays(log)
    const [events, open] = [BigInt(log.end()), openCount(await log.heldTotals())]
    if (before[0] === events && before[1] === open)
      return { counts, events, checks: checksOf(counts, { events, open }) }
  }
  return null
}
