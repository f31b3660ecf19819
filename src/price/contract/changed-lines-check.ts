import { circleFrom, namedBy, namesOf, wayWords } from '../over-lines-check.ts'
import type { Names } from '../over-lines-check.ts'
import { at, complain, isFull } from '../place.ts'
import { isOverLines } from '../price-model.ts'
import type { Place } from '../place.ts'
import { changePrices } from './price-change.ts'
import type { PriceChange } from './price-change.ts'
import type { Price, PriceKey } from '../price.ts'

/** Changes, and the prices that they change; `place` is that of the list of changes. */
export interface Changing {
  readonly place: Place
  readonly prices: readonly Price[]
  readonly changes: readonly PriceChange[]
}

function pricesAfter({ prices, changes }: Changing): readonly Price[] {
  const before = prices.map((price) => ({ price, changed: false }))
  return changePrices(before, changes).map(({ price }) => price)
}

/** Where the price of a key was last replaced or added; null: it is as it was. */
function placeOf({ place, changes }: Changing, key: PriceKey): Place | null {
  const index = changes.findLastIndex((one) => (one.kind === 'replace' || one.kind === 'add') && one.price.key === key)
  const kind = changes[index]?.kind
  return kind === undefined ? null : at(at(place, String(index)), kind)
}

function removalOf({ place, changes }: Changing, key: PriceKey): Place | null {
  const index = changes.findLastIndex((one) => one.kind === 'remove' && one.key === key)
  return index < 0 ? null : at(at(place, String(index)), 'remove')
}

/**
 * Refuses changes after which a surcharge or commitment names a price that is not there: it would charge nothing, and
 * nobody would notice. What the changes have no part in is not theirs.
 */
export function checkChangedNames(changing: Changing): void {
  const after = pricesAfter(changing)
  const known = new Set(after.map(({ key }) => key))
  for (const price of after) {
    namedBy(price).forEach((key, index) => {
      if (key === '' || known.has(key) || isFull(changing.place.problems)) return
      const [own, removal] = [placeOf(changing, price.key), removalOf(changing, key)]
      if (own !== null)
        complain(at(at(at(own, 'model'), 'of'), String(index)), `names no price that is there then: "${key}"`)
      else if (removal !== null)
        complain(removal, `is a price that ${price.key} is over; replace ${price.key} as well, or remove it`)
    })
  }
}

/** Whether there is a circle at all, in one pass: what nothing is left over is taken away until nothing can be. */
function hasCircle(named: Names): boolean {
  const over = new Map<PriceKey, number>()
  for (const keys of named.values()) for (const key of keys) over.set(key, (over.get(key) ?? 0) + 1)
  const free = [...named.keys()].filter((key) => !over.has(key))
  for (const key of free) {
    for (const next of named.get(key) ?? []) {
      const left = (over.get(next) ?? 0) - 1
      over.set(next, left)
      if (left === 0 && named.has(next)) free.push(next)
    }
  }
  return free.length < named.size
}

/** Whether changes bring a price over lines: without one they close no circle. */
export function bringsOverLines(changes: readonly PriceChange[]): boolean {
  return changes.some((one) => (one.kind === 'replace' || one.kind === 'add') && isOverLines(one.price.model))
}

/** Refuses changes that make a price be over its own lines by way of others; whether they do. Tells one circle. */
export function checkChangedCircles(changing: Changing): boolean {
  if (!bringsOverLines(changing.changes)) return false
  const after = pricesAfter(changing)
  const named = namesOf(after)
  if (!hasCircle(named)) return false
  for (const { key } of after) {
    const own = placeOf(changing, key)
    const circle = own === null ? null : circleFrom(key, named)
    if (own === null || circle === null) continue
    complain(at(at(own, 'model'), 'of'), `goes round in a circle: ${wayWords(circle)}; no price is over its own lines`)
    return true
  }
  return false
}

/** Whether changes can change which prices there are, and what they are over. */
export function changesPrices(changes: readonly PriceChange[]): boolean {
  return changes.some(({ kind }) => kind === 'replace' || kind === 'add' || kind === 'remove')
}
