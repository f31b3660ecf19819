/** Heavy work that several people may ask for at once: a few wait, one is served, others are told to come again (L12). */
import { Refusal } from '../core/errors.ts'

export class Turns {
  readonly #most: number
  readonly #message: string
  #count = 0
  #last: Promise<unknown> = Promise.resolve()

  constructor(most: number, message: string) {
    this.#most = most
    this.#message = message
  }

  /** Does the work of somebody who has a place; throws TOO_MANY_REQUESTS when all places are taken. */
  async within<T>(work: () => Promise<T>): Promise<T> {
    if (this.#count >= this.#most) throw new Refusal('TOO_MANY_REQUESTS', this.#message, { retryAfterSeconds: 10 })
    this.#count += 1
    try {
      return await work()
    } finally {
      this.#count -= 1
    }
  }

  /** Does the work when all that came before it is done. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work, work)
    this.#last = done.catch(() => undefined)
    return done
  }
}
