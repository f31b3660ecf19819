/**
 * IP metadata for everybody in this process: the version in force, past ones, and changes. The versions are in Postgres
 * (`src/ip/catalogue.ts`); this keeps their compiled form, and does the heavy work in a thread of its own, after the start.
 *
 * A change is compiled and checked before it is a version; what fails leaves everything as it was. A fact that was
 * recorded keeps what was known when it came in, whatever becomes of the lists.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Logger } from 'pino'
import type { Database } from '../account/database.ts'
import { Refusal } from '../core/errors.ts'
import { assert } from '../core/result.ts'
import type { Micros } from '../core/time.ts'
import { ipVersionText } from '../ingest/address-facts.ts'
import type { DescribeAddress } from '../ingest/address-facts.ts'
import { addVersion, findVersion, readContent } from '../ip/catalogue.ts'
import type { Member, Source, Version } from '../ip/catalogue.ts'
import { describerOf } from '../ip/describe.ts'
import { embeddedSources } from '../ip/embedded.ts'
import type { Embedded } from '../ip/embedded.ts'
import type { LookupTable } from '../ip/lookup.ts'
import type { SourceForm } from '../ip/read-source.ts'
import { runTask } from '../ip/run-task.ts'
import { keptTable, packTable } from '../ip/task.ts'
import type { KeptTable, Task, TaskResult, TaskSource } from '../ip/task.ts'
import { IpFiles, compiledKey } from './ip-files.ts'
import type { World } from './world.ts'

export const limits = {
  /** Past versions that are in memory at once, 40 to 80 MB each. */
  pastVersionsMax: 2,
  /** A question waits so long for the first version of a new installation. */
  readyMillis: 20_000,
  /** Changes by another process are known here after this time. */
  followMillis: 5_000,
  /** Two changes at the same moment: the later one is made anew, so often. */
  attemptsMax: 5,
} as const

export interface IpPorts {
  readonly database: Database
  readonly world: World
  readonly logger: Logger
  /** The data directory. */
  readonly folder: string
  /** Whether other processes may change the versions. */
  readonly isShared: boolean
}

/** A version, ready to be asked. */
export interface OpenVersion {
  readonly version: Version
  readonly text: string
  readonly table: LookupTable
  readonly describe: DescribeAddress
}

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

/** What a change came to: the version in force, and whether it is a new one. */
export interface Changed {
  readonly version: Version
  readonly changed: boolean
}

interface SuppliedTable {
  readonly form: SourceForm
  readonly built: string | null
  readonly table: KeptTable
}

/** Packages that were installed together are asked for their tables together. */
const sharedFolder = join(import.meta.dirname, '../../node_modules/.cache/crossfoot-ip')

/** `2.3.2026061719` precedes `2.3.2026060120`: numbers in it are compared as numbers. */
function isOlder(version: string, than: string): boolean {
  return version.localeCompare(than, 'en', { numeric: true }) < 0
}

function isSame(kept: Source, version: string, table: KeptTable | null): boolean {
  return kept.version === version && (table === null || table.sha256 === kept.sha256)
}

function nameProblem(name: string): string | null {
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(name))
    return `${name.slice(0, 64)} is no name of a source; use small letters, digits, dots, _ and -`
  if (embeddedSources().some((embedded) => embedded.name === name))
    return `${name} is a source that comes with Crossfoot; a source of another name precedes it`
  return null
}

export class IpMetadata {
  readonly #ports: IpPorts
  readonly #files: IpFiles
  readonly #ended = new AbortController()
  readonly #past: OpenVersion[] = []
  #current: OpenVersion | null = null
  #starting: Promise<void> | null = null
  /** Changes are made one after the other. */
  #changing: Promise<unknown> = Promise.resolve()
  #opening: Promise<unknown> = Promise.resolve()
  #timer: NodeJS.Timeout | null = null

  constructor(ports: IpPorts) {
    this.#ports = ports
    this.#files = new IpFiles(join(ports.folder, 'ip'), sharedFolder)
  }

