import { add, compare, isZero, multiply, zero } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { assert } from '../../core/result.ts'
import { at, expectFields, readFlag } from '../place.ts'
import type { Place } from '../place.ts'
import { moneyWords, quantityWords } from '../rate/number-words.ts'
import { operand, traceStep } from '../rate/trace.ts'
import type { Trace, TraceStep } from '../rate/trace.ts'
import type { Charge, Charged } from './charge.ts'
import { readTiers, tierJson, tierWords } from './tier.ts'
import type { Tier } from './tier.ts'

/**
 * All units at the price of the tier that the whole quantity falls in. One unit more can cost less: where a cheaper
 * tier begins, all units become cheaper.
 */
export interface Volume {
  readonly kind: 'volume'
  readonly tiers: readonly Tier[]
  /** Charge the first tier's flat amount although nothing was used. */
  readonly flatAtZero: boolean
}

export function readVolume(place: Place): Volume {
  expectFields(place, ['kind', 'tiers', 'flat_at_zero'])
  return { kind: 'volume', tiers: readTiers(at(place, 'tiers')), flatAtZero: readFlag(at(place, 'flat_at_zero')) }
}

export function volumeJson(model: Volume): object {
  return { kind: model.kind, tiers: model.tiers.map(tierJson), flat_at_zero: model.flatAtZero }
}

interface Reached {
  readonly tier: Tier
  readonly from: Exact
  readonly number: number
}

function tierOf({ tiers }: Volume, quantity: Exact): Reached {
  const index = tiers.findIndex(({ upTo }) => upTo === null || compare(quantity, upTo) <= 0)
  const tier = tiers[index]
  assert(tier !== undefined, 'the last tier has no end')
  return { tier, from: tiers[index - 1]?.upTo ?? zero, number: index + 1 }
}

function volumeStep({ tier, from, number }: Reached, { quantity, unit, money }: Charged, amount: Exact): TraceStep {
  const hasFlat = !isZero(tier.flatAmount)
  const flat = hasFlat ? `, and ${moneyWords(tier.flatAmount, money)} for it` : ''
  const about = `${quantityWords(quantity, unit)} × ${moneyWords(tier.unitAmount, money)} for all of them, the price of ${tierWords(tier, from, number)}${flat}`
  const formula = `${operand(quantity)} * ${operand(tier.unitAmount)}${hasFlat ? ` + ${operand(tier.flatAmount)}` : ''}`
  return traceStep({ step: 'price', about, formula, unit: money }, amount)
}

export function chargeVolume(model: Volume, charged: Charged, trace: Trace): Charge {
  const { quantity, money } = charged
  if (isZero(quantity) && !model.flatAtZero) {
    trace?.push(traceStep({ step: 'price', about: 'nothing used, no tier entered', formula: '0', unit: money }, zero))
    return { amount: zero, unitAmount: null }
  }
  const reached = tierOf(model, quantity)
  const { unitAmount, flatAmount } = reached.tier
  const amount = add(multiply(quantity, unitAmount), flatAmount)
  trace?.push(volumeStep(reached, charged, amount))
  return { amount, unitAmount: isZero(flatAmount) ? unitAmount : null }
}
