import { closeSync, existsSync, fstatSync, fsyncSync, openSync, readSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { receiveMessageOnPort } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import type { TailPosition } from '../spool-frame.ts'
import { isWholeLine, unreadableLine } from './event-line.ts'
import { handOverName } from './hand-over.ts'
import { limits } from './limits.ts'

/** Lines that were recorded, to be moved into the spool. Until `commit` they may be read again. */
export interface Piece {
  readonly lines: readonly string[]
  /** On the way from the host, which counts them; 0 for what an earlier process left behind. */
  readonly ownBytes: number
  /** Where reading goes on after them, to be stored together with them. */
  readonly positions: readonly TailPosition[]
  /** When the lines are in the spool, and durable. */
  commit(): void
}

/** The worker's end of the hand-over. */
export interface Inbox {
  /** The next lines in their order, or undefined when everything that was recorded before this call was read. */
  read(): Piece | undefined
  close(): void
}

interface Reading {
  readonly name: string
  /** Of the process that writes now; only its newest file grows. */
  readonly number: number | undefined
  offset: number
}

function positionOf({ name, offset }: Reading): TailPosition {
  const mark = { bytes: 0, hash: '' }
  return { path: name, device: '', inode: '', compressed: false, offset, mark, preamble: [] }
}

/** The first bytes behind the offset up to a line end; all of them when no line end comes any more. */
function bytesAt(path: string, offset: number): Buffer {
  const file = openSync(path, 'r')
  try {
    const left = Math.max(fstatSync(file).size - offset, 0)
    for (let size: number = limits.pieceBytes; ; size = limits.pieceBytesMax) {
      const bytes = Buffer.allocUnsafe(Math.min(left, size))
      const read = readSync(file, bytes, 0, bytes.length, offset)
      const end = bytes.subarray(0, read).lastIndexOf(10)
      if (end >= 0) return bytes.subarray(0, end + 1)
      if (read === left || size === limits.pieceBytesMax) return bytes.subarray(0, read)
    }
  } finally {
    closeSync(file)
  }
}

/**
 * Files of this process, and those that earlier ones left behind. A file is removed when all of it is in the spool,
 * and forgotten only when its removal is durable: otherwise a power loss could bring it back and it would count twice.
 */
export class FileInbox implements Inbox {
  readonly #directory: string
  readonly #run: string | undefined
  #left: Reading[]
  #own: Reading | undefined

  /** `positions` are those that the spool remembers. `run` is undefined when nobody writes here now. */
  constructor(directory: string, run: string | undefined, positions: readonly TailPosition[]) {
    this.#directory = directory
    this.#run = run
    const offsets = new Map(positions.map(({ path, offset }) => [path, offset]))
    const names = readdirSync(directory).filter((name) => name.startsWith('hand-over-'))
    const all = names.toSorted().map((name) => ({ name, offset: offsets.get(name) ?? 0 }))
    this.#left = all.filter(({ name }) => !this.#isOwn(name)).map((file) => ({ ...file, number: undefined }))
    const own = all.find(({ name }) => this.#isOwn(name))
    if (own !== undefined) this.#own = { ...own, number: Number(own.name.slice(-9)) }
    else if (run !== undefined) this.#own = { name: handOverName(run, 1), number: 1, offset: 0 }
  }

  read(): Piece | undefined {
    for (let reading = this.#left[0]; reading !== undefined; reading = this.#left[0]) {
      const piece = this.#piece(reading, true)
      if (piece !== undefined) return piece
      this.#remove(reading)
      this.#left.shift()
    }
    for (let own = this.#own; own?.number !== undefined && this.#run !== undefined; own = this.#own) {
      const next = handOverName(this.#run, own.number + 1)
      // Asked before reading: the host begins a file when it will write no more into the one before.
      const isOver = existsSync(join(this.#directory, next))
      const piece = this.#piece(own, isOver)
      if (piece !== undefined || !isOver) return piece
      this.#remove(own)
      this.#own = { name: next, number: own.number + 1, offset: 0 }
    }
    return undefined
  }

  close(): void {
    this.#left = []
    this.#own = undefined
  }

  #isOwn(name: string): boolean {
    return this.#run !== undefined && name.startsWith(`hand-over-${this.#run}-`)
  }

  #piece(reading: Reading, isOver: boolean): Piece | undefined {
    const bytes = bytesAt(join(this.#directory, reading.name), reading.offset)
    if (bytes.length === 0) return undefined
    const isWhole = bytes.at(-1) === 10
    if (!isWhole && !isOver) return undefined
    const text = bytes.toString('utf8')
    const lines = (isWhole ? text.slice(0, -1) : text).split('\n')
    const offset = reading.offset + bytes.length
    const isOwn = reading.number !== undefined
    return {
      lines: isOwn && isWhole ? lines : lines.map(checked),
      ownBytes: isOwn ? bytes.length : 0,
      positions: this.#positions({ ...reading, offset }),
      commit: () => {
        reading.offset = offset
      },
    }
  }

  #positions(moved: Reading): TailPosition[] {
    const readings = [...this.#left, ...(this.#own === undefined ? [] : [this.#own])]
    return readings.map((reading) => positionOf(reading.name === moved.name ? moved : reading))
  }

  #remove({ name }: Reading): void {
    rmSync(join(this.#directory, name), { force: true })
    const folder = openSync(this.#directory, 'r')
    try {
      fsyncSync(folder)
    } finally {
      closeSync(folder)
    }
  }
}

/** Only the line at which a process or a machine went down can be cut off; it keeps a number, and is seen. */
function checked(line: string): string {
  return isWholeLine(line)
    ? line
    : unreadableLine('the record was cut off when its machine went down', line.slice(0, 4_096))
}

/** Messages of the host. They come in the order in which they were posted, and are there when they were posted. */
export class PortInbox implements Inbox {
  readonly #port: MessagePort
  #unread: string[] = []

  constructor(port: MessagePort) {
    this.#port = port
  }

  read(): Piece | undefined {
    const lines = this.#unread
    let bytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0)
    while (bytes < limits.pieceBytes) {
      const message = receiveMessageOnPort(this.#port)
      if (message === undefined) break
      const line = String(message.message)
      lines.push(line)
      bytes += Buffer.byteLength(line) + 1
    }
    if (lines.length === 0) return undefined
    return {
      lines,
      ownBytes: bytes,
      positions: [],
      commit: () => {
        this.#unread = []
      },
    }
  }

  close(): void {
    this.#port.close()
  }
}
