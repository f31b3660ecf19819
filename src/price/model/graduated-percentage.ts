import { divide, formatExact, hundred, zero } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { at, expectFields, isAbsent, readFlag, readPercent } from '../place.ts'
import type { Place } from '../place.ts'
import { numberWords } from '../rate/number-words.ts'
import { operand } from '../rate/trace.ts'
import type { Trace } from '../rate/trace.ts'
import type { Charge, Charged } from './charge.ts'
import { chargeEnteredTiers } from './entered-tiers.ts'
import type { TierRate } from './entered-tiers.ts'
import { readTierBounds, readTiersOf, tierBoundsJson } from './tier.ts'
import type { TierBounds } from './tier.ts'

export interface PercentTier extends TierBounds {
  readonly percent: Exact
}

/** Of each part of the quantity the percentage of the tier that it falls in. */
export interface GraduatedPercentage {
  readonly kind: 'graduated_percentage'
  readonly tiers: readonly PercentTier[]
  /** Charge the first tier's flat amount although nothing was used. */
  readonly flatAtZero: boolean
}

function readPercentTier(place: Place): PercentTier {
  const percent = at(place, 'percent')
  const bounds = readTierBounds(place, 'percent')
  return { ...bounds, percent: isAbsent(percent) ? zero : readPercent(percent, { wholeMax: false }) }
}

export function readGraduatedPercentage(place: Place): GraduatedPercentage {
  expectFields(place, ['kind', 'tiers', 'flat_at_zero'])
  return {
    kind: 'graduated_percentage',
    tiers: readTiersOf(at(place, 'tiers'), readPercentTier),
    flatAtZero: readFlag(at(place, 'flat_at_zero')),
  }
}

function percentTierJson(tier: PercentTier): object {
  const { up_to, flat_amount } = tierBoundsJson(tier)
  return { up_to, percent: formatExact(tier.percent), flat_amount }
}

export function graduatedPercentageJson(model: GraduatedPercentage): object {
  return { kind: model.kind, tiers: model.tiers.map(percentTierJson), flat_at_zero: model.flatAtZero }
}

const rate: TierRate<PercentTier> = {
  unitAmount: ({ percent }) => divide(percent, hundred),
  formula: ({ percent }) => `${operand(percent)} / 100`,
  about: ({ percent }, inside) => `${numberWords(percent)} % of ${inside}`,
}

export function chargeGraduatedPercentage(model: GraduatedPercentage, charged: Charged, trace: Trace): Charge {
  return chargeEnteredTiers(model, rate, charged, trace)
}
