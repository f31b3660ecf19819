/**
 * The heavy work of the stage, as tasks for a process of its own: reading files and compiling versions takes seconds and
 * hundreds of megabytes, nobody's request waits for it, and a file that breaks its reader breaks nothing else. A task is
 * a few words; what is large lies in files.
 */
import { createHash, randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { assert, unreachable } from '../core/result.ts'
import { compile } from './compile.ts'
import { encodeCompiled } from './compiled-file.ts'
import { embeddedSources } from './embedded.ts'
import { readSource, saysOf } from './read-source.ts'
import type { SourceForm } from './read-source.ts'
import { decodeTable, encodeTable } from './source-table.ts'
import type { SourceTable } from './source-table.ts'

/** Each writes what it makes to `path`. */
export type Task =
  /** Makes the table of an embedded source. */
  | { readonly kind: 'embedded'; readonly name: string; readonly path: string }
  /** Makes the table of a file that somebody supplies. */
  | {
      readonly kind: 'read'
      readonly file: string
      readonly form: SourceForm | null
      readonly category: string | null
      readonly path: string
    }
  /** Compiles tables; the first precedes. */
  | { readonly kind: 'compile'; readonly sources: readonly TaskSource[]; readonly path: string }

export interface TaskSource {
  readonly name: string
  readonly version: string
  /** Of the table's bytes. */
  readonly path: string
}

/** A source as it is kept. */
export interface KeptTable {
  readonly bytes: Uint8Array
  readonly sha256: string
  readonly networks: number
  readonly says: readonly string[]
}

export type TaskResult =
  | { readonly kind: 'written' }
  | { readonly kind: 'read'; readonly form: SourceForm; readonly built: string | null }
  /** The file is not taken, and why. */
  | { readonly kind: 'refused'; readonly why: string }

/** Writes beside, makes it durable, then renames: the file is there as a whole, or not at all. */
export function writeWhole(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const unfinished = `${path}.${randomBytes(6).toString('hex')}.unfinished`
  const file = openSync(unfinished, 'w', 0o644)
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(unfinished, path)
  const folder = openSync(dirname(path), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

/** A table of sources in the form in which it is kept. */
export function keptTable(table: SourceTable): KeptTable {
  const bytes = encodeTable(table)
  const networks = [table.four, table.six].reduce(
    (count, { records }) => count + records.reduce((sum, record) => sum + (record === 0 ? 0 : 1), 0),
    0,
  )
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { bytes, sha256, networks: networks + table.asns.length, says: saysOf(table) }
}

/** A kept table as a file: the length of what describes it, that, and the table. */
export function packTable({ bytes, ...about }: KeptTable): Buffer {
  const text = Buffer.from(JSON.stringify(about))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(text.length)
  return Buffer.concat([length, text, bytes])
}

/** Reads what `packTable` wrote; null: it is damaged. */
export function unpackTable(packed: Buffer): KeptTable | null {
  if (packed.length < 4) return null
  const from = 4 + packed.readUInt32LE(0)
  const bytes = packed.subarray(from)
  try {
    const about = JSON.parse(packed.toString('utf8', 4, from)) as Omit<KeptTable, 'bytes'>
    return createHash('sha256').update(bytes).digest('hex') === about.sha256 ? { ...about, bytes } : null
  } catch {
    return null
  }
}

/** Does a task. Throws only what is a fault of the program or of the machine. */
export function doTask(task: Task): TaskResult {
  switch (task.kind) {
    case 'embedded': {
      const source = embeddedSources().find(({ name }) => name === task.name)
      if (source === undefined) throw new Error(`there is no embedded source ${task.name}`)
      writeWhole(task.path, packTable(keptTable(source.read())))
      return { kind: 'written' }
    }
    case 'read': {
      const content = readSource({ bytes: readFileSync(task.file), form: task.form, category: task.category })
      if (!content.ok) return { kind: 'refused', why: content.error }
      const { form, built, table } = content.value
      writeWhole(task.path, packTable(keptTable(table)))
      return { kind: 'read', form, built }
    }
    case 'compile': {
      const sources = task.sources.map(({ name, version, path }) => {
        const kept = unpackTable(readFileSync(path))
        assert(kept !== null, `the table of ${name} is as it was written`)
        return { name, version, table: decodeTable(kept.bytes) }
      })
      writeWhole(task.path, encodeCompiled(compile(sources)))
      return { kind: 'written' }
    }
    default:
      return unreachable(task)
  }
}
