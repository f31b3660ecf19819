/**
 * The sample's own small generator (sfc32, public domain, by Chris Doty-Humphrey): the same words give the
 * same sample on every machine. Only whole numbers come out, so nothing depends on how a platform rounds.
 */
export interface Random {
  /** 0 ≤ value < 2^32. */
  word(): number
  /** A whole number, 0 ≤ value < limit; the limit may be beyond 2^32. */
  below(limit: number): number
  /** True once in so many calls, on average. */
  onceIn(many: number): boolean
}

const wordRange = 2 ** 32
/** The words that seed a generator are stirred in until they no longer show in what comes out. */
const warmUpRounds = 12

/** Every habit has a generator of its own for every hour, so what is drawn does not depend on what was drawn before. */
export interface Seed {
  readonly seed: number
  readonly stream: number
  readonly step: number
}

export function randomOf({ seed, stream, step }: Seed): Random {
  let a = seed | 0
  let b = stream | 0
  let c = step | 0
  let counter = 1
  const word = (): number => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + sum) | 0
    return sum >>> 0
  }
  for (let round = 0; round < warmUpRounds; round += 1) word()
  const below = (limit: number): number => Math.floor((word() / wordRange) * limit)
  return { word, below, onceIn: (many) => below(many) === 0 }
}

/** Values with weights, in the order in which they are drawn. */
export interface Choices<T> {
  readonly total: number
  readonly items: readonly { readonly weight: number; readonly value: T }[]
}

export function choices<T>(items: readonly (readonly [weight: number, value: T])[]): Choices<T> {
  return {
    total: items.reduce((total, [weight]) => total + weight, 0),
    items: items.map(([weight, value]) => ({ weight, value })),
  }
}

/** One of the values, as often as its weight says. */
export function choose<T>(random: Random, from: Choices<T>): T {
  let left = random.below(from.total)
  for (const { weight, value } of from.items) {
    left -= weight
    if (left < 0) return value
  }
  throw new Error('choices without weight cannot be drawn from')
}

/** A size that is small mostly and large sometimes: between `least` and `least` × 2^(doublings + 1). */
export interface Spread {
  readonly least: number
  readonly doublings: number
}

export function sizeOf(random: Random, spread: Spread): number {
  const octave = Math.min(random.below(spread.doublings + 1), random.below(spread.doublings + 1))
  const floor = spread.least * 2 ** octave
  return floor + random.below(floor)
}
