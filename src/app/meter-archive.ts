import type { Queryable } from '../account/database.ts'
import type { Micros } from '../core/time.ts'
import { listPlans, planVersions } from '../price/plan-catalogue.ts'

/** The plans that bill a meter, in the version that is in effect or in one that takes effect later. */
export async function plansWithMeter(queryable: Queryable, meter: string, now: Micros): Promise<readonly string[]> {
  const billing: string[] = []
  for (const { key } of await listPlans(queryable)) {
    const versions = await planVersions(queryable, key)
    const holding = versions.filter((_, index) => {
      const next = versions[index + 1]
      return next === undefined || next.effectiveFrom > now
    })
    if (holding.some(({ prices }) => prices.some((price) => price.meter === meter))) billing.push(key)
  }
  return billing
}
