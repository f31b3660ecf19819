import { exact, formatExact, sum } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import type { Problem } from '../core/errors.ts'
import { formatMinor } from '../core/money.ts'
import type { Currency } from '../core/money.ts'
import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { isTimeZone } from '../core/time.ts'
import { rateLine, wholePeriod } from './line.ts'
import type { RatedLine } from './line.ts'
import { at, complain, documentOf, expectFields, isAbsent, readDecimal, readInstant, readList } from './place.ts'
import type { Place } from './place.ts'
import { readCurrency } from './plan.ts'
import { readPrice } from './price.ts'
import type { Price } from './price.ts'
import { usageOf } from './slice.ts'
import type { TraceStep } from './trace.ts'

/** A question to POST /v1/rate: what would this quantity cost at this price? No state is touched. */
export interface RateRequest {
  readonly currency: Currency
  readonly price: Price
  /** In the meter's unit. */
  readonly quantity: Exact
}

export interface RateAnswer {
  readonly lines: readonly RateLineJson[]
  readonly total: string
  readonly trace: readonly TraceStep[]
}

export interface RateLineJson {
  readonly description: string
  readonly quantity: string
  readonly billable_quantity: string
  readonly unit: string
  readonly unit_amount: string | null
  readonly exact_amount: string
  readonly amount: string
}

export const limits = { windowsMax: 10_000 } as const

const quantityRule = { decimalsMax: 18 } as const

function readWindow(place: Place): Exact {
  expectFields(place, ['from', 'to', 'quantity'])
  const [from, to] = [readInstant(at(place, 'from')), readInstant(at(place, 'to'))]
  if (from >= to) complain(at(place, 'to'), 'is later than "from"')
  return readDecimal(at(place, 'quantity'), quantityRule)
}

/** One quantity, or windows that add up to it: these models price the period's total, however it was spread. */
function readQuantity(place: Place, price: Price): Exact {
  const [quantity, windows] = [at(place, 'quantity'), at(place, 'windows')]
  if (!isAbsent(quantity) && !isAbsent(windows)) complain(quantity, 'or "windows", not both')
  if (!isAbsent(windows)) return sum(readList(windows, limits.windowsMax).map(readWindow))
  if (isAbsent(quantity) && price.model.kind === 'flat') return exact(1n)
  return readDecimal(quantity, quantityRule)
}

/** Checked although these models do not use it: a period that is wrong must not look as if it was understood. */
function checkPeriod(place: Place): void {
  const [period, zone] = [at(place, 'period'), at(place, 'timezone')]
  if (!isAbsent(period) && expectFields(period, ['from', 'to'])) {
    if (readInstant(at(period, 'from')) >= readInstant(at(period, 'to')))
      complain(at(period, 'to'), 'is later than "from"')
  }
  if (!isAbsent(zone) && !(typeof zone.value === 'string' && isTimeZone(zone.value)))
    complain(zone, 'is an IANA time zone such as "Europe/Berlin"')
}

/** Reads the body of POST /v1/rate; all problems at once. */
export function parseRateRequest(body: unknown): Result<RateRequest, readonly Problem[]> {
  const place = documentOf(body)
  if (!expectFields(place, ['currency', 'price', 'quantity', 'windows', 'period', 'timezone']))
    return fail(place.problems)
  const currency = readCurrency(at(place, 'currency'))
  const price = readPrice(at(place, 'price'), 'rated alone')
  const quantity = readQuantity(place, price)
  checkPeriod(place)
  return place.problems.length > 0 ? fail(place.problems) : ok({ currency, price, quantity })
}

function lineJson(line: RatedLine, currency: Currency): RateLineJson {
  return {
    description: line.description,
    quantity: formatExact(line.quantity),
    billable_quantity: formatExact(line.billableQuantity),
    unit: line.unit,
    unit_amount: line.unitAmount === null ? null : formatExact(line.unitAmount),
    exact_amount: formatExact(line.exactAmount),
    amount: formatMinor(line.amount, currency),
  }
}

/** The answer of POST /v1/rate (DESIGN §11). Pure. */
export function rate({ price, quantity, currency }: RateRequest): RateAnswer {
  const line = rateLine(price, usageOf(quantity), wholePeriod(currency))
  return { lines: [lineJson(line, currency)], total: formatMinor(line.amount, currency), trace: line.trace }
}
