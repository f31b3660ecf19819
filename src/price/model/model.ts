import { zero } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { unreachable } from '../../core/result.ts'
import { at, complain } from '../place.ts'
import type { Place } from '../place.ts'
import type { Trace } from '../trace.ts'
import type { Charge, Charged } from './charge.ts'
import { chargeFlat, flatJson, readFlat } from './flat.ts'
import type { Flat } from './flat.ts'
import { chargeGraduated, graduatedJson, readGraduated } from './graduated.ts'
import type { Graduated } from './graduated.ts'
import { chargePerUnit, perUnitJson, readPerUnit } from './per-unit.ts'
import type { PerUnit } from './per-unit.ts'
import { scaleTier } from './tier.ts'

/**
 * How one quantity becomes an amount. One file per model; a new one adds its file, its member here, and its case in
 * the switches, which do not compile without.
 */
export type UnitModel = PerUnit | Graduated | Flat

export const unitModelKinds = ['per_unit', 'graduated', 'flat'] as const satisfies readonly UnitModel['kind'][]

export const harmless: PerUnit = { kind: 'per_unit', unitAmount: zero }

/** Reads a model as a person or program wrote it; `others` are the kinds that may stand here besides. */
export function readUnitModel(place: Place, others: readonly string[] = []): UnitModel {
  const kind = at(place, 'kind')
  switch (kind.value) {
    case 'per_unit':
      return readPerUnit(place)
    case 'graduated':
      return readGraduated(place)
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
    case 'flat':
      return chargeFlat(model, charged, trace)
    default:
      return unreachable(model)
  }
}

/**
 * The model for a part of a billing period whose traffic is a part too: what the definition says per period (bounds of
 * tiers, amounts for entering them) is cut to the share; what a unit costs is not.
 */
export function scaleModel(model: UnitModel, share: Exact): UnitModel {
  switch (model.kind) {
    case 'per_unit':
    case 'flat':
      return model
    case 'graduated':
      return { ...model, tiers: model.tiers.map((tier) => scaleTier(tier, share)) }
    default:
      return unreachable(model)
  }
}
