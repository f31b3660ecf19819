import { compare, zero } from '../../core/exact.ts'
import { absent, columnsOf } from './day-chart.ts'
import type { Column, DayChart } from './day-chart.ts'
import { labelOf, longDay, shortDay } from './date.ts'
import { html } from '../../invoice/html.ts'
import type { Html } from '../../invoice/html.ts'
import { sumKnown } from './known.ts'
import { chartNumbers } from './chart-numbers.ts'
import { precise, tick } from './number.ts'
import { heightOf, pixels, scaleOf } from './scale.ts'
import type { Scale } from './scale.ts'

const plotHeight = 150
const headroom = 14
const labelSpace = 22
const axisWidth = 56
const floor = headroom + plotHeight
const fullHeight = floor + labelSpace

interface Place {
  readonly index: number
  readonly count: number
}

/** Where a column stands, in per cent of the width: the picture stretches, its text does not. */
function across({ index, count }: Place): { left: string; width: string; middle: string } {
  const step = 100 / count
  const percent = (steps: number): string => `${(steps * step).toFixed(3)}%`
  return { left: percent(index + 0.14), width: percent(0.72), middle: percent(index + 0.5) }
}

function inWords({ day, values, total }: Column, { unit, series }: DayChart): string {
  const date = longDay(day.date)
  if (total.empty) return `${date}: not known yet`
  const sum = `${total.complete ? '' : 'at least '}${precise(total.sum, unit)}${day.growing ? ' so far' : ''}`
  if (series.length === 1) return `${date}: ${sum}`
  const parts = series.map(({ name }, index) => {
    const value = values[index] ?? absent
    return `${name}: ${value.known ? precise(value.value, unit) : 'not known yet'}`
  })
  return [`${date}: ${sum}`, ...parts].join('\n')
}

/** The parts of one day, one on the other. Each height is proportional to its own value. */
function stack(column: Column, chart: DayChart, { scale, place }: { scale: Scale; place: ReturnType<typeof across> }) {
  let top = BigInt(floor) * 100n
  return chart.series.map(({ tone }, index) => {
    const value = column.values[index] ?? absent
    const height = value.known ? heightOf(value.value, scale, plotHeight) : 0n
    // Corrections can take a day below zero: it has no bar, and its number says why.
    if (height <= 0n) return null
    top -= height
    return html`<rect
      class="${tone}"
      x="${place.left}"
      width="${place.width}"
      y="${pixels(top)}"
      height="${pixels(height)}"
    />`
  })
}

function dateLabel({ day }: Column, { index, count }: Place): Html | null {
  const label = labelOf(day.date)
  if (label === 'never') return null
  // In the middle below its bar, but at the right end it must not stand out of the picture.
  const atEnd = index * 20 >= count * 19
  const name = `${label === 'always' ? 'date' : 'date week'}${atEnd ? ' end' : ''}`
  return html`<text class="${name}" x="${atEnd ? '100%' : across({ index, count }).middle}" y="${fullHeight - 5}"
    >${shortDay(day.date)}</text
  >`
}

/** An empty picture says in words that it is empty: everything is known, and everything is zero. */
function nothing(columns: readonly Column[]): Html | null {
  const { sum, complete } = sumKnown(columns.flatMap(({ values }) => values))
  if (!complete || compare(sum, zero) !== 0) return null
  return html`<text class="none" x="50%" y="${headroom + plotHeight / 2}">none on these days</text>`
}

function columnPicture(column: Column, chart: DayChart, { scale, ...at }: Place & { readonly scale: Scale }): Html {
  const place = across(at)
  const bars = column.total.empty
    ? html`<rect class="gap" x="${place.left}" width="${place.width}" y="${headroom}" height="${plotHeight}" />`
    : stack(column, chart, { scale, place })
  const step = (100 / at.count).toFixed(3)
  const left = ((100 * at.index) / at.count).toFixed(3)
  return html`<g class="day${column.day.growing ? ' growing' : ''}"
    ><title>${inWords(column, chart)}</title
    ><rect class="hit" x="${left}%" width="${step}%" y="0" height="${floor}" />${bars}${dateLabel(column, at)}</g
  >`
}

function axis({ unit }: DayChart, scale: Scale): Html {
  const labels = scale.ticks.map((value) => {
    const y = BigInt(floor) * 100n - heightOf(value, scale, plotHeight)
    return html`<text x="${axisWidth - 8}" y="${pixels(y + 400n)}">${tick(value, unit)}</text>`
  })
  return html`<svg class="axis" width="${axisWidth}" height="${fullHeight}" aria-hidden="true">${labels}</svg>`
}

function grid(scale: Scale): readonly Html[] {
  return scale.ticks.map((tick, index) => {
    const y = pixels(BigInt(floor) * 100n - heightOf(tick, scale, plotHeight))
    return html`<line class="${index === 0 ? 'base' : 'grid'}" x1="0" x2="100%" y1="${y}" y2="${y}" />`
  })
}

function description({ days, unit }: DayChart, columns: readonly Column[]): string {
  const first = days.at(0)
  const last = days.at(-1)
  if (first === undefined || last === undefined) return 'No days.'
  const { sum, complete } = sumKnown(columns.flatMap(({ values }) => values))
  return `Bars for each day from ${longDay(first.date)} to ${longDay(last.date)}; together ${complete ? '' : 'at least '}${precise(sum, unit)}.`
}

function legend({ series }: DayChart): Html | null {
  if (series.length === 1) return null
  return html`<ul class="legend">
    ${series.map(({ name, tone }) => html`<li><span class="key ${tone}"></span>${name}</li>`)}
  </ul>`
}

/** Bars per day, plain or stacked, with the exact number on hover and in a table below. */
export function dayChart(chart: DayChart): Html {
  const columns = columnsOf(chart)
  const scale = scaleOf(columns.map(({ total }) => total.sum))
  const pictures = columns.map((column, index) => columnPicture(column, chart, { scale, index, count: columns.length }))
  return html`<figure class="chart">
    ${legend(chart)}
    <div class="plot">
      ${axis(chart, scale)}<svg
        class="bars"
        width="100%"
        height="${fullHeight}"
        role="img"
        aria-labelledby="${chart.id}-title ${chart.id}-about"
      >
        <title id="${chart.id}-title">${chart.title} per day</title>
        <desc id="${chart.id}-about">${description(chart, columns)}</desc>
        ${grid(scale)}${pictures}${nothing(columns)}
      </svg>
    </div>
    ${chartNumbers(chart, columns)}
  </figure>`
}
