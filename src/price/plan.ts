import type { Problem } from '../core/errors.ts'
import type { PlanKey } from '../core/ids.ts'
import { isCurrency } from '../core/money.ts'
import type { Currency } from '../core/money.ts'
import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { formatInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { at, complain, documentOf, expectFields, isAbsent, readInstant, readKey, readList, readText } from './place.ts'
import type { Place } from './place.ts'
import { priceJson, readPrice } from './price.ts'
import type { Price } from './price.ts'

/** What a plan says, before the catalogue gives it its version number. */
export interface PlanTerms {
  readonly key: PlanKey
  readonly name: string
  readonly currency: Currency
  readonly prices: readonly Price[]
  /** From this instant on periods that start are priced by it, until a newer version takes effect. */
  readonly effectiveFrom: Micros
}

/** A version is immutable: a change of price is a new version (DESIGN §9). */
export interface PlanVersion extends PlanTerms {
  readonly version: number
}

/** Terms as a person wrote them; `version` null asks for the next number. */
export interface PlanInput {
  readonly terms: PlanTerms
  readonly version: number | null
}

export const pricesMax = 100

export function readCurrency(place: Place): Currency {
  if (typeof place.value === 'string' && isCurrency(place.value)) return place.value
  complain(place, 'is an ISO 4217 code that we can price in, such as "USD"')
  return 'USD'
}

function readVersion(place: Place): number | null {
  if (isAbsent(place)) return null
  const { value } = place
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value
  complain(place, 'is 1, 2, 3, … or absent for the next number')
  return null
}

function readPrices(place: Place): readonly Price[] {
  const places = readList(place, pricesMax)
  const prices = places.map((item) => readPrice(item, 'in a plan'))
  prices.forEach(({ key }, index) => {
    const item = places[index]
    const first = prices.findIndex((price) => price.key === key)
    if (item !== undefined && key !== '' && first < index)
      complain(at(item, 'key'), `is already the key of price ${first}; each line of an invoice has its own`)
  })
  return prices
}

/** Reads a plan; all problems at once, each with its path and what to write instead. */
export function parsePlan(input: unknown): Result<PlanInput, readonly Problem[]> {
  const place = documentOf(input)
  expectFields(place, ['key', 'version', 'name', 'currency', 'prices', 'effective_from'])
  const terms: PlanTerms = {
    key: readKey(at(place, 'key'), 'pay-as-you-go') as PlanKey,
    name: readText(at(place, 'name'), 'is the name that customers see'),
    currency: readCurrency(at(place, 'currency')),
    prices: readPrices(at(place, 'prices')),
    effectiveFrom: readInstant(at(place, 'effective_from')),
  }
  const version = readVersion(at(place, 'version'))
  return place.problems.length > 0 ? fail(place.problems) : ok({ terms, version })
}

/** The terms as JSON, in one order of fields; `parsePlan` reads the same terms from it. */
export function termsJson(terms: PlanTerms): object {
  const { key, name, currency, prices, effectiveFrom } = terms
  return { key, name, currency, prices: prices.map(priceJson), effective_from: formatInstant(effectiveFrom) }
}

/** A version as JSON. */
export function planJson(plan: PlanVersion): object {
  return { ...termsJson(plan), version: plan.version }
}
