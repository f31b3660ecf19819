/**
 * IP metadata for everybody in this process: the version in force, past ones, and changes. The versions are in Postgres
 * (`src/ip/catalogue.ts`); this keeps their compiled form, and does the heavy work in a thread of its own, after the start.
 *
 * A change is compiled and checked before it is a version; what fails leaves everything as it was. A fact that was
 * recorded keeps what was known when it came in, whatever becomes of the lists.
 */
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Database } from '../account/database.ts'
import { Refusal } from '../core/errors.ts'
import { assert } from '../core/result.ts'
import type { Micros } from '../core/time.ts'
import { ipVersionText } from '../ingest/address-facts.ts'
import type { DescribeAddress } from '../ingest/address-facts.ts'
import { addVersion, findVersion } from '../ip/catalogue.ts'
import type { Member, Source, Version } from '../ip/catalogue.ts'
import { describerOf } from '../ip/describe.ts'
import type { LookupTable } from '../ip/lookup.ts'
import { runTask } from '../ip/run-task.ts'
import type { Task, TaskResult } from '../ip/task.ts'
import type { DiskGuard } from './disk.ts'
import { compiledOf, openCompiled } from './ip-compiled.ts'
import type { CompilePorts } from './ip-compiled.ts'
import { withEmbedded } from './ip-embedded.ts'
import { IpFiles, compiledKey } from './ip-files.ts'
import { nameProblem, readSupply } from './ip-supply.ts'
import type { SuppliedTable, Supply } from './ip-supply.ts'
import { Turns } from './ip-turns.ts'
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
  /** Files that are taken in at once, up to 256 MiB of disk each; one of them is read, which takes the memory. */
  suppliesMax: 4,
  /** What could not be prepared is tried again after this time, and after twice as long each time, up to the second. */
  retryMillis: 5_000,
  retryMillisMax: 300_000,
} as const

export interface IpPorts {
  readonly database: Database
  readonly world: World
  readonly logger: Logger
  /** The data directory. */
  readonly folder: string
  readonly disk: Pick<DiskGuard, 'check'>
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

/** What a change came to: the version in force, and whether it is a new one. */
export interface Changed {
  readonly version: Version
  readonly changed: boolean
}

/** Packages that were installed together are asked for their tables together. */
const sharedFolder = join(import.meta.dirname, '../../node_modules/.cache/crossfoot-ip')

function membersOf({ sources }: Version): readonly Member[] {
  return sources.map((source) => ({ kind: 'kept', source }))
}

function openVersion(version: Version, table: LookupTable): OpenVersion {
  const text = ipVersionText(version.number)
  return { version, text, table, describe: describerOf(table, text) }
}

export class IpMetadata {
  readonly #ports: IpPorts
  readonly #files: IpFiles
  readonly #compiling: CompilePorts
  readonly #ended = new AbortController()
  readonly #past: OpenVersion[] = []
  #current: OpenVersion | null = null
  #starting: Promise<void> | null = null
  /** Changes are made one after the other. */
  #changing: Promise<unknown> = Promise.resolve()
  #opening: Promise<unknown> = Promise.resolve()
  readonly #supplies = new Turns(
    limits.suppliesMax,
    'too many sources are being taken in at once; send it again shortly',
  )
  readonly #inForce = Promise.withResolvers<void>()
  #timer: NodeJS.Timeout | null = null
  #retry: NodeJS.Timeout | null = null
  #failures = 0
  #lastFailure = ''
  /** The version that could not describe an address, so that the log says so once. */
  #mute: OpenVersion | null = null

