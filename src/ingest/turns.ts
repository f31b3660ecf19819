/**
 * Whoever works on a body takes a multiple of its size: the text, the parsed events, their canonical form. Bodies that
 * are read are many, bodies that are worked on at once few (L12); it is one thread, so the others lose nothing by
 * waiting. First come, first served. A body that is larger than all there is room for is worked on alone.
 */
export class Turns {
  readonly #bytesMax: number
  readonly #waiting: { readonly bytes: number; readonly start: () => void }[] = []
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  async run<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    if (this.#waiting.length === 0 && this.#hasRoomFor(bytes)) this.#bytes += bytes
    else await new Promise<void>((start) => this.#waiting.push({ bytes, start }))
    try {
      return await work()
    } finally {
      this.#bytes -= bytes
      this.#startNext()
    }
  }

  #hasRoomFor(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#bytesMax
  }

  /** The room is taken here and not when the work goes on: that is a moment later. */
  #startNext(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#hasRoomFor(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#bytes += next.bytes
      next.start()
    }
  }
}
