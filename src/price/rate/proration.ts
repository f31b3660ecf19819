import { compare, divide, exact, multiply, one } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { assert } from '../../core/result.ts'
import type { Period } from '../../core/time.ts'
import type { Discount } from './discount.ts'
import { scaleModel } from '../model/model.ts'
import type { Matrix } from '../model/matrix.ts'
import { isUnitModel } from '../price-model.ts'
import type { PriceModel } from '../price-model.ts'
import type { Price, Proration } from '../price.ts'

/**
 * The share of a billing period that a part of it is: by exact time (DESIGN §9), so that days of 23 and 25 hours weigh
 * what they last. Complementary parts have shares that add up to 1.
 */
export function shareOf(part: Period, whole: Period): Exact {
  assert(part.from >= whole.from && part.to <= whole.to && part.from <= part.to, 'a part lies in its period')
  return divide(exact(BigInt(part.to - part.from)), exact(BigInt(whole.to - whole.from)))
}

/** How a price is cut: as it says itself, else by what it measures. */
export function prorationOf({ proration, model }: Price, additive: boolean): Proration {
  if (proration !== null) return proration
  return model.kind === 'flat' || !additive ? 'amounts' : 'bounds'
}

function scaleMatrix(model: Matrix, share: Exact): Matrix {
  const scaled = (price: Matrix['otherwise']): Matrix['otherwise'] => ({
    included: multiply(price.included, share),
    model: scaleModel(price.model, share),
  })
  return {
    ...model,
    cells: model.cells.map(({ when, price }) => ({ when, price: scaled(price) })),
    otherwise: scaled(model.otherwise),
  }
}

function scalePriceModel(model: PriceModel, share: Exact): PriceModel {
  if (model.kind === 'matrix') return scaleMatrix(model, share)
  if (isUnitModel(model)) return scaleModel(model, share)
  // A surcharge is a percentage of lines that are cut already.
  return model.kind === 'commitment' ? { ...model, amount: multiply(model.amount, share) } : model
}

const scaleDiscount = (discount: Discount, share: Exact): Discount =>
  discount.kind === 'fixed' ? { ...discount, amount: multiply(discount.amount, share) } : discount

/**
 * The price for a part of a billing period. Under `amounts` allowance and tiers stay whole, because the level that they
 * look at is not smaller in half a month; the amount is cut by the line (`rateLine`), except where each window is priced
 * alone: windows lie in the part already.
 */
export function proratePrice(price: Price, share: Exact, proration: Proration): Price {
  if (proration === 'none' || compare(share, one) === 0) return price
  const limits = {
    discounts: price.discounts.map((discount) => scaleDiscount(discount, share)),
    maximum: price.maximum === null ? null : multiply(price.maximum, share),
    minimum: price.minimum === null ? null : multiply(price.minimum, share),
  }
  // What is said for each window is not said for the period.
  if (proration === 'amounts' || price.each?.kind === 'window') return { ...price, ...limits }
  const { usageDiscount } = price
  return {
    ...price,
    ...limits,
    included: multiply(price.included, share),
    usageDiscount:
      usageDiscount?.kind === 'quantity'
        ? { ...usageDiscount, quantity: multiply(usageDiscount.quantity, share) }
        : usageDiscount,
    model: scalePriceModel(price.model, share),
  }
}
