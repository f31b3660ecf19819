import { cyclePeriod } from '../../src/core/cycle.ts'
import type { Cycle } from '../../src/core/cycle.ts'
import { compare, divide, exact, formatScaled, multiply, roundToInteger, subtract, zero } from '../../src/core/exact.ts'
import type { Exact } from '../../src/core/exact.ts'
import { calendarMonth, dayMicros, hourMicros, secondMicros, windowStarts, zonedOf } from '../../src/core/time.ts'
import type { Micros, Period, WindowSize } from '../../src/core/time.ts'
import type { LevelMeasure, Membership } from '../../src/store/measure/measure.ts'
import { instant } from './aggregation-stage.ts'
import type { Stage, StageEvent } from './aggregation-stage.ts'

/** Cases of other systems, each in our words. What is compared is what their case expects, rounded as it rounds. */
export type Json = Readonly<Record<string, any>> // oxlint-disable-line typescript/no-explicit-any -- five foreign formats
export interface ForeignCase {
  readonly id: string
  readonly kind: string
  readonly input: Json
  readonly expected: Json
}
export interface Outcome {
  readonly actual: unknown
  readonly expected: unknown
}
type Play = (foreign: ForeignCase, stage: Stage) => Promise<Outcome> | Outcome

/** `12.50` and `12.5` are the same number. */
function plain(decimal: unknown): string {
  const text = String(decimal)
  return text.includes('.') ? text.replace(/0+$/, '').replace(/\.$/, '') : text
}

function rounded(value: Exact | null, digits: number): string {
  return plain(formatScaled(roundToInteger(value ?? zero, digits), digits))
}

const whole = (value: unknown): Exact => exact(String(value))
const quantity = { kind: 'field', field: 'quantity' } as const

function periodOf(input: Json): Period {
  return { from: instant(input['period_start_inclusive']), to: instant(input['period_end_exclusive']) }
}

const valued = (event: Json): StageEvent => ({ time: event['timestamp'], quantity: event['value'], ...named(event) })
const named = (event: Json): object => (event['id'] === undefined ? {} : { id: event['id'] })

/** A level that was there before the period: a change long before it. */
function levelEvents(input: Json): StageEvent[] {
  const initial = { time: '2020-01-01T00:00:00Z', quantity: input['initial_value'] }
  return [...(input['initial_value'] === '0' ? [] : [initial]), ...input['events'].map(valued)]
}

const change = (per: LevelMeasure['per']): LevelMeasure => {
  return { kind: 'level', value: quantity, mode: 'change', field: null, per }
}

const weightedSum: Play = async ({ input, expected }, stage) => {
  const account = await stage.play(levelEvents(input))
  const { total } = await stage.ask(account, { measure: change('window'), period: periodOf(input) })
  return { actual: rounded(total, 5), expected: plain(expected['value_rounded_5']) }
}

/** Each segment as a period of its own: its level, and what it adds to the average over the whole period. */
const weightedSegments: Play = async ({ input, expected }, stage) => {
  const account = await stage.play(levelEvents(input))
  const period = periodOf(input)
  const seconds = whole((period.to - period.from) / secondMicros)
  const segments: Json[] = expected['segments']
  const actual: unknown[] = []
  for (const segment of segments) {
    const from = instant(segment['from'])
    const part = { from, to: (from + segment['duration_seconds'] * secondMicros) as Micros }
    const level = await stage.ask(account, { measure: change('window'), period: part })
    const area = await stage.ask(account, { measure: change('second'), period: part })
    const contribution = divide(area.total ?? zero, seconds)
    const off = subtract(contribution, whole(segment['contribution_within_0.00001']))
    const isNear = compare(multiply(off, off), multiply(whole('0.00001'), whole('0.00001'))) <= 0
    actual.push([rounded(level.total, 18), isNear])
  }
  return { actual, expected: segments.map((segment) => [segment['level'], true]) }
}

/** Values without times are sent second by second. */
function listed(values: readonly string[], from: Micros): StageEvent[] {
  return values.map((value, index) => ({
    time: new Date((from + index * secondMicros) / 1_000).toISOString(),
    quantity: value,
  }))
}
const someMonth = { from: instant('2023-03-01'), to: instant('2023-04-01') }

