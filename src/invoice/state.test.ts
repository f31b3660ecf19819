import { expect, test } from 'vitest'
import { invoiceEvents, invoiceStates, nextState } from './state.ts'
import type { InvoiceEvent, InvoiceState, NextState } from './state.ts'

/** Written down a second time, from DESIGN §10: draft → issued → paid, void or uncollectible. */
const expected: Record<InvoiceState, Partial<Record<InvoiceEvent, NextState>>> = {
  draft: { issue: 'issued', discard: 'discarded' },
  issued: { issue: 'issued', pay: 'paid', void: 'void', mark_uncollectible: 'uncollectible' },
  paid: { issue: 'paid', pay: 'paid' },
  void: { void: 'void' },
  uncollectible: { issue: 'uncollectible', pay: 'paid', void: 'void', mark_uncollectible: 'uncollectible' },
}

test.each(invoiceStates.flatMap((state) => invoiceEvents.map((event) => [state, event] as const)))(
  '%s × %s',
  (state, event) => {
    const next = expected[state][event]
    if (next === undefined) expect(() => nextState(state, event)).toThrow(`in the state ${state}`)
    else expect(nextState(state, event)).toBe(next)
  },
)
