import { expect, test } from 'vitest'
import type { MeterDefinition } from '../../meter/definition.ts'
import type { Measure } from '../../store/measure/measure.ts'
import { fitProblems } from './meter-fit.ts'
import { parsePrice } from '../price.ts'

const perUnit = { kind: 'per_unit', unit_amount: '1' }
const matrix = {
  model: {
    kind: 'matrix',
    dimensions: ['country'],
    cells: [{ when: { country: ['DE', 'FR'] }, model: perUnit }],
    default: { model: perUnit },
  },
}

function fieldsOf(given: object, aggregation: object): readonly unknown[] {
  const price = parsePrice({ key: 'a', name: 'A', meter: 'visitors', ...given }, 'in a plan')
  if (!price.ok) throw new Error(JSON.stringify(price.error))
  const meter = { key: 'visitors', unit: 'visitors', groupBy: ['country'], aggregation: aggregation as Measure }
  const problems = fitProblems({ price: price.value, path: 'prices.0' }, meter as unknown as MeterDefinition)
  return problems.map(({ field, message }) => [field, message])
}

test('a matrix over a meter whose groups do not add up is refused: one visitor of two countries is not two', () => {
  const why = [
    [
      'prices.0.model.kind',
      'is no matrix: its cells add up the groups that they price, and those of meter visitors do not add up, because ' +
        'what occurs in two parts is one in the whole; write "each": { "group_by": […] } to price each group alone',
    ],
  ]
  expect(fieldsOf(matrix, { kind: 'unique', field: 'agent' })).toEqual(why)
  for (const aggregation of [{ kind: 'peak' }, { kind: 'percentile', percent: 95 }, { kind: 'max', field: 'x' }])
    expect(fieldsOf(matrix, aggregation)).toHaveLength(1)
  expect(fieldsOf(matrix, { kind: 'sum', field: 'x' })).toEqual([])
})

test('each group of such a meter may be priced alone', () => {
  const each = { each: { group_by: ['country'] }, model: perUnit }
  expect(fieldsOf(each, { kind: 'unique', field: 'agent' })).toEqual([])
})
