import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { ServerAddress } from '../../src/store/engine-server.ts'

const script = join(import.meta.dirname, 'clickhouse-server-process.ts')
export const serverUser = 'crossfoot'
export const serverPassword = "pass'word:1"

/** A stand-in for a ClickHouse server in a process of its own; see clickhouse-server-process.ts for what it is. */
export interface ClickHouseServer {
  readonly address: ServerAddress
  readonly port: number
  /** kill -9, and waits for its end. Its data stays. */
  kill(): Promise<void>
  /** The same data on the same port again. */
  restart(): Promise<void>
  /** Ends it and removes its data. */
  close(): Promise<void>
}

interface Running {
  readonly child: ChildProcess
  readonly port: number
}

async function launch(directory: string, port: number): Promise<Running> {
  const child = spawn(process.execPath, [script, directory, String(port), serverUser, serverPassword], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit').then(() => {
    throw new Error('the stand-in for ClickHouse ended before it was ready')
  })
  const line = once(createInterface({ input: child.stdout }), 'line')
  const [said] = (await Promise.race([line, ended])) as [string]
  ended.catch(() => undefined)
  return { child, port: Number(/\d+$/.exec(said)?.[0]) }
}

async function endOf({ child }: Running, how: () => unknown): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  how()
  await gone
}

export async function startClickHouse(): Promise<ClickHouseServer> {
  const directory = mkdtempSync(join(tmpdir(), 'crossfoot-clickhouse-'))
  let running = await launch(join(directory, 'store'), 0)
  const { port } = running
  return {
    port,
    address: {
      url: `http://127.0.0.1:${port}`,
      username: serverUser,
      password: serverPassword,
      database: 'default',
      cluster: null,
    },
    kill: () => endOf(running, () => running.child.kill('SIGKILL')),
    async restart() {
      running = await launch(join(directory, 'store'), port)
    },
    async close() {
      await endOf(running, () => running.child.stdin?.end())
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** The same address as one variable of the environment. */
export function urlOf({ url, username, password, database }: ServerAddress): string {
  const whole = new URL(url)
  whole.username = encodeURIComponent(username)
  whole.password = encodeURIComponent(password)
  whole.pathname = `/${database}`
  return whole.href
}
