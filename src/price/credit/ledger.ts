import type { Minor } from '../../core/money.ts'
import { assert } from '../../core/result.ts'
import type { Micros } from '../../core/time.ts'
import type { GrantSchedule } from './grant.ts'
import { instancesOf, rolledOver } from './schedule.ts'
import type { Instance } from './schedule.ts'

/*
 * The books of one grant, pure. Facts are what somebody did: a burn, a return, a void. Everything else (granted, rolled
 * over, filled up, expired, voided) follows from the terms and the facts, so a fact that is dated before others changes
 * what follows from it, and nothing else: an invoice of October that is issued in November burns October's credit.
 */

/** What invoices did to a grant at an instant: burns are below zero, returns above. */
export interface Movement {
  readonly at: Micros
  readonly amount: bigint
}

export const dueKinds = ['granted', 'filled_up', 'rolled_over', 'expired', 'voided'] as const
/** `rolled_over` leaves one turn and enters the next; `filled_up` is what a rollover's minimum adds. */
export type DueKind = (typeof dueKinds)[number]

/** What follows from a grant's terms: it is dated when it is due, not when somebody looked. */
export interface DueEntry {
  readonly turn: number
  readonly kind: DueKind
  readonly at: Micros
  /** Above zero where the turn gets it, below where it loses it. */
  readonly amount: bigint
}

/** A turn as it went. */
export interface Played {
  readonly instance: Instance
  /** What the turn begins with: granted, rolled over and filled up. */
  readonly opening: bigint
  /** What moved in it, a sum for each instant, in the order of time. */
  readonly movements: readonly Movement[]
  readonly closing: bigint
}

interface Reel {
  readonly movements: readonly Movement[]
  next: number
}

/** Sums by instant, in the order of time. */
function inTime(movements: readonly Movement[]): readonly Movement[] {
  const sums = new Map<Micros, bigint>()
  for (const { at, amount } of movements) sums.set(at, (sums.get(at) ?? 0n) + amount)
  return [...sums].map(([at, amount]) => ({ at, amount })).toSorted((a, b) => a.at - b.at)
}

function playTurn(instance: Instance, opening: bigint, reel: Reel): Played {
  const movements: Movement[] = []
  let balance = opening
  for (;;) {
    const movement = reel.movements[reel.next]
    if (movement === undefined || (instance.to !== null && movement.at >= instance.to)) break
    assert(movement.at >= instance.from, 'nothing burns before its grant is in effect')
    movements.push(movement)
    balance += movement.amount
    assert(balance >= 0n, 'a credit is never below zero')
    reel.next += 1
  }
  return { instance, opening, movements, closing: balance }
}

/** The turns of a grant up to an instant, that one included, with what moved in them. */
export function playGrant(schedule: GrantSchedule, movements: readonly Movement[], until: Micros): readonly Played[] {
  const reel: Reel = { movements: inTime(movements.filter(({ at }) => at <= until)), next: 0 }
  const turns: Played[] = []
  let carried = 0n
  for (const instance of instancesOf(schedule, until)) {
    const played = playTurn(instance, carried + instance.amount, reel)
    turns.push(played)
    const { kept, added } = rolledOver(played.closing, schedule)
    carried = kept + added
  }
  assert(reel.next === reel.movements.length, 'whatever burns, burns in a turn of its grant')
  return turns
}

function endOf({ instance: { turn, to, recurs }, closing }: Played, schedule: GrantSchedule): readonly DueEntry[] {
  if (to === null) return []
  const { kept, added } = recurs ? rolledOver(closing, schedule) : { kept: 0n, added: 0n }
  return [
    { turn, kind: 'expired', at: to, amount: kept - closing },
    { turn, kind: 'rolled_over', at: to, amount: -kept },
    { turn: turn + 1, kind: 'rolled_over', at: to, amount: kept },
    { turn: turn + 1, kind: 'filled_up', at: to, amount: added },
  ]
}

