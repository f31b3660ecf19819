import type { Problem } from '../../core/errors.ts'
import { formatExact, isZero } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { currencyDigits, isCurrency } from '../../core/money.ts'
import type { Currency } from '../../core/money.ts'
import { fail, ok } from '../../core/result.ts'
import type { Result } from '../../core/result.ts'
import { formatInstant } from '../../core/time.ts'
import type { Discount } from '../rate/discount.ts'
import { readLines } from '../model/over-lines.ts'
import {
  at,
  complain,
  documentOf,
  expectFields,
  inMoney,
  isAbsent,
  readAmount,
  readCount,
  readInstant,
  readKey,
  readPercent,
  readText,
} from '../place.ts'
import type { Place } from '../place.ts'
import { readCurrencies, readVersion, withoutRepeats } from '../plan.ts'
import type { CouponKey, CouponVersion } from './price-book.ts'
import { sideBySide } from '../side-by-side.ts'

/** What a coupon says, before the catalogue gives it its version number. */
export type CouponTerms = Omit<CouponVersion, 'version'>

/** Terms as a person wrote them; `version` null asks for the next number. */
export interface CouponInput {
  readonly terms: CouponTerms
  readonly version: number | null
}

export const limits = { periodsMax: 1200 } as const

const fields = [
  'key',
  'version',
  'name',
  'currency',
  'currencies',
  'percent',
  'amount',
  'of',
  'periods',
  'effective_from',
] as const

const everyCurrency = Object.keys(currencyDigits).filter(isCurrency)

/** A coupon of nothing is a slip. What could not be read is zero as well, and has its problem already. */
function checkAboveZero(place: Place, value: Exact): void {
  const { path, problems } = place
  const isTold = problems.some(({ field }) => field === path || field?.startsWith(`${path}.`) === true)
  if (isZero(value) && !isTold) complain(place, 'is above zero')
}

/** A percentage is the same in every currency, so it is given in all of them. */
function percentOff(place: Place, name: string): ReadonlyMap<Currency, Discount> {
  for (const field of ['currency', 'currencies'])
    if (!isAbsent(at(place, field)))
      complain(at(place, field), 'is left out of a coupon of a percentage: it holds in all')
  const percent = readPercent(at(place, 'percent'), { wholeMax: true })
  checkAboveZero(at(place, 'percent'), percent)
  return new Map(everyCurrency.map((currency) => [currency, { kind: 'percent', name, percent }]))
}

function amountOff(place: Place, name: string): ReadonlyMap<Currency, Discount> {
  const all = readCurrencies(place)
  return new Map(
    all.map((currency) => {
      const amount = readAmount(at(inMoney(place, { currency, all }), 'amount'))
      checkAboveZero(at(place, 'amount'), amount)
      return [currency, { kind: 'fixed', name, amount }]
    }),
  )
}

function readDiscounts(place: Place, name: string): ReadonlyMap<Currency, Discount> {
  const [percent, amount] = [at(place, 'percent'), at(place, 'amount')]
  if (isAbsent(percent) === isAbsent(amount)) {
    complain(place, 'has a "percent" or an "amount", one of them')
    return new Map()
  }
  return isAbsent(amount) ? percentOff(place, name) : amountOff(place, name)
}

function readPeriods(place: Place): number | null {
  return isAbsent(place) ? null : readCount(place, { least: 1, most: limits.periodsMax })
}

/** Reads a coupon; all problems at once, each with its path and what to write instead. */
export function parseCoupon(input: unknown): Result<CouponInput, readonly Problem[]> {
  const place = documentOf(input)
  if (!expectFields(place, fields)) return fail(place.problems)
  const name = readText(at(place, 'name'), 'is the name that customers see')
  const terms: CouponTerms = {
    key: readKey(at(place, 'key'), 'spring-2026') as CouponKey,
    name,
    discounts: readDiscounts(place, name),
    of: readLines(at(place, 'of')),
    periods: readPeriods(at(place, 'periods')),
    effectiveFrom: readInstant(at(place, 'effective_from')),
  }
  const version = readVersion(at(place, 'version'))
  return place.problems.length > 0 ? fail(withoutRepeats(place.problems)) : ok({ terms, version })
}

function discountsJson(discounts: ReadonlyMap<Currency, Discount>): object {
  const currencies = [...discounts.keys()]
  const documents = [...discounts].map(([currency, discount]): readonly [Currency, unknown] => [
    currency,
    discount.kind === 'percent' ? { percent: formatExact(discount.percent) } : { amount: formatExact(discount.amount) },
  ])
  const [first] = discounts.values()
  if (first?.kind === 'percent') return documents[0]?.[1] as object
  const money = currencies.length === 1 ? { currency: currencies[0] } : { currencies }
  return { ...money, ...(sideBySide(documents) as object) }
}

/** The terms as JSON, in one order of fields; `parseCoupon` reads the same terms from it. */
export function couponTermsJson({ key, name, discounts, of, periods, effectiveFrom }: CouponTerms): object {
  return { key, name, ...discountsJson(discounts), of, periods, effective_from: formatInstant(effectiveFrom) }
}

/** A version as JSON. */
export function couponJson(coupon: CouponVersion): object {
  return { ...couponTermsJson(coupon), version: coupon.version }
}
