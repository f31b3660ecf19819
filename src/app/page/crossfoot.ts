import { add, compare, subtract, zero } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { html } from '../../invoice/html.ts'
import type { Html } from '../../invoice/html.ts'
import { precise } from './number.ts'
import type { Known, Totals } from './view.ts'

/** What came of adding a column up and comparing it with the count that was asked of the whole at once. */
export type Check =
  | { readonly kind: 'agrees' }
  | { readonly kind: 'differs'; readonly rows: Exact; readonly whole: Exact }
  /** A part is not known yet, so there is nothing to compare (L13). */
  | { readonly kind: 'open' }

export function crossfoot(rows: readonly Known<Exact>[], whole: Known<Exact>): Check {
  if (!whole.known) return { kind: 'open' }
  let sum = zero
  for (const row of rows) {
    if (!row.known) return { kind: 'open' }
    sum = add(sum, row.value)
  }
  return compare(sum, whole.value) === 0 ? { kind: 'agrees' } : { kind: 'differs', rows: sum, whole: whole.value }
}

const columns = [
  { name: 'requests', unit: 'requests', of: (totals: Totals) => totals.requests },
  { name: 'data out', unit: 'bytes', of: (totals: Totals) => totals.dataOut },
  { name: 'connections', unit: 'connections', of: (totals: Totals) => totals.connections },
] as const

/** Says whether the rows of the page add up to what the installation counted, column by column. */
export function crossfootNote(rows: readonly Totals[], totals: Totals): Html {
  const checks = columns.map((column) => ({ ...column, check: crossfoot(rows.map(column.of), column.of(totals)) }))
  const differing = checks.flatMap(({ name, unit, check }) =>
    check.kind === 'differs'
      ? [
          html`<li>
            ${name}: the rows give ${precise(check.rows, unit)}, the installation counted ${precise(check.whole, unit)},
            ${precise(subtract(check.rows, check.whole), unit)} apart
          </li>`,
        ]
      : [],
  )
  if (differing.length > 0)
    return html`<div class="check bad">
      <strong>≠ The rows do not add up.</strong>
      <ul>
        ${differing}
      </ul>
    </div>`
  const open = checks.filter(({ check }) => check.kind === 'open').map(({ name }) => name)
  if (open.length > 0)
    return html`<p class="check">Not compared yet, because a part is not known: ${open.join(', ')}.</p>`
  return html`<p class="check good">
    ✓ Crossfooted: the rows add up to what the installation counted as a whole, in every column.
  </p>`
}
