/**
 * Numbers that the host's thread and the worker both see. `woken` is the host's word that there is something to take;
 * the worker takes it back before it looks. `listening`: how many in the host wait for
 * something to move. `lost` is of the whole numbering, the sequence numbers too; the others
 * are of this process. `abandoned`: so many were given up; they count as taken, and `spooledSeq` does not cover them.
 */
const names = [
  'woken',
  'listening',
  'lost',
  'takenLines',
  'takenBytes',
  'spooledSeq',
  'sentSeq',
  'acknowledgedSeq',
  'abandoned',
  'acknowledged',
  'accepted',
  'duplicates',
  'quarantined',
  'spoolBytes',
] as const

export type Counter = (typeof names)[number]

export class Counters {
  readonly memory: SharedArrayBuffer
  readonly #cells: BigInt64Array
  static readonly #places = Object.fromEntries(names.map((name, index) => [name, index])) as Record<Counter, number>

  constructor(memory = new SharedArrayBuffer(names.length * BigInt64Array.BYTES_PER_ELEMENT)) {
    this.memory = memory
    this.#cells = new BigInt64Array(memory)
  }

  get(counter: Counter): number {
    return Number(Atomics.load(this.#cells, Counters.#places[counter]))
  }

  set(counter: Counter, value: number): void {
    Atomics.store(this.#cells, Counters.#places[counter], BigInt(value))
  }

  add(counter: Counter, value: number): void {
    Atomics.add(this.#cells, Counters.#places[counter], BigInt(value))
  }

  /** True for the first who wakes. */
  wake(): boolean {
    return Atomics.exchange(this.#cells, Counters.#places.woken, 1n) === 0n
  }
}
