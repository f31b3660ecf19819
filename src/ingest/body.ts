import { isUtf8 } from 'node:buffer'
import { pipeline } from 'node:stream/promises'
import { Writable } from 'node:stream'
import type { Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import type { Gunzip, ZstdDecompress } from 'node:zlib'
import { Refusal } from '../core/errors.ts'
import type { ErrorCode } from '../core/errors.ts'
import { fromCloudEvent } from './cloud-event.ts'
import { elementsOf } from './elements.ts'
import { parseJson } from './json.ts'

/** What one request may cost. A sender above these is told so; nobody else pays for it (L12). */
export const limits = {
  /** Bytes of one body after decompression: also the wall that a gzip bomb runs into. */
  bodyBytesMax: 32 * 1024 * 1024,
  /** Bytes of all bodies being read at once; above it new ones are asked to come again. */
  bodiesBytesMax: 256 * 1024 * 1024,
  /** Bytes of all bodies of one sender: two of the largest, and a quarter of the room that there is. */
  senderBytesMax: 64 * 1024 * 1024,
  /**
   * A body of which not a byte comes for so long is given up. There is no least speed besides: who is slow and goes
   * on is served (until the request's own time is over), and holds up nobody but the bodies of the same sender.
   */
  silenceMillisMax: 10_000,
  /** Bytes that are read and thrown away after a body was refused; a sender who goes on is cut off. */
  discardedBytesMax: 1024 * 1024 * 1024,
  eventsMax: 10_000,
  eventBytesMax: 262_144,
} as const

/** The room that a body is read into. */
export interface BodyRoom {
  take(bytes: number): void
  give(bytes: number): void
}

function overloaded(what: string): Refusal {
  return new Refusal('OVERLOADED', `too many large requests ${what}; nothing was taken, send it again shortly`, {
    retryAfterSeconds: 1,
  })
}

/**
 * Counts the bytes of all bodies in memory, so that many large requests at once cannot exhaust it, and those of each
 * sender, so that one sender's cannot take the room of all others.
 */
export class BodyBudget implements BodyRoom {
  #used = 0
  readonly #bySender = new Map<string, number>()

  take(bytes: number): void {
    if (this.#used + bytes > limits.bodiesBytesMax) throw overloaded('at once')
    this.#used += bytes
  }

  give(bytes: number): void {
    this.#used -= bytes
  }

  /** The share of one sender. */
  of(sender: string): BodyRoom {
    const used = (): number => this.#bySender.get(sender) ?? 0
    return {
      take: (bytes) => {
        if (used() + bytes > limits.senderBytesMax) throw overloaded('of this sender at once')
        this.take(bytes)
        this.#bySender.set(sender, used() + bytes)
      },
      give: (bytes) => {
        this.give(bytes)
        const left = used() - bytes
        if (left > 0) this.#bySender.set(sender, left)
        else this.#bySender.delete(sender)
      },
    }
  }
}

function decoderFor(encoding: string | undefined): Gunzip | ZstdDecompress | null {
  switch (encoding?.trim().toLowerCase()) {
    case undefined:
    case '':
    case 'identity':
      return null
    case 'gzip':
    case 'x-gzip':
      return createGunzip()
    case 'zstd':
      return createZstdDecompress()
    default:
      throw new Refusal(
        'CONTENT_ENCODING_UNSUPPORTED',
        'Content-Encoding is one of identity, gzip, zstd; nothing was taken',
      )
  }
}

function refusalFor(error: unknown): unknown {
  if (error instanceof Refusal || !(error instanceof Error)) return error
  const code = (error as NodeJS.ErrnoException).code ?? ''
  if (
    /^Z_BUF_ERROR$|ECONNRESET|ERR_STREAM_PREMATURE_CLOSE|srcSize_wrong/.test(code) ||
    /unexpected end|aborted|Src size is incorrect/i.test(error.message)
  ) {
    return new Refusal('BODY_TRUNCATED', 'the body ended too early; nothing was taken, send it again')
  }
  if (/^Z_|ZSTD/.test(code)) {
    return new Refusal('BODY_NOT_DECODABLE', 'the body is not what its Content-Encoding says; nothing was taken')
  }
  return error
}

/** Collects a body in memory, within the limits. */
class Collected extends Writable {
  readonly #room: BodyRoom
  readonly #chunks: Buffer[] = []
  size = 0

  constructor(room: BodyRoom) {
    super()
    this.#room = room
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    try {
      if (this.size + chunk.length > limits.bodyBytesMax) {
        throw new Refusal(
          'BODY_TOO_LARGE',
          `the body has more than ${limits.bodyBytesMax} bytes (decompressed); nothing was taken, send smaller batches`,
        )
      }
      this.#room.take(chunk.length)
      this.size += chunk.length
      this.#chunks.push(chunk)
      done()
    } catch (error) {
      done(error as Error)
    }
  }

  whole(): Buffer {
    const [first] = this.#chunks
    return this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks, this.size)
  }
}

/**
 * Lets the sender of a refused body finish, without keeping anything: one that is still sending does not read
 * the answer, and a connection with half a body in it is of no use for the next request.
 */
function discard(stream: Readable): void {
  let size = 0
  stream.on('error', () => undefined)
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > limits.discardedBytesMax) stream.destroy()
  })
}

