import { describe, expect, test } from 'vitest'
import { formatMinor } from '../../src/core/money.ts'
import type { RatedLine } from '../../src/price/rate/line.ts'
import { priceOurs, wholeDollars } from './price-lines.ts'
import { rationalText } from './plain-rational.ts'
import { calculate, traceProblems } from './trace-evaluator.ts'

/** Who checks others is checked first: the evaluator of traces has to notice. */
describe('the evaluator notices', () => {
  const { line } = priceOurs(
    {
      key: 'p',
      name: 'P',
      model: { kind: 'graduated', tiers: [{ up_to: '10', unit_amount: '1' }, { unit_amount: '0.5' }] },
      included: '5',
    },
    { quantity: '25', windows: [], groups: [], values: null },
    wholeDollars,
  )
  const check = (trace: RatedLine['trace']): readonly string[] =>
    traceProblems({ quantity: '25', amount: formatMinor(line.amount, 'USD'), trace })

  test('nothing where all is right', () => {
    expect(line.trace.map(({ step, formula }) => [step, formula])).toEqual([
      ['allowance', 'max(25 - 5, 0)'],
      ['price', '10 + 5'],
      ['round', 'round(15, 2)'],
    ])
    expect(check(line.trace)).toEqual([])
  })

  test.each([
    ['a result that is not what the formula gives', 1, { result: '16' }],
    ['a formula that does not go on from the step before', 0, { formula: 'max(26 - 6, 0)' }],
    ['parts that are together another number', 1, { parts: [] as never[], formula: '15' }],
    ['another end', 2, { formula: 'round(15.00, 2) + 1', result: '16' }],
  ])('%s', (_, at, change) => {
    const forged = line.trace.map((step, index) => (index === at ? { ...step, ...change } : step))
    expect(check(forged)).not.toEqual([])
  })

  test('a part that was left out, and steps out of their order', () => {
    const less = line.trace.map((step) => ({
      ...step,
      ...(step.parts === undefined ? {} : { parts: step.parts.slice(1) }),
    }))
    expect(check(less)).not.toEqual([])
    expect(check(line.trace.toReversed())).not.toEqual([])
  })
})

test.each([
  ['1 + 2 * 3', '7'],
  ['(1 + 2) * 3 - 4 / 2 / 2', '8'],
  ['10 - 3 - 2', '5'],
  ['max(min(5, 3) - 4, 0) + 1', '1'],
  ['ceil(7 / 2) + floor(7 / 2)', '7'],
  ['ceil(-7 / 2)', '-3'],
  ['round(2.345, 2) * 100', '235'],
  ['round((-5/1000), 2)', '-1/100'],
  ['(10/3) * 3', '10'],
])('%s is %s', (formula, result) => {
  expect(rationalText(calculate(formula))).toBe(result)
})

test.each(['1 +', '1 2', '(1', 'sqrt(4)', '2 ^ 3', ''])('"%s" is no formula', (formula) => {
  expect(() => calculate(formula)).toThrow()
})
