/** What becomes of an account's subscriptions and keys when it is merged into another one: planned as data, then done. */
import { listKeys } from '../account/keys.ts'
import { microsOf, readInstant } from '../account/database.ts'
import type { Queryable } from '../account/database.ts'
import type { Merge } from '../account/attribution.ts'
import type { Micros } from '../core/time.ts'
import { subscriptionsOf } from '../price/contract/subscription.ts'
import type { Subscription } from '../price/contract/subscription.ts'

export interface MergeEffects {
  /** They end at the instant of the merge; one that would begin later never begins. */
  readonly subscriptions: readonly (Subscription & { readonly becomes: 'ended' | 'cancelled' })[]
  /**
   * Keys that are bound to the account. They stay: they read its past, and what they send is paid by the other account,
   * so that no sender loses an event. Whoever shall not send any more is to be revoked.
   */
  readonly keys: readonly { readonly id: string; readonly name: string }[]
}

async function boundKeys(queryable: Queryable, account: string): Promise<MergeEffects['keys']> {
  const keys = await listKeys(queryable)
  return keys.filter((key) => key.account === account && key.revokedAt === null).map(({ id, name }) => ({ id, name }))
}

/** What a merge would do besides moving traffic. */
export async function mergeEffects(queryable: Queryable, { account, at }: Merge): Promise<MergeEffects> {
  const going = (await subscriptionsOf(queryable, account)).filter(({ to }) => to === null || to > at)
  return {
    subscriptions: going.map((one) => ({ ...one, becomes: one.from < at ? 'ended' : 'cancelled' })),
    keys: await boundKeys(queryable, account),
  }
}

/** The accounts that were merged into one, by time. */
export async function mergedInto(
  queryable: Queryable,
  account: string,
): Promise<readonly { readonly account: string; readonly at: Micros }[]> {
  const { rows } = await queryable.query<{ account: string; at: string }>(
    `select account, ${microsOf('merged_at')} as at from account_merge where into_account = $1 order by merged_at, account`,
    [account],
  )
  return rows.map((row) => ({ account: row.account, at: readInstant(row.at) }))
}
