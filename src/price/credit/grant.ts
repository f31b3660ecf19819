import type { AccountKey, Brand, MeterKey } from '../../core/ids.ts'
import type { Cycle } from '../../core/cycle.ts'
import type { Currency, Minor } from '../../core/money.ts'
import type { Micros } from '../../core/time.ts'

export type GrantId = Brand<string, 'GrantId'>

/** Promotional credits are taken before tax, prepaid ones after it (DESIGN §9). */
export type CreditKind = 'promotional' | 'prepaid'

/** What a grant may pay for: lines of these meters, or every line. */
export type CreditScope = 'all' | { readonly meters: readonly MeterKey[] }

/** A grant and what is left of it, as an invoice sees it. */
export interface AvailableCredit {
  readonly id: GrantId
  readonly kind: CreditKind
  readonly name: string
  readonly currency: Currency
  /** Lower burns first; then the earlier expiry, then the earlier creation, then the id. */
  readonly priority: number
  readonly scope: CreditScope
  readonly effectiveFrom: Micros
  /** Exclusive; null: never. */
  readonly expiresAt: Micros | null
  readonly createdAt: Micros
  /** Never below zero. */
  readonly balance: Minor
}

/** What a line still costs when credits come to it. */
export interface Payable {
  readonly meter: MeterKey | null
  readonly amount: Minor
}

/** What a grant paid of a line. */
export interface Burn {
  readonly grant: GrantId
  /** Index of the payable. */
  readonly line: number
  readonly amount: Minor
}

/** At each start of the cycle after the grant's beginning, `amount` is granted anew. */
export interface Recurrence {
  readonly every: Pick<Cycle, 'unit' | 'count'>
  readonly anchor: Micros
  readonly amount: Minor
}

/**
 * What of the rest goes on at a recurrence: min(max, max(rest, min)). Null: all of it, however much. Without a rollover
 * nothing does. A `min` above the rest fills it up.
 */
export interface Rollover {
  readonly min: Minor
  readonly max: Minor | null
}

/** When a grant gives what, and when that ends. */
export interface GrantSchedule {
  readonly amount: Minor
  readonly effectiveFrom: Micros
  /** Exclusive; null: never. */
  readonly expiresAt: Micros | null
  readonly recurrence: Recurrence | null
  readonly rollover: Rollover | null
  /** Recurrences are of the calendar in this zone. */
  readonly zone: string
  /** From this instant on the grant has nothing; what it paid until then, at this instant too, stays paid. */
  readonly voidedAt: Micros | null
}

/** A grant: terms that never change, and whether somebody ended it. */
export interface Grant extends GrantSchedule {
  readonly id: GrantId
  readonly account: AccountKey
  readonly kind: CreditKind
  readonly name: string
  readonly currency: Currency
  readonly priority: number
  readonly scope: CreditScope
  /** What was paid for it; null: nothing, or nobody said. */
  readonly paid: Minor | null
  readonly createdAt: Micros
  readonly by: string
  readonly reason: string | null
  /** Who ended it, and why; null: nobody. */
  readonly voided: { readonly by: string; readonly reason: string } | null
}
