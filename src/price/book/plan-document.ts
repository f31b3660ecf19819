import type { Currency } from '../../core/money.ts'
import type { packageRounds } from '../model/package.ts'
import type { eachWindows, prorations } from '../price.ts'
import type { phaseUnits } from '../contract/phase.ts'
import type { roundingModes } from '../rate/unit.ts'

// The JSON of plans, add-ons and coupons as types: what `parsePlan` and `parseCoupon` read. `Amount` is a decimal as
// text, or, in a book of several currencies, one for each of them. All decimals are text (L4).

/** A decimal as text: `"0.10"`. */
export type Decimal = string

/** Where there are several currencies: an amount for each, and none missing. */
export type AmountIn<Of extends Currency> = { readonly [Each in Of]: Decimal }

export interface PerUnitDocument<Amount> {
  readonly kind: 'per_unit'
  readonly unit_amount: Amount
}

export interface FlatDocument<Amount> {
  readonly kind: 'flat'
  readonly amount: Amount
}

/** A tier has a price of each unit, an amount for entering it, or both; the last one has no bound. */
export type TierDocument<Amount> = { readonly up_to?: Decimal | null } & (
  | { readonly unit_amount: Amount; readonly flat_amount?: Amount }
  | { readonly unit_amount?: Amount; readonly flat_amount: Amount }
)

export interface GraduatedDocument<Amount> {
  readonly kind: 'graduated'
  readonly tiers: readonly TierDocument<Amount>[]
  readonly flat_at_zero?: boolean
}

/** All units at the price of the tier that the whole quantity falls in. */
export interface VolumeDocument<Amount> {
  readonly kind: 'volume'
  readonly tiers: readonly TierDocument<Amount>[]
  readonly flat_at_zero?: boolean
}

export interface PackageDocument<Amount> {
  readonly kind: 'package'
  readonly size: Decimal
  readonly package_amount: Amount
  readonly round?: (typeof packageRounds)[number]
}

/** In a plan of the whole quantity: a meter knows no single events, which `POST /v1/rate` can price. */
export interface PercentageDocument {
  readonly kind: 'percentage'
  readonly percent: Decimal
}

export type PercentTierDocument<Amount> = { readonly up_to?: Decimal | null } & (
  | { readonly percent: Decimal; readonly flat_amount?: Amount }
  | { readonly percent?: Decimal; readonly flat_amount: Amount }
)

export interface GraduatedPercentageDocument<Amount> {
  readonly kind: 'graduated_percentage'
  readonly tiers: readonly PercentTierDocument<Amount>[]
  readonly flat_at_zero?: boolean
}

export interface CommittedDocument<Amount> {
  readonly kind: 'committed'
  readonly quantity: Decimal
  readonly unit_amount: Amount
  readonly overage_unit_amount: Amount
}

/** Models of one quantity. */
export type UsageModelDocument<Amount> =
  | PerUnitDocument<Amount>
  | GraduatedDocument<Amount>
  | VolumeDocument<Amount>
  | PackageDocument<Amount>
  | PercentageDocument
  | GraduatedPercentageDocument<Amount>
  | CommittedDocument<Amount>

export interface CellDocument<Amount> {
  readonly included?: Decimal
  readonly model: UsageModelDocument<Amount>
}

export interface MatrixDocument<Amount> {
  readonly kind: 'matrix'
  readonly dimensions: readonly string[]
  readonly cells: readonly (CellDocument<Amount> & {
    readonly when: Readonly<Record<string, string | readonly string[]>>
  })[]
  readonly default: CellDocument<Amount>
}

/** Every price that is not itself over lines, or these. */
export type LinesDocument = 'all' | readonly string[]

export interface SurchargeDocument {
  readonly kind: 'surcharge'
  readonly percent: Decimal
  readonly of: LinesDocument
}

export interface CommitmentDocument<Amount> {
  readonly kind: 'commitment'
  readonly amount: Amount
  readonly overage_factor?: Decimal
  readonly of: LinesDocument
}

export type DiscountDocument<Amount> = { readonly name?: string } & (
  | { readonly percent: Decimal; readonly amount?: never }
  | { readonly amount: Amount; readonly percent?: never }
)

export type UsageDiscountDocument =
  | { readonly percent: Decimal; readonly quantity?: never }
  | { readonly quantity: Decimal; readonly percent?: never }

export interface UnitDocument {
  readonly name: string
  /** So many units of the meter are one. */
  readonly per: Decimal
  readonly rounding?: { readonly mode: (typeof roundingModes)[number]; readonly decimals?: number }
}

export type EachDocument =
  | { readonly window: (typeof eachWindows)[number]; readonly group_by?: never }
  | { readonly group_by: readonly string[]; readonly window?: never }

interface NamedDocument<Amount> {
  readonly key: string
  readonly name: string
  readonly discounts?: readonly DiscountDocument<Amount>[]
  readonly maximum?: Amount
  readonly minimum?: Amount
  readonly proration?: (typeof prorations)[number]
}

