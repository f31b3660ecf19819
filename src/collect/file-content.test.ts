import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { constants, gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { openContent } from './file-content.ts'
import type { ContentEnd } from './file-content.ts'

const folder = mkdtempSync(join(tmpdir(), 'crossfoot-content-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function read(bytes: Buffer) {
  const file = join(folder, 'file')
  writeFileSync(file, bytes)
  const { compression, chunks, bytesRead } = await openContent(file)
  const parts: Buffer[] = []
  let end: ContentEnd | undefined
  for (let next = await chunks.next(); ; next = await chunks.next()) {
    if (next.done === true) {
      end = next.value
      break
    }
    parts.push(next.value)
  }
  return { compression, content: Buffer.concat(parts), end, bytesRead: bytesRead() }
}

const complete = { kind: 'complete' }
// A third of a megabyte that compresses badly, so that it takes several chunks.
const text = Buffer.from(Array.from({ length: 20_000 }, (_, n) => `line ${n} ${Math.sin(n)}\n`).join(''))
const gzip = gzipSync(text)
const zstd = zstdCompressSync(text)
const skippable = Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])

describe('openContent', () => {
  test('gives the content of plain, gzip and zstd files, told by their first bytes', async () => {
    for (const [bytes, compression] of [
      [text, 'none'],
      [gzip, 'gzip'],
      [zstd, 'zstd'],
    ] as const) {
      const found = await read(bytes)
      expect(found).toMatchObject({ compression, end: complete, bytesRead: bytes.length })
      expect(found.content.equals(text)).toBe(true)
    }
  })

  test('takes empty and very short files as they are', async () => {
    for (const short of ['', 'a', '\n', 'ab\n'])
      expect(await read(Buffer.from(short))).toMatchObject({
        compression: 'none',
        content: Buffer.from(short),
        end: complete,
      })
  })

  test('reads several members or frames one after the other, and padding of zeros', async () => {
    const twice = Buffer.concat([text, text])
    for (const bytes of [
      Buffer.concat([gzip, gzip]),
      Buffer.concat([gzip, gzip, Buffer.alloc(512)]),
      Buffer.concat([zstd, zstd]),
      Buffer.concat([skippable, zstd, skippable, zstd]),
    ]) {
      const found = await read(bytes)
      expect(found.end).toEqual(complete)
      expect(found.content.equals(twice)).toBe(true)
    }
  })

  test('gives all that a gzip file holds that was cut off anywhere, and says that it was', async () => {
    for (const length of [20, 1_000, gzip.length >> 1, gzip.length - 9, gzip.length - 8, gzip.length - 1]) {
      const cut = gzip.subarray(0, length)
      const found = await read(cut)
      expect(found.end).toEqual({ kind: 'damaged', reason: 'the gzip data ends too early: the file was cut off' })
      expect(found.content.equals(gunzipSync(cut, { finishFlush: constants.Z_SYNC_FLUSH }))).toBe(true)
    }
  })

  test('notices a zstd file that was cut off', async () => {
    for (const length of [5, zstd.length >> 1, zstd.length - 1]) {
      const found = await read(zstd.subarray(0, length))
      expect(found.end).toEqual({ kind: 'damaged', reason: 'the zstd data ends too early: the file was cut off' })
      expect(found.content.equals(text.subarray(0, found.content.length))).toBe(true)
    }
  })

  test('notices damage, and content behind the end that would be left out', async () => {
    const flipped = Buffer.from(gzip)
    flipped[gzip.length - 6] = (flipped[gzip.length - 6] ?? 0) ^ 1
    for (const bytes of [
      flipped,
      Buffer.concat([gzip, Buffer.from('rubbish')]),
      Buffer.concat([gzip, Buffer.alloc(512), gzip]),
      Buffer.concat([zstd, Buffer.from('rubbish')]),
    ])
      expect((await read(bytes)).end?.kind).toBe('damaged')
  })

  test('passes a bomb through in pieces', async () => {
    const file = join(folder, 'bomb')
    writeFileSync(file, gzipSync(Buffer.alloc(200_000_000)))
    const { chunks } = await openContent(file)
    let bytes = 0
    let greatest = 0
    for await (const chunk of chunks) {
      bytes += chunk.length
      greatest = Math.max(greatest, chunk.length)
    }
    expect(bytes).toBe(200_000_000)
    expect(greatest).toBeLessThanOrEqual(262_144)
  })

  test('fails for a file that is not there, and can be left in the middle', async () => {
    await expect(openContent(join(folder, 'missing'))).rejects.toThrow(/ENOENT/)
    const file = join(folder, 'left')
    for (const bytes of [text, gzip, zstd]) {
      writeFileSync(file, bytes)
      const { chunks } = await openContent(file)
      await chunks.next()
      expect(await chunks.return({ kind: 'complete' })).toEqual({ done: true, value: complete })
    }
  })
})
