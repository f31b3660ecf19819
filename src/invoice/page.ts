import type { Currency } from '../core/money.ts'
import type { Micros } from '../core/time.ts'
import { dayChart } from './chart.ts'
import type { Invoice, InvoiceDocument, LineDocument } from './document.ts'
import { explainLine } from './explain.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'
import { pageStyle } from './page-style.ts'
import {
  billableWords,
  countedWords,
  groupDigits,
  inUnit,
  missingWords,
  momentOf,
  noticesOf,
  periodWords,
} from './wording.ts'
import { aboutWords, partWords, planWords, readableFormula, titleOf, totalRows, unitPriceWords } from './wording.ts'
import type { TotalRow } from './wording.ts'

/** When the page is shown: days of a draft that have not come are not drawn as days without traffic (L13). */
export interface PageContext {
  readonly now: Micros
}

function heading(invoice: Invoice): Html {
  const { status, document } = invoice
  const { issuer, issued_at: issuedAt, period } = document
  const stamp = status === 'issued' ? null : html`<span class="stamp">${status}</span>`
  const issued =
    issuedAt === null ? null : html`<div class="status">Issued ${momentOf(issuedAt, period.time_zone)}</div>`
  return html`<header>
    <div class="issuer"><strong>${issuer.name}</strong>${issuer.address}</div>
    <div class="title">
      <h1>${titleOf(invoice)}</h1>
      ${issued}${stamp && html`<div class="status">${stamp}</div>`}
    </div>
  </header>`
}

function facts(document: InvoiceDocument): Html {
  const { account, currency } = document
  const rows: readonly (readonly [string, string])[] = [
    ['Account', account.name === account.key ? account.name : `${account.name} (${account.key})`],
    ['Period', periodWords(document)],
    ['Plan', planWords(document)],
    ['Currency', currency],
  ]
  return html`<dl class="facts">
    ${rows.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`
}

function aboutLine(line: LineDocument, document: InvoiceDocument): readonly Html[] {
  const missing = missingWords(line)
  return aboutWords(line, document).map((words) =>
    missing.includes(words)
      ? html`<div class="about missing-note">${words}</div>`
      : html`<div class="about">${words}</div>`,
  )
}

/** A long number may break after its commas, and nowhere else. */
function breakable(text: string): Html {
  const [first = '', ...rest] = text.split(',')
  return html`${first}${rest.map((part) => html`,<wbr />${part}`)}`
}

function lineRow(line: LineDocument, document: InvoiceDocument): Html {
  const { currency } = document
  const cells = [billableWords(line), unitPriceWords(line, currency), groupDigits(line.amount)]
  return html`<tr>
    <td>${line.number}</td>
    <td>
      <div class="name">${line.description}</div>
      ${aboutLine(line, document)}
    </td>
    ${cells.map((cell) => html`<td class="n">${breakable(cell)}</td>`)}
  </tr>`
}

function totalRow({ name, amount, kind }: TotalRow, currency: Currency): Html {
  return html`<tr class="${kind}">
    <th scope="row" colspan="3">${name}</th>
    <td class="n" colspan="2">${breakable(groupDigits(amount))} ${currency}</td>
  </tr>`
}

function lineTable(document: InvoiceDocument): Html {
  const { lines, currency } = document
  return html`<table class="lines">
    <thead>
      <tr>
        <th scope="col">#</th>
        <th scope="col">Description</th>
        <th scope="col" class="n">Billed quantity</th>
        <th scope="col" class="n">Unit price</th>
        <th scope="col" class="n">Amount</th>
      </tr>
    </thead>
    <tbody>
      ${lines.map((line) => lineRow(line, document))}
    </tbody>
    <tfoot>
      ${totalRows(document).map((row) => totalRow(row, currency))}
    </tfoot>
  </table>`
}

function sumWords(document: InvoiceDocument): string {
  return totalRows(document).length === 1 ? 'the total is the sum of the lines' : 'the subtotal is the sum of the lines'
}

function why(invoice: Invoice, line: LineDocument, reached: Micros | null): Html {
  const explanation = explainLine(invoice, line.number)
  const { currency } = invoice.document
  const steps = explanation.steps.map(
    ({ about, formula, result, unit }) =>
      html`<tr>
        <td>${groupDigits(about)}</td>
        <td class="n">
          <span class="part">${breakable(readableFormula(formula))}</span>
          <span class="part">= ${breakable(inUnit(result, unit))}</span>
        </td>
      </tr>`,
  )
  const meter =
    line.meter === null
      ? null
      : html` Measured by ${line.meter.name} (${line.meter.key} version ${line.meter.version}).`
  const part = partWords(line, invoice.document)
  const time = part === null ? null : html` It held from ${part}.`
  const chart = line.windows.length === 0 ? null : dayChart(explanation, reached)
  return html`<section class="why">
    <h3><span>${line.number}. ${line.description}</span><span>${groupDigits(line.amount)} ${currency}</span></h3>
    <p>Price: ${explanation.price}.${time}${meter}</p>
    <table class="steps">
      <tbody>
        ${steps}
      </tbody>
    </table>
    ${chart}
  </section>`
}

/** The invoice as one printable page: no script, nothing from elsewhere, all values escaped. */
export function invoicePage(invoice: Invoice, { now }: PageContext): string {
  const { status, document, id } = invoice
  const reached = status === 'draft' ? now : null
  const watermark =
    status === 'draft' || status === 'void'
      ? html`<div class="watermark" aria-hidden="true"><span>${status.toUpperCase()}</span></div>`
      : null
  const notices = noticesOf(invoice).map((notice) => html`<p class="notice">${notice}</p>`)
  const reasons = document.lines.map((line) => why(invoice, line, reached))
  const body = html`<main class="sheet">
    ${watermark}${heading(invoice)}${facts(document)}${notices}${lineTable(document)}
    <h2 class="annex">How each amount was reached</h2>
    <p class="lead">
      From the measured quantity to the amount, step by step. Each line is rounded once; ${sumWords(document)}.
    </p>
    ${reasons}
    <footer>${countedWords(document)} Document ${id}.</footer>
  </main>`
  return `<!doctype html>\n${html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>${titleOf(invoice)}, ${document.account.name}</title>
      <style>
        ${pageStyle}
      </style>
    </head>
    <body>
      ${body}
    </body>
  </html>`.toString()}\n`
}
