import { formatMinor } from '../../core/money.ts'
import type { Currency, Minor } from '../../core/money.ts'
import { unreachable } from '../../core/result.ts'
import { html } from '../../invoice/html.ts'
import type { Html } from '../../invoice/html.ts'
import { notKnown } from './known.ts'
import { money } from './number.ts'
import type { AccountRow, Cost } from './view.ts'

/** An amount with its currency beside it. */
export function amountOf(amount: Minor, currency: Currency): Html {
  return html`<span class="money"
    ><data class="num" value="${formatMinor(amount, currency)}">${money(amount, currency)}</data>
    <span class="currency">${currency}</span></span
  >`
}

export function costCell(cost: Cost): Html {
  switch (cost.kind) {
    case 'so_far':
      return amountOf(cost.amount, cost.currency)
    case 'no_plan':
      return html`<span class="muted" title="Without a plan nothing is priced">no plan</span>`
    case 'not_known':
      return notKnown(cost.why)
    case 'value':
      return html`<span class="worth"
        >worth ${amountOf(cost.amount, cost.currency)}<span class="note">on ${cost.plan}, billed to nobody</span></span
      >`
    default:
      return unreachable(cost)
  }
}

export interface CostSum {
  readonly currency: Currency
  readonly amount: Minor
  readonly accounts: number
}

/** Currencies are never added to one another: one sum for each, the one with most accounts first. */
export function costSums(rows: readonly AccountRow[]): readonly CostSum[] {
  const sums = new Map<Currency, CostSum>()
  for (const { cost } of rows) {
    if (cost.kind !== 'so_far') continue
    const before = sums.get(cost.currency) ?? { currency: cost.currency, amount: 0n as Minor, accounts: 0 }
    sums.set(cost.currency, {
      currency: cost.currency,
      amount: (before.amount + cost.amount) as Minor,
      accounts: before.accounts + 1,
    })
  }
  return [...sums.values()].toSorted((a, b) => b.accounts - a.accounts || (a.currency < b.currency ? -1 : 1))
}

/** What all accounts cost together, one line per currency; where a part is missing, it says so (L13). */
export function costTotal(rows: readonly AccountRow[]): readonly Html[] {
  const sums = costSums(rows)
  const open = rows.filter(({ cost }) => cost.kind === 'not_known').length
  const lines = sums.map(({ amount, currency }) => html`<span class="line">${amountOf(amount, currency)}</span>`)
  if (open > 0)
    return [
      ...lines,
      html`<span class="line unknown">of ${open} ${open === 1 ? 'account' : 'accounts'} not known yet</span>`,
    ]
  return lines.length > 0 ? lines : [html`<span class="line muted">no plan</span>`]
}
