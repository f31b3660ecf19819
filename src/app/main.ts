import { readFileSync } from 'node:fs'
import { pino } from 'pino'
import { exitCodeOfBadConfig, readConfig } from './config.ts'
import type { Config } from './config.ts'
import { startHousekeeping } from './housekeeping.ts'
import { buildServer } from './http/server.ts'
import type { Server } from './http/routes.ts'
import { invoiceDesk } from './desk.ts'
import { developmentKeyFile } from './development-key.ts'
import { progressLine } from './progress.ts'
import type { SampleCompany } from './sample/company.ts'
import { describeSample, issueSample, sampleToLoad, sendSample } from './sample/load.ts'
import { startRollups } from './rollups.ts'
import { dutiesOf } from './roles.ts'
import { openService } from './service.ts'
import type { Service } from './service.ts'
import { systemWorld } from './world.ts'

/** A stop waits this long for requests that are under way; a sender who is cut off has no answer, and sends again. */
const stopGraceMillis = 5_000

async function closeServer(server: Server): Promise<void> {
  const grace = setTimeout(() => server.server.closeAllConnections(), stopGraceMillis)
  await server.close()
  clearTimeout(grace)
}

async function listen(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<string> {
  try {
    return await server.listen({ host, port })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EADDRINUSE') throw error
    throw new Error(`another program already listens on ${host}:${port}; stop it, or set PORT to another number`, {
      cause: error,
    })
  }
}

/** Opens the data directory and the engines, listens, and says so in one line. */
async function serve(config: Config): Promise<void> {
  const started = performance.now()
  const { host, port, logLevel, role } = config
  const logger = pino({ level: logLevel }, pino.destination({ dest: 2, sync: true }))
  let fatal = (reason: string): void => {
    logger.fatal(reason)
    process.exit(1)
  }
  const service = await openService({
    config,
    world: systemWorld,
    logger,
    onFatal: (reason) => fatal(reason),
  })
  const company = role === 'all' ? await sampleToLoad(service) : null
  if (company !== null) await describeSample(service, company)
  const describes = dutiesOf[role].routes.size > 1
  // An event that comes in right after a restart is described as those before it were.
  if (describes) await service.ip.openNewest()
  const server = await buildServer(service)
  const stopHousekeeping = startHousekeeping(service)
  const stopRollups = startRollups(service)
  let stopping: Promise<void> | null = null
  const stop = (code: number): void => {
    stopping ??= Promise.all([stopHousekeeping(), stopRollups()])
      .then(() => closeServer(server))
      .then(() => service.close())
      .then(
        () => process.exit(code),
        (error: unknown) => {
          logger.error({ err: error }, 'could not stop in order')
          process.exit(1)
        },
      )
  }
  fatal = (reason) => {
    logger.fatal(reason)
    stop(1)
  }
  process.on('SIGTERM', () => stop(0))
  process.on('SIGINT', () => stop(0))
  const address = await listen(server, { host, port }).catch(async (error: unknown) => {
    await service.close()
    throw error
  })
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const as = role === 'all' ? '' : ` as ${role}`
  process.stdout.write(`crossfoot ready at ${address} after ${seconds} s${as}, data in ${config.dataDirectory}\n`)
  if (service.newKey !== null) {
    process.stdout.write(`development API key: ${service.newKey}\n  (also in ${config.dataDirectory}/dev-api-key)\n`)
  }
  // After the start, so that nobody waits for it.
  if (describes) service.ip.start()
  if (company !== null) await loadSample(service, company, address)
}

/** Fills a first installation with the sample company's traffic, in front of everybody's eyes. */
async function loadSample(service: Service, company: SampleCompany, address: string): Promise<void> {
  const key = readFileSync(developmentKeyFile(service.config.dataDirectory), 'utf8').trim()
  const progress = progressLine(`sample company ${company.name}: sending its traffic`, process.stdout)
  try {
    const sent = await sendSample(company, { address, key }, ({ sent, total }) => progress(sent, total))
    const invoices = await issueSample(service, company, invoiceDesk(service))
    process.stdout.write(
      `sample company ready: ${sent} events, ${company.accounts.length} accounts, ${invoices} invoices; see ${address}/\n`,
    )
  } catch (error) {
    // The service is worth more than its sample; the next start goes on where this one stopped.
    service.logger.warn({ err: error }, 'the sample company is not complete; the next start goes on with it')
  }
}

/** `npm start`, and `crossfoot serve`: ends the process when it cannot start; else it serves until a signal ends it. */
export async function main(args: readonly string[]): Promise<void> {
  const config = readConfig({ env: process.env, args, cwd: process.cwd() })
  if (!config.ok) {
    for (const problem of config.error) process.stderr.write(`crossfoot: ${problem}\n`)
    process.exit(exitCodeOfBadConfig)
  }
  try {
    await serve(config.value)
  } catch (error) {
    process.stderr.write(`crossfoot: ${error instanceof Error ? error.message : String(error)}\n`)
    if (config.value.logLevel === 'debug')
      process.stderr.write(`${error instanceof Error ? (error.stack ?? '') : ''}\n`)
    process.exit(1)
  }
}

if (import.meta.main) await main(process.argv.slice(2))
