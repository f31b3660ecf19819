import { createHash } from 'node:crypto'
import { closeSync, fstatSync, fsyncSync, openSync, readSync } from 'node:fs'
import type { Micros } from '../core/time.ts'
import { compressionOf, openContent } from './file-content.ts'
import type { ContentEnd } from './file-content.ts'
import { MarkCheck, headOf, holds, noHead } from './known-content.ts'
import type { Head, Held } from './known-content.ts'
import { limits } from './limits.ts'
import type { LineReader } from './line-reader.ts'
import { LineSplitter } from './line-splitter.ts'
import type { SplitLine } from './line-splitter.ts'
import type { TailPosition } from './spool-frame.ts'

export interface TailedLine {
  readonly line: SplitLine
  /** Where the next line begins. */
  readonly end: number
  /** Whether a newline ended it. */
  readonly newline: boolean
}

/** How the content that was read last came to its end. */
export type Ending =
  | ContentEnd
  /** The file system does not give it. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** It is not the content that the position is about. */
  | { readonly kind: 'foreign' }

/** The bytes of a file from a position on; compressed ones are unpacked again from their beginning. */
async function* contentFrom(file: number, position: TailPosition): AsyncGenerator<Buffer, Ending> {
  if (!position.compressed) {
    for (let at = position.offset; ;) {
      const chunk = Buffer.allocUnsafe(limits.readChunkBytes)
      const bytes = readSync(file, chunk, 0, chunk.length, at)
      if (bytes === 0) return { kind: 'complete' }
      at += bytes
      yield chunk.subarray(0, bytes)
    }
  }
  const { chunks } = await openContent(file)
  const check = new MarkCheck(position)
  try {
    for (let next = await chunks.next(); ; next = await chunks.next()) {
      if (next.done === true) {
        check.close(next.value)
        return check.held === 'no' ? { kind: 'foreign' } : next.value
      }
      const rest = check.pass(next.value)
      if (check.held === 'no') return { kind: 'foreign' }
      if (rest.length > 0) yield rest
    }
  } finally {
    await chunks.return({ kind: 'complete' })
  }
}

function withoutByteOrderMark(line: SplitLine): SplitLine {
  const hasMark = line.bytes[0] === 0xef && line.bytes[1] === 0xbb && line.bytes[2] === 0xbf
  return hasMark ? { ...line, bytes: line.bytes.subarray(3) } : line
}

/**
 * The mark after these lines, from the bytes that were read: the file may be emptied meanwhile, and then its content
 * is known again only by this. Undefined when the last line was too long to be kept as a whole.
 */
function markOf(lines: readonly TailedLine[]): TailPosition['mark'] | undefined {
  const parts: Buffer[] = []
  let bytes = 0
  for (let index = lines.length - 1; index >= 0 && bytes < limits.markBytes; index -= 1) {
    const { line, newline } = lines[index] ?? {}
    if (line === undefined || line.bytes.length !== line.length) break
    parts.unshift(line.bytes, Buffer.from(newline === true ? '\n' : ''))
    bytes += line.length + (newline === true ? 1 : 0)
  }
  if (bytes === 0) return undefined
  const kept = Buffer.concat(parts).subarray(-limits.markBytes)
  return { bytes: kept.length, hash: createHash('sha256').update(kept).digest('hex') }
}

const emptyMark = { bytes: 0, hash: createHash('sha256').digest('hex') }

/** Which file a path is at the moment; undefined when there is none. */
export interface FileIdentity {
  readonly device: string
  readonly inode: string
}

/**
 * Reads one file, whatever it is called by now: it keeps the file open, so that neither renaming nor deleting takes
 * unread lines away. Reading moves nothing; only `advance` does, once what was read is durable.
 */
export class Follower {
  /** Since when the file is not at its path any more, or undefined while it is. */
  rotatedAt: Micros | undefined
  /** The files of one path were written in this order. */
  rank = 0
  #position: TailPosition
  readonly #file: number
  readonly #openReader: () => LineReader
  #reader: LineReader
  #ahead = { at: 0, lines: 0 }
  #ending: Ending = { kind: 'complete' }
  /** What an unfinished archive was like when it was seen to change last. */
  #changed: { readonly as: string; readonly at: Micros } | undefined
  #isClosed = false

