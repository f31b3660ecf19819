import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const mounted = new Set<string>()
process.once('exit', () => {
  for (const directory of mounted) unmount(directory)
})

/** Puts a small disk in the place of a directory, which is created when it is absent. Linux, as root. */
export function mountSmallDisk(directory: string, megabytes: number): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=700`, 'tmpfs', directory], { stdio: 'ignore' })
  mounted.add(directory)
}

/** At once, even while somebody still has a file open in it. */
export function unmount(directory: string): void {
  if (mounted.delete(directory)) execFileSync('umount', ['--lazy', directory], { stdio: 'ignore' })
}

/** Whether this machine and user may mount a disk of their own. */
export function canMount(): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'crossfoot-mount-'))
  try {
    mountSmallDisk(directory, 1)
    unmount(directory)
    return true
  } catch {
    return false
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
