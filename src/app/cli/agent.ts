import { randomUUID } from 'node:crypto'
import { watch } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Agent } from '../../collect/agent.ts'
import type { AgentTask, AgentWorld } from '../../collect/agent.ts'
import { limits } from '../../collect/limits.ts'
import { runAgent } from '../../collect/run-agent.ts'
import type { Service } from '../../collect/service.ts'
import { systemClock } from '../../core/time.ts'
import { openDataDirectory } from '../data-directory.ts'
import { agentHelp } from './agent-help.ts'
import { findService, serviceOptions } from './client.ts'
import { UsageError, exitCodes } from './command.ts'
import type { Command, Terminal } from './command.ts'
import { formatOptions, readFormat, readReader, readRule } from './import-format.ts'
import { readServiceUrl, readSource } from './import-options.ts'
import { Bell } from './agent-bell.ts'

const options = {
  ...serviceOptions,
  ...formatOptions,
  to: { type: 'string' },
  tail: { type: 'string', multiple: true },
  source: { type: 'string' },
  spool: { type: 'string' },
  'spool-max': { type: 'string' },
} as const

interface Request {
  readonly task: AgentTask
  readonly service: Service
}

const units: Readonly<Record<string, number>> = {
  '': 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1_024,
  MiB: 1_048_576,
  GiB: 1_073_741_824,
}

function readSpoolMax(text: string | undefined): number {
  if (text === undefined) return limits.spoolBytesDefault
  const [, digits = '', unit = ''] = /^(\d{1,15}) ?([kKMG]i?B)?$/.exec(text) ?? []
  const bytes = Number(digits) * (units[unit] ?? Number.NaN)
  if (digits === '' || !Number.isSafeInteger(bytes))
    throw new UsageError(`--spool-max ${text} is not a number of bytes, such as 1073741824, 512MiB or 2GB`)
  if (bytes < limits.spoolBytesMin)
    throw new UsageError(`--spool-max ${text} is too small; it is at least ${limits.spoolBytesMin} bytes (16MiB)`)
  return bytes
}

function readRequest(argv: readonly string[], terminal: Terminal): Request {
  const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true })
  // A shell writes `--tail *.log` as one option and many words.
  const paths = [...(values.tail ?? []), ...positionals].map((path) => resolve(path))
  if (values.tail === undefined) throw new UsageError('--tail FILE is missing')
  if (values.spool === undefined) throw new UsageError('--spool DIR is missing')
  const format = readFormat(values.format)
  return {
    task: {
      paths: [...new Set(paths)],
      openReader: readReader(values, format),
      rule: readRule(values['account-from'], format),
      source: readSource(values.source) ?? `agent:${hostname()}`.slice(0, limits.factCharactersMax),
      spool: { directory: resolve(values.spool), bytesMax: readSpoolMax(values['spool-max']) },
    },
    service: findService({ url: readServiceUrl(values), key: values.key }, terminal),
  }
}

async function takeSpool(directory: string): ReturnType<typeof openDataDirectory> {
  try {
    return await openDataDirectory(directory)
  } catch (error) {
    const { message } = error as Error
    throw new UsageError(
      message.replace(/set CROSSFOOT_DATA to another directory|set CROSSFOOT_DATA/, 'give another --spool'),
    )
  }
}

/** Rings when anything happens in the folders of the logs. The poll is there for file systems that do not tell. */
function watchFolders(paths: readonly string[], changed: () => void): () => void {
  const watchers = [...new Set(paths.map((path) => dirname(path)))].flatMap((folder) => {
    try {
      return [watch(folder, { persistent: false }, changed).on('error', () => {})]
    } catch {
      return []
    }
  })
  return () => {
    for (const watcher of watchers) watcher.close()
  }
}

async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const { task, service } = readRequest(argv, terminal)
  const held = await takeSpool(task.spool.directory)
  const note = (message: string): void => void terminal.stderr.write(`crossfoot agent: ${message}\n`)
  const [end, giveUp] = [new AbortController(), new AbortController()]
  const [changed, taken] = [new Bell(end.signal), new Bell(end.signal)]
  const stop = (): void => {
    end.abort()
    setTimeout(() => giveUp.abort(), limits.flushMsMax).unref()
  }
  const wait = new Bell(end.signal)
  const world: AgentWorld = {
    random: Math.random,
    now: () => systemClock.now(),
    newEpoch: randomUUID,
    note,
    wait: (milliseconds) => wait.wait(milliseconds),
  }
  const agent = new Agent(task, { ...service, signal: giveUp.signal }, world)
  const unwatch = watchFolders(task.paths, () => changed.ring())
  process.once('SIGTERM', stop).once('SIGINT', stop)
  try {
    note(`${task.paths.length} logs as ${agent.source} to ${service.url}, spool ${task.spool.directory}`)
    await runAgent(agent, {
      signal: end.signal,
      untilChange: (milliseconds) => changed.wait(milliseconds),
      untilTaken: (milliseconds) => taken.wait(milliseconds),
      taken: () => taken.ring(),
      note,
    })
    if (agent.lost > 0) note(`${agent.lost} lines were lost before they could be read, and declared so`)
    return exitCodes.ok
  } finally {
    // Whatever ended first, nothing goes on behind it.
    end.abort()
    giveUp.abort()
    process.off('SIGTERM', stop).off('SIGINT', stop)
    unwatch()
    agent.close()
    held.close()
  }
}

export const agentCommand: Command = {
  name: 'agent',
  summary: 'follow the logs of an edge server and send each line once',
  help: agentHelp,
  run,
}