async function valueAndCount(stage: Stage, events: readonly StageEvent[], kind: 'sum' | 'latest', period = someMonth) {
  const account = await stage.play(events)
  const value = await stage.ask(account, { measure: { kind, value: quantity }, period })
  const count = await stage.ask(account, { measure: { kind: 'count' }, period })
  return { value: rounded(value.total, 18), count: Number(rounded(count.total, 0)) }
}

const only = (expected: Json, actual: Json): Outcome => ({
  actual: Object.fromEntries(Object.keys(expected).map((name) => [name, actual[name]])),
  expected,
})

const latest: Play = async ({ input, expected }, stage) => {
  const times: string[] | undefined = input['values_in_time_order']
  const events = times === undefined ? input['events'].map(valued) : listed(times, someMonth.from)
  const period = times === undefined ? periodOf(input) : someMonth
  return only(expected, await valueAndCount(stage, events, 'latest', period))
}

const plainSum: Play = async ({ input, expected }, stage) => {
  const before = listed(input['values_before_period'] ?? [], instant('2023-02-01'))
  const inside = listed(input['values_in_period'], someMonth.from)
  return only(expected, await valueAndCount(stage, [...before, ...inside], 'sum'))
}

/** A value for the days that are left of the period is a level that begins with it, in days. */
const prorated: Play = async ({ input, expected }, stage) => {
  const events: Json[] = input['events']
  const account = await stage.play(
    events.map((event, index) => ({ ...valued(event), attributes: { member: String(index) } })),
  )
  const measure: LevelMeasure = { ...change('day'), mode: 'set', field: 'attributes.member' }
  const period = periodOf(input)
  const days = whole(input['period_days'])
  const level = await stage.ask(account, { measure, period, groupBy: ['attributes.member'] })
  const full = await stage.ask(account, { measure: { kind: 'sum', value: quantity }, period })
  const values = level.rows.map(({ quantity: value }) => rounded(divide(value ?? zero, days), 3))
  return only(expected, {
    values_rounded_3: values,
    value_rounded_5: rounded(divide(level.total ?? zero, days), 5),
    full_value: rounded(full.total, 18),
  })
}

/** What recurs is counted from its beginning on. */
const countRecurring: Play = async ({ input, expected }, stage) => {
  const account = await stage.play([...input['events_before_period'], ...input['events']].map(valued))
  const period = { ...periodOf(input), from: instant('2020-01-01') }
  const { total } = await stage.ask(account, { measure: { kind: 'count' }, period })
  return { actual: Number(rounded(total, 0)), expected: expected['count'] }
}

const uniqueCount: Play = async ({ input, expected }, stage) => {
  const events: Json[] = input['events']
  const account = await stage.play(
    events.map(({ timestamp, value, operation }) => ({ time: timestamp, attributes: { member: value, operation } })),
  )
  const carried = input['recurring'] === true
  const membership: Membership = { field: 'attributes.operation', add: ['add'], remove: ['remove'], carried }
  const measure = { kind: 'unique', field: 'attributes.member', membership } as const
  const { total } = await stage.ask(account, { measure, period: periodOf(input) })
  return { actual: rounded(total, 0), expected: expected['value'] }
}

const sum = { kind: 'sum', value: quantity } as const

const windowedTimezone: Play = async ({ input, expected }, stage) => {
  const { timezone } = input
  const utc = (local: string): string =>
    Temporal.PlainDateTime.from(local).toZonedDateTime(timezone).toInstant().toString()
  const account = await stage.play(
    input['events'].map((event: Json) => ({ time: utc(event['local_time']), quantity: event['value'] })),
  )
  const period = { from: instant(utc(input['from_local'])), to: instant(utc(input['to_local'])) }
  const { rows } = await stage.ask(account, { measure: sum, period, window: 'day', zone: timezone })
  const text = (at: Micros): string => new Date(at / 1_000).toISOString().replace('.000Z', 'Z')
  const windows = rows.map((row) => ({ start: text(row.from), end: text(row.to), value: rounded(row.quantity, 18) }))
  return { actual: windows, expected: expected['windows'] }
}

