import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { endLeftover } from '../../src/app/postgres-leftover.ts'

const root = join(import.meta.dirname, '../..')

export interface Answer {
  readonly status: number
  readonly body: unknown
  readonly headers: Headers
}

/** The real service in a process of its own, as `npm start` runs it, on a free port. */
export interface RunningService {
  readonly address: string
  readonly key: string
  readonly data: string
  readonly process: ChildProcess
  /** Its exit code; null when it was killed. */
  readonly ended: Promise<number | null>
  /** Everything it printed so far. */
  output(): string
  get(path: string): Promise<Answer>
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>
  /** Any method, and headers of one's own: without a key unless one is given. */
  ask(method: string, path: string, init?: RequestInit): Promise<Answer>
  /** SIGTERM, and waits for its end. */
  stop(): Promise<number | null>
  /** kill -9, and waits for its end. Its Postgres stays behind. */
  kill(): Promise<void>
}

export interface ServiceOptions {
  readonly data: string
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** A command that runs Node in its place; the process keeps its number. */
  readonly wrapper?: readonly string[]
}

export function temporaryDirectory(name: string): string {
  return mkdtempSync(join(tmpdir(), `crossfoot-${name}-`))
}

export function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
}

/** Ends what still runs on a data directory, also a Postgres that a killed service left behind, and removes it. */
export async function discardData(directory: string): Promise<void> {
  for (const [child, data] of running) {
    if (data !== directory) continue
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  await endLeftover(join(directory, 'postgres', 'cluster'), [{ signal: 'SIGQUIT', forMillis: 20_000 }])
  removeDirectory(directory)
}

/** A service that was started and may not be ready yet, or never will be. */
export interface LaunchedService {
  readonly process: ChildProcess
  /** Rejects with what it printed when it ends before it is ready. */
  readonly ready: Promise<RunningService>
  /** Its exit code; null when it was killed. */
  readonly ended: Promise<number | null>
  output(): string
  kill(): Promise<void>
}

/** A test run that is interrupted takes its services with it. */
const running = new Map<ChildProcess, string>()
process.once('exit', () => {
  for (const child of running.keys()) child.kill('SIGKILL')
})

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) =>
    child.once('exit', (code) => {
      running.delete(child)
      resolve(code)
    }),
  )
}

/** Starts the service without waiting for it. */
export function launchService({ data, args = ['--empty'], env = {}, wrapper = [] }: ServiceOptions): LaunchedService {
  const [command = '', ...words] = [...wrapper, process.execPath, join(root, 'src/app/main.ts'), ...args]
  const child = spawn(command, words, {
    cwd: root,
    env: { ...process.env, PORT: '0', LOG_LEVEL: 'warn', ...env, CROSSFOOT_DATA: data },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.set(child, data)
  const printed: string[] = []
  const output = (): string => printed.join('\n')
  const exit = ended(child)
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exit
  }
  const address = Promise.withResolvers<string>()
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      printed.push(line)
      const found = /crossfoot ready at (http:\S+)/.exec(line)?.[1]
      if (found !== undefined) address.resolve(found)
    })
  }
  // After the exit its last lines may still be on their way: `close` comes when they were read.
  child.once('close', (code) => address.reject(new Error(`the service ended with ${code}:\n${output()}`)))
  const ready = address.promise.then((address) => connected({ address, data, child, exit, output, kill }))
  ready.catch(() => undefined)
  return { process: child, ready, ended: exit, output, kill }
}

interface Connection {
  readonly address: string
  readonly data: string
  readonly child: ChildProcess
  readonly exit: Promise<number | null>
  readonly output: () => string
  readonly kill: () => Promise<void>
}

function connected({ address, data, child, exit, output, kill }: Connection): RunningService {
  const key = readFileSync(join(data, 'dev-api-key'), 'utf8').trim()
  const ask = async (method: string, path: string, init: RequestInit = {}): Promise<Answer> => {
    const answer = await fetch(`${address}${path}`, { method, ...init })
    const text = await answer.text()
    const isJson = answer.headers.get('content-type')?.startsWith('application/json') === true
    return { status: answer.status, body: isJson ? JSON.parse(text) : text, headers: answer.headers }
  }
  const authorization = `Bearer ${key}`
  return {
    address,
    key,
    data,
    process: child,
    ended: exit,
    output,
    ask,
    get: (path) => ask('GET', path, { headers: { authorization } }),
    post(path, body, headers = {}) {
      const text = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
      return ask('POST', path, {
        body: text as NonNullable<RequestInit['body']>,
        headers: { authorization, 'content-type': 'application/json', ...headers },
      })
    },
    async stop() {
      child.kill('SIGTERM')
      return exit
    },
    kill,
  }
}

/** Starts the service and resolves when it says that it is ready; rejects with what it printed when it ends first. */
export function startService(options: ServiceOptions): Promise<RunningService> {
  return launchService(options).ready
}
