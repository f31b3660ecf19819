/**
 * Ranges of one family: where each begins, ascending, and which record is true from there until the next begins. The
 * first begins at 0, so the whole space is covered; record 0 says nothing. Typed arrays, one for each 32-bit word, so that
 * a million ranges are a few megabytes and are written and read as they lie.
 */
import { assert } from '../core/result.ts'
import type { Family } from './address.ts'

export const limits = {
  /** Of one family, in one source or compiled together: 160 MB of the larger family. */
  rangesMax: 8_000_000,
} as const

export interface Ranges {
  readonly family: Family
  /** One array for IPv4, four for IPv6, the most significant word first. */
  readonly starts: readonly Uint32Array[]
  readonly records: Uint32Array
}

export function wordsOf(family: Family): number {
  return family === 4 ? 1 : 4
}

/** Collects ranges in ascending order. Neighbours with the same record become one. */
export class RangesBuilder {
  readonly #family: Family
  #starts: Uint32Array[]
  #records: Uint32Array
  #length = 0

  constructor(family: Family, size = 1_024) {
    this.#family = family
    this.#starts = Array.from({ length: wordsOf(family) }, () => new Uint32Array(size))
    this.#records = new Uint32Array(size)
  }

  get length(): number {
    return this.#length
  }

  #grow(): void {
    const size = this.#records.length * 2
    const larger = (array: Uint32Array): Uint32Array => {
      const copy = new Uint32Array(size)
      copy.set(array)
      return copy
    }
    this.#starts = this.#starts.map(larger)
    this.#records = larger(this.#records)
  }

  /** How the last start lies to these words: negative before them. */
  #compareLast(words: ArrayLike<number>): number {
    for (let word = 0; word < this.#starts.length; word += 1) {
      const difference = (this.#starts[word]?.[this.#length - 1] ?? 0) - (words[word] ?? 0)
      if (difference !== 0) return difference
    }
    return 0
  }

  /** From here on another record is true. The same place again replaces what was said of it. */
  push(words: ArrayLike<number>, record: number): void {
    if (this.#length > 0) {
      const order = this.#compareLast(words)
      assert(order <= 0, 'ranges come in ascending order')
      if (order === 0) this.#length -= 1
      if (this.#length > 0 && this.#records[this.#length - 1] === record) return
    }
    if (this.#length === this.#records.length) this.#grow()
    assert(this.#length < limits.rangesMax, 'ranges stay below their limit')
    for (let word = 0; word < this.#starts.length; word += 1) {
      const array = this.#starts[word]
      if (array !== undefined) array[this.#length] = words[word] ?? 0
    }
    this.#records[this.#length] = record
    this.#length += 1
  }

  finish(): Ranges {
    if (this.#length === 0) this.push([0, 0, 0, 0], 0)
    return {
      family: this.#family,
      starts: this.#starts.map((array) => array.slice(0, this.#length)),
      records: this.#records.slice(0, this.#length),
    }
  }
}

export function noRanges(family: Family): Ranges {
  return new RangesBuilder(family, 1).finish()
}

function wordsAt({ starts }: Ranges, index: number, words: Uint32Array): void {
  for (let word = 0; word < starts.length; word += 1) words[word] = starts[word]?.[index] ?? 0
}

function compareWords(a: Uint32Array, b: Uint32Array, size: number): number {
  for (let word = 0; word < size; word += 1) {
    const difference = (a[word] ?? 0) - (b[word] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** Lays one set of ranges over another: for every part of the space what `combine` makes of the two records. */
export function overlay(upper: Ranges, lower: Ranges, combine: (upper: number, lower: number) => number): Ranges {
  assert(upper.family === lower.family, 'ranges of one family are laid over each other')
  const size = wordsOf(upper.family)
  const result = new RangesBuilder(upper.family, upper.records.length + lower.records.length)
  const [a, b] = [new Uint32Array(size), new Uint32Array(size)]
  let [i, j] = [0, 0]
  wordsAt(upper, 0, a)
  wordsAt(lower, 0, b)
  for (;;) {
    // Both i and j are the next boundary; the records before them are true until there.
    const order =
      i >= upper.records.length
        ? j >= lower.records.length
          ? null
          : 1
        : j >= lower.records.length
          ? -1
          : compareWords(a, b, size)
    if (order === null) return result.finish()
    const at = order <= 0 ? a : b
    const next = [order <= 0 ? i + 1 : i, order >= 0 ? j + 1 : j] as const
    result.push(at, combine(upper.records[next[0] - 1] ?? 0, lower.records[next[1] - 1] ?? 0))
    ;[i, j] = next
    if (order <= 0 && i < upper.records.length) wordsAt(upper, i, a)
    if (order >= 0 && j < lower.records.length) wordsAt(lower, j, b)
  }
}

/** A part of the space, both ends inclusive, and the record that is true of it. Parts may overlap. */
export interface Span {
  readonly first: bigint
  readonly last: bigint
  readonly record: number
}

export function wordsOfValue(family: Family, value: bigint): number[] {
  const size = wordsOf(family)
  return Array.from({ length: size }, (_, word) => Number((value >> BigInt(32 * (size - 1 - word))) & 0xffff_ffffn))
}

/** Makes ranges of spans that may overlap: `union` gives the record of a place for the records of all spans over it. */
export function flatten(family: Family, spans: readonly Span[], union: (records: readonly number[]) => number): Ranges {
  interface Edge {
    readonly at: bigint
    readonly record: number
    readonly step: 1 | -1
  }
  const edges: Edge[] = spans.flatMap(({ first, last, record }): Edge[] => [
    { at: first, record, step: 1 },
    { at: last + 1n, record, step: -1 },
  ])
  edges.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
  const end = 1n << (family === 4 ? 32n : 128n)
  const open = new Map<number, number>()
  const builder = new RangesBuilder(family)
  builder.push([0, 0, 0, 0], 0)
  edges.forEach(({ at, record, step }, index) => {
    const count = (open.get(record) ?? 0) + step
    if (count === 0) open.delete(record)
    else open.set(record, count)
    if (edges[index + 1]?.at === at || at >= end) return
    builder.push(wordsOfValue(family, at), open.size === 0 ? 0 : union([...open.keys()]))
  })
  return builder.finish()
}
