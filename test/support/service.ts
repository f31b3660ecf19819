import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const root = join(import.meta.dirname, '../..')

/** The real service in a process of its own, as `npm start` runs it, on a free port. */
export interface RunningService {
  readonly address: string
  readonly key: string
  readonly data: string
  readonly process: ChildProcess
  /** Everything it printed so far. */
  output(): string
  get(path: string): Promise<{ status: number; body: unknown }>
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<{ status: number; body: unknown }>
  /** SIGTERM, and waits for its end. */
  stop(): Promise<number | null>
  /** kill -9, and waits for its end. Its Postgres stays behind. */
  kill(): Promise<void>
}

export interface ServiceOptions {
  readonly data: string
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export function temporaryDirectory(name: string): string {
  return mkdtempSync(join(tmpdir(), `crossfoot-${name}-`))
}

export function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
}

function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode)
  return new Promise((resolve) => child.once('exit', (code) => resolve(code)))
}

/** Starts the service and resolves when it says that it is ready; rejects with what it printed when it ends first. */
export async function startService({ data, args = ['--empty'], env = {} }: ServiceOptions): Promise<RunningService> {
  const child = spawn(process.execPath, [join(root, 'src/app/main.ts'), ...args], {
    cwd: root,
    env: { ...process.env, PORT: '0', LOG_LEVEL: 'warn', ...env, CROSSFOOT_DATA: data },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const printed: string[] = []
  const ready = Promise.withResolvers<string>()
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      printed.push(line)
      const address = /crossfoot ready at (http:\S+)/.exec(line)?.[1]
      if (address !== undefined) ready.resolve(address)
    })
  }
  void ended(child).then((code) => ready.reject(new Error(`the service ended with ${code}:\n${printed.join('\n')}`)))
  const address = await ready.promise
  const key = readFileSync(join(data, 'dev-api-key'), 'utf8').trim()
  const ask = async (method: string, path: string, init: RequestInit): Promise<{ status: number; body: unknown }> => {
    const answer = await fetch(`${address}${path}`, { method, ...init })
    const text = await answer.text()
    const isJson = answer.headers.get('content-type')?.startsWith('application/json') === true
    return { status: answer.status, body: isJson ? JSON.parse(text) : text }
  }
  const authorization = `Bearer ${key}`
  return {
    address,
    key,
    data,
    process: child,
    output: () => printed.join('\n'),
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
      return ended(child)
    },
    async kill() {
      child.kill('SIGKILL')
      await ended(child)
    },
  }
}
