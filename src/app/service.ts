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
import type { AccountKey } from '../core/ids.ts'
import type { Append } from '../ingest/receive.ts'
import type { EventLog } from '../log/log.ts'
import { seedStandardMeters } from '../meter/catalogue.ts'
import { usageReader } from '../meter/usage.ts'
import type { ReadUsage } from '../meter/usage.ts'
import type { Engine } from '../store/engine.ts'
import { completenessReader } from './completeness.ts'
import type { CompletenessReader } from './completeness.ts'
import type { Config } from './config.ts'
import { openDataDirectory } from './data-directory.ts'
import type { DataDirectory } from './data-directory.ts'
import { writeDevelopmentKey } from './development-key.ts'
import { DiskGuard } from './disk.ts'
import { openEmbeddedStore, openSharedStore } from './event-store.ts'
import type { Counted, EventStore, Following } from './event-store.ts'
import { migrate, readMigrations } from './migrate.ts'
import { IpMetadata } from './ip.ts'
import { openLog } from './open-log.ts'
import { externalPostgres, startPostgres } from './postgres.ts'
import type { PostgresServer } from './postgres.ts'
import { dutiesOf } from './roles.ts'
import { planSample } from './sample/load.ts'
import type { World } from './world.ts'

const migrationsFolder = join(import.meta.dirname, '../../migrations')

export interface Service {
  readonly config: Config
  readonly world: World
  readonly logger: Logger
  readonly database: Database
  /** For a connection that must not be one of the pool's. */
  readonly databaseUrl: string
  readonly log: EventLog
  readonly engine: Engine
  readonly projection: Counted
  readonly projector: Following
  /** Whether this process fills the store now. */
  leads(): boolean
  readonly ownership: CurrentOwnership
  readonly ip: IpMetadata
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

interface StoreNeeds {
  readonly directory: DataDirectory
  readonly log: EventLog
  readonly database: Database
  readonly databaseUrl: string
}

function openStore(
  options: ServiceOptions,
  { directory, log, database, databaseUrl }: StoreNeeds,
): Promise<EventStore> {
  const { config, logger, world, onFatal } = options
  const seen = rememberSeen(database)
  const ports = {
    config,
    log,
    databaseUrl,
    onAccounts: (accounts: ReadonlySet<AccountKey>) => seen.register(accounts, world.now()),
    report: (message: string, error: unknown) => logger.error({ err: error }, message),
    onFatal,
  }
  return config.clickhouse === null
    ? openEmbeddedStore(join(directory.path, 'store'), ports)
    : openSharedStore(config.clickhouse, ports)
}

/** Ownership that another process has changed is known here after this time at the latest. */
const ownershipMillis = 2_000

/** Asks again and again for what other processes change; one time after the other, however long each takes. */
function followChanges(ownership: CurrentOwnership, logger: Logger): () => void {
  let isAsking = false
  const timer = setInterval(() => {
    if (isAsking) return
    isAsking = true
    ownership
      .refresh()
      .catch((error: unknown) => logger.warn({ err: error }, 'who owns which endpoint could not be read'))
      .finally(() => {
        isAsking = false
      })
  }, ownershipMillis)
  return () => clearInterval(timer)
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

async function openMigrated(url: string, logger: Logger): Promise<Database> {
  await migrate(url, readMigrations(join(migrationsFolder, 'postgres')))
  return openDatabase(url, (error) => logger.warn(`a connection to Postgres broke: ${error.message}`))
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
    const log = await openLog(config, directory.path, {
      onBroken: (error) => {
        logger.error({ err: error }, 'the log cannot be written')
        options.onFatal('the log cannot be written; the next start opens it anew')
      },
      tell: (text) => logger.warn(text),
    })
    closers.push(() => log.close())
    const postgres = await openPostgres(options, directory)
    closers.push(() => postgres.stop())
    const database = await openMigrated(postgres.url, logger)
    closers.push(() => database.end())
    await requireWholeLog(database, log)
    await seedStandardMeters(database, world.now())
    const { greets } = dutiesOf[config.role]
    if (config.role === 'all') await planSample({ config, database, log, world })
    const newKey = greets
      ? await writeDevelopmentKey(database, directory.path, { now: world.now(), random: world.random })
      : null
    const store = await openStore(options, { directory, log, database, databaseUrl: postgres.url })
    closers.push(() => store.close())
    const { engine, projection, projector } = store
    const ownership = await followOwnership(database)
    if (config.kafka !== null) closers.push(followChanges(ownership, logger))
    const isShared = config.databaseUrl !== null
    const disk = new DiskGuard(directory.path, config.diskReserveBytes, world)
    const ip = new IpMetadata({ database, world, logger, folder: directory.path, isShared, disk })
    closers.push(() => ip.close())
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
      databaseUrl: postgres.url,
      log,
      engine,
      projection,
      projector,
      leads: () => store.leads(),
      ownership,
      ip,
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
