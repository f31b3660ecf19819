import { html } from '../../invoice/html.ts'
import type { Html } from '../../invoice/html.ts'
import { groupDigits } from '../../invoice/wording.ts'
import { moment } from './date.ts'
import { document, logState } from './layout.ts'
import { monthLinks } from './months.ts'
import type { SourceGap, SourceRow, SourcesView } from './view.ts'

function count(value: number): Html {
  const text = groupDigits(String(value))
  return value === 0 ? html`<span class="muted">${text}</span>` : html`<span class="num">${text}</span>`
}

function gapNote({ epoch, first, last, since }: SourceGap): Html {
  const numbers =
    first === last ? groupDigits(String(first)) : html`${groupDigits(String(first))} to ${groupDigits(String(last))}`
  const known = since === null ? null : html`, known since ${moment(since, 'UTC')}`
  return html`<span class="note">${epoch === '' ? null : html`epoch ${epoch}: `}${numbers}${known}</span>`
}

function row(source: SourceRow): Html {
  const { gaps, moreGaps, silence } = source
  const spoken =
    source.completeUntil === null ? html`<span class="muted">not known</span>` : moment(source.completeUntil, 'UTC')
  const silent =
    silence === null
      ? null
      : html`<span class="note">has not spoken of ${moment(silence.from, 'UTC')} to ${moment(silence.to, 'UTC')}</span>`
  const more = moreGaps === 0 ? null : html`<span class="note">and ${groupDigits(String(moreGaps))} more gaps</span>`
  return html`<tr>
    <th scope="row">
      <code>${source.source}</code>${source.owner === null ? null : html`<span class="note">ask ${source.owner}</span>`}
    </th>
    <td>${source.state}${silent}</td>
    <td>${spoken}</td>
    <td class="n">${count(source.missing)} ${gaps.map(gapNote)} ${more}</td>
    <td class="n">${count(source.lost)}</td>
    <td class="n">${count(source.duplicates)}</td>
    <td class="n">${count(source.late)}</td>
    <td class="n">${count(source.open)}</td>
  </tr>`
}

function table({ rows, hidden }: SourcesView): Html {
  const note =
    hidden === 0
      ? null
      : html`<p class="hint">
          ${groupDigits(String(hidden))} more sources; <code>GET /v1/completeness</code> has all.
        </p>`
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Sources">
      <table class="quarantine">
        <thead>
          <tr>
            <th scope="col">Source</th>
            <th scope="col">State</th>
            <th scope="col">Complete until (UTC)</th>
            <th scope="col" class="n">Missing</th>
            <th scope="col" class="n">Declared lost</th>
            <th scope="col" class="n">Repeated</th>
            <th scope="col" class="n">Late</th>
            <th scope="col" class="n">In quarantine</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(row)}
        </tbody>
      </table>
    </div>
    ${note}`
}

/** What the missing events may be worth. What cannot be estimated is not known, which is not zero (L13). */
function risk({ risk, complete }: SourcesView): Html | null {
  if (complete && (risk === null || risk.amounts.length === 0)) return null
  const worth =
    risk === null || risk.amounts.length === 0
      ? html`<span class="unknown">not known: there is nothing to estimate it from</span>`
      : html`<b class="num"
          >${risk.amounts.map(({ amount, currency }) => `${groupDigits(amount)} ${currency}`).join(', ')}</b
        >`
  return html`<p>Value at risk, as an estimate: ${worth}</p>
    ${
      risk === null || risk.how.length === 0
        ? null
        : html`<ul class="why">
            ${risk.how.map((how) => html`<li>${how}</li>`)}
          </ul>`
    }`
}

/** The page at `/sources`. */
export function sourcesPage(view: SourcesView): string {
  const { frame, complete, rows, period, months } = view
  const verdict = complete
    ? html`<p class="check good">✓ Nothing is known to be missing.</p>`
    : html`<p class="check bad">Something is missing; invoices of this time are held up.</p>`
  const body = html`<div class="lead">
      <h1>Sources</h1>
      <p>
        Is everything there that could have carried the traffic of this time? Gaps close by themselves when what is
        missing arrives; silence is not a statement.
      </p>
      ${logState(frame.log)} ${monthLinks(months)}
    </div>
    <section aria-labelledby="sources">
      <h2 id="sources">${period}</h2>
      ${verdict} ${risk(view)} ${rows.length === 0 ? html`<p class="empty">No source is known yet.</p>` : table(view)}
    </section>`
  return document({ title: 'Sources', section: 'sources', frame, body })
}
