import { getAccount } from '../../account/accounts.ts'
import type { Account } from '../../account/accounts.ts'
import type { Queryable } from '../../account/database.ts'
import { Refusal } from '../../core/errors.ts'
import type { AccountKey, PlanKey } from '../../core/ids.ts'
import { formatInstant } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import { endOf, heldDecisions } from './contract-facts.ts'
import type { SubscriptionDecision } from './contract-facts.ts'
import { insertDecision, insertDefault, selectDecisions, selectDefaults } from './contract-table.ts'
import { getPlan } from '../book/plan-catalogue.ts'
import { noTerms } from './subscription-terms.ts'
import type { SubscriptionTerms } from './subscription-terms.ts'

/** An account is under a plan from one instant to another; null: until further notice. */
export interface Subscription {
  readonly account: AccountKey
  readonly plan: PlanKey
  readonly from: Micros
  readonly to: Micros | null
  /** Left out: nothing besides the plan. */
  readonly terms?: SubscriptionTerms
}

/** Who decides, and when. */
export interface Decided {
  readonly by: string
  readonly now: Micros
}

/** From this instant on, accounts without a subscription are priced under this plan; null: under none. */
export interface DefaultPlan {
  readonly plan: PlanKey | null
  readonly from: Micros
  readonly by: string
}

/** Two that decide about one account at once: the second one looks again, so often. */
const triesMax = 10

type Next = Omit<SubscriptionDecision, 'number' | 'recordedAt' | 'by'>

/**
 * Adds what is decided in view of all earlier decisions. Null: nothing is to be decided. Decisions about one account come
 * one after the other, so none is taken in ignorance of another.
 */
export async function decide(
  queryable: Queryable,
  account: AccountKey,
  { by, now }: Decided,
  next: (decisions: readonly SubscriptionDecision[]) => Next | null,
): Promise<SubscriptionDecision | null> {
  for (let turn = 0; turn < triesMax; turn += 1) {
    const decisions = await selectDecisions(queryable, account)
    const wanted = next(decisions)
    if (wanted === null) return null
    const decision = { ...wanted, number: (decisions.at(-1)?.number ?? 0) + 1, recordedAt: now, by }
    if (await insertDecision(queryable, decision)) return decision
  }
  throw new Refusal('OVERLOADED', `others are changing the contract of ${account}; try again`, { retryAfterSeconds: 1 })
}

function overlaps(
  decisions: readonly SubscriptionDecision[],
  { from, to }: Pick<Subscription, 'from' | 'to'>,
): boolean {
  return heldDecisions(decisions).some(
    (held) => held.decision.plan !== null && held.to > from && (to === null || held.from < to),
  )
}

/** Refuses a plan that is not sold in the account's currency. */
export async function checkCurrency(queryable: Queryable, account: Account, key: PlanKey): Promise<void> {
  const plan = await getPlan(queryable, key)
  if (plan.bodies.has(account.currency)) return
  throw new Refusal(
    'REQUEST_INVALID',
    `account ${account.key} pays in ${account.currency} and plan ${plan.key} is in ${[...plan.bodies.keys()].join(', ')}; ` +
      `choose a plan in ${account.currency}`,
  )
}

/** Puts an account under a plan; ALREADY_EXISTS when it is under one in part of that time. */
export async function subscribe(
  queryable: Queryable,
  subscription: Subscription,
  decided: Decided,
): Promise<Subscription> {
  const { plan, from, to, terms = noTerms } = subscription
  if (to !== null && to <= from) throw new Refusal('REQUEST_INVALID', 'to is later than from, or null')
  const account = await getAccount(queryable, subscription.account)
  await checkCurrency(queryable, account, plan)
  await decide(queryable, account.key, decided, (decisions) => {
    if (!overlaps(decisions, subscription)) return { account: account.key, plan, from, to, begun: from, terms }
    throw new Refusal(
      'ALREADY_EXISTS',
      `account ${account.key} has a subscription in part of the time from ${formatInstant(from)}; end that one first, or move it`,
    )
  })
  return subscription
}

/** Ends the subscription that is in force at that instant; the ended one, or null when there was none. */
export async function endSubscription(
  queryable: Queryable,
  { account, at }: { readonly account: AccountKey; readonly at: Micros },
  decided: Decided,
): Promise<Subscription | null> {
  let ended: Subscription | null = null
  await decide(queryable, account, decided, (decisions) => {
    const held = heldDecisions(decisions).find((one) => one.from < at && one.to > at && one.decision.plan !== null)
    if (held === undefined || held.decision.plan === null) return null
    const { plan, terms } = held.decision
    ended = { account, plan, from: held.from, to: at, terms }
    return { account, plan: null, from: at, to: endOf(held), begun: at, terms: noTerms }
  })
  return ended
}

/** Ends everything that would go on at that instant or begin after it. */
export async function endSubscriptions(
  queryable: Queryable,
  { account, at }: { readonly account: AccountKey; readonly at: Micros },
  decided: Decided,
): Promise<void> {
  await decide(queryable, account, decided, (decisions) => {
    const goesOn = heldDecisions(decisions).some(({ decision, to }) => decision.plan !== null && to > at)
    return goesOn ? { account, plan: null, from: at, to: null, begun: at, terms: noTerms } : null
  })
}

/** What decisions come to: what an account is and was subscribed to, oldest first. */
export function subscriptionsIn(decisions: readonly SubscriptionDecision[]): readonly Required<Subscription>[] {
  return heldDecisions(decisions).flatMap((held) => {
    const { account, plan, terms } = held.decision
    return plan === null ? [] : [{ account, plan, from: held.from, to: endOf(held), terms }]
  })
}

/** What an account is and was subscribed to, oldest first. */
export async function subscriptionsOf(
  queryable: Queryable,
  account: AccountKey,
): Promise<readonly Required<Subscription>[]> {
  return subscriptionsIn(await selectDecisions(queryable, account))
}

/** Adds a decision to the policy; earlier ones stay, so that it is known what held when. */
export async function setDefaultPlan(queryable: Queryable, decision: DefaultPlan, now: Micros): Promise<void> {
  if (decision.plan !== null) await getPlan(queryable, decision.plan)
  await insertDefault(queryable, decision, now)
}

/** The policy's decisions in the order in which they were taken. */
export async function defaultPlans(queryable: Queryable): Promise<readonly DefaultPlan[]> {
  return (await selectDefaults(queryable)).map(({ plan, from, by }) => ({ plan, from, by }))
}
