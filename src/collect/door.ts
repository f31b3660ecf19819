import type { Reception } from './agent.ts'
import type { LineReader } from './line-reader.ts'
import type { ReceivedLine } from './numbered-lines.ts'

/** Where a receiver listens; port 0 takes a free one. */
export interface Place {
  readonly host: string
  readonly port: number
}

/** What a receiver needs of the agent behind it. */
export interface DoorWorld {
  /** Whose the records are that have an id of their own; several agents may have it in common. */
  readonly source: string
  readonly openReader: () => LineReader
  readonly receive: (lines: readonly ReceivedLine[], reader: LineReader) => Promise<Reception>
  readonly declareLost: (lines: number) => void
  /** Waits so long; returns at once when the agent is to end. */
  readonly wait: (milliseconds: number, reason: string) => Promise<void>
  readonly note: (message: string) => void
}

/** A receiver that is open. */
export interface Door {
  readonly port: number
  /** Takes nothing new, and settles when all that came is answered for. */
  readonly close: () => Promise<void>
}
