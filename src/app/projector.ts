import { setTimeout as pause } from 'node:timers/promises'
import type { Offset } from '../core/ids.ts'
import type { Projection } from '../store/project.ts'

export const limits = {
  /** Fewer new events than this wait a moment for company: each insert costs a few milliseconds of disk. */
  smallBatch: 2_000,
  gatherMillis: 40,
  retryMillisMin: 100,
  retryMillisMax: 10_000,
} as const

/** Keeps the store close behind the log: woken by appends, tries again when the store refuses. */
export class Projector {
  readonly #projection: Projection
  readonly #end: () => Offset
  readonly #report: (error: unknown) => void
  #loop: Promise<void> | null = null
  #stopped = false
  #waiters: { readonly offset: Offset; readonly resolve: () => void }[] = []
  /** Why the store is not following at the moment, or null. */
  trouble: string | null = null

  constructor(projection: Projection, end: () => Offset, report: (error: unknown) => void) {
    this.#projection = projection
    this.#end = end
    this.#report = report
  }

  wake(): void {
    if (this.#stopped) return
    this.#loop ??= this.#run().finally(() => {
      this.#loop = null
      // An append may have come in between the last look and now.
      if (!this.#stopped && this.#projection.position() < this.#end()) this.wake()
    })
  }

  async #run(): Promise<void> {
    let delay: number = limits.retryMillisMin
    while (!this.#stopped && this.#projection.position() < this.#end()) {
      try {
        if (this.#end() - this.#projection.position() < limits.smallBatch) await pause(limits.gatherMillis)
        await this.#projection.step()
        this.#release()
        this.trouble = null
        delay = limits.retryMillisMin
      } catch (error) {
        this.trouble = error instanceof Error ? error.message : String(error)
        this.#report(error)
        await pause(delay)
        delay = Math.min(delay * 2, limits.retryMillisMax)
      }
    }
  }

  #release(): void {
    const position = this.#projection.position()
    for (const waiter of this.#waiters) if (waiter.offset <= position) waiter.resolve()
    this.#waiters = this.#waiters.filter(({ offset }) => offset > position)
  }

  /** Waits until everything below the offset can be counted, at most so long; true when it can. */
  async reach(offset: Offset, millis: number): Promise<boolean> {
    if (this.#projection.position() >= offset) return true
    this.wake()
    const reached = Promise.withResolvers<void>()
    const waiter = { offset, resolve: reached.resolve }
    this.#waiters.push(waiter)
    const timer = new AbortController()
    await Promise.race([reached.promise, pause(millis, undefined, { signal: timer.signal }).catch(() => undefined)])
    timer.abort()
    this.#waiters = this.#waiters.filter((other) => other !== waiter)
    return this.#projection.position() >= offset
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#loop
  }
}
