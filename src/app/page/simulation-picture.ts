/** The picture of a simulation: how many accounts change by how much, and what that does to revenue. */
import { compare, exact, formatScaled, roundToInteger, subtract, zero } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { html, Html } from '../../invoice/html.ts'
import { groupDigits } from '../../invoice/wording.ts'
import type { BucketDocument, CurrencyDocument } from '../../price/simulation/simulation.ts'
import { short, tick } from './number.ts'
import { heightOf, pixels, scaleOf } from './scale.ts'
import type { Scale } from './scale.ts'
import { palette } from './style.ts'

const width = 960
const sectionHeight = 520
/** Where the panels are: bars of accounts, bars of money below them, the way from before to after beside them. */
const bars = { left: 54, width: 546, top: 92, height: 170 } as const
const money = { top: 356, height: 84 } as const
const bridge = { left: 690, width: 258, top: 92, height: 348 } as const

const tones = { less: 's1', same: 's4', more: 's2' } as const

/** A value as a bar from its base, in hundredths of a pixel. */
function barOf(value: Exact, scale: Scale, height: number): bigint {
  return heightOf(value, scale, height)
}

function magnitude(value: Exact): Exact {
  return compare(value, zero) < 0 ? subtract(zero, value) : value
}

function signed(amount: string): string {
  return groupDigits(amount.startsWith('-') ? `−${amount.slice(1)}` : `+${amount}`).replace(/^\+(0(\.0+)?)$/, '$1')
}

/** Three digits at most, and narrow: `+2.5M`, `−398k`. */
function signedShort(amount: string): string {
  const value = exact(amount)
  if (compare(value, zero) === 0) return '0'
  const [digits = '', prefix = ''] = short(magnitude(value)).split(' ')
  const sign = compare(value, zero) < 0 ? '−' : '+'
  if (compare(magnitude(value), exact(1n)) < 0) return `${sign}${digits}`
  const decimals = digits.length > 3 && digits.indexOf('.') === 1 ? 1 : 0
  const narrow = formatScaled(roundToInteger(exact(digits), decimals), decimals)
  return `${sign}${narrow}${prefix}`
}

/** `5–10`, `> 100`, `new`: the bounds are in the axis' own words. */
export function bucketName({ direction, above, up_to: upTo }: BucketDocument): string {
  if (direction === 'same') return 'same'
  if (above === null) return 'from 0'
  return upTo === null ? `> ${groupDigits(above)}` : `${groupDigits(above)}–${groupDigits(upTo)}`
}

interface Column {
  readonly bucket: BucketDocument
  readonly x: number
  readonly width: number
  readonly middle: number
}

function columnsOf(buckets: readonly BucketDocument[]): readonly Column[] {
  const step = bars.width / buckets.length
  return buckets.map((bucket, index) => {
    const x = bars.left + index * step
    return { bucket, x: Math.round(x + step * 0.12), width: Math.round(step * 0.76), middle: Math.round(x + step / 2) }
  })
}

function about({ bucket }: Column, currency: string): string {
  const { direction, accounts, change } = bucket
  const verb = { less: 'pay less', same: 'pay the same', more: 'pay more' }[direction]
  const range = direction === 'same' ? '' : ` by ${bucketName(bucket)} %`
  return `${groupDigits(String(accounts))} accounts ${verb}${range}: ${signed(change)} ${currency}`
}

function axis(scale: Scale, { top, height }: { readonly top: number; readonly height: number }): readonly Html[] {
  return scale.ticks.map((value, index) => {
    const y = pixels(BigInt(top + height) * 100n - barOf(value, scale, height))
    return html`<line
        class="${index === 0 ? 'base' : 'grid'}"
        x1="${bars.left}"
        x2="${bars.left + bars.width}"
        y1="${y}"
        y2="${y}"
      /><text class="tick" x="${bars.left - 8}" y="${y}" dy="4">${tick(value, '')}</text>`
  })
}

/** How many accounts there are in each bucket. */
function accountBars(columns: readonly Column[], currency: string): Html {
  const { top, height } = bars
  const scale = scaleOf(columns.map(({ bucket }) => exact(BigInt(bucket.accounts))))
  const pictures = columns.map((column) => {
    const { bucket, x, middle } = column
    const tall = barOf(exact(BigInt(bucket.accounts)), scale, height)
    const y = pixels(BigInt(top + height) * 100n - tall)
    return html`<g
      ><title>${about(column, currency)}</title
      ><rect
        class="${tones[bucket.direction]}"
        x="${x}"
        width="${column.width}"
        y="${y}"
        height="${pixels(tall)}"
      /><text class="${bucket.accounts === 0 ? 'value none' : 'value'}" x="${middle}" y="${y}" dy="-5"
        >${short(exact(BigInt(bucket.accounts)))}</text
      ><text class="name" x="${middle}" y="${top + height + 16}">${bucketName(bucket)}</text></g
    >`
  })
  return html`<text class="label" x="0" y="${top - 18}">Accounts, by change in % of what they paid</text
    >${axis(scale, bars)}${pictures}`
}

