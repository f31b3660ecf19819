import { createReadStream, readSync } from 'node:fs'
import type { Transform } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { limits } from './limits.ts'

export type Compression = 'none' | 'gzip' | 'zstd'

/** How the content of a file came to its end. Damage is an outcome, because what came before it is good to report. */
export type ContentEnd = { readonly kind: 'complete' } | { readonly kind: 'damaged'; readonly reason: string }

/** A file's decompressed bytes as they are read, and how far the reading is. */
export interface FileContent {
  readonly compression: Compression
  /** Bytes of the file itself, compressed if it is, that have been read. */
  readonly bytesRead: () => number
  /** The decompressed bytes. Nothing that could be decompressed is lost when the file ends too early. */
  readonly chunks: AsyncGenerator<Buffer, ContentEnd>
}

const magic = [
  { compression: 'gzip', bytes: Buffer.from([0x1f, 0x8b]) },
  { compression: 'zstd', bytes: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]) },
] as const

/** By the first bytes and not by the name, because rotated logs are renamed in every way there is. */
export function compressionOf(start: Buffer): Compression {
  for (const { compression, bytes } of magic) if (start.subarray(0, bytes.length).equals(bytes)) return compression
  // A zstd file may begin with a skippable frame: 0x184D2A50 to 0x184D2A5F, little endian.
  const skippable = start.length >= 4 && (start.readUInt32LE(0) & 0xfffffff0) === 0x184d2a50
  return skippable ? 'zstd' : 'none'
}

/** Counts what passes, and remembers where the last byte was that is not padding. */
class Meter {
  read = 0
  content = 0

  pass(chunk: Buffer): Buffer {
    let last = chunk.length - 1
    while (last >= 0 && chunk[last] === 0) last -= 1
    if (last >= 0) this.content = this.read + last + 1
    this.read += chunk.length
    return chunk
  }
}

/** A file's own bytes. */
interface Bytes {
  readonly input: AsyncIterator<Buffer>
  readonly close: () => void
}

function bytesAt(path: string): Bytes {
  const stream = createReadStream(path, { highWaterMark: limits.readChunkBytes })
  return { input: stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>, close: () => stream.destroy() }
}

/** Read where they are asked for, so that no read is under way when the file is closed. */
function bytesOf(file: number): Bytes {
  let at = 0
  const next = (): IteratorResult<Buffer> => {
    const chunk = Buffer.allocUnsafe(limits.readChunkBytes)
    const bytes = readSync(file, chunk, 0, chunk.length, at)
    at += bytes
    return bytes === 0 ? { done: true, value: undefined } : { done: false, value: chunk.subarray(0, bytes) }
  }
  return { input: { next: () => new Promise((done) => done(next())) }, close: () => undefined }
}

/**
 * Opens a file for one pass from its beginning. Fails when the file cannot be opened. One that is open already is read
 * by its descriptor, whatever it is called by now, and stays open.
 */
export async function openContent(from: string | number): Promise<FileContent> {
  const { input, close } = typeof from === 'number' ? bytesOf(from) : bytesAt(from)
  // The magic number of a pipe may come in pieces.
  let start: Buffer = Buffer.alloc(0)
  while (start.length < 4) {
    const next = await input.next()
    if (next.done === true) break
    start = Buffer.concat([start, next.value])
  }
  const compression = compressionOf(start)
  const meter = new Meter()
  const chunks =
    compression === 'none'
      ? plainChunks({ start, input, meter, close })
      : unpackedChunks({ start, input, meter, close }, compression)
  return { compression, bytesRead: () => meter.read, chunks }
}

interface Input extends Bytes {
  readonly start: Buffer
  readonly meter: Meter
}

async function* plainChunks({ start, input, meter, close }: Input): AsyncGenerator<Buffer, ContentEnd> {
  try {
    if (start.length > 0) yield meter.pass(start)
    for (let next = await input.next(); next.done !== true; next = await input.next()) yield meter.pass(next.value)
    return { kind: 'complete' }
  } finally {
    close()
  }
}

/**
 * Feeds the unpacker one piece at a time and waits until it wants the next. An unpacker that has seen the end
 * of its data leaves what follows without an answer; the rest of the file is read all the same, to see what it is.
 */
async function feed(unpacker: Transform, { start, input, meter }: Input): Promise<void> {
  let isOver = false
  let goOn: ((error?: Error | null) => void) | undefined
  unpacker.once('end', () => {
    isOver = true
    goOn?.()
  })
  const write = (chunk: Buffer): Promise<void> =>
    new Promise((done, failed) => {
      goOn = (error) => (error ? failed(error) : done())
      if (isOver) done()
      else unpacker.write(chunk, (error) => goOn?.(error))
    })
  await write(meter.pass(start))
  for (let next = await input.next(); next.done !== true; next = await input.next()) await write(meter.pass(next.value))
  if (!isOver) unpacker.end()
}

async function* unpackedChunks(source: Input, compression: 'gzip' | 'zstd'): AsyncGenerator<Buffer, ContentEnd> {
  // With a high water mark of one byte the unpacker goes on only when everything before was taken, so
  // that an error at the end of a file that was cut off does not take unread content with it.
  const options = { chunkSize: limits.readChunkBytes, readableHighWaterMark: 1 }
  const unpacker = compression === 'gzip' ? createGunzip(options) : createZstdDecompress(options)
  let readError: Error | undefined
  const fed = feed(unpacker, source).catch((error: unknown) => {
    // An error of the unpacker is seen by the loop below as well; one of the file itself only here.
    if (unpacker.errored === null && !unpacker.destroyed) readError = error as Error
    unpacker.destroy(error as Error)
  })
  try {
    for await (const chunk of unpacker) yield chunk as Buffer
    await fed
    // Both formats may be followed by zeros as padding. Anything else would be content that was left out.
    if (source.meter.content > unpacker.bytesWritten)
      return {
        kind: 'damaged',
        reason: `after the ${compression} data, at byte ${unpacker.bytesWritten}, follows something else`,
      }
    return { kind: 'complete' }
  } catch (error) {
    if (readError !== undefined) throw readError
    return { kind: 'damaged', reason: reasonOf(error as NodeJS.ErrnoException, compression) }
  } finally {
    unpacker.destroy()
    source.close()
  }
}

function reasonOf(error: NodeJS.ErrnoException, compression: string): string {
  if (error.code === 'Z_BUF_ERROR') return `the ${compression} data ends too early: the file was cut off`
  return `the ${compression} data is damaged (${error.message}), and lines of it may have been sent that are not what was written`
}
