import { accessSync, constants, mkdirSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { writeFileDurably } from './durable-file.ts'
import { isRunning } from './running-process.ts'

/** The folder that holds everything of one installation, held by one process at a time. */
export interface DataDirectory {
  /** Absolute, without symbolic links. */
  readonly path: string
  /** The folders that this opening created, the outermost first: Crossfoot may change their permissions. */
  readonly created: readonly string[]
  /** Lets another process have it. The end of the process does the same. */
  close(): void
}

/**
 * Creates the directory (mode 0700) when it is absent, and takes it for this process alone. The lock is the
 * kernel's, on a file that SQLite keeps locked for us (Node itself cannot lock a file): it ends with the process
 * however that ends, so there is no stale lock, and the number of a process that is gone cannot be mistaken.
 */
export async function openDataDirectory(path: string): Promise<DataDirectory> {
  const wanted = resolve(path)
  const created = createDirectory(wanted)
  const real = realpathSync(wanted)
  const lock = takeLock(real)
  if (lock === null)
    throw new Error(
      `another crossfoot (pid ${await ownerOf(real)}) already uses ${real}; ` +
        'stop it first or set CROSSFOOT_DATA to another directory',
    )
  held.add(lock)
  writeFileDurably(pidFile(real), `${process.pid}\n`)
  const close = (): void => {
    if (held.delete(lock)) lock.close()
  }
  return { path: real, created, close }
}

/** A lock that nobody refers to would be collected as garbage, and with it the protection. */
const held = new Set<DatabaseSync>()

function createDirectory(path: string): string[] {
  try {
    const first = mkdirSync(path, { recursive: true, mode: 0o700 })
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
    return first === undefined ? [] : foldersFrom(first, path)
  } catch (error) {
    throw new Error(
      `the data directory ${path} cannot be used (${(error as Error).message}); ` +
        'set CROSSFOOT_DATA to a directory that this user can write',
      { cause: error },
    )
  }
}

function foldersFrom(first: string, last: string): string[] {
  const folders = [last]
  for (let folder = last; folder !== first && folder !== dirname(folder);) {
    folder = dirname(folder)
    folders.unshift(folder)
  }
  return folders
}

const busy = 5

/** Null when another process, or this one, has it. Nothing else may open this file: closing it ends the lock. */
function takeLock(directory: string): DatabaseSync | null {
  const lock = new DatabaseSync(join(directory, 'lock'), { timeout: 0 })
  try {
    lock.exec('begin exclusive')
    return lock
  } catch (error) {
    lock.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === busy) return null
    throw new Error(
      `the data directory ${directory} cannot be locked (${(error as Error).message}); ` +
        'set CROSSFOOT_DATA to a directory on a local disk',
      { cause: error },
    )
  }
}

const pidFile = (directory: string): string => join(directory, 'pid')

/** For the message only. The owner writes it just after it took the lock, so a first look may come too early. */
async function ownerOf(directory: string): Promise<string> {
  for (let look = 0; look < 20; look += 1) {
    const pid = readPid(directory)
    if (pid !== null && isRunning(pid)) return String(pid)
    await pause(25)
  }
  return 'unknown'
}

function readPid(directory: string): number | null {
  try {
    const pid = Number(readFileSync(pidFile(directory), 'utf8'))
    return Number.isInteger(pid) && pid > 0 ? pid : null
  } catch {
    return null
  }
}