/** The middle of the columns of one direction, and what they are together. */
function captions(columns: readonly Column[]): readonly Html[] {
  return (['less', 'more'] as const).map((direction) => {
    const mine = columns.filter(({ bucket }) => bucket.direction === direction)
    const [first, last] = [mine.at(0), mine.at(-1)]
    if (first === undefined || last === undefined) return html``
    const y = bars.top + bars.height + 24
    return html`<line class="base" x1="${first.x}" x2="${last.x + last.width}" y1="${y}" y2="${y}" /><text
        class="caption"
        x="${Math.round((first.middle + last.middle) / 2)}"
        y="${y + 15}"
        >pay ${direction}</text
      >`
  })
}

/** What each bucket does to revenue: up from the line is more, down is less. */
function moneyBars(columns: readonly Column[], currency: string): Html {
  const { top, height } = money
  const values = columns.map(({ bucket }) => exact(bucket.change))
  const most = scaleOf(values.map(magnitude))
  const hasLess = values.some((value) => compare(value, zero) < 0)
  const hasMore = values.some((value) => compare(value, zero) > 0)
  const half = hasLess && hasMore ? height / 2 : height
  const base = hasLess ? (hasMore ? top + half : top) : top + height
  const pictures = columns.map((column, index) => {
    const value = values[index] ?? zero
    const tall = barOf(magnitude(value), most, half)
    const isDown = compare(value, zero) < 0
    const y = pixels(BigInt(base) * 100n - (isDown ? 0n : tall))
    const end = pixels(BigInt(base) * 100n + (isDown ? tall : -tall))
    const label = compare(value, zero) === 0 ? '' : signedShort(column.bucket.change)
    return html`<g
      ><title>${about(column, currency)}</title
      ><rect
        class="${tones[column.bucket.direction]}"
        x="${column.x}"
        width="${column.width}"
        y="${y}"
        height="${pixels(tall)}"
      /><text class="value" x="${column.middle}" y="${end}" dy="${isDown ? 13 : -5}">${label}</text></g
    >`
  })
  return html`<text class="label" x="0" y="${top - 22}">What that changes in revenue, ${currency}</text
    ><line class="base" x1="${bars.left}" x2="${bars.left + bars.width}" y1="${base}" y2="${base}" />${pictures}`
}

interface Stage {
  readonly name: string
  readonly amount: string
  readonly from: Exact
  readonly to: Exact
  readonly tone: string
}

function stagesOf({ before, after, more, less }: CurrencyDocument): readonly Stage[] {
  const [was, is, lost] = [exact(before.net), exact(after.net), exact(less)]
  const low = subtract(was, lost)
  return [
    { name: 'before', amount: groupDigits(before.net), from: zero, to: was, tone: 's0' },
    { name: 'pay less', amount: signed(`-${less}`).replace(/^−(0(\.0+)?)$/, '$1'), from: low, to: was, tone: 's1' },
    { name: 'pay more', amount: signed(more), from: low, to: is, tone: 's2' },
    { name: 'after', amount: groupDigits(after.net), from: zero, to: is, tone: 's0' },
  ]
}

/**
 * From what was paid to what would be. Small changes of large sums would not be seen from zero on: then the picture
 * begins higher, and says so.
 */
function bridgePicture(document: CurrencyDocument): Html {
  const { left, top, height } = bridge
  const stages = stagesOf(document)
  const highest = stages
    .map(({ from, to }) => (compare(from, to) > 0 ? from : to))
    .reduce((a, b) => (compare(a, b) > 0 ? a : b))
  const inner = stages.slice(1, 3).flatMap(({ from, to }) => [from, to])
  const lowest = inner.reduce((a, b) => (compare(a, b) < 0 ? a : b))
  const range = subtract(highest, lowest)
  // A fifth of the height below the lowest step, where the steps would otherwise be thinner than that.
  const isCut = compare(lowest, zero) > 0 && compare(range, exact('0')) > 0 && compare(scaled(range, 4n), highest) < 0
  const floor = isCut ? subtract(lowest, range) : zero
  const scale: Scale = { top: compare(highest, floor) > 0 ? subtract(highest, floor) : exact(1n), ticks: [] }
  const step = bridge.width / stages.length
  const level = (value: Exact): bigint =>
    BigInt(top + height) * 100n - barOf(compare(value, floor) < 0 ? zero : subtract(value, floor), scale, height - 24)
  const pictures = stages.map(({ name, amount, from, to, tone }, index) => {
    const [one, other] = [level(from), level(to)]
    const [y, end] = one < other ? [one, other] : [other, one]
    const x = left + index * step
    const middle = Math.round(x + step / 2)
    return html`<g
      ><title>${name}: ${amount} ${document.currency}</title
      ><rect
        class="${tone}"
        x="${Math.round(x + step * 0.14)}"
        width="${Math.round(step * 0.72)}"
        y="${pixels(y)}"
        height="${pixels(end - y)}"
      /><text class="value" x="${middle}" y="${pixels(y)}" dy="-5">${shortened(amount)}</text
      ><text class="name" x="${middle}" y="${top + height + 16}">${name}</text></g
    >`
  })
  const base = top + height
  const note = isCut
    ? html`<text class="note" x="${left}" y="${base + 38}">The bars begin at ${short(floor)} and not at zero.</text>`
    : null
  return html`<text class="label" x="${left}" y="${top - 18}">Revenue, ${document.currency}</text>${pictures}<line
      class="base"
      x1="${left}"
      x2="${left + bridge.width}"
      y1="${base}"
      y2="${base}"
    />${note}`
}