/** Everything that follows from a grant's terms and from what invoices did, up to an instant, that one included. */
export function dueEntries(
  schedule: GrantSchedule,
  movements: readonly Movement[],
  until: Micros,
): readonly DueEntry[] {
  const { voidedAt } = schedule
  const isVoided = voidedAt !== null && voidedAt <= until
  const entries = playGrant(schedule, movements, until).flatMap((played): readonly DueEntry[] => {
    const { instance, closing } = played
    const { turn, from, to, amount } = instance
    const granted = { turn, kind: 'granted', at: from, amount } as const
    // At the very instant of the void the turn has ended already, or begins and is voided.
    if (isVoided && (to === null || voidedAt < to))
      return [granted, { turn, kind: 'voided', at: voidedAt, amount: -closing }]
    return [granted, ...(to !== null && to <= until ? endOf(played, schedule) : [])]
  })
  return entries.filter(({ amount }) => amount !== 0n)
}

/** What a grant has at an instant, after what moved at that instant. */
export function balanceAt(schedule: GrantSchedule, movements: readonly Movement[], at: Micros): Minor {
  const until = movements.filter((movement) => movement.at <= at)
  const due = dueEntries(schedule, until, at).reduce((sum, { amount }) => sum + amount, 0n)
  return until.reduce((sum, { amount }) => sum + amount, due) as Minor
}

/** How much of a burn of x reaches a later instant: min(max(x − absorbed, 0), most). */
interface Reach {
  readonly absorbed: bigint
  readonly most: bigint
}

/** What would have expired takes a burn up, and so does what a rollover fills up. */
function reachNextTurn({ absorbed, most }: Reach, rest: bigint, schedule: GrantSchedule): Reach {
  const { kept } = rolledOver(rest, schedule)
  const lost = rest - kept
  const min = schedule.rollover?.min ?? 0n
  const floor = kept > min ? kept - min : 0n
  const beyond = most > lost ? most - lost : 0n
  return { absorbed: absorbed + lost, most: beyond < floor ? beyond : floor }
}

/**
 * How much may burn at an instant: as much as is there, and no more than leaves everything that burned later with
 * something to burn. Zero before the grant is in effect, from its expiry on, and when it is voided.
 */
export function burnableAt(schedule: GrantSchedule, movements: readonly Movement[], at: Micros): Minor {
  const last = movements.reduce((latest, movement) => Math.max(latest, movement.at), at as number) as Micros
  const turns = playGrant(schedule, movements, last)
  const first = turns.findIndex(({ instance: { from, to } }) => from <= at && (to === null || at < to))
  const now = turns[first]
  if (now === undefined || schedule.voidedAt !== null) return 0n as Minor
  let most = now.opening
  for (const movement of now.movements) if (movement.at <= at) most += movement.amount
  let reach: Reach = { absorbed: 0n, most }
  for (const { opening, movements: moved, closing } of turns.slice(first)) {
    let balance = opening
    for (const movement of moved) {
      balance += movement.amount
      const room = reach.absorbed + balance
      if (movement.at > at && balance < reach.most && room < most) most = room
    }
    reach = reachNextTurn(reach, closing, schedule)
    if (reach.most === 0n) break
  }
  return most as Minor
}

/** What has to be added to entries that are written down already so that they say what is due now. */
export function missingEntries(due: readonly DueEntry[], written: readonly DueEntry[]): readonly DueEntry[] {
  const sums = new Map<string, DueEntry>()
  const put = (entry: DueEntry, sign: bigint): void => {
    const key = `${entry.turn} ${entry.kind} ${entry.at}`
    sums.set(key, { ...entry, amount: (sums.get(key)?.amount ?? 0n) + sign * entry.amount })
  }
  for (const entry of due) put(entry, 1n)
  for (const entry of written) put(entry, -1n)
  return [...sums.values()].filter(({ amount }) => amount !== 0n)
}
