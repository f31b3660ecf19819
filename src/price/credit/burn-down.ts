import { Refusal } from '../../core/errors.ts'
import type { Minor } from '../../core/money.ts'
import { assert } from '../../core/result.ts'
import type { Micros } from '../../core/time.ts'
import { burnOrder } from './burn.ts'
import type { Grant, GrantId, GrantSchedule } from './grant.ts'
import { expiryOf, instancesOf, rolledOver } from './schedule.ts'
import type { Instance } from './schedule.ts'

/*
 * What grants would pay of amounts that become due one after the other: a forecast, and the form in which other systems
 * tell how their grants burn. The ledger of real invoices is `ledger.ts`; the two share the turns and the order.
 */

export type BurnDownGrant = GrantSchedule & Pick<Grant, 'id' | 'priority' | 'createdAt'>

export interface Due {
  readonly at: Micros
  readonly amount: Minor
}

export interface BurnDownInput {
  readonly grants: readonly BurnDownGrant[]
  /** In any order; what lies outside of [from, until) is not looked at. */
  readonly usage: readonly Due[]
  readonly from: Micros
  readonly until: Micros
  /** What is left at `from`, with what begins then, of grants that are in effect; left out: the whole amount of the turn. */
  readonly balances?: ReadonlyMap<GrantId, Minor>
  /** What nobody has paid before `from`; left out: nothing. */
  readonly overage?: Minor
  /** Instants after `from`, up to `until`, at which every grant keeps what its rollover says, and usage counts anew. */
  readonly resets?: readonly Micros[]
  /** Whether what nobody has paid outlives a reset. */
  readonly keepsOverage?: boolean
}

/** From one change of what is in effect to the next. */
export interface Segment {
  readonly from: Micros
  readonly to: Micros
  /** Of grants in effect, before anything of the segment is paid. */
  readonly opening: ReadonlyMap<GrantId, Minor>
  /** What nobody had paid yet when the segment began. */
  readonly overage: Minor
  readonly burned: ReadonlyMap<GrantId, Minor>
}

export interface BurnDown {
  /** Of all grants, at `until`; those that are not in effect have nothing. */
  readonly balances: ReadonlyMap<GrantId, Minor>
  /** Of grants that paid something. A reset at `until` may let them pay more than is in the segments. */
  readonly burned: ReadonlyMap<GrantId, Minor>
  /** What no grant has paid. */
  readonly overage: Minor
  readonly usageSinceReset: Minor
  readonly segments: readonly Segment[]
}

type Balances = Map<GrantId, Minor>

interface State {
  readonly grants: readonly BurnDownGrant[]
  /** Of grants in effect. */
  readonly balances: Balances
  /** The turn in which a grant is, where it is in effect. */
  readonly turns: Map<GrantId, Instance>
  readonly burned: Balances
  /** What becomes due, in the order of time, and the index of what comes next. */
  readonly dues: readonly Due[]
  next: number
  overage: bigint
  /** Since the last reset. */
  usage: bigint
}

function add(sums: Balances, id: GrantId, amount: bigint): void {
  sums.set(id, ((sums.get(id) ?? 0n) + amount) as Minor)
}

/** A grant enters a turn at an instant; null: it has none from then on. */
interface Change {
  readonly grant: BurnDownGrant
  readonly at: Micros
  readonly turn: Instance | null
}

function changesOf(grant: BurnDownGrant, until: Micros): readonly Change[] {
  const { voidedAt } = grant
  const changes = [...instancesOf(grant, until)].flatMap((turn): readonly Change[] => {
    const { from, to, recurs } = turn
    return [{ grant, at: from, turn }, ...(to === null || recurs ? [] : [{ grant, at: to, turn: null }])]
  })
  if (voidedAt === null) return changes
  const before = changes.filter(({ at }) => at < voidedAt)
  const isInEffect = (before.at(-1)?.turn ?? null) !== null
  return isInEffect ? [...before, { grant, at: voidedAt, turn: null }] : before
}

function enter({ balances, turns }: State, { grant, turn }: Change): void {
  const rest = turns.has(grant.id) ? (balances.get(grant.id) ?? 0n) : 0n
  const { kept, added } = turns.has(grant.id) ? rolledOver(rest, grant) : { kept: 0n, added: 0n }
  balances.delete(grant.id)
  turns.delete(grant.id)
  if (turn === null) return
  turns.set(grant.id, turn)
  balances.set(grant.id, (kept + added + turn.amount) as Minor)
}

type Payer = Parameters<typeof burnOrder>[0]

/** Those that have something; the last one burns first. */
function payersOf({ grants, balances, turns }: State): Payer[] {
  const ranked = grants.flatMap((grant) => {
    const turn = turns.get(grant.id)
    if (turn === undefined || (balances.get(grant.id) ?? 0n) === 0n) return []
    return [{ ...grant, expiresAt: expiryOf(turn, grant) }]
  })
  return ranked.toSorted((a, b) => burnOrder(b, a))
}

