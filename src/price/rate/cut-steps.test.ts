import { describe, expect, test } from 'vitest'
import { lineContextOf, lineUsageOf, readPriceOf } from '../../../test/support/price-lines.ts'
import { traceProblems } from '../../../test/support/trace-evaluator.ts'
import { exact, formatExact } from '../../core/exact.ts'
import { formatMinor } from '../../core/money.ts'
import type { Micros } from '../../core/time.ts'
import { minimumTrueUp, rateLine } from './line.ts'
import type { RatedLine } from './line.ts'
import { rateLines } from './rate-lines.ts'
import { replayTrace } from './replay.ts'
import { sentencesOf } from './sentences.ts'
import { usageOf } from './slice.ts'

const half = { currency: 'USD', share: [1n, 2n], additive: true } as const
const share = 'the share of the billing period in which this price held'

/** What a customer reads, where an evaluator that knows no prices finds nothing wrong with it. */
function said(line: RatedLine | null): readonly string[] {
  if (line === null) return []
  const quantity = line.kind === 'usage' ? formatExact(line.quantity) : null
  expect(traceProblems({ quantity, amount: formatMinor(line.amount, 'USD'), trace: line.trace })).toEqual([])
  expect(replayTrace(line.trace).ok).toBe(true)
  return sentencesOf(line, 'USD')
}

function halfOf(
  price: object,
  quantity: string,
  groups: readonly { group: Record<string, string>; quantity: string }[] = [],
) {
  const usage = lineUsageOf({ quantity, windows: [], groups: [...groups], values: null })
  return said(
    rateLine(readPriceOf({ name: 'Data', unit: { name: 'GB', per: '1' }, ...price }), usage, lineContextOf(half)),
  )
}

const perUnit = { kind: 'per_unit', unit_amount: '2' }

describe('defect: half a period was charged at half the allowance, and nothing said that it is the half', () => {
  test('an allowance', () => {
    expect(halfOf({ included: '5', model: perUnit }, '10')).toEqual([
      'Data: $15.00',
      `  5 GB included × 0.5, ${share} = 2.5 GB`,
      '  10 GB less 2.5 GB included = 7.5 GB',
      '  7.5 GB beyond the 2.5 GB included × $2.00 = $15.00',
    ])
  })

  test('tiers that were entered, and no others', () => {
    const tiers = [
      { up_to: '10', unit_amount: '1' },
      { up_to: '1000', unit_amount: '0.5', flat_amount: '3' },
      { up_to: '7777', unit_amount: '0.25' },
      { unit_amount: '0.1' },
    ]
    expect(halfOf({ model: { kind: 'graduated', tiers } }, '7')).toEqual([
      'Data: $7.50',
      `  10 GB as the bound of tier 1 × 0.5, ${share} = 5 GB`,
      `  1,000 GB as the bound of tier 2 × 0.5, ${share} = 500 GB`,
      `  $3.00 for entering tier 2 × 0.5, ${share} = $1.50`,
      '  all tiers together: $7.50',
      '    5 GB × $1.00 in tier 1 (up to 5) = $5.00',
      '    2 GB × $0.50 in tier 2 (above 5, up to 500), and $1.50 for entering it = $2.50',
    ])
    expect(halfOf({ model: { kind: 'volume', tiers } }, '7').slice(1, 3)).toEqual([
      `  10 GB as the bound of tier 1 × 0.5, ${share} = 5 GB`,
      `  1,000 GB as the bound of tier 2 × 0.5, ${share} = 500 GB`,
    ])
  })

  test('discounts, the maximum and what is committed', () => {
    const model = { kind: 'committed', quantity: '10', unit_amount: '5', overage_unit_amount: '7' }
    expect(halfOf({ model, discounts: [{ name: 'Loyalty', amount: '4' }], maximum: '40' }, '12')).toEqual([
      'Data: $20.00',
      `  10 GB committed × 0.5, ${share} = 5 GB`,
      `  Loyalty: $4.00 off × 0.5, ${share} = $2.00`,
      `  at most $40.00 × 0.5, ${share} = $20.00`,
      // 5 × 5 + 7 × 7
      '  5 GB committed × $5.00, used or not, and 7 beyond × $7.00 = $74.00',
      '  Loyalty: $2.00 off, leaves $72.00',
      '  at most $20.00: $20.00',
    ])
  })

  test('a cell of a matrix says which', () => {
    const cells = [{ when: { country: 'DE' }, included: '5', model: perUnit }]
    const model = { kind: 'matrix', dimensions: ['country'], cells, default: { model: perUnit } }
    expect(halfOf({ model }, '10', [{ group: { country: 'DE' }, quantity: '10' }])[1]).toBe(
      `  country DE: 5 GB included × 0.5, ${share} = 2.5 GB`,
    )
  })

  test('a minimum, under bounds and under amounts', () => {
    for (const proration of ['bounds', 'amounts']) {
      const price = readPriceOf({ name: 'Data', minimum: '100', proration, model: perUnit })
      const line = rateLine(price, usageOf(exact('10')), lineContextOf(half))
      const costs = formatMinor(line.amount, 'USD')
      const missing = proration === 'bounds' ? '30.00' : '40.00'
      expect(said(minimumTrueUp(price, line, lineContextOf(half)))).toEqual([
        `Data: minimum: $${missing}`,
        `  at least $100.00 × 0.5, ${share} = $50.00`,
        `  at least $50.00, less the $${costs} that the line costs = $${missing}`,
      ])
    }
  })

  test('a commitment over lines', () => {
    const whole = { from: 0 as Micros, to: 1_000_000 as Micros }
    const part = (price: object, quantity: string) => ({
      price: readPriceOf(price),
      part: whole,
      usage: usageOf(exact(quantity)),
      ...lineContextOf(half),
    })
    const commitment = { key: 'c', name: 'Commitment', model: { kind: 'commitment', amount: '100', of: 'all' } }
    const parts = [part({ key: 'a', name: 'Data', model: perUnit }, '10'), part(commitment, '0')]
    const lines = rateLines(parts, { currency: 'USD', traced: true })
    expect(said(lines[1]?.line ?? null)).toEqual([
      'Commitment: true-up: $30.00',
      `  $100.00 committed × 0.5, ${share} = $50.00`,
      '  what the lines cost together: $20.00',
      '    Data: $20.00',
      '  $50.00 committed, less the $20.00 that the lines cost = $30.00',
    ])
  })

  test('nothing is cut in a whole period, and nothing is said where nobody asks', () => {
    const price = readPriceOf({ name: 'Data', included: '5', model: perUnit })
    const [whole, quiet] = [
      rateLine(price, usageOf(exact('10')), lineContextOf({ ...half, share: [1n, 1n] })),
      rateLine(price, usageOf(exact('10')), { ...lineContextOf(half), traced: false }),
    ]
    expect(whole.trace.map(({ step }) => step)).toEqual(['allowance', 'price', 'round'])
    expect(quiet.trace).toEqual([])
  })
})
