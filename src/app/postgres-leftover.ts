import { execFileSync } from 'node:child_process'
import { readFileSync, readlinkSync, realpathSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { isRunning } from './running-process.ts'

/**
 * A service that was killed leaves its Postgres behind, which goes on holding the data directory. The next start
 * ends it. `postmaster.pid` alone proves nothing: the number may belong to another program by now, and that one
 * must not be touched.
 */
export async function endLeftover(cluster: string, waits: readonly Wait[] = endingWaits): Promise<number | null> {
  const pid = postmasterOf(cluster)
  if (pid === null) return null
  for (const { signal, forMillis } of waits) {
    if (!signalled(pid, signal)) return pid
    if (await gone(pid, forMillis)) return pid
  }
  throw new Error(
    `a Postgres (pid ${pid}) left behind by an earlier run still uses ${cluster} and does not end; ` +
      `end it with: kill -QUIT ${pid}`,
  )
}

/** SIGINT is the fast shutdown with a last checkpoint; SIGQUIT the immediate one, repaired by the next start. */
const endingWaits = [
  { signal: 'SIGINT', forMillis: 30_000 },
  { signal: 'SIGQUIT', forMillis: 15_000 },
] as const satisfies readonly Wait[]

interface Wait {
  readonly signal: NodeJS.Signals
  readonly forMillis: number
}

/** The running postmaster of this cluster, or null: none, or its number belongs to another program now. */
export function postmasterOf(cluster: string): number | null {
  const pid = recordedPid(cluster)
  if (pid === null || pid === process.pid || !isRunning(pid)) return null
  return isPostgresOf(pid, cluster) ? pid : null
}

/**
 * Postgres refuses to start while the number in `postmaster.pid` belongs to any program of its user. Once we know
 * that this is not a postmaster of the cluster, the number becomes ours, which Postgres, being our child, ignores.
 * The file itself stays: it names the shared memory in which a last backend may still be working.
 */
export function disownPid(cluster: string): void {
  if (recordedPid(cluster) === null || postmasterOf(cluster) !== null) return
  const file = join(cluster, 'postmaster.pid')
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^\d+/, String(process.pid)))
}

function recordedPid(cluster: string): number | null {
  try {
    const pid = Number(readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n', 1)[0])
    return Number.isInteger(pid) && pid > 1 ? pid : null
  } catch {
    return null
  }
}

function isPostgresOf(pid: number, cluster: string): boolean {
  const [command = '', ...args] = commandOf(pid)
  if (basename(command) !== 'postgres') return false
  return worksIn(pid, cluster) ?? args.some((arg) => arg === cluster || arg === realpathSync(cluster))
}

/** Postgres works inside its data directory. Null where the system does not tell. */
function worksIn(pid: number, cluster: string): boolean | null {
  try {
    readlinkSync(`/proc/${pid}/cwd`)
    const [there, here] = [statSync(`/proc/${pid}/cwd`), statSync(cluster)]
    return there.dev === here.dev && there.ino === here.ino
  } catch {
    return null
  }
}

function commandOf(pid: number): string[] {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    return execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
      .trim()
      .split(' ')
  } catch {
    return []
  }
}

/** False when it ended before the signal came. */
function signalled(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

/** It is not our child, so nobody tells us when it ends: we look fifty times a second. */
async function gone(pid: number, forMillis: number): Promise<boolean> {
  for (let waited = 0; waited < forMillis; waited += 20) {
    if (!isRunning(pid)) return true
    await pause(20)
  }
  return !isRunning(pid)
}
