/** A note and what it says now; null when it is no longer wanted. */
export type NoteChange = readonly [key: string, text: string | null]

/**
 * Small texts by name that have to be as durable as the positions: they change with the frames. A frame carries what
 * changed; the first frame of a segment carries all of them, because the segments before it are removed one day.
 */
export class SpoolNotes {
  #notes = new Map<string, string>()

  get size(): number {
    return this.#notes.size
  }

  get(key: string): string | undefined {
    return this.#notes.get(key)
  }

  /** All of them with these changes, as the first frame of a segment says it. */
  all(changes: readonly NoteChange[]): NoteChange[] {
    const merged = new Map<string, string | null>([...this.#notes, ...changes])
    return [...merged].filter(([, text]) => text !== null)
  }

  /** Those whose text this finds to be out of date. */
  matching(isOver: (text: string) => boolean): string[] {
    return [...this.#notes].filter(([, text]) => isOver(text)).map(([key]) => key)
  }

  /** `isAll`: what is not among the changes is gone. */
  apply(changes: readonly NoteChange[], isAll: boolean): void {
    if (isAll) this.#notes = new Map()
    for (const [key, text] of changes) {
      if (text === null) this.#notes.delete(key)
      else this.#notes.set(key, text)
    }
  }
}
