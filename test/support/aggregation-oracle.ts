import type { Measure } from '../../src/store/measure/measure.ts'

/**
 * What every measure comes to, the slow and obvious way: loops over a list of events, fractions of big integers. Knows
 * nothing of the store, of SQL, versions or offsets below which is asked: it is handed the events that count.
 */
export interface KnownEvent {
  readonly account: string
  readonly time: number
  /** Of the version that counts. */
  readonly offset: number
  readonly endpoint: string | null
  readonly tag: string | null
  readonly member: string | null
  readonly operation: string | null
  /** In 10^-18. */
  readonly quantity: bigint | null
  readonly out: bigint | null
  readonly in: bigint | null
}

/** `until`: levels, members and intervals count up to there. */
export interface Span {
  readonly from: number
  readonly to: number
  readonly until: number
}

export type Pick = (event: KnownEvent) => boolean

/** Numerator and denominator. */
export type Ratio = readonly [bigint, bigint]
export interface Measured {
  readonly quantity: Ratio | null
  readonly missing: bigint
}

const scale = 10n ** 18n
const hour = 3_600_000_000
const units = { second: 1_000_000n, minute: 60_000_000n, hour: BigInt(hour), day: 24n * BigInt(hour) }

/** `n/d` in lowest terms. */
export function ratioText([numerator, denominator]: Ratio): string {
  let [a, b] = [numerator < 0n ? -numerator : numerator, denominator]
  while (b !== 0n) [a, b] = [b, a % b]
  return a === 0n ? '0/1' : `${numerator / a}/${denominator / a}`
}

