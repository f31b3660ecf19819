import type { Problem } from '../../core/errors.ts'
import { one } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import type { Currency } from '../../core/money.ts'
import { fail, ok } from '../../core/result.ts'
import type { Result } from '../../core/result.ts'
import { formatInstant, isTimeZone } from '../../core/time.ts'
import type { Micros, Period } from '../../core/time.ts'
import { checkOverLines } from '../over-lines-check.ts'
import {
  at,
  complain,
  documentOf,
  expectFields,
  isAbsent,
  isFull,
  readDecimal,
  readEach,
  readFlag,
  readList,
} from '../place.ts'
import type { Place } from '../place.ts'
import { pricesMax, readCurrency } from '../plan.ts'
import { isOverLines } from '../price-model.ts'
import type { PriceKey } from '../price-key.ts'
import { readPrice } from '../price.ts'
import type { Price } from '../price.ts'
import { readPricingUnits } from '../pricing-unit.ts'
import type { PricingUnit } from '../pricing-unit.ts'
import { shareOf } from '../rate/proration.ts'
import { charactersOf, limits as boundLimits } from './rate-bound.ts'
import type { PricedPart } from '../rate/rate-lines.ts'
import { quantityFields, readPeriod, readUsage } from './rate-quantity.ts'
import { readProgressive } from './rate-progressive.ts'
import type { ProgressiveInput } from './rate-progressive.ts'
import { readTotals, totalsFields } from './rate-totals.ts'
import type { TotalsInput } from '../rate/totals.ts'

/** A question to POST /v1/rate: what would this cost? No state is touched. */
export interface RateRequest {
  readonly currency: Currency
  /** Null where the request names none: then each price holds in all of it. */
  readonly period: Period | null
  readonly parts: readonly PricedPart[]
  /** Null where neither discounts, credits nor taxes are asked for. */
  readonly totals: TotalsInput | null
  /** Null where the period is billed once. */
  readonly progressive: ProgressiveInput | null
}

/** What says how much of a price was used, and when. */
const lineFields = ['price', ...quantityFields, 'count', 'part', 'additive'] as const
const requestFields = [
  'currency',
  ...lineFields,
  'prices',
  'period',
  'timezone',
  'pricing_units',
  'progressive',
  ...totalsFields,
] as const

interface RequestContext {
  readonly period: Period | null
  readonly zone: string
  readonly units: readonly PricingUnit[]
}

const noPeriod: Period = { from: 0 as Micros, to: 1 as Micros }

function readZone(place: Place): string {
  const { value } = place
  if (typeof value === 'string' && isTimeZone(value)) return value
  if (!isAbsent(place)) complain(place, 'is an IANA time zone such as "Europe/Berlin"')
  return 'UTC'
}

/** The part of the period in which a price held. */
function readPart(place: Place, period: Period | null): Period | null {
  if (isAbsent(place)) return period
  const part = readPeriod(place)
  if (period === null) {
    complain(place, 'needs the "period" that it is a part of')
    return null
  }
  if (part.from >= part.to) return period
  if (part.from >= period.from && part.to <= period.to) return part
  complain(place, `lies inside the period, ${formatInstant(period.from)} to ${formatInstant(period.to)}`)
  return period
}

function readCount(place: Place, price: Price): Exact {
  if (isAbsent(place)) return one
  if (price.model.kind !== 'flat') complain(place, 'is how many of a flat fee; what is metered has a quantity')
  return readDecimal(place, { decimalsMax: 18 })
}

function readAdditive(place: Place): boolean {
  return isAbsent(place) || readFlag(place)
}

interface Line {
  readonly place: Place
  readonly price: Price
}

function readLine({ place, price }: Line, { period, zone }: RequestContext): PricedPart {
  const bounds = readPart(at(place, 'part'), period)
  const additive = readAdditive(at(place, 'additive'))
  return {
    price,
    part: bounds ?? noPeriod,
    share: period === null || bounds === null || period.from >= period.to ? one : shareOf(bounds, period),
    additive,
    count: readCount(at(place, 'count'), price),
    usage: readUsage(place, price, { bounds, zone, additive }),
  }
}

