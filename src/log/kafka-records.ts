/**
 * What the log on Kafka writes: a *commit* (one record of the commit topic) orders commands; what their appends
 * brought lies in *parts* (records of the event topic), which the commit names. A part that no commit names never
 * happened. All of it is plain data, and reading it back gives what was written, or throws.
 */
import { crc32, zstdCompress, zstdDecompressSync } from 'node:zlib'
import { promisify } from 'node:util'
import type { Arrival, ParsedEvent } from '../core/record.ts'
import { assert } from '../core/result.ts'
import type { Micros } from '../core/time.ts'
import type { Command, CommandOf } from './command.ts'

const compress = promisify(zstdCompress)

export const limits = {
  /** Characters of a part before it is compressed; one arrival that has more is a part by itself. */
  partTextMax: 1024 * 1024,
  /** What the topics must let through: the largest arrival, incompressible, with room to spare. */
  messageBytesMax: 8 * 1024 * 1024,
} as const

/** Where a part lies, how long it is, and the CRC-32 of its bytes. */
export interface Place {
  readonly partition: number
  readonly offset: number
  readonly bytes: number
  readonly sum: number
}

type CommittedAppend = Omit<CommandOf<'append'>, 'arrivals'> & { readonly count: number }

export interface Commit {
  readonly version: 1
  /** Who wrote it, a name for each opening of a log, and its how-manieth group of commands this is, from 1. */
  readonly writer: string
  readonly group: number
  readonly commands: readonly (CommittedAppend | Exclude<Command, { kind: 'append' }>)[]
  readonly parts: readonly Place[]
}

export interface Part {
  readonly partition: number
  readonly value: Buffer
}

/** Equal identities come to one partition, as long as there are as many partitions. */
function partitionKeyOf(arrival: Arrival): string {
  switch (arrival.kind) {
    case 'event':
      return identityOf(arrival.event)
    case 'held':
      return identityOf(arrival.held)
    case 'correction':
      return String(arrival.correction.supersedes)
  }
}

function identityOf({ source, id, seq }: { source: string | null; id: string | null; seq: number | null }): string {
  return `${source}\0${seq ?? id}`
}

/** A line of a part: which arrival of which command, then what arrived. JSON contains no raw tab or newline. */
function lineOf(arrival: Arrival, command: number, index: number): string {
  if (arrival.kind !== 'event' || arrival.release !== undefined) {
    return `${JSON.stringify([command, index])}\t${JSON.stringify(arrival)}`
  }
  const { source, epoch, id, seq, time, account, hash, fact, inspection } = arrival.event
  return `${JSON.stringify([command, index, source, epoch, id, seq, time, account, hash])}\t${fact}\t${inspection ?? ''}`
}

function parseLine(line: string): { readonly command: number; readonly index: number; readonly arrival: Arrival } {
  const [head = '', second = '', third = ''] = line.split('\t')
  const [command, index, ...rest] = JSON.parse(head) as [number, number, ...unknown[]]
  if (rest.length === 0) return { command, index, arrival: JSON.parse(second) as Arrival }
  const [source, epoch, id, seq, time, account, hash] = rest
  const event = { source, epoch, id, seq, time, account, fact: second, inspection: third === '' ? null : third, hash }
  return { command, index, arrival: { kind: 'event', event: event as ParsedEvent } }
}

/** Splits what the appends among the commands brought into parts of bounded size. */
export async function partsOf(commands: readonly Command[], partitions: number): Promise<Part[]> {
  const texts: { partition: number; text: string }[] = []
  const open = new Map<number, { lines: string[]; size: number }>()
  const flush = (partition: number): void => {
    const lines = open.get(partition)?.lines ?? []
    if (lines.length > 0) texts.push({ partition, text: lines.join('\n') })
    open.delete(partition)
  }
  for (const [number, command] of commands.entries()) {
    if (command.kind !== 'append') continue
    for (const [index, arrival] of command.arrivals.entries()) {
      const partition = crc32(partitionKeyOf(arrival)) % partitions
      const line = lineOf(arrival, number, index)
      if ((open.get(partition)?.size ?? 0) + line.length > limits.partTextMax) flush(partition)
      const part = open.get(partition) ?? { lines: [], size: 0 }
      part.lines.push(line)
      part.size += line.length
      open.set(partition, part)
    }
  }
  for (const partition of open.keys()) flush(partition)
  return Promise.all(
    texts.map(async ({ partition, text }) => ({
      partition,
      value: await compress(Buffer.from(text, 'utf8'), { params: { 100: 1 } }),
    })),
  )
}

export function sumOf(value: Buffer): number {
  return crc32(value)
}

/** The key of a part's record says whose it is, so that a place that names another record is noticed. */
export function partKey(writer: string, group: number, index: number): string {
  return `${writer}/${group}/${index}`
}

export function encodeCommit({
  writer,
  group,
  commands,
  parts,
}: {
  readonly writer: string
  readonly group: number
  readonly commands: readonly Command[]
  readonly parts: readonly Place[]
}): Buffer {
  const committed = commands.map((command) => {
    if (command.kind !== 'append') return command
    const { arrivals, ...rest } = command
    return { ...rest, count: arrivals.length }
  })
  const commit: Commit = { version: 1, writer, group, commands: committed, parts }
  return Buffer.from(JSON.stringify(commit), 'utf8')
}

export function decodeCommit(value: Buffer): Commit {
  const commit = JSON.parse(value.toString('utf8')) as Commit
  // The number is read before anything else is believed.
  const version: number = commit.version
  assert(version === 1, `a commit is of version ${version}, which a newer Crossfoot wrote; update this one`)
  return commit
}

/** The commands of a commit, with what its parts brought in the order in which it arrived. */
export function commandsOf(commit: Commit, parts: readonly Buffer[]): Command[] {
  const arrivals = commit.commands.map((command) =>
    Array.from({ length: command.kind === 'append' ? command.count : 0 }, (): Arrival | null => null),
  )
  for (const part of parts) {
    for (const line of zstdDecompressSync(part).toString('utf8').split('\n')) {
      const { command, index, arrival } = parseLine(line)
      const places = arrivals[command]
      assert(places !== undefined && places[index] === null, 'a part brings an arrival that its commit has room for')
      places[index] = arrival
    }
  }
  return commit.commands.map((command, number): Command => {
    if (command.kind !== 'append') return command
    const { count, ...rest } = command
    const brought = (arrivals[number] ?? []).filter((arrival) => arrival !== null)
    assert(brought.length === count, 'the parts of a commit bring all that it says')
    return { ...rest, arrivals: brought }
  })
}

/** The newest time of a commit's commands. */
export function newestOf(commit: Commit): Micros {
  return Math.max(0, ...commit.commands.map(({ now }) => now)) as Micros
}
