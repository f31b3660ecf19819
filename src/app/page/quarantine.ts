import { moment } from './date.ts'
import { html } from '../../invoice/html.ts'
import type { Html } from '../../invoice/html.ts'
import { document, logState } from './layout.ts'
import { groupDigits } from '../../invoice/wording.ts'
import type { QuarantineRow, QuarantineView } from './view.ts'

/** A line may be a megabyte; so much of it is shown. */
export const lineLengthShown = 400

/** The start of a line, never cut inside a character; `beyond` is how much follows. */
export function cutLine(line: string): { readonly shown: string; readonly beyond: number } {
  if (line.length <= lineLengthShown) return { shown: line, beyond: 0 }
  const end = /[\uD800-\uDBFF]/.test(line[lineLengthShown - 1] ?? '') ? lineLengthShown - 1 : lineLengthShown
  return { shown: line.slice(0, end), beyond: line.length - end }
}

function row({ source, epoch, seq, received, code, message, line }: QuarantineRow): Html {
  const { shown, beyond } = cutLine(line)
  const more =
    beyond === 0 ? null : html` <span class="muted">… and ${groupDigits(String(beyond))} more characters</span>`
  const from = html`<code>${source}</code>${epoch === null ? null : html`<span class="note">epoch ${epoch}</span>`}`
  return html`<tr>
    <td>${moment(received, 'UTC')}</td>
    <th scope="row">${from}</th>
    <td class="n">${seq === null ? html`<span class="muted">none</span>` : groupDigits(seq)}</td>
    <td><code>${code}</code><span class="note">${message}</span></td>
    <td class="raw"><code>${shown}</code>${more}</td>
  </tr>`
}

function list({ rows, nextHref }: QuarantineView): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Events in quarantine">
      <table class="quarantine">
        <thead>
          <tr>
            <th scope="col">Received (UTC)</th>
            <th scope="col">Source</th>
            <th scope="col" class="n">Number</th>
            <th scope="col">Reason</th>
            <th scope="col">As it came</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(row)}
        </tbody>
      </table>
    </div>
    ${nextHref === null ? null : html`<p><a class="button" href="${nextHref}">Older ones</a></p>`}`
}

/** The page at `/quarantine`. */
export function quarantinePage(view: QuarantineView): string {
  const { frame, total, rows } = view
  const body = html`<div class="lead">
      <h1>Quarantine</h1>
      <p>
        Events that could not be counted are kept here with the reason, so that received is always accepted, duplicate
        or quarantined. ${groupDigits(String(total))} in all.
      </p>
      ${logState(frame.log)}
    </div>
    <section aria-label="Events in quarantine">
      ${rows.length === 0 ? html`<p class="empty">Nothing is in quarantine.</p>` : list(view)}
    </section>`
  return document({ title: 'Quarantine', section: 'quarantine', frame, body })
}
