import { readdirSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import type { Micros } from '../core/time.ts'
import { Follower } from './follower.ts'
import type { FileIdentity } from './follower.ts'
import { finishedFile, isFinished, isSameHead, keepFinished } from './known-content.ts'
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

function nameOf({ device, inode }: FileIdentity): string {
  return `${device} ${inode}`
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
  #nextRank = 0
  /** Archives of which too little is packed to know them, and since when. */
  #unsure = new Map<string, Micros>()
  /** Tailed names behind which something is that could not be opened in the last look. */
  readonly #unopened = new Set<string>()

  constructor(task: TailsTask) {
    this.#task = task
    this.#paths = task.paths.map((path) => resolve(path))
  }

  /** Those of one path in the order in which they were written. */
  get followers(): readonly Follower[] {
    return this.#followers
  }

  /** True while there are lines that cannot be read yet, so that nobody can say that all of them were. */
  get isWaiting(): boolean {
    return this.#unopened.size > 0 || this.#unsure.size > 0 || this.#followers.some((follower) => follower.isAwaited)
  }

  /**
   * Goes on where an earlier run stopped, whatever the rotation did meanwhile. Gives the number of lines that are
   * known to be lost; a file that is gone without a trace counts as one, because at least its existence is known.
   */
  async resume(state: SpoolState, now: Micros): Promise<number> {
    let lost = 0
    for (const position of state.files) {
      if (!this.#paths.includes(position.path)) this.#task.note(`${position.path} is not tailed any more`)
      else if (!(await this.#resumeOne(position, state, now))) lost += this.#gone(position)
    }
    return lost
  }

  /** The files that are there under rotated names before anything was tailed: they are none of the agent's business. */
  async strangers(begunAt: Micros): Promise<FinishedFile[]> {
    const found: FinishedFile[] = []
    for (const path of this.#paths) {
      for (const file of this.#siblings(path)) {
        if (file.modifiedAt > begunAt) continue
        const follower = this.#open(file.path, { path })
        if (follower === undefined) continue
        found.push(finishedFile(await follower.head(), path))
        follower.close()
      }
    }
    // The newest of each path are kept.
    return this.keep([], found.toReversed())
  }

  /** The files that are still to be known as finished when these have come to them. */
  keep(finished: SpoolState['finished'], more: FinishedFile[]): FinishedFile[] {
    return keepFinished(finished, more, this.#paths.length)
  }

  /** Files that came and were rotated away between two looks: they were written to since, and nobody knows them. */
  async #followUnseen(path: string, { begunAt, lookedAt, finished }: SpoolState, now: Micros): Promise<void> {
    const since = Math.max(begunAt, lookedAt - limits.unseenSlackMs * 1000)
    for (const file of this.#siblings(path).toReversed()) {
      const wasUnsure = this.#unsure.get(nameOf(file))
      if (file.modifiedAt <= since && wasUnsure === undefined) continue
      const follower = this.#open(file.path, { path })
      const kind = follower === undefined ? 'known' : await this.#kindOf(follower, finished)
      const isDoubtOver = wasUnsure !== undefined && now - wasUnsure >= limits.rotatedWatchedMs * 1000
      if (kind === 'unsure' && !isDoubtOver) this.#unsure.set(nameOf(file), wasUnsure ?? now)
      else this.#unsure.delete(nameOf(file))
      // A file that was emptied just now may have this one as its copy: the next look finds out which.
      const isMaybeCopy = this.#followers.some((other) => other.isTruncated())
      if (follower === undefined) continue
      if (kind === 'known' || this.#unsure.has(nameOf(file)) || isMaybeCopy) follower.close()
      else this.#add(follower, now)
    }
  }

  /** Known is what is read, or its beginning is: a copy or an archive, perhaps one that is still being written. */
  async #kindOf(file: Follower, finished: SpoolState['finished']): Promise<'known' | 'unknown' | 'unsure'> {
    const head = await file.head()
    if (head.lines.length === 0) return head.isWhole ? 'known' : 'unsure'
    for (const follower of this.#followers) if (isSameHead(head, await follower.head())) return 'known'
    if (isFinished(head, finished)) return 'known'
    return head.isWhole || head.lines.length === limits.headBytes ? 'unknown' : 'unsure'
  }

  /** Looks what has become of the names. Gives the number of lines that are known to be lost by it. */
  async discover(state: SpoolState, now: Micros): Promise<number> {
    this.#unopened.clear()
    let lost = await this.#leaveForeign(state, now)
    for (const follower of this.#followers) {
      if (!follower.isTruncated()) continue
      const { position } = follower
      const copied = await this.#followCopy(position, state, { now, rank: follower.rank - 0.5 })
      const known = follower.restart()
      if (copied) continue
      lost += known
      this.#task.note(`${position.path} was emptied before it was read to its end; ${known} lines are known to be lost`)
    }
    this.#forgetUnsure()
    for (const path of this.#paths) await this.#lookAt(path, state, now)
    this.#followers = this.#followers.toSorted((a, b) => a.rank - b.rank)
    return lost
  }

  async #lookAt(path: string, state: SpoolState, now: Micros): Promise<void> {
    const file = this.#look(path)
    await this.#followUnseen(path, state, now)
    let isFollowed = false
    for (const follower of this.#followers) {
      if (follower.position.path !== path) continue
      this.#tellFailure(follower)
      const isThere = file !== undefined && follower.is(file)
      isFollowed ||= isThere
      // A file may come back to its name. One without a successor is still the one that is written to.
      if (isThere) {
        follower.rotatedAt = undefined
        follower.rank = this.#nextRank++
      } else if (file !== undefined) follower.rotatedAt ??= now
    }
    const follower = file === undefined || isFollowed ? undefined : this.#open(path, { path })
    if (follower !== undefined) this.#add(follower, undefined)
  }

  /**
   * Nothing more is expected from this file. Gives what it is known by from now on, and how many lines of it are
   * known to be lost: what could not be read to its end counts as one, because nobody knows how many.
   */
  async drop(follower: Follower): Promise<{ readonly file: FinishedFile; readonly lost: number }> {
    const { ending, position } = follower
    const file = finishedFile(await follower.head(), position.path)
    const lost = follower.isAwaited ? 1 : 0
    if (lost > 0) {
      const reason = 'reason' in ending ? ending.reason : 'it is another content'
      this.#task.note(
        `a rotated file of ${position.path} cannot be read beyond byte ${position.offset} of its content: ${reason}. Nobody knows how many lines follow; declared as 1 lost`,
      )
    }
    this.#leave(follower)
    return { file, lost }
  }

  close(): void {
    for (const follower of this.#followers) follower.close()
    this.#followers = []
  }

  async #resumeOne(position: TailPosition, state: SpoolState, now: Micros): Promise<boolean> {
    const places = [this.#look(position.path), ...this.#siblings(position.path)].filter((file) => file !== undefined)
    const same = places.find(({ device, inode }) => device === position.device && inode === position.inode)
    const follower = same === undefined ? undefined : this.#open(same.path, position)
    if (same !== undefined && follower !== undefined) {
      this.#add(follower, same.path === position.path ? undefined : now)
      if (!follower.isTruncated()) return true
      // The name of an inode may be given to another file; what counts is the content.
      follower.restart()
      return this.#followCopy(position, state, { now, rank: follower.rank - 0.5 })
    }
    return this.#followCopy(position, state, { now, rank: this.#nextRank++ })
  }

  /**
   * Follows the rest of a file in a copy of it, plain or compressed. False when there is none. An archive that is not
   * packed that far yet may be it: it is followed until it says.
   */
  async #followCopy(position: TailPosition, state: SpoolState, at: { now: Micros; rank: number }): Promise<boolean> {
    if (position.mark.bytes === 0) return false
    const since = state.lookedAt - limits.unseenSlackMs * 1000
    let maybe: Follower | undefined
    let found: Follower | undefined
    for (const file of this.#siblings(position.path)) {
      const follower = this.#open(file.path, position)
      if (follower === undefined) continue
      const held = await follower.holdsMark()
      if (held === 'yes') found = follower
      else if (held === 'not yet' && maybe === undefined && file.modifiedAt > since) maybe = follower
      else follower.close()
      if (found !== undefined) break
    }
    if (found !== undefined) maybe?.close()
    const followed = found ?? maybe
    if (followed !== undefined) this.#add(followed, at.now, at.rank)
    return followed !== undefined
  }

  /** Archives that might have been the copy of a file, and turned out to be another's. */
  async #leaveForeign(state: SpoolState, now: Micros): Promise<number> {
    let lost = 0
    for (const follower of this.#followers) {
      if (follower.ending.kind !== 'foreign') continue
      const { position, rank } = follower
      this.#leave(follower)
      if (!(await this.#followCopy(position, state, { now, rank }))) lost += this.#gone(position)
    }
    return lost
  }

  #gone({ path, offset }: TailPosition): number {
    this.#task.note(
      `${path}: the file that was read up to byte ${offset} is gone, and nobody knows how many lines after it; declared as 1 lost`,
    )
    return 1
  }

  #tellFailure({ ending, position }: Follower): void {
    if (ending.kind === 'failed') this.#task.note(`a file of ${position.path} cannot be read: ${ending.reason}`)
  }

  /** Those that are not there any more are nothing to wait for. */
  #forgetUnsure(): void {
    if (this.#unsure.size === 0) return
    const there = new Set(this.#paths.flatMap((path) => this.#siblings(path).map(nameOf)))
    for (const name of this.#unsure.keys()) if (!there.has(name)) this.#unsure.delete(name)
  }

  #leave(follower: Follower): void {
    follower.close()
    this.#followers = this.#followers.filter((other) => other !== follower)
  }

  #add(follower: Follower, rotatedAt: Micros | undefined, rank = this.#nextRank++): void {
    follower.rotatedAt = rotatedAt
    follower.rank = rank
    this.#followers = [...this.#followers, follower]
  }

  /** Undefined when it cannot be opened, or is followed already. */
  #open(openedAs: string, at: TailPosition | { readonly path: string }): Follower | undefined {
    const file = this.#look(openedAs)
    if (file === undefined || this.#followers.some((follower) => follower.is(file))) return undefined
    try {
      const follower = Follower.open(openedAs, at, this.#task.openReader)
      // The name may have gone to another file meanwhile.
      if (!this.#followers.some((other) => other.is(follower.position))) return follower
      follower.close()
    } catch (error) {
      this.#cannotRead(openedAs, error)
    }
    return undefined
  }

  #look(path: string): FoundFile | undefined {
    try {
      return look(path)
    } catch (error) {
      this.#cannotRead(path, error)
      return undefined
    }
  }

  /** One file that cannot be read is no reason to leave the others unread. */
  #cannotRead(path: string, error: unknown): void {
    if (this.#paths.includes(path)) this.#unopened.add(path)
    this.#task.note(`${path} cannot be read: ${(error as Error).message}`)
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
        .map((other) => this.#look(other))
        .filter((file) => file !== undefined)
        .toSorted((a, b) => b.modifiedAt - a.modifiedAt)
        .slice(0, limits.siblingsMax)
    } catch {
      return []
    }
  }
}
