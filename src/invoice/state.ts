import { Refusal } from '../core/errors.ts'

export const invoiceStates = ['draft', 'issued', 'paid', 'void', 'uncollectible'] as const
export type InvoiceState = (typeof invoiceStates)[number]

export const invoiceEvents = ['issue', 'pay', 'void', 'mark_uncollectible', 'discard'] as const
export type InvoiceEvent = (typeof invoiceEvents)[number]

/** `discarded`: the draft is deleted; it had no number, so nothing is missing without it. Null: refused. */
export type NextState = InvoiceState | 'discarded' | null

/**
 * Every state and every event (DESIGN §10). To issue what is issued answers the same document again (L6), so
 * that a repeated request does no harm. The database has the same table in a trigger.
 */
export const transitions: Record<InvoiceState, Record<InvoiceEvent, NextState>> = {
  draft: { issue: 'issued', pay: null, void: null, mark_uncollectible: null, discard: 'discarded' },
  issued: { issue: 'issued', pay: 'paid', void: 'void', mark_uncollectible: 'uncollectible', discard: null },
  paid: { issue: 'paid', pay: 'paid', void: null, mark_uncollectible: null, discard: null },
  void: { issue: null, pay: null, void: 'void', mark_uncollectible: null, discard: null },
  uncollectible: {
    issue: 'uncollectible',
    pay: 'paid',
    void: 'void',
    mark_uncollectible: 'uncollectible',
    discard: null,
  },
}

const instead: Record<InvoiceState, string> = {
  draft: 'a draft can be issued or discarded',
  issued: 'an issued invoice can be paid, voided or marked uncollectible; a correction is a document of its own',
  paid: 'a paid invoice stays as it is; a refund or credit note is a document of its own',
  void: 'a void invoice stays as it is; make a new draft for its month',
  uncollectible: 'an uncollectible invoice can still be paid or voided',
}

/** The state after an event; refuses with INVOICE_TRANSITION_REFUSED and says what can be done instead. */
export function nextState(state: InvoiceState, event: InvoiceEvent): Exclude<NextState, null> {
  const next = transitions[state][event]
  if (next === null)
    throw new Refusal('INVOICE_TRANSITION_REFUSED', `${event} is not possible in the state ${state}: ${instead[state]}`)
  return next
}
