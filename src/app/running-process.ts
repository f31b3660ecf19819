import { readFileSync } from 'node:fs'

/**
 * True while a process of this number runs, whoever owns it. A zombie that nobody collects has ended: it holds no
 * file and no lock.
 */
export function isRunning(pid: number): boolean {
  if (process.platform === 'linux') {
    try {
      return !/^\d+ \(.*\) [ZX] /s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    } catch {
      return false
    }
  }
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
