import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** A folder that one process has for itself. The end of the process releases it as well. */
export interface FolderLock {
  release(): void
}

/** A lock that nobody refers to would be collected as garbage, and with it the protection. */
const held = new Set<DatabaseSync>()

const busy = 5

/**
 * Takes a folder for this process alone; null when another process, or this one, has it. The lock is the kernel's, on a
 * file that SQLite keeps locked for us (Node itself cannot lock a file): it ends with the process however that ends, so
 * there is no stale lock (0002). Nothing else may open this file: closing it ends the lock.
 */
export function lockFolder(folder: string): FolderLock | null {
  const lock = new DatabaseSync(join(folder, 'lock'), { timeout: 0 })
  try {
    lock.exec('begin exclusive')
  } catch (error) {
    lock.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === busy) return null
    throw error
  }
  held.add(lock)
  return {
    release() {
      if (held.delete(lock)) lock.close()
    },
  }
}
