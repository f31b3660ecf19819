import type { Arrival, Decision } from '../core/record.ts'
import type { Micros } from '../core/time.ts'
import type { Appended, Checkpoint, StatedCheckpoint } from './log.ts'

/**
 * Everything that changes the log, as data. Applying a command is a pure function of the log's state and of the
 * command (its time is in it), so whoever applies the same commands in the same order has the same log.
 */
export type Command =
  | { readonly kind: 'append'; readonly now: Micros; readonly sender: string; readonly arrivals: readonly Arrival[] }
  | { readonly kind: 'checkpoint'; readonly now: Micros; readonly stated: StatedCheckpoint }
  | {
      readonly kind: 'withdraw_checkpoint'
      readonly now: Micros
      readonly source: string
      readonly epoch: string
      readonly decision: Decision
    }
  | {
      readonly kind: 'write_off'
      readonly now: Micros
      readonly numbers: readonly number[]
      readonly decision: Decision
    }

/** What a command came to, by its kind. */
export interface Effects {
  readonly append: Appended
  readonly checkpoint: Checkpoint
  readonly withdraw_checkpoint: boolean
  readonly write_off: number
}

export type CommandKind = Command['kind']
export type CommandOf<K extends CommandKind> = Extract<Command, { readonly kind: K }>
export type Effect = Effects[CommandKind]

/** How much of a group a command takes. */
export function sizeOf(command: Command): number {
  switch (command.kind) {
    case 'append':
      return command.arrivals.length
    case 'write_off':
      return command.numbers.length
    case 'checkpoint':
    case 'withdraw_checkpoint':
      return 1
  }
}

/** Characters that a command brings, about. */
export function textOf(command: Command): number {
  if (command.kind !== 'append') return 100
  let text = 0
  for (const arrival of command.arrivals) {
    if (arrival.kind === 'held') text += arrival.held.raw.length
    else text += (arrival.event?.fact.length ?? 0) + (arrival.event?.inspection?.length ?? 0)
  }
  return text
}
