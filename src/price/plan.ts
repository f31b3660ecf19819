import type { Problem } from '../core/errors.ts'
import type { PlanKey } from '../core/ids.ts'
import { isCurrency } from '../core/money.ts'
import type { Currency } from '../core/money.ts'
import { assert, fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { formatInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { includedAmountJson, readIncludedAmounts } from './included-amount.ts'
import type { IncludedAmount } from './included-amount.ts'
import { checkOverLines } from './over-lines-check.ts'
import {
  at,
  complain,
  documentOf,
  expectFields,
  inMoney,
  isAbsent,
  readInstant,
  readKey,
  readList,
  readText,
} from './place.ts'
import type { Place } from './place.ts'
import { phaseJson, readPhases } from './contract/phase.ts'
import type { Phase } from './contract/phase.ts'
import { priceJson, readPrice } from './price.ts'
import type { Price } from './price.ts'
import { pricingUnitJson, readPricingUnits } from './pricing-unit.ts'
import type { PricingUnit } from './pricing-unit.ts'
import { sideBySide } from './side-by-side.ts'

/** What a plan says in one currency. */
export interface PlanBody {
  readonly pricingUnits: readonly PricingUnit[]
  readonly prices: readonly Price[]
  /** What is included in each billing period, in money. */
  readonly includedAmounts: readonly IncludedAmount[]
  /** From the start of a subscription on, one after the other; after the last one the prices hold as they are. */
  readonly phases: readonly Phase[]
}

/** What a plan says, before the catalogue gives it its version number; its prices are in `currency`. */
export interface PlanTerms extends PlanBody {
  readonly key: PlanKey
  readonly name: string
  readonly currency: Currency
  /** The same plan in each of its currencies, `currency` among them. */
  readonly bodies: ReadonlyMap<Currency, PlanBody>
  /** From this instant on it is sold, until a newer version takes effect. */
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

export const pricesMax = 200
export const currenciesMax = 20

export function readCurrency(place: Place): Currency {
  if (typeof place.value === 'string' && isCurrency(place.value)) return place.value
  complain(place, 'is an ISO 4217 code that we can price in, such as "USD"')
  return 'USD'
}

export function readVersion(place: Place): number | null {
  if (isAbsent(place)) return null
  const { value } = place
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value
  complain(place, 'is 1, 2, 3, … or absent for the next number')
  return null
}

function readPrices(place: Place, units: readonly PricingUnit[]): readonly Price[] {
  const places = readList(place, pricesMax)
  const prices = places.map((item) => readPrice(item, 'in a plan', units))
  prices.forEach(({ key }, index) => {
    const item = places[index]
    const first = prices.findIndex((price) => price.key === key)
    if (item !== undefined && key !== '' && first < index)
      complain(at(item, 'key'), `is already the key of price ${first}; each line of an invoice has its own`)
  })
  checkOverLines(places, prices)
  return prices
}

/** One currency, or several whose prices stand side by side; the first is the one that is shown. */
export function readCurrencies(place: Place): readonly Currency[] {
  const [single, several] = [at(place, 'currency'), at(place, 'currencies')]
  if (isAbsent(several)) return [readCurrency(single)]
  if (!isAbsent(single)) complain(single, 'or "currencies", not both')
  const currencies = readList(several, currenciesMax).map(readCurrency)
  if (new Set(currencies).size < currencies.length) complain(several, 'names a currency twice')
  return currencies.length === 0 ? ['USD'] : currencies
}

function readBody(place: Place): PlanBody {
  const pricingUnits = readPricingUnits(at(place, 'pricing_units'))
  const prices = readPrices(at(place, 'prices'), pricingUnits)
  const includedAmounts = readIncludedAmounts(at(place, 'included_amounts'), prices)
  return { pricingUnits, prices, includedAmounts, phases: readPhases(at(place, 'phases'), { prices, pricingUnits }) }
}

/** Problems that a document has in every currency are told once. */
export function withoutRepeats(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Set<string>()
  return problems.filter(({ field, message }) => {
    const name = JSON.stringify([field, message])
    if (seen.has(name)) return false
    seen.add(name)
    return true
  })
}

const fields = [
  'key',
  'version',
  'name',
  'currency',
  'currencies',
  'pricing_units',
  'prices',
  'included_amounts',
  'phases',
  'effective_from',
] as const

/** Reads a plan; all problems at once, each with its path and what to write instead. */
export function parsePlan(input: unknown): Result<PlanInput, readonly Problem[]> {
  const place = documentOf(input)
  expectFields(place, fields)
  const currencies = readCurrencies(place)
  const [currency = 'USD'] = currencies
  const bodies = new Map(currencies.map((one) => [one, readBody(inMoney(place, { currency: one, all: currencies }))]))
  const body = bodies.get(currency)
  assert(body !== undefined, 'the plan was read in its first currency')
  const terms: PlanTerms = {
    key: readKey(at(place, 'key'), 'pay-as-you-go') as PlanKey,
    name: readText(at(place, 'name'), 'is the name that customers see'),
    currency,
    ...body,
    bodies,
    effectiveFrom: readInstant(at(place, 'effective_from')),
  }
  const version = readVersion(at(place, 'version'))
  return place.problems.length > 0 ? fail(withoutRepeats(place.problems)) : ok({ terms, version })
}

/** The plan with its prices in that currency; null when it is not sold in it. */
export function planIn<Plan extends PlanTerms>(plan: Plan, currency: Currency): Plan | null {
  const body = plan.bodies.get(currency)
  return body === undefined ? null : { ...plan, currency, ...body }
}

function bodyJson({ pricingUnits, prices, includedAmounts, phases }: PlanBody): object {
  return {
    ...(pricingUnits.length === 0 ? {} : { pricing_units: pricingUnits.map(pricingUnitJson) }),
    prices: prices.map(priceJson),
    ...(includedAmounts.length === 0 ? {} : { included_amounts: includedAmounts.map(includedAmountJson) }),
    ...(phases.length === 0 ? {} : { phases: phases.map(phaseJson) }),
  }
}

/** The terms as JSON, in one order of fields; `parsePlan` reads the same terms from it. */
export function termsJson({ key, name, bodies, effectiveFrom }: PlanTerms): object {
  const currencies = [...bodies.keys()]
  const documents = currencies.map((currency) => {
    const body = bodies.get(currency)
    return [currency, body === undefined ? {} : bodyJson(body)] as const
  })
  return {
    key,
    name,
    ...(currencies.length === 1 ? { currency: currencies[0] } : { currencies }),
    ...(sideBySide(documents) as object),
    effective_from: formatInstant(effectiveFrom),
  }
}

/** A version as JSON. */
export function planJson(plan: PlanVersion): object {
  return { ...termsJson(plan), version: plan.version }
}
