/** Ends a wait: when it is woken, when the time is over, or for good when the signal fires. */
export class Waker {
  readonly #signal: AbortSignal
  #isAwake = false
  #end: (() => void) | undefined

  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', () => this.wake())
  }

  /** Being woken while nobody waits ends the next wait. */
  wake(): void {
    this.#isAwake = true
    this.#end?.()
  }

  async wait(milliseconds: number): Promise<void> {
    if (!this.#isAwake && !this.#signal.aborted) {
      const over = Promise.withResolvers<void>()
      const timer = setTimeout(over.resolve, milliseconds)
      this.#end = over.resolve
      await over.promise
      clearTimeout(timer)
    }
    this.#end = undefined
    this.#isAwake = false
  }
}
