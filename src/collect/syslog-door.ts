import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import type { Door, DoorWorld, Place } from './door.ts'
import { limits } from './limits.ts'
import type { LineReader } from './line-reader.ts'
import type { ReceivedLine } from './numbered-lines.ts'
import { SyslogFramer, messageLine } from './syslog-framer.ts'

export interface SyslogPlace extends Place {
  readonly transport: 'udp' | 'tcp'
}

/** Receives lines of a log by syslog (RFC 5424 and 3164, over TCP framed by RFC 6587). */
export function openSyslogDoor(place: SyslogPlace, world: DoorWorld): Promise<Door> {
  return place.transport === 'udp' ? openDatagrams(place, world) : openStreams(place, world)
}

/**
 * A datagram is a message. Nobody waits for an answer, so what is not kept is gone: it is declared lost, with its
 * number. What the network or the kernel drops before it gets here is not seen by anybody.
 */
async function openDatagrams({ host, port }: Place, world: DoorWorld): Promise<Door> {
  const socket = createSocket({
    type: host.includes(':') ? 'udp6' : 'udp4',
    recvBufferSize: limits.datagramBufferBytes,
  })
  const reader = world.openReader()
  const underWay = new Set<Promise<void>>()
  socket.on('message', (datagram) => {
    if (datagram.length === 0) return
    const kept = keep(datagram, reader, world).finally(() => underWay.delete(kept))
    underWay.add(kept)
  })
  await new Promise<void>((done, failed) => socket.once('error', failed).bind(port, host, done))
  socket.on('error', (error) => world.note(`syslog by UDP: ${error.message}`))
  return {
    port: socket.address().port,
    close: async () => {
      await new Promise<void>((done) => socket.close(done))
      await Promise.all(underWay)
    },
  }
}

async function keep(datagram: Buffer, reader: LineReader, world: DoorWorld): Promise<void> {
  const outcome = await world.receive([messageLine(datagram)], reader)
  if (outcome.kind === 'taken') return
  world.declareLost(1)
  world.note('the spool has no room; syslog messages that arrive by UDP are lost, and declared so with their number')
}

/** Connections are read only as fast as there is room: when the spool is full, the senders wait. */
async function openStreams(place: Place, world: DoorWorld): Promise<Door> {
  const open = new Map<Socket, Promise<void>>()
  const patience = { isOver: false }
  const server = createServer((socket) => {
    const read = readAll(socket, world, patience).finally(() => open.delete(socket))
    open.set(socket, read)
  })
  server.maxConnections = limits.connectionsMax
  await new Promise<void>((done, failed) => server.once('error', failed).listen(place.port, place.host, done))
  server.on('error', (error) => world.note(`syslog by TCP: ${error.message}`))
  server.on('drop', () => world.note(`syslog by TCP: more than ${limits.connectionsMax} connections at once; refused`))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : place.port,
    close: async () => {
      patience.isOver = true
      const ended = new Promise<void>((done) => server.close(() => done()))
      // Says goodbye, and reads what was sent before the sender heard it.
      for (const socket of open.keys()) socket.end()
      const cut = setTimeout(() => {
        for (const socket of open.keys()) socket.destroy()
      }, limits.goodbyeMs)
      await Promise.all(open.values())
      await ended
      clearTimeout(cut)
    },
  }
}

interface Patience {
  isOver: boolean
}

async function readAll(socket: Socket, world: DoorWorld, patience: Patience): Promise<void> {
  const framer = new SyslogFramer()
  const waiting = new WaitingLines(world, patience)
  // Also what ends with an error was received up to there.
  socket.on('error', () => undefined)
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) await waiting.add(framer.push(chunk))
  } catch {
    // The sender went away; what had come of it is kept all the same.
  }
  await waiting.add(framer.end())
  await waiting.settled()
}

/**
 * The lines of a connection that are not durable yet, within a bound: beyond it nothing more is read. They are kept one
 * after the other: what comes while some wait for room waits behind them, so a connection's lines stay in their order.
 */
class WaitingLines {
  readonly #world: DoorWorld
  readonly #patience: Patience
  readonly #reader: LineReader
  #queue: ReceivedLine[] = []
  #bytes = 0
  #keeping: Promise<void> | undefined

  constructor(world: DoorWorld, patience: Patience) {
    this.#world = world
    this.#patience = patience
    this.#reader = world.openReader()
  }

  async add(lines: readonly ReceivedLine[]): Promise<void> {
    if (lines.length === 0) return
    for (const line of lines) this.#queue.push(line)
    this.#bytes += bytesOf(lines)
    this.#keeping ??= this.#keepAll()
    while (this.#bytes > limits.tailBytesMax) await this.#keeping
  }

  async settled(): Promise<void> {
    await this.#keeping
  }

  /** What came while the last lines became durable goes together, so that a sender is not held to a chunk per fsync. */
  async #keepAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const lines = this.#queue
      this.#queue = []
      await this.#keep(lines)
      this.#bytes -= bytesOf(lines)
    }
    this.#keeping = undefined
  }

  /** Waits until there is room. Lines for which there was none until the end are declared lost. */
  async #keep(lines: readonly ReceivedLine[]): Promise<void> {
    for (;;) {
      const outcome = await this.#world.receive(lines, this.#reader)
      if (outcome.kind === 'taken') return
      if (outcome.kind === 'too-large' && lines.length > 1) {
        const half = Math.ceil(lines.length / 2)
        await this.#keep(lines.slice(0, half))
        return this.#keep(lines.slice(half))
      }
      if (outcome.kind === 'too-large' || this.#patience.isOver) break
      this.#world.note('the spool is full; syslog connections are not read until there is room')
      await this.#world.wait(limits.pollMs, 'the spool is full')
    }
    this.#world.declareLost(lines.length)
    this.#world.note(`${lines.length} syslog messages came by TCP and found no room until the end; declared as lost`)
  }
}

function bytesOf(lines: readonly ReceivedLine[]): number {
  return lines.reduce((sum, line) => sum + line.bytes.length, 0)
}
