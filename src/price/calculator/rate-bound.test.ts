import { describe, expect, test } from 'vitest'
import { parseRateRequest, rate } from './rate.ts'

/** What is taken is answered in so many characters at most; the bound is an estimate. */
const answerMax = 12_000_000

const many = <Item>(length: number, item: (index: number) => Item): readonly Item[] =>
  Array.from({ length }, (_, index) => item(index))

/** Characters of the answer; null where the request is refused as too long to explain, and for nothing else. */
function answered(body: object): number | null {
  const parsed = parseRateRequest(body)
  if (parsed.ok) return JSON.stringify(rate(parsed.value)).length
  expect(parsed.error.map(({ field }) => field)).toEqual([''])
  expect(parsed.error[0]?.message).toContain('to explain, at most')
  return null
}

const usd = { currency: 'USD' }
const hour = (index: number): string => new Date(Date.UTC(2026, 0, 1) + index * 3_600_000).toISOString()
const hours = (length: number, quantity: string): readonly object[] =>
  many(length, (index) => ({ from: hour(index), to: hour(index + 1), quantity }))
const perUnit = { kind: 'per_unit', unit_amount: '0.1' }

describe('defect: a short request had an answer of tens of megabytes', () => {
  test('surcharges on surcharges say every line below them', () => {
    const keys = many(200, (index) => `p${index}`)
    const chain = many(200, (index) => ({
      price: {
        key: `p${index}`,
        model:
          index === 0
            ? { kind: 'flat', amount: '1' }
            : { kind: 'surcharge', percent: '999999', of: keys.slice(0, index) },
      },
    }))
    // It was 26.6 MB.
    expect(answered({ ...usd, prices: chain })).toBeNull()
    // In a row, each over the one before, there are 199 lines below and not 19,900.
    const row = chain.slice(0, 20).map(({ price }, index) => {
      const model = index === 0 ? price.model : { kind: 'surcharge', percent: '5', of: [`p${index - 1}`] }
      return { price: { ...price, model } }
    })
    expect(answered({ ...usd, prices: row })).toBeLessThan(50_000)
  })

  test('numbers of many digits are in every step', () => {
    const tiers = [
      { up_to: '1000.000000000000000001', unit_amount: '0.123456789012345678', flat_amount: '1' },
      { unit_amount: '0.1' },
    ]
    const body = (length: number, quantity: string, per: string): object => ({
      ...usd,
      period: { from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00.000001Z' },
      part: { from: '2026-01-01T00:00:00Z', to: '2026-01-11T00:00:00.000003Z' },
      price: {
        unit: { name: 'x', per },
        each: { group_by: ['a'] },
        included: '0.1',
        model: { kind: 'graduated', tiers },
      },
      groups: many(length, (index) => ({ group: { a: `g${index}` }, quantity })),
    })
    const long = '999999999999999.123456789012345678'
    expect(answered(body(8000, long, '7.000000000000000003'))).toBeNull()
    expect(answered(body(1000, long, '7.000000000000000003'))).toBeLessThan(answerMax)
    expect(answered(body(1000, '5', '1000'))).toBeLessThan(answerMax)
  })

  test('names of units are in every step', () => {
    const price = { unit: { name: 'u'.repeat(200), per: '1000' }, each: { group_by: ['a'] }, model: perUnit }
    const groups = (length: number): readonly object[] =>
      many(length, (index) => ({ group: { a: `g${index}` }, quantity: '9' }))
    expect(answered({ ...usd, price, groups: groups(8000) })).toBeNull()
    expect(answered({ ...usd, price, groups: groups(500) })).toBeLessThan(answerMax)
  })

  test('every hour of a year is taken', () => {
    const price = { unit: { name: 'GB', per: '1000000000' }, each: { window: 'hour' }, model: perUnit }
    expect(answered({ ...usd, price, windows: hours(8760, '12345678901') })).toBeLessThan(answerMax)
  })

  test('10^30 of something is taken, more digits are not', () => {
    const ask = (quantity: string): boolean => parseRateRequest({ ...usd, price: { model: perUnit }, quantity }).ok
    expect(ask(`1${'0'.repeat(30)}`)).toBe(true)
    expect(ask(`1${'0'.repeat(31)}`)).toBe(false)
  })
})
