import { exact, formatExact, zero } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import type { Problem } from '../core/errors.ts'
import type { Brand, MeterKey } from '../core/ids.ts'
import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { modelJson, readModel } from './model/model.ts'
import type { PriceModel } from './model/model.ts'
import { at, complain, documentOf, expectFields, isAbsent, readDecimal, readKey, readText } from './place.ts'
import type { Place } from './place.ts'

export type PriceKey = Brand<string, 'PriceKey'>

/** What is priced: `per` units of the meter make one (1 GB is 1000000000 bytes). */
export interface PricedUnit {
  readonly name: string
  readonly per: Exact
}

/** One price of a plan: from a meter's quantity (or, for a flat price, from nothing) to one invoice line. */
export interface Price {
  readonly key: PriceKey
  readonly name: string
  /** Null for a flat price. */
  readonly meter: MeterKey | null
  readonly unit: PricedUnit
  /** Allowance in priced units: this much of the period's quantity costs nothing. Tiers count from after it. */
  readonly included: Exact
  readonly model: PriceModel
}

const fields = ['key', 'name', 'meter', 'unit', 'included', 'model'] as const

export const flatUnit: PricedUnit = { name: 'billing period', per: exact(1n) }
const meterUnit: PricedUnit = { name: 'units', per: exact(1n) }

function readUnit(place: Place): PricedUnit {
  if (isAbsent(place)) return meterUnit
  if (!expectFields(place, ['name', 'per'])) return meterUnit
  return {
    name: readText(at(place, 'name'), 'names the priced unit, such as "GB"'),
    per: readDecimal(at(place, 'per'), { decimalsMax: 18, positive: true }),
  }
}

/** A price that is rated with a quantity from elsewhere (POST /v1/rate) may leave out its key, name and meter. */
export type PriceUse = 'in a plan' | 'rated alone'

function readMeter(place: Place, use: PriceUse): MeterKey | null {
  if (isAbsent(place)) {
    if (use === 'in a plan') complain(place, 'names the meter whose quantity is priced, such as "http_requests"')
    return null
  }
  return readKey(place, 'http_requests') as MeterKey
}

function readFlatPrice(place: Place): Pick<Price, 'meter' | 'unit' | 'included'> {
  for (const name of ['meter', 'unit', 'included'])
    if (!isAbsent(at(place, name))) complain(at(place, name), 'is left out of a flat price, which measures nothing')
  return { meter: null, unit: flatUnit, included: zero }
}

function readMeteredPrice(place: Place, use: PriceUse): Pick<Price, 'meter' | 'unit' | 'included'> {
  const included = at(place, 'included')
  return {
    meter: readMeter(at(place, 'meter'), use),
    unit: readUnit(at(place, 'unit')),
    included: isAbsent(included) ? zero : readDecimal(included, { decimalsMax: 18 }),
  }
}

/** Reads a price at its place in a larger document. */
export function readPrice(place: Place, use: PriceUse): Price {
  expectFields(place, fields)
  const model = readModel(at(place, 'model'))
  const isFlat = at(at(place, 'model'), 'kind').value === 'flat'
  const [key, name] = [at(place, 'key'), at(place, 'name')]
  const isAlone = use === 'rated alone'
  return {
    key: (isAlone && isAbsent(key) ? 'price' : readKey(key, 'data_transfer_out')) as PriceKey,
    name: isAlone && isAbsent(name) ? 'Price' : readText(name, 'says in words what is charged, such as "Requests"'),
    ...(isFlat ? readFlatPrice(place) : readMeteredPrice(place, use)),
    model,
  }
}

/** Reads one price; all problems at once, each with its path. */
export function parsePrice(input: unknown, use: PriceUse): Result<Price, readonly Problem[]> {
  const place = documentOf(input)
  const price = readPrice(place, use)
  return place.problems.length > 0 ? fail(place.problems) : ok(price)
}

/** The price as JSON: `parsePrice` reads the same price from it. */
export function priceJson(price: Price): object {
  const { key, name, meter, unit, included, model } = price
  if (model.kind === 'flat') return { key, name, model: modelJson(model) }
  return {
    key,
    name,
    ...(meter === null ? {} : { meter }),
    unit: { name: unit.name, per: formatExact(unit.per) },
    included: formatExact(included),
    model: modelJson(model),
  }
}
