/** A small seeded generator: `dice(6)` is 0 to 5. The same seed gives the same numbers, so a failure can be replayed. */
export function diceOf(seed: number): (sides: number) => number {
  let state = seed >>> 0
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * sides)
  }
}

/** The seed of this run: the one that CROSSFOOT_SEED names, or a new one. */
export function seedOfRun(): number {
  return Number(process.env['CROSSFOOT_SEED'] ?? Date.now() % 1_000_000)
}
