/** The embedded sources of this program as members of the next version. */
import { assert } from '../core/result.ts'
import type { Member, NewSource, Source } from '../ip/catalogue.ts'
import { embeddedSources } from '../ip/embedded.ts'
import type { Embedded } from '../ip/embedded.ts'
import { keptTable } from '../ip/task.ts'
import type { KeptTable, Task, TaskResult } from '../ip/task.ts'
import type { IpFiles } from './ip-files.ts'
import type { World } from './world.ts'

export interface EmbeddedPorts {
  readonly files: IpFiles
  readonly world: World
  readonly task: (task: Task) => Promise<TaskResult>
}

/** `2.3.2026061719` precedes `2.3.2026060120`: numbers in it are compared as numbers. */
function isOlder(version: string, than: string): boolean {
  return version.localeCompare(than, 'en', { numeric: true }) < 0
}

function isSame(kept: Source, version: string, table: KeptTable | null): boolean {
  return kept.version === version && (table === null || table.sha256 === kept.sha256)
}

async function tableOf({ files, task }: EmbeddedPorts, { name, version }: Embedded): Promise<KeptTable> {
  const path = files.tablePath(name, version)
  const before = files.table(path)
  if (before !== null) return before
  await task({ kind: 'embedded', name, path })
  const made = files.table(path)
  assert(made !== null, 'the table was written')
  return made
}

async function sourceOf(ports: EmbeddedPorts, embedded: Embedded, own: KeptTable | null): Promise<NewSource> {
  const { name, version, about } = embedded
  const table = own ?? (await tableOf(ports, embedded))
  return {
    name,
    origin: 'embedded',
    form: 'embedded',
    version,
    about,
    networks: table.networks,
    says: table.says,
    fileSha256: null,
    fileBytes: null,
    takenAt: ports.world.now(),
    takenBy: 'crossfoot',
    sha256: table.sha256,
    content: table.bytes,
  }
}

/** Members with the embedded sources of this program; a newer program that shares the installation has brought newer ones. */
export async function withEmbedded(ports: EmbeddedPorts, members: readonly Source[]): Promise<readonly Member[]> {
  const supplied = members.filter(({ origin }) => origin === 'supplied')
  const embedded: Member[] = []
  // One after the other: each takes a hundred megabytes while it is read.
  for (const own of embeddedSources()) {
    const kept = members.find(({ name, origin }) => origin === 'embedded' && name === own.name)
    const table = own.isOwn ? keptTable(own.read()) : null
    const isKept = kept !== undefined && (isOlder(own.version, kept.version) || isSame(kept, own.version, table))
    embedded.push(isKept ? { kind: 'kept', source: kept } : { kind: 'new', source: await sourceOf(ports, own, table) })
  }
  return [...supplied.map((source): Member => ({ kind: 'kept', source })), ...embedded]
}
