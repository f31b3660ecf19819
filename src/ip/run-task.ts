import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Task, TaskResult } from './task.ts'

export const limits = {
  /** A file that needs more is refused (L12). */
  memoryMegabytes: 2_048,
  taskMillis: 600_000,
  outputLengthMax: 65_536,
} as const

const program = join(import.meta.dirname, 'task-process.ts')

/** Why a task has no result, by what its process left behind. */
function breakage(code: number | null, errors: string): Error {
  const line = errors.split('\n').find((text) => /Error: |FATAL ERROR/.test(text))
  return new Error(line?.trim().slice(0, 300) ?? `its process ended with ${code ?? 'a signal'}`)
}

/** Does a task in a process of its own. Rejects when that breaks: out of memory, out of time, or ended by `signal`. */
export function runTask(task: Task, signal: AbortSignal): Promise<TaskResult> {
  const { promise, resolve, reject } = Promise.withResolvers<TaskResult>()
  const child = spawn(process.execPath, [`--max-old-space-size=${limits.memoryMegabytes}`, program], {
    env: {},
    stdio: ['pipe', 'pipe', 'pipe'],
    signal: AbortSignal.any([signal, AbortSignal.timeout(limits.taskMillis)]),
    killSignal: 'SIGKILL',
  })
  let [output, errors] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(0, limits.outputLengthMax)
  })
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(0, limits.outputLengthMax)
  })
  child.on('error', reject)
  child.on('close', (code) => {
    if (code === 0) resolve(JSON.parse(output) as TaskResult)
    else reject(breakage(code, errors))
  })
  // A process that ends before it has read its task says so by its code.
  child.stdin.on('error', () => undefined)
  child.stdin.end(JSON.stringify(task))
  return promise
}
