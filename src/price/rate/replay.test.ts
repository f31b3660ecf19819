import { expect, test } from 'vitest'
import { formatExact } from '../../core/exact.ts'
import { evaluateFormula } from './replay.ts'

test.each([
  ['2 + 3 * 4', '14'],
  ['(2 + 3) * 4', '20'],
  ['10 - 4 - 3', '3'],
  ['12 / 4 / 3', '1'],
  ['(-3) * 2', '-6'],
  ['max(1 - 5, 0)', '0'],
  ['(min(25, 20) - 10) * 0.5 + 2', '7'],
  ['round(1.005, 2)', '1.01'],
  ['round((-1.005), 2)', '-1.01'],
  ['(1/3) * 3', '1'],
  ['1 / 3', '1/3'],
])('%s is %s', (formula, value) => {
  expect(formatExact(evaluateFormula(formula))).toBe(value)
})

test.each(['', '1 +', '1 2', 'sqrt(4, 2)', '1 ; 2', '(1', 'max(1)', '1 / 0'])('"%s" is not a formula', (formula) => {
  expect(() => evaluateFormula(formula)).toThrow('assertion failed')
})
