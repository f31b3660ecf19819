import { costSection } from './cost-lines.ts'
import { dayChart } from './chart.ts'
import { moment } from './date.ts'
import { html } from '../../invoice/html.ts'
import type { Html } from '../../invoice/html.ts'
import { knownQuantity, notKnown } from './known.ts'
import { amountOf } from './cost.ts'
import { document, logState } from './layout.ts'
import { isGrowing, monthLinks } from './months.ts'
import { grouped, precise } from './number.ts'
import { exact } from '../../core/exact.ts'
import { unattributed } from '../../core/ids.ts'
import type { AccountView, EndpointRow, InvoiceRow, MeterView } from './view.ts'

function picture({ days }: AccountView, meter: MeterView, index: number): Html | null {
  if (meter.byDay === null) return null
  const id = `meter-${index}`
  const series = [{ name: meter.name, tone: 's0' as const, values: meter.byDay }]
  return html`<section aria-labelledby="${id}">
    <h3 id="${id}">${meter.name} per day</h3>
    ${dayChart({ id: `${id}-picture`, title: meter.name, unit: meter.unit, days, series })}
  </section>`
}

function meterRow({ key, name, unit, total, eventsWithoutValue }: MeterView): Html {
  const without =
    eventsWithoutValue === 0n
      ? html`<span class="muted">none</span>`
      : html`<span class="warn">${grouped(exact(eventsWithoutValue))}</span>`
  return html`<tr>
    <th scope="row">
      ${name}<span class="note"><code>${key}</code></span>
    </th>
    <td class="n">${knownQuantity(total, unit)}</td>
    <td class="n wide-only">${total.known ? precise(total.value, unit) : notKnown(total.why)}</td>
    <td class="n">${without}</td>
  </tr>`
}

function meters(view: AccountView): Html {
  return html`<section aria-labelledby="meters">
    <h2 id="meters">Usage <small>${view.period}</small></h2>
    <div class="pair">${view.meters.map((meter, index) => picture(view, meter, index))}</div>
    <div class="scroll" tabindex="0" role="region" aria-label="Meters">
      <table>
        <thead>
          <tr>
            <th scope="col">Meter</th>
            <th scope="col" class="n">${isGrowing(view.days) ? 'So far' : 'In the month'}</th>
            <th scope="col" class="n wide-only">Exactly</th>
            <th scope="col" class="n">Events without a value</th>
          </tr>
        </thead>
        <tbody>
          ${view.meters.map(meterRow)}
        </tbody>
      </table>
    </div>
    <p class="hint">
      An event without a value did not say how much it was. It is counted as an event; its size is not known, which is
      not zero.
    </p>
  </section>`
}

function endpointRow({ endpoint, from, to }: EndpointRow, zone: string): Html {
  return html`<tr>
    <th scope="row"><code>${endpoint}</code></th>
    <td>${moment(from, zone)}</td>
    <td>${to === null ? html`<span class="muted">still</span>` : moment(to, zone)}</td>
  </tr>`
}

function endpoints({ endpoints: rows, zone }: AccountView): Html {
  const table = html`<div class="scroll" tabindex="0" role="region" aria-label="Endpoints">
    <table>
      <thead>
        <tr>
          <th scope="col">Endpoint</th>
          <th scope="col">Owned from</th>
          <th scope="col">Until</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map((row) => endpointRow(row, zone))}
      </tbody>
    </table>
  </div>`
  return html`<section aria-labelledby="endpoints">
    <h2 id="endpoints">Endpoints <small>${zone}</small></h2>
    ${rows.length === 0 ? html`<p class="muted">This account has never owned an endpoint.</p>` : table}
  </section>`
}

function invoiceRow({ href, number, period, state, total, currency }: InvoiceRow): Html {
  return html`<tr>
    <th scope="row"><a href="${href}">${number ?? 'Draft'}</a></th>
    <td>${period}</td>
    <td><span class="badge ${state}">${state}</span></td>
    <td class="n">${total.known ? amountOf(total.value, currency) : notKnown(total.why)}</td>
  </tr>`
}

function invoices({ invoices: rows }: AccountView): Html {
  const table = html`<div class="scroll" tabindex="0" role="region" aria-label="Invoices">
    <table>
      <thead>
        <tr>
          <th scope="col">Invoice</th>
          <th scope="col">Period</th>
          <th scope="col">State</th>
          <th scope="col" class="n">Total</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(invoiceRow)}
      </tbody>
    </table>
  </div>`
  return html`<section aria-labelledby="invoices">
    <h2 id="invoices">Invoices</h2>
    ${rows.length === 0 ? html`<p class="muted">There is no invoice for this account yet.</p>` : table}
  </section>`
}

/** The page at `/accounts/{key}`. */
export function accountPage(view: AccountView): string {
  const { frame, name, key, zone, currency, plan } = view
  const body = html`<nav aria-label="Where you are" class="crumbs">
      <a href="/">Accounts</a> › <span aria-current="page">${name}</span>
    </nav>
    <div class="lead">
      <h1>${name}</h1>
      <p class="facts">
        <code>${key}</code><span>${zone}</span><span>${currency}</span><span>${plan ?? 'no plan'}</span>
      </p>
      ${key === unattributed && html`<p class="warn">No account owned these endpoints at the time: this traffic is valued to be seen, and billed to nobody.</p>`}
      ${logState(frame.log)} ${monthLinks(view.months)}
      <p><a href="/accounts/${encodeURIComponent(key)}/sessions">Sessions</a></p>
    </div>
    ${costSection(view)} ${meters(view)}
    <div class="pair">${endpoints(view)}${invoices(view)}</div>`
  return document({ title: name, section: 'accounts', frame, body })
}