/** Decoders stop at what they take for the end and say nothing about what comes behind it. */
function refuseRest(received: number, used: number): void {
  if (used === received) return
  throw new Refusal(
    'BODY_NOT_DECODABLE',
    `the body goes on for ${received - used} bytes after the end of what its Content-Encoding says; nothing was taken`,
  )
}

/**
 * Waits for a promise, but not beyond the longest silence, and not when reading has failed already. Where this process itself was held up, what arrived
 * meanwhile is read before anybody is blamed for silence.
 */
async function patiently<T>(promise: Promise<T>, failed: Promise<never>): Promise<T> {
  const silence = Promise.withResolvers<never>()
  const seconds = limits.silenceMillisMax / 1000
  const refusal = new Refusal(
    'BODY_TRUNCATED',
    `not a byte of the body came for ${seconds} seconds; nothing was taken, send it again`,
  )
  const timer = setTimeout(() => setImmediate(() => silence.reject(refusal)), limits.silenceMillisMax)
  try {
    return await Promise.race([promise, silence.promise, failed])
  } finally {
    clearTimeout(timer)
  }
}

/** The chunks of a stream. Not the stream itself: `pipeline` would leave a refused request behind unread and never to be read. */
async function* chunksOf(stream: Readable, failed: Promise<never>): AsyncGenerator<Buffer> {
  const chunks = stream.iterator({ destroyOnReturn: false })
  try {
    for (;;) {
      const next = (await patiently(chunks.next(), failed)) as IteratorResult<Buffer, undefined>
      if (next.done === true) return
      yield next.value
    }
  } finally {
    // Not awaited: behind a silent sender it comes to an end with the connection.
    chunks.return?.()?.catch(() => undefined)
  }
}

/**
 * Reads a request's body to its end, decompressed, within the limits. The caller gives the bytes back to
 * the room when it is done with them. Throws a Refusal that says that nothing was taken.
 */
export async function readBody(stream: Readable, encoding: string | undefined, room: BodyRoom): Promise<Buffer> {
  const decoder = decoderFor(encoding)
  const collected = new Collected(room)
  let received = 0
  // A refused body gives its room back at once, and not when its sender says something again.
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => undefined)
  for (const step of [collected, decoder]) step?.once('error', failed.reject)
  async function* arriving(): AsyncGenerator<Buffer> {
    for await (const chunk of chunksOf(stream, failed.promise)) {
      received += chunk.length
      yield chunk
    }
  }
  try {
    if (decoder === null) {
      await pipeline(arriving, collected)
    } else {
      await pipeline(arriving, decoder, collected)
      refuseRest(received, decoder.bytesWritten)
    }
  } catch (error) {
    room.give(collected.size)
    discard(stream)
    throw refusalFor(error)
  }
  return collected.whole()
}

/** One candidate for an event: its parsed JSON, or why it has none. */
export type Candidate =
  | { readonly ok: true; readonly input: unknown; readonly raw: string }
  | {
      readonly ok: false
      readonly code: ErrorCode
      readonly message: string
      readonly field?: string
      readonly raw: string
    }

/** An event by itself, or in the envelope of CloudEvents. */
type Form = 'event' | 'cloud event'

