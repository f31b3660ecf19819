import type { Exact } from '../core/exact.ts'
import type { Currency, Minor } from '../core/money.ts'
import type { Burn } from './credit/grant.ts'
import type { Discount } from './discount.ts'
import type { Lines } from './model/over-lines.ts'

/** A coupon as it applies to an invoice: off these prices' lines. */
export interface InvoiceDiscount {
  /** The coupon's key and version. */
  readonly coupon: string
  readonly version: number
  readonly discount: Discount
  readonly of: Lines
}

/** A tax on what is left after discounts and promotional credits. */
export interface Tax {
  readonly key: string
  readonly name: string
  readonly percent: Exact
}

/**
 * From lines to what is due, in the order of DESIGN §9: lines → invoice discounts in stated order → promotional credits
 * → tax → prepaid credits. Each step is rounded to the minor unit where it is taken, so that a reader with a pencil gets
 * every number. All amounts are positive; `taken` ones are subtracted.
 */
export interface Totals {
  readonly currency: Currency
  readonly subtotal: Minor
  readonly discounts: readonly { readonly discount: InvoiceDiscount; readonly taken: Minor }[]
  readonly promotional: readonly Burn[]
  readonly taxable: Minor
  readonly taxes: readonly { readonly tax: Tax; readonly amount: Minor }[]
  /** After tax: what the invoice says. */
  readonly total: Minor
  readonly prepaid: readonly Burn[]
  /** What is left to be paid. */
  readonly due: Minor
}
