/** The process that does one task, from its input to its output, and ends. Started by run-task.ts. */
import { readFileSync, writeSync } from 'node:fs'
import { doTask } from './task.ts'
import type { Task } from './task.ts'

if (import.meta.main) writeSync(1, JSON.stringify(doTask(JSON.parse(readFileSync(0, 'utf8')) as Task)))
