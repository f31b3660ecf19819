import type { Brand, MeterKey } from '../../core/ids.ts'
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
