/**
 * Rational numbers as two bigints, for oracles: nothing of src/core/exact.ts and nothing of a library, so that a mistake
 * there is not also here. Slow on purpose.
 */
export interface Rational {
  readonly n: bigint
  /** Above zero. */
  readonly d: bigint
}

function divisor(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b]
  while (y !== 0n) [x, y] = [y, x % y]
  return x
}

export function rational(n: bigint, d = 1n): Rational {
  if (d === 0n) throw new Error('divided by zero')
  const [top, bottom] = d < 0n ? [-n, -d] : [n, d]
  const common = divisor(top, bottom)
  return { n: top / common, d: bottom / common }
}

/** `12.5`, `-3`, `10/3`. */
export function readRational(text: string): Rational {
  const [top = '', bottom = '1'] = text.split('/')
  const [whole = '', decimals = ''] = top.split('.')
  return rational(BigInt(whole + decimals), BigInt(bottom) * 10n ** BigInt(decimals.length))
}

export const nothing = rational(0n)
export const plus = (a: Rational, b: Rational): Rational => rational(a.n * b.d + b.n * a.d, a.d * b.d)
export const minus = (a: Rational, b: Rational): Rational => rational(a.n * b.d - b.n * a.d, a.d * b.d)
export const times = (a: Rational, b: Rational): Rational => rational(a.n * b.n, a.d * b.d)
export const over = (a: Rational, b: Rational): Rational => rational(a.n * b.d, a.d * b.n)
export const isAbove = (a: Rational, b: Rational): boolean => a.n * b.d > b.n * a.d
export const isSame = (a: Rational, b: Rational): boolean => a.n * b.d === b.n * a.d
export const least = (a: Rational, b: Rational): Rational => (isAbove(a, b) ? b : a)
export const most = (a: Rational, b: Rational): Rational => (isAbove(a, b) ? a : b)
export const together = (all: readonly Rational[]): Rational => all.reduce(plus, nothing)

/** The largest whole number that is not above it. */
export function below({ n, d }: Rational): bigint {
  return n >= 0n ? n / d : -((-n + d - 1n) / d)
}

/** The smallest whole number that is not below it. */
export function above(value: Rational): bigint {
  return -below({ n: -value.n, d: value.d })
}

/** The nearest whole number; halves go away from zero. */
export function nearest({ n, d }: Rational): bigint {
  return n >= 0n ? below(rational(2n * n + d, 2n * d)) : above(rational(2n * n - d, 2n * d))
}

/** Counted in 10^-digits, by one of the three above. */
export function inSteps(value: Rational, digits: number, round: (value: Rational) => bigint): Rational {
  const power = 10n ** BigInt(digits)
  return rational(round(times(value, rational(power))), power)
}

export function rationalText({ n, d }: Rational): string {
  return d === 1n ? n.toString() : `${n}/${d}`
}
