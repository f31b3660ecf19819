/**
 * Exact numbers against the slow and obvious way: fractions of big integers, reduced after each step. The numbers are of
 * all sizes, and many lie where `core/exact.ts` changes from Numbers to big integers.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  add,
  ceilingToInteger,
  compare,
  decimalsOf,
  denominatorOf,
  divide,
  exact,
  exactOf,
  floorToInteger,
  formatExact,
  formatQuantity,
  isNegative,
  isZero,
  larger,
  multiply,
  numeratorOf,
  one,
  parseExact,
  roundToInteger,
  smaller,
  subtract,
  sum,
  zero,
} from '../../src/core/exact.ts'
import type { Exact } from '../../src/core/exact.ts'

/** n / d in lowest terms, d above zero. */
interface Ratio {
  readonly n: bigint
  readonly d: bigint
}

const sizeOf = (n: bigint): bigint => (n < 0n ? -n : n)

function ratio(n: bigint, d: bigint): Ratio {
  let [a, b] = [sizeOf(n), sizeOf(d)]
  while (b !== 0n) [a, b] = [b, a % b]
  const sign = d < 0n ? -1n : 1n
  return { n: (sign * n) / a, d: (sign * d) / a }
}

const plus = (a: Ratio, b: Ratio): Ratio => ratio(a.n * b.d + b.n * a.d, a.d * b.d)
const minus = (a: Ratio, b: Ratio): Ratio => ratio(a.n * b.d - b.n * a.d, a.d * b.d)
const times = (a: Ratio, b: Ratio): Ratio => ratio(a.n * b.n, a.d * b.d)
const over = (a: Ratio, b: Ratio): Ratio => ratio(a.n * b.d, a.d * b.n)

