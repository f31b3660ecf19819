import { at, expectFields, readFlag } from '../place.ts'
import type { Place } from '../place.ts'
import { moneyWords } from '../rate/number-words.ts'
import { operand } from '../rate/trace.ts'
import type { Trace } from '../rate/trace.ts'
import type { Charge, Charged } from './charge.ts'
import { chargeEnteredTiers } from './entered-tiers.ts'
import type { TierRate } from './entered-tiers.ts'
import { readTiers, tierJson } from './tier.ts'
import type { Tier } from './tier.ts'

/** Each unit at the price of the tier it falls in; a quantity with a fraction is split at the bounds. */
export interface Graduated {
  readonly kind: 'graduated'
  readonly tiers: readonly Tier[]
  /** Charge the first tier's flat amount although nothing was used. */
  readonly flatAtZero: boolean
}

export function readGraduated(place: Place): Graduated {
  expectFields(place, ['kind', 'tiers', 'flat_at_zero'])
  return { kind: 'graduated', tiers: readTiers(at(place, 'tiers')), flatAtZero: readFlag(at(place, 'flat_at_zero')) }
}

export function graduatedJson(model: Graduated): object {
  return { kind: model.kind, tiers: model.tiers.map(tierJson), flat_at_zero: model.flatAtZero }
}

const rate: TierRate<Tier> = {
  unitAmount: ({ unitAmount }) => unitAmount,
  formula: ({ unitAmount }) => operand(unitAmount),
  about: ({ unitAmount }, inside, money) => `${inside} × ${moneyWords(unitAmount, money)}`,
}

export function chargeGraduated(model: Graduated, charged: Charged, trace: Trace): Charge {
  return chargeEnteredTiers(model, rate, charged, trace)
}