export function compareRatios(one: Ratio, other: Ratio): number {
  const difference = one[0] * other[1] - other[0] * one[1]
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

const inOrder = (events: readonly KnownEvent[]): KnownEvent[] =>
  events.toSorted((a, b) => a.time - b.time || a.offset - b.offset)

const total = (values: readonly bigint[]): bigint => values.reduce((sum, value) => sum + value, 0n)

/** The number of an event that a measure is about, in 10^-18. */
function valueOf(event: KnownEvent, expression: unknown): bigint | null {
  switch ((expression as { field?: string }).field) {
    case 'quantity':
      return event.quantity
    case 'bytes_out_wire':
      return event.out === null ? null : event.out * scale
    case 'bytes_in_wire':
      return event.in === null ? null : event.in * scale
    default:
      throw new Error('the oracle knows three fields')
  }
}

function keyOf(event: KnownEvent, field: string | null): string | null {
  switch (field) {
    case null:
      return null
    case 'endpoint':
      return event.endpoint
    case 'attributes.member':
      return event.member
    case 'attributes.operation':
      return event.operation
    default:
      throw new Error(`the oracle does not know ${field}`)
  }
}

/** Count, sum, min, max, average, latest: of the events inside. Null: there are none. */
function plain(measure: Measure, inside: readonly KnownEvent[]): Measured | null {
  if (inside.length === 0) return null
  if (measure.kind === 'count') return { quantity: [BigInt(inside.length), 1n], missing: 0n }
  const { value } = measure as { value: unknown }
  const values = inOrder(inside).flatMap((event) => valueOf(event, value) ?? [])
  const missing = BigInt(inside.length - values.length)
  const sorted = values.toSorted((a, b) => (a < b ? -1 : 1))
  const found = {
    sum: total(values),
    average: values.length === 0 ? undefined : total(values),
    min: sorted[0],
    max: sorted.at(-1),
    latest: values.at(-1),
  }[measure.kind as 'sum']
  const divisor = measure.kind === 'average' ? BigInt(values.length) : 1n
  return { quantity: found === undefined ? null : [found, scale * divisor], missing }
}

/** Each pair of a key and a UTC hour is one, and lies where its first event lies. */
function activeHours(field: string, events: readonly KnownEvent[], { from, to }: Span, pick: Pick): Measured | null {
  const firsts = new Map<string, KnownEvent>()
  for (const event of inOrder(events)) {
    const name = JSON.stringify([keyOf(event, field), Math.floor(event.time / hour)])
    if (!firsts.has(name)) firsts.set(name, event)
  }
  const inside = [...firsts.values()].filter((first) => first.time >= from && first.time < to && pick(first))
  return inside.length === 0 ? null : { quantity: [BigInt(inside.length), 1n], missing: 0n }
}

type Unique = Measure & { kind: 'unique' }

function unique({ field, membership }: Unique, events: readonly KnownEvent[], span: Span, pick: Pick): Measured | null {
  if (membership === null) {
    const inside = events.filter((event) => event.time >= span.from && event.time < span.to && pick(event))
    const keys = inside.flatMap((event) => keyOf(event, field) ?? [])
    if (inside.length === 0) return null
    return { quantity: [BigInt(new Set(keys).size), 1n], missing: BigInt(inside.length - keys.length) }
  }
  const end = Math.min(span.to, span.until)
  if (end <= span.from) return null
  const last = new Map<string, KnownEvent>()
  let missing = 0n
  for (const event of inOrder(events)) {
    const [key, operation] = [keyOf(event, field), keyOf(event, membership.field)]
    if (operation === null || event.time >= end) continue
    if (!membership.add.includes(operation) && !membership.remove.includes(operation)) continue
    if (key === null && event.time >= span.from && pick(event)) missing += 1n
    if (key === null || (!membership.carried && event.time < span.from)) continue
    last.set(key, event)
  }
  const present = [...last.values()].filter(
    (event) => membership.add.includes(keyOf(event, membership.field) ?? '') && pick(event),
  )
  if (present.length === 0 && missing === 0n) return null
  return { quantity: [BigInt(present.length), 1n], missing }
}

/** A level lasts from its event to the next one of its key. */
function level(
  measure: Measure & { kind: 'level' },
  events: readonly KnownEvent[],
  span: Span,
  pick: Pick,
): Measured | null {
  const end = Math.min(span.to, span.until)
  const without = events.filter(
    (event) => valueOf(event, measure.value) === null && event.time >= span.from && event.time < end && pick(event),
  )
  const known = events.filter((event) => valueOf(event, measure.value) !== null)
  // What is picked has changes of its own; what is set is set, whoever set it before.
  const relevant = measure.mode === 'change' ? known.filter(pick) : known
  let [area, pieces] = [0n, without.length]
  for (const ofKey of Map.groupBy(inOrder(relevant), (event) => keyOf(event, measure.field) ?? '').values()) {
    let current = 0n
    for (const [index, event] of ofKey.entries()) {
      const value = valueOf(event, measure.value) ?? 0n
      current = measure.mode === 'set' ? value : current + value
      const [begin, stop] = [Math.max(event.time, span.from), Math.min(ofKey[index + 1]?.time ?? Infinity, end)]
      if (!pick(event) || stop <= begin) continue
      area += current * BigInt(stop - begin)
      pieces += 1
    }
  }
  if (pieces === 0) return null
  const unit = measure.per === 'window' ? BigInt(span.to - span.from) : units[measure.per]
  return { quantity: [area, scale * unit], missing: BigInt(without.length) }
}

/** Of all intervals of the span, those without traffic too, the one after the highest `dropped` ten-thousandths. */
function percentile(
  measure: Measure & { kind: 'percentile' },
  events: readonly KnownEvent[],
  { from, to, until }: Span,
  pick: Pick,
): Measured | null {
  const end = Math.min(to, until)
  const inside = events.filter((event) => event.time >= from && event.time < end && pick(event))
  if (inside.length === 0) return null
  const length = measure.intervalSeconds * 1_000_000
  const samples: { in: bigint; out: bigint }[] = []
  for (let start = from; start < end; start += length) samples.push({ in: 0n, out: 0n })
  let missing = 0n
  for (const event of inside) {
    const [inward, outward] = [valueOf(event, measure.inward), valueOf(event, measure.outward)]
    const used = { in: [inward], out: [outward], higher: [inward, outward], sum: [inward, outward] }[measure.direction]
    if (used.includes(null)) missing += 1n
    const sample = samples[Math.floor((event.time - from) / length)]
    if (sample === undefined) throw new Error('every event lies in an interval')
    sample.in += inward ?? 0n
    sample.out += outward ?? 0n
  }
  const dropped = Math.floor((samples.length * measure.dropped) / 10_000)
  const nth = (of: (sample: { in: bigint; out: bigint }) => bigint): bigint =>
    samples.map(of).toSorted((a, b) => (a > b ? -1 : 1))[dropped] ?? 0n
  const higher = (a: bigint, b: bigint): bigint => (a > b ? a : b)
  const [inward, outward] = [nth((sample) => sample.in), nth((sample) => sample.out)]
  const found = {
    in: inward,
    out: outward,
    higher: measure.combine === 'after' ? higher(inward, outward) : nth((sample) => higher(sample.in, sample.out)),
    sum: measure.combine === 'after' ? inward + outward : nth((sample) => sample.in + sample.out),
  }[measure.direction]
  return { quantity: [found * BigInt(measure.factor), scale * BigInt(measure.intervalSeconds)], missing }
}

/**
 * What a measure comes to over the counted events of one account, in a span of time, of the groups that `pick` says.
 * Null: there is nothing of them, so there is no row.
 */
export function measured(
  measure: Measure,
  events: readonly KnownEvent[],
  span: Span,
  pick: Pick = () => true,
): Measured | null {
  switch (measure.kind) {
    case 'active_hours':
      return activeHours(measure.field, events, span, pick)
    case 'unique':
      return unique(measure, events, span, pick)
    case 'level':
      return level(measure, events, span, pick)
    case 'percentile':
      return percentile(measure, events, span, pick)
    case 'peak':
      throw new Error('sessions have an oracle of their own')
    default:
      return plain(
        measure,
        events.filter((event) => event.time >= span.from && event.time < span.to && pick(event)),
      )
  }
}

const clocks = new Map<string, Intl.DateTimeFormat>()

/** What a clock on the wall shows, of a window's size: another text is another window. */
function shown(at: number, zone: string, size: string): string {
  const clock =
    clocks.get(zone) ??
    new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      timeZoneName: 'longOffset',
    })
  clocks.set(zone, clock)
  const parts = Object.fromEntries(clock.formatToParts(at / 1000).map(({ type, value }) => [type, value]))
  const month = `${parts['year']}-${parts['month']}`
  if (size === 'month') return month
  if (size === 'day') return `${month}-${parts['day']}`
  // An hour that is shown twice, before and after the clock goes back, is two windows.
  return `${month}-${parts['day']} ${parts['hour']} ${parts['timeZoneName']}`
}

/** Starts of windows, by looking at the clock every quarter of an hour: no zone's clock changes in between. */
export function windowsByClock(period: { from: number; to: number }, size: string | null, zone: string): number[] {
  const starts = [period.from]
  if (size === null) return starts
  const step = hour / 4
  let before = shown(period.from, zone, size)
  for (let at = Math.floor(period.from / step) * step + step; at < period.to; at += step) {
    const now = shown(at, zone, size)
    if (now !== before) starts.push(at)
    before = now
  }
  return starts
}
