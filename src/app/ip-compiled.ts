/** The compiled form of a version's sources, from disk or made anew by a process of its own. */
import { writeFileSync } from 'node:fs'
import type { Database } from '../account/database.ts'
import { assert } from '../core/result.ts'
import { readContent } from '../ip/catalogue.ts'
import type { Member } from '../ip/catalogue.ts'
import type { LookupTable } from '../ip/lookup.ts'
import { packTable } from '../ip/task.ts'
import type { Task, TaskResult, TaskSource } from '../ip/task.ts'
import { compiledKey } from './ip-files.ts'
import type { Ingredient, IpFiles } from './ip-files.ts'

export interface CompilePorts {
  readonly database: Database
  readonly files: IpFiles
  readonly task: (task: Task) => Promise<TaskResult>
  /** A name that nothing else has. */
  readonly passingName: () => string
}

function pathOf(
  files: IpFiles,
  sources: readonly (Ingredient & { readonly origin: 'embedded' | 'supplied' })[],
): string {
  const isEmbedded = sources.every(({ origin }) => origin === 'embedded')
  return files.compiledPath(compiledKey(sources), isEmbedded)
}

/** Null: it is not on disk. Costs no more than reading the file. */
export function openCompiled(files: IpFiles, members: readonly Member[]): LookupTable | null {
  const sources = members.map(({ source }) => source)
  return files.open(pathOf(files, sources))
}

async function compile(ports: CompilePorts, members: readonly Member[], path: string): Promise<void> {
  const { database, files, task, passingName } = ports
  const passing: string[] = []
  try {
    const sources: TaskSource[] = []
    for (const { kind, source } of members) {
      const { name, version, sha256, networks, says } = source
      const bytes = kind === 'new' ? source.content : await readContent(database, source.id)
      const place = files.passing(passingName())
      passing.push(place)
      writeFileSync(place, packTable({ bytes, sha256, networks, says }), { mode: 0o600 })
      sources.push({ name, version, path: place })
    }
    await task({ kind: 'compile', sources, path })
  } finally {
    for (const place of passing) files.discard(place)
  }
}

/** The compiled form of sources, from disk or made anew. */
export async function compiledOf(ports: CompilePorts, members: readonly Member[]): Promise<LookupTable> {
  const { files } = ports
  const before = openCompiled(files, members)
  if (before !== null) return before
  const sources = members.map(({ source }) => source)
  await compile(ports, members, pathOf(files, sources))
  files.prune()
  const table = openCompiled(files, members)
  assert(table !== null, 'what was compiled can be opened')
  return table
}
