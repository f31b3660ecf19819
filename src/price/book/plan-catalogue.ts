import { inTransaction } from '../../account/database.ts'
import type { Database, Queryable } from '../../account/database.ts'
import { Refusal } from '../../core/errors.ts'
import { assert } from '../../core/result.ts'
import { formatInstant } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import { listMeters } from '../../meter/catalogue.ts'
import { fitProblems, placedPrices } from './meter-fit.ts'
import type { PlacedPrice } from './meter-fit.ts'
import { parsePlan, termsJson } from '../plan.ts'
import type { PlanInput, PlanTerms, PlanVersion } from '../plan.ts'
import { following } from './price-book-version.ts'
import { rememberTerms } from './remember-terms.ts'

// Owns the plans and their versions in Postgres. A version never changes (a trigger refuses it). The versions of
// a plan take effect in the order of their numbers, so that the highest number in effect is the one that holds.

/** A plan version as it is stored. */
export interface PlanRow {
  readonly version: number
  readonly terms_text: string
}

/** What a statement selects of a plan version for `planOf`. */
export const planColumns = 'version, terms::text as terms_text'

/** The stored terms go through the same parser as when they were published. */
const termsOf = rememberTerms((document): PlanTerms => {
  const parsed = parsePlan(document)
  assert(parsed.ok, 'the terms of a published plan version can be read')
  return parsed.value.terms
})

export function planOf({ version, terms_text }: PlanRow): PlanVersion {
  return { ...termsOf(terms_text), version }
}

/** All versions of a plan, oldest first; empty when there is no such plan. */
export async function planVersions(queryable: Queryable, key: string): Promise<readonly PlanVersion[]> {
  const { rows } = await queryable.query<PlanRow>(
    `select ${planColumns} from plan_version where plan = $1 order by version`,
    [key],
  )
  return rows.map(planOf)
}

/** The newest version of each plan, by key. There are as many as a price book has pages, so no cursor. */
export async function listPlans(queryable: Queryable): Promise<readonly PlanVersion[]> {
  const { rows } = await queryable.query<PlanRow>(
    `select distinct on (plan) ${planColumns} from plan_version order by plan, version desc`,
  )
  return rows.map(planOf)
}

/** The newest version of a plan; refuses with PLAN_NOT_FOUND. */
export async function getPlan(queryable: Queryable, key: string): Promise<PlanVersion> {
  const plan = (await planVersions(queryable, key)).at(-1)
  if (plan === undefined)
    throw new Refusal('PLAN_NOT_FOUND', `there is no plan ${JSON.stringify(key)}; GET /v1/plans lists them`)
  return plan
}

/** Refuses prices of meters that are not there, or that do not fit them: found here, and not by the invoice. */
export async function checkMeters(
  client: Queryable,
  terms: Pick<PlanTerms, 'prices' | 'phases'>,
  named: string,
): Promise<void> {
  await checkPlaced(client, placedPrices(terms.prices, terms.phases), named)
}

/** The same of prices wherever they stand in a document. */
export async function checkPlaced(client: Queryable, placed: readonly PlacedPrice[], named: string): Promise<void> {
  const billed = [...new Set(placed.flatMap(({ price: { meter } }) => (meter === null ? [] : [meter])))]
  // Another version of these meters is activated before, or after, and then sees this plan.
  await client.query('select 1 from meter where key = any($1) order by key, version for share', [billed])
  const meters = new Map((await listMeters(client)).map((meter) => [meter.key, meter]))
  const missing = billed.filter((meter) => !meters.has(meter))
  if (missing.length > 0)
    throw new Refusal(
      'METER_NOT_FOUND',
      `${named} bills ${missing.join(', ')}, which ${missing.length === 1 ? 'is no meter' : 'are no meters'} in use; ` +
        'GET /v1/meters lists them; activate a draft, or restore what is archived, before it is published',
    )
  const problems = placed.flatMap((one) => {
    const meter = one.price.meter === null ? undefined : meters.get(one.price.meter)
    return meter === undefined ? [] : fitProblems(one, meter)
  })
  if (problems.length > 0)
    throw new Refusal('REQUEST_INVALID', `${named} does not fit its meters: ${problems[0]?.message}`, { problems })
}

/** Publishes a plan inside a transaction; publishers of one plan take turns. */
export async function publishPlanIn(client: Queryable, input: PlanInput, now: Micros): Promise<PlanVersion> {
  const { terms } = input
  await client.query('insert into plan (key) values ($1) on conflict (key) do nothing', [terms.key])
  await client.query('select key from plan where key = $1 for update', [terms.key])
  const versions = await planVersions(client, terms.key)
  const found = following<PlanTerms, PlanVersion>(input, { noun: 'plan', versions, json: termsJson })
  if (found.kind === 'published') return found.published
  if (found.kind === 'refused') throw new Refusal(found.code, found.message)
  await checkMeters(client, terms, `plan ${terms.key}`)
  await client.query(
    `insert into plan_version (plan, version, currency, effective_from, published_at, terms)
     values ($1, $2, $3, $4, $5, $6)`,
    [
      terms.key,
      found.version,
      terms.currency,
      formatInstant(terms.effectiveFrom),
      formatInstant(now),
      JSON.stringify(termsJson(terms)),
    ],
  )
  return { ...terms, version: found.version }
}

/**
 * Publishes a plan as its next version. The same terms again answer with the version that has them, so a
 * price book can be published on every start.
 */
export async function publishPlan(database: Database, input: PlanInput, now: Micros): Promise<PlanVersion> {
  return inTransaction(database, async (client) => publishPlanIn(client, input, now))
}