function scaled(value: Exact, times: bigint): Exact {
  let total = zero
  for (let turn = 0n; turn < times; turn += 1n) total = subtract(total, subtract(zero, value))
  return total
}

/** Amounts that are too long to stand over a bar. */
function shortened(amount: string): string {
  if (amount.length <= 9) return amount
  const plain = amount.replaceAll(',', '').replace('−', '-').replace('+', '')
  const text = short(magnitude(exact(plain)))
  return `${/^[+−]/.exec(amount)?.[0] ?? ''}${text}`
}

function headline(document: CurrencyDocument): Html {
  const { currency, before, after, change, change_percent: percent, accounts } = document
  const counts = [
    `${groupDigits(String(accounts))} accounts`,
    `${groupDigits(String(document.paying_more))} pay more`,
    `${groupDigits(String(document.paying_less))} pay less`,
    `${groupDigits(String(document.paying_the_same))} the same`,
  ]
  const share = percent === null ? '' : ` (${signed(percent)} %)`
  return html`<text class="head" x="0" y="22">${currency} ${groupDigits(before.net)} → ${groupDigits(after.net)}</text
    ><text class="head change" x="${width}" y="22">${signed(change)}${share}</text
    ><text class="facts" x="0" y="44">${counts.join(' · ')}</text>`
}

function section(document: CurrencyDocument, index: number): Html {
  const columns = columnsOf(document.by_percent)
  const line = index === 0 ? null : html`<line class="grid" x1="0" x2="${width}" y1="-28" y2="-28" />`
  return html`<g transform="translate(0 ${index * sectionHeight})">
    ${line}${headline(document)}${accountBars(columns, document.currency)}${captions(columns)}${moneyBars(
      columns,
      document.currency,
    )}${bridgePicture(document)}
  </g>`
}

function colours(scheme: keyof typeof palette): string {
  const { paper, ink, muted, rule, strong, s0, s1, s2, s4 } = palette[scheme]
  return [
    `.sim{background:${paper}}.sim .paper{fill:${paper}}.sim text{fill:${ink}}`,
    `.sim .facts,.sim .tick,.sim .name,.sim .caption,.sim .note,.sim .label{fill:${muted}}`,
    `.sim .grid{stroke:${rule}}.sim .base{stroke:${strong}}`,
    `.sim .s0{fill:${s0}}.sim .s1{fill:${s1}}.sim .s2{fill:${s2}}.sim .s4{fill:${s4}}.sim .none{fill:${muted}}`,
  ].join('')
}

/** Alone, the picture looks as it does on a page. */
export const pictureStyle = `.sim text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums;text-anchor:middle}
.sim .head{font-size:19px;font-weight:600;text-anchor:start}.sim .head.change{text-anchor:end}
.sim .facts,.sim .label,.sim .note{text-anchor:start}.sim .facts{font-size:13.5px}.sim .label{font-size:12.5px;font-weight:600}
.sim .tick{text-anchor:end;font-size:11.5px}.sim .value{font-size:11.5px}.sim .name{font-size:11px}.sim .note{font-size:11px}
${colours('light')}@media(prefers-color-scheme:dark){${colours('dark')}}`

/** The picture as a file of its own, one part for each currency. */
export function simulationPicture(currencies: readonly CurrencyDocument[], title: string): Html {
  const margin = 24
  const height = Math.max(1, currencies.length) * sectionHeight - 40
  const nothing = html`<text class="facts" x="0" y="22">No account was priced.</text>`
  return html`<svg
    class="sim"
    xmlns="http://www.w3.org/2000/svg"
    viewBox="${-margin} ${-margin} ${width + 2 * margin} ${height + 2 * margin}"
    role="img"
  >
    <title>${title}</title>
    ${new Html(`<style>${pictureStyle}</style>`)}
    <rect class="paper" x="${-margin}" y="${-margin}" width="${width + 2 * margin}" height="${height + 2 * margin}" />
    ${currencies.length === 0 ? nothing : currencies.map(section)}
  </svg>`
}