function readSingle(place: Place, context: RequestContext): readonly PricedPart[] {
  const price = readPrice(at(place, 'price'), 'rated alone', context.units)
  if (isOverLines(price.model))
    complain(at(at(at(place, 'price'), 'model'), 'kind'), 'is over other lines; write "prices", with those lines in it')
  return [readLine({ place, price }, context)]
}

/** A price without a key gets one from its place in the list. */
function readKeyed(place: Place, index: number, units: readonly PricingUnit[]): Line {
  const price = readPrice(at(place, 'price'), 'rated alone', units)
  const isNamed = !isAbsent(at(at(place, 'price'), 'key'))
  return { place, price: isNamed ? price : { ...price, key: `price_${index + 1}` as PriceKey } }
}

/** One key is one price; it may stand there twice only for parts of the period that lie apart. */
function checkKeys(lines: readonly Line[], parts: readonly PricedPart[]): void {
  lines.forEach(({ place, price: { key } }, index) => {
    const { part } = parts[index] ?? { part: noPeriod }
    const first = parts.findIndex((other, before) => {
      // A period that ends before it begins was refused; nothing lies apart in it.
      const isApart = part.from < part.to && (other.part.to <= part.from || part.to <= other.part.from)
      return before < index && other.price.key === key && !isApart
    })
    if (first >= 0 && key !== '')
      complain(at(at(place, 'price'), 'key'), `is already the key of price ${first}, in a part that overlaps this one`)
  })
}

function readSeveral(place: Place, context: RequestContext): readonly PricedPart[] {
  for (const name of lineFields)
    if (!isAbsent(at(place, name))) complain(at(place, name), 'stands in each item of "prices"')
  const lines = readEach(readList(at(place, 'prices'), pricesMax), (item, index) => {
    expectFields(item, lineFields)
    return readKeyed(item, index, context.units)
  })
  const parts: PricedPart[] = []
  for (const line of lines) {
    if (isFull(line.place.problems)) break
    parts.push(readLine(line, context))
  }
  checkKeys(lines, parts)
  checkOverLines(
    lines.map((line) => at(line.place, 'price')),
    lines.map(({ price }) => price),
  )
  return parts
}

/** Reads the body of POST /v1/rate; all problems at once. */
export function parseRateRequest(body: unknown): Result<RateRequest, readonly Problem[]> {
  const place = documentOf(body)
  if (!expectFields(place, requestFields)) return fail(place.problems)
  const currency = readCurrency(at(place, 'currency'))
  const span = at(place, 'period')
  const context: RequestContext = {
    period: isAbsent(span) ? null : readPeriod(span),
    zone: readZone(at(place, 'timezone')),
    units: readPricingUnits(at(place, 'pricing_units')),
  }
  const parts = isAbsent(at(place, 'prices')) ? readSingle(place, context) : readSeveral(place, context)
  // What cannot be read is answered with its problems, and not with how long it would be.
  const characters = place.problems.length === 0 ? charactersOf(parts) : 0
  if (characters > boundLimits.charactersMax)
    complain(
      place,
      `has steps of about ${characters} characters to explain, at most ${boundLimits.charactersMax}; ` +
        'ask for fewer windows, groups or prices at once, or for numbers of fewer digits',
    )
  const totals = readTotals(place, { currency, keys: parts.map(({ price }) => price.key) })
  const { period } = context
  const progressive = readProgressive(at(place, 'progressive'), { currency, period })
  if (progressive !== null && totals !== null)
    complain(at(place, 'progressive'), 'stands without discounts, credits and taxes: a run bills lines')
  return place.problems.length > 0 ? fail(place.problems) : ok({ currency, period, parts, totals, progressive })
}
