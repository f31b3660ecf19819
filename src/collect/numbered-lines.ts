import { entriesOf } from './entries.ts'
import { outgoingLine } from './outgoing-line.ts'
import type { LineContext, NumberedLine } from './outgoing-line.ts'

/** A line that has no number yet. */
export type ReceivedLine = Omit<NumberedLine, 'number'>

/** Lines as the events that stand for them. */
export interface NumberedLines {
  readonly events: readonly string[]
  readonly bytes: number
  /** The last number that was given. */
  readonly seq: number
  /** Events that could not be read and go into quarantine. */
  readonly unreadable: number
  /** Why, of the first of them. */
  readonly reason: string | undefined
}

/** Reads lines and gives their entries the numbers after this one. */
export function numberLines(lines: readonly ReceivedLine[], after: number, context: LineContext): NumberedLines {
  const events: string[] = []
  let [bytes, seq, unreadable] = [0, after, 0]
  let reason: string | undefined
  for (const line of lines) {
    const entries: readonly ReceivedLine[] = line.fault === undefined ? entriesOf(line, context.reader) : [line]
    for (const entry of entries) {
      const outgoing = outgoingLine({ ...entry, number: seq + 1 }, context)
      if (outgoing.numbered) seq += 1
      if (outgoing.unreadable) unreadable += 1
      reason ??= outgoing.unreadable ? outgoing.reason : undefined
      events.push(outgoing.json)
      bytes += Buffer.byteLength(outgoing.json) + 1
    }
  }
  return { events, bytes, seq, unreadable, reason }
}
