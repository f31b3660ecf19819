import { inTransaction } from '../account/database.ts'
import type { Database, Queryable } from '../account/database.ts'
import { Refusal } from '../core/errors.ts'
import { assert } from '../core/result.ts'
import { formatInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { parsePlan, termsJson } from './plan.ts'
import type { PlanInput, PlanVersion } from './plan.ts'

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
export function planOf({ version, terms_text }: PlanRow): PlanVersion {
  const parsed = parsePlan(JSON.parse(terms_text))
  assert(parsed.ok, 'the terms of a published plan version can be read')
  return { ...parsed.value.terms, version }
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

/** Refuses a version that would take the place of another one. */
function checkNumber({ terms, version }: PlanInput, versions: readonly PlanVersion[]): void {
  const next = versions.length + 1
  if (version === null || version === next) return
  if (version < next)
    throw new Refusal(
      'VERSION_IMMUTABLE',
      `version ${version} of plan ${terms.key} is published with other terms; publish the change as version ${next}`,
    )
  throw new Refusal('REQUEST_INVALID', `the next version of plan ${terms.key} is ${next}, not ${version}`)
}

function checkEffect({ terms }: PlanInput, last: PlanVersion | undefined): void {
  if (last === undefined || terms.effectiveFrom >= last.effectiveFrom) return
  throw new Refusal(
    'REQUEST_INVALID',
    `version ${last.version} of plan ${terms.key} takes effect at ${formatInstant(last.effectiveFrom)}; ` +
      'the version after it takes effect then or later',
  )
}

/** The version that already has this number (or, without a number, is the last) and exactly these terms. */
function alreadyPublished({ terms, version }: PlanInput, versions: readonly PlanVersion[]): PlanVersion | undefined {
  const candidate = version === null ? versions.at(-1) : versions[version - 1]
  if (candidate === undefined) return undefined
  return JSON.stringify(termsJson(candidate)) === JSON.stringify(termsJson(terms)) ? candidate : undefined
}

/**
 * Publishes a plan as its next version. The same terms again answer with the version that has them, so a
 * price book can be published on every start. Publishers of one plan take turns.
 */
export async function publishPlan(database: Database, input: PlanInput, now: Micros): Promise<PlanVersion> {
  const { terms } = input
  return inTransaction(database, async (client) => {
    await client.query('insert into plan (key) values ($1) on conflict (key) do nothing', [terms.key])
    await client.query('select key from plan where key = $1 for update', [terms.key])
    const versions = await planVersions(client, terms.key)
    const published = alreadyPublished(input, versions)
    if (published !== undefined) return published
    checkNumber(input, versions)
    checkEffect(input, versions.at(-1))
    const version = versions.length + 1
    await client.query(
      `insert into plan_version (plan, version, currency, effective_from, published_at, terms)
       values ($1, $2, $3, $4, $5, $6)`,
      [
        terms.key,
        version,
        terms.currency,
        formatInstant(terms.effectiveFrom),
        formatInstant(now),
        JSON.stringify(termsJson(terms)),
      ],
    )
    return { ...terms, version }
  })
}
