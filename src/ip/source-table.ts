/**
 * What a source says, whatever format it came in: ranges of both families, each with a record. It is kept in this form
 * (with the contracts, in Postgres), so that a version can be compiled again anywhere, also when the file or the package
 * that it came from is gone.
 */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { assert } from '../core/result.ts'
import { RangesBuilder, flatten, noRanges, wordsOf } from './ranges.ts'
import type { Ranges, Span } from './ranges.ts'
import { readNetwork } from './address.ts'
import type { Family, Network } from './address.ts'
import type { Flag, Label, Said } from './said.ts'

export const limits = {
  /** Of one source. */
  recordsMax: 1_000_000,
  spansMax: 2_000_000,
  /** What a kept table may unpack to. */
  tableBytesMax: 512 * 1024 * 1024,
} as const

export interface SourceTable {
  readonly four: Ranges
  readonly six: Ranges
  /** What is said; ranges point here. The first says nothing. */
  readonly records: readonly Said[]
  /** What is said of all addresses of an autonomous system. */
  readonly asns: readonly (readonly [number, readonly Label[]])[]
  /**
   * Flags that the source knows of every address of the families it lists any of: what it does not list there, does not
   * have them. A database of IPv4 says nothing of IPv6 (L13).
   */
  readonly complete: readonly Flag[]
}

/** Gives every different record one number. */
export class Records {
  readonly #numbers = new Map<string, number>()
  readonly list: Said[] = [{}]

  constructor() {
    this.#numbers.set('{}', 0)
  }

  numberOf(said: Said): number {
    const text = JSON.stringify(said)
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    if (this.list.length >= limits.recordsMax)
      throw new Error(`it says more than ${limits.recordsMax} different things`)
    this.list.push(said)
    this.#numbers.set(text, this.list.length - 1)
    return this.list.length - 1
  }
}

/** One network and its categories, as lists have them. */
export interface Listed {
  readonly network: Network
  readonly label: Label
}

/** Makes a table of a list: networks may be nested, repeated and in any order; an address has all categories of all. */
export function tableOfList(listed: readonly Listed[], complete: readonly Flag[] = []): SourceTable {
  if (listed.length > limits.spansMax) throw new Error(`it lists more than ${limits.spansMax} networks`)
  const labels = new Map<string, number>()
  const known: Label[] = []
  const spansOf = (family: Family): Span[] =>
    listed.flatMap(({ network, label }) => {
      if (network.family !== family) return []
      const text = JSON.stringify(label)
      const record = labels.get(text) ?? known.push(label) - 1
      labels.set(text, record)
      return [{ first: network.first, last: network.last, record }]
    })
  const records = new Records()
  const union = (numbers: readonly number[]): number =>
    records.numberOf({ labels: numbers.toSorted((a, b) => a - b).flatMap((number) => known[number] ?? []) })
  const [four, six] = ([4, 6] as const).map((family) => flatten(family, spansOf(family), union))
  assert(four !== undefined && six !== undefined, 'two families were made')
  return { four, six, records: records.list, asns: [], complete }
}

/** A table about autonomous systems only. */
export function tableOfAsns(asns: SourceTable['asns']): SourceTable {
  return { four: noRanges(4), six: noRanges(6), records: [{}], asns, complete: [] }
}

export function listedNetwork(text: string, label: Label): Listed | null {
  const network = readNetwork(text)
  return network === null ? null : { network, label }
}

/** Raised when the form changes; older tables are then not read by mistake. */
const formVersion = 1

interface Head {
  readonly form: number
  readonly four: number
  readonly six: number
  readonly records: readonly Said[]
  readonly asns: SourceTable['asns']
  readonly complete: readonly Flag[]
}

function bytesOf(array: Uint32Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength)
}

/** Equal tables give equal bytes. */
export function encodeTable({ four, six, records, asns, complete }: SourceTable): Buffer {
  const head: Head = { form: formVersion, four: four.records.length, six: six.records.length, records, asns, complete }
  const text = Buffer.from(JSON.stringify(head))
  const size = Buffer.alloc(4)
  size.writeUInt32LE(text.length)
  const padding = Buffer.alloc((4 - (text.length % 4)) % 4)
  const arrays = [four, six].flatMap(({ starts, records: numbers }) => [...starts, numbers]).map(bytesOf)
  return zstdCompressSync(Buffer.concat([size, text, padding, ...arrays]))
}

/** Throws when it is not the form that `encodeTable` writes. */
export function decodeTable(encoded: Uint8Array): SourceTable {
  const bytes = zstdDecompressSync(encoded, { maxOutputLength: limits.tableBytesMax })
  const length = bytes.readUInt32LE(0)
  const head = JSON.parse(bytes.toString('utf8', 4, 4 + length)) as Head
  assert(head.form === formVersion, 'the table has the form of this version')
  let at = 4 + length + ((4 - (length % 4)) % 4)
  const take = (count: number): Uint32Array => {
    const array = new Uint32Array(count)
    bytes.copy(bytesOf(array), 0, at, at + count * 4)
    at += count * 4
    return array
  }
  const ranges = (family: Family, count: number): Ranges => ({
    family,
    starts: Array.from({ length: wordsOf(family) }, () => take(count)),
    records: take(count),
  })
  const table = {
    four: ranges(4, head.four),
    six: ranges(6, head.six),
    records: head.records,
    asns: head.asns,
    complete: head.complete,
  }
  assert(at === bytes.length, 'the table is as long as it says')
  return table
}

function compareWords(a: ArrayLike<number>, b: ArrayLike<number>, size: number): number {
  for (let word = 0; word < size; word += 1) {
    const difference = (a[word] ?? 0) - (b[word] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** For sources whose ranges come in order. */
export class OrderedRanges {
  readonly #builder: RangesBuilder
  readonly #first: Uint32Array
  readonly #last: Uint32Array
  #state: 'empty' | 'open' | 'full' = 'empty'

  constructor(family: Family, size: number) {
    this.#builder = new RangesBuilder(family, size)
    this.#first = new Uint32Array(wordsOf(family))
    this.#last = new Uint32Array(wordsOf(family))
    this.#builder.push(this.#first, 0)
  }

  /** Ends the range before, so that nothing is said behind it. */
  #end(): void {
    if (this.#state !== 'open') return
    for (let word = this.#last.length - 1; word >= 0; word -= 1) {
      this.#last[word] = (this.#last[word] ?? 0) + 1
      if (this.#last[word] !== 0) {
        this.#builder.push(this.#last, 0)
        return
      }
    }
    this.#state = 'full'
  }

  /**
   * Adds a range, both ends inclusive. One that begins within the range before it cuts that off; false when it begins
   * before it, or lies inside of it, or ends before it begins: then this is no list in order.
   */
  add(first: Uint32Array, last: Uint32Array, record: number): boolean {
    const size = this.#first.length
    if (compareWords(first, last, size) > 0 || this.#state === 'full') return false
    if (this.#state === 'open') {
      const isBehind = compareWords(first, this.#last, size) > 0
      if (!isBehind && (compareWords(first, this.#first, size) <= 0 || compareWords(last, this.#last, size) < 0))
        return false
      if (isBehind) this.#end()
    }
    this.#builder.push(first, record)
    this.#first.set(first)
    this.#last.set(last)
    this.#state = 'open'
    return true
  }

  finish(): Ranges {
    this.#end()
    return this.#builder.finish()
  }
}
