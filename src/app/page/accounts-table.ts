import { costCell, costTotal } from './cost.ts'
import { crossfootNote } from './crossfoot.ts'
import { html } from '../../invoice/html.ts'
import type { Content, Html } from '../../invoice/html.ts'
import { knownQuantity } from './known.ts'
import { costName, isGrowing } from './months.ts'
import { sortAccounts } from './sort.ts'
import { sparkline } from './sparkline.ts'
import type { AccountRow, HomeView, SortKey, Totals } from './view.ts'

/** The account's page in the month that is shown; without a month it shows the newest. */
function accountHref(key: string, { months, days }: HomeView): string {
  return `/accounts/${encodeURIComponent(key)}${isGrowing(days) ? '' : `?month=${months.shown}`}`
}

function heading(name: string, sort: SortKey, view: HomeView): Html {
  const { sort: current, months } = view
  const order = sort === current ? html` aria-sort="${sort === 'name' ? 'ascending' : 'descending'}"` : null
  const place = sort === 'name' ? '' : ' n'
  return html`<th scope="col" role="columnheader" class="c-${sort}${place}" ${order}>
    <a href="/?month=${months.shown}&amp;sort=${sort}#accounts">${name}</a>
  </th>`
}

function cell({ column, label }: { column: string; label: string }, value: Content): Html {
  return html`<td role="cell" class="c-${column} n">
    <span class="label" aria-hidden="true">${label}</span><span class="value">${value}</span>
  </td>`
}

function quantities({ requests, dataOut, connections }: Totals): readonly Html[] {
  return [
    cell({ column: 'requests', label: 'Requests' }, knownQuantity(requests, 'requests')),
    cell({ column: 'data_out', label: 'Data out' }, knownQuantity(dataOut, 'bytes')),
    cell({ column: 'connections', label: 'Connections' }, knownQuantity(connections, 'connections')),
  ]
}

function accountRow(row: AccountRow, owned: boolean, view: HomeView): Html {
  const about = owned
    ? html`<code>${row.key}</code>${row.plan === null ? null : html` <span class="muted">${row.plan}</span>`}`
    : html`<span class="muted">no account owns these endpoints</span>`
  return html`<tr role="row" ${owned ? null : html` class="unattributed"`}>
    <th scope="row" role="rowheader" class="c-name">
      <a href="${accountHref(row.key, view)}">${row.name}</a><span class="note">${about}</span>
    </th>
    <td role="cell" class="c-spark">${sparkline(row.dataOutByDay, { name: 'Data out', unit: 'bytes' })}</td>
    ${quantities(row)} ${cell({ column: 'cost', label: costName(view.days) }, costCell(row.cost))}
  </tr>`
}

function sumRow({ totals, accounts, days }: HomeView): Html {
  return html`<tr role="row">
    <th scope="row" role="rowheader" class="c-name">The whole installation</th>
    <td role="cell" class="c-spark"></td>
    ${quantities(totals)} ${cell({ column: 'cost', label: costName(days) }, costTotal(accounts))}
  </tr>`
}

/** All accounts, the traffic without an owner as a row of its own, and the sums that must agree with the whole. */
export function accountsTable(view: HomeView): Html {
  const { sort, period, unattributed, more } = view
  const rows = unattributed === null ? view.accounts : [...view.accounts, unattributed]
  return html`<section aria-labelledby="accounts">
    <h2 id="accounts">Accounts <small>${period}; cost in each account’s own month</small></h2>
    <table class="accounts" role="table">
      <thead role="rowgroup">
        <tr role="row">
          ${heading('Account', 'name', view)}
          <th scope="col" role="columnheader" class="c-spark">Data out per day</th>
          ${heading('Requests', 'requests', view)}${heading('Data out', 'data_out', view)}${heading('Connections', 'connections', view)}
          ${heading(costName(view.days), 'cost', view)}
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${sortAccounts(view.accounts, sort).map((row) => accountRow(row, true, view))}
        ${unattributed === null ? null : accountRow(unattributed, false, view)}
      </tbody>
      <tfoot role="rowgroup">
        ${sumRow(view)}
      </tfoot>
    </table>
    ${more === null ? crossfootNote(rows, view.totals) : html`<p class="check"><a href="${more.href}">${more.count === null ? 'More' : `${more.count} more`} accounts</a> are not in this list, so its rows are not compared with the whole.</p>`}
  </section>`
}
