import type { Queryable } from '../account/database.ts'
import type { Account } from '../account/accounts.ts'
import { Refusal } from '../core/errors.ts'
import { formatInstant } from '../core/time.ts'
import type { Micros, Period } from '../core/time.ts'
import { planOf } from './plan-catalogue.ts'
import type { PlanRow } from './plan-catalogue.ts'
import { planIn } from './plan.ts'
import type { PlanVersion } from './plan.ts'

/** Why an account is under a plan: because it subscribed, or because it had no subscription. */
export type ContractBasis = 'subscribed' | 'default'

/** What an account's period is priced with. */
export interface Contract {
  readonly plan: PlanVersion
  readonly basis: ContractBasis
}

interface ContractRow {
  readonly plan: string
  readonly basis: ContractBasis
  readonly version: number | null
  readonly terms_text: string | null
}

/** A subscription comes before the default plan, also when its plan has no version in effect: that is refused. */
const contractSql = `
  with chosen as (
    (select plan, 'subscribed' as basis, 1 as rank from subscription
     where account = $1 and starts_at <= $2 and (ends_at is null or ends_at > $2))
    union all
    (select plan, 'default' as basis, 2 as rank from default_plan
     where effective_from <= $2 order by effective_from desc, id desc limit 1)
    order by rank limit 1
  )
  select chosen.plan, chosen.basis, effective.version, effective.terms::text as terms_text
  from chosen left join lateral (
    select version, terms from plan_version
    where plan_version.plan = chosen.plan and effective_from <= $2
    order by effective_from desc, version desc limit 1
  ) as effective on true
  where chosen.plan is not null`

function missing(account: Account, at: Micros, why: string): Refusal {
  return new Refusal(
    'PLAN_MISSING',
    `account ${account.key} cannot be priced at ${formatInstant(at)}: ${why}; ` +
      'subscribe it to a plan or set a default plan that is in effect by then',
  )
}

function isPlanRow(row: ContractRow): row is ContractRow & PlanRow {
  return row.version !== null && row.terms_text !== null
}

/**
 * The plan version that prices an account's period: the one in effect at its start. A change in the middle
 * does not split the period yet; it takes effect with the next one.
 */
export async function contractFor(queryable: Queryable, account: Account, period: Period): Promise<Contract> {
  const { rows } = await queryable.query<ContractRow>(contractSql, [account.key, formatInstant(period.from)])
  const [row] = rows
  if (row === undefined) throw missing(account, period.from, 'it has no subscription, and there is no default plan')
  if (!isPlanRow(row)) throw missing(account, period.from, `its ${row.basis} plan ${row.plan} has no version in effect`)
  const sold = planOf(row)
  const plan = planIn(sold, account.currency)
  if (plan === null) {
    const currencies = [...sold.bodies.keys()].join(', ')
    throw missing(account, period.from, `it pays in ${account.currency} and plan ${sold.key} is in ${currencies}`)
  }
  return { plan, basis: row.basis }
}