  /** Prepares the version in force, in the background; again after it failed. Nothing waits for it. */
  start(): void {
    this.#starting ??= this.#prepare().catch((error: unknown) => {
      if (this.#ended.signal.aborted) return
      this.#starting = null
      this.#ports.logger.warn({ err: error }, 'IP metadata could not be prepared; events come in without')
    })
  }

  /** What facts keep of an address; null: the text is no address, or nothing can be said yet (L13). */
  readonly describe: DescribeAddress = (address) => {
    if (this.#current === null) this.start()
    return this.#current?.describe(address) ?? null
  }

  /** The version in force now, or at a past time; null: none was then. Throws IP_NOT_READY. */
  async at(time: Micros | null): Promise<OpenVersion | null> {
    const current = this.#current ?? (await this.#firstVersion())
    if (time === null || time >= current.version.from) return current
    const version = await findVersion(this.#ports.database, time)
    return version === null ? null : this.#open(version)
  }

  /** Takes a file in. Throws IP_SOURCE_INVALID, and the version before stays in force. */
  async add(supply: Supply): Promise<Changed> {
    const problem = nameProblem(supply.name)
    if (problem !== null) throw new Refusal('IP_SOURCE_INVALID', problem)
    const { world } = this.#ports
    const incoming = await this.#files.receive(this.#passingName(), supply.body)
    try {
      const read = await this.#read(incoming.path, supply)
      const { table } = read
      const now = world.now()
      const source = {
        name: supply.name,
        origin: 'supplied',
        form: read.form,
        version: supply.version ?? read.built ?? new Date(now / 1_000).toISOString(),
        about: supply.category ?? read.form,
        networks: table.networks,
        says: table.says,
        fileSha256: incoming.sha256,
        fileBytes: incoming.bytes,
        takenAt: now,
        takenBy: supply.by,
        sha256: table.sha256,
        content: table.bytes,
      } as const
      const place = (members: readonly Source[]): readonly Member[] => {
        const kept = members.map((member): Member => ({ kind: 'kept', source: member }))
        const fresh: Member = { kind: 'new', source }
        const before = members.findIndex(({ name }) => name === supply.name)
        return before < 0 ? [fresh, ...kept] : kept.with(before, fresh)
      }
      return await this.#change(`source ${supply.name} ${source.version}`, supply.by, place)
    } finally {
      this.#files.discard(incoming.path)
    }
  }

  /** Takes a source out of force. Versions that had it keep it. Throws IP_SOURCE_NOT_FOUND. */
  remove(name: string, by: string): Promise<Changed> {
    return this.#change(`without source ${name}`, by, (members) => {
      const left = members.filter((member) => member.name !== name || member.origin !== 'supplied')
      if (left.length === members.length)
        throw new Refusal('IP_SOURCE_NOT_FOUND', `no source ${name.slice(0, 64)} is in force that could be removed`)
      return left.map((source) => ({ kind: 'kept', source }))
    })
  }

  async close(): Promise<void> {
    this.#ended.abort()
    if (this.#timer !== null) clearInterval(this.#timer)
    await this.#starting
    await this.#changing.catch(() => undefined)
    await this.#opening.catch(() => undefined)
  }

  async #firstVersion(): Promise<OpenVersion> {
    this.start()
    const waited = Promise.withResolvers<void>()
    const timer = setTimeout(() => waited.resolve(), limits.readyMillis)
    await Promise.race([this.#starting, waited.promise])
    clearTimeout(timer)
    if (this.#current !== null) return this.#current
    throw new Refusal('IP_NOT_READY', 'IP metadata is being prepared; ask again in a few seconds', {
      retryAfterSeconds: 5,
    })
  }

  async #task(task: Task): Promise<TaskResult> {
    return runTask(task, this.#ended.signal)
  }

  #passingName(): string {
    return Buffer.from(this.#ports.world.random(12)).toString('hex')
  }

  async #read(file: string, { form, category }: Supply): Promise<SuppliedTable> {
    const path = this.#files.passing(this.#passingName())
    try {
      const task: Task = { kind: 'read', file, form, category, path }
      const result = await this.#task(task).catch((error: unknown): TaskResult => {
        if (this.#ended.signal.aborted) throw error
        return { kind: 'refused', why: `it cannot be read: ${error instanceof Error ? error.message : String(error)}` }
      })
      if (result.kind === 'refused') throw new Refusal('IP_SOURCE_INVALID', `the source was not taken: ${result.why}`)
      const table = this.#files.table(path)
      assert(result.kind === 'read' && table !== null, 'a file is read or refused')
      return { form: result.form, built: result.built, table }
    } finally {
      this.#files.discard(path)
    }
  }

  async #prepare(): Promise<void> {
    const { database, isShared, logger } = this.#ports
    await this.#change('sources that come with Crossfoot', 'crossfoot', (members) => this.#withEmbedded(members))
    if (!isShared || this.#ended.signal.aborted) return
    this.#timer = setInterval(() => {
      findVersion(database, null)
        .then((version) => (version === null ? undefined : this.#bringIntoForce(version)))
        .catch((error: unknown) => logger.warn({ err: error }, 'the versions of IP metadata could not be read'))
    }, limits.followMillis)
    this.#timer.unref()
  }

  /** Members with the embedded sources of this program; a newer program that shares the installation has brought newer ones. */
  async #withEmbedded(members: readonly Source[]): Promise<readonly Member[]> {
    const supplied = members.filter(({ origin }) => origin === 'supplied')
    const embedded: Member[] = []
    // One after the other: each takes a hundred megabytes while it is read.
    for (const own of embeddedSources()) {
      const kept = members.find(({ name, origin }) => origin === 'embedded' && name === own.name)
      const table = own.isOwn ? keptTable(own.read()) : null
      const isKept = kept !== undefined && (isOlder(own.version, kept.version) || isSame(kept, own.version, table))
      embedded.push(isKept ? { kind: 'kept', source: kept } : { kind: 'new', source: await this.#embedded(own, table) })
    }
    return [...supplied.map((source): Member => ({ kind: 'kept', source })), ...embedded]
  }

  async #embedded(
    { name, version, about }: Embedded,
    own: KeptTable | null,
  ): Promise<Extract<Member, { kind: 'new' }>['source']> {
    const table = own ?? (await this.#embeddedTable(name, version))
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
      takenAt: this.#ports.world.now(),
      takenBy: 'crossfoot',
      sha256: table.sha256,
      content: table.bytes,
    }
  }

  async #embeddedTable(name: string, version: string): Promise<KeptTable> {
    const path = this.#files.tablePath(name, version)
    const before = this.#files.table(path)
    if (before !== null) return before
    await this.#task({ kind: 'embedded', name, path })
    const made = this.#files.table(path)
    assert(made !== null, 'the table was written')
    return made
  }

  /** Makes the next version of what `next` makes of the members of the newest one, unless nothing would be different. */
  #change(
    what: string,
    by: string,
    next: (members: readonly Source[]) => readonly Member[] | Promise<readonly Member[]>,
  ): Promise<Changed> {
    const made = this.#changing
      .catch(() => undefined)
      .then(async () => {
        for (let attempt = 0; attempt < limits.attemptsMax; attempt += 1) {
          const changed = await this.#changeOnce(what, by, next)
          if (changed !== null) return changed
        }
        throw new Refusal('IP_NOT_READY', 'others change the IP metadata all the time; try again', {
          retryAfterSeconds: 5,
        })
      })
    this.#changing = made
    return made
  }

  async #changeOnce(
    what: string,
    by: string,
    next: (members: readonly Source[]) => readonly Member[] | Promise<readonly Member[]>,
  ): Promise<Changed | null> {
    const { database, world } = this.#ports
    const after = await findVersion(database, null)
    const members = await next(after?.sources ?? [])
    const isSame =
      after !== null &&
      compiledKey(members.map(({ source }) => source)) === compiledKey(after.sources) &&
      members.length === after.sources.length
    if (!isSame) {
      // Compiled before it is a version: what cannot be compiled never is one.
      await this.#compiled(members)
      const added = await addVersion(database, { after, members, change: what, by, now: world.now() })
      if (!added) return null
    }
    const version = await findVersion(database, null)
    assert(version !== null, 'there is a version')
    await this.#bringIntoForce(version)
    return { version, changed: !isSame }
  }

  /** The compiled form of sources, from disk or made anew. */
  async #compiled(members: readonly Member[]): Promise<LookupTable> {
    const sources = members.map(({ source }) => source)
    const isEmbedded = sources.every(({ origin }) => origin === 'embedded')
    const path = this.#files.compiledPath(compiledKey(sources), isEmbedded)
    const before = this.#files.open(path)
    if (before !== null) return before
    await this.#compile(members, path)
    this.#files.prune()
    const table = this.#files.open(path)
    assert(table !== null, 'what was compiled can be opened')
    return table
  }

  async #compile(members: readonly Member[], path: string): Promise<void> {
    const passing: string[] = []
    try {
      const sources: TaskSource[] = []
      for (const { kind, source } of members) {
        const { name, version, sha256, networks, says } = source
        const bytes = kind === 'new' ? source.content : await readContent(this.#ports.database, source.id)
        const place = this.#files.passing(this.#passingName())
        passing.push(place)
        writeFileSync(place, packTable({ bytes, sha256, networks, says }), { mode: 0o600 })
        sources.push({ name, version, path: place })
      }
      await this.#task({ kind: 'compile', sources, path })
    } finally {
      for (const place of passing) this.#files.discard(place)
    }
  }

  async #openNow(version: Version): Promise<OpenVersion> {
    const table = await this.#compiled(version.sources.map((source): Member => ({ kind: 'kept', source })))
    const text = ipVersionText(version.number)
    return { version, text, table, describe: describerOf(table, text) }
  }

  async #bringIntoForce(version: Version): Promise<void> {
    if (this.#current !== null && this.#current.version.number >= version.number) return
    const opened = await this.#openNow(version)
    if (this.#current === null || this.#current.version.number < version.number) this.#current = opened
  }

  /** A past version, kept for the next question about it. One is opened at a time, however many ask (L12). */
  #open(version: Version): Promise<OpenVersion> {
    const opened = this.#opening.catch(() => undefined).then(() => this.#openPast(version))
    this.#opening = opened
    return opened
  }

  async #openPast(version: Version): Promise<OpenVersion> {
    const at = this.#past.findIndex((past) => past.version.number === version.number)
    const opened = (at < 0 ? undefined : this.#past.splice(at, 1)[0]) ?? (await this.#openNow(version))
    this.#past.unshift(opened)
    this.#past.length = Math.min(this.#past.length, limits.pastVersionsMax)
    return opened
  }
}
