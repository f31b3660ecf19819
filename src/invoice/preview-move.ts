import { Refusal } from '../core/errors.ts'
import { formatMonth } from '../core/time.ts'
import { contractOf } from '../price/contract/contract.ts'
import type { SubscriptionDecision } from '../price/contract/contract-facts.ts'
import { selectDefaults } from '../price/contract/contract-table.ts'
import { loadPriceBook } from '../price/book/price-book-load.ts'
import { planMove } from '../price/contract/subscription-move.ts'
import type { Move } from '../price/contract/subscription-move.ts'
import type { Decided } from '../price/contract/subscription.ts'
import { billingPeriod } from './billing-period.ts'
import { computeUnder } from './desk.ts'
import type { InvoiceDesk } from './desk.ts'
import { documentOf } from './document.ts'
import type { InvoiceDocument } from './document.ts'

/** What a move would make of the billing period that it takes effect in, with what is used of it so far. */
export interface MovePreview {
  readonly decision: SubscriptionDecision
  readonly month: string
  /** Null where nothing could be priced before, and `why` says why. */
  readonly before: InvoiceDocument | null
  readonly why: string | null
  readonly after: InvoiceDocument
}

/** The two invoices of a move, before and after it; nothing is stored. */
export async function previewMove(desk: InvoiceDesk, move: Move, decided: Decided): Promise<MovePreview> {
  const { account, decisions, decision } = await planMove(desk.database, move, decided)
  const book = await loadPriceBook(desk.database)
  const defaults = await selectDefaults(desk.database)
  const month = formatMonth(decision.from, account.timeZone)
  const period = billingPeriod(month, account.timeZone)
  const documentUnder = async (known: readonly SubscriptionDecision[]): Promise<InvoiceDocument> => {
    const contract = contractOf({ account, decisions: known, defaults }, book, period)
    return documentOf(await computeUnder(desk, account, contract, period), null)
  }
  const after = await documentUnder(decisions)
  try {
    return { decision, month, before: await documentUnder(decisions.slice(0, -1)), why: null, after }
  } catch (error) {
    if (error instanceof Refusal) return { decision, month, before: null, why: error.message, after }
    throw error
  }
}
