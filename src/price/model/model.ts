import { zero } from '../../core/exact.ts'
import { unreachable } from '../../core/result.ts'
import { at, complain } from '../place.ts'
import type { Place } from '../place.ts'
import type { Charge, Charged } from './charge.ts'
import { chargeFlat, flatJson, readFlat } from './flat.ts'
import type { Flat } from './flat.ts'
import { chargeGraduated, graduatedJson, readGraduated } from './graduated.ts'
import type { Graduated } from './graduated.ts'
import { chargePerUnit, perUnitJson, readPerUnit } from './per-unit.ts'
import type { PerUnit } from './per-unit.ts'

/**
 * How a quantity becomes an amount. One file per model; a new one (volume, package, percentage, matrix, …:
 * DESIGN §9) adds its file, its member here, and its case in the three switches, which do not compile without.
 */
export type PriceModel = PerUnit | Graduated | Flat

export const modelKinds = ['per_unit', 'graduated', 'flat'] as const satisfies readonly PriceModel['kind'][]

const harmless: PerUnit = { kind: 'per_unit', unitAmount: zero }

/** Reads a model as a person or program wrote it. */
export function readModel(place: Place): PriceModel {
  const kind = at(place, 'kind')
  switch (kind.value) {
    case 'per_unit':
      return readPerUnit(place)
    case 'graduated':
      return readGraduated(place)
    case 'flat':
      return readFlat(place)
    default:
      complain(kind, `is one of ${modelKinds.join(', ')}`)
      return harmless
  }
}

export function modelJson(model: PriceModel): object {
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
export function charge(model: PriceModel, charged: Charged): Charge {
  switch (model.kind) {
    case 'per_unit':
      return chargePerUnit(model, charged)
    case 'graduated':
      return chargeGraduated(model, charged)
    case 'flat':
      return chargeFlat(model, charged)
    default:
      return unreachable(model)
  }
}
