import { Worker } from 'node:worker_threads'
import type { Task, TaskResult } from './task.ts'

export const limits = {
  /** A file that needs more is refused (L12). */
  memoryMegabytes: 2_048,
  taskMillis: 600_000,
} as const

/** Does a task in a thread of its own. Rejects when the thread breaks: out of memory, out of time, or ended by `signal`. */
export function runTask(task: Task, signal: AbortSignal): Promise<TaskResult> {
  const { promise, resolve, reject } = Promise.withResolvers<TaskResult>()
  if (signal.aborted) return Promise.reject(new Error('the work on IP metadata was ended'))
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: task,
    name: 'crossfoot-ip',
    resourceLimits: { maxOldGenerationSizeMb: limits.memoryMegabytes },
  })
  const end = (why: string): void => {
    reject(new Error(why))
    void worker.terminate()
  }
  const onAbort = (): void => end('the work on IP metadata was ended')
  const timer = setTimeout(() => end(`it took longer than ${limits.taskMillis / 1_000} s`), limits.taskMillis)
  signal.addEventListener('abort', onAbort, { once: true })
  worker.on('message', (result: TaskResult) => resolve(result))
  worker.on('error', reject)
  worker.on('exit', (code) => {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    reject(new Error(`the thread ended with ${code}`))
  })
  return promise
}