/** Theirs are the windows that have something. */
const windowedSum: Play = async ({ input, expected }, stage) => {
  const start = instant('2025-01-01')
  const times = [0, 60 * secondMicros, hourMicros, dayMicros].map((after) => start + after)
  const events = Array.from({ length: 5 }, () => times)
    .flat()
    .map((time) => ({ time: new Date(time / 1_000).toISOString(), quantity: '100' }))
  const account = await stage.play(events)
  const values: string[] = []
  for (const from of [start, start + dayMicros]) {
    const period = { from: from as Micros, to: (from + dayMicros) as Micros }
    const window = input['window'].toLowerCase() as WindowSize
    const { rows } = await stage.ask(account, { measure: sum, period, window })
    values.push(...rows.map((row) => rounded(row.quantity, 18)).filter((value) => value !== '0'))
  }
  return { actual: values, expected: expected['values_in_window_order'] }
}

const rollUp: Play = async ({ input, expected }, stage) => {
  const account = await stage.play(
    input['records'].map(({ unit, date, amount }: Json) => ({
      time: `${date}T00:00:00Z`,
      quantity: amount,
      attributes: { unit },
    })),
  )
  const period = { from: instant('2015-03-01'), to: instant('2015-06-01') }
  const asked = { measure: sum, period, window: 'month', groupBy: ['attributes.unit'] } as const
  const { rows } = await stage.ask(account, asked)
  const months = (['2015-03-01', '2015-04-01', '2015-05-01'] as const).map(instant)
  const of = (unit: string): string[] =>
    months.map((from) => {
      const row = rows.find((one) => one.from === from && one.group['attributes.unit'] === unit)
      return rounded(row?.quantity ?? null, 18)
    })
  return { actual: Object.fromEntries(Object.keys(expected).map((unit) => [unit, of(unit)])), expected }
}

const text = (at: Micros): string => new Date(at / 1_000).toISOString()
const sameInstant = (actual: Micros, expected: string): Outcome => ({
  actual: text(actual),
  expected: text(instant(expected)),
})

/** The start of the window that contains an instant. */
function floor(at: Micros, size: WindowSize, zone: string): Micros {
  const starts = windowStarts({ from: (at - 40 * dayMicros) as Micros, to: (at + 1) as Micros }, size, zone, 1_000)
  if (!starts.ok) throw new Error(starts.error)
  return starts.value.at(-1) ?? at
}

const floored =
  (size: WindowSize): Play =>
  ({ input, expected }) =>
    sameInstant(floor(instant(input['in']), size, input['tz'] === '' ? 'UTC' : input['tz']), expected['want'])

/** Their first window begins before the period, ours with it. */
const starts: Play = ({ input, expected }) => {
  const period = { from: instant(input['from']), to: instant(input['to_exclusive']) }
  const cut = (at: Micros): string => text(Math.max(at, period.from) as Micros)
  const wanted = expected['starts'].map((start: string) => cut(instant(start)))
  if (input['window'] !== 'month') {
    const found = windowStarts(period, input['window'], 'UTC', 100)
    return { actual: found.ok ? found.value.map(text) : found.error, expected: wanted }
  }
  const cycle: Cycle = { anchor: instant(input['anchor'] ?? input['from']), unit: 'months', count: 1, zone: 'UTC' }
  const found: string[] = []
  for (let at = cyclePeriod(period.from, cycle); at.from < period.to; at = cyclePeriod(at.to, cycle))
    found.push(cut(at.from))
  return { actual: found, expected: wanted }
}

