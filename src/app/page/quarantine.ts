import { moment } from './date.ts'
import { html } from '../../invoice/html.ts'
import type { Html } from '../../invoice/html.ts'
import { document, logState } from './layout.ts'
import { groupDigits } from '../../invoice/wording.ts'
import { quarantineStates } from './view.ts'
import type { QuarantineRow, QuarantineState, QuarantineView } from './view.ts'

/** A line may be a megabyte; so much of it is shown. */
export const lineLengthShown = 400

/** The start of a line, never cut inside a character; `beyond` is how much follows. */
export function cutLine(line: string): { readonly shown: string; readonly beyond: number } {
  if (line.length <= lineLengthShown) return { shown: line, beyond: 0 }
  const end = /[\uD800-\uDBFF]/.test(line[lineLengthShown - 1] ?? '') ? lineLengthShown - 1 : lineLengthShown
  return { shown: line.slice(0, end), beyond: line.length - end }
}

const names: Readonly<Record<QuarantineState, string>> = {
  open: 'Open',
  released: 'Released',
  duplicate: 'Found counted',
  written_off: 'Written off',
}

function row({ number, source, epoch, seq, received, code, message, line, resolution }: QuarantineRow): Html {
  const { shown, beyond } = cutLine(line)
  const more =
    beyond === 0 ? null : html` <span class="muted">… and ${groupDigits(String(beyond))} more characters</span>`
  const from = html`<code>${source}</code>${epoch === null ? null : html`<span class="note">epoch ${epoch}</span>`}`
  const decided =
    resolution &&
    html`<td>
      ${resolution.by}<span class="note">${resolution.reason}</span>
      <span class="note">${moment(resolution.at, 'UTC')}</span>
    </td>`
  return html`<tr>
    <td class="n">${number}</td>
    <td>${moment(received, 'UTC')}</td>
    <th scope="row">${from}</th>
    <td class="n">${seq === null ? html`<span class="muted">none</span>` : groupDigits(seq)}</td>
    <td><code>${code}</code><span class="note">${message}</span></td>
    ${decided}
    <td class="raw"><code>${shown}</code>${more}</td>
  </tr>`
}

function list({ rows, nextHref, state }: QuarantineView): Html {
  const decided = state === 'open' ? null : html`<th scope="col">Decided by</th>`
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Inputs, ${names[state].toLowerCase()}">
      <table class="quarantine">
        <thead>
          <tr>
            <th scope="col" class="n">Held as</th>
            <th scope="col">Received (UTC)</th>
            <th scope="col">Source</th>
            <th scope="col" class="n">Number</th>
            <th scope="col">Reason</th>
            ${decided}
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

/** One link for each state, with how many there are. */
function states({ state, counts }: QuarantineView): Html {
  const links = quarantineStates.map((one) => {
    const text = html`${names[one]} <span class="num">${groupDigits(String(counts[one]))}</span>`
    const href = one === 'open' ? '/quarantine' : `/quarantine?state=${one}`
    return one === state
      ? html`<a class="button" href="${href}" aria-current="true"><b>${text}</b></a> `
      : html`<a class="button" href="${href}">${text}</a> `
  })
  return html`<nav aria-label="State">${links}</nav>`
}

const empty: Readonly<Record<QuarantineState, string>> = {
  open: 'Nothing is in quarantine.',
  released: 'Nothing was released yet.',
  duplicate: 'Nothing that was released was found to be counted already.',
  written_off: 'Nothing was written off.',
}

/** The page at `/quarantine`. */
export function quarantinePage(view: QuarantineView): string {
  const { frame, rows, state } = view
  const hint =
    state === 'open' && rows.length > 0
      ? html`<p class="hint">
          Released, repaired and written off by <code>npx crossfoot quarantine --help</code> or the API, by a named
          person and with a reason; nothing leaves by itself.
        </p>`
      : null
  const body = html`<div class="lead">
      <h1>Quarantine</h1>
      <p>
        Events that could not be counted are kept here with the reason, so that received is always accepted, duplicate
        or quarantined, and what is held is released, found counted, written off or open.
      </p>
      ${logState(frame.log)}
    </div>
    <section aria-label="Events in quarantine">
      ${states(view)} ${rows.length === 0 ? html`<p class="empty">${empty[state]}</p>` : list(view)} ${hint}
    </section>`
  return document({ title: 'Quarantine', section: 'quarantine', frame, body })
}
