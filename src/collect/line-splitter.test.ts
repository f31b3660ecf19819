import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { limits } from './limits.ts'
import { LineSplitter } from './line-splitter.ts'

function split(chunks: readonly Buffer[]) {
  const splitter = new LineSplitter()
  const lines = chunks.flatMap((chunk) =>
    splitter.push(chunk).map(({ number, bytes, length }) => ({ number, text: bytes.toString('latin1'), length })),
  )
  const unfinished = splitter.unfinishedBytes
  const last = splitter.end()
  if (last !== undefined) lines.push({ number: last.number, text: last.bytes.toString('latin1'), length: last.length })
  return { lines, unfinished, firstLineHash: splitter.firstLineHash }
}

/** The same, by cutting the whole text at once. */
function oracle(bytes: Buffer) {
  const texts = bytes.toString('latin1').split('\n')
  const rest = texts.at(-1) === '' ? texts.pop() : texts.at(-1)
  return {
    lines: texts.map((text, index) => ({ number: index + 1, text, length: text.length })),
    unfinished: rest?.length ?? 0,
    firstLineHash:
      texts.length === 0
        ? undefined
        : createHash('sha256')
            .update(Buffer.from(texts[0] ?? '', 'latin1'))
            .digest('hex'),
  }
}

const bytes = fc
  .array(
    fc.oneof(
      fc.constant(Buffer.from('\n')),
      fc.uint8Array({ maxLength: 40 }).map((piece) => Buffer.from(piece)),
    ),
  )
  .map((pieces) => Buffer.concat(pieces))

describe('LineSplitter', () => {
  test('any chunking of the same bytes gives the same lines', () => {
    fc.assert(
      fc.property(bytes, fc.array(fc.nat({ max: 60 })), (whole, cuts) => {
        const chunks: Buffer[] = []
        let rest = whole
        for (const cut of cuts) {
          chunks.push(rest.subarray(0, cut))
          rest = rest.subarray(cut)
        }
        expect(split([...chunks, rest])).toEqual(oracle(whole))
      }),
    )
  })

  test('a line of exactly the greatest length is whole, one byte more is cut, whatever the chunks', () => {
    for (const extra of [0, 1]) {
      const line = Buffer.alloc(limits.lineBytesMax + extra, 'a')
      const whole = Buffer.concat([line, Buffer.from('\nnext\n')])
      for (const size of [whole.length, limits.lineBytesMax, 65_536, 4_097]) {
        const chunks: Buffer[] = []
        for (let at = 0; at < whole.length; at += size) chunks.push(whole.subarray(at, at + size))
        const { lines, firstLineHash } = split(chunks)
        expect(lines.map(({ number, text, length }) => [number, text.length, length])).toEqual([
          [1, extra === 0 ? limits.lineBytesMax : limits.overlongKeptBytes, limits.lineBytesMax + extra],
          [2, 4, 4],
        ])
        expect(firstLineHash).toBe(createHash('sha256').update(line).digest('hex'))
      }
    }
  })

  test('a line of 100 MB takes no more memory than the greatest line', () => {
    const chunk = Buffer.alloc(65_536, 'x')
    const splitter = new LineSplitter()
    const before = process.memoryUsage().arrayBuffers
    let most = 0
    for (let sent = 0; sent < 100_000_000; sent += chunk.length) {
      expect(splitter.push(chunk).length).toBe(0)
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    }
    const [line, next] = splitter.push(Buffer.from('end\nnext\n'))
    // The greatest line, and the smaller buffers from which it grew, which may not have been collected yet.
    expect(most).toBeLessThan(4 * limits.lineBytesMax)
    expect(line?.bytes.length).toBe(limits.overlongKeptBytes)
    expect(line?.length).toBe(Math.ceil(100_000_000 / 65_536) * 65_536 + 3)
    expect(next?.bytes.toString()).toBe('next')
  })
})
