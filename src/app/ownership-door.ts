import type { CurrentOwnership } from '../account/endpoints.ts'
import type { OwnerAt, PaidBy } from '../ingest/event.ts'

/** What every door of events asks to know who pays: the rules as they are known here at that moment. */
export function payersOf(ownership: CurrentOwnership): { readonly ownerAt: OwnerAt; readonly paidBy: PaidBy } {
  return {
    ownerAt: (endpoint, time) => ownership.ownerAt(endpoint, time),
    paidBy: (account, endpoint, time) => ownership.paidBy(account, endpoint, time),
  }
}
