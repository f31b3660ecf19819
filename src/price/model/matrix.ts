import { formatExact, zero } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { at, complain, expectFields, isAbsent, readDecimal, readEach, readList, readText } from '../place.ts'
import type { Place } from '../place.ts'
import { firstOverlaps, firstSharing, indexCells } from './cell-index.ts'
import type { CellIndex, ValuesByDimension } from './cell-index.ts'
import { needsValues, readUnitModel, unitModelJson } from './model.ts'
import type { UnitModel } from './model.ts'

/** A dimension's values in a cell: any of these. */
export interface CellValue {
  readonly dimension: string
  readonly values: readonly string[]
}

/** What is priced together: the traffic whose group has one of the values in each of the dimensions. */
export interface Cell {
  readonly when: readonly CellValue[]
  readonly price: CellPrice
}

export interface CellPrice {
  readonly included: Exact
  readonly model: UnitModel
}

/**
 * Prices over dimensions of the traffic: by country, region, IP category. Each cell adds up its groups and is priced
 * for itself; all traffic that is in no cell is in the default one, so nothing is used and not priced.
 */
export interface Matrix {
  readonly kind: 'matrix'
  readonly dimensions: readonly string[]
  readonly cells: readonly Cell[]
  readonly otherwise: CellPrice
}

export const limits = { dimensionsMax: 4, cellsMax: 1000, valuesMax: 300 } as const

function readCellPrice(place: Place): CellPrice {
  const included = at(place, 'included')
  const model = readUnitModel(at(place, 'model'))
  if (model.kind === 'flat')
    complain(at(at(place, 'model'), 'kind'), 'prices a quantity; a flat fee is a price of its own')
  if (needsValues(model))
    complain(at(place, 'model'), 'prices single events; a cell knows only the total of its groups')
  return { included: isAbsent(included) ? zero : readDecimal(included, { decimalsMax: 18 }), model }
}

function readValues(place: Place): readonly string[] {
  const hint = 'is a value of the dimension, such as "DE", or a list of values'
  if (!Array.isArray(place.value)) return [readText(place, hint)]
  const values = readEach(readList(place, limits.valuesMax), (item) => readText(item, hint))
  if (new Set(values).size < values.length) complain(place, 'names a value twice')
  return values
}

function readCell(place: Place, dimensions: readonly string[]): Cell {
  expectFields(place, ['when', 'included', 'model'])
  const when = at(place, 'when')
  expectFields(when, dimensions)
  const values = dimensions.map((dimension) => ({ dimension, values: readValues(at(when, dimension)) }))
  return { when: values, price: readCellPrice(place) }
}

const valuesOf = ({ when }: Cell): ValuesByDimension => when.map(({ values }) => values)

function checkOverlaps(places: readonly Place[], cells: readonly Cell[], dimensions: number): void {
  firstOverlaps(cells.map(valuesOf), dimensions).forEach((first, index) => {
    const place = places[index]
    if (first !== null && place !== undefined)
      complain(at(place, 'when'), `overlaps cell ${first}; traffic would have two prices`)
  })
}

export function readMatrix(place: Place): Matrix {
  expectFields(place, ['kind', 'dimensions', 'cells', 'default'])
  const dimensions = readList(at(place, 'dimensions'), limits.dimensionsMax).map((item) =>
    readText(item, 'is a dimension of the meter, such as "country"'),
  )
  if (new Set(dimensions).size < dimensions.length) complain(at(place, 'dimensions'), 'names a dimension twice')
  const places = readList(at(place, 'cells'), limits.cellsMax)
  const cells = readEach(places, (item) => readCell(item, dimensions))
  if (place.problems.length === 0) checkOverlaps(places, cells, dimensions.length)
  const otherwise = at(place, 'default')
  expectFields(otherwise, ['included', 'model'])
  return { kind: 'matrix', dimensions, cells, otherwise: readCellPrice(otherwise) }
}

function cellPriceJson({ included, model }: CellPrice): object {
  return { included: formatExact(included), model: unitModelJson(model) }
}

export function matrixJson({ kind, dimensions, cells, otherwise }: Matrix): object {
  return {
    kind,
    dimensions,
    cells: cells.map(({ when, price }) => ({
      when: Object.fromEntries(
        when.map(({ dimension, values }) => [dimension, values.length === 1 ? values[0] : values]),
      ),
      ...cellPriceJson(price),
    })),
    default: cellPriceJson(otherwise),
  }
}

/** A matrix prices many groups of many accounts; its cells are looked up, not walked. */
const indexes = new WeakMap<readonly Cell[], CellIndex>()

function indexOf({ cells, dimensions }: Matrix): CellIndex {
  const known = indexes.get(cells)
  if (known !== undefined) return known
  const index = indexCells(cells.map(valuesOf), dimensions.length)
  indexes.set(cells, index)
  return index
}

/** Which cell a group is in: its index, or null for the default one. A group without a value is in no cell. */
export function cellOf(matrix: Matrix, group: Readonly<Record<string, string | null>>): number | null {
  const values = matrix.dimensions.map((dimension) => {
    const value = group[dimension] ?? null
    return value === null ? [] : [value]
  })
  return firstSharing(indexOf(matrix), values)
}
