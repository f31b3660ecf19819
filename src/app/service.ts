/**
 * Wires the stages into one service. `app/` is the only place that sees everything; what has to flow back to
 * the left (ownership into ingest, accounts out of the projection) is handed over here as a function.
 */
import { join } from 'node:path'
import type { Logger } from 'pino'
import { rememberSeen } from '../account/accounts.ts'
import { authenticator } from '../account/authenticate.ts'
import type { Authenticator } from '../account/authenticate.ts'
import { openDatabase } from '../account/database.ts'
import type { Database } from '../account/database.ts'
import { followOwnership } from '../account/endpoints.ts'
import type { CurrentOwnership } from '../account/endpoints.ts'
import type { Append } from '../ingest/receive.ts'
import { openLmdbLog } from '../log/lmdb.ts'
import type { EventLog } from '../log/log.ts'
import { seedStandardMeters } from '../meter/catalogue.ts'
import { usageReader } from '../meter/usage.ts'
import type { ReadUsage } from '../meter/usage.ts'
import { openChdb } from '../store/engine.ts'
import type { Engine } from '../store/engine.ts'
import { emptyStore, migrateStore } from '../store/migrate.ts'
import { Projection } from '../store/project.ts'
import type { ProjectionPorts } from '../store/project.ts'
import { completenessReader } from './completeness.ts'
import type { CompletenessReader } from './completeness.ts'
import type { Config } from './config.ts'
import { openDataDirectory } from './data-directory.ts'
import type { DataDirectory } from './data-directory.ts'
import { writeDevelopmentKey } from './development-key.ts'
import { DiskGuard } from './disk.ts'
import { migrate, readMigrations } from './migrate.ts'
import { externalPostgres, startPostgres } from './postgres.ts'
import type { PostgresServer } from './postgres.ts'
import { Projector } from './projector.ts'
import { planSample } from './sample/load.ts'
import type { World } from './world.ts'

const migrationsFolder = join(import.meta.dirname, '../../migrations')

export interface Service {
  readonly config: Config
  readonly world: World
  readonly logger: Logger
  readonly database: Database
  readonly log: EventLog
  readonly engine: Engine
  readonly projection: Projection
  readonly projector: Projector
  readonly ownership: CurrentOwnership
  readonly authenticator: Authenticator
  readonly disk: DiskGuard
  readonly completeness: CompletenessReader
  readonly readUsage: ReadUsage
  /** Appends to the log and wakes the projection. */
  readonly append: Append
  /** The key of the first start, shown once; null later. */
  readonly newKey: string | null
  close(): Promise<void>
}

export interface ServiceOptions {
  readonly config: Config
  readonly world: World
  readonly logger: Logger
  /** Called when something that the service cannot live without has ended. */
  readonly onFatal: (reason: string) => void
}

function openPostgres(options: ServiceOptions, directory: DataDirectory): Promise<PostgresServer> {
  const { config, logger, world, onFatal } = options
  if (config.databaseUrl !== null) return externalPostgres(config.databaseUrl)
  return startPostgres({
    directory: join(directory.path, 'postgres'),
    created: directory.created,
    random: world.random,
    log: (line) => logger.debug({ postgres: line }),
    onExit: onFatal,
  })
}

interface Stored {
  readonly engine: Engine
  readonly projection: Projection
}

/** Opens the store and proves it against the log; one that disagrees is emptied and rebuilt from the log. */
async function openStore(path: string, log: EventLog, options: ServiceOptions, database: Database): Promise<Stored> {
  const engine = openChdb(path)
  await migrateStore(engine, join(migrationsFolder, 'clickhouse'))
  const seen = rememberSeen(database)
  const ports: ProjectionPorts = {
    log,
    engine,
    onAccounts: (accounts) => seen.register(accounts, options.world.now()),
  }
  const projection = new Projection(ports)
  const standing = await projection.open()
  if (standing.kind === 'consistent') return { engine, projection }
  if (standing.kind === 'ahead') {
    throw new Error(
      `the log lacks events that were accepted: ${standing.reason}. Restore the log from its backup; ` +
        `or, to go on without these events, move ${path} away`,
    )
  }
  options.logger.warn(
    { reason: standing.reason },
    'the event store does not agree with the log; rebuilding it from the log',
  )
  await emptyStore(engine)
  await migrateStore(engine, join(migrationsFolder, 'clickhouse'))
  const rebuilt = new Projection(ports)
  await rebuilt.open()
  await rebuilt.catchUp()
  return { engine, projection: rebuilt }
}

/** L5: an invoice counts the log below an offset; a log that does not reach that far is not the one it counted. */
async function requireWholeLog(database: Database, log: EventLog): Promise<void> {
  const { rows } = await database.query<{ reached: string | null }>(
    "select max(log_offset)::text as reached from invoice where status <> 'draft'",
  )
  const reached = Number(rows[0]?.reached ?? 0)
  if (reached <= log.end()) return
  throw new Error(
    `an issued invoice counts events up to offset ${reached}, and the log ends at ${log.end()}: it is not the log of this ` +
      'database. Restore the log and the database of the same moment',
  )
}

/** Opens everything in order, or closes again what it had opened. */
export async function openService(options: ServiceOptions): Promise<Service> {
  const { config, world, logger } = options
  const closers: (() => unknown)[] = []
  const close = async (): Promise<void> => {
    for (const closer of closers.toReversed()) await closer()
    closers.length = 0
  }
  try {
    const directory = await openDataDirectory(config.dataDirectory)
    closers.push(() => directory.close())
    const log = openLmdbLog(join(directory.path, 'log'), (error) => {
      logger.error({ err: error }, 'the log cannot be written')
      options.onFatal('the log cannot be written; the next start opens it anew')
    })
    closers.push(() => log.close())
    const postgres = await openPostgres(options, directory)
    closers.push(() => postgres.stop())
    await migrate(postgres.url, readMigrations(join(migrationsFolder, 'postgres')))
    const database = openDatabase(postgres.url, (error) =>
      logger.warn({ err: error }, 'a connection to Postgres broke'),
    )
    closers.push(() => database.end())
    await requireWholeLog(database, log)
    await seedStandardMeters(database, world.now())
    await planSample({ config, database, log, world })
    const newKey = await writeDevelopmentKey(database, directory.path, { now: world.now(), random: world.random })
    const { engine, projection } = await openStore(join(directory.path, 'store'), log, options, database)
    closers.push(() => engine.close())
    const projector = new Projector(
      projection,
      () => log.end(),
      (error) => logger.error({ err: error }, 'the event store refuses'),
    )
    closers.push(() => projector.stop())
    projector.wake()
    const disk = new DiskGuard(directory.path, config.diskReserveBytes, world)
    const append: Append = async (arrivals, sender) => {
      await disk.check()
      const appended = await log.append(arrivals, world.now(), sender)
      projector.wake()
      return appended
    }
    return {
      config,
      world,
      logger,
      database,
      log,
      engine,
      projection,
      projector,
      ownership: await followOwnership(database),
      authenticator: authenticator(database, world),
      disk,
      completeness: completenessReader({ database, engine, log, world }),
      readUsage: usageReader(engine),
      append,
      newKey,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
