import type { Problem } from '../../core/errors.ts'
import type { Currency } from '../../core/money.ts'
import type { Result } from '../../core/result.ts'
import { parseAddOn } from './add-on.ts'
import { parseCoupon } from './coupon.ts'
import type { AddOnDocument, CouponDocument, PlanDocument, PriceBookDocument } from './plan-document.ts'
import { parsePlan } from '../plan.ts'
import { parsePriceBook } from './price-book-file.ts'

export type { AddOnDocument, CouponDocument, PlanDocument, PriceBookDocument, PriceDocument } from './plan-document.ts'

function checked(named: string, parsed: Result<unknown, readonly Problem[]>): void {
  if (parsed.ok) return
  const problems = parsed.error.map(({ field, message }) => `\n  ${field ?? ''}: ${message}`)
  throw new Error(`the definition of ${named} has problems:${problems.join('')}`)
}

/**
 * A plan written in TypeScript: a field that does not exist, a model without one of its own, or an amount without one of
 * the currencies does not compile. Rules between values (bounds of tiers rise, keys are there once) are read here, when
 * the file runs. Throws an Error that names every problem. The result is what `POST /v1/plans` takes.
 */
export function definePlan<const Of extends Currency>(plan: PlanDocument<Of>): PlanDocument<Of> {
  checked(`plan ${plan.key}`, parsePlan(plan))
  return plan
}

/** An add-on written in TypeScript, like `definePlan`. The result is what `POST /v1/add-ons` takes. */
export function defineAddOn<const Of extends Currency>(addOn: AddOnDocument<Of>): AddOnDocument<Of> {
  checked(`add-on ${addOn.key}`, parseAddOn(addOn))
  return addOn
}

/** A coupon written in TypeScript, like `definePlan`. The result is what `POST /v1/coupons` takes. */
export function defineCoupon<const Of extends Currency>(coupon: CouponDocument<Of>): CouponDocument<Of> {
  checked(`coupon ${coupon.key}`, parseCoupon(coupon))
  return coupon
}

/** A whole price book of such definitions: the default export of a file for `crossfoot prices`. */
export function definePriceBook(book: PriceBookDocument): PriceBookDocument {
  checked('the price book', parsePriceBook(book))
  return book
}
