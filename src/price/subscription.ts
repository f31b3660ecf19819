import { microsOf, readInstant, violates } from '../account/database.ts'
import type { Queryable } from '../account/database.ts'
import { getAccount } from '../account/accounts.ts'
import { Refusal } from '../core/errors.ts'
import type { AccountKey, PlanKey } from '../core/ids.ts'
import { formatInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { getPlan } from './plan-catalogue.ts'

/** An account is under a plan from one instant to another; null: until further notice. */
export interface Subscription {
  readonly account: AccountKey
  readonly plan: PlanKey
  readonly from: Micros
  readonly to: Micros | null
}

/** From this instant on, accounts without a subscription are priced under this plan; null: under none. */
export interface DefaultPlan {
  readonly plan: PlanKey | null
  readonly from: Micros
  readonly by: string
}

interface SubscriptionRow {
  readonly account: string
  readonly plan: string
  readonly starts_at: string
  readonly ends_at: string | null
}

const columns = `account, plan, ${microsOf('starts_at')} as starts_at, ${microsOf('ends_at')} as ends_at`

function subscriptionOf(row: SubscriptionRow): Subscription {
  return {
    account: row.account as AccountKey,
    plan: row.plan as PlanKey,
    from: readInstant(row.starts_at),
    to: readInstant(row.ends_at),
  }
}

/** Puts an account under a plan; ALREADY_EXISTS when it is under one in part of that time. */
export async function subscribe(queryable: Queryable, subscription: Subscription): Promise<Subscription> {
  const { from, to } = subscription
  if (to !== null && to <= from) throw new Refusal('REQUEST_INVALID', 'to is later than from, or null')
  const account = await getAccount(queryable, subscription.account)
  const plan = await getPlan(queryable, subscription.plan)
  if (!plan.bodies.has(account.currency))
    throw new Refusal(
      'REQUEST_INVALID',
      `account ${account.key} pays in ${account.currency} and plan ${plan.key} is in ${[...plan.bodies.keys()].join(', ')}; ` +
        `choose a plan in ${account.currency}`,
    )
  try {
    await queryable.query('insert into subscription (account, plan, starts_at, ends_at) values ($1, $2, $3, $4)', [
      account.key,
      plan.key,
      formatInstant(from),
      to === null ? null : formatInstant(to),
    ])
  } catch (error) {
    if (!violates(error, 'subscription_once')) throw error
    throw new Refusal(
      'ALREADY_EXISTS',
      `account ${account.key} has a subscription in part of the time from ${formatInstant(from)}; end that one first`,
    )
  }
  return subscription
}

/** Ends the subscription that is in force at that instant; the ended one, or null when there was none. */
export async function endSubscription(
  queryable: Queryable,
  { account, at }: { readonly account: AccountKey; readonly at: Micros },
): Promise<Subscription | null> {
  const { rows } = await queryable.query<SubscriptionRow>(
    `update subscription set ends_at = $2
     where account = $1 and starts_at < $2 and (ends_at is null or ends_at > $2)
     returning ${columns}`,
    [account, formatInstant(at)],
  )
  const [row] = rows
  return row === undefined ? null : subscriptionOf(row)
}

/** What an account is and was subscribed to, oldest first. */
export async function subscriptionsOf(queryable: Queryable, account: AccountKey): Promise<readonly Subscription[]> {
  const { rows } = await queryable.query<SubscriptionRow>(
    `select ${columns} from subscription where account = $1 order by starts_at`,
    [account],
  )
  return rows.map(subscriptionOf)
}

/** Adds a decision to the policy; earlier ones stay, so that it is known what held when. */
export async function setDefaultPlan(queryable: Queryable, decision: DefaultPlan, now: Micros): Promise<void> {
  if (decision.plan !== null) await getPlan(queryable, decision.plan)
  await queryable.query(
    'insert into default_plan (plan, effective_from, decided_at, decided_by) values ($1, $2, $3, $4)',
    [decision.plan, formatInstant(decision.from), formatInstant(now), decision.by],
  )
}

/** The policy's decisions in the order in which they were taken. */
export async function defaultPlans(queryable: Queryable): Promise<readonly DefaultPlan[]> {
  const { rows } = await queryable.query<{ plan: string | null; effective_from: string; decided_by: string }>(
    `select plan, ${microsOf('effective_from')} as effective_from, decided_by from default_plan order by id`,
  )
  return rows.map((row) => ({
    plan: row.plan as PlanKey | null,
    from: readInstant(row.effective_from),
    by: row.decided_by,
  }))
}
