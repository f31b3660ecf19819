import { inTransaction } from '../../account/database.ts'
import type { Database, Queryable } from '../../account/database.ts'
import { Refusal } from '../../core/errors.ts'
import type { Problem } from '../../core/errors.ts'
import type { Micros } from '../../core/time.ts'
import { couponTermsJson, parseCoupon } from './coupon.ts'
import type { CouponInput, CouponTerms } from './coupon.ts'
import type { CouponVersion } from './price-book.ts'
import { newestVersion, newestVersions, publishVersion, storedTerms, versionsOf } from './price-book-shelf.ts'
import type { Shelf } from './price-book-shelf.ts'

/** Every key of a price in any version of a plan or an add-on. */
const priceKeysSql = `
  select distinct price ->> 'key' as key
  from (select terms from plan_version union all select terms from add_on_version) as sold,
    json_array_elements(terms -> 'prices') as price`

/** A coupon off a price that nothing has would be given, and take nothing off. */
async function checkPrices(client: Queryable, { key, of }: CouponTerms): Promise<void> {
  if (of === 'all') return
  const { rows } = await client.query<{ key: string }>(priceKeysSql)
  const known = new Set(rows.map((row) => row.key))
  const problems = of.flatMap((price, index): Problem[] =>
    known.has(price)
      ? []
      : [
          {
            code: 'REQUEST_INVALID',
            field: `of.${index}`,
            message: `is ${price}, and no plan or add-on has such a price`,
          },
        ],
  )
  if (problems.length > 0)
    throw new Refusal('REQUEST_INVALID', `coupon ${key} is off prices that nothing has`, { problems })
}

export const couponShelf: Shelf<CouponTerms> = {
  noun: 'coupon',
  table: 'coupon',
  missing: 'COUPON_NOT_FOUND',
  stored: storedTerms('coupon', parseCoupon),
  json: couponTermsJson,
  check: checkPrices,
}

/** The newest version of each coupon, by key. */
export async function listCoupons(queryable: Queryable): Promise<readonly CouponVersion[]> {
  return newestVersions(queryable, couponShelf)
}

/** All versions of a coupon, oldest first; empty when there is no such coupon. */
export async function couponVersions(queryable: Queryable, key: string): Promise<readonly CouponVersion[]> {
  return versionsOf(queryable, couponShelf, key)
}

/** The newest version of a coupon; refuses with COUPON_NOT_FOUND. */
export async function getCoupon(queryable: Queryable, key: string): Promise<CouponVersion> {
  return newestVersion(queryable, couponShelf, key)
}

/** Publishes a coupon as its next version; the same terms again answer with the version that has them. */
export async function publishCoupon(database: Database, input: CouponInput, now: Micros): Promise<CouponVersion> {
  return inTransaction(database, async (client) => publishVersion(client, couponShelf, { input, now }))
}
