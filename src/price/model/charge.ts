import type { Exact } from '../../core/exact.ts'
import type { Currency } from '../../core/money.ts'
import type { TraceStep } from '../trace.ts'

/** What a model is asked to price: the billable quantity, in priced units. */
export interface Charged {
  readonly quantity: Exact
  readonly unit: string
  readonly currency: Currency
}

/** What a model answers: the exact amount, not rounded, and the steps to it. */
export interface Charge {
  readonly amount: Exact
  /** The one price of all units, or null where there is no such price. */
  readonly unitAmount: Exact | null
  readonly steps: readonly TraceStep[]
}

/** Amounts have at most 18 decimals of the major unit (DESIGN §9). */
export const amountRule = { decimalsMax: 18, integerDigitsMax: 24 } as const
