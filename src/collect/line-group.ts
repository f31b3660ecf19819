import type { SpoolState } from './spool-frame.ts'

/** Where a file will be when the group is durable. */
export type Position = SpoolState['files'][number]

/** Of whom lines are in a group: told once what became of them. */
export type Settle = (isDurable: boolean) => void

/**
 * Lines that become durable together, with one fsync: a piece of each file, and what arrived by the network
 * meanwhile. Nothing of it counts as taken before that, and all of it is undone when it fails.
 */
export class LineGroup<Taker> {
  #events: string[] = []
  #bytes = 0
  #seq: number
  #positions = new Map<Taker, Position>()
  #settles: Settle[] = []

  /** `seq`: the last number that is durable. */
  constructor(seq: number) {
    this.#seq = seq
  }

  get events(): readonly string[] {
    return this.#events
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The last number that was given. */
  get seq(): number {
    return this.#seq
  }

  get isEmpty(): boolean {
    return this.#events.length === 0 && this.#settles.length === 0
  }

  /** Whose positions move with this group. */
  get takers(): Iterable<Taker> {
    return this.#positions.keys()
  }

  positionOf(taker: Taker): Position | undefined {
    return this.#positions.get(taker)
  }

  /** `bytes`: of the events with a newline each. */
  add(events: readonly string[], bytes: number, seq: number): void {
    for (const event of events) this.#events.push(event)
    this.#bytes += bytes
    this.#seq = seq
  }

  move(taker: Taker, position: Position): void {
    this.#positions.set(taker, position)
  }

  whenSettled(settle: Settle): void {
    this.#settles.push(settle)
  }

  settle(isDurable: boolean): void {
    for (const settle of this.#settles) settle(isDurable)
  }
}
