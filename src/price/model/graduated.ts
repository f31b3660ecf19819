import { add, compare, formatExact, isZero, multiply, smaller, subtract, sum, zero } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { at, expectFields, readFlag } from '../place.ts'
import type { Place } from '../place.ts'
import { operand, sumFormula, traceStep } from '../trace.ts'
import type { Trace, TraceStep } from '../trace.ts'
import type { Charge, Charged } from './charge.ts'
import { readTiers, tierJson } from './tier.ts'
import type { Tier } from './tier.ts'

/** Each unit at the price of the tier it falls in; a quantity with a fraction is split at the bounds. */
export interface Graduated {
  readonly kind: 'graduated'
  readonly tiers: readonly Tier[]
  /** Charge the first tier's flat amount although nothing was used. */
  readonly flatAtZero: boolean
}

interface Entered {
  readonly from: Exact
  readonly number: number
  readonly inside: Exact
  readonly amount: Exact
}

export function readGraduated(place: Place): Graduated {
  expectFields(place, ['kind', 'tiers', 'flat_at_zero'])
  return { kind: 'graduated', tiers: readTiers(at(place, 'tiers')), flatAtZero: readFlag(at(place, 'flat_at_zero')) }
}

export function graduatedJson(model: Graduated): object {
  return { kind: model.kind, tiers: model.tiers.map(tierJson), flat_at_zero: model.flatAtZero }
}

function aboutTier(tier: Tier, { from, number, inside }: { from: Exact; number: number; inside: Exact }): string {
  const bounds = tier.upTo === null ? `above ${formatExact(from)}` : `${formatExact(from)} to ${formatExact(tier.upTo)}`
  const flat = tier.flatAmount.n === 0n ? '' : ` and ${formatExact(tier.flatAmount)} for entering the tier`
  return `tier ${number} (${bounds}): ${formatExact(inside)} at ${formatExact(tier.unitAmount)} each${flat}`
}

/** One tier that is entered. The formula starts from the whole quantity, so it proves the split. */
function tierStep(tier: Tier, { quantity, money }: Charged, entered: Entered): TraceStep {
  const { from, number, inside, amount } = entered
  const whole = operand(quantity)
  const reached = tier.upTo === null ? whole : `min(${whole}, ${operand(tier.upTo)})`
  const taken = isZero(from) ? reached : `(${reached} - ${operand(from)})`
  const flat = isZero(tier.flatAmount) ? '' : ` + ${operand(tier.flatAmount)}`
  const formula = `${taken} * ${operand(tier.unitAmount)}${flat}`
  return traceStep({ step: 'tier', about: aboutTier(tier, { from, number, inside }), formula, unit: money }, amount)
}

/** The amount of each unit in its tier, and of each tier that was entered. */
export function chargeGraduated(model: Graduated, charged: Charged, trace: Trace): Charge {
  const parts: TraceStep[][] | null = trace === null ? null : []
  const amounts: Exact[] = []
  let from = zero
  for (const [index, tier] of model.tiers.entries()) {
    const isEntered = compare(charged.quantity, from) > 0 || (index === 0 && model.flatAtZero)
    if (!isEntered) break
    const inside = subtract(tier.upTo === null ? charged.quantity : smaller(charged.quantity, tier.upTo), from)
    const amount = add(multiply(inside, tier.unitAmount), tier.flatAmount)
    amounts.push(amount)
    parts?.push([tierStep(tier, charged, { from, number: index + 1, inside, amount })])
    from = tier.upTo ?? charged.quantity
  }
  const amount = sum(amounts)
  const about = amounts.length === 0 ? 'nothing used, no tier entered' : 'all tiers together'
  trace?.push(
    traceStep({ step: 'price', about, formula: sumFormula(amounts), unit: charged.money, parts: parts ?? [] }, amount),
  )
  return { amount, unitAmount: null }
}
