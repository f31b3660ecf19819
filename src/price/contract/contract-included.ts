import { add, compare, multiply } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import type { Period } from '../../core/time.ts'
import type { IncludedAmount } from '../included-amount.ts'
import type { PlanBody } from '../plan.ts'
import { shareOf } from '../rate/proration.ts'
import type { InvoiceDiscount } from '../rate/totals.ts'

/** What a plan or add-on includes in money, for an account: so many times what one of an add-on includes. */
export interface ContractIncluded {
  /** The key of the plan or add-on, and its version. */
  readonly sold: string
  readonly version: number
  readonly amount: IncludedAmount
}

interface Sold {
  readonly body: PlanBody
  readonly sold: string
  readonly version: number
  readonly count: Exact
}

export function includedIn({ body, sold, version, count }: Sold): readonly ContractIncluded[] {
  return body.includedAmounts.map((one) => ({ sold, version, amount: { ...one, amount: multiply(one.amount, count) } }))
}

/** Whether a part includes what the one before it does, so that they may be one. */
export function isSameIncluded(one: readonly ContractIncluded[], next: readonly ContractIncluded[]): boolean {
  return (
    one.length === next.length &&
    one.every((mine, index) => {
      const other = next[index]
      return (
        other?.sold === mine.sold &&
        other.version === mine.version &&
        other.amount.key === mine.amount.key &&
        JSON.stringify(other.amount.of) === JSON.stringify(mine.amount.of) &&
        compare(other.amount.amount, mine.amount.amount) === 0
      )
    })
  )
}

interface Part {
  readonly part: Period
  readonly included: readonly ContractIncluded[]
}

/** What was included, as the invoice takes it off: of each part of the period its share, together. */
export function includedOf(parts: readonly Part[], period: Period): readonly InvoiceDiscount[] {
  const found = new Map<string, InvoiceDiscount>()
  for (const { part, included } of parts) {
    for (const { sold, version, amount } of included) {
      const share = multiply(amount.amount, shareOf(part, period))
      const name = JSON.stringify([sold, amount.key, amount.name, amount.of])
      const before = found.get(name)?.discount
      const together = before?.kind === 'fixed' ? add(before.amount, share) : share
      const discount = { kind: 'fixed', name: amount.name, amount: together } as const
      found.set(name, { coupon: `${sold}/${amount.key}`, version, discount, of: amount.of })
    }
  }
  return [...found.values()]
}
