import { getAccount } from '../../account/accounts.ts'
import type { Account } from '../../account/accounts.ts'
import type { Queryable } from '../../account/database.ts'
import { Refusal } from '../../core/errors.ts'
import type { AccountKey, PlanKey } from '../../core/ids.ts'
import { calendarMonth, formatInstant } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import { decisionAt, endOf, heldDecisions } from './contract-facts.ts'
import type { SubscriptionDecision } from './contract-facts.ts'
import { selectDecisions } from './contract-table.ts'
import { placedIn } from '../book/meter-fit.ts'
import { checkPlaced } from '../book/plan-catalogue.ts'
import { loadPriceBook } from '../book/price-book-load.ts'
import type { PriceBook } from '../book/price-book.ts'
import { parseTerms } from './subscription-check.ts'
import { noTerms } from './subscription-terms.ts'
import type { SubscriptionTerms } from './subscription-terms.ts'
import { checkCurrency, decide } from './subscription.ts'
import type { Decided } from './subscription.ts'

/** When a move takes effect: at once, with the next billing period, or at an instant, also a past one. */
export type MoveAt = 'now' | 'period_end' | Micros

/** What an account is to be under. */
export interface Move {
  readonly account: AccountKey
  /** Left out: the plan that it is under. Null: none; its subscription ends. */
  readonly plan?: PlanKey | null
  /** `overrides`, `add_ons`, `coupons`, `taxes`, as they were written; each that is left out goes on. */
  readonly terms?: Readonly<Record<string, unknown>>
  readonly at: MoveAt
}

/** The instant at which a move takes effect. */
export function instantOf(at: MoveAt, { timeZone }: Pick<Account, 'timeZone'>, now: Micros): Micros {
  if (at === 'now') return now
  return at === 'period_end' ? calendarMonth(now, timeZone).to : at
}

type Next = Omit<SubscriptionDecision, 'number' | 'recordedAt' | 'by'>

/** Terms that go on with another plan: what was agreed about prices of the plan ends with it. */
function goingOn(terms: SubscriptionTerms, isSamePlan: boolean): SubscriptionTerms {
  return isSamePlan ? terms : { ...terms, overrides: [], pricingUnits: [] }
}

interface MoveContext {
  readonly book: PriceBook
  readonly account: Account
  readonly from: Micros
}

/**
 * What a move decides, in view of what was decided before. Pure. It splits what holds at its instant: that ends there, and
 * the new one goes on to where that would have ended, so that moves which are planned for later stay.
 */
function movedTo(move: Move, decisions: readonly SubscriptionDecision[], context: MoveContext): Next {
  const { account, from, book } = context
  const held = decisionAt(decisions, from)
  const present = held === null || held.decision.plan === null ? null : held.decision
  const plan = move.plan === undefined ? (present?.plan ?? null) : move.plan
  if (plan === null && present === null)
    throw new Refusal(
      'REQUEST_INVALID',
      `account ${account.key} is under no subscription at ${formatInstant(from)}; name the plan that it moves to`,
    )
  const next = heldDecisions(decisions).find((one) => one.from > from)?.from ?? null
  const to = held === null ? next : endOf(held)
  if (plan === null) return { account: account.key, plan, from, to, begun: from, terms: noTerms }
  const before = goingOn(present?.terms ?? noTerms, present?.plan === plan)
  const terms = parseTerms(move.terms ?? {}, { book, account, plan, from, before })
  if (!terms.ok) throw new Refusal('REQUEST_INVALID', 'the terms have problems', { problems: terms.error })
  const begun = present !== null && present.plan === plan ? present.begun : from
  return { account: account.key, plan, from, to, begun, terms: terms.value }
}

/** What a move would decide, and nothing is stored: for previews. */
export interface PlannedMove {
  readonly account: Account
  /** All earlier decisions, and the new one as the last. */
  readonly decisions: readonly SubscriptionDecision[]
  readonly decision: SubscriptionDecision
}

export async function planMove(queryable: Queryable, move: Move, { by, now }: Decided): Promise<PlannedMove> {
  const context = await contextOf(queryable, move, now)
  const decisions = await selectDecisions(queryable, move.account)
  const next = movedTo(move, decisions, context)
  const decision = { ...next, number: (decisions.at(-1)?.number ?? 0) + 1, recordedAt: now, by }
  return { account: context.account, decisions: [...decisions, decision], decision }
}

async function contextOf(queryable: Queryable, move: Move, now: Micros): Promise<MoveContext> {
  const account = await getAccount(queryable, move.account)
  if (move.plan !== undefined && move.plan !== null) await checkCurrency(queryable, account, move.plan)
  return { account, from: instantOf(move.at, account, now), book: await loadPriceBook(queryable) }
}

/**
 * Moves an account to another plan or other terms. A past instant is allowed, also one in a period whose invoice is
 * issued: that stays as it is (L6), and its drift shows what the move makes different.
 */
export async function moveSubscription(
  queryable: Queryable,
  move: Move,
  decided: Decided,
): Promise<SubscriptionDecision> {
  const context = await contextOf(queryable, move, decided.now)
  const planned = movedTo(move, await selectDecisions(queryable, move.account), context)
  await checkPlaced(queryable, placedIn(planned.terms.overrides, 'overrides'), `the override of ${move.account}`)
  const taken = await decide(queryable, move.account, decided, (decisions) => movedTo(move, decisions, context))
  if (taken === null) throw new Refusal('REQUEST_INVALID', 'the move changes nothing')
  return taken
}
