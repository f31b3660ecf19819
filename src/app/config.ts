import { join, resolve } from 'node:path'
import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import type { ServerAddress } from '../store/engine-server.ts'
import { roles } from './roles.ts'
import type { Role } from './roles.ts'

/** Everything that can be set from outside, read once at the start and handed on. */
export interface Config {
  readonly host: string
  /** 0 asks the system for a free port. */
  readonly port: number
  /** Absolute. */
  readonly dataDirectory: string
  /** A Postgres server to use in place of the embedded one. */
  readonly databaseUrl: string | null
  /** A log that processes share, in place of the embedded one. */
  readonly kafka: KafkaConfig | null
  /** A ClickHouse server or cluster, in place of the embedded store. */
  readonly clickhouse: ServerAddress | null
  readonly role: Role
  /** Without the sample company. */
  readonly empty: boolean
  /** A store on a server that does not agree with the log is emptied and filled again; without it the start is refused. */
  readonly rebuildStore: boolean
  /** Ingest answers DISK_FULL when less than this is free, so that what was accepted can still be finished. */
  readonly diskReserveBytes: number
  readonly logLevel: LogLevel
}

export interface KafkaConfig {
  /** host:port, with commas between. */
  readonly brokers: string
  /** Topics begin with it. */
  readonly prefix: string
}

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** A configuration that cannot be used ends the program with this exit code. */
export const exitCodeOfBadConfig = 2

export interface ConfigInput {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The arguments after the program's name. */
  readonly args: readonly string[]
  /** What a relative data directory is relative to. */
  readonly cwd: string
}

/** Reads it all; every problem at once, each with what to do. */
export function readConfig({ env, args, cwd }: ConfigInput): Result<Config, readonly string[]> {
  const problems: string[] = []
  const value = (name: string): string | null => {
    const text = env[name]?.trim() ?? ''
    return text === '' ? null : text
  }
  const words = readArguments(args, problems)
  const config: Config = {
    host: readHost(value('HOST'), problems),
    port: readWhole({ name: 'PORT', text: value('PORT'), fallback: 8080, most: 65_535 }, problems),
    dataDirectory: resolve(cwd, value('CROSSFOOT_DATA') ?? join('.', 'data')),
    databaseUrl: readDatabaseUrl(value('DATABASE_URL'), problems),
    kafka: readKafka({ brokers: value('KAFKA_BROKERS'), prefix: value('CROSSFOOT_KAFKA_PREFIX') }, problems),
    clickhouse: readClickHouse({ url: value('CLICKHOUSE_URL'), cluster: value('CLICKHOUSE_CLUSTER') }, problems),
    role: readRole(words.role ?? value('CROSSFOOT_ROLE'), problems),
    empty: words.empty,
    rebuildStore: words.rebuildStore,
    diskReserveBytes: readWhole(
      {
        name: 'CROSSFOOT_DISK_RESERVE_BYTES',
        text: value('CROSSFOOT_DISK_RESERVE_BYTES'),
        fallback: 268_435_456,
        most: Number.MAX_SAFE_INTEGER,
      },
      problems,
    ),
    logLevel: readLogLevel(value('LOG_LEVEL'), problems),
  }
  requireSharing(config, problems)
  return problems.length === 0 ? ok(config) : fail(problems)
}

interface Arguments {
  readonly empty: boolean
  readonly rebuildStore: boolean
  readonly role: string | null
}

function readArguments(args: readonly string[], problems: string[]): Arguments {
  let [empty, rebuildStore] = [false, false]
  let role: string | null = null
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at] ?? ''
    if (word === '--empty') empty = true
    else if (word === '--rebuild-store') rebuildStore = true
    else if (word.startsWith('--role=')) role = word.slice('--role='.length)
    else if (word === '--role') {
      at += 1
      role = args[at] ?? ''
    } else {
      problems.push(
        `${word} is not an option; there are --empty (start without the sample company), --role ROLE and --rebuild-store`,
      )
    }
  }
  return { empty, rebuildStore, role }
}

function readRole(text: string | null, problems: string[]): Role {
  if (text === null) return 'all'
  const role = roles.find((role) => role === text)
  if (role === undefined) problems.push(`the role is ${JSON.stringify(text)}; set it to one of ${roles.join(', ')}`)
  return role ?? 'all'
}

