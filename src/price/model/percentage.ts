import {
  add,
  compare,
  divide,
  exact,
  formatExact,
  hundred,
  isZero,
  larger,
  multiply,
  smaller,
  subtract,
  sum,
  zero,
} from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { assert } from '../../core/result.ts'
import { at, complain, expectFields, isAbsent, readAmount, readCount, readPercent } from '../place.ts'
import type { Place } from '../place.ts'
import { moneyWords, numberWords, quantityWords } from '../rate/number-words.ts'
import { operand, sumFormula, traceStep } from '../rate/trace.ts'
import type { Trace, TraceStep } from '../rate/trace.ts'
import type { Charge, Charged } from './charge.ts'

/**
 * A percentage of the quantity (of payments that were processed, say). What is said of single events needs their
 * values: an amount for each paid event, the first events free, and bounds of what one event costs.
 */
export interface Percentage {
  readonly kind: 'percentage'
  readonly percent: Exact
  readonly eventAmount: Exact | null
  /** So many events of the period, in the order in which they came, cost nothing. */
  readonly freeEvents: number
  readonly minimumEach: Exact | null
  readonly maximumEach: Exact | null
}

const freeEventsMax = 1_000_000_000

const readOptional = (place: Place): Exact | null => (isAbsent(place) ? null : readAmount(place))

export function readPercentage(place: Place): Percentage {
  expectFields(place, ['kind', 'percent', 'event_amount', 'free_events', 'minimum_each', 'maximum_each'])
  const free = at(place, 'free_events')
  const [minimumEach, maximumEach] = [readOptional(at(place, 'minimum_each')), readOptional(at(place, 'maximum_each'))]
  if (minimumEach !== null && maximumEach !== null && compare(minimumEach, maximumEach) > 0)
    complain(at(place, 'minimum_each'), 'is not above "maximum_each"')
  return {
    kind: 'percentage',
    percent: readPercent(at(place, 'percent'), { wholeMax: false }),
    eventAmount: readOptional(at(place, 'event_amount')),
    freeEvents: isAbsent(free) ? 0 : readCount(free, { least: 0, most: freeEventsMax }),
    minimumEach,
    maximumEach,
  }
}

const optionalJson = (name: string, amount: Exact | null): object =>
  amount === null ? {} : { [name]: formatExact(amount) }

export function percentageJson(model: Percentage): object {
  return {
    kind: model.kind,
    percent: formatExact(model.percent),
    ...optionalJson('event_amount', model.eventAmount),
    ...(model.freeEvents === 0 ? {} : { free_events: model.freeEvents }),
    ...optionalJson('minimum_each', model.minimumEach),
    ...optionalJson('maximum_each', model.maximumEach),
  }
}

/** Whether the amount depends on more than the quantity. */
export function looksAtEvents({ eventAmount, freeEvents, minimumEach, maximumEach }: Percentage): boolean {
  return eventAmount !== null || freeEvents > 0 || minimumEach !== null || maximumEach !== null
}

/** An event's value and what of it is priced. */
interface Event {
  readonly number: number
  readonly value: Exact
  /** Without what the allowance took. */
  readonly left: Exact
  readonly free: 'first events' | 'included' | null
}

/**
 * What the allowance took off the quantity is taken from the first events. An event without a value takes nothing from
 * it, so it is paid: were it free because of what others used, one more event could make all of them cheaper.
 */
function eventsOf(values: readonly Exact[], quantity: Exact, { freeEvents }: Percentage): readonly Event[] {
  const taken = larger(subtract(sum(values), quantity), zero)
  let before = zero
  return values.map((value, index) => {
    const after = add(before, value)
    const left = smaller(value, larger(subtract(after, taken), zero))
    const isIncluded = isZero(left) && !isZero(value)
    before = after
    return {
      number: index + 1,
      value,
      left,
      free: index < freeEvents ? 'first events' : isIncluded ? 'included' : null,
    }
  })
}