function orderOf(a: Ratio, b: Ratio): number {
  const difference = minus(a, b).n
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

/** The greatest whole number that is not above n / d. */
function floorOf({ n, d }: Ratio): bigint {
  const cut = n / d
  return cut * d > n ? cut - 1n : cut
}

const scaledBy = (value: Ratio, digits: number): Ratio => ratio(value.n * 10n ** BigInt(digits), value.d)

/** Halves away from zero: half is added to the size, and the sign is put back. */
function nearest(value: Ratio): bigint {
  const size = floorOf(plus(ratio(sizeOf(value.n), value.d), ratio(1n, 2n)))
  return value.n < 0n ? -size : size
}

/** Written by long division; the fraction where that has no end. */
function textOf(value: Ratio): string {
  const size = sizeOf(value.n)
  let [digits, rest] = ['', size % value.d]
  while (rest !== 0n && digits.length <= 400) {
    digits += ((rest * 10n) / value.d).toString()
    rest = (rest * 10n) % value.d
  }
  if (rest !== 0n) return `${value.n}/${value.d}`
  return `${value.n < 0n ? '-' : ''}${size / value.d}${digits === '' ? '' : `.${digits}`}`
}

const known = (value: Exact): Ratio => ({ n: numeratorOf(value), d: denominatorOf(value) })

/** The same number in both ways. */
interface Both {
  readonly exact: Exact
  readonly ratio: Ratio
}

const both = (n: bigint, d: bigint): Both => ({ exact: divide(exact(n), exact(d)), ratio: ratio(n, d) })

/** Where Numbers end, where divisors do, and what is a power of ten more or less. */
const edges = [2n ** 53n, 2n ** 31n, 2n ** 32n, 2n ** 63n, 2n ** 64n, 2n ** 128n, 10n ** 15n, 10n ** 16n, 10n ** 30n]
const edge = fc
  .tuple(fc.constantFrom(...edges), fc.bigInt({ min: -3n, max: 3n }), fc.integer({ min: 0, max: 20 }), fc.boolean())
  .map(([value, more, power, isNegativeOne]) => (isNegativeOne ? -1n : 1n) * (value + more) * 10n ** BigInt(power))
/** As many digits as are drawn, so that small and large ones are as likely. */
const anySize = fc
  .tuple(fc.integer({ min: 1, max: 41 }), fc.bigInt({ min: -(10n ** 41n), max: 10n ** 41n }))
  .map(([digits, value]) => value % 10n ** BigInt(digits))
const whole = fc.oneof(anySize, edge, fc.bigInt({ min: -12n, max: 12n }))

const decimal = fc
  .tuple(whole, fc.integer({ min: 0, max: 18 }))
  .map(([scaled, digits]): Both => ({ exact: exactOf(scaled, digits), ratio: ratio(scaled, 10n ** BigInt(digits)) }))
const primes = [1_000_000_007n, 1_999_999_973n, 2n ** 31n - 1n]
const divisors = [3n, 7n, 31n, 12n, 1024n, 2n ** 30n, 2n ** 40n, 2_678_400_000_000n, 10n ** 18n + 9n, ...primes]
const fraction = fc
  .tuple(whole, fc.oneof(fc.constantFrom(...divisors), whole))
  .map(([n, d]) => both(n, d === 0n ? 1n : d))
/** Each of n and d fits into a Number, and what two of them make does not. */
const narrow = fc.tuple(fc.maxSafeInteger(), fc.constantFrom(...primes)).map(([n, d]) => both(BigInt(n), d))
const number = fc.oneof(decimal, decimal, fraction, narrow)

const operations = {
  add: [add, plus],
  subtract: [subtract, minus],
  multiply: [multiply, times],
  divide: [divide, over],
} as const
type Operation = keyof typeof operations

function apply(operation: Operation, a: Both, b: Both): Both {
  const [exactly, slowly] = operations[operation]
  return { exact: exactly(a.exact, b.exact), ratio: slowly(a.ratio, b.ratio) }
}

describe('exact numbers are fractions of big integers (L4)', () => {
  test.each(Object.keys(operations) as Operation[])('%s', (operation) => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        fc.pre(operation !== 'divide' || b.ratio.n !== 0n)
        const result = apply(operation, a, b)
        expect(known(result.exact)).toEqual(result.ratio)
      }),
      { numRuns: 2_000 },
    )
  })

  test('order, the smaller and the larger one', () => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        const order = orderOf(a.ratio, b.ratio)
        expect(Math.sign(compare(a.exact, b.exact))).toBe(order)
        expect(known(smaller(a.exact, b.exact))).toEqual(order <= 0 ? a.ratio : b.ratio)
        expect(known(larger(a.exact, b.exact))).toEqual(order >= 0 ? a.ratio : b.ratio)
        expect([isZero(a.exact), isNegative(a.exact)]).toEqual([a.ratio.n === 0n, a.ratio.n < 0n])
      }),
      { numRuns: 2_000 },
    )
  })

  test('numbers that differ by as little as there is are not equal, and a number made in another way is', () => {
    const little = fc.tuple(whole, fc.integer({ min: 0, max: 18 }), fc.integer({ min: 19, max: 40 }))
    fc.assert(
      fc.property(number, number, (a, b) => {
        fc.pre(a.ratio.d !== b.ratio.d && b.ratio.n !== 0n)
        // a and the nearest fraction with the divisor of b, below or above it.
        const n = floorOf(times(a.ratio, ratio(b.ratio.d, 1n)))
        for (const near of [both(n, b.ratio.d), both(n + 1n, b.ratio.d)])
          expect(Math.sign(compare(a.exact, near.exact))).toBe(orderOf(a.ratio, near.ratio))
      }),
    )
    fc.assert(
      fc.property(little, ([scaled, digits, fine]) => {
        const value = exactOf(scaled, digits)
        const above = add(value, exactOf(1n, fine))
        expect([compare(value, above) < 0, compare(above, value) > 0]).toEqual([true, true])
        expect(compare(subtract(above, exactOf(1n, fine)), value)).toBe(0)
        expect(compare(divide(multiply(value, exact(7n)), exact(7n)), value)).toBe(0)
      }),
    )
  })

  test('a long calculation: results of results, of all kinds', () => {
    const steps = fc.array(fc.tuple(fc.constantFrom<Operation>('add', 'subtract', 'multiply', 'divide'), number), {
      maxLength: 12,
    })
    fc.assert(
      fc.property(number, steps, (first, rest) => {
        let value = first
        for (const [operation, next] of rest) {
          if (operation === 'divide' && next.ratio.n === 0n) continue
          value = apply(operation, value, next)
          expect(known(value.exact)).toEqual(value.ratio)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('a sum in any order', () => {
    fc.assert(
      fc.property(fc.array(number, { maxLength: 30 }), (values) => {
        const total = values.reduce((ratioSum, value) => plus(ratioSum, value.ratio), ratio(0n, 1n))
        expect(known(sum(values.map((value) => value.exact)))).toEqual(total)
        expect(known(sum(values.map((value) => value.exact).toReversed()))).toEqual(total)
      }),
      { numRuns: 300 },
    )
  })

  test('rounding: down, up, and halves away from zero', () => {
    const half = fc
      .tuple(whole, fc.integer({ min: 0, max: 20 }))
      .map(([n, digits]) => both(2n * n + 1n, 2n * 10n ** BigInt(digits)))
    fc.assert(
      fc.property(fc.oneof(number, half), fc.integer({ min: 0, max: 20 }), (value, digits) => {
        const scaled = scaledBy(value.ratio, digits)
        const floor = floorOf(scaled)
        expect(roundToInteger(value.exact, digits)).toBe(nearest(scaled))
        expect(floorToInteger(value.exact, digits)).toBe(floor)
        expect(ceilingToInteger(value.exact, digits)).toBe(scaled.d === 1n ? floor : floor + 1n)
      }),
      { numRuns: 3_000 },
    )
  })
})

describe('exact numbers as text', () => {
  test('a finite one has all its decimals and no more, and is read back; an endless one is its fraction', () => {
    fc.assert(
      fc.property(number, (value) => {
        const text = textOf(value.ratio)
        const decimals = text.includes('/') ? null : (text.split('.')[1] ?? '').length
        expect(formatExact(value.exact)).toBe(text)
        expect(decimalsOf(value.exact)).toBe(decimals)
        const read = parseExact(text)
        expect(read.ok ? known(read.value) : null).toEqual(/^-?\d{1,60}(\.\d{1,30})?$/.test(text) ? value.ratio : null)
      }),
      { numRuns: 2_000 },
    )
  })

  test('the results of calculations are written without zeros at their end too', () => {
    fc.assert(
      fc.property(decimal, decimal, (a, b) => {
        expect(formatExact(multiply(a.exact, b.exact))).toBe(textOf(times(a.ratio, b.ratio)))
        expect(formatExact(add(a.exact, b.exact))).toBe(textOf(plus(a.ratio, b.ratio)))
      }),
      { numRuns: 1_000 },
    )
  })

  test('zeros before and behind the digits are not part of the number', () => {
    const zeros = fc.integer({ min: 0, max: 8 }).map((count) => '0'.repeat(count))
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 20n }), zeros, zeros, fc.boolean(), (n, before, behind, sign) => {
        const read = exact(`${sign ? '-' : ''}${before}${n}.${behind}0`)
        expect(formatExact(read)).toBe(sign && n !== 0n ? `-${n}` : `${n}`)
      }),
    )
  })

  test('a quantity has at most 18 decimals, rounded once', () => {
    fc.assert(
      fc.property(number, (value) => {
        const text = textOf(value.ratio)
        const isShort = !text.includes('/') && (text.split('.')[1] ?? '').length <= 18
        expect(known(exact(formatQuantity(value.exact)))).toEqual(
          isShort ? value.ratio : ratio(nearest(scaledBy(value.ratio, 18)), 10n ** 18n),
        )
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('edges', () => {
  const largest = exact(BigInt(Number.MAX_SAFE_INTEGER))

  test('beyond 2^53 every unit counts', () => {
    const texts = [add(largest, one), add(add(largest, one), one), subtract(subtract(zero, largest), exact(2n))]
    expect(texts.map(formatExact)).toEqual(['9007199254740992', '9007199254740993', '-9007199254740993'])
    expect(formatExact(multiply(exact('94906267'), exact('94906267')))).toBe('9007199515875289')
    expect(compare(exact('9007199254740993'), exact('9007199254740992'))).toBeGreaterThan(0)
  })

  test('what came back from beyond is the same number', () => {
    const beyond = multiply(largest, exact('1000000.000001'))
    expect(compare(divide(beyond, exact('1000000.000001')), largest)).toBe(0)
    expect(compare(subtract(add(largest, largest), largest), largest)).toBe(0)
  })

  test('alignment that does not fit, although the sum does', () => {
    expect(formatExact(subtract(exact('1000000000000000.1'), exact('1000000000000000')))).toBe('0.1')
    expect(formatExact(add(exact('900719925474099.3'), exact('-900719925474099.1')))).toBe('0.2')
    expect(formatExact(add(exact(`1${'0'.repeat(59)}`), exact(`0.${'0'.repeat(29)}1`)))).toBe(
      `1${'0'.repeat(59)}.${'0'.repeat(29)}1`,
    )
  })

  test('there is no negative zero', () => {
    const zeros = [
      exact('-0'),
      exact('-0.00'),
      multiply(exact('-5'), zero),
      multiply(zero, exact('-0.1')),
      divide(zero, exact('-3')),
      subtract(exact('-0.3'), exact('-0.3')),
      subtract(divide(one, exact('-3')), divide(one, exact('-3'))),
    ]
    for (const value of zeros) {
      expect([formatExact(value), isZero(value), isNegative(value)]).toEqual(['0', true, false])
      expect([roundToInteger(value, 2), compare(value, zero)]).toEqual([0n, 0])
    }
  })

  test('a third is exact until it is rounded', () => {
    const third = divide(one, exact(3n))
    expect(compare(sum([third, third, third]), one)).toBe(0)
    expect([roundToInteger(third, 2), roundToInteger(subtract(zero, third), 2)]).toEqual([33n, -33n])
  })

  test('a divisor of zero is a bug of the caller', () => {
    expect(() => divide(one, subtract(one, one))).toThrow('the divisor is not zero')
  })

  test('many additions of different fractions do not lose the number, and end where they began', () => {
    const shares = Array.from({ length: 60 }, (_, index) => divide(one, exact(BigInt(index + 2))))
    const total = sum([...shares, ...shares.map((share) => subtract(zero, share))])
    expect([isZero(total), formatExact(add(total, one))]).toEqual([true, '1'])
  })
})
