import { describe, expect, test } from 'vitest'
import type { Problem } from '../core/errors.ts'
import type { Result } from '../core/result.ts'
import { documentOf, readText } from './place.ts'
import { parsePlan } from './plan.ts'
import { parsePriceBook } from './book/price-book-file.ts'
import { parseRateRequest } from './calculator/rate.ts'

const plan = {
  key: 'p',
  name: 'P',
  currency: 'USD',
  effective_from: '2026-01-01T00:00:00Z',
  prices: [{ key: 'a', name: 'A', model: { kind: 'flat', amount: '1' } }],
}
const flat = { kind: 'flat', amount: '1' }
const many = <Item>(length: number, item: (index: number) => Item): readonly Item[] =>
  Array.from({ length }, (_, index) => item(index))

function problemsOf(read: Result<unknown, readonly Problem[]>): readonly Problem[] {
  return read.ok ? [] : read.error
}

const more = 'there are more problems; mend these first'

/** 200 and the word that there are more; and together no longer than a person would ever read. */
function expectBounded(problems: readonly Problem[], charactersMax = 100_000): void {
  expect(problems.length).toBe(201)
  expect(problems.at(-1)?.message).toContain(more)
  expect(JSON.stringify(problems).length).toBeLessThan(charactersMax)
}

describe('defect: a request of 1 MB was answered with millions of problems', () => {
  test('200 problems are told whole', () => {
    const unknown = Object.fromEntries(many(200, (index) => [`k${index}`, 1]))
    const problems = problemsOf(parsePlan({ ...plan, ...unknown }))
    expect(problems.length).toBe(200)
    expect(problems.some(({ message }) => message === more)).toBe(false)
  })

  test('unknown fields', () => {
    const unknown = Object.fromEntries(many(100_000, (index) => [`k${index}`, 1]))
    expectBounded(problemsOf(parsePlan({ ...plan, ...unknown })))
  })

  test('windows that are none, in every price', () => {
    const price = { each: { window: 'day' }, model: { kind: 'per_unit', unit_amount: '1' } }
    const zeros: readonly number[] = many(2500, () => 0)
    expectBounded(
      problemsOf(parseRateRequest({ currency: 'USD', prices: many(200, () => ({ price, windows: zeros })) })),
    )
  })

  test('changes that name what is not there say some of what is there', () => {
    const prices = many(200, (index) => ({ key: `p${index}`.padEnd(60, 'x'), name: 'A', model: flat }))
    const keys = many(200, (index) => `z${index}`)
    const phases = [{ key: 'f', name: 'F', length: { months: 1 }, changes: many(200, () => ({ free: keys })) }]
    const problems = problemsOf(parsePlan({ ...plan, prices, phases }))
    expect(problems.length).toBe(200)
    expect(problems[0]?.message).toMatch(/^names z0, z1, .* and 180 more, which are no prices here; there are .* more$/)
    // 20 keys of 60 characters each; all 200 were named in each of 40,000 problems.
    expect(JSON.stringify(problems).length).toBeLessThan(200 * 2000)
  })

  test('a file of many versions', () => {
    expectBounded(problemsOf(parsePriceBook({ plans: many(2000, () => ({ key: 'p', name: 5, prices: [{}] })) })))
  })
})

test('what is wrong in every currency of a plan is not more than it is in one', () => {
  const currencies = ['USD', 'EUR', 'GBP', 'CHF', 'SEK', 'NOK', 'DKK', 'PLN', 'CZK', 'AUD']
  const unknown = Object.fromEntries(many(30, (index) => [`k${index}`, 1]))
  const { currency: _, ...rest } = plan
  const prices = [{ key: 'a', name: 'A', ...unknown, model: { kind: 'per_unit', unit_amount: '1' } }]
  const problems = problemsOf(parsePlan({ ...rest, currencies, prices }))
  expect(problems.filter(({ message }) => message.startsWith('is not known here')).length).toBe(30)
  expect(problems.some(({ message }) => message === more)).toBe(false)
})

test('names with characters that a terminal obeys, or that turn the direction of text, are refused', () => {
  for (const name of ['Data\u001b[1A\u001b[2K', 'Data\nforged line', 'Data\u202eatad']) {
    const place = documentOf(name)
    readText(place, 'names it')
    expect(place.problems.map(({ message }) => message)).toEqual([expect.stringContaining('not seen')])
  }
  const place = documentOf('Datenübertragung, ausgehend – 数据')
  readText(place, 'names it')
  expect(place.problems).toEqual([])
})
