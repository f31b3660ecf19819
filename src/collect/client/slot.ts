import { randomUUID } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { lockFolder } from '../folder-lock.ts'
import { readFrames } from '../spool.ts'
import type { SpoolState } from '../spool-frame.ts'
import { limits } from './limits.ts'

/**
 * A place in the spool directory that one process has for itself. The first process that records has slot 1, a
 * second one beside it slot 2, and so on; a process that comes after another takes over its slot and what lies in it.
 */
export interface Slot {
  readonly number: number
  readonly directory: string
  /** Lets another process have it. The end of the process does the same. */
  release(): void
}

/** Takes the slot for this process alone, or undefined when somebody has it. */
export function takeSlot(parent: string, number: number): Slot | undefined {
  const directory = join(parent, `slot-${number}`)
  makeFolder(directory)
  try {
    const lock = lockFolder(directory)
    return lock === null ? undefined : { number, directory, release: () => lock.release() }
  } catch (error) {
    throw new Error(
      `the spool ${directory} cannot be locked (${(error as Error).message}); give a directory on a local disk`,
      { cause: error },
    )
  }
}

export function takeFreeSlot(parent: string): Slot {
  for (let number = 1; number <= limits.slotsMax; number += 1) {
    const slot = takeSlot(parent, number)
    if (slot !== undefined) return slot
  }
  throw new Error(`${limits.slotsMax} processes use the spool ${parent} already; give another directory`)
}

/** The slots that there are, whoever has them. */
export function slotNumbers(parent: string): number[] {
  return readdirSync(parent)
    .flatMap((name) => /^slot-([1-9]\d{0,3})$/.exec(name)?.[1] ?? [])
    .map(Number)
    .filter((number) => number <= limits.slotsMax)
    .toSorted((a, b) => a - b)
}

/** The source of a slot: two numberings at once are two sources, each with its own completeness (0027). */
export function sourceOfSlot(source: string, number: number): string {
  return number === 1 ? source : `${source}/${number}`
}

/**
 * The directory is one source's, for ever: its slots hold that source's numbers. The name is linked into place whole,
 * so two services that begin at once cannot both have it.
 */
export function claimDirectory(parent: string, source: string): void {
  makeFolder(parent)
  const path = join(parent, 'source')
  if (!existsSync(path)) {
    const whole = join(parent, `source-${randomUUID()}`)
    writeSynced(whole, source)
    try {
      linkSync(whole, path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    } finally {
      rmSync(whole)
    }
    syncFolder(parent)
  }
  refuseOther(parent, { owner: readFileSync(path, 'utf8'), source })
}

/** Throws when what lies here is not the source's. */
export function refuseOther(directory: string, { owner, source }: Readonly<Record<'owner' | 'source', string>>): void {
  if (owner === source) return
  throw new Error(
    `the spool ${directory} is that of the source "${owner}", with its numbers and what still waits there; give "${source}" a directory of its own, and empty this one with a client of the old name`,
  )
}

/** The state of the newest whole frame in the slot, without opening its spool; undefined when there is none. */
export function lastStateOf({ directory }: Slot): SpoolState | undefined {
  const names = readdirSync(directory).filter((name) => /^segment-\d{12}$/.test(name))
  for (const name of names.toSorted().toReversed()) {
    let state: SpoolState | undefined
    readFrames(join(directory, name), ({ frame }) => (state = frame.state))
    if (state !== undefined) return state
  }
  return undefined
}

/**
 * How many records were lost, in all of the slot's numbering: eight bytes that are written in place, so that a full
 * disk takes them too, and that outlive the process. They outlive the machine when they were synced; every frame of
 * the spool says how many there were as well.
 */
export class LossFile {
  readonly #file: number
  readonly #bytes = Buffer.alloc(8)
  count: number

  /** `known`: as many as the spool knows of. */
  constructor({ directory }: Slot, known: number) {
    const path = join(directory, 'lost')
    closeSync(openSync(path, 'a', 0o600))
    this.#file = openSync(path, 'r+')
    try {
      const read = readSync(this.#file, this.#bytes, 0, 8, 0)
      this.count = Math.max(read === 8 ? Number(this.#bytes.readBigUInt64LE(0)) : 0, known)
      this.#write()
    } catch (error) {
      this.close()
      throw error
    }
  }

  add(): void {
    this.count += 1
    try {
      this.#write()
    } catch {
      // It is still counted in memory, and declared from there while the process lives.
    }
  }

  sync(): void {
    fsyncSync(this.#file)
  }

  close(): void {
    closeSync(this.#file)
  }

  #write(): void {
    this.#bytes.writeBigUInt64LE(BigInt(this.count), 0)
    writeSync(this.#file, this.#bytes, 0, 8, 0)
  }
}

/** What the host counted is in its file already; any thread can sync it. */
export function syncLosses(directory: string): void {
  const file = openSync(join(directory, 'lost'), 'r+')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/**
 * Begins to use a slot: its losses, and whether the machine has gone down since somebody used it. That is one loss more,
 * which is durable before the mark that tells of it is written over.
 */
export function beginUse(slot: Slot, known: number): { readonly losses: LossFile; readonly hasGoneDown: boolean } {
  const losses = new LossFile(slot, known)
  try {
    const hasGoneDown = wentDown(slot)
    if (hasGoneDown) losses.add()
    losses.sync()
    writeSynced(join(slot.directory, 'in-use'), textOf('/proc/sys/kernel/random/boot_id') ?? '')
    syncFolder(slot.directory)
    return { losses, hasGoneDown }
  } catch (error) {
    losses.close()
    throw error
  }
}

/** When everything that was recorded is synced. */
export function unmarkInUse({ directory }: Slot): void {
  rmSync(join(directory, 'in-use'), { force: true })
  syncFolder(directory)
}

/**
 * Whether the machine has gone down since somebody wrote here: then the records of the last milliseconds may be lost
 * before they had numbers, which nothing else would show. Known on Linux only. Asked once, by whoever takes the slot.
 */
function wentDown({ directory }: Slot): boolean {
  const path = join(directory, 'in-use')
  const used = textOf(path)
  const boot = textOf('/proc/sys/kernel/random/boot_id') ?? ''
  return used !== undefined && used !== '' && boot !== '' && used !== boot
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function writeSynced(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600, flush: true })
}

/** The names in a folder are durable when it returns. */
function syncFolder(directory: string): void {
  const folder = openSync(directory, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

/** With the folders above it, each durable in the one that it is in. */
function makeFolder(directory: string): void {
  const first = mkdirSync(directory, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let made = directory; made.length >= first.length; made = dirname(made)) syncFolder(dirname(made))
}
