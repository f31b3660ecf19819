import { html } from '../../invoice/html.ts'
import type { Html } from '../../invoice/html.ts'
import type { Day, Months } from './view.ts'

/** Whether the month is not over: its last day still grows, and so does every sum of it. */
export function isGrowing(days: readonly Day[]): boolean {
  return days.some(({ growing }) => growing)
}

/** What a sum of money is called: in a month that is not over it is marked. */
export function costName(days: readonly Day[]): string {
  return isGrowing(days) ? 'Cost so far' : 'Cost'
}

/** The way to the months before and after. */
export function monthLinks({ shown, previousHref, nextHref }: Months): Html {
  const next =
    nextHref === null ? html`<span class="muted">current month</span>` : html`<a href="${nextHref}">later →</a>`
  return html`<nav class="months" aria-label="Month">
    <a href="${previousHref}" rel="prev">← earlier</a><b>${shown}</b>${next}
  </nav>`
}
