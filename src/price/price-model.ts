import { at } from './place.ts'
import type { Place } from './place.ts'
import { matrixJson, readMatrix } from './model/matrix.ts'
import type { Matrix } from './model/matrix.ts'
import { readUnitModel, unitModelJson } from './model/model.ts'
import type { UnitModel } from './model/model.ts'
import { overLinesJson, overLinesKinds, readCommitment, readSurcharge } from './model/over-lines.ts'
import type { OverLines } from './model/over-lines.ts'

/** How a price becomes an amount: from one quantity, from quantities by group, or from other lines. */
export type PriceModel = UnitModel | Matrix | OverLines

export function isOverLines(model: PriceModel): model is OverLines {
  return model.kind === 'surcharge' || model.kind === 'commitment'
}

export function isUnitModel(model: PriceModel): model is UnitModel {
  return model.kind !== 'matrix' && !isOverLines(model)
}

export function readPriceModel(place: Place): PriceModel {
  switch (at(place, 'kind').value) {
    case 'matrix':
      return readMatrix(place)
    case 'surcharge':
      return readSurcharge(place)
    case 'commitment':
      return readCommitment(place)
    default:
      return readUnitModel(place, ['matrix', ...overLinesKinds])
  }
}

export function priceModelJson(model: PriceModel): object {
  if (model.kind === 'matrix') return matrixJson(model)
  return isOverLines(model) ? overLinesJson(model) : unitModelJson(model)
}
