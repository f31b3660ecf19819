import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { gunzipSync } from 'node:zlib'
import type { Reception } from './agent.ts'
import type { Door, DoorWorld, Place } from './door.ts'
import { limits } from './limits.ts'
import type { ReceivedLine } from './numbered-lines.ts'
import { bodyTooLarge, encodingOf, linesOfExport, ownIdentityReader } from './otlp-export.ts'
import type { OtlpEncoding } from './otlp-export.ts'
import { encodeAnswer } from './otlp-proto.ts'
import type { OtlpAnswer } from './otlp-proto.ts'

/** How a request ends. gRPC's codes: what a client of any kind understands. */
interface Ending {
  readonly status: number
  readonly answer: OtlpAnswer
  readonly retryAfterSeconds?: number
}

function refused(status: number, code: number, message: string): Ending {
  return { status, answer: { kind: 'refused', code, message } }
}

const [invalid, unavailable, exhausted, unimplemented] = [3, 14, 8, 12] as const
const comeAgain = (message: string, status = 503, code: number = unavailable): Ending => ({
  ...refused(status, code, message),
  retryAfterSeconds: 1,
})

class BodyRefused extends Error {
  readonly ending: Ending
  constructor(ending: Ending) {
    super('the body was refused')
    this.ending = ending
  }
}

/**
 * Receives logs by OTLP/HTTP. A good answer is given when the records are durable in the spool, and only then; when
 * there is no room the client is asked to come again, and keeps what it has.
 */
export async function openOtlpDoor(place: Place, world: DoorWorld): Promise<Door> {
  const receiver = new OtlpReceiver(world)
  const server = createServer({ requestTimeout: limits.requestMsMax }, (request, response) => {
    void receiver.handle(request, response)
  })
  server.maxConnections = limits.connectionsMax
  await new Promise<void>((done, failed) => server.once('error', failed).listen(place.port, place.host, done))
  server.on('error', (error) => world.note(`OTLP: ${error.message}`))
  server.on('drop', () => world.note(`OTLP: more than ${limits.connectionsMax} connections at once; refused`))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : place.port,
    close: async () => {
      receiver.isClosing = true
      const ended = new Promise<void>((done) => server.close(() => done()))
      const cut = setTimeout(() => server.closeAllConnections(), limits.flushMsMax)
      await ended
      clearTimeout(cut)
    },
  }
}

class OtlpReceiver {
  isClosing = false
  readonly #world: DoorWorld
  /** Bytes of the bodies that are in memory. */
  #bodiesBytes = 0

