import type { Spool, SpooledBatch } from '../spool.ts'
import type { SpoolState } from '../spool-frame.ts'

/** What the shipper needs of a spool. */
export type EventSpool = Pick<
  Spool,
  'state' | 'bytes' | 'hasUnsent' | 'hasRoomFor' | 'append' | 'next' | 'acknowledge' | 'close'
>

interface HeldFrame {
  readonly number: number
  readonly state: SpoolState
  readonly events: readonly string[]
  readonly bytes: number
}

/** A spool without a disk: it ends with its process, and its numbering with it. */
export class MemorySpool implements EventSpool {
  readonly #bytesMax: number
  #frames: HeldFrame[] = []
  #number = 0
  state: SpoolState
  bytes = 0

  constructor(bytesMax: number, initial: () => SpoolState) {
    this.#bytesMax = bytesMax
    this.state = initial()
  }

  get hasUnsent(): boolean {
    return this.#frames.length > 0
  }

  hasRoomFor(bytes: number): boolean {
    return this.bytes + bytes <= this.#bytesMax
  }

  append(state: SpoolState, events: readonly string[]): void {
    this.state = state
    if (events.length === 0) return
    const bytes = events.reduce((sum, event) => sum + Buffer.byteLength(event) + 1, 0)
    this.#number += 1
    this.#frames.push({ number: this.#number, state, events, bytes })
    this.bytes += bytes
  }

  next(bounds: { readonly eventsMax: number; readonly bytesMax: number }): SpooledBatch | undefined {
    const events: string[] = []
    let batch: SpooledBatch | undefined
    let bytes = 0
    for (const frame of this.#frames) {
      bytes += frame.bytes
      const isFull = events.length + frame.events.length > bounds.eventsMax || bytes > bounds.bytesMax
      if (batch !== undefined && isFull) break
      for (const event of frame.events) events.push(event)
      batch = { events, state: frame.state, lastFrame: frame.number, next: { segment: 0, at: 0 } }
    }
    return batch
  }

  acknowledge({ lastFrame }: SpooledBatch): void {
    while ((this.#frames[0]?.number ?? Number.POSITIVE_INFINITY) <= lastFrame)
      this.bytes -= this.#frames.shift()?.bytes ?? 0
  }

  close(): void {
    this.#frames = []
    this.bytes = 0
  }
}
