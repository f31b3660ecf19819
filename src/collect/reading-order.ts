import type { Follower } from './follower.ts'

/** What one piece of a file came to: there was none; it was the last for now; there is more; no room; it was emptied. */
export type Piece = 'none' | 'last' | 'more' | 'full' | 'emptied'

/**
 * What is to be read in one look. The files of a path are read one after the other, in the order in which they were
 * written: what a connection counted in the older file has to be known before its record in the newer one is read.
 */
export class ReadingOrder {
  readonly #found = new Set<Piece>()
  #queues: Follower[][]

  /** `followers`: those of one path in their order. */
  constructor(followers: readonly Follower[]) {
    this.#queues = [...Map.groupBy(followers, ({ position }) => position.path).values()]
  }

  /** What the pieces came to so far. */
  get found(): ReadonlySet<Piece> {
    return this.#found
  }

  get isOver(): boolean {
    return this.#queues.length === 0
  }

  /** A piece of the oldest file of each path that has one. */
  async round(read: (follower: Follower) => Promise<Piece>): Promise<void> {
    for (const queue of this.#queues) await this.#turn(queue, read)
    this.#queues = this.#queues.filter((queue) => queue.length > 0)
  }

  async #turn(queue: Follower[], read: (follower: Follower) => Promise<Piece>): Promise<void> {
    for (let first = queue[0]; first !== undefined; first = queue[0]) {
      const piece = await read(first)
      this.#found.add(piece)
      if (piece === 'more') return
      queue.shift()
      // What is behind it waits until all of it can be read.
      if (piece === 'full' || piece === 'emptied' || first.isAwaited) queue.length = 0
      if (piece === 'last') return
    }
  }
}