/** A part of each day is a period of the day, or two around midnight: an event at that time is counted, or not. */
const timeOfDay: Play = async ({ input, expected }, stage) => {
  const moment = (clock: string): Micros => {
    const [hours, minutes] = clock.split(':')
    return (instant('2024-01-10') + (Number(hours) * 60 + Number(minutes)) * 60 * secondMicros) as Micros
  }
  const account = await stage.play([{ time: text(moment(input['time'])) }])
  const [from, to] = [moment(input['start_inclusive']), moment(input['end_exclusive'])]
  const around = [
    { from: moment('00:00'), to },
    { from, to: moment('24:00') },
  ]
  let count = 0
  for (const period of (from <= to ? [{ from, to }] : around).filter((part) => part.from < part.to)) {
    const { total } = await stage.ask(account, { measure: { kind: 'count' }, period })
    count += Number(rounded(total, 0))
  }
  return { actual: count === 1, expected: expected['inside'] }
}

const flexpriceUnits: Readonly<Record<string, Pick<Cycle, 'unit' | 'count'>>> = {
  billing_period_weekly: { unit: 'weeks', count: 1 },
  billing_period_monthly: { unit: 'months', count: 1 },
  billing_period_quarter: { unit: 'months', count: 3 },
  billing_period_annual: { unit: 'years', count: 1 },
}

function flexpriceCycle(input: Json, count: string, period: string): Cycle {
  const { unit, count: times } = flexpriceUnits[period] ?? { unit: 'days', count: 1 }
  const zone = input['timezone'] || 'UTC'
  return { anchor: instant(input['anchor']), unit, count: times * Number(count), zone }
}

const periodOfEvent: Play = ({ input, expected }) => {
  const found = cyclePeriod(instant(input['eventTimestamp']), flexpriceCycle(input, input['unit'], input['period']))
  return sameInstant(found.from, expected['period_start'])
}

/** An anchor at the first of a month is the calendar; the first period begins with the subscription. */
const findPeriod: Play = ({ input, expected }) => {
  const [target, known] = [instant(input['target']), instant(input['knownStart'])]
  const cycle = flexpriceCycle(input, input['periodCount'], input['billingPeriod'])
  const isCalendar = zonedOf(cycle.anchor, cycle.zone).day === 1
  const found = isCalendar ? calendarMonth(target, cycle.zone) : cyclePeriod(target, cycle)
  const from = target < instant(input['knownEnd']) ? Math.max(found.from, known) : found.from
  return {
    actual: [text(from as Micros), text(found.to)],
    expected: [text(instant(expected['wantStart'])), text(instant(expected['wantEnd']))],
  }
}

const meteroidUnits: Readonly<Record<string, Pick<Cycle, 'unit' | 'count'>>> = {
  monthly: { unit: 'months', count: 1 },
  quarterly: { unit: 'months', count: 3 },
  annual: { unit: 'years', count: 1 },
}

/** What lies before the beginning is asked for at the beginning. */
const findDate: Play = ({ input, expected }) => {
  const begin = instant(input['billing_start'])
  const day = zonedOf(begin, 'UTC').with({ day: input['billing_day'] })
  const anchor = Number(day.epochNanoseconds / 1_000n) as Micros
  const cycle: Cycle = { anchor, zone: 'UTC', ...(meteroidUnits[input['interval']] ?? { unit: 'days', count: 1 }) }
  const found = cyclePeriod(Math.max(begin, instant(input['target'])) as Micros, cycle)
  return {
    actual: [text(found.from), text(found.to)],
    expected: [expected['period_start'], expected['period_end_exclusive']].map((date) => text(instant(date))),
  }
}

export const times: Readonly<Record<string, Play>> = {
  floor_hour_timezone: floored('hour'),
  floor_day_timezone: floored('day'),
  floor_week_timezone: floored('week'),
  window_starts: starts,
  time_of_day_bucket: timeOfDay,
  period_of_event: periodOfEvent,
  find_period_timezone: findPeriod,
  find_period_containing_date: findDate,
}

export const sums: Readonly<Record<string, Play>> = {
  weighted_sum: weightedSum,
  weighted_sum_segments: weightedSegments,
  latest,
  sum: plainSum,
  prorated_values: prorated,
  prorated_sum: prorated,
  count_recurring: countRecurring,
  unique_count: uniqueCount,
  unique_count_recurring: uniqueCount,
  windowed_sum: windowedSum,
  windowed_sum_timezone: windowedTimezone,
  roll_up_by_period: rollUp,
}
