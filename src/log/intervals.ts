import type { Interval } from './log.ts'

/** Ordered storage of intervals: start → end, both inclusive, never touching or overlapping. */
export interface IntervalStore {
  /** The interval with the greatest start that is at most `seq`. */
  below(seq: number): Interval | null
  /** The start of the first interval that begins above `seq`. */
  startAbove(seq: number): number | null
  put(interval: Interval): void
  remove(start: number): void
}

/**
 * A set of sequence numbers as intervals, with the interval in hand kept in memory, because numbers mostly
 * come one after the other. Nothing is written until `flush`.
 */
export class IntervalSet {
  readonly #store: IntervalStore
  /** The interval that contains or precedes the last number asked for. */
  #start = 0
  #end = -1
  #dirty = false
  /** First number above the interval in hand that is already in the set. */
  #next = 0

  constructor(store: IntervalStore) {
    this.#store = store
  }

  #load(seq: number): void {
    this.flush()
    const interval = this.#store.below(seq)
    if (interval === null) {
      this.#start = seq
      this.#end = seq - 1
    } else {
      ;[this.#start, this.#end] = interval
    }
    this.#next = this.#store.startAbove(seq) ?? Number.POSITIVE_INFINITY
  }

  #inHand(seq: number): boolean {
    return seq >= this.#start && seq <= this.#end + 1 && seq < this.#next && this.#next > 0
  }

  has(seq: number): boolean {
    if (!this.#inHand(seq)) this.#load(seq)
    return seq >= this.#start && seq <= this.#end
  }

  /** Adds a number; true when it was not in the set before. */
  add(seq: number): boolean {
    if (this.has(seq)) return false
    if (seq > this.#end + 1) {
      // Above the interval in hand with a gap between: begin a new one.
      this.flush()
      this.#start = seq
    }
    this.#end = seq
    this.#dirty = true
    if (this.#end + 1 === this.#next) this.#join()
    return true
  }

  /** The interval in hand has grown up to the next one: they become one. */
  #join(): void {
    const next = this.#store.below(this.#next)
    if (next === null) throw new Error('the next interval is stored')
    this.#store.remove(next[0])
    this.#end = next[1]
    this.#next = this.#store.startAbove(this.#end) ?? Number.POSITIVE_INFINITY
  }

  flush(): void {
    if (!this.#dirty) return
    this.#store.put([this.#start, this.#end])
    this.#dirty = false
  }
}
