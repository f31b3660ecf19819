import { add, compare, isZero, multiply, subtract, sum, zero } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { moneyWords, quantityWords } from '../rate/number-words.ts'
import { operand, sumFormula, traceStep } from '../rate/trace.ts'
import type { Trace, TraceStep } from '../rate/trace.ts'
import type { Charge, Charged } from './charge.ts'
import { tierWords } from './tier.ts'
import type { TierBounds } from './tier.ts'

/** What the units inside a tier cost, as a number, in a formula and in words. */
export interface TierRate<T extends TierBounds> {
  readonly unitAmount: (tier: T) => Exact
  /** What stands behind the `*`. */
  readonly formula: (tier: T) => string
  readonly about: (tier: T, inside: string, money: string) => string
}

export interface TieredModel<T extends TierBounds> {
  readonly tiers: readonly T[]
  /** Charge the first tier's flat amount although nothing was used. */
  readonly flatAtZero: boolean
}

interface Entered {
  readonly from: Exact
  readonly number: number
  readonly inside: Exact
  readonly amount: Exact
}

/** One tier that is entered. The formula starts from the whole quantity, so it proves the split. */
function tierStep<T extends TierBounds>(
  tier: T,
  rate: TierRate<T>,
  { quantity, unit, money }: Charged,
  entered: Entered,
): TraceStep {
  const { from, number, inside, amount } = entered
  const whole = operand(quantity)
  const reached = tier.upTo === null ? whole : `min(${whole}, ${operand(tier.upTo)})`
  const taken = isZero(from) ? reached : `(${reached} - ${operand(from)})`
  const hasFlat = !isZero(tier.flatAmount)
  const formula = `${taken} * ${rate.formula(tier)}${hasFlat ? ` + ${operand(tier.flatAmount)}` : ''}`
  const flat = hasFlat ? `, and ${moneyWords(tier.flatAmount, money)} for entering it` : ''
  const cost = rate.about(tier, quantityWords(inside, unit), money)
  const about = `${cost} in ${tierWords(tier, from, number)}${flat}`
  return traceStep({ step: 'tier', about, formula, unit: money }, amount)
}

/** The amount of each unit in its tier, and of each tier that was entered. */
export function chargeEnteredTiers<T extends TierBounds>(
  { tiers, flatAtZero }: TieredModel<T>,
  rate: TierRate<T>,
  charged: Charged,
  trace: Trace,
): Charge {
  const { quantity } = charged
  const parts: TraceStep[][] | null = trace === null ? null : []
  const amounts: Exact[] = []
  let from = zero
  const isEntered = flatAtZero || compare(quantity, zero) > 0
  for (const tier of isEntered ? tiers : []) {
    const { upTo } = tier
    const isLast = upTo === null || compare(quantity, upTo) <= 0
    const inside = subtract(isLast ? quantity : upTo, from)
    const amount = add(multiply(inside, rate.unitAmount(tier)), tier.flatAmount)
    amounts.push(amount)
    parts?.push([tierStep(tier, rate, charged, { from, number: amounts.length, inside, amount })])
    if (isLast) break
    from = upTo
  }
  const amount = sum(amounts)
  if (trace !== null) {
    const about = amounts.length === 0 ? 'nothing used, no tier entered' : 'all tiers together'
    const formula = sumFormula(amounts)
    trace.push(traceStep({ step: 'price', about, formula, unit: charged.money, parts: parts ?? [] }, amount))
  }
  return { amount, unitAmount: null }
}
