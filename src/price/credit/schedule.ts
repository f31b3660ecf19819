import { cycleStart, cycleTurn } from '../../core/cycle.ts'
import type { Minor } from '../../core/money.ts'
import type { Micros } from '../../core/time.ts'
import type { GrantSchedule } from './grant.ts'

/** One turn of a grant: what it gives at its beginning, and when it ends. A grant that does not recur has one. */
export interface Instance {
  /** 0, 1, 2, … */
  readonly turn: number
  readonly from: Micros
  /** Exclusive: the next recurrence, or the grant's expiry; null: never. */
  readonly to: Micros | null
  readonly amount: Minor
  /** Whether the next turn begins where this one ends: then a part of the rest may go on. */
  readonly recurs: boolean
}

/** The starts of the recurrence's cycle after the grant's beginning. A day that its zone skips is none of them. */
function* recurrencesOf({ recurrence, effectiveFrom, zone }: GrantSchedule): Generator<Micros> {
  if (recurrence === null) return
  const cycle = { ...recurrence.every, anchor: recurrence.anchor, zone }
  let last = effectiveFrom
  for (let turn = cycleTurn(effectiveFrom, cycle) + 1; ; turn += 1) {
    const start = cycleStart(cycle, turn)
    if (start <= last) continue
    yield start
    last = start
  }
}

/** The turns of a grant that begin at or before an instant, oldest first; each begins where the one before ends. */
export function* instancesOf(schedule: GrantSchedule, until: Micros): Generator<Instance> {
  const { amount, effectiveFrom, expiresAt, recurrence, voidedAt } = schedule
  const last = voidedAt === null || until < voidedAt ? until : voidedAt
  const recurrences = recurrencesOf(schedule)
  let from = effectiveFrom
  for (let turn = 0; from <= last; turn += 1) {
    const next = recurrences.next().value ?? null
    const recurs = next !== null && (expiresAt === null || next < expiresAt)
    const to = recurs ? next : expiresAt
    yield { turn, from, to, amount: turn === 0 ? amount : (recurrence?.amount ?? amount), recurs }
    if (!recurs || next === null) return
    from = next
  }
}

/** Of the rest of a turn that is followed by another one: what goes on, and what it is filled up with. */
export function rolledOver(
  rest: bigint,
  { rollover }: GrantSchedule,
): { readonly kept: bigint; readonly added: bigint } {
  if (rollover === null) return { kept: 0n, added: 0n }
  const { min, max } = rollover
  const kept = max !== null && rest > max ? max : rest
  return { kept, added: kept < min ? min - kept : 0n }
}

/** When credit of this turn stops paying: a turn whose rest all goes on ends with the grant. */
export function expiryOf({ to }: Instance, { expiresAt, rollover }: GrantSchedule): Micros | null {
  return rollover !== null && rollover.max === null ? expiresAt : to
}

/** The turn that an instant lies in; null: the grant is not in effect then, or voided before. */
export function turnAt(schedule: GrantSchedule, at: Micros): Instance | null {
  const last = [...instancesOf(schedule, at)].at(-1)
  if (last === undefined || (last.to !== null && last.to <= at)) return null
  return schedule.voidedAt !== null && schedule.voidedAt < at ? null : last
}
