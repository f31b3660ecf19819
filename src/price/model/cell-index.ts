/** The values of a cell or group in each dimension, in the order of the dimensions. */
export type ValuesByDimension = readonly (readonly string[])[]

/**
 * Which cells have which values, so that neither finding a group's cell nor checking a thousand cells against each
 * other looks at every pair (L12): 10 000 groups of 1 000 cells with 100 values each took a minute that way.
 */
export interface CellIndex {
  readonly cells: number
  /** For each dimension: the cells that have a value there, in their order. */
  readonly byValue: readonly ReadonlyMap<string, readonly number[]>[]
}

interface GrowingIndex extends CellIndex {
  cells: number
  readonly byValue: readonly Map<string, number[]>[]
}

function addCell(index: GrowingIndex, values: ValuesByDimension): void {
  index.byValue.forEach((cells, dimension) => {
    for (const value of values[dimension] ?? []) {
      const known = cells.get(value)
      if (known === undefined) cells.set(value, [index.cells])
      else known.push(index.cells)
    }
  })
  index.cells += 1
}

function emptyIndex(dimensions: number): GrowingIndex {
  return { cells: 0, byValue: Array.from({ length: dimensions }, () => new Map<string, number[]>()) }
}

/** The first cell that shares a value in every dimension; null where none does. */
export function firstSharing({ cells, byValue }: CellIndex, values: ValuesByDimension): number | null {
  // In how many dimensions, from the first on, a cell shares a value.
  const shared = new Uint8Array(cells)
  let first: number | null = null
  byValue.forEach((found, dimension) => {
    for (const value of values[dimension] ?? [])
      for (const cell of found.get(value) ?? []) {
        if (shared[cell] !== dimension) continue
        shared[cell] = dimension + 1
        if (dimension + 1 === byValue.length && (first === null || cell < first)) first = cell
      }
  })
  return first
}

export function indexCells(cells: readonly ValuesByDimension[], dimensions: number): CellIndex {
  const index = emptyIndex(dimensions)
  for (const values of cells) addCell(index, values)
  return index
}

/** For each cell the first one before it that some group is in as well; null where there is none. */
export function firstOverlaps(cells: readonly ValuesByDimension[], dimensions: number): readonly (number | null)[] {
  const index = emptyIndex(dimensions)
  return cells.map((values) => {
    const first = firstSharing(index, values)
    addCell(index, values)
    return first
  })
}
