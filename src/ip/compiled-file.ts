/**
 * A compiled version as a file: a line of JSON, then arrays as they lie in memory, so that opening it is reading it. What
 * is written is checked again when it is read, by a checksum over all of it; the file can always be made again.
 */
import { crc32 } from 'node:zlib'
import { fail, ok } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import type { AboutPart, AsnPart, Compiled, CountryPart } from './compile.ts'
import { wordsOf } from './ranges.ts'
import type { Ranges } from './ranges.ts'
import type { Family } from './address.ts'

/** Raised when the form or its meaning changes; a file of another form is compiled again. */
export const formVersion = 2

/** Texts one behind the other, read one by one when they are needed: a version has a hundred thousand of them. */
export class TextList {
  readonly #offsets: Uint32Array
  readonly #bytes: Buffer

  constructor(offsets: Uint32Array, bytes: Buffer) {
    this.#offsets = offsets
    this.#bytes = bytes
  }

  get length(): number {
    return this.#offsets.length - 1
  }

  at(index: number): string {
    return this.#bytes.toString('utf8', this.#offsets[index], this.#offsets[index + 1])
  }
}

export interface CompiledFile {
  readonly sources: Compiled['sources']
  readonly complete: Compiled['complete']
  readonly four: Ranges
  readonly six: Ranges
  readonly profiles: Uint32Array
  readonly asns: TextList
  readonly countries: TextList
  readonly about: TextList
}

interface Head {
  readonly form: number
  readonly sources: Compiled['sources']
  readonly complete: Compiled['complete']
  readonly four: number
  readonly six: number
  readonly profiles: number
  readonly texts: readonly { readonly count: number; readonly bytes: number }[]
}

function bytesOf(array: Uint32Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength)
}

function padded(bytes: Buffer): Buffer {
  const missing = (4 - (bytes.length % 4)) % 4
  return missing === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(missing)])
}

function textsOf(parts: readonly (AsnPart | CountryPart | AboutPart)[]): { offsets: Uint32Array; bytes: Buffer } {
  const texts = parts.map((part) => Buffer.from(JSON.stringify(part)))
  const offsets = new Uint32Array(texts.length + 1)
  texts.forEach((text, index) => {
    offsets[index + 1] = (offsets[index] ?? 0) + text.length
  })
  return { offsets, bytes: Buffer.concat(texts) }
}

/** Checksum and length of the head, 4 bytes each; the head; the arrays. */
export function encodeCompiled(compiled: Compiled): Buffer {
  const { sources, complete, four, six, profiles } = compiled
  const texts = [compiled.asns, compiled.countries, compiled.about].map(textsOf)
  const head: Head = {
    form: formVersion,
    sources,
    complete,
    four: four.records.length,
    six: six.records.length,
    profiles: profiles.length,
    texts: texts.map(({ offsets, bytes }) => ({ count: offsets.length - 1, bytes: bytes.length })),
  }
  const headBytes = padded(Buffer.from(JSON.stringify(head).padEnd(4)))
  headBytes.fill(0x20, headBytes.lastIndexOf(0x7d) + 1)
  const sizes = Buffer.alloc(8)
  const body = Buffer.concat([
    headBytes,
    ...[four, six].flatMap(({ starts, records }) => [...starts, records]).map(bytesOf),
    bytesOf(profiles),
    ...texts.flatMap(({ offsets, bytes }) => [bytesOf(offsets), padded(bytes)]),
  ])
  sizes.writeUInt32LE(headBytes.length, 4)
  sizes.writeUInt32LE(crc32(body, crc32(sizes.subarray(4))), 0)
  return Buffer.concat([sizes, body])
}

/** Reads what `encodeCompiled` has written, without copying it. The bytes begin at a multiple of four. */
export function decodeCompiled(bytes: Buffer): Result<CompiledFile, string> {
  if (bytes.length < 12 || bytes.byteOffset % 4 !== 0) return fail('it is too short, or does not lie where arrays can')
  if (bytes.readUInt32LE(0) !== crc32(bytes.subarray(4))) return fail('its checksum is wrong')
  const headLength = bytes.readUInt32LE(4)
  const head = JSON.parse(bytes.toString('utf8', 8, 8 + headLength)) as Head
  if (head.form !== formVersion) return fail(`it has the form ${head.form}, not ${formVersion}`)
  let at = 8 + headLength
  const words = (count: number): Uint32Array => {
    const array = new Uint32Array(bytes.buffer, bytes.byteOffset + at, count)
    at += count * 4
    return array
  }
  const ranges = (family: Family, count: number): Ranges => ({
    family,
    starts: Array.from({ length: wordsOf(family) }, () => words(count)),
    records: words(count),
  })
  const [four, six, profiles] = [ranges(4, head.four), ranges(6, head.six), words(head.profiles)]
  const [asns, countries, about] = head.texts.map(({ count, bytes: size }) => {
    const offsets = words(count + 1)
    const text = bytes.subarray(at, at + size)
    at += size + ((4 - (size % 4)) % 4)
    return new TextList(offsets, text)
  })
  if (asns === undefined || countries === undefined || about === undefined || at !== bytes.length)
    return fail('it is not as long as it says')
  return ok({ sources: head.sources, complete: head.complete, four, six, profiles, asns, countries, about })
}
