/** Files of the IP metadata in the data directory: all of them can be made again, so losing them costs seconds. */
import { createHash } from 'node:crypto'
import { accessSync, constants, mkdirSync, readFileSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Refusal } from '../core/errors.ts'
import { decodeCompiled, formVersion } from '../ip/compiled-file.ts'
import { LookupTable } from '../ip/lookup.ts'
import { limits as sourceLimits } from '../ip/read-source.ts'
import { unpackTable } from '../ip/task.ts'
import type { KeptTable } from '../ip/task.ts'

export const limits = {
  /** Compiled versions that stay on disk, some 30 MB each; older ones are compiled again when somebody asks for them. */
  compiledMax: 8,
} as const

/** What a compiled file is made of: equal sources in equal order are one file. */
export interface Ingredient {
  readonly name: string
  readonly version: string
  readonly sha256: string
}

export function compiledKey(sources: readonly Ingredient[]): string {
  const text = JSON.stringify([formVersion, ...sources.map(({ name, version, sha256 }) => [name, version, sha256])])
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

/** A file that came with a request, until it is taken in. */
export interface Incoming {
  readonly path: string
  readonly sha256: string
  readonly bytes: number
}

const unfinishedPattern = /\.unfinished$/

function removeMatching(folder: string, pattern: RegExp): void {
  for (const name of readdirSync(folder)) if (pattern.test(name)) rmSync(join(folder, name), { force: true })
}

/** Counts and hashes what flows through, up to the limit. */
class Measured extends Transform {
  readonly #hash = createHash('sha256')
  bytes = 0

  override _transform(chunk: Buffer, _encoding: string, done: (error: Error | null, chunk?: Buffer) => void): void {
    this.bytes += chunk.length
    if (this.bytes > sourceLimits.fileBytesMax) {
      done(new Refusal('BODY_TOO_LARGE', `a source has at most ${sourceLimits.fileBytesMax} bytes`))
      return
    }
    this.#hash.update(chunk)
    done(null, chunk)
  }

  digest(): string {
    return this.#hash.digest('hex')
  }
}

export class IpFiles {
  readonly #compiled: string
  readonly #incoming: string
  readonly #tables: string

  /** `shared` is a folder that belongs to the installed packages, for what is made of nothing else; or the data directory. */
  constructor(folder: string, shared: string) {
    this.#compiled = join(folder, 'compiled')
    this.#incoming = join(folder, 'incoming')
    this.#tables = isWritable(shared) ? shared : join(folder, 'embedded')
    for (const path of [this.#compiled, this.#incoming, this.#tables]) mkdirSync(path, { recursive: true, mode: 0o700 })
    // What a crash has left half done. The shared folder may be in use by others.
    removeMatching(this.#compiled, unfinishedPattern)
    removeMatching(this.#incoming, /./)
  }

  /** Where the table of an embedded source lies, once it was made. */
  tablePath(name: string, version: string): string {
    return join(this.#tables, `${formVersion}-${name}-${version}.table`)
  }

  /** What consists of embedded sources only is the same for everybody. */
  compiledPath(key: string, isEmbedded: boolean): string {
    return join(isEmbedded ? this.#tables : this.#compiled, `${key}.compiled`)
  }

  /** The bytes of a file, or null. */
  read(path: string): Buffer | null {
    try {
      return readFileSync(path)
    } catch {
      return null
    }
  }

  /** A compiled version; null: it is not there, or not as it was written, and is to be made again. */
  open(path: string): LookupTable | null {
    const bytes = this.read(path)
    if (bytes === null) return null
    const file = decodeCompiled(bytes)
    if (!file.ok) {
      rmSync(path, { force: true })
      return null
    }
    const now = statSync(path)
    // What is asked for again stays longest.
    utimesSync(path, now.atime, new Date(Math.max(now.mtimeMs, now.ctimeMs) + 1))
    return new LookupTable(file.value)
  }

  /** Removes compiled versions that were not asked for longest. */
  prune(): void {
    const files = readdirSync(this.#compiled)
      .map((name) => join(this.#compiled, name))
      .toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
    for (const path of files.slice(limits.compiledMax)) rmSync(path, { force: true })
  }

  /** Brings a body to disk. Throws BODY_TOO_LARGE. */
  async receive(name: string, body: Readable): Promise<Incoming> {
    const path = join(this.#incoming, name)
    const measured = new Measured()
    try {
      await pipeline(body, measured, createWriteStream(path, { mode: 0o600 }))
      return { path, sha256: measured.digest(), bytes: measured.bytes }
    } catch (error) {
      this.discard(path)
      throw error
    }
  }

  /** A place for something that is needed for a moment. */
  passing(name: string): string {
    return join(this.#incoming, name)
  }

  /** The table of a source that was written by a task; null: it is not there, or damaged. */
  table(path: string): KeptTable | null {
    const packed = this.read(path)
    return packed === null ? null : unpackTable(packed)
  }

  discard(path: string): void {
    rmSync(path, { force: true })
  }
}

function isWritable(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o755 })
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}
