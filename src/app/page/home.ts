import { dayChart } from './chart.ts'
import { accountsTable } from './accounts-table.ts'
import { costTotal } from './cost.ts'
import { html } from '../../invoice/html.ts'
import type { Content, Html } from '../../invoice/html.ts'
import { knownQuantity } from './known.ts'
import { document, logState } from './layout.ts'
import { costName, monthLinks } from './months.ts'
import { stackByAccount } from './stack.ts'
import type { HomeView } from './view.ts'

function tile(name: string, value: Content): Html {
  return html`<div class="tile">
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`
}

function tiles({ totals, accounts, period, days }: HomeView): Html {
  return html`<section aria-labelledby="totals">
    <h2 id="totals">${period}</h2>
    <dl class="tiles">
      ${tile('HTTP requests', knownQuantity(totals.requests, 'requests'))}
      ${tile('Data out', knownQuantity(totals.dataOut, 'bytes'))}
      ${tile('Connections', knownQuantity(totals.connections, 'connections'))}
      ${tile(costName(days), costTotal(accounts))}
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
      ${logState(frame.log)} ${monthLinks(view.months)}
    </div>
    ${tiles(view)} ${pictures(view)} ${accountsTable(view)}`
  return document({ title: 'Accounts', section: 'accounts', frame, body })
}
