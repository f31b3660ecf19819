import type { Queryable } from '../account/database.ts'
import type { Micros } from '../core/time.ts'
import { placedIn, placedPrices } from '../price/book/meter-fit.ts'
import type { PlacedPrice } from '../price/book/meter-fit.ts'
import type { AddOnVersion } from '../price/book/price-book.ts'
import { loadPriceBook } from '../price/book/price-book-load.ts'
import { heldDecisions } from '../price/contract/contract-facts.ts'
import { loadAllContractFacts } from '../price/contract/contract-table.ts'
import type { PlanVersion } from '../price/plan.ts'

/** What bills a meter, as people name it, and a price of it that does. */
export interface Billing {
  readonly named: string
  readonly placed: PlacedPrice
}

type Sold = Pick<PlanVersion | AddOnVersion, 'prices' | 'phases' | 'effectiveFrom'>

/** All prices of the version that is in effect, and of those that take effect later. */
function heldPrices(versions: readonly Sold[], now: Micros): readonly PlacedPrice[] {
  return versions
    .filter((_, index) => {
      const next = versions[index + 1]
      return next === undefined || next.effectiveFrom > now
    })
    .flatMap(({ prices, phases }) => placedPrices(prices, phases))
}

/** The prices of a meter that hold now or later: of plans, of add-ons, and those that accounts agreed on. */
export async function billingsOf(queryable: Queryable, meter: string, now: Micros): Promise<readonly Billing[]> {
  const found: Billing[] = []
  const add = (named: string, prices: readonly PlacedPrice[]): void => {
    for (const placed of prices) if (placed.price.meter === meter) found.push({ named, placed })
  }
  const { plans, addOns } = await loadPriceBook(queryable)
  for (const [key, versions] of plans) add(key, heldPrices(versions, now))
  for (const [key, versions] of addOns) add(`add-on ${key}`, heldPrices(versions, now))
  for await (const { account, decisions } of loadAllContractFacts(queryable)) {
    for (const { decision, to } of heldDecisions(decisions))
      if (to > now) add(`account ${account.key}`, placedIn(decision.terms.overrides, 'overrides'))
  }
  return found
}

/** The plans, add-ons and accounts that bill a meter, each once. */
export async function billersOf(queryable: Queryable, meter: string, now: Micros): Promise<readonly string[]> {
  return [...new Set((await billingsOf(queryable, meter, now)).map(({ named }) => named))]
}
