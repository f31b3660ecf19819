import { getAccount } from '../../account/accounts.ts'
import type { Account } from '../../account/accounts.ts'
import { microsOf, readInstant } from '../../account/database.ts'
import type { Queryable } from '../../account/database.ts'
import type { AccountKey, PlanKey } from '../../core/ids.ts'
import type { Currency } from '../../core/money.ts'
import { assert } from '../../core/result.ts'
import { formatInstant } from '../../core/time.ts'
import type { Micros, Period } from '../../core/time.ts'
import { contractOf } from './contract.ts'
import type { Contract } from './contract.ts'
import type { ContractFacts, DefaultDecision, SubscriptionDecision } from './contract-facts.ts'
import { loadPriceBook } from '../book/price-book-load.ts'
import { parseStoredTerms, storedTermsJson } from './subscription-terms.ts'

// The statements about contracts. Nothing here is ever changed or deleted: triggers refuse it.

interface DecisionRow {
  readonly account: string
  readonly number: number
  readonly plan: string | null
  readonly starts_at: string
  readonly ends_at: string | null
  readonly begun_at: string
  readonly terms_text: string
  readonly recorded_at: string
  readonly recorded_by: string
}

const columns = `account, number, plan, ${microsOf('starts_at')} as starts_at, ${microsOf('ends_at')} as ends_at,
  ${microsOf('begun_at')} as begun_at, terms::text as terms_text, ${microsOf('recorded_at')} as recorded_at, recorded_by`

function decisionOf(row: DecisionRow): SubscriptionDecision {
  const terms = parseStoredTerms(JSON.parse(row.terms_text))
  assert(terms.ok, `the terms of decision ${row.number} about ${row.account} can be read`)
  return {
    account: row.account as AccountKey,
    number: row.number,
    plan: row.plan as PlanKey | null,
    from: readInstant(row.starts_at),
    to: readInstant(row.ends_at),
    begun: readInstant(row.begun_at),
    terms: terms.value,
    recordedAt: readInstant(row.recorded_at),
    by: row.recorded_by,
  }
}

/** All decisions about an account, in the order in which they were taken. */
export async function selectDecisions(
  queryable: Queryable,
  account: AccountKey,
): Promise<readonly SubscriptionDecision[]> {
  const { rows } = await queryable.query<DecisionRow>(
    `select ${columns} from subscription_decision where account = $1 order by number`,
    [account],
  )
  return rows.map(decisionOf)
}

/** False when somebody else took this number meanwhile: what was decided has to be looked at again. */
export async function insertDecision(queryable: Queryable, decision: SubscriptionDecision): Promise<boolean> {
  const { rowCount } = await queryable.query(
    `insert into subscription_decision
       (account, number, plan, starts_at, ends_at, begun_at, terms, recorded_at, recorded_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (account, number) do nothing`,
    [
      decision.account,
      decision.number,
      decision.plan,
      formatInstant(decision.from),
      decision.to === null ? null : formatInstant(decision.to),
      formatInstant(decision.begun),
      JSON.stringify(storedTermsJson(decision.terms)),
      formatInstant(decision.recordedAt),
      decision.by,
    ],
  )
  return rowCount === 1
}

/** The policy's decisions in the order in which they were taken. */
export async function selectDefaults(queryable: Queryable): Promise<readonly DefaultDecision[]> {
  const { rows } = await queryable.query<{
    id: string
    plan: string | null
    effective_from: string
    decided_by: string
  }>(`select id, plan, ${microsOf('effective_from')} as effective_from, decided_by from default_plan order by id`)
  return rows.map((row) => ({
    id: Number(row.id),
    plan: row.plan as PlanKey | null,
    from: readInstant(row.effective_from),
    by: row.decided_by,
  }))
}

/** A number of any transaction: whoever holds it adds to the policy, and the next one waits. */
const defaultPlanLock = 7_421_001

/** Ids rise in the order in which decisions are there to be read: no lower one turns up later. */
export async function insertDefault(
  queryable: Queryable,
  decision: Omit<DefaultDecision, 'id'>,
  now: Micros,
): Promise<void> {
  await queryable.query(
    `with turn as materialized (select pg_advisory_xact_lock(${defaultPlanLock}))
     insert into default_plan (plan, effective_from, decided_at, decided_by)
     select $1, $2::timestamptz, $3::timestamptz, $4 from turn`,
    [decision.plan, formatInstant(decision.from), formatInstant(now), decision.by],
  )
}

export async function loadContractFacts(
  queryable: Queryable,
  account: Pick<Account, 'key' | 'timeZone' | 'currency'>,
): Promise<ContractFacts> {
  const decisions = await selectDecisions(queryable, account.key)
  return { account, decisions, defaults: await selectDefaults(queryable) }
}

export const limits = { accountsAtOnce: 1_000 } as const

interface AccountRow {
  readonly key: string
  readonly time_zone: string
  readonly currency: string
}

/** The facts of every billable account, in the order of their keys, a page at a time. */
export async function* loadAllContractFacts(queryable: Queryable): AsyncGenerator<ContractFacts> {
  const defaults = await selectDefaults(queryable)
  let after = ''
  for (;;) {
    const { rows: accounts } = await queryable.query<AccountRow>(
      'select key, time_zone, currency from account where billable and key > $1 order by key limit $2',
      [after, limits.accountsAtOnce],
    )
    const { rows } = await queryable.query<DecisionRow>(
      `select ${columns} from subscription_decision where account = any($1) order by account, number`,
      [accounts.map(({ key }) => key)],
    )
    const decisions = Map.groupBy(rows.map(decisionOf), ({ account }) => account)
    for (const { key, time_zone: timeZone, currency } of accounts) {
      const account = { key: key as AccountKey, timeZone, currency: currency as Currency }
      yield { account, decisions: decisions.get(account.key) ?? [], defaults }
    }
    const last = accounts.at(-1)
    if (last === undefined || accounts.length < limits.accountsAtOnce) return
    after = last.key
  }
}

/** What an account's period is priced with, as of now. */
export async function contractFor(
  queryable: Queryable,
  account: Pick<Account, 'key' | 'timeZone' | 'currency'>,
  period: Period,
): Promise<Contract> {
  return contractOf(await loadContractFacts(queryable, account), await loadPriceBook(queryable), period)
}

/** The facts of an account by its key; refuses with ACCOUNT_NOT_FOUND. */
export async function contractFactsOf(queryable: Queryable, account: string): Promise<ContractFacts> {
  return loadContractFacts(queryable, await getAccount(queryable, account))
}
