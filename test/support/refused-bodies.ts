import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { ErrorCode } from '../../src/core/errors.ts'
import { lineOf } from './odd-events.ts'

/** A body of which nothing may be taken, although each holds an event that would be good. */
export interface RefusedBody {
  readonly name: string
  readonly body: () => string | Uint8Array
  readonly status: number
  readonly code: ErrorCode
  readonly type?: string
  readonly encoding?: string
}

const lines = 'application/x-ndjson'

/** The event that must never be counted. */
export const neverAccount = 'never'
const good = lineOf({ source: '"never"', id: '"1"', account: `"${neverAccount}"`, bytes_out_wire: '1' })
const goodLine = `${good}\n`

function many(count: number): string[] {
  return Array.from({ length: count }, (_, index) =>
    lineOf({ source: '"never"', id: `"${index}"`, account: `"${neverAccount}"` }),
  )
}

const megabyte = 1_048_576
const zeros = Buffer.alloc(32 * megabyte)

/** More than a gigabyte in about a megabyte: members one after the other, as gzip allows. */
function gzipBomb(): Uint8Array {
  return Buffer.concat([gzipSync(goodLine), ...Array<Uint8Array>(34).fill(gzipSync(zeros))])
}

function zstdBomb(): Uint8Array {
  return Buffer.concat([zstdCompressSync(goodLine), ...Array<Uint8Array>(34).fill(zstdCompressSync(zeros))])
}

function cut(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, bytes.length - 9)
}

export const refusedBodies: readonly RefusedBody[] = [
  { name: 'broken JSON', body: () => `[${good},{"source":]`, status: 400, code: 'BODY_NOT_JSON' },
  { name: 'JSON that ends too early', body: () => `[${good}`, status: 400, code: 'BODY_NOT_JSON' },
  { name: 'a comma too many', body: () => `[${good},]`, status: 400, code: 'BODY_NOT_JSON' },
  { name: 'lines that say they are JSON', body: () => goodLine + goodLine, status: 400, code: 'BODY_NOT_JSON' },
  { name: 'an empty body', body: () => '', status: 400, code: 'BODY_EMPTY' },
  { name: 'an empty body of lines', body: () => '', type: lines, status: 400, code: 'BODY_EMPTY' },
  { name: 'blank lines only', body: () => '\n \r\n\t\n', type: lines, status: 400, code: 'BODY_EMPTY' },
  { name: 'an empty array', body: () => '[ ]', status: 400, code: 'BODY_EMPTY' },
  { name: 'plain text', body: () => good, type: 'text/plain', status: 415, code: 'CONTENT_TYPE_UNSUPPORTED' },
  { name: 'no media type at all', body: () => good, type: 'json', status: 415, code: 'CONTENT_TYPE_UNSUPPORTED' },
  { name: 'brotli', body: () => good, encoding: 'br', status: 415, code: 'CONTENT_ENCODING_UNSUPPORTED' },
  {
    name: 'two encodings',
    body: () => good,
    encoding: 'gzip, gzip',
    status: 415,
    code: 'CONTENT_ENCODING_UNSUPPORTED',
  },
  {
    name: 'a document with invalid UTF-8',
    body: () => Buffer.concat([Buffer.from(`[${good},"`), Buffer.from([0xc3, 0x28]), Buffer.from('"]')]),
    status: 400,
    code: 'BODY_NOT_UTF8',
  },
  { name: 'gzip that is none', body: () => good, encoding: 'gzip', status: 400, code: 'BODY_NOT_DECODABLE' },
  { name: 'zstd that is none', body: () => good, encoding: 'zstd', status: 400, code: 'BODY_NOT_DECODABLE' },
  {
    name: 'gzip that is cut',
    body: () => cut(gzipSync(many(500).join('\n'))),
    type: lines,
    encoding: 'gzip',
    status: 400,
    code: 'BODY_TRUNCATED',
  },
  {
    name: 'zstd that is cut',
    body: () => cut(zstdCompressSync(many(500).join('\n'))),
    type: lines,
    encoding: 'zstd',
    status: 400,
    code: 'BODY_TRUNCATED',
  },
  {
    name: 'gzip with something behind its end',
    body: () => Buffer.concat([gzipSync(goodLine), Buffer.from(goodLine)]),
    type: lines,
    encoding: 'gzip',
    status: 400,
    code: 'BODY_NOT_DECODABLE',
  },
  {
    name: 'zstd with something behind its end',
    body: () => Buffer.concat([zstdCompressSync(goodLine), Buffer.from(goodLine)]),
    type: lines,
    encoding: 'zstd',
    status: 400,
    code: 'BODY_NOT_DECODABLE',
  },
  { name: 'a gzip bomb', body: gzipBomb, type: lines, encoding: 'gzip', status: 413, code: 'BODY_TOO_LARGE' },
  { name: 'a zstd bomb', body: zstdBomb, type: lines, encoding: 'zstd', status: 413, code: 'BODY_TOO_LARGE' },
  {
    name: '33 MB',
    body: () => Buffer.concat([Buffer.from(goodLine), Buffer.alloc(33 * megabyte, '\n')]),
    type: lines,
    status: 413,
    code: 'BODY_TOO_LARGE',
  },
  { name: '10,001 lines', body: () => many(10_001).join('\n'), type: lines, status: 413, code: 'BATCH_TOO_LARGE' },
  { name: '10,001 elements', body: () => `[${many(10_001).join(',')}]`, status: 413, code: 'BATCH_TOO_LARGE' },
  {
    name: 'sixteen million lines',
    body: () => Buffer.concat([Buffer.from(goodLine), Buffer.alloc(31 * megabyte, '1\n')]),
    type: lines,
    status: 413,
    code: 'BATCH_TOO_LARGE',
  },
  {
    name: 'ten million elements',
    body: () => `[${good}${',{}'.repeat(10_000_000)}]`,
    status: 413,
    code: 'BATCH_TOO_LARGE',
  },
]
