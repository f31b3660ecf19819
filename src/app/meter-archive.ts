import type { Queryable } from '../account/database.ts'
import type { Micros } from '../core/time.ts'
import { placedPrices } from '../price/book/meter-fit.ts'
import type { AddOnVersion } from '../price/book/price-book.ts'
import { loadPriceBook } from '../price/book/price-book-load.ts'
import type { PlanVersion } from '../price/plan.ts'

type Sold = Pick<PlanVersion | AddOnVersion, 'prices' | 'phases' | 'effectiveFrom'>

/** Whether the version that is in effect bills a meter, or one that takes effect later. */
function bills(versions: readonly Sold[], meter: string, now: Micros): boolean {
  const holding = versions.filter((_, index) => {
    const next = versions[index + 1]
    return next === undefined || next.effectiveFrom > now
  })
  return holding.some(({ prices, phases }) => placedPrices(prices, phases).some(({ price }) => price.meter === meter))
}

/** The plans and add-ons that bill a meter. */
export async function plansWithMeter(queryable: Queryable, meter: string, now: Micros): Promise<readonly string[]> {
  const { plans, addOns } = await loadPriceBook(queryable)
  return [
    ...[...plans].flatMap(([key, versions]) => (bills(versions, meter, now) ? [key] : [])),
    ...[...addOns].flatMap(([key, versions]) => (bills(versions, meter, now) ? [`add-on ${key}`] : [])),
  ]
}
