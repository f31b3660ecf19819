import { readdirSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import type { Micros } from '../core/time.ts'
import { Follower, hasMark, hashOf, headOf } from './follower.ts'
import type { FileIdentity } from './follower.ts'
import { limits } from './limits.ts'
import type { LineReader } from './line-reader.ts'
import type { FinishedFile, SpoolState, TailPosition } from './spool-frame.ts'

interface FoundFile extends FileIdentity {
  readonly path: string
  readonly modifiedAt: number
}

function look(path: string): FoundFile | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  if (found === undefined || !found.isFile()) return undefined
  return { path, device: String(found.dev), inode: String(found.ino), modifiedAt: Number(found.mtimeNs / 1000n) }
}

export interface TailsTask {
  readonly paths: readonly string[]
  readonly openReader: () => LineReader
  /** Tells the operator. */
  readonly note: (message: string) => void
}

/**
 * The files behind the names that are tailed: the one that has the name now, and those that had it before and are
 * not read to their end. A file is known by device and inode; one that was copied or compressed, by its content.
 */
export class Tails {
  readonly #task: TailsTask
  readonly #paths: readonly string[]
  #followers: Follower[] = []

  constructor(task: TailsTask) {
    this.#task = task
    this.#paths = task.paths.map((path) => resolve(path))
  }

  get followers(): readonly Follower[] {
    return this.#followers
  }

  /**
   * Goes on where an earlier run stopped, whatever the rotation did meanwhile. Gives the number of lines that are
   * known to be lost; a file that is gone without a trace counts as one, because at least its existence is known.
   */
  async resume({ files }: SpoolState, now: Micros): Promise<number> {
    let lost = 0
    for (const position of files) {
      if (!this.#paths.includes(position.path)) this.#task.note(`${position.path} is not tailed any more`)
      else if (!(await this.#resumeOne(position, now))) {
        lost += 1
        this.#task.note(
          `${position.path}: the file that was read up to byte ${position.offset} is gone, and nobody knows how many lines after it; declared as 1 lost`,
        )
      }
    }
    return lost
  }

  /** The files that are there under rotated names before anything was tailed: they are none of the agent's business. */
  async strangers(begunAt: Micros): Promise<FinishedFile[]> {
    const found: FinishedFile[] = []
    for (const path of this.#paths) {
      for (const file of this.#siblings(path)) {
        if (file.modifiedAt > begunAt || found.length === limits.finishedMax) continue
        const head = await headOf(file.path).catch(() => Buffer.alloc(0))
        found.push({ bytes: head.length, hash: hashOf(head) })
      }
    }
    return found
  }

  /** Files that came and were rotated away between two looks: they were written to since, and nobody knows them. */
  async #followUnseen(path: string, { begunAt, lookedAt, finished }: SpoolState, now: Micros): Promise<void> {
    const since = Math.max(begunAt, lookedAt - limits.unseenSlackMs * 1000)
    for (const file of this.#siblings(path)) {
      if (file.modifiedAt <= since || (await this.#isKnown(file, finished))) continue
      // A file that was emptied just now may have this one as its copy: the next look finds out which.
      if (this.#followers.some((follower) => follower.isTruncated())) return
      this.#follow(file.path, { path }, now)
    }
  }

  /** Known is what is read, or its beginning is: a copy or an archive, perhaps one that is still being written. */
  async #isKnown(file: FoundFile, finished: SpoolState['finished']): Promise<boolean> {
    if (this.#followers.some((follower) => follower.is(file))) return true
    const head = await headOf(file.path).catch(() => Buffer.alloc(0))
    if (head.length === 0) return true
    for (const follower of this.#followers) {
      const other = await follower.head()
      const bytes = Math.min(head.length, other.length)
      if (bytes > 0 && head.subarray(0, bytes).equals(other.subarray(0, bytes))) return true
    }
    return finished.some(({ bytes, hash }) => bytes > 0 && hashOf(head.subarray(0, bytes)) === hash)
  }

  /** Looks what has become of the names. Gives the number of lines that are known to be lost by it. */
  async discover(state: SpoolState, now: Micros): Promise<number> {
    let lost = 0
    for (const follower of this.#followers) {
      if (!follower.isTruncated()) continue
      const { position } = follower
      const copied = await this.#followCopy(position, now)
      const known = follower.restart()
      if (copied) continue
      lost += known
      this.#task.note(`${position.path} was emptied before it was read to its end; ${known} lines are known to be lost`)
    }
    for (const path of this.#paths) {
      const file = look(path)
      await this.#followUnseen(path, state, now)
      for (const follower of this.#followers) {
        if (follower.position.path !== path) continue
        const isThere = file !== undefined && follower.is(file)
        // A file may come back to its name. One without a successor is still the one that is written to.
        if (isThere) follower.rotatedAt = undefined
        else if (file !== undefined) follower.rotatedAt ??= now
      }
      if (file !== undefined) this.#follow(path, { path }, undefined)
    }
    return lost
  }

  /** Nothing more is expected from this file. Gives what it is known by from now on. */
  async drop(follower: Follower): Promise<FinishedFile> {
    const head = await follower.head()
    follower.close()
    this.#followers = this.#followers.filter((other) => other !== follower)
    return { bytes: head.length, hash: hashOf(head) }
  }

  close(): void {
    for (const follower of this.#followers) follower.close()
    this.#followers = []
  }

  async #resumeOne(position: TailPosition, now: Micros): Promise<boolean> {
    const places = [look(position.path), ...this.#siblings(position.path)].filter((file) => file !== undefined)
    const same = places.find(({ device, inode }) => device === position.device && inode === position.inode)
    if (same !== undefined) {
      const rotatedAt = same.path === position.path ? undefined : now
      const follower = this.#follow(same.path, position, rotatedAt)
      if (follower === undefined || !follower.isTruncated()) return true
      // The name of an inode may be given to another file; what counts is the content.
      follower.restart()
    }
    return this.#followCopy(position, now)
  }

  /** Follows the rest of a file in a copy of it, plain or compressed. False when there is none. */
  async #followCopy(position: TailPosition, now: Micros): Promise<boolean> {
    if (position.mark.bytes === 0) return false
    for (const file of this.#siblings(position.path)) {
      if (this.#followers.some((follower) => follower.is(file))) continue
      if (!(await hasMark(file.path, position).catch(() => false))) continue
      this.#follow(file.path, position, now)
      return true
    }
    return false
  }

  #follow(openedAs: string, at: TailPosition | { readonly path: string }, rotatedAt: Micros | undefined) {
    const file = look(openedAs)
    if (file === undefined || this.#followers.some((follower) => follower.is(file))) return undefined
    try {
      const follower = Follower.open(openedAs, at, this.#task.openReader)
      follower.rotatedAt = rotatedAt
      this.#followers.push(follower)
      return follower
    } catch (error) {
      this.#task.note(`${openedAs} cannot be read: ${(error as Error).message}`)
      return undefined
    }
  }

  /** Files whose names begin as rotated files of this name do, the newest first. */
  #siblings(path: string): FoundFile[] {
    const name = basename(path)
    const folder = dirname(path)
    try {
      return readdirSync(folder)
        .filter((other) => other.startsWith(`${name}.`) || other.startsWith(`${name}-`))
        .map((other) => join(folder, other))
        .filter((other) => !this.#paths.includes(other))
        .map(look)
        .filter((file) => file !== undefined)
        .toSorted((a, b) => b.modifiedAt - a.modifiedAt)
        .slice(0, limits.siblingsMax)
    } catch {
      return []
    }
  }
}
