import type { Exact } from '../../core/exact.ts'
import { html } from '../../invoice/html.ts'
import type { Html } from '../../invoice/html.ts'
import { sumKnown } from './known.ts'
import { readable } from './number.ts'
import { heightOf, pixels, scaleOf } from './scale.ts'
import type { Known } from './view.ts'

const height = 26
const step = 5
const barWidth = 4

/** A small picture of one value per day, as high as its own greatest value. A day that is not known is a gap below the line. */
export function sparkline(values: readonly Known<Exact>[], about: { name: string; unit: string }): Html {
  const known = values.flatMap((value) => (value.known ? [value.value] : []))
  const scale = scaleOf(known)
  const bars = values.map((value, index) => {
    const bar = value.known ? heightOf(value.value, scale, height) : 0n
    return bar <= 0n ? '' : `M${index * step} ${height}v-${pixels(bar)}h${barWidth}v${pixels(bar)}z`
  })
  const gaps = values.map((value, index) =>
    value.known ? '' : `M${index * step} ${height + 1}h${barWidth}v2h-${barWidth}z`,
  )
  const { sum, complete } = sumKnown(values)
  const words = `${about.name} on ${values.length} days, ${complete ? '' : 'at least '}${readable(sum, about.unit)} together`
  return html`<svg
    class="spark"
    viewBox="0 0 ${values.length * step} ${height + 3}"
    preserveAspectRatio="none"
    role="img"
    aria-label="${words}"
  >
    <title>${words}</title>
    <path class="line" d="M0 ${height}h${values.length * step}" />
    <path class="bar" d="${bars.join('')}" />
    <path class="gap" d="${gaps.join('')}" />
  </svg>`
}
