import { statfs } from 'node:fs/promises'
import { Refusal } from '../core/errors.ts'
import { secondMicros } from '../core/time.ts'
import type { Clock, Micros } from '../core/time.ts'

/**
 * Refuses new events before the disk is full, so that what was accepted can still be projected, invoiced and
 * compacted. Looks at the disk at most once a second; in between the last answer holds.
 */
export class DiskGuard {
  readonly #directory: string
  readonly #reserveBytes: number
  readonly #clock: Clock
  #lookedAt = Number.NEGATIVE_INFINITY
  /** The answer of the last look, or the look that is under way: nobody passes before there is an answer. */
  #freeBytes: Promise<number> = Promise.resolve(0)

  constructor(directory: string, reserveBytes: number, clock: Clock) {
    this.#directory = directory
    this.#reserveBytes = reserveBytes
    this.#clock = clock
  }

  freeBytes(): Promise<number> {
    const now: Micros = this.#clock.now()
    if (now - this.#lookedAt >= secondMicros) {
      this.#lookedAt = now
      this.#freeBytes = statfs(this.#directory).then(({ bavail, bsize }) => bavail * bsize)
    }
    return this.#freeBytes
  }

  async check(): Promise<void> {
    const free = await this.freeBytes()
    if (free >= this.#reserveBytes) return
    throw new Refusal(
      'DISK_FULL',
      `only ${free} bytes are free on the disk and ${this.#reserveBytes} are kept in reserve; nothing was taken, send it again when there is room`,
      { retryAfterSeconds: 10 },
    )
  }
}
