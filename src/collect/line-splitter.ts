import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import { limits } from './limits.ts'

/** One line without its newline. `bytes` is the whole line, or the beginning of one that is too long. */
export interface SplitLine {
  /** 1-based. */
  readonly number: number
  readonly bytes: Buffer
  /** The line's true length in bytes. */
  readonly length: number
}

const newline = 0x0a

/**
 * Cuts a stream of bytes into lines, whatever the chunks are. It holds at most one line of
 * `limits.lineBytesMax`, and only the beginning of a longer one, however long that is. The bytes of a
 * line may share memory with the chunk they came in, so they are valid until the next push.
 */
export class LineSplitter {
  #carry = Buffer.allocUnsafe(16_384)
  #carried = 0
  /** Length of the line under way; more than `#carried` once it has become too long to keep. */
  #length = 0
  #number = 0
  #hash: Hash | undefined = createHash('sha256')
  #firstLineHash: string | undefined

  /** SHA-256 of the first line without its newline, in hex, once that line is complete. */
  get firstLineHash(): string | undefined {
    return this.#firstLineHash
  }

  /** Length of the line that has begun and not ended. */
  get unfinishedBytes(): number {
    return this.#length
  }

  /** The lines that end in this chunk. */
  push(chunk: Buffer): SplitLine[] {
    const lines: SplitLine[] = []
    let start = 0
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      lines.push(this.#finish(chunk.subarray(start, end)))
      start = end + 1
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start))
    return lines
  }

  /** The line after the last newline, if there is one. Whether it is complete only the caller can know. */
  end(): SplitLine | undefined {
    return this.#length === 0 ? undefined : this.#finish(Buffer.alloc(0))
  }

  #finish(piece: Buffer): SplitLine {
    this.#number += 1
    if (this.#length === 0 && piece.length <= limits.lineBytesMax) {
      this.#hashFirst(piece)
      this.#closeFirst()
      return { number: this.#number, bytes: piece, length: piece.length }
    }
    this.#keep(piece)
    this.#closeFirst()
    const length = this.#length
    const bytes = Buffer.from(this.#carry.subarray(0, length > limits.lineBytesMax ? limits.overlongKeptBytes : length))
    this.#carried = 0
    this.#length = 0
    return { number: this.#number, bytes, length }
  }

  #keep(piece: Buffer): void {
    this.#hashFirst(piece)
    this.#length += piece.length
    const space = Math.max(limits.lineBytesMax - this.#carried, 0)
    const kept = piece.subarray(0, space)
    if (this.#carried + kept.length > this.#carry.length) {
      const larger = Buffer.allocUnsafe(Math.min(limits.lineBytesMax, 2 * (this.#carried + kept.length)))
      this.#carry.copy(larger, 0, 0, this.#carried)
      this.#carry = larger
    }
    kept.copy(this.#carry, this.#carried)
    this.#carried += kept.length
  }

  #hashFirst(piece: Buffer): void {
    this.#hash?.update(piece)
  }

  #closeFirst(): void {
    if (this.#hash === undefined) return
    this.#firstLineHash = this.#hash.digest('hex')
    this.#hash = undefined
  }
}
