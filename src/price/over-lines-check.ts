import { didYouMean } from '../core/did-you-mean.ts'
import { at, complain, isFull, limits } from './place.ts'
import type { Place } from './place.ts'
import { isOverLines } from './price-model.ts'
import type { PriceKey } from './price-key.ts'
import type { Price } from './price.ts'

/** The keys that a price names as the lines that it is over; `all` names no price over lines, so it closes no circle. */
export function namedBy({ model }: Price): readonly PriceKey[] {
  return isOverLines(model) && model.of !== 'all' ? model.of : []
}

/** What each price names. */
export type Names = ReadonlyMap<PriceKey, readonly PriceKey[]>

export function namesOf(prices: readonly Price[]): Names {
  const named = new Map<PriceKey, readonly PriceKey[]>()
  for (const price of prices) named.set(price.key, [...(named.get(price.key) ?? []), ...namedBy(price)])
  return named
}

/** Guessing what was meant compares words; a document full of wrong names must not cost more than it is worth. */
const guessesMax = 20

function checkNames(of: Place, price: Price, known: readonly PriceKey[]): void {
  namedBy(price).forEach((key, index) => {
    if (key === '' || isFull(of.problems) || known.includes(key)) return
    const guess = of.problems.length < guessesMax ? didYouMean(key, known) : ''
    complain(at(of, String(index)), `names no price that is here: "${key}".${guess}`)
  })
}

/** A circle in words; of a long one its beginning. */
export function wayWords(circle: readonly PriceKey[]): string {
  const shown = circle.slice(0, limits.namesMax)
  return `${shown.join(' → ')}${circle.length > shown.length ? ' → …' : ''}`
}

/** The way from a price back to itself, such as a → b → a; null where there is none. Each price is walked once. */
export function circleFrom(start: PriceKey, named: Names): readonly PriceKey[] | null {
  const before = new Map<PriceKey, PriceKey>()
  const queue = [start]
  for (const key of queue) {
    for (const next of named.get(key) ?? []) {
      if (next === start) {
        const way = [key]
        for (let back = before.get(key); back !== undefined; back = before.get(back)) way.unshift(back)
        return [...way, start]
      }
      if (before.has(next)) continue
      before.set(next, key)
      queue.push(next)
    }
  }
  return null
}

/**
 * What surcharges and commitments of a list of prices name is there, and none is over itself by way of others: found
 * when the prices are saved, never when they bill. A circle is told once, at its first price.
 */
export function checkOverLines(places: readonly Place[], prices: readonly Price[]): void {
  const named = namesOf(prices)
  const known = [...named.keys()]
  const told = new Set<PriceKey>()
  prices.forEach((price, index) => {
    const place = places[index]
    if (place === undefined || !isOverLines(price.model)) return
    const of = at(at(place, 'model'), 'of')
    checkNames(of, price, known)
    const circle = told.has(price.key) ? null : circleFrom(price.key, named)
    if (circle === null) return
    for (const key of circle) told.add(key)
    complain(of, `goes round in a circle: ${wayWords(circle)}; a price cannot be over its own lines`)
  })
}
