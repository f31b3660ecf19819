import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** What test/support/data-directory-owner.ts prints. */
export interface Owner {
  readonly pid: number
  readonly refused?: string
  readonly url?: string | null
  readonly postgres?: number | null
}

export interface OwnerProcess {
  /** Its line, as soon as it has the data directory or was refused. */
  readonly said: Promise<Owner>
  /** Ends its input, which stops it in an orderly way, and waits until it is gone. */
  readonly end: () => Promise<void>
  /** Kills it with -9 and waits until it is gone. */
  readonly kill: () => Promise<void>
}

const script = join(import.meta.dirname, 'data-directory-owner.ts')

/** A real process that holds a data directory and, when asked, runs its Postgres. */
export function ownerProcess(directory: string, what: 'lock' | 'postgres'): OwnerProcess {
  const child = spawn(process.execPath, [script, directory, what], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exit = once(child, 'exit')
  const said = once(createInterface({ input: child.stdout }), 'line').then(
    ([line]) => JSON.parse(String(line)) as Owner,
  )
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exit
  }
  const end = async (): Promise<void> => {
    child.stdin.end()
    await exit
  }
  return { said, end, kill }
}
