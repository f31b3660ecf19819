import { createHash } from 'node:crypto'
import { closeSync, fstatSync, fsyncSync, openSync, readSync } from 'node:fs'
import type { Micros } from '../core/time.ts'
import { compressionOf, openContent } from './file-content.ts'
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

/** The bytes of a file from an offset on; compressed ones are unpacked again from their beginning. */
async function* contentFrom(file: number, path: string, position: TailPosition): AsyncGenerator<Buffer> {
  if (!position.compressed) {
    for (let at = position.offset; ;) {
      const chunk = Buffer.allocUnsafe(limits.readChunkBytes)
      const bytes = readSync(file, chunk, 0, chunk.length, at)
      if (bytes === 0) return
      at += bytes
      yield chunk.subarray(0, bytes)
    }
  }
  const content = await openContent(path)
  try {
    let skip = position.offset
    for (let next = await content.chunks.next(); next.done !== true; next = await content.chunks.next()) {
      const rest = next.value.subarray(skip)
      skip -= Math.min(skip, next.value.length)
      if (rest.length > 0) yield rest
    }
  } finally {
    await content.chunks.return({ kind: 'complete' })
  }
}

/** The first bytes of a file's content, by which its copies are known while they are still being made. */
export async function headOf(path: string): Promise<Buffer> {
  const content = await openContent(path)
  try {
    let head = Buffer.alloc(0)
    for (let next = await content.chunks.next(); next.done !== true; next = await content.chunks.next()) {
      head = Buffer.concat([head, next.value.subarray(0, limits.headBytes - head.length)])
      if (head.length === limits.headBytes) break
    }
    return head
  } finally {
    await content.chunks.return({ kind: 'complete' })
  }
}

export function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64url')
}

/** Whether the content of a file has these bytes before this offset, so that it is the content that was read. */
export async function hasMark(path: string, { offset, mark }: TailPosition): Promise<boolean> {
  const content = await openContent(path)
  try {
    const from = offset - mark.bytes
    const hash = createHash('sha256')
    let at = 0
    for (let next = await content.chunks.next(); next.done !== true; next = await content.chunks.next()) {
      const { value } = next
      if (at + value.length > from) hash.update(value.subarray(Math.max(0, from - at), Math.max(0, offset - at)))
      at += value.length
      if (at >= offset) return hash.digest('hex') === mark.hash
    }
    return false
  } finally {
    await content.chunks.return({ kind: 'complete' })
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
  #position: TailPosition
  readonly #file: number
  readonly #openedAs: string
  readonly #openReader: () => LineReader
  #reader: LineReader
  #ahead = { at: 0, lines: 0 }

  private constructor(file: number, openedAs: string, position: TailPosition, openReader: () => LineReader) {
    this.#file = file
    this.#openedAs = openedAs
    this.#position = position
    this.#openReader = openReader
    this.#reader = this.#freshReader()
  }

  /** Opens a file at a position, or from its beginning. Throws what opening throws. */
  static open(openedAs: string, at: TailPosition | { readonly path: string }, openReader: () => LineReader): Follower {
    const file = openSync(openedAs, 'r')
    const { dev, ino } = fstatSync(file, { bigint: true })
    const identity = { device: String(dev), inode: String(ino) }
    const start = Buffer.alloc(4)
    const compressed = compressionOf(start.subarray(0, readSync(file, start, 0, 4, 0))) !== 'none'
    const before = 'offset' in at ? at : { path: at.path, offset: 0, mark: emptyMark, preamble: [] }
    return new Follower(file, openedAs, { ...before, ...identity, compressed }, openReader)
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
    return fstatSync(this.#file).size < offset || this.#hashBefore(offset, mark.bytes) !== mark.hash
  }

  /** The first bytes of what the file holds now. */
  async head(): Promise<Buffer> {
    if (this.#position.compressed) return headOf(this.#openedAs).catch(() => Buffer.alloc(0))
    const head = Buffer.alloc(limits.headBytes)
    return head.subarray(0, readSync(this.#file, head, 0, head.length, 0))
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
    for await (const chunk of contentFrom(this.#file, this.#openedAs, this.#position)) {
      for (const line of splitter.push(chunk)) take(line, true)
      if (end - this.#position.offset >= this.#bytesMax) return lines
    }
    const rest = isOver || this.#position.compressed ? splitter.end() : undefined
    if (rest !== undefined) take(rest, false)
    return lines
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
    const mark = this.#position.compressed ? emptyMark : (markOf(lines) ?? this.#markAt(end))
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
    for (let bytes = readSync(this.#file, chunk, 0, chunk.length, at); bytes > 0;) {
      for (let found = chunk.indexOf(10); found >= 0 && found < bytes; found = chunk.indexOf(10, found + 1)) lines += 1
      at += bytes
      bytes = readSync(this.#file, chunk, 0, chunk.length, at)
    }
    this.#ahead = { at, lines }
  }

  close(): void {
    closeSync(this.#file)
  }

  #markAt(offset: number): TailPosition['mark'] {
    const bytes = Math.min(limits.markBytes, offset)
    return { bytes, hash: this.#hashBefore(offset, bytes) }
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
