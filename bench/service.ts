import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const root = join(import.meta.dirname, '..')

/** Milliseconds of a tick of the clock in /proc; 100 a second on every Linux of today. */
const tickMillis = 10

export interface RunningService {
  readonly address: string
  readonly key: string
  readonly readySeconds: number
  /** Resident memory of the service and its Postgres. */
  memoryMegabytes(): number
  /** Memory of the service that no file stands behind: pages of the log's file are the system's to take back. */
  ownMegabytes(): number
  /** Processor time of the service and its Postgres since their start. */
  processorSeconds(): number
  stop(): Promise<void>
}

/** Kilobytes of a field of a file of /proc, in megabytes. */
function megabytesOf(file: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(file, 'utf8'))?.[1] ?? 0) / 1024
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .flatMap((child) => (child === '' ? [] : [Number(child), ...childrenOf(Number(child))]))
}

/** A process that ends while it is looked at has nothing any more. */
function ofLiving(pid: number, look: (pid: number) => number): number {
  try {
    return look(pid)
  } catch {
    return 0
  }
}

/** Of the service its resident memory, of its Postgres proportional shares: those processes share most of theirs. */
function memoryOf(pid: number): number {
  const postgres = childrenOf(pid).map((child) =>
    ofLiving(child, () => megabytesOf(`/proc/${child}/smaps_rollup`, 'Pss')),
  )
  return megabytesOf(`/proc/${pid}/status`, 'VmRSS') + postgres.reduce((total, share) => total + share, 0)
}

function processorSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return ((Number(fields[11]) + Number(fields[12])) * tickMillis) / 1000
}

export async function startService(data: string, env: Readonly<Record<string, string>> = {}): Promise<RunningService> {
  const started = performance.now()
  const child = spawn(process.execPath, ['--max-semi-space-size=64', join(root, 'src/app/main.ts'), '--empty'], {
    env: { ...process.env, CROSSFOOT_DATA: data, PORT: '0', LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const pid = child.pid ?? 0
  for await (const line of createInterface({ input: child.stdout })) {
    const match = /crossfoot ready at (\S+)/.exec(line)
    if (match === null) continue
    child.stdout.resume()
    return {
      address: match[1] ?? '',
      key: readFileSync(join(data, 'dev-api-key'), 'utf8').trim(),
      readySeconds: (performance.now() - started) / 1000,
      memoryMegabytes: () => memoryOf(pid),
      ownMegabytes: () => megabytesOf(`/proc/${pid}/status`, 'RssAnon'),
      processorSeconds: () =>
        [pid, ...childrenOf(pid)].reduce((sum, one) => sum + ofLiving(one, processorSecondsOf), 0),
      stop: () =>
        new Promise((resolve) => {
          child.on('exit', () => resolve())
          child.kill('SIGTERM')
        }),
    }
  }
  throw new Error('the service ended before it was ready')
}

const agent = new Agent({ keepAlive: true })

/** Sends one body of NDJSON and resolves with the milliseconds until its acknowledgement; throws unless all was accepted. */
export function sendLines(service: RunningService, body: Buffer, events: number): Promise<number> {
  const started = performance.now()
  return new Promise((resolve, reject) => {
    const sending = request(
      `${service.address}/v1/events`,
      {
        agent,
        method: 'POST',
        headers: {
          authorization: `Bearer ${service.key}`,
          'content-type': 'application/x-ndjson',
          'content-length': body.length,
        },
      },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', (part: string) => {
          text += part
        })
        answer.on('end', () => {
          const { accepted } = JSON.parse(text) as { accepted?: number }
          if (accepted === events) resolve(performance.now() - started)
          else reject(new Error(`${answer.statusCode}: not all accepted: ${text.slice(0, 300)}`))
        })
      },
    )
    sending.on('error', reject)
    sending.end(body)
  })
}

export async function untilQueryable(service: RunningService): Promise<void> {
  for (;;) {
    const ready = (await (await fetch(`${service.address}/readyz`)).json()) as { events_not_yet_counted: number }
    if (ready.events_not_yet_counted === 0) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
