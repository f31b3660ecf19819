import { randomUUID } from 'node:crypto'
import { watch } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Agent } from '../../collect/agent.ts'
import type { AgentTask, AgentWorld } from '../../collect/agent.ts'
import type { DoorWorld } from '../../collect/door.ts'
import { limits } from '../../collect/limits.ts'
import { runAgent } from '../../collect/run-agent.ts'
import type { Service } from '../../collect/service.ts'
import { systemClock } from '../../core/time.ts'
import { openDataDirectory } from '../data-directory.ts'
import { openDoors, readDoors } from './agent-doors.ts'
import type { Doors } from './agent-doors.ts'
import { agentHelp } from './agent-help.ts'
import { findService, serviceOptions } from './client.ts'
import { UsageError, exitCodes } from './command.ts'
import type { Command, Terminal } from './command.ts'
import { formatOptions, readFormat, readReader, readRule } from './import-format.ts'
import { readServiceUrl, readSource } from './import-options.ts'
import { Waker } from '../../collect/waker.ts'

const options = {
  ...serviceOptions,
  ...formatOptions,
  to: { type: 'string' },
  tail: { type: 'string', multiple: true },
  otlp: { type: 'string' },
  syslog: { type: 'string', multiple: true },
  'delay-checkpoint': { type: 'string' },
  source: { type: 'string' },
  'shared-source': { type: 'string' },
  spool: { type: 'string' },
  'spool-max': { type: 'string' },
} as const

interface Request {
  readonly task: AgentTask
  readonly doors: Doors
  /** Whose the records by OTLP are that have an id of their own; undefined: the agent's. */
  readonly sharedSource: string | undefined
  /** What the operator should know about these options. */
  readonly advice: string | undefined
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

/** Seconds that the time of a checkpoint stays behind: 0 for logs, a minute where others bring what they held back. */
function readDelay(text: string | undefined, hasDoors: boolean): number {
  if (text === undefined) return hasDoors ? limits.doorDelayMs : 0
  if (!/^\d{1,7}$/.test(text))
    throw new UsageError(`--delay-checkpoint ${text} is not a number of seconds, such as 300`)
  return Number(text) * 1000
}

/** Records by OTLP are in one form; an agent with other logs beside them would need two. */
function readFormatName(name: string | undefined, otlp: string | undefined): string | undefined {
  if (otlp === undefined) return name
  if (name !== undefined && name !== 'otlp-json')
    throw new UsageError(`--otlp goes with --format otlp-json (the default there); run another agent for ${name}`)
  return 'otlp-json'
}

/**
 * Of a new spool. A statement covers all of its source, so two agents that live at once must never have one name: one
 * that died would be silent behind the other. Two agents of one host are told apart by chance.
 */
function ownSource(): string {
  const mark = `:${randomUUID().slice(0, 8)}`
  return `agent:${hostname()}`.slice(0, limits.factCharactersMax - mark.length) + mark
}

function readShared(name: string | undefined, { otlp }: Doors): string | undefined {
  if (name !== undefined && otlp === undefined)
    throw new UsageError('--shared-source is about records that come by --otlp with an id of their own')
  return readSource(name, '--shared-source')
}

function readRequest(argv: readonly string[], terminal: Terminal): Request {
  const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true })
  const doors = readDoors(values.otlp, values.syslog ?? [])
  const hasDoors = doors.otlp !== undefined || doors.syslog.length > 0
  // A shell writes `--tail *.log` as one option and many words.
  const paths = [...(values.tail ?? []), ...positionals].map((path) => resolve(path))
  if (values.tail === undefined && (positionals.length > 0 || !hasDoors))
    throw new UsageError(hasDoors ? 'files are named with --tail FILE' : '--tail FILE, --otlp or --syslog is missing')
  if (values.spool === undefined) throw new UsageError('--spool DIR is missing')
  const format = readFormat(readFormatName(values.format, values.otlp))
  const isEarly = format.timeIsStart === true && values['delay-checkpoint'] === undefined
  return {
    advice: isEarly
      ? 'this format has the time at which a request began; --delay-checkpoint SECONDS says how long the longest takes, and without it checkpoints are early by that'
      : undefined,
    task: {
      paths: [...new Set(paths)],
      openReader: readReader(values, format),
      rule: readRule(values['account-from'], format),
      source: readSource(values.source) ?? ownSource(),
      delayMs: readDelay(values['delay-checkpoint'], hasDoors),
      spool: { directory: resolve(values.spool), bytesMax: readSpoolMax(values['spool-max']) },
    },
    doors,
    sharedSource: readShared(values['shared-source'], doors),
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
  const { task, doors, sharedSource, advice, service } = readRequest(argv, terminal)
  const held = await takeSpool(task.spool.directory)
  const note = (message: string): void => void terminal.stderr.write(`crossfoot agent: ${message}\n`)
  const [end, giveUp] = [new AbortController(), new AbortController()]
  const [changed, taken] = [new Waker(end.signal), new Waker(end.signal)]
  const stop = (): void => {
    end.abort()
    setTimeout(() => giveUp.abort(), limits.flushMsMax).unref()
  }
  // Many wait at once, each for its own time; the end wakes all of them.
  const wait = (milliseconds: number): Promise<void> =>
    delay(milliseconds, undefined, { signal: end.signal }).catch(() => undefined)
  const world: AgentWorld = { random: Math.random, now: () => systemClock.now(), newEpoch: randomUUID, note, wait }
  const agent = new Agent(task, { ...service, signal: giveUp.signal }, world)
  const unwatch = watchFolders(task.paths, () => changed.wake())
  let closeDoors = (): Promise<void> => Promise.resolve()
  process.once('SIGTERM', stop).once('SIGINT', stop)
  try {
    note(`${task.paths.length} logs as ${agent.source} to ${service.url}, spool ${task.spool.directory}`)
    if (advice !== undefined) note(advice)
    const ways = { source: sharedSource ?? agent.source, note, wait, taken: () => taken.wake() }
    closeDoors = await openDoors(doors, doorWorld(agent, task, ways))
    await runAgent(agent, {
      signal: end.signal,
      untilChange: (milliseconds) => changed.wait(milliseconds),
      untilTaken: (milliseconds) => taken.wait(milliseconds),
      taken: () => taken.wake(),
      pause: wait,
      closeDoors,
      note,
    })
    if (agent.lost > 0)
      note(
        `${agent.lost} lines were lost before they could be read; what is not declared yet is so after the next start`,
      )
    return exitCodes.ok
  } finally {
    // Whatever ended first, nothing goes on behind it.
    end.abort()
    giveUp.abort()
    process.off('SIGTERM', stop).off('SIGINT', stop)
    unwatch()
    await closeDoors()
    agent.close()
    held.close()
  }
}

interface Ways extends Pick<DoorWorld, 'source' | 'note' | 'wait'> {
  readonly taken: () => void
}

function doorWorld(agent: Agent, { openReader }: AgentTask, { source, note, wait, taken }: Ways): DoorWorld {
  let told = ''
  return {
    source,
    openReader,
    receive: async (lines, reader) => {
      const outcome = await agent.receive(lines, reader)
      if (outcome.kind === 'taken') taken()
      return outcome
    },
    declareLost: (lines) => agent.declareLost(lines),
    wait,
    note: (message) => {
      if (message !== told) note(message)
      told = message
    },
  }
}

export const agentCommand: Command = {
  name: 'agent',
  summary: 'follow the logs of an edge server and send each line once',
  help: agentHelp,
  run,
}