/** Pays what is open as far as the payers have something, and takes those away that have nothing left. */
function payOverage(state: State, payers: Payer[], burned: Balances): void {
  while (state.overage > 0n) {
    const id = payers.at(-1)?.id
    if (id === undefined) return
    const balance = state.balances.get(id) ?? 0n
    const amount = balance < state.overage ? balance : state.overage
    state.balances.set(id, (balance - amount) as Minor)
    state.overage -= amount
    add(burned, id, amount)
    add(state.burned, id, amount)
    if (amount === balance) payers.pop()
  }
}

function segmentOf(state: State, from: Micros, to: Micros): Segment {
  const [opening, overage] = [new Map(state.balances), state.overage as Minor]
  const [payers, burned] = [payersOf(state), new Map<GrantId, Minor>()]
  payOverage(state, payers, burned)
  for (;;) {
    const due = state.dues[state.next]
    if (due === undefined || due.at >= to) return { from, to, opening, overage, burned }
    state.overage += due.amount
    state.usage += due.amount
    payOverage(state, payers, burned)
    state.next += 1
  }
}

/** What recurs at that very instant comes afterwards, on top of what was kept. */
function reset(state: State, keepsOverage: boolean): void {
  for (const grant of state.grants) {
    const rest = state.balances.get(grant.id)
    if (rest === undefined) continue
    const { kept, added } = rolledOver(rest, grant)
    state.balances.set(grant.id, (kept + added) as Minor)
  }
  if (!keepsOverage) state.overage = 0n
  state.usage = 0n
}

function emptyState(): Omit<State, 'grants' | 'dues' | 'overage'> {
  return { balances: new Map(), turns: new Map(), burned: new Map(), next: 0, usage: 0n }
}

/** The state at `from`, and what changes after it, by instant. */
function start(input: BurnDownInput): {
  readonly state: State
  readonly changes: ReadonlyMap<Micros, readonly Change[]>
} {
  const { grants, from, until, balances, overage = 0n, resets = [] } = input
  const dues = input.usage.filter(({ at }) => at >= from && at < until).toSorted((a, b) => a.at - b.at)
  const state: State = { ...emptyState(), grants, dues, overage }
  const changes = new Map<Micros, Change[]>(resets.map((at) => [at, []]))
  const isInside = (at: Micros): boolean => at < until || (at === until && resets.includes(until))
  for (const grant of grants) {
    const all = changesOf(grant, until)
    const now = all.findLast(({ at }) => at <= from)
    if (now !== undefined) enter(state, now)
    const given = balances?.get(grant.id)
    if (given !== undefined && state.turns.has(grant.id)) state.balances.set(grant.id, given)
    for (const change of all.filter(({ at }) => at > from && isInside(at))) {
      const others = changes.get(change.at)
      if (others === undefined) changes.set(change.at, [change])
      else others.push(change)
    }
  }
  return { state, changes: new Map([...changes].toSorted(([a], [b]) => a - b)) }
}

function check({ grants, usage, from, until, balances, overage = 0n as Minor, resets = [] }: BurnDownInput): void {
  if (resets.some((at) => at <= from || at > until))
    throw new Refusal('REQUEST_INVALID', 'resets are after the beginning and not after the end')
  const amounts = [overage, ...usage.map(({ amount }) => amount), ...(balances?.values() ?? [])]
  assert(
    amounts.every((amount) => amount >= 0n),
    'nothing due and no credit is below zero',
  )
  assert(new Set(grants.map(({ id }) => id)).size === grants.length, 'a grant is there once')
}

/**
 * What grants pay of amounts that become due from `from` up to, and not at, `until`. What nobody pays is carried to the
 * next grant that begins or recurs. What begins or ends at `until` is left to the time after it, unless that is a reset:
 * then the next time's opening is given.
 */
export function burnDown(input: BurnDownInput): BurnDown {
  check(input)
  const { from, until, resets = [], keepsOverage = false } = input
  const { state, changes } = start(input)
  const segments: Segment[] = []
  let last = from
  for (const [at, entered] of changes) {
    segments.push(segmentOf(state, last, at))
    if (resets.includes(at)) reset(state, keepsOverage)
    for (const change of entered) enter(state, change)
    last = at
  }
  if (last < until) segments.push(segmentOf(state, last, until))
  else payOverage(state, payersOf(state), new Map())
  return {
    balances: new Map(input.grants.map(({ id }) => [id, state.balances.get(id) ?? (0n as Minor)])),
    burned: state.burned,
    overage: state.overage as Minor,
    usageSinceReset: state.usage as Minor,
    segments,
  }
}
