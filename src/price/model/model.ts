import { multiply, zero } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { unreachable } from '../../core/result.ts'
import { at, complain } from '../place.ts'
import type { Place } from '../place.ts'
import type { Trace } from '../rate/trace.ts'
import type { Charge, Charged } from './charge.ts'
import { chargeCommitted, committedJson, readCommitted, scaleCommitted } from './committed.ts'
import type { Committed } from './committed.ts'
import { chargeFlat, flatJson, readFlat } from './flat.ts'
import type { Flat } from './flat.ts'
import { chargeGraduatedPercentage, graduatedPercentageJson, readGraduatedPercentage } from './graduated-percentage.ts'
import type { GraduatedPercentage } from './graduated-percentage.ts'
import { chargeGraduated, graduatedJson, readGraduated } from './graduated.ts'
import type { Graduated } from './graduated.ts'
import { chargePackage, packageJson, readPackage } from './package.ts'
import type { Package } from './package.ts'
import { chargePercentage, looksAtEvents, percentageJson, readPercentage } from './percentage.ts'
import type { Percentage } from './percentage.ts'
import { chargePerUnit, perUnitJson, readPerUnit } from './per-unit.ts'
import type { PerUnit } from './per-unit.ts'
import { scaleTier } from './tier.ts'
import { chargeVolume, readVolume, volumeJson } from './volume.ts'
import type { Volume } from './volume.ts'

/**
 * How one quantity becomes an amount. One file per model; a new one adds its file, its member here, and its case in
 * the switches, which do not compile without.
 */
export type UnitModel = PerUnit | Graduated | Volume | Package | Percentage | GraduatedPercentage | Committed | Flat

export const unitModelKinds = [
  'per_unit',
  'graduated',
  'volume',
  'package',
  'percentage',
  'graduated_percentage',
  'committed',
  'flat',
] as const satisfies readonly UnitModel['kind'][]

export const harmless: PerUnit = { kind: 'per_unit', unitAmount: zero }

/** Reads a model as a person or program wrote it; `others` are the kinds that may stand here besides. */
export function readUnitModel(place: Place, others: readonly string[] = []): UnitModel {
  const kind = at(place, 'kind')
  switch (kind.value) {
    case 'per_unit':
      return readPerUnit(place)
    case 'graduated':
      return readGraduated(place)
    case 'volume':
      return readVolume(place)
    case 'package':
      return readPackage(place)
    case 'percentage':
      return readPercentage(place)
    case 'graduated_percentage':
      return readGraduatedPercentage(place)
    case 'committed':
      return readCommitted(place)
    case 'flat':
      return readFlat(place)
    default:
      complain(kind, `is one of ${[...unitModelKinds, ...others].join(', ')}`)
      return harmless
  }
}

export function unitModelJson(model: UnitModel): object {
  switch (model.kind) {
    case 'per_unit':
      return perUnitJson(model)
    case 'graduated':
      return graduatedJson(model)
    case 'volume':
      return volumeJson(model)
    case 'package':
      return packageJson(model)
    case 'percentage':
      return percentageJson(model)
    case 'graduated_percentage':
      return graduatedPercentageJson(model)
    case 'committed':
      return committedJson(model)
    case 'flat':
      return flatJson(model)
    default:
      return unreachable(model)
  }
}

/** The exact amount of a billable quantity. Pure; rounding is the line's business, once. */
export function charge(model: UnitModel, charged: Charged, trace: Trace): Charge {
  switch (model.kind) {
    case 'per_unit':
      return chargePerUnit(model, charged, trace)
    case 'graduated':
      return chargeGraduated(model, charged, trace)
    case 'volume':
      return chargeVolume(model, charged, trace)
    case 'package':
      return chargePackage(model, charged, trace)
    case 'percentage':
      return chargePercentage(model, charged, trace)
    case 'graduated_percentage':
      return chargeGraduatedPercentage(model, charged, trace)
    case 'committed':
      return chargeCommitted(model, charged, trace)
    case 'flat':
      return chargeFlat(model, charged, trace)
    default:
      return unreachable(model)
  }
}

/** The models whose price of a unit depends on tiers of some kind; all are cut the same way. */
function scaleTiers(model: Graduated | Volume | GraduatedPercentage, share: Exact): UnitModel {
  if (model.kind === 'graduated_percentage')
    return { ...model, tiers: model.tiers.map((tier) => scaleTier(tier, share)) }
  return { ...model, tiers: model.tiers.map((tier) => scaleTier(tier, share)) }
}

/**
 * The model for a part of a billing period whose traffic is a part too: what the definition says per period (bounds of
 * tiers, amounts for entering them, what is committed, a fee) is cut to the share; what a unit, a package or an event costs
 * is not, nor a percentage.
 */
export function scaleModel(model: UnitModel, share: Exact): UnitModel {
  switch (model.kind) {
    case 'per_unit':
    case 'package':
    case 'percentage':
      return model
    case 'flat':
      return { ...model, amount: multiply(model.amount, share) }
    case 'graduated':
    case 'volume':
    case 'graduated_percentage':
      return scaleTiers(model, share)
    case 'committed':
      return scaleCommitted(model, share)
    default:
      return unreachable(model)
  }
}

/**
 * Whether a model prices single events, so that their values have to be at hand (`Charged.values`). A plan's meter
 * answers totals only: such a model is rated by POST /v1/rate with `values`, and refused in a plan.
 */
export function needsValues(model: UnitModel): boolean {
  return model.kind === 'percentage' && looksAtEvents(model)
}
