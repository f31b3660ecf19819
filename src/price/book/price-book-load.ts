import type { Queryable } from '../../account/database.ts'
import { addOnShelf } from './add-on-catalogue.ts'
import { couponShelf } from './coupon-catalogue.ts'
import { planColumns, planOf } from './plan-catalogue.ts'
import type { PlanRow } from './plan-catalogue.ts'
import { byKey } from './price-book.ts'
import type { PriceBook } from './price-book.ts'
import { allVersions } from './price-book-shelf.ts'

/** Everything that is sold, in all versions, by key and oldest first. */
export async function loadPriceBook(queryable: Queryable): Promise<PriceBook> {
  const { rows } = await queryable.query<PlanRow>(`select ${planColumns} from plan_version order by plan, version`)
  return {
    plans: byKey(rows.map(planOf)),
    addOns: byKey(await allVersions(queryable, addOnShelf)),
    coupons: byKey(await allVersions(queryable, couponShelf)),
  }
}
