/** The service and its API in the test's own process, at a time and with a randomness that the test hands in. */
import { pino } from 'pino'
import type { Logger } from 'pino'
import { readConfig } from '../../src/app/config.ts'
import type { Server } from '../../src/app/http/routes.ts'
import { buildServer } from '../../src/app/http/server.ts'
import { openService } from '../../src/app/service.ts'
import type { Service } from '../../src/app/service.ts'
import { systemWorld } from '../../src/app/world.ts'
import type { World } from '../../src/app/world.ts'

export interface InProcess {
  /** Of the Postgres database. */
  readonly databaseUrl: string
  /** The data directory. */
  readonly data: string
  readonly world: Partial<World> & Pick<World, 'now'>
  readonly logger?: Logger
  /** Between the opening of the service and its first request. */
  readonly prepare?: (service: Service) => Promise<void>
}

/** Opens it without the sample company; whoever opens it closes the server, then the service. */
export async function openInProcess(given: InProcess): Promise<{ readonly service: Service; readonly server: Server }> {
  const { databaseUrl, data, world, logger = pino({ level: 'silent' }), prepare } = given
  const env = {
    DATABASE_URL: databaseUrl,
    CROSSFOOT_DATA: data,
    LOG_LEVEL: 'silent',
    CROSSFOOT_DISK_RESERVE_BYTES: '0',
  }
  const config = readConfig({ env, args: ['--empty'], cwd: '/' })
  if (!config.ok) throw new Error(config.error.join('; '))
  const onFatal = (reason: string): never => {
    throw new Error(reason)
  }
  const service = await openService({ config: config.value, world: { ...systemWorld, ...world }, logger, onFatal })
  await prepare?.(service)
  const server = await buildServer(service)
  await server.ready()
  return { service, server }
}
