import { join, resolve } from 'node:path'
import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'

/** Everything that can be set from outside, read once at the start and handed on. */
export interface Config {
  readonly host: string
  /** 0 asks the system for a free port. */
  readonly port: number
  /** Absolute. */
  readonly dataDirectory: string
  /** A Postgres server to use in place of the embedded one. */
  readonly databaseUrl: string | null
  /** Without the sample company. */
  readonly empty: boolean
  /** Ingest answers DISK_FULL when less than this is free, so that what was accepted can still be finished. */
  readonly diskReserveBytes: number
  readonly logLevel: LogLevel
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
  const config: Config = {
    host: readHost(value('HOST'), problems),
    port: readWhole({ name: 'PORT', text: value('PORT'), fallback: 8080, most: 65_535 }, problems),
    dataDirectory: resolve(cwd, value('CROSSFOOT_DATA') ?? join('.', 'data')),
    databaseUrl: readDatabaseUrl(value('DATABASE_URL'), problems),
    empty: args.includes('--empty'),
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
  for (const arg of args.filter((arg) => arg !== '--empty'))
    problems.push(`${arg} is not an option; the only one is --empty (start without the sample company)`)
  return problems.length === 0 ? ok(config) : fail(problems)
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
