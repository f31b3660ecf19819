import { createHash } from 'node:crypto'

/** `dice(6)` is 0 to 5. The same seed gives the same numbers, so a failure can be replayed. */
export type Dice = (sides: number) => number

export function diceOf(seed: number): Dice {
  let state = seed >>> 0
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * sides)
  }
}

/** Dice of one part's own: what it rolls does not depend on when the other parts roll theirs. */
export function diceFor(seed: number, ...part: readonly (string | number)[]): Dice {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, ...part]))
    .digest()
  return diceOf(digest.readUInt32LE(0))
}

export function pick<Item>(dice: Dice, items: readonly Item[]): Item {
  const item = items[dice(items.length)]
  if (item === undefined) throw new Error('there is nothing to pick from')
  return item
}

export function shuffled<Item>(dice: Dice, items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, place: dice(2 ** 30) }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ item }) => item)
}

/** The seed of this run: the one that CROSSFOOT_SEED names, or a new one. */
export function seedOfRun(): number {
  return Number(process.env['CROSSFOOT_SEED'] ?? Date.now() % 1_000_000)
}
