import { randomBytes } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { Refusal } from '../core/errors.ts'
import { sizeOf } from './command.ts'
import type { Command, CommandKind, CommandOf, Effect, Effects } from './command.ts'
import { LogOnState } from './log-on-state.ts'
import { limits } from './log.ts'
import type { EventLog } from './log.ts'
import { LogState } from './state.ts'

interface Waiting {
  readonly command: Command
  readonly resolve: (effect: Effect) => void
  readonly reject: (error: unknown) => void
}

/**
 * The embedded log: commands are ordered by their arrival in this process. Those that arrive while a group is being
 * applied are applied together in the next, with one sync for all of them (L3).
 */
class LmdbLog extends LogOnState {
  readonly #queue: Waiting[] = []
  readonly #onBroken: (error: unknown) => void
  #waiting = 0
  #writing: Promise<void> | null = null

  constructor(state: LogState, onBroken: (error: unknown) => void) {
    super(state)
    this.#onBroken = onBroken
  }

  name(): string {
    return this.state.named()
  }

  protected submit<K extends CommandKind>(command: CommandOf<K>): Promise<Effects[K]> {
    const size = sizeOf(command)
    if (this.#waiting + size > limits.waitingMax) {
      return Promise.reject(
        new Refusal('OVERLOADED', 'the log cannot keep up; nothing was taken, send it again shortly', {
          retryAfterSeconds: 1,
        }),
      )
    }
    this.#waiting += size
    return new Promise((resolve, reject) => {
      this.#queue.push({ command, resolve: resolve as (effect: Effect) => void, reject })
      this.#writing ??= this.#writeAll()
    })
  }

  async #writeAll(): Promise<void> {
    // One turn of the event loop, so that requests which have just been parsed share the first group.
    await turn()
    while (this.#queue.length > 0) {
      this.#writeOne(this.#takeGroup())
      await turn()
    }
    this.#writing = null
  }

  #takeGroup(): Waiting[] {
    const group: Waiting[] = []
    let size = 0
    while (this.#queue.length > 0) {
      const next = this.#queue[0]
      if (next === undefined || (group.length > 0 && size + sizeOf(next.command) > limits.groupMax)) break
      this.#queue.shift()
      group.push(next)
      size += sizeOf(next.command)
    }
    this.#waiting -= size
    return group
  }

  #writeOne(group: readonly Waiting[]): void {
    try {
      // L3: what `apply` returns is durable.
      const effects = this.state.apply(group.map(({ command }) => command))
      group.forEach(({ resolve, reject }, index) => {
        const effect = effects[index]
        if (effect === undefined) reject(new Error('a command has no effect'))
        else resolve(effect)
      })
    } catch (error) {
      for (const { reject } of group) reject(error)
      // A file that cannot be written for another reason than room may be of no use until it is opened anew.
      if (!(error instanceof Refusal)) this.#onBroken(error)
    }
  }

  async close(): Promise<void> {
    await this.#writing
    await this.state.close()
  }
}

/**
 * Opens the log in a directory of its own, creating it when it is missing. One process at a time. `onBroken` is
 * told when a write failed for no reason that a sender could help.
 */
export function openLmdbLog(directory: string, onBroken: (error: unknown) => void = () => undefined): EventLog {
  const state = new LogState(directory)
  // It names a directory, and nothing that is counted follows from it.
  state.giveName(randomBytes(16).toString('hex'))
  return new LmdbLog(state, onBroken)
}
