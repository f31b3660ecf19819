import { crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { AccountKey, Offset } from '../core/ids.ts'
import type { Correction, LogRecord } from '../core/record.ts'
import { assert } from '../core/result.ts'
import type { Micros } from '../core/time.ts'

/**
 * A chunk is what one group of appends accepted, or a part of it where that is long: a header of 8 bytes (CRC-32 of all that follows, number of records),
 * then the records compressed with zstd. Inside, one line per record with fields between tabs: time of arrival, time,
 * account, fact, inspection, and of a correction: what it corrects. An absent one is empty. JSON never contains a raw
 * tab or newline.
 */
const headerBytes = 8

/** Characters of a chunk before it is compressed, unless one record has more: a text has an end (L12). */
export const chunkTextMax = 32 * 1024 * 1024

/** The form in which chunks are written; a log of another form is refused when it is opened. */
export const chunkFormat = 2

function lineOf({ ingested, time, account, fact, inspection, correction }: LogRecord): string {
  const line = `${ingested}\t${time}\t${account}\t${fact ?? ''}\t${inspection ?? ''}`
  return correction === null ? line : `${line}\t${JSON.stringify(correction)}`
}

function encodeChunk(lines: readonly string[]): Buffer {
  const body = zstdCompressSync(Buffer.from(lines.join('\n'), 'utf8'), { params: { 100: 1 } })
  const chunk = Buffer.allocUnsafe(headerBytes + body.length)
  chunk.writeUInt32BE(lines.length, 4)
  body.copy(chunk, headerBytes)
  chunk.writeUInt32BE(crc32(chunk.subarray(4)), 0)
  return chunk
}

/** Packs records that follow each other: one chunk, or several where the text of one would be too long. */
export function* encodeChunks(records: readonly LogRecord[]): Generator<{ first: Offset; chunk: Buffer }> {
  let first: Offset | null = null
  let lines: string[] = []
  let text = 0
  for (const record of records) {
    const line = lineOf(record)
    if (first !== null && text + line.length > chunkTextMax) {
      yield { first, chunk: encodeChunk(lines) }
      first = null
      lines = []
      text = 0
    }
    first ??= record.offset
    lines.push(line)
    text += line.length
  }
  if (first !== null) yield { first, chunk: encodeChunk(lines) }
}

export function chunkLength(chunk: Buffer): number {
  return chunk.readUInt32BE(4)
}

/** Reads a chunk back. What was written is checked again here: damage is found before anyone counts it. */
export function decodeChunk(chunk: Buffer, first: Offset): LogRecord[] {
  assert(crc32(chunk.subarray(4)) === chunk.readUInt32BE(0), `log chunk at offset ${first} is damaged (checksum)`)
  const lines = zstdDecompressSync(chunk.subarray(headerBytes)).toString('utf8').split('\n')
  assert(lines.length === chunkLength(chunk), `log chunk at offset ${first} has as many events as its header says`)
  return lines.map((line, index): LogRecord => {
    const [ingested = '', time = '', account = '', fact = '', inspection = '', correction = ''] = line.split('\t')
    return {
      offset: (first + index) as Offset,
      ingested: Number(ingested) as Micros,
      time: Number(time) as Micros,
      account: account as AccountKey,
      fact: fact === '' ? null : fact,
      inspection: inspection === '' ? null : inspection,
      correction: correction === '' ? null : (JSON.parse(correction) as Correction),
    }
  })
}
