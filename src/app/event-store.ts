/**
 * The event store of a process: embedded and filled by this process alone, or on a server and shared. Whoever asks
 * sees the same of both: how far usage can be counted, and a way to wait for it.
 */
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Offset } from '../core/ids.ts'
import type { EventLog } from '../log/log.ts'
import { nameInStore } from '../store/claim.ts'
import { openClickHouse } from '../store/engine-server.ts'
import { openChdb } from '../store/engine.ts'
import type { Engine } from '../store/engine.ts'
import { emptyStore, migrateStore } from '../store/migrate.ts'
import { askPosition } from '../store/position.ts'
import { Projection } from '../store/project.ts'
import type { ProjectionPorts } from '../store/project.ts'
import type { Config } from './config.ts'
import { adviceFor, ProjectionLeader } from './leader-projection.ts'
import { withLock } from './leader-lock.ts'
import { Projector } from './projector.ts'
import { dutiesOf } from './roles.ts'

const migrations = join(import.meta.dirname, '../../migrations/clickhouse')

export const limits = {
  /** Who only reads looks so often while somebody waits, and so often when nobody does. */
  lookMillis: 50,
  idleLookMillis: 1_000,
} as const

/** How far usage can be counted. */
export interface Counted {
  /** Everything below this offset is stored, once, as far as this process knows. */
  position(): Offset
}

export interface Following {
  /** Why the store is not following at the moment, or null. */
  readonly trouble: string | null
  /** There may be something new in the log. */
  wake(): void
  /** Waits until everything below the offset can be counted, at most so long; true when it can. */
  reach(offset: Offset, millis: number): Promise<boolean>
}

export interface EventStore {
  readonly engine: Engine
  readonly projection: Counted
  readonly projector: Following
  /** Whether this process fills the store now. */
  leads(): boolean
  close(): Promise<void>
}

export interface StorePorts {
  readonly config: Config
  readonly log: EventLog
  readonly databaseUrl: string
  readonly onAccounts: ProjectionPorts['onAccounts']
  readonly report: (message: string, error: unknown) => void
  readonly onFatal: (reason: string) => void
}

/** The store in this process. It is proven against the log; one that disagrees is emptied and rebuilt from the log. */
export async function openEmbeddedStore(path: string, ports: StorePorts): Promise<EventStore> {
  const { config, log, onAccounts, report } = ports
  const engine = openChdb(path)
  await migrateStore(engine, migrations)
  let projection = new Projection({ log, engine, onAccounts })
  const standing = await projection.open()
  if (standing.kind === 'other') {
    throw new Error(
      `the event store in ${path} is not of this log: ${standing.reason}. Put that log back from its backup; ` +
        `or, to go on without its events, move ${path} away, and a store of this log is made`,
    )
  }
  if (standing.kind === 'ahead') {
    throw new Error(
      `the log lacks events that were accepted: ${standing.reason}. Restore the log from its backup; ` +
        `or, to go on without these events, move ${path} away`,
    )
  }
  if (standing.kind === 'damaged') {
    report('the event store does not agree with the log; rebuilding it from the log', standing.reason)
    await emptyStore(engine)
    await migrateStore(engine, migrations)
    projection = new Projection({ log, engine, onAccounts })
    await projection.open()
    await projection.catchUp()
  }
  const projector = new Projector(
    projection,
    () => log.end(),
    (error) => report('the event store refuses', error),
  )
  projector.wake()
  // What other processes append wakes nobody here.
  const looking = config.kafka === null ? null : setInterval(() => projector.wake(), limits.lookMillis)
  return {
    engine,
    projection,
    projector,
    leads: () => true,
    async close() {
      if (looking !== null) clearInterval(looking)
      await projector.stop()
      await engine.close()
    },
  }
}

/** How far the leader has come, asked of the store: a process that only reads learns it from nowhere else. */
class FollowedPosition implements Counted {
  readonly #engine: Engine
  #position = 0 as Offset
  #looking: Promise<void> | null = null
  trouble: string | null = null

  constructor(engine: Engine) {
    this.#engine = engine
  }

  position(): Offset {
    return this.#position
  }

  /** One look at a time; who comes while one is under way waits for it. */
  look(): Promise<void> {
    this.#looking ??= this.#ask().finally(() => {
      this.#looking = null
    })
    return this.#looking
  }

  async #ask(): Promise<void> {
    try {
      this.#position = await askPosition(this.#engine)
      this.trouble = null
    } catch (error) {
      this.trouble = error instanceof Error ? error.message : String(error)
    }
  }

  async reach(offset: Offset, millis: number): Promise<boolean> {
    const until = performance.now() + millis
    for (;;) {
      await this.look()
      if (this.#position >= offset) return true
      if (this.trouble !== null || performance.now() > until) return false
      await pause(limits.lookMillis)
    }
  }
}

/** The store on a server, which other processes read, and one of them fills. */
export async function openSharedStore(
  server: NonNullable<Config['clickhouse']>,
  ports: StorePorts,
): Promise<EventStore> {
  const { config, databaseUrl, log, report } = ports
  const { asks, projects } = dutiesOf[config.role]
  const engine = openClickHouse(server)
  const followed = new FollowedPosition(engine)
  // Processes that start at once take turns at the tables.
  if (asks) {
    const waits = (): void => report('waiting for another process that is setting up the event store', null)
    await withLock(databaseUrl, () => migrateStore(engine, migrations), waits).catch((error: Error) => {
      throw new Error(
        `the event store at ${server.url} cannot be used (${error.message}); start it, or correct CLICKHOUSE_URL`,
        { cause: error },
      )
    })
    const name = await nameInStore(engine)
    if (name !== null && name !== log.name()) {
      throw new Error(adviceFor('other', `it was filled from the log ${name}, and the log here is ${log.name()}`))
    }
  }
  const rebuild = async (engine: Engine): Promise<void> => {
    report('the event store does not agree with the log; rebuilding it from the log', null)
    await emptyStore(engine)
    await migrateStore(engine, migrations)
  }
  const leader = projects
    ? new ProjectionLeader({
        ...ports,
        engine,
        rebuild: config.rebuildStore ? rebuild : null,
        report: (error) => report('the event store refuses', error),
      })
    : null
  const looking = asks ? setInterval(() => void followed.look(), limits.idleLookMillis) : null
  return {
    engine,
    projection: followed,
    projector: {
      get trouble() {
        return leader?.trouble ?? followed.trouble
      },
      wake: () => leader?.wake(),
      // A role without questions has nothing to wait for.
      reach: (offset, millis) => (asks ? followed.reach(offset, millis) : Promise.resolve(false)),
    },
    leads: () => leader?.leads ?? false,
    async close() {
      if (looking !== null) clearInterval(looking)
      await leader?.stop()
      await engine.close()
    },
  }
}
