/** Wakes who waits: when it rings, when the time is over, or for good when the signal fires. */
export class Bell {
  readonly #signal: AbortSignal
  #hasRung = false
  #wake: (() => void) | undefined

  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', () => this.ring())
  }

  /** A ring that nobody waits for is heard by the next who does. */
  ring(): void {
    this.#hasRung = true
    this.#wake?.()
  }

  async wait(milliseconds: number): Promise<void> {
    if (!this.#hasRung && !this.#signal.aborted) {
      await new Promise<void>((done) => {
        const timer = setTimeout(done, milliseconds)
        this.#wake = () => {
          clearTimeout(timer)
          done()
        }
      })
    }
    this.#wake = undefined
    this.#hasRung = false
  }
}
