import { dayChart } from './chart.ts'
import { accountsTable } from './accounts-table.ts'
import { amountOf, costSums } from './cost.ts'
import { html } from '../../invoice/html.ts'
import type { Content, Html } from '../../invoice/html.ts'
import { knownQuantity } from './known.ts'
import { document, logState } from './layout.ts'
import { stackByAccount } from './stack.ts'
import type { HomeView } from './view.ts'

function tile(name: string, value: Content): Html {
  return html`<div class="tile">
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`
}

function tiles({ totals, accounts, period }: HomeView): Html {
  const sums = costSums(accounts)
  const open = accounts.filter(({ cost }) => cost.kind === 'not_known').length
  const cost = sums.map(({ amount, currency }) => html`<span class="line">${amountOf(amount, currency)}</span>`)
  const missing =
    open === 0
      ? null
      : html`<span class="line unknown">of ${open} ${open === 1 ? 'account' : 'accounts'} not known yet</span>`
  return html`<section aria-labelledby="totals">
    <h2 id="totals">${period}</h2>
    <dl class="tiles">
      ${tile('HTTP requests', knownQuantity(totals.requests, 'requests'))}
      ${tile('Data out', knownQuantity(totals.dataOut, 'bytes'))}
      ${tile('Connections', knownQuantity(totals.connections, 'connections'))}
      ${tile('Cost so far', [...cost, missing, sums.length === 0 && open === 0 && html`<span class="muted">no plan</span>`])}
    </dl>
  </section>`
}

function pictures(view: HomeView): Html {
  const { days, zone } = view
  const rows = view.unattributed === null ? view.accounts : [...view.accounts, view.unattributed]
  const requests = stackByAccount(rows, ({ requestsByDay }) => requestsByDay, view.unattributed)
  const data = stackByAccount(rows, ({ dataOutByDay }) => dataOutByDay, view.unattributed)
  return html`<div class="pair">
    <section aria-labelledby="by-day-requests">
      <h2 id="by-day-requests">HTTP requests per day <small>${zone}</small></h2>
      ${dayChart({ id: 'requests', title: 'HTTP requests', unit: 'requests', days, series: requests })}
    </section>
    <section aria-labelledby="by-day-data">
      <h2 id="by-day-data">Data out per day <small>${zone}</small></h2>
      ${dayChart({ id: 'data', title: 'Data out', unit: 'bytes', days, series: data })}
    </section>
  </div>`
}

/** The page at `/`. */
export function homePage(view: HomeView): string {
  const { frame } = view
  const body = html`<div class="lead">
      <h1>${frame.company}</h1>
      <p>
        Crossfoot counts the traffic of every account once and shows what it costs, with the reason for each amount.
      </p>
      ${logState(frame.log)}
    </div>
    ${tiles(view)} ${pictures(view)} ${accountsTable(view)}`
  return document({ title: 'Accounts', section: 'accounts', frame, body })
}
