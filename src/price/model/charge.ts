import type { Exact } from '../../core/exact.ts'
import type { Trace } from '../rate/trace.ts'

/** What a model is asked to price. */
export interface Charged {
  /** The billable quantity, in priced units, never below zero. */
  readonly quantity: Exact
  /** The priced unit's name: `GB`. */
  readonly unit: string
  /** What amounts count: `USD`, or the name of a pricing unit. */
  readonly money: string
  /** The values of the single events, in priced units, for models that look at each; null where they are not known. */
  readonly values: readonly Exact[] | null
}

/** What a model answers: the exact amount, not rounded. It writes its steps to the trace, if there is one. */
export interface Charge {
  readonly amount: Exact
  /** The one price of all units, or null where there is no such price. */
  readonly unitAmount: Exact | null
}

export type ChargeOf<Model> = (model: Model, charged: Charged, trace: Trace) => Charge
