import { formatExact, isZero, one } from '../core/exact.ts'
import type { Exact } from '../core/exact.ts'
import { at, complain, expectFields, isAbsent, readAmount, readKey, readList, readText, someOf } from './place.ts'
import type { Place } from './place.ts'

/** A token of account that prices are in; one of it is worth `rate` of the currency. */
export interface PricingUnit {
  readonly key: string
  readonly name: string
  /** Above zero. */
  readonly rate: Exact
}

const unitsMax = 20

function readPricingUnit(place: Place): PricingUnit {
  expectFields(place, ['key', 'name', 'rate'])
  const rate = readAmount(at(place, 'rate'))
  if (isZero(rate)) complain(at(place, 'rate'), 'is above zero: what one of the unit is worth in the currency')
  return {
    key: readKey(at(place, 'key'), 'credits'),
    name: readText(at(place, 'name'), 'names the unit as customers read it, such as "credits"'),
    rate,
  }
}

/** Reads the pricing units of a plan; absent: none. */
export function readPricingUnits(place: Place): readonly PricingUnit[] {
  if (isAbsent(place)) return []
  const units = readList(place, unitsMax).map(readPricingUnit)
  if (new Set(units.map(({ key }) => key)).size < units.length) complain(place, 'names a unit twice')
  return units
}

/** The unit that a price says it is in; null where it says nothing. */
export function pricingUnitNamed(place: Place, units: readonly PricingUnit[]): PricingUnit | null {
  if (isAbsent(place)) return null
  const found = units.find(({ key }) => key === place.value)
  if (found !== undefined) return found
  const known = someOf(units.map(({ key }) => key))
  complain(place, known === '' ? 'needs "pricing_units", which are not there' : `is one of the pricing units: ${known}`)
  return { key: '', name: '', rate: one }
}

export function pricingUnitJson({ key, name, rate }: PricingUnit): object {
  return { key, name, rate: formatExact(rate) }
}
