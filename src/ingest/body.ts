import { isUtf8 } from 'node:buffer'
import { pipeline } from 'node:stream/promises'
import { Writable } from 'node:stream'
import type { Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { Refusal } from '../core/errors.ts'
import { parseJson } from './json.ts'

/** What one request may cost. A sender above these is told so; nobody else pays for it (L12). */
export const limits = {
  /** Bytes of one body after decompression: also the wall that a gzip bomb runs into. */
  bodyBytesMax: 32 * 1024 * 1024,
  /** Bytes of all bodies being read at once; above it new ones are asked to come again. */
  bodiesBytesMax: 256 * 1024 * 1024,
  eventsMax: 10_000,
  eventBytesMax: 262_144,
} as const

/** Counts the bytes of all bodies in memory, so that many large requests at once cannot exhaust it. */
export class BodyBudget {
  #used = 0

  take(bytes: number): void {
    if (this.#used + bytes > limits.bodiesBytesMax) {
      throw new Refusal('OVERLOADED', 'too many large requests at once; nothing was taken, send it again shortly', {
        retryAfterSeconds: 1,
      })
    }
    this.#used += bytes
  }

  give(bytes: number): void {
    this.#used -= bytes
  }
}

function decoderFor(encoding: string | undefined): NodeJS.ReadWriteStream | null {
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

/**
 * Reads a request's body to its end, decompressed, within the limits. The caller gives the bytes back to
 * the budget when it is done with them. Throws a Refusal that says that nothing was taken.
 */
export async function readBody(stream: Readable, encoding: string | undefined, budget: BodyBudget): Promise<Buffer> {
  const decoder = decoderFor(encoding)
  const chunks: Buffer[] = []
  let size = 0
  const collect = new Writable({
    write(chunk: Buffer, _encoding, done) {
      try {
        if (size + chunk.length > limits.bodyBytesMax) {
          throw new Refusal(
            'BODY_TOO_LARGE',
            `the body has more than ${limits.bodyBytesMax} bytes (decompressed); nothing was taken, send smaller batches`,
          )
        }
        budget.take(chunk.length)
        size += chunk.length
        chunks.push(chunk)
        done()
      } catch (error) {
        done(error as Error)
      }
    },
  })
  try {
    await (decoder === null ? pipeline(stream, collect) : pipeline(stream, decoder, collect))
  } catch (error) {
    budget.give(size)
    throw refusalFor(error)
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size)
}

/** One candidate for an event: its parsed JSON, or why it has none. */
export type Candidate =
  | { readonly ok: true; readonly input: unknown; readonly raw: string }
  | {
      readonly ok: false
      readonly code: 'EVENT_NOT_JSON' | 'EVENT_NOT_UTF8' | 'EVENT_TOO_LARGE'
      readonly message: string
      readonly raw: string
    }

function candidateOf(line: string): Candidate {
  if (line.length > limits.eventBytesMax) {
    return {
      ok: false,
      code: 'EVENT_TOO_LARGE',
      message: `the event has ${line.length} characters, at most ${limits.eventBytesMax}`,
      raw: line,
    }
  }
  const parsed = parseJson(line)
  return parsed.ok
    ? { ok: true, input: parsed.value, raw: line }
    : { ok: false, code: 'EVENT_NOT_JSON', message: `not JSON: ${parsed.error}`, raw: line }
}

function refuseTooMany(count: number): void {
  if (count > limits.eventsMax) {
    throw new Refusal(
      'BATCH_TOO_LARGE',
      `more than ${limits.eventsMax} events in one request; nothing was taken, send smaller batches`,
    )
  }
}

/** Lines of a body that may hold broken UTF-8: the bad lines are named, their neighbours are not affected. */
function* linesOf(body: Buffer): Generator<Candidate | string> {
  let start = 0
  while (start < body.length) {
    const end = body.indexOf(10, start)
    const line = body.subarray(start, end < 0 ? body.length : end)
    start = end < 0 ? body.length : end + 1
    if (isUtf8(line)) yield line.toString('utf8')
    else
      yield { ok: false, code: 'EVENT_NOT_UTF8', message: 'the line is not valid UTF-8', raw: line.toString('latin1') }
  }
}

function readLines(body: Buffer): Candidate[] {
  const lines = isUtf8(body) ? body.toString('utf8').split('\n') : [...linesOf(body)]
  const candidates: Candidate[] = []
  for (const line of lines) {
    if (typeof line !== 'string') candidates.push(line)
    else if (line !== '' && line.trim() !== '') candidates.push(candidateOf(line))
  }
  return candidates
}

function readJson(body: Buffer): Candidate[] {
  if (!isUtf8(body)) throw new Refusal('BODY_NOT_UTF8', 'the body is not valid UTF-8; nothing was taken')
  const text = body.toString('utf8')
  const parsed = parseJson(text)
  if (!parsed.ok) {
    throw new Refusal(
      'BODY_NOT_JSON',
      `the body is not JSON (${parsed.error}); nothing was taken. For one event per line send Content-Type: application/x-ndjson`,
    )
  }
  if (!Array.isArray(parsed.value)) return [{ ok: true, input: parsed.value, raw: text }]
  refuseTooMany(parsed.value.length)
  return parsed.value.map((input: unknown): Candidate => {
    const raw = JSON.stringify(input)
    return raw.length > limits.eventBytesMax ? candidateOf(raw) : { ok: true, input, raw }
  })
}

/**
 * Splits a body into candidates by its media type: a JSON object, a JSON array, or one JSON object per line.
 * Broken lines are candidates too (they will be held); a broken document refuses the whole body.
 */
export function readCandidates(body: Buffer, contentType: string | undefined): Candidate[] {
  const mediaType = (contentType ?? 'application/json').split(';')[0]?.trim().toLowerCase()
  const read =
    mediaType === 'application/json'
      ? readJson
      : mediaType === 'application/x-ndjson' || mediaType === 'application/ndjson' || mediaType === 'application/jsonl'
        ? readLines
        : null
  if (read === null) {
    throw new Refusal(
      'CONTENT_TYPE_UNSUPPORTED',
      'Content-Type is application/json or application/x-ndjson; nothing was taken',
    )
  }
  const candidates = read(body)
  if (candidates.length === 0) throw new Refusal('BODY_EMPTY', 'the body holds no event')
  refuseTooMany(candidates.length)
  return candidates
}