function eventAmountOf(model: Percentage, { left, free }: Event): Exact {
  if (free !== null) return zero
  const share = divide(multiply(left, model.percent), hundred)
  const amount = add(share, model.eventAmount ?? zero)
  const most = model.maximumEach === null ? amount : smaller(amount, model.maximumEach)
  return model.minimumEach === null ? most : larger(most, model.minimumEach)
}

function paidFormula({ percent, eventAmount, minimumEach, maximumEach }: Percentage, left: Exact): string {
  const share = `${operand(left)} * ${operand(percent)} / 100`
  const amount = eventAmount === null ? share : `${share} + ${operand(eventAmount)}`
  const most = maximumEach === null ? amount : `min(${amount}, ${operand(maximumEach)})`
  return minimumEach === null ? most : `max(${most}, ${operand(minimumEach)})`
}

function paidWords(model: Percentage, left: Exact, { unit, money }: Charged): string {
  const { percent, eventAmount, minimumEach, maximumEach } = model
  const words = [
    `${numberWords(percent)} % of ${quantityWords(left, unit)}`,
    ...(eventAmount === null ? [] : [`and ${moneyWords(eventAmount, money)} for the event`]),
    ...(minimumEach === null ? [] : [`at least ${moneyWords(minimumEach, money)}`]),
    ...(maximumEach === null ? [] : [`at most ${moneyWords(maximumEach, money)}`]),
  ]
  return words.join(', ')
}

const freeWords: Readonly<Record<'first events' | 'included', (model: Percentage) => string>> = {
  'first events': ({ freeEvents }) =>
    freeEvents === 1
      ? 'free, as the first event is'
      : `free, as the first ${numberWords(exact(BigInt(freeEvents)))} events are`,
  included: () => 'free, all of it is included',
}

/** The value of the event, then what it costs. All events are in the trace, so their values are the quantity. */
function eventSteps(model: Percentage, event: Event, charged: Charged): readonly TraceStep[] {
  const { number, value, left, free } = event
  const { unit, money } = charged
  const taken = subtract(value, left)
  const isWhole = isZero(taken)
  const valueFormula = isWhole ? formatExact(value) : `${operand(value)} - ${operand(taken)}`
  const valueAbout = `event ${number}: ${quantityWords(value, unit)}${isWhole ? '' : ` less ${quantityWords(taken, unit)} included`}`
  const formula = free === null ? paidFormula(model, left) : `${operand(left)} * 0`
  const about = free === null ? paidWords(model, left, charged) : freeWords[free](model)
  return [
    traceStep({ step: 'part', about: valueAbout, formula: valueFormula, unit }, left),
    traceStep({ step: 'price', about, formula, unit: money }, eventAmountOf(model, event)),
  ]
}

function chargeEvents(model: Percentage, charged: Charged, trace: Trace): Charge {
  assert(charged.values !== null, 'a price that looks at single events is rated with their values')
  const events = eventsOf(charged.values, charged.quantity, model)
  const amounts = events.map((event) => eventAmountOf(model, event))
  const amount = sum(amounts)
  const parts = trace === null ? [] : events.map((event) => eventSteps(model, event, charged))
  const about = events.length === 0 ? 'no events' : 'all events together'
  trace?.push(traceStep({ step: 'price', about, formula: sumFormula(amounts), unit: charged.money, parts }, amount))
  return { amount, unitAmount: null }
}

export function chargePercentage(model: Percentage, charged: Charged, trace: Trace): Charge {
  if (looksAtEvents(model)) return chargeEvents(model, charged, trace)
  const { quantity, unit, money } = charged
  const unitAmount = divide(model.percent, hundred)
  const amount = multiply(quantity, unitAmount)
  if (trace !== null) {
    const about = `${numberWords(model.percent)} % of ${quantityWords(quantity, unit)}`
    const formula = `${operand(quantity)} * ${operand(model.percent)} / 100`
    trace.push(traceStep({ step: 'price', about, formula, unit: money }, amount))
  }
  return { amount, unitAmount }
}
