/** A simulation as a page that needs nothing else: the picture, and its numbers as tables. */
import { html, Html } from '../../invoice/html.ts'
import type { Content } from '../../invoice/html.ts'
import { groupDigits } from '../../invoice/wording.ts'
import type {
  AccountDocument,
  CurrencyDocument,
  PartDocument,
  SimulationDocument,
} from '../../price/simulation/simulation.ts'
import { bucketName, simulationPicture } from './simulation-picture.ts'
import { styleSheet } from './style.ts'

/** What was simulated, as the first record of an answer says it. */
export interface SimulationAbout {
  readonly months: readonly string[]
  readonly takes_effect: string
  readonly changed: readonly {
    readonly kind: string
    readonly key: string
    readonly version: number
    readonly effective_from: string
    readonly replaces: boolean
  }[]
  readonly assign: Readonly<Record<string, string>>
  readonly counted_below: number
}

export interface SimulationView {
  readonly about: SimulationAbout
  readonly summary: SimulationDocument
}

function amount(text: string): Html {
  return html`<td class="n">${groupDigits(text.replace('-', '−'))}</td>`
}

function change(text: string): Html {
  const isZero = /^-?0(\.0+)?$/.test(text)
  const sign = isZero || text.startsWith('-') ? '' : '+'
  return html`<td class="n">${sign}${groupDigits(text.replace('-', '−'))}</td>`
}

const words: ReadonlySet<string> = new Set(['', 'Account', 'Plan', 'Why'])

function table(caption: string, heads: readonly string[], rows: readonly (readonly Content[])[]): Html {
  return html`<div class="scroll">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${heads.map((head) => html`<th scope="col" class="${words.has(head) ? '' : 'n'}">${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (cells) =>
            html`<tr>
              ${cells}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

function partTable(caption: string, parts: readonly PartDocument[]): Html {
  const rows = parts.map((part) => [
    html`<th scope="row">${part.key === null ? 'all others' : html`<code>${part.key}</code>`}</th>`,
    html`<td class="n">${groupDigits(String(part.accounts))}</td>`,
    amount(part.before),
    amount(part.after),
    change(part.change),
  ])
  return table(caption, ['', 'Accounts', 'Before', 'After', 'Change'], rows)
}

function accountTable(caption: string, accounts: readonly AccountDocument[]): Html {
  const rows = accounts.map((one) => [
    html`<th scope="row"><code>${one.account}</code></th>`,
    html`<td class="n">
      ${one.plan.before === one.plan.after ? one.plan.before : `${one.plan.before} → ${one.plan.after}`}
    </td>`,
    amount(one.before.net),
    amount(one.after.net),
    change(one.change),
    one.change_percent === null ? html`<td class="n muted">from 0</td>` : change(one.change_percent),
  ])
  return table(caption, ['Account', 'Plan', 'Before', 'After', 'Change', '%'], rows)
}

function buckets(document: CurrencyDocument): Html {
  const list = (caption: string, from: CurrencyDocument['by_percent']): Html => {
    const rows = from.map((bucket) => [
      html`<th scope="row">
        ${bucket.direction === 'same' ? 'the same' : `${bucket.direction}, ${bucketName(bucket)}`}
      </th>`,
      html`<td class="n">${groupDigits(String(bucket.accounts))}</td>`,
      change(bucket.change),
    ])
    return table(caption, ['', 'Accounts', `Change, ${document.currency}`], rows)
  }
  return html`<div class="pair">
    ${list('By change in % of what they paid', document.by_percent)}
    ${list(`By change in ${document.currency}`, document.by_amount)}
  </div>`
}

function numbers(document: CurrencyDocument): Html {
  const { currency } = document
  return html`<section>
    <h2>${currency}</h2>
    ${accountTable('Pay most more', document.most_more)} ${accountTable('Pay most less', document.most_less)}
    <div class="pair">
      ${partTable('By plan, before; amounts after coupons', document.by_plan)}
      ${partTable('By price; amounts of lines', document.by_price)}
    </div>
    ${buckets(document)}
  </section>`
}

function counted(accounts: number): string {
  return accounts === 1 ? '1 account is' : `${groupDigits(String(accounts))} accounts are`
}

/** L13: who could not be priced is told, and is in no sum. */
function notPriced({ not_priced: { accounts, named } }: SimulationDocument): Html | null {
  if (accounts === 0) return null
  const rows = named.map(({ account, reason }) => [
    html`<th scope="row"><code>${account}</code></th>`,
    html`<td>${reason}</td>`,
  ])
  const shown = named.length < accounts ? `; ${named.length} of them` : ''
  return html`<section>
    <h2>Not priced</h2>
    ${table(`${counted(accounts)} in no number above${shown}`, ['Account', 'Why'], rows)}
  </section>`
}

/** `October 2026` would be of one language; the month is as it was asked for. */
export function simulationTitle({ months }: SimulationAbout): string {
  return `Price simulation of ${months.join(', ')}`
}

function changes({ changed, assign, takes_effect: takesEffect }: SimulationAbout): readonly string[] {
  const when = (from: string): string => (takesEffect === 'as_stated' ? ` from ${from} on` : '')
  return [
    ...changed.map(
      ({ kind, key, version, replaces, effective_from: from }) =>
        `${kind} ${key} ${replaces ? `version ${version}, written otherwise` : `with a version ${version}`}${when(from)}`,
    ),
    ...Object.entries(assign).map(([from, to]) => `accounts of ${from} under ${to}`),
  ]
}

/** The whole document, to be kept as a file. */
export function simulationPage({ about, summary }: SimulationView): string {
  const title = simulationTitle(about)
  const what = changes(about)
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        ${new Html(`<style>${styleSheet}.sim{display:block;width:100%;height:auto}.scroll{margin-bottom:18px}tbody th code{white-space:nowrap}</style>`)}
      </head>
      <body>
        <main class="wide">
          <div class="lead">
            <h1>${title}</h1>
            <p class="facts">
              <span>${groupDigits(String(summary.accounts))} accounts</span
              ><span>usage of events below ${groupDigits(String(about.counted_below))}</span
              ><span>after coupons, before taxes, without credits</span>
            </p>
            <p>${what.length === 0 ? 'Nothing is different.' : `What if: ${what.join('; ')}.`}</p>
          </div>
          <section>${simulationPicture(summary.currencies, title)}</section>
          ${summary.currencies.map(numbers)} ${notPriced(summary)}
        </main>
      </body>
    </html> `.toString()
}

/** The picture alone, as a file. */
export function simulationSvg({ about, summary }: SimulationView): string {
  return `${simulationPicture(summary.currencies, simulationTitle(about)).toString()}\n`
}
