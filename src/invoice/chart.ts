import { compare, divide, exact, formatScaled, isZero, larger, multiply, roundToInteger, zero } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import { zonedOf } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import type { WindowDocument } from './document.ts'
import type { LineExplanation } from './explain.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'
import { dateOf, groupDigits, instantOf, valueName } from './wording.ts'

/** In units of the picture; it is scaled to the width of the page. */
const size = { width: 640, plot: 96, top: 6, labels: 18 } as const
const floor = size.top + size.plot

interface Frame {
  readonly explanation: LineExplanation
  readonly highest: Exact
  /** Windows that begin at this instant or later have not been reached; null: all have. */
  readonly reached: Micros | null
}

/** Hundredths as an attribute, so that no floating-point number draws a bar. */
function points(value: Exact): string {
  return formatScaled(roundToInteger(value, 2), 2)
}

function across(
  index: number,
  count: number,
): { readonly left: string; readonly width: string; readonly middle: string } {
  const step = divide(exact(BigInt(size.width)), exact(BigInt(count)))
  const place = (steps: string): string => points(multiply(step, exact(steps)))
  return { left: place(`${index}.12`), width: place('0.76'), middle: place(`${index}.5`) }
}

function inWords({ from, quantity, events_without_value: missing }: WindowDocument, { explanation }: Frame): string {
  const { zone, unit, meter } = explanation
  const without = missing === '0' ? '' : `; ${groupDigits(missing)} events without a ${valueName(meter)}`
  return `${dateOf(from, zone)}: ${groupDigits(quantity)} ${unit}${without}`
}

function bar(window: WindowDocument, index: number, frame: Frame): Html {
  const { explanation, highest, reached } = frame
  const { left, width, middle } = across(index, explanation.windows.length)
  const isReached = reached === null || instantOf(window.from) < reached
  // L13: a day that has not come is not a day without traffic.
  if (!isReached)
    return html`<rect class="ahead" x="${left}" y="${size.top}" width="${width}" height="${size.plot}">
      <title>${dateOf(window.from, explanation.zone)}: not known yet</title>
    </rect>`
  const height = divide(multiply(exact(window.quantity), exact(BigInt(size.plot))), highest)
  // A day with little traffic is still a day with traffic.
  const shown = compare(height, zero) > 0 ? larger(height, exact('0.75')) : zero
  const mark = window.events_without_value !== '0' && missingMark(middle)
  const y = points(divide(exact(BigInt(floor * 100) - roundToInteger(shown, 2)), exact(100n)))
  return html`<g>
    <title>${inWords(window, frame)}</title>
    <rect class="bar" x="${left}" y="${y}" width="${width}" height="${points(shown)}" />
    ${mark}
  </g>`
}

/** L13: some of the day's events carried no value, so its bar may be too low. */
function missingMark(middle: string): Html {
  return html`<circle class="missing" cx="${middle}" cy="${floor + 4}" r="2" />`
}

function label(window: WindowDocument, index: number, frame: Frame): Html | null {
  const { day } = zonedOf(instantOf(window.from), frame.explanation.zone)
  if (day % 7 !== 1) return null
  const { middle } = across(index, frame.explanation.windows.length)
  return html`<text x="${middle}" y="${floor + size.labels - 2}">${day}</text>`
}

/** The bars in words: their sum is the line's quantity, and what a bar cannot show is said. */
function caption({ explanation, highest, reached }: Frame): Html {
  const { windows, line, unit, zone, meter } = explanation
  const peak = windows.find(({ quantity }) => compare(exact(quantity), highest) === 0)
  const isEmpty = isZero(highest)
  const top =
    peak === undefined || isEmpty ? '' : `; most on ${dateOf(peak.from, zone)}, ${groupDigits(peak.quantity)} ${unit}`
  const sum = `${windows.length} days of ${zone} add up to ${groupDigits(line.quantity)} ${unit}${top}.`
  const missing = windows.some((window) => window.events_without_value !== '0')
  const ahead = reached !== null && windows.some(({ from }) => instantOf(from) >= reached)
  const key = html` <span class="missing-key"></span>Days with events that carried no ${valueName(meter)}.`
  const faint = isEmpty ? ' Some days have not come yet.' : ' Faint days have not come yet.'
  return html`<figcaption>${sum}${missing && key}${ahead && faint}</figcaption>`
}

/** The days of a line as bars. Without scripts; each bar says its exact number when it is pointed at. */
export function dayChart(explanation: LineExplanation, reached: Micros | null): Html {
  const { windows, line } = explanation
  const highest = windows.map(({ quantity }) => exact(quantity)).reduce(larger, zero)
  const frame: Frame = { explanation, highest, reached }
  // An empty picture looks like a broken one; the words say that nothing was used.
  if (isZero(highest)) return html`<figure class="days">${caption(frame)}</figure>`
  const bars = windows.map((window, index) => bar(window, index, frame))
  const labels = windows.map((window, index) => label(window, index, frame))
  return html`<figure class="days">
    <svg viewBox="0 0 ${size.width} ${floor + size.labels}" role="img" aria-label="${line.description} per day">
      <line class="base" x1="0" x2="${size.width}" y1="${floor}" y2="${floor}" />
      ${bars} ${labels}
    </svg>
    ${caption(frame)}
  </figure>`
}
