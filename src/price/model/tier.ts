import { compare, formatExact, multiply, zero } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { at, complain, expectFields, isAbsent, readAmount, readDecimal, readList } from '../place.ts'
import type { Place } from '../place.ts'

/** The units in (bound of the tier before, upTo]: the upper bound belongs to the tier. */
export interface Tier {
  /** In priced units, counted after the allowance; null in the last tier, which has no end. */
  readonly upTo: Exact | null
  readonly unitAmount: Exact
  /** Charged once when the tier is entered. */
  readonly flatAmount: Exact
}

export const tiersMax = 50

function readTier(place: Place): Tier {
  expectFields(place, ['up_to', 'unit_amount', 'flat_amount'])
  const [upTo, unit, flat] = [at(place, 'up_to'), at(place, 'unit_amount'), at(place, 'flat_amount')]
  if (isAbsent(unit) && isAbsent(flat)) complain(place, 'has a "unit_amount", a "flat_amount" or both')
  return {
    upTo: isAbsent(upTo) ? null : readDecimal(upTo, { decimalsMax: 18, positive: true }),
    unitAmount: isAbsent(unit) ? zero : readAmount(unit),
    flatAmount: isAbsent(flat) ? zero : readAmount(flat),
  }
}

/** Bounds rise, and only the last tier has none: a unit beyond all tiers would be used and never billed. */
export function checkBounds(places: readonly Place[], tiers: readonly { readonly upTo: Exact | null }[]): void {
  places.forEach((place, index) => {
    const bound = tiers[index]?.upTo ?? null
    const before = index === 0 ? zero : (tiers[index - 1]?.upTo ?? null)
    const isLast = index === places.length - 1
    if (isLast && bound !== null) complain(at(place, 'up_to'), 'is null or absent in the last tier, which has no end')
    if (!isLast && bound === null) complain(at(place, 'up_to'), 'is needed in every tier but the last')
    if (!isLast && bound !== null && before !== null && compare(bound, before) <= 0)
      complain(at(place, 'up_to'), 'is above the bound of the tier before')
  })
}

/** Reads the tiers of a model. */
export function readTiers(place: Place): readonly Tier[] {
  const places = readList(place, tiersMax)
  const tiers = places.map(readTier)
  checkBounds(places, tiers)
  return tiers
}

export function tierJson({ upTo, unitAmount, flatAmount }: Tier): object {
  return {
    up_to: upTo === null ? null : formatExact(upTo),
    unit_amount: formatExact(unitAmount),
    flat_amount: formatExact(flatAmount),
  }
}

/** A tier for a part of a billing period: bounds and flat amounts are per period, unit amounts are not. */
export function scaleTier({ upTo, unitAmount, flatAmount }: Tier, share: Exact): Tier {
  return { upTo: upTo === null ? null : multiply(upTo, share), unitAmount, flatAmount: multiply(flatAmount, share) }
}