  constructor(ports: IpPorts) {
    this.#ports = ports
    this.#files = new IpFiles(join(ports.folder, 'ip'), sharedFolder)
    this.#compiling = {
      database: ports.database,
      files: this.#files,
      task: (task) => this.#task(task),
      passingName: () => this.#passingName(),
    }
  }

  /**
   * Opens the newest version where that is only reading its compiled file, some 50 ms: before the first event comes in,
   * so that a restart records no event without what was known before it. Never throws; what is missing is prepared later.
   */
  async openNewest(): Promise<void> {
    try {
      const version = await findVersion(this.#ports.database, null)
      const table = version === null ? null : openCompiled(this.#files, membersOf(version))
      if (version !== null && table !== null) this.#setCurrent(openVersion(version, table))
    } catch (error) {
      this.#ports.logger.warn({ err: error }, 'the newest version of IP metadata could not be opened at once')
    }
  }

  /** Prepares the version in force, then what is newer, in the background; again after it failed. Nothing waits for it. */
  start(): void {
    if (this.#ended.signal.aborted) return
    this.#starting ??= this.#prepare().catch((error: unknown) => this.#startLater(error))
  }

  /** A failure that stays is one line of the log, and no work for the machine. */
  #startLater(error: unknown): void {
    if (this.#ended.signal.aborted) return
    const text = String(error)
    if (text !== this.#lastFailure) {
      const version = this.#current?.text ?? 'none, so events come in without'
      const what = `IP metadata could not be prepared and is tried again from time to time; in force: ${version}`
      this.#ports.logger.warn({ err: error }, what)
    }
    this.#lastFailure = text
    const wait = Math.min(limits.retryMillis * 2 ** this.#failures, limits.retryMillisMax)
    this.#failures += 1
    this.#retry = setTimeout(() => {
      this.#starting = null
      this.start()
    }, wait)
    this.#retry.unref()
  }

  /** What facts keep of an address; null: the text is no address, or nothing can be said yet (L13). */
  readonly describe: DescribeAddress = (address) => {
    const current = this.#current
    if (current === null) {
      this.start()
      return null
    }
    try {
      return current.describe(address)
    } catch (error) {
      // An event is worth more than what is known of its address.
      if (this.#mute !== current)
        this.#ports.logger.error(
          { err: error, version: current.text },
          'an address could not be described; it is not known',
        )
      this.#mute = current
      return null
    }
  }

  /** The version in force now, or at a past time; null: none was then. Throws IP_NOT_READY. */
  async at(time: Micros | null): Promise<OpenVersion | null> {
    const current = this.#current ?? (await this.#firstVersion())
    if (time === null || time >= current.version.from) return current
    const version = await findVersion(this.#ports.database, time)
    return version === null ? null : this.#open(version)
  }

  /** Takes a file in. Throws IP_SOURCE_INVALID, TOO_MANY_REQUESTS or DISK_FULL, and the version before stays in force. */
  async add(supply: Supply): Promise<Changed> {
    const problem = nameProblem(supply.name)
    if (problem !== null) throw new Refusal('IP_SOURCE_INVALID', problem)
    return this.#supplies.within(async () => {
      await this.#ports.disk.check()
      return this.#take(supply)
    })
  }

  async #take(supply: Supply): Promise<Changed> {
    const { world } = this.#ports
    const incoming = await this.#files.receive(this.#passingName(), supply.body)
    try {
      const read = await this.#supplies.alone(() => this.#readSupply(incoming.path, supply))
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
        // Without a version of its own, the same content is what is there already.
        const old = members[before]
        if (supply.version === null && old?.form === source.form && old.sha256 === source.sha256) return kept
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
    if (this.#retry !== null) clearTimeout(this.#retry)
    await this.#starting
    await this.#changing.catch(() => undefined)
    await this.#opening.catch(() => undefined)
  }

  async #firstVersion(): Promise<OpenVersion> {
    this.start()
    const waited = Promise.withResolvers<void>()
    const timer = setTimeout(() => waited.resolve(), limits.readyMillis)
    await Promise.race([this.#inForce.promise, this.#starting, waited.promise])
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

  #readSupply(file: string, supply: Supply): Promise<SuppliedTable> {
    return readSupply({ ...this.#compiling, isEnded: () => this.#ended.signal.aborted }, file, supply)
  }

  /** What is in force comes first: what comes with a newer program may be broken, and takes its time. */
  async #prepare(): Promise<void> {
    const { database, isShared, world } = this.#ports
    const newest = await findVersion(database, null)
    if (newest !== null) await this.#bringIntoForce(newest)
    if (isShared) this.#follow()
    const ports = { ...this.#compiling, world }
    await this.#change('sources that come with Crossfoot', 'crossfoot', (members) => withEmbedded(ports, members))
  }

  /** Brings into force what other processes have added. */
  #follow(): void {
    if (this.#timer !== null || this.#ended.signal.aborted) return
    const { database, logger } = this.#ports
    this.#timer = setInterval(() => {
      findVersion(database, null)
        .then((version) => (version === null ? undefined : this.#bringIntoForce(version)))
        .catch((error: unknown) => logger.warn({ err: error }, 'the versions of IP metadata could not be read'))
    }, limits.followMillis)
    this.#timer.unref()
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
      await compiledOf(this.#compiling, members)
      const added = await addVersion(database, { after, members, change: what, by, now: world.now() })
      if (!added) return null
    }
    const version = await findVersion(database, null)
    assert(version !== null, 'there is a version')
    await this.#bringIntoForce(version)
    return { version, changed: !isSame }
  }

  async #openNow(version: Version): Promise<OpenVersion> {
    return openVersion(version, await compiledOf(this.#compiling, membersOf(version)))
  }

  #setCurrent(opened: OpenVersion): void {
    if (this.#current === null || this.#current.version.number < opened.version.number) this.#current = opened
    this.#inForce.resolve()
  }

  async #bringIntoForce(version: Version): Promise<void> {
    if (this.#current !== null && this.#current.version.number >= version.number) return
    this.#setCurrent(await this.#openNow(version))
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
