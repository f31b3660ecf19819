import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { MessagePort } from 'node:worker_threads'
import type { Counters } from './counters.ts'
import { limits } from './limits.ts'

/** The way of a record from the host's thread to the worker. Nothing here throws or waits. */
export interface HandOver {
  /** False when there is no room, or the disk refuses: then it was not taken at all. */
  write(line: string): boolean
  readonly lines: number
  close(): void
}

/** `run` names the process, so that no two ever write into files of the same names. */
export function handOverName(run: string, number: number): string {
  return `hand-over-${run}-${String(number).padStart(9, '0')}`
}

/** Shared by both ways: no more may be on the way than there is room for. */
class Room {
  readonly #counters: Counters
  readonly #bytesMax: number
  #written = 0
  #taken = 0

  constructor(counters: Counters, bytesMax: number) {
    this.#counters = counters
    this.#bytesMax = bytesMax
  }

  has(bytes: number): boolean {
    if (this.#written - this.#taken + bytes <= this.#bytesMax) return true
    this.#taken = this.#counters.get('takenBytes')
    return this.#written - this.#taken + bytes <= this.#bytesMax
  }

  fill(bytes: number): void {
    this.#written += bytes
  }
}

/**
 * By files: a line is in the kernel's hands when `write` returns, so it outlives the process, also one that is killed
 * with -9. It is not synced: the worker moves it into the spool, which is, some milliseconds later.
 */
export class FileHandOver implements HandOver {
  readonly #directory: string
  readonly #run: string
  readonly #room: Room
  #file: number | undefined
  #number = 0
  #fileBytes = 0
  lines = 0

  constructor(where: { readonly directory: string; readonly run: string }, counters: Counters, bytesMax: number) {
    this.#directory = where.directory
    this.#run = where.run
    this.#room = new Room(counters, bytesMax)
    this.#next()
  }

  write(line: string): boolean {
    const text = `${line}\n`
    const bytes = Buffer.byteLength(text)
    if (!this.#room.has(bytes)) return false
    try {
      if (this.#file === undefined || this.#fileBytes >= limits.handOverFileBytesMax) this.#next()
      if (this.#file === undefined || !this.#append(this.#file, text, bytes)) return false
    } catch {
      return false
    }
    this.#room.fill(bytes)
    this.lines += 1
    return true
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  /** A line that is written in part is taken back: the worker reads up to the last line end only. */
  #append(file: number, text: string, bytes: number): boolean {
    let written = -1
    try {
      written = writeSync(file, text)
      if (written === bytes) {
        this.#fileBytes += bytes
        return true
      }
    } catch {
      // As if nothing had been written.
    }
    try {
      ftruncateSync(file, this.#fileBytes)
    } catch {
      this.close()
    }
    return false
  }

  #next(): void {
    const file = openSync(join(this.#directory, handOverName(this.#run, this.#number + 1)), 'ax', 0o600)
    this.close()
    this.#file = file
    this.#number += 1
    this.#fileBytes = 0
  }
}

/** By messages, without a disk: what is on the way ends with the process. */
export class PortHandOver implements HandOver {
  readonly #port: MessagePort
  readonly #room: Room
  lines = 0

  constructor(port: MessagePort, counters: Counters, bytesMax: number) {
    this.#port = port
    this.#room = new Room(counters, bytesMax)
  }

  write(line: string): boolean {
    const bytes = Buffer.byteLength(line) + 1
    if (!this.#room.has(bytes)) return false
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port between threads, no window
    this.#port.postMessage(line)
    this.#room.fill(bytes)
    this.lines += 1
    return true
  }

  close(): void {
    this.#port.close()
  }
}