function candidateOf(line: string, form: Form): Candidate {
  if (line.length > limits.eventBytesMax) {
    return {
      ok: false,
      code: 'EVENT_TOO_LARGE',
      message: `the event has ${line.length} characters, at most ${limits.eventBytesMax}`,
      raw: line,
    }
  }
  const parsed = parseJson(line, form === 'event' ? 'flat' : 'nested')
  if (!parsed.ok) return { ok: false, ...parsed.error, raw: line }
  if (form === 'event') return { ok: true, input: parsed.value, raw: line }
  const unwrapped = fromCloudEvent(parsed.value)
  return unwrapped.ok ? { ok: true, input: unwrapped.value, raw: line } : { ok: false, ...unwrapped.error, raw: line }
}

function refuseTooMany(candidates: readonly Candidate[]): void {
  if (candidates.length > limits.eventsMax) {
    throw new Refusal(
      'BATCH_TOO_LARGE',
      `more than ${limits.eventsMax} events in one request; nothing was taken, send smaller batches`,
    )
  }
}

/** Lines of a body, one at a time. In one that is not valid UTF-8 the bad lines are named; their neighbours are not affected. */
function* linesOf(body: Buffer): Generator<Candidate | string> {
  const text = isUtf8(body) ? body.toString('utf8') : null
  const length = text?.length ?? body.length
  for (let start = 0; start < length;) {
    const found = text === null ? body.indexOf(10, start) : text.indexOf('\n', start)
    const end = found < 0 ? length : found
    if (end > start) yield text === null ? lineOf(body.subarray(start, end)) : text.slice(start, end)
    start = end + 1
  }
}

function lineOf(line: Buffer): Candidate | string {
  return isUtf8(line)
    ? line.toString('utf8')
    : { ok: false, code: 'EVENT_NOT_UTF8', message: 'the line is not valid UTF-8', raw: line.toString('latin1') }
}

function readLines(body: Buffer): Candidate[] {
  const candidates: Candidate[] = []
  for (const line of linesOf(body)) {
    if (typeof line !== 'string') candidates.push(line)
    else if (line.trim() !== '') candidates.push(candidateOf(line, 'event'))
    // Here and not at the end: a body of line ends only would be sixteen million candidates.
    refuseTooMany(candidates)
  }
  return candidates
}

function notJson(reason: string): Refusal {
  return new Refusal(
    'BODY_NOT_JSON',
    `the body is not JSON (${reason}); nothing was taken. For one event per line send Content-Type: application/x-ndjson`,
  )
}

function readJson(body: Buffer, form: Form): Candidate[] {
  if (!isUtf8(body)) throw new Refusal('BODY_NOT_UTF8', 'the body is not valid UTF-8; nothing was taken')
  const text = body.toString('utf8')
  const candidates: Candidate[] = []
  if (text.trim() === '') return candidates
  const elements = elementsOf(text)
  let element = elements.next()
  for (; element.done !== true; element = elements.next()) {
    const candidate = candidateOf(element.value, form)
    // A document with a broken element is broken: where the sender went wrong, the rest may be wrong as well.
    if (!candidate.ok && candidate.code === 'EVENT_NOT_JSON') throw notJson(candidate.message)
    candidates.push(candidate)
    refuseTooMany(candidates)
  }
  if (element.value === 'broken') throw notJson('it ends too early, or something stands between or after its values')
  return candidates
}

const readers: Readonly<Record<string, (body: Buffer) => Candidate[]>> = {
  'application/json': (body) => readJson(body, 'event'),
  'application/x-ndjson': readLines,
  'application/ndjson': readLines,
  'application/jsonl': readLines,
  'application/cloudevents+json': (body) => readJson(body, 'cloud event'),
  'application/cloudevents-batch+json': (body) => readJson(body, 'cloud event'),
}

/**
 * Splits a body into candidates by its media type: a JSON object or array (of events, or of CloudEvents), or one
 * JSON object per line. Broken lines are candidates too (they will be held); a broken document refuses the body.
 */
export function readCandidates(body: Buffer, contentType: string | undefined): Candidate[] {
  const mediaType = (contentType ?? 'application/json').split(';')[0]?.trim().toLowerCase() ?? ''
  const read = Object.hasOwn(readers, mediaType) ? readers[mediaType] : undefined
  if (read === undefined) {
    throw new Refusal(
      'CONTENT_TYPE_UNSUPPORTED',
      `Content-Type is one of ${Object.keys(readers).join(', ')}; nothing was taken`,
    )
  }
  const candidates = read(body)
  if (candidates.length === 0) throw new Refusal('BODY_EMPTY', 'the body holds no event')
  return candidates
}
