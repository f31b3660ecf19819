import { readFileSync } from 'node:fs'

/** Only Linux tells what a process ever took. */
export const knowsMemory = process.platform === 'linux'

/** Resident memory of a process in megabytes: now, and the most that it ever was. */
export function residentMegabytes(pid: number | undefined): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const megabytes = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? NaN) / 1024
  return { now: megabytes('VmRSS'), peak: megabytes('VmHWM') }
}
