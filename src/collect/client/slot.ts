import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { lockFolder } from '../folder-lock.ts'
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
  mkdirSync(directory, { recursive: true, mode: 0o700 })
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
 * How many records were lost, in all of the slot's numbering: eight bytes that are written in place, so that a full
 * disk takes them too, and that outlive the process.
 */
export class LossFile {
  readonly #file: number
  readonly #bytes = Buffer.alloc(8)
  count: number

  constructor(directory: string) {
    this.#file = openSync(join(directory, 'lost'), 'a+', 0o600)
    closeSync(this.#file)
    this.#file = openSync(join(directory, 'lost'), 'r+')
    const read = readSync(this.#file, this.#bytes, 0, 8, 0)
    this.count = read === 8 ? Number(this.#bytes.readBigUInt64LE(0)) : 0
    this.#write()
  }

  add(): void {
    this.count += 1
    try {
      this.#write()
    } catch {
      // It is still counted in memory, and declared from there while the process lives.
    }
  }

  close(): void {
    closeSync(this.#file)
  }

  #write(): void {
    this.#bytes.writeBigUInt64LE(BigInt(this.count), 0)
    writeSync(this.#file, this.#bytes, 0, 8, 0)
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/**
 * Whether the machine has gone down since somebody wrote here: then the records of the last milliseconds may be lost
 * before they had numbers, which nothing else would show. Known on Linux only. Asked once, by whoever takes the slot.
 */
export function wentDown({ directory }: Slot): boolean {
  const path = join(directory, 'in-use')
  const used = textOf(path)
  const boot = textOf('/proc/sys/kernel/random/boot_id') ?? ''
  return used !== undefined && used !== '' && boot !== '' && used !== boot
}

export function markInUse({ directory }: Slot): void {
  writeFileSync(join(directory, 'in-use'), textOf('/proc/sys/kernel/random/boot_id') ?? '', { mode: 0o600 })
}

/** When everything that was recorded is synced. */
export function unmarkInUse({ directory }: Slot): void {
  rmSync(join(directory, 'in-use'), { force: true })
}
