import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ExactNumber, parseJson } from './json.ts'

function field(text: string): unknown {
  const parsed = parseJson(`{ "a" : ${text}, "b": "1.5" }`)
  return parsed.ok ? (parsed.value as { a: unknown }).a : parsed.error
}

/** A decimal as digits over a power of ten: plain school arithmetic, no floating point. */
function ratio(text: string): { digits: bigint; below: number } {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  const shift = Number(exponent) - fraction.length
  return { digits: BigInt(whole + fraction) * 10n ** BigInt(Math.max(0, shift)), below: Math.max(0, -shift) }
}

function same(one: string, other: string): boolean {
  const [a, b] = [ratio(one), ratio(other)]
  return a.digits * 10n ** BigInt(b.below) === b.digits * 10n ** BigInt(a.below)
}

const literal = fc.stringMatching(/^-?(0|[1-9]\d{0,24})(\.\d{1,24})?([eE][+-]?\d{1,2})?$/)

describe('numbers keep every digit', () => {
  test('property: what comes out is what was written, as a safe number or as plain digits', () => {
    fc.assert(
      fc.property(literal, (text) => {
        const value = field(text)
        if (typeof value === 'number') expect(Number.isSafeInteger(value)).toBe(true)
        else expect(value).toBeInstanceOf(ExactNumber)
        const digits = value instanceof ExactNumber ? value.text : String(value)
        expect(digits).toMatch(/^-?\d+(\.\d+)?$/)
        expect(same(digits, text), `${text} became ${digits}`).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  test.each([
    ['12', 12],
    ['1.0', 1],
    ['1.5e3', 1_500],
    ['9007199254740991', 9_007_199_254_740_991],
    ['9007199254740992', new ExactNumber('9007199254740992')],
    ['18014398509481984', new ExactNumber('18014398509481984')],
    ['0.1', new ExactNumber('0.1')],
    ['5.00000000000000001', new ExactNumber('5.00000000000000001')],
    ['1e401', new ExactNumber('1e401')],
  ])('%s', (text, expected) => {
    expect(field(text)).toEqual(expected)
  })

  test('a number is read the same way whatever stands beside it', () => {
    const beside = parseJson('{"a":1e3,"b":9007199254740993}')
    expect(beside.ok && beside.value).toEqual({ a: 1_000, b: new ExactNumber('9007199254740993') })
  })

  test('hundreds of thousands of digits are read in a moment', () => {
    const started = performance.now()
    field(`0.${'0'.repeat(100_000)}1${'0'.repeat(100_000)}e-399`)
    expect(performance.now() - started).toBeLessThan(1_000)
  })
})
