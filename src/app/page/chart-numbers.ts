import type { Exact } from '../../core/exact.ts'
import type { Column, DayChart } from './day-chart.ts'
import { html } from '../../invoice/html.ts'
import type { Html } from '../../invoice/html.ts'
import { notKnown, sumKnown } from './known.ts'
import type { PartialSum } from './known.ts'
import { grouped } from './number.ts'
import type { Known } from './view.ts'

function cell(value: Known<Exact>): Html {
  return html`<td>${value.known ? grouped(value.value) : notKnown(value.why)}</td>`
}

function sumCell({ sum, complete, empty }: PartialSum): Html {
  if (empty) return html`<td>${notKnown('no part of it is known yet')}</td>`
  return html`<td>${complete ? null : '≥ '}${grouped(sum)}</td>`
}

function row({ day, values, total }: Column, several: boolean): Html {
  return html`<tr>
    <th scope="row">${day.date}${day.growing ? ' (so far)' : null}</th>
    ${values.map(cell)}${several ? sumCell(total) : null}
  </tr>`
}

/** The picture as a table, every digit, added up along rows and down columns. */
export function chartNumbers({ title, unit, series }: DayChart, columns: readonly Column[]): Html {
  const several = series.length > 1
  const names = several ? [...series.map(({ name }) => name), 'All'] : [title]
  const sums = series.map(({ values }) => sumCell(sumKnown(values)))
  const all = several ? sumCell(sumKnown(series.flatMap(({ values }) => values))) : null
  return html`<details class="numbers">
    <summary>The numbers of this picture</summary>
    <div class="scroll" tabindex="0" role="region" aria-label="${title} in numbers">
      <table>
        <caption>
          ${title}, in ${unit}
        </caption>
        <thead>
          <tr>
            <th scope="col">Day</th>
            ${names.map((name) => html`<th scope="col" class="n">${name}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${columns.map((column) => row(column, several))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">All days</th>
            ${sums}${all}
          </tr>
        </tfoot>
      </table>
    </div>
  </details>`
}
