import type { Micros } from '../core/time.ts'
import type { SpoolState } from './spool-frame.ts'

/** Everything up to this time was taken, but for so many lines that were lost. */
export interface Sureness {
  readonly upTo: Micros | null
  readonly lost: number
}

/** What may be stated as of this state. */
export function surenessOf({ upTo, lost, lostUpTo }: SpoolState): Sureness {
  return { upTo, lost: lostUpTo ?? lost }
}

/**
 * How far everything is known to be taken, and what was lost on the way. A reader of statements dates a loss between the
 * last statement without it and the first with it. So no time goes on past a loss before it can be stated with a time
 * that is not before the loss: while lines are being lost, the time stands still.
 */
export class Reach {
  #lost: number
  #sure: Sureness
  /** Of the newest loss, at the latest. */
  #lostAt: Micros | undefined
  readonly #delayMicros: number

  /** `delayMs`: how long before they arrive, and so before they are lost, lines may have happened. */
  constructor(state: SpoolState, now: Micros, delayMs: number) {
    this.#lost = state.lost
    this.#sure = surenessOf(state)
    this.#lostAt = this.#sure.lost < state.lost ? now : undefined
    this.#delayMicros = delayMs * 1000
  }

  /** Lines that were lost, in all of the numbering. */
  get lost(): number {
    return this.#lost
  }

  get sure(): Sureness {
    return this.#sure
  }

  /** As it stands in the spool. */
  get state(): Pick<SpoolState, 'lost' | 'upTo' | 'lostUpTo'> {
    return { lost: this.#lost, upTo: this.#sure.upTo, lostUpTo: this.#sure.lost }
  }

  lose(lines: number, now: Micros): void {
    this.#lost += lines
    this.#lostAt = now
  }

  /** Everything from before this time was taken or is counted as lost. */
  moveTo(time: Micros): void {
    if (this.#lostAt !== undefined && time - this.#delayMicros < this.#lostAt) return
    if (this.#sure.upTo === null || time >= this.#sure.upTo) this.#sure = { upTo: time, lost: this.#lost }
  }
}
