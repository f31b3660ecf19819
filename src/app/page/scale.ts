import { compare, divide, exact, formatScaled, multiply, roundToInteger, zero } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'

/** Vertical scale of a picture: from zero to `top`, with a line at each tick. */
export interface Scale {
  readonly top: Exact
  readonly ticks: readonly Exact[]
}

const stepsMax = 4
const steps = [1n, 2n, 5n] as const

/** The least of 1, 2, 5, 10, 20, 50, … of which four reach the greatest value. */
function stepFor(greatest: Exact): Exact {
  for (let power = exact('0.001'); ; power = multiply(power, exact(10n))) {
    for (const step of steps) {
      const size = multiply(exact(step), power)
      if (compare(multiply(size, exact(BigInt(stepsMax))), greatest) >= 0) return size
    }
  }
}

/** Ticks at readable numbers, the last one at or above the greatest value. Without any value the scale is 0 to 1. */
export function scaleOf(values: readonly Exact[]): Scale {
  const greatest = values.reduce((most, value) => (compare(value, most) > 0 ? value : most), zero)
  if (compare(greatest, zero) === 0) return { top: exact(1n), ticks: [zero] }
  const step = stepFor(greatest)
  const ticks = [zero]
  for (let count = 1n; compare(ticks.at(-1) ?? zero, greatest) < 0; count += 1n)
    ticks.push(multiply(exact(count), step))
  return { top: ticks.at(-1) ?? step, ticks }
}

/** The value's share of a height, in hundredths of a pixel: exact arithmetic until this one rounding. */
export function heightOf(value: Exact, scale: Scale, height: number): bigint {
  return roundToInteger(divide(multiply(value, exact(BigInt(height))), scale.top), 2)
}

/** Hundredths of a pixel as an attribute: 1250n → `12.50`. */
export function pixels(hundredths: bigint): string {
  return formatScaled(hundredths, 2)
}
