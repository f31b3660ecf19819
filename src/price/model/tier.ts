import { compare, formatExact, isZero, multiply, zero } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { at, complain, expectFields, isAbsent, readAmount, readDecimal, readList } from '../place.ts'
import type { Place } from '../place.ts'
import { numberWords } from '../rate/number-words.ts'

/** The units in (bound of the tier before, upTo]: the upper bound belongs to the tier. */
export interface TierBounds {
  /** In priced units, counted after the allowance; null in the last tier, which has no end. */
  readonly upTo: Exact | null
  /** Charged once when the tier is entered. */
  readonly flatAmount: Exact
}

export interface Tier extends TierBounds {
  readonly unitAmount: Exact
}

export const tiersMax = 50

/** Reads what all tiers have; `rate` is the name of the field that says what a unit in the tier costs. */
export function readTierBounds(place: Place, rate: string): TierBounds {
  expectFields(place, ['up_to', rate, 'flat_amount'])
  const [upTo, flat] = [at(place, 'up_to'), at(place, 'flat_amount')]
  if (isAbsent(at(place, rate)) && isAbsent(flat)) complain(place, `has a "${rate}", a "flat_amount" or both`)
  return {
    upTo: isAbsent(upTo) ? null : readDecimal(upTo, { decimalsMax: 18, positive: true }),
    flatAmount: isAbsent(flat) ? zero : readAmount(flat),
  }
}

function readTier(place: Place): Tier {
  const unit = at(place, 'unit_amount')
  return { ...readTierBounds(place, 'unit_amount'), unitAmount: isAbsent(unit) ? zero : readAmount(unit) }
}

/** Bounds rise, and only the last tier has none: a unit beyond all tiers would be used and never billed. */
export function checkBounds(places: readonly Place[], tiers: readonly { readonly upTo: Exact | null }[]): void {
  places.forEach((place, index) => {
    const bound = tiers[index]?.upTo ?? null
    const before = tiers[index - 1]?.upTo ?? null
    const isLast = index === places.length - 1
    if (isLast && bound !== null) complain(at(place, 'up_to'), 'is null or absent in the last tier, which has no end')
    if (!isLast && bound === null) complain(at(place, 'up_to'), 'is needed in every tier but the last')
    // A bound of zero is one that was refused already.
    if (!isLast && bound !== null && before !== null && !isZero(bound) && compare(bound, before) <= 0)
      complain(at(place, 'up_to'), 'is above the bound of the tier before')
  })
}

/** Reads the tiers of a model, each as `read` does, and checks how their bounds follow each other. */
export function readTiersOf<T extends TierBounds>(place: Place, read: (place: Place) => T): readonly T[] {
  const places = readList(place, tiersMax)
  const tiers = places.map(read)
  checkBounds(places, tiers)
  return tiers
}

export function readTiers(place: Place): readonly Tier[] {
  return readTiersOf(place, readTier)
}

export function tierBoundsJson({ upTo, flatAmount }: TierBounds): { up_to: string | null; flat_amount: string } {
  return { up_to: upTo === null ? null : formatExact(upTo), flat_amount: formatExact(flatAmount) }
}

export function tierJson(tier: Tier): object {
  const { up_to, flat_amount } = tierBoundsJson(tier)
  return { up_to, unit_amount: formatExact(tier.unitAmount), flat_amount }
}

/** A tier for a part of a billing period: bounds and flat amounts are per period, what a unit costs is not. */
export function scaleTier<T extends TierBounds>(tier: T, share: Exact): T {
  const { upTo, flatAmount } = tier
  return { ...tier, upTo: upTo === null ? null : multiply(upTo, share), flatAmount: multiply(flatAmount, share) }
}

/** `tier 2 (above 10, up to 20)`. */
export function tierWords({ upTo }: TierBounds, from: Exact, number: number): string {
  const below = isZero(from) ? '' : `above ${numberWords(from)}`
  const above = upTo === null ? '' : `up to ${numberWords(upTo)}`
  const bounds = [below, above].filter((words) => words !== '').join(', ')
  return bounds === '' ? 'the only tier' : `tier ${number} (${bounds})`
}