  constructor(world: DoorWorld) {
    this.#world = world
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const encoding = encodingOf(request.headers['content-type'])
    const taken = { bytes: 0 }
    try {
      const ending = await this.#endingOf(request, encoding, taken).catch((error: unknown) => {
        if (error instanceof BodyRefused) return error.ending
        throw error
      })
      if (this.isClosing) response.setHeader('connection', 'close')
      answer(response, ending, encoding ?? 'json')
      if (!request.complete) discard(request)
    } catch {
      // The client went away; nothing of an unfinished body was taken.
      response.destroy()
    } finally {
      this.#bodiesBytes -= taken.bytes
    }
  }

  async #endingOf(
    request: IncomingMessage,
    encoding: OtlpEncoding | undefined,
    taken: { bytes: number },
  ): Promise<Ending> {
    if (request.url?.split('?')[0] !== '/v1/logs') return refused(404, unimplemented, 'logs are taken at POST /v1/logs')
    if (request.method !== 'POST') return refused(405, unimplemented, 'logs are taken at POST /v1/logs')
    if (encoding === undefined)
      return refused(415, invalid, 'Content-Type is application/x-protobuf or application/json')
    const body = await this.#bodyOf(request, taken)
    const lines = linesOfExport(body, encoding)
    if (!lines.ok) return refused(lines.error.kind === 'broken' ? 400 : 413, invalid, lines.error.message)
    if (lines.value.length === 0) return { status: 200, answer: { kind: 'taken', rejected: 0, message: '' } }
    return this.#receive(lines.value, request)
  }

  async #receive(lines: readonly ReceivedLine[], request: IncomingMessage): Promise<Ending> {
    const reader = ownIdentityReader(this.#world.openReader(), this.#world.source)
    const outcome = await this.#world.receive(lines, reader)
    switch (outcome.kind) {
      case 'too-large':
        return refused(413, invalid, 'the export is larger than the spool of this agent; send smaller batches')
      case 'full':
        return comeAgain('the spool of this agent is full; nothing was taken, send it again')
      case 'taken':
        if (request.socket.destroyed && reader.withoutId() > 0)
          this.#world.note(
            `a client of OTLP went away before its answer; if it sends its records again, those without an id (log.record.uid) count twice`,
          )
        return { status: 200, answer: { kind: 'taken', rejected: outcome.unreadable, message: toldOf(outcome) } }
    }
  }

  /** Reads the body within its bounds, unpacked. What it takes of the budget is written down as it goes. */
  async #bodyOf(request: IncomingMessage, taken: { bytes: number }): Promise<Buffer> {
    const coding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity'
    if (!['identity', 'gzip', 'x-gzip', ''].includes(coding))
      throw new BodyRefused(refused(415, invalid, 'Content-Encoding is gzip or none'))
    const chunks: Buffer[] = []
    let size = 0
    // Not the request itself: leaving its loop would cut the connection before the answer.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length
      this.#takeBytes(chunk.length, taken)
      if (size > limits.otlpBodyBytesMax) throw new BodyRefused(refused(413, invalid, bodyTooLarge))
      chunks.push(chunk)
    }
    const body = Buffer.concat(chunks)
    if (coding === 'identity' || coding === '') return body
    const unpacked = unzipped(body)
    this.#takeBytes(unpacked.length, taken)
    return unpacked
  }

  #takeBytes(bytes: number, taken: { bytes: number }): void {
    taken.bytes += bytes
    this.#bodiesBytes += bytes
    if (this.#bodiesBytes > limits.otlpBodiesBytesMax)
      throw new BodyRefused(comeAgain('too many large exports at once; nothing was taken', 429, exhausted))
  }
}

/** Records that cannot be read are kept for people to look at, and not counted: for the client they are rejected. */
function toldOf({ unreadable, reason }: Extract<Reception, { kind: 'taken' }>): string {
  if (unreadable === 0) return ''
  return `${unreadable} log records are in quarantine and not counted; the first: ${reason ?? ''}`
}

/** One after the other, so that only one can grow at a time. */
function unzipped(body: Buffer): Buffer {
  try {
    return gunzipSync(body, { maxOutputLength: limits.otlpBodyBytesMax })
  } catch (error) {
    const isTooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    throw new BodyRefused(
      isTooLarge ? refused(413, invalid, bodyTooLarge) : refused(400, invalid, 'the body is not gzip'),
    )
  }
}

function answer(response: ServerResponse, ending: Ending, encoding: OtlpEncoding): void {
  const { status, retryAfterSeconds } = ending
  const body = encodeAnswer(ending.answer, encoding)
  response.setHeader('content-type', encoding === 'json' ? 'application/json' : 'application/x-protobuf')
  if (retryAfterSeconds !== undefined) response.setHeader('retry-after', String(retryAfterSeconds))
  if (status === 405) response.setHeader('allow', 'POST')
  response.writeHead(status, { 'content-length': body.length }).end(body)
}

/** A client that is still sending does not read the answer, so the rest is read and thrown away, within a bound. */
function discard(request: IncomingMessage): void {
  let size = 0
  request.on('error', () => undefined)
  request.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > 4 * limits.otlpBodyBytesMax) request.destroy()
  })
}
