/** Reads a file that somebody wants to be a source. */
import type { Readable } from 'node:stream'
import { Refusal } from '../core/errors.ts'
import { assert } from '../core/result.ts'
import { embeddedSources } from '../ip/embedded.ts'
import type { SourceForm } from '../ip/read-source.ts'
import type { KeptTable, Task, TaskResult } from '../ip/task.ts'
import type { CompilePorts } from './ip-compiled.ts'

/** A file that somebody wants to be a source. */
export interface Supply {
  readonly name: string
  readonly body: Readable
  readonly form: SourceForm | null
  readonly category: string | null
  /** Null: as the file says, or when it was taken in. */
  readonly version: string | null
  readonly by: string
}

export interface SuppliedTable {
  readonly form: SourceForm
  readonly built: string | null
  readonly table: KeptTable
}

export interface SupplyPorts extends Pick<CompilePorts, 'files' | 'task' | 'passingName'> {
  /** Whether the service stops: a task that is cut off says nothing about the file. */
  readonly isEnded: () => boolean
}

/** What is wrong with a name for a source, or null. */
export function nameProblem(name: string): string | null {
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(name))
    return `${name.slice(0, 64)} is no name of a source; use small letters, digits, dots, _ and -`
  if (embeddedSources().some((embedded) => embedded.name === name))
    return `${name} is a source that comes with Crossfoot; a source of another name precedes it`
  return null
}

/** Reads the file in a process of its own. Throws IP_SOURCE_INVALID. */
export async function readSupply(
  { files, task, passingName, isEnded }: SupplyPorts,
  file: string,
  { form, category }: Supply,
): Promise<SuppliedTable> {
  const path = files.passing(passingName())
  try {
    const reading: Task = { kind: 'read', file, form, category, path }
    const result = await task(reading).catch((error: unknown): TaskResult => {
      if (isEnded()) throw error
      return { kind: 'refused', why: `it cannot be read: ${error instanceof Error ? error.message : String(error)}` }
    })
    if (result.kind === 'refused') throw new Refusal('IP_SOURCE_INVALID', `the source was not taken: ${result.why}`)
    const table = files.table(path)
    assert(result.kind === 'read' && table !== null, 'a file is read or refused')
    return { form: result.form, built: result.built, table }
  } finally {
    files.discard(path)
  }
}
