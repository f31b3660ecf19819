import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  add,
  compare,
  decimalsOf,
  divide,
  exact,
  formatExact,
  multiply,
  parseExact,
  roundToInteger,
  subtract,
  zero,
} from './exact.ts'
import { formatMinor, readMinor, roundToMinor } from './money.ts'

const decimal = fc
  .tuple(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), fc.integer({ min: 0, max: 20 }))
  .map(([scaled, digits]) => ({ scaled, digits, text: textOf(scaled, digits) }))

function textOf(scaled: bigint, digits: number): string {
  const sign = scaled < 0n ? '-' : ''
  const text = (scaled < 0n ? -scaled : scaled).toString().padStart(digits + 1, '0')
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`
}

describe('exact numbers (L4)', () => {
  test('property: sums and products equal those of scaled big integers', () => {
    fc.assert(
      fc.property(decimal, decimal, (a, b) => {
        const places = Math.max(a.digits, b.digits)
        const sum = a.scaled * 10n ** BigInt(places - a.digits) + b.scaled * 10n ** BigInt(places - b.digits)
        expect(roundToInteger(add(exact(a.text), exact(b.text)), places)).toBe(sum)
        expect(roundToInteger(multiply(exact(a.text), exact(b.text)), a.digits + b.digits)).toBe(a.scaled * b.scaled)
      }),
    )
  })

  test('property: what is written is what was read, without trailing zeros', () => {
    fc.assert(
      fc.property(decimal, ({ text }) => {
        const written = formatExact(exact(text))
        expect(written).not.toMatch(/\.\d*0$/)
        expect(parseExact(written)).toEqual({ ok: true, value: exact(text) })
      }),
    )
  })

  test.each([
    ['1.005', 2, 101n],
    ['-1.005', 2, -101n],
    ['0.5', 0, 1n],
    ['-0.5', 0, -1n],
    ['0.4999999999999999999', 0, 0n],
    ['2.5', 0, 3n],
  ])('%s to %i decimals: halves go away from zero', (text, digits, expected) => {
    expect(roundToInteger(exact(text), digits)).toBe(expected)
  })

  test('a number without a finite expansion is never cut off in silence', () => {
    const third = divide(exact(1n), exact(3n))
    expect(decimalsOf(third)).toBeNull()
    expect(formatExact(third)).toBe('1/3')
  })

  test.each(['1e3', '+1', ' 1', '1.', '.5', '0x10', 'NaN', '١', ''])('%j is not a plain decimal', (text) => {
    expect(parseExact(text).ok).toBe(false)
  })

  test('each currency has its own minor unit', () => {
    const amount = exact('1234.5675')
    expect([roundToMinor(amount, 'USD'), roundToMinor(amount, 'JPY'), roundToMinor(amount, 'KWD')]).toEqual([
      123_457n,
      1_235n,
      1_234_568n,
    ])
    expect(formatMinor(readMinor('-0.05', 'USD'), 'USD')).toBe('-0.05')
    expect(formatMinor(readMinor('7', 'JPY'), 'JPY')).toBe('7')
  })
})

test('nothing divided by a number that needs big integers is nothing, and ends', () => {
  const wide = exact('123456789012345678901234567890')
  expect(compare(divide(zero, wide), zero)).toBe(0)
  expect(compare(divide(subtract(wide, wide), wide), zero)).toBe(0)
})

test('an exact number in JSON is its text: never the way in which it is held, and never a JSON number', () => {
  const numbers = [exact('12.50'), exact(2n ** 80n), divide(exact(1n), exact(3n))]
  expect(JSON.stringify({ numbers })).toBe('{"numbers":["12.5","1208925819614629174706176","1/3"]}')
})

test('a test that compares values means the value, however it is held', () => {
  const long = multiply(exact('73.7'), exact('100'))
  const other = add(exact('7369.5'), exact('0.5'))
  expect({ rows: [long] }).toEqual({ rows: [exact('7370')] })
  expect({ rows: [other] }).toEqual({ rows: [exact('7370')] })
  expect({ rows: [other] }).not.toEqual({ rows: [exact('7371')] })
})
