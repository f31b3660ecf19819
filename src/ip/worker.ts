/** The thread that does one task and ends. */
import { parentPort, workerData } from 'node:worker_threads'
import { doTask } from './task.ts'
import type { Task } from './task.ts'

parentPort?.postMessage(doTask(workerData as Task))
