import type { Currency } from '../../core/money.ts'
import { unreachable } from '../../core/result.ts'
import { readingOrder } from '../../price/rate/trace.ts'
import type { TraceStep } from '../../price/rate/trace.ts'
import { amountOf } from './cost.ts'
import { html } from '../../invoice/html.ts'
import type { Html } from '../../invoice/html.ts'
import { notKnown, quantity } from './known.ts'
import { groupDigits, readableFormula } from '../../invoice/wording.ts'
import type { TotalRow } from '../../invoice/wording.ts'
import { isGrowing } from './months.ts'
import { grouped, money, unitPrice } from './number.ts'
import type { AccountView, CostDetail, CostLine, MeterView } from './view.ts'

function step({ about, formula, result, unit }: TraceStep): Html {
  return html`<li>
    <span class="about">${about}</span
    ><span class="formula">${readableFormula(formula)} = <b>${groupDigits(result)} ${unit}</b></span>
  </li>`
}

function measured(line: CostLine, meters: readonly MeterView[]): Html {
  const meter = meters.find(({ key }) => key === line.meter)
  if (line.meter === null) return html`<span class="muted">once</span>`
  return quantity(line.quantity, meter?.unit ?? 'units')
}

/** What is left to pay for after the allowance, in the unit that has the price. */
function billable({ meter, billableQuantity, unit }: CostLine): Html | null {
  return meter === null ? null : html`${grouped(billableQuantity)} <span class="muted">${unit}</span>`
}

function when({ when: time }: CostLine): Html | null {
  return time === undefined ? null : html`<br /><small class="muted">${time}</small>`
}

/** Between the lines and the total. */
function stepRow({ name, amount }: TotalRow): Html {
  return html`<tr>
    <td colspan="2">${name}</td>
    <td class="wide-only"></td>
    <td class="wide-only"></td>
    <td class="n">${groupDigits(amount)}</td>
  </tr>`
}

function lineRows(line: CostLine, meters: readonly MeterView[], currency: Currency): Html {
  const price =
    line.unitAmount === null ? html`<span class="muted">by tier</span>` : unitPrice(line.unitAmount, currency)
  return html`<tbody>
    <tr>
      <th scope="row">${line.description}${when(line)}</th>
      <td class="n">${measured(line, meters)}</td>
      <td class="n wide-only">${billable(line)}</td>
      <td class="n wide-only">${price}</td>
      <td class="n">${money(line.amount, currency)}</td>
    </tr>
    <tr>
      <td colspan="5" class="reason">
        <details>
          <summary>Why<span class="hidden"> ${line.description} costs this</span></summary>
          <ol class="why">
            ${readingOrder(line.trace).map(step)}
          </ol>
        </details>
      </td>
    </tr>
  </tbody>`
}

function lines(cost: Extract<CostDetail, { kind: 'so_far' }>, { meters, days }: AccountView): Html {
  const { currency } = cost
  return html`<table class="lines">
    <thead>
      <tr>
        <th scope="col">Line</th>
        <th scope="col" class="n">Quantity</th>
        <th scope="col" class="n wide-only">Beyond the allowance</th>
        <th scope="col" class="n wide-only">Price of one, ${currency}</th>
        <th scope="col" class="n">Amount, ${currency}</th>
      </tr>
    </thead>
    ${cost.lines.map((line) => lineRows(line, meters, currency))}
    <tfoot>
      ${(cost.steps ?? []).map(stepRow)}
      <tr>
        <th scope="row" colspan="2">${isGrowing(days) ? 'Together, so far' : 'Together'}</th>
        <td class="wide-only"></td>
        <td class="wide-only"></td>
        <td class="n">${amountOf(cost.total, currency)}</td>
      </tr>
    </tfoot>
  </table>`
}

function content(view: AccountView): Html {
  const { cost } = view
  switch (cost.kind) {
    case 'so_far':
      return lines(cost, view)
    case 'no_plan':
      return html`<p>This account has no plan, so nothing is priced. Its usage is counted all the same.</p>`
    case 'not_known':
      return html`<p>${notKnown(cost.why)}: ${cost.why}.</p>`
    default:
      return unreachable(cost)
  }
}

/** What the month costs, as far as it has come, line by line, each with every step to its amount (L10). */
export function costSection(view: AccountView): Html {
  return html`<section aria-labelledby="cost">
    <h2 id="cost">Cost <small>${view.period}</small></h2>
    ${content(view)}
  </section>`
}