  private constructor(file: number, position: TailPosition, openReader: () => LineReader) {
    this.#file = file
    this.#position = position
    this.#openReader = openReader
    this.#reader = this.#freshReader()
  }

  /** Opens a file at a position, or from its beginning. Throws what opening throws. */
  static open(openedAs: string, at: TailPosition | { readonly path: string }, openReader: () => LineReader): Follower {
    const file = openSync(openedAs, 'r')
    try {
      const { dev, ino } = fstatSync(file, { bigint: true })
      const identity = { device: String(dev), inode: String(ino) }
      const start = Buffer.alloc(4)
      const compressed = compressionOf(start.subarray(0, readSync(file, start, 0, 4, 0))) !== 'none'
      const before = 'offset' in at ? at : { path: at.path, offset: 0, mark: emptyMark, preamble: [] }
      return new Follower(file, { ...before, ...identity, compressed }, openReader)
    } catch (error) {
      closeSync(file)
      throw error
    }
  }

  get position(): TailPosition {
    return this.#position
  }

  get reader(): LineReader {
    return this.#reader
  }

  is({ device, inode }: FileIdentity): boolean {
    return this.#position.device === device && this.#position.inode === inode
  }

  /** True when what was read up to here is no longer what the file holds: it was emptied, and perhaps written anew. */
  isTruncated(): boolean {
    const { offset, mark, compressed } = this.#position
    if (compressed) return false
    try {
      return fstatSync(this.#file).size < offset || this.#hashBefore(offset, mark.bytes) !== mark.hash
    } catch {
      // It cannot be read at all; reading says so.
      return false
    }
  }

  /** How the last reading ended, where it came to an end. */
  get ending(): Ending {
    return this.#ending
  }

  /** True while more is expected of the file than can be read of it. */
  get isAwaited(): boolean {
    return !this.#isClosed && this.#ending.kind !== 'complete'
  }

  /**
   * True when nothing more is expected: it was rotated away long enough ago, and an archive that is not whole has not
   * changed for as long.
   */
  isOver(now: Micros): boolean {
    if (this.isAwaited) this.#seeChange(now)
    else this.#changed = undefined
    if (this.rotatedAt === undefined) return false
    const watchedMicros = limits.rotatedWatchedMs * 1000
    if (now - this.rotatedAt >= limits.packingMsMax * 1000) return true
    return now - this.rotatedAt >= watchedMicros && now - (this.#changed?.at ?? this.rotatedAt) >= watchedMicros
  }

  /** The first bytes of what the file holds now. */
  head(): Promise<Head> {
    return headOf(this.#file).catch(() => noHead)
  }

  /** Whether the file is the one that the position is about. */
  holdsMark(): Promise<Held> {
    return holds(this.#file, this.#position).catch(() => 'no')
  }

  /** Begins again at the beginning of the file that was emptied. Gives the number of lines that were known and not read. */
  restart(): number {
    const lost = this.#ahead.at > this.#position.offset ? this.#ahead.lines : 0
    this.#position = { ...this.#position, offset: 0, mark: emptyMark, preamble: [] }
    this.#ahead = { at: 0, lines: 0 }
    this.#reader = this.#freshReader()
    return lost
  }

  /**
   * The lines after the position, as many as `limits.tailBytesMax` hold and at least one if there is one. The last
   * line of a file that is still written to counts only with its newline; `isOver` says that it is not.
   */
  async read(isOver: boolean): Promise<TailedLine[]> {
    const splitter = new LineSplitter()
    const lines: TailedLine[] = []
    let end = this.#position.offset
    const take = (line: SplitLine, newline: boolean): void => {
      const isFirst = end === 0
      end += line.length + (newline ? 1 : 0)
      lines.push({ line: isFirst ? withoutByteOrderMark(line) : line, end, newline })
    }
    this.#ending = await this.#pour((chunk) => {
      for (const line of splitter.push(chunk)) take(line, true)
      return end - this.#position.offset < this.#bytesMax
    })
    const isAtEnd = this.#ending.kind === 'complete' && end - this.#position.offset < this.#bytesMax
    // Where the content breaks off, its last line does, too.
    const rest = isAtEnd && (isOver || this.#position.compressed) ? splitter.end() : undefined
    if (rest !== undefined) take(rest, false)
    return lines
  }

  /** Gives the content to the taker as long as it wants more. What was read before a failure is good. */
  async #pour(wantsMore: (chunk: Buffer) => boolean): Promise<Ending> {
    const content = contentFrom(this.#file, this.#position)
    try {
      for (let next = await content.next(); ; next = await content.next()) {
        if (next.done === true) return next.value
        if (!wantsMore(next.value)) return { kind: 'complete' }
      }
    } catch (error) {
      return { kind: 'failed', reason: (error as Error).message }
    } finally {
      await content.return({ kind: 'complete' })
    }
  }

  /** Whether these lines, as `read` gave them, were all that the file had at that moment. */
  areAll(lines: readonly TailedLine[]): boolean {
    const { offset } = this.#position
    return (lines.at(-1)?.end ?? offset) - offset < this.#bytesMax
  }

  /** Unpacking starts at the beginning each time, so more is taken at once. */
  get #bytesMax(): number {
    return this.#position.compressed ? 16 * limits.tailBytesMax : limits.tailBytesMax
  }

  /** Where the reading will be behind the last of these lines, with the reader in its present state. */
  positionAfter(lines: readonly TailedLine[]): TailPosition {
    const end = lines.at(-1)?.end ?? this.#position.offset
    const mark = markOf(lines) ?? (this.#position.compressed ? emptyMark : this.#markAt(end))
    return { ...this.#position, offset: end, mark, preamble: this.#reader.preamble?.() ?? [] }
  }

  /** Everything before this position is durable; so many lines are between it and the last one. */
  advance(position: TailPosition, lines: number): void {
    this.#position = position
    const isPast = this.#ahead.at <= position.offset
    this.#ahead = isPast ? { at: position.offset, lines: 0 } : { at: this.#ahead.at, lines: this.#ahead.lines - lines }
  }

  /**
   * What was read is on the disk. Whoever writes the log seldom syncs it: after a power cut it would be shorter than the
   * position says, look like one that was emptied, and its lines would be taken again.
   */
  sync(): void {
    try {
      fsyncSync(this.#file)
    } catch {
      // A file system that does not sync for readers. The lines themselves are in the spool.
    }
  }

  /** Lines could not be made durable: the reader goes back to where the position is. */
  rewind(): void {
    this.#reader = this.#freshReader()
  }

  /** Counts the lines that are there and cannot be taken now, so that their number is known should they be lost. */
  lookAhead(): void {
    if (this.#position.compressed) return
    if (this.#ahead.at < this.#position.offset) this.#ahead = { at: this.#position.offset, lines: 0 }
    let { at, lines } = this.#ahead
    const chunk = Buffer.allocUnsafe(limits.readChunkBytes)
    for (let bytes = this.#readAt(chunk, at); bytes > 0; bytes = this.#readAt(chunk, at)) {
      for (let found = chunk.indexOf(10); found >= 0 && found < bytes; found = chunk.indexOf(10, found + 1)) lines += 1
      at += bytes
    }
    this.#ahead = { at, lines }
  }

  close(): void {
    if (!this.#isClosed) closeSync(this.#file)
    this.#isClosed = true
  }

  /** Where the file system fails, there is nothing. */
  #readAt(chunk: Buffer, at: number): number {
    try {
      return readSync(this.#file, chunk, 0, chunk.length, at)
    } catch {
      return 0
    }
  }

  #seeChange(now: Micros): void {
    let as = ''
    try {
      const { size, mtimeNs } = fstatSync(this.#file, { bigint: true })
      as = `${size} ${mtimeNs}`
    } catch {
      // It cannot even be looked at, and so does not change.
    }
    if (this.#changed?.as !== as) this.#changed = { as, at: now }
  }

  #markAt(offset: number): TailPosition['mark'] {
    const bytes = Math.min(limits.markBytes, offset)
    try {
      return { bytes, hash: this.#hashBefore(offset, bytes) }
    } catch {
      return emptyMark
    }
  }

  #hashBefore(offset: number, bytes: number): string {
    const found = Buffer.alloc(bytes)
    const read = bytes === 0 ? 0 : readSync(this.#file, found, 0, bytes, offset - bytes)
    return createHash('sha256').update(found.subarray(0, read)).digest('hex')
  }

  #freshReader(): LineReader {
    const reader = this.#openReader()
    for (const line of this.#position.preamble) reader.entriesOf?.(line)
    return reader
  }
}
