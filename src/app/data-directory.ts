import { accessSync, constants, mkdirSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { lockFolder } from '../collect/folder-lock.ts'
import type { FolderLock } from '../collect/folder-lock.ts'
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
 * Creates the directory (mode 0700) when it is absent, and takes it for this process alone. The lock ends with the
 * process however that ends, so the number of a process that is gone cannot be mistaken.
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
  writeFileDurably(pidFile(real), `${process.pid}\n`)
  return { path: real, created, close: () => lock.release() }
}

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

function takeLock(directory: string): FolderLock | null {
  try {
    return lockFolder(directory)
  } catch (error) {
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
