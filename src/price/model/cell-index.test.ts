import fc from 'fast-check'
import { expect, test } from 'vitest'
import { firstOverlaps, firstSharing, indexCells } from './cell-index.ts'
import type { ValuesByDimension } from './cell-index.ts'

const values = fc.subarray(['a', 'b', 'c', 'd'], { minLength: 1 })
const cell = fc.tuple(values, values)

/** Slow and plain: every value against every value. */
const share = (one: ValuesByDimension, other: ValuesByDimension): boolean =>
  one.every((list, dimension) => list.some((value) => other[dimension]?.includes(value) === true))

function firstOf(cells: readonly ValuesByDimension[], wanted: ValuesByDimension): number | null {
  const found = cells.findIndex((one) => share(wanted, one))
  return found < 0 ? null : found
}

test('finds what a walk over all cells finds', () => {
  fc.assert(
    fc.property(fc.array(cell, { maxLength: 8 }), fc.tuple(fc.subarray(['a', 'b', 'x']), values), (cells, wanted) => {
      expect(firstSharing(indexCells(cells, 2), wanted)).toBe(firstOf(cells, wanted))
      expect(firstOverlaps(cells, 2)).toEqual(cells.map((one, index) => firstOf(cells.slice(0, index), one)))
    }),
  )
})