interface Unmeasured {
  readonly meter?: never
  readonly unit?: never
  readonly included?: never
  readonly usage_discount?: never
  readonly each?: never
}

type MeteredPrice<Amount> = NamedDocument<Amount> & {
  readonly meter: string
  readonly unit?: UnitDocument
  readonly included?: Decimal
  readonly usage_discount?: UsageDiscountDocument
  readonly each?: EachDocument
  readonly model: UsageModelDocument<Amount>
}

type MatrixPrice<Amount> = NamedDocument<Amount> & {
  readonly meter: string
  readonly unit?: UnitDocument
  readonly included?: never
  readonly usage_discount?: never
  readonly each?: never
  readonly model: MatrixDocument<Amount>
}

type UnmeasuredPrice<Amount> = NamedDocument<Amount> &
  Unmeasured & { readonly model: FlatDocument<Amount> | SurchargeDocument | CommitmentDocument<Amount> }

type AnyPrice<Amount> = MeteredPrice<Amount> | MatrixPrice<Amount> | UnmeasuredPrice<Amount>

/** Every model that a price can have; a test of types holds it against the models that there are. */
export type ModelDocument<Amount> = AnyPrice<Amount>['model']

/** A price: its amounts are money, or, with `in`, in a pricing unit, which is the same in all currencies. */
export type PriceDocument<Amount> =
  | (AnyPrice<Amount> & { readonly in?: never })
  | (AnyPrice<Decimal> & { readonly in: string })

export interface PricingUnitDocument<Amount> {
  readonly key: string
  readonly name: string
  readonly rate: Amount
}

export type PriceChangeDocument<Amount> =
  | { readonly replace: PriceDocument<Amount> }
  | { readonly add: PriceDocument<Amount> }
  | { readonly remove: string }
  | { readonly free: LinesDocument }
  | { readonly discount: { readonly keys: LinesDocument } & DiscountDocument<Amount> }

type PhaseLengthDocument = {
  readonly [Unit in (typeof phaseUnits)[number]]: { readonly [Only in Unit]: number }
}[(typeof phaseUnits)[number]]

export interface PhaseDocument<Amount> {
  readonly key: string
  readonly name: string
  readonly length: PhaseLengthDocument
  readonly changes?: readonly PriceChangeDocument<Amount>[]
}

interface IncludedAmountDocument<Amount> {
  readonly key: string
  readonly name: string
  readonly amount: Amount
  readonly of: LinesDocument
}

interface SoldDocument<Amount> {
  readonly key: string
  /** Absent: the next number. In a price book every version has its number. */
  readonly version?: number
  readonly name: string
  readonly pricing_units?: readonly PricingUnitDocument<Amount>[]
  readonly prices: readonly PriceDocument<Amount>[]
  /** In money, in each billing period: a base fee of 20 with 20 of usage. */
  readonly included_amounts?: readonly IncludedAmountDocument<Amount>[]
  readonly phases?: readonly PhaseDocument<Amount>[]
  /** RFC 3339, such as `2026-11-01T00:00:00Z`. */
  readonly effective_from: string
}

/** A plan in one currency. */
export interface SinglePlanDocument extends SoldDocument<Decimal> {
  readonly currency: Currency
  readonly currencies?: never
}

/** A plan in several currencies, whose amounts stand side by side. */
export interface SeveralPlanDocument<Of extends Currency> extends SoldDocument<AmountIn<NoInfer<Of>>> {
  readonly currencies: readonly Of[]
  readonly currency?: never
}

interface GivenDocument {
  readonly key: string
  readonly version?: number
  readonly name: string
  readonly of: LinesDocument
  /** For so many billing periods; null or absent: for all. */
  readonly periods?: number | null
  readonly effective_from: string
}

interface PercentCouponDocument extends GivenDocument {
  readonly percent: Decimal
  readonly amount?: never
  readonly currency?: never
  readonly currencies?: never
}

interface SingleCouponDocument extends GivenDocument {
  readonly currency: Currency
  readonly amount: Decimal
  readonly percent?: never
  readonly currencies?: never
}

interface SeveralCouponDocument<Of extends Currency> extends GivenDocument {
  readonly currencies: readonly Of[]
  readonly amount: AmountIn<NoInfer<Of>>
  readonly percent?: never
  readonly currency?: never
}

export type PlanDocument<Of extends Currency = Currency> = SinglePlanDocument | SeveralPlanDocument<Of>
/** An add-on is written like a plan. */
export type AddOnDocument<Of extends Currency = Currency> = PlanDocument<Of>
export type CouponDocument<Of extends Currency = Currency> =
  | PercentCouponDocument
  | SingleCouponDocument
  | SeveralCouponDocument<Of>

/** What `parsePriceBook` reads: some or all versions of some or all things, each with its number. */
export interface PriceBookDocument {
  readonly plans?: readonly (Versioned & object)[]
  readonly add_ons?: readonly (Versioned & object)[]
  readonly coupons?: readonly (Versioned & object)[]
}

interface Versioned {
  readonly key: string
  readonly version?: number
}
