import { add, compare, formatExact, multiply, smaller, subtract, sum, zero } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { at, complain, expectFields, isAbsent, readDecimal, readList } from '../place.ts'
import type { Place } from '../place.ts'
import { operand, traceStep } from '../trace.ts'
import type { TraceStep } from '../trace.ts'
import { amountRule } from './charge.ts'
import type { Charge, Charged } from './charge.ts'

/** The units in (bound of the tier before, upTo]: the upper bound belongs to the tier. */
export interface Tier {
  /** In priced units, counted after the allowance; null in the last tier, which has no end. */
  readonly upTo: Exact | null
  readonly unitAmount: Exact
  /** Charged once when the tier is entered. */
  readonly flatAmount: Exact
}

/** Each unit at the price of the tier it falls in; a quantity with a fraction is split at the bounds. */
export interface Graduated {
  readonly kind: 'graduated'
  readonly tiers: readonly Tier[]
  /** Charge the first tier's flat amount although nothing was used. */
  readonly flatAtZero: boolean
}

export const tiersMax = 50

interface TierCharge {
  readonly amount: Exact
  readonly step: TraceStep
}

function readTier(place: Place): Tier {
  expectFields(place, ['up_to', 'unit_amount', 'flat_amount'])
  const [upTo, unit, flat] = [at(place, 'up_to'), at(place, 'unit_amount'), at(place, 'flat_amount')]
  if (isAbsent(unit) && isAbsent(flat)) complain(place, 'has a "unit_amount", a "flat_amount" or both')
  return {
    upTo: isAbsent(upTo) ? null : readDecimal(upTo, { decimalsMax: 18, positive: true }),
    unitAmount: isAbsent(unit) ? zero : readDecimal(unit, amountRule),
    flatAmount: isAbsent(flat) ? zero : readDecimal(flat, amountRule),
  }
}

/** Bounds rise, and only the last tier has none: a unit beyond all tiers would be used and never billed. */
function checkBounds(places: readonly Place[], tiers: readonly Tier[]): void {
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

export function readGraduated(place: Place): Graduated {
  expectFields(place, ['kind', 'tiers', 'flat_at_zero'])
  const places = readList(at(place, 'tiers'), tiersMax)
  const tiers = places.map(readTier)
  checkBounds(places, tiers)
  const flag = at(place, 'flat_at_zero')
  if (!isAbsent(flag) && typeof flag.value !== 'boolean') complain(flag, 'is true or false')
  return { kind: 'graduated', tiers, flatAtZero: flag.value === true }
}

export function graduatedJson(model: Graduated): object {
  const tiers = model.tiers.map((tier) => ({
    up_to: tier.upTo === null ? null : formatExact(tier.upTo),
    unit_amount: formatExact(tier.unitAmount),
    flat_amount: formatExact(tier.flatAmount),
  }))
  return { kind: model.kind, tiers, flat_at_zero: model.flatAtZero }
}

function aboutTier(tier: Tier, { from, number, inside }: { from: Exact; number: number; inside: Exact }): string {
  const bounds = tier.upTo === null ? `above ${formatExact(from)}` : `${formatExact(from)} to ${formatExact(tier.upTo)}`
  const flat = tier.flatAmount.n === 0n ? '' : ` and ${formatExact(tier.flatAmount)} for entering the tier`
  return `tier ${number} (${bounds}): ${formatExact(inside)} at ${formatExact(tier.unitAmount)} each${flat}`
}

/** One tier that is entered. The formula starts from the whole quantity, so it proves the split. */
function chargeTier(tier: Tier, charged: Charged, { from, number }: { from: Exact; number: number }): TierCharge {
  const whole = operand(charged.quantity)
  const inside = subtract(tier.upTo === null ? charged.quantity : smaller(charged.quantity, tier.upTo), from)
  const amount = add(multiply(inside, tier.unitAmount), tier.flatAmount)
  const reached = tier.upTo === null ? whole : `min(${whole}, ${operand(tier.upTo)})`
  const taken = from.n === 0n ? reached : `(${reached} - ${operand(from)})`
  const flat = tier.flatAmount.n === 0n ? '' : ` + ${operand(tier.flatAmount)}`
  const formula = `${taken} * ${operand(tier.unitAmount)}${flat}`
  const about = aboutTier(tier, { from, number, inside })
  return { amount, step: traceStep({ step: 'tier', about, formula, unit: charged.currency }, amount) }
}

/** The amount of each unit in its tier, and of each tier that was entered. */
export function chargeGraduated(model: Graduated, charged: Charged): Charge {
  const charges: TierCharge[] = []
  let from = zero
  for (const [index, tier] of model.tiers.entries()) {
    const isEntered = compare(charged.quantity, from) > 0 || (index === 0 && model.flatAtZero)
    if (!isEntered) break
    charges.push(chargeTier(tier, charged, { from, number: index + 1 }))
    from = tier.upTo ?? charged.quantity
  }
  const amount = sum(charges.map((charge) => charge.amount))
  const formula = charges.length === 0 ? '0' : charges.map((charge) => operand(charge.amount)).join(' + ')
  const about = charges.length === 0 ? 'nothing used, no tier entered' : 'all tiers together'
  const total = traceStep({ step: 'add_up', about, formula, unit: charged.currency }, amount)
  return { amount, unitAmount: null, steps: [...charges.map((charge) => charge.step), total] }
}
