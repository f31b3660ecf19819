import type { Micros } from '../../core/time.ts'
import { html } from '../../invoice/html.ts'
import type { Html } from '../../invoice/html.ts'
import { groupDigits } from '../../invoice/wording.ts'
import { moment } from './date.ts'
import { document, logState } from './layout.ts'
import { monthLinks } from './months.ts'
import type { Frame, Months } from './view.ts'

/** One session; null: its records do not say. */
export interface SessionRow {
  readonly name: string | null
  readonly kind: string
  readonly state: 'open' | 'presumed_closed' | 'closed'
  readonly started: Micros
  /** Its beginning is not known: it began then or before. */
  readonly atLeast: boolean
  /** Null while it is open. */
  readonly ended: Micros | null
  readonly endpoint: string | null
  readonly client: string | null
  readonly bytesOut: string | null
}

export interface SessionsView {
  readonly frame: Frame
  readonly key: string
  readonly name: string
  readonly zone: string
  readonly period: string
  readonly months: Months
  /** Days that have begun, with the most sessions at once and since when. */
  readonly peaks: readonly { readonly from: Micros; readonly sessions: string; readonly at: Micros | null }[]
  readonly clients: readonly {
    readonly client: string | null
    readonly version: string | null
    readonly sessions: string
    readonly open: string
  }[]
  readonly rows: readonly SessionRow[]
  /** There are more than are shown. */
  readonly more: boolean
}

const unknown = html`<span class="unknown">not known</span>`
const stateNames = { open: 'open', presumed_closed: 'presumed closed', closed: 'closed' } as const

function number(text: string): Html {
  return text === '0' ? html`<span class="num zero">0</span>` : html`<span class="num">${groupDigits(text)}</span>`
}

function sessionRow(row: SessionRow, zone: string): Html {
  const ended = row.ended === null ? html`<span class="muted">not yet</span>` : moment(row.ended, zone)
  return html`<tr>
    <th scope="row">
      ${row.name === null ? html`<span class="muted">no name</span>` : html`<code>${row.name}</code>`}
      <span class="note">${row.kind}</span>
    </th>
    <td>${stateNames[row.state]}</td>
    <td>${moment(row.started, zone)}${row.atLeast ? html`<span class="note">or before</span>` : null}</td>
    <td>${ended}</td>
    <td>${row.endpoint ?? unknown}</td>
    <td>${row.client ?? unknown}</td>
    <td class="n">${row.bytesOut === null ? unknown : number(row.bytesOut)}</td>
  </tr>`
}

/** A table that is scrolled where it is wider than the page. */
function table(label: string, head: readonly Html[], rows: readonly Html[]): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${label}">
    <table>
      <thead>
        <tr>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`
}

const heading = (text: string): Html => html`<th scope="col">${text}</th>`
const numeric = (text: string): Html => html`<th scope="col" class="n">${text}</th>`

function sessions({ rows, more, zone, key }: SessionsView): Html {
  if (rows.length === 0) return html`<p class="empty">No session was open in this time.</p>`
  const head = [...['Session', 'State', 'Started', 'Ended', 'Endpoint', 'Client'].map(heading), numeric('Bytes out')]
  const note = more
    ? html`<p class="hint">
        There are more. On the terminal, a shorter time at once:
        <code>crossfoot sessions ${key} --from DATE --to DATE</code>
      </p>`
    : null
  return html`${table(
    'Sessions',
    head,
    rows.map((row) => sessionRow(row, zone)),
  )}
  ${note}`
}

function peaks({ peaks: days, zone }: SessionsView): Html {
  if (days.length === 0) return html`<p class="muted">This time has not begun.</p>`
  const rows = days.map(
    ({ from, sessions: most, at }) =>
      html`<tr>
        <th scope="row">${moment(from, zone)}</th>
        <td class="n">${number(most)}</td>
        <td>${at === null ? null : moment(at, zone)}</td>
      </tr>`,
  )
  return table('Most at once', [heading('Day from'), numeric('Most at once'), heading('First at')], rows)
}

function clients({ clients: known }: SessionsView): Html {
  const rows = known.map(
    ({ client, version, sessions: count, open }) =>
      html`<tr>
        <th scope="row">${client ?? unknown}</th>
        <td>${version ?? unknown}</td>
        <td class="n">${number(count)}</td>
        <td class="n">${number(open)}</td>
      </tr>`,
  )
  if (rows.length === 0) return html`<p class="muted">There was no session.</p>`
  return table('Clients', [heading('Client'), heading('Version'), numeric('Sessions'), numeric('Open now')], rows)
}

/** The page at `/accounts/{key}/sessions`. */
export function sessionsPage(view: SessionsView): string {
  const { frame, name, key, zone, period } = view
  const body = html`<nav aria-label="Where you are" class="crumbs">
      <a href="/">Accounts</a> › <a href="/accounts/${encodeURIComponent(key)}">${name}</a> ›
      <span aria-current="page">Sessions</span>
    </nav>
    <div class="lead">
      <h1>Sessions</h1>
      <p>
        Agents, connections and websockets that were open in this time. One whose stop never came is presumed closed
        some time after its last record, until a later one says otherwise.
      </p>
      ${logState(frame.log)} ${monthLinks(view.months)}
    </div>
    <section aria-labelledby="sessions">
      <h2 id="sessions">${period} <small>${zone}</small></h2>
      ${sessions(view)}
    </section>
    <div class="pair">
      <section aria-labelledby="peaks">
        <h2 id="peaks">Most at once</h2>
        ${peaks(view)}
      </section>
      <section aria-labelledby="clients">
        <h2 id="clients">Clients</h2>
        ${clients(view)}
      </section>
    </div>`
  return document({ title: `Sessions of ${name}`, section: 'accounts', frame, body })
}
