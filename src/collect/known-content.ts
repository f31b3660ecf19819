import { createHash } from 'node:crypto'
import { openContent } from './file-content.ts'
import type { ContentEnd } from './file-content.ts'
import { limits } from './limits.ts'
import type { FinishedFile, TailPosition } from './spool-frame.ts'

/** The beginning of a file's content, by which its copies are known while they are still being made. */
export interface Head {
  /** The first bytes, whatever they are. */
  readonly raw: Buffer
  /** The first bytes that are not directives: those are the same in every file of a writer. */
  readonly lines: Buffer
  /** False when the content is damaged there: its end is cut off, or not written yet. */
  readonly isWhole: boolean
}

export const noHead: Head = { raw: Buffer.alloc(0), lines: Buffer.alloc(0), isWhole: true }

/** The head of an open file. Throws what reading throws. */
export async function headOf(file: number): Promise<Head> {
  const { chunks } = await openContent(file)
  let start: Buffer = Buffer.alloc(0)
  let end: ContentEnd = { kind: 'complete' }
  try {
    for (let next = await chunks.next(); ; next = await chunks.next()) {
      if (next.done === true) {
        end = next.value
        break
      }
      start = Buffer.concat([start, next.value])
      if (start.length >= limits.directiveBytesMax || afterDirectives(start).length >= limits.headBytes) break
    }
  } finally {
    await chunks.return({ kind: 'complete' })
  }
  const raw = start.subarray(0, limits.headBytes)
  const rest = afterDirectives(start)
  const lines = rest.length === 0 && start.length >= limits.directiveBytesMax ? start : rest
  return { raw, lines: lines.subarray(0, limits.headBytes), isWhole: end.kind === 'complete' }
}

function afterDirectives(start: Buffer): Buffer {
  const hasMark = start[0] === 0xef && start[1] === 0xbb && start[2] === 0xbf
  let at = hasMark ? 3 : 0
  if (start[at] !== 0x23) return start
  while (start[at] === 0x23) {
    const end = start.indexOf(0x0a, at)
    if (end < 0) return Buffer.alloc(0)
    at = end + 1
  }
  return start.subarray(at)
}

/** Whether these are heads of one content, of which one may not be written to its end yet. */
export function isSameHead({ lines: one }: Head, { lines: other }: Head): boolean {
  const bytes = Math.min(one.length, other.length)
  return bytes > 0 && one.subarray(0, bytes).equals(other.subarray(0, bytes))
}

export function isFinished(head: Head, finished: readonly FinishedFile[]): boolean {
  return finished.some(({ bytes, hash, of }) => {
    const start = of === undefined ? head.raw : head.lines
    return bytes > 0 && hashOf(start.subarray(0, bytes)) === hash
  })
}

export function finishedFile({ lines }: Head, path: string): FinishedFile {
  return { bytes: lines.length, hash: hashOf(lines), of: hashOf(Buffer.from(path)).slice(0, 8) }
}

/**
 * Those that are still known when these came to them, the newest last: so many of each path. What an older release wrote
 * down is of no path; it goes when there are enough of the others to have taken its place.
 */
export function keepFinished(finished: readonly FinishedFile[], more: FinishedFile[], paths: number): FinishedFile[] {
  const share = Math.floor(limits.finishedMax / Math.max(1, paths))
  const max = Math.min(limits.finishedOfPathMax, Math.max(limits.finishedOfPathMin, share))
  const all = [...finished, ...more]
  const named = all.filter(({ of }) => of !== undefined).length
  const counts = new Map<string, number>()
  const kept = all.toReversed().filter(({ of, bytes }) => {
    if (of === undefined) return named < limits.finishedOfPathMin * paths
    const count = (counts.get(of) ?? 0) + 1
    counts.set(of, count)
    return bytes > 0 && count <= max
  })
  return kept.toReversed()
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64url')
}

/** Whether a content is the one of which so much was read. Of one that is still being packed nobody can say yet. */
export type Held = 'yes' | 'no' | 'not yet'

/** Looks for a position's mark in a content that passes by. */
export class MarkCheck {
  readonly #from: number
  readonly #position: TailPosition
  readonly #hash = createHash('sha256')
  #at = 0
  #held: Held = 'not yet'

  constructor(position: TailPosition) {
    this.#position = position
    this.#from = position.offset - position.mark.bytes
  }

  get held(): Held {
    return this.#held
  }

  /** The next bytes of the content. Gives those of them that are behind the position. */
  pass(chunk: Buffer): Buffer {
    const { offset, mark } = this.#position
    const [start, end] = [this.#at, this.#at + chunk.length]
    this.#at = end
    if (this.#held === 'not yet') {
      if (end > this.#from)
        this.#hash.update(chunk.subarray(Math.max(0, this.#from - start), Math.max(0, offset - start)))
      if (end >= offset) this.#held = mark.bytes === 0 || this.#hash.digest('hex') === mark.hash ? 'yes' : 'no'
    }
    return chunk.subarray(Math.min(chunk.length, Math.max(0, offset - start)))
  }

  /** The content came to this end. */
  close({ kind }: ContentEnd): void {
    if (this.#held === 'not yet' && kind === 'complete' && this.#position.mark.bytes > 0) this.#held = 'no'
  }
}

/** Whether an open file has the bytes of the mark before the position. Throws what reading throws. */
export async function holds(file: number, position: TailPosition): Promise<Held> {
  const { chunks } = await openContent(file)
  const check = new MarkCheck(position)
  try {
    for (let next = await chunks.next(); check.held === 'not yet'; next = await chunks.next()) {
      if (next.done === true) {
        check.close(next.value)
        break
      }
      check.pass(next.value)
    }
    return check.held
  } finally {
    await chunks.return({ kind: 'complete' })
  }
}