/** A role is a part of an installation: what the parts have in common cannot lie within one of them. */
function requireSharing({ role, kafka, clickhouse, databaseUrl }: Config, problems: string[]): void {
  if (role === 'all') {
    // Accounts and contracts of one log in the database of each process would be two installations over one log.
    if (kafka !== null && databaseUrl === null) {
      problems.push(
        'KAFKA_BROKERS is set without DATABASE_URL: processes that share a log share its accounts and contracts; set ' +
          'DATABASE_URL to the Postgres server of the installation',
      )
    }
    return
  }
  const missing = [
    ...(kafka === null ? ['KAFKA_BROKERS (the log)'] : []),
    ...(clickhouse === null ? ['CLICKHOUSE_URL (the store)'] : []),
    ...(databaseUrl === null ? ['DATABASE_URL (accounts and contracts)'] : []),
  ]
  if (missing.length > 0)
    problems.push(`the role ${role} shares what others do with them: set ${missing.join(', ')}; or run --role all`)
}

function readKafka(
  { brokers, prefix }: { readonly brokers: string | null; readonly prefix: string | null },
  problems: string[],
): KafkaConfig | null {
  if (brokers === null) return null
  const isList = brokers.split(',').every((broker) => /^\s*(?:[\w.-]+|\[[\da-fA-F:]+\]):\d{1,5}\s*$/.test(broker))
  if (!isList)
    problems.push(`KAFKA_BROKERS is ${JSON.stringify(brokers)}; set it to host:port, with commas between several`)
  if (prefix !== null && !/^[\w.-]{1,200}$/.test(prefix))
    problems.push(`CROSSFOOT_KAFKA_PREFIX is ${JSON.stringify(prefix)}; set it to letters, digits, dots, _ and -`)
  return { brokers: brokers.replaceAll(/\s/g, ''), prefix: prefix ?? 'crossfoot' }
}

/** The URL holds a password, so a problem with it does not repeat it. */
function readClickHouse(
  { url: text, cluster }: { readonly url: string | null; readonly cluster: string | null },
  problems: string[],
): ServerAddress | null {
  if (text === null) {
    if (cluster !== null) problems.push('CLICKHOUSE_CLUSTER is set without CLICKHOUSE_URL; set both or none')
    return null
  }
  const url = URL.canParse(text) ? new URL(text) : null
  const database = url === null ? '' : decodeURIComponent(url.pathname.slice(1)) || 'default'
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:'
  if (url === null || !isHttp || !/^\w+$/.test(database) || url.search !== '' || url.hash !== '') {
    problems.push(
      'CLICKHOUSE_URL is not a URL such as http://user:password@host:8123/database; correct it or leave it out',
    )
    return null
  }
  if (cluster !== null && !/^[\w-]+$/.test(cluster))
    problems.push(`CLICKHOUSE_CLUSTER is ${JSON.stringify(cluster)}; set it to a name of letters, digits, _ and -`)
  return {
    url: url.origin,
    username: decodeURIComponent(url.username) || 'default',
    password: decodeURIComponent(url.password),
    database,
    cluster,
  }
}

interface WholeNumber {
  readonly name: string
  readonly text: string | null
  readonly fallback: number
  readonly most: number
}

function readWhole({ name, text, fallback, most }: WholeNumber, problems: string[]): number {
  if (text === null) return fallback
  const number = /^\d{1,16}$/.test(text) ? Number(text) : Infinity
  if (number <= most) return number
  problems.push(`${name} is ${JSON.stringify(text)}; set it to a whole number from 0 to ${most}, or leave it out`)
  return fallback
}

function readHost(text: string | null, problems: string[]): string {
  if (text === null) return '127.0.0.1'
  if (!/^[A-Za-z0-9.:_-]+$/.test(text))
    problems.push(`HOST is ${JSON.stringify(text)}; set it to a host name or an address such as 127.0.0.1`)
  return text
}

/** The URL holds a password, so a problem with it does not repeat it. */
function readDatabaseUrl(text: string | null, problems: string[]): string | null {
  if (text === null) return null
  const protocol = URL.canParse(text) ? new URL(text).protocol : ''
  if (protocol !== 'postgres:' && protocol !== 'postgresql:')
    problems.push(
      'DATABASE_URL is not a URL such as postgres://user:password@host:5432/name; correct it or leave it out',
    )
  return text
}

function readLogLevel(text: string | null, problems: string[]): LogLevel {
  if (text === null) return 'info'
  const level = logLevels.find((level) => level === text.toLowerCase())
  if (level === undefined) problems.push(`LOG_LEVEL is ${JSON.stringify(text)}; set it to ${logLevels.join(', ')}`)
  return level ?? 'info'
}
