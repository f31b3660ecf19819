/** Finds what a compiled version says about an address: one search, then three numbers. */
import { networkAround, parseAddress, readAddress } from './address.ts'
import type { Family } from './address.ts'
import type { AboutPart, AsnPart, CountryPart } from './compile.ts'
import type { CompiledFile, TextList } from './compiled-file.ts'
import type { Ranges } from './ranges.ts'

/** The first position of ranges for the upper bits of an address, so that the search has little left to do. */
const fourShift = 16
const sixShift = 10
/** Given-out IPv6 space is 2000::/3; the first 22 bits of an address in it. */
const sixFrom = 0x8_0000
const sixTo = 0x10_0000

/** The first 52 bits of an address, exact in a double: nearly every comparison of a search needs no more than this. */
function frontOf(one: number, two: number): number {
  return one * 0x10_0000 + (two >>> 12)
}

function indexOf(starts: Uint32Array, { from, to, shift }: { from: number; to: number; shift: number }): Uint32Array {
  const index = new Uint32Array(to - from + 1)
  let at = 0
  for (let part = from; part <= to; part += 1) {
    const begin = part * 2 ** shift
    while (at < starts.length && (starts[at] ?? 0) < begin) at += 1
    index[part - from] = at
  }
  return index
}

/** Reads parts of profiles, each once: a version has far fewer different ones than ranges. */
class PartList<Part> {
  readonly #texts: TextList
  readonly #read: (Part | undefined)[]

  constructor(texts: TextList) {
    this.#texts = texts
    this.#read = Array.from({ length: texts.length })
  }

  at(index: number): Part {
    const known = this.#read[index]
    if (known !== undefined) return known
    const part = JSON.parse(this.#texts.at(index)) as Part
    this.#read[index] = part
    return part
  }
}

/** Everything that a version says about one address. */
export interface Found {
  readonly asn: AsnPart
  readonly countries: CountryPart
  readonly about: AboutPart
}

export interface Placed extends Found {
  readonly family: Family
  readonly value: bigint
  /** The largest network around the address with the same answer throughout. */
  readonly network: string
}

export class LookupTable {
  readonly sources: CompiledFile['sources']
  readonly complete: CompiledFile['complete']
  readonly #four: Ranges
  readonly #six: Ranges
  readonly #sixStarts: readonly [Uint32Array, Uint32Array, Uint32Array, Uint32Array]
  readonly #sixFronts: Float64Array
  readonly #fourIndex: Uint32Array
  readonly #sixIndex: Uint32Array
  readonly #profiles: Uint32Array
  readonly #asns: PartList<AsnPart>
  readonly #countries: PartList<CountryPart>
  readonly #about: PartList<AboutPart>
  readonly #words = new Uint32Array(4)

  constructor(file: CompiledFile) {
    const none = new Uint32Array(0)
    const [one = none, two = none, three = none, four = none] = file.six.starts
    this.#sixStarts = [one, two, three, four]
    this.#sixFronts = new Float64Array(one.length)
    for (let at = 0; at < one.length; at += 1) this.#sixFronts[at] = frontOf(one[at] ?? 0, two[at] ?? 0)
    this.sources = file.sources
    this.complete = file.complete
    this.#four = file.four
    this.#six = file.six
    this.#profiles = file.profiles
    this.#asns = new PartList(file.asns)
    this.#countries = new PartList(file.countries)
    this.#about = new PartList(file.about)
    this.#fourIndex = indexOf(file.four.starts[0] ?? none, { from: 0, to: 1 << 16, shift: fourShift })
    this.#sixIndex = indexOf(file.six.starts[0] ?? none, { from: sixFrom, to: sixTo, shift: sixShift })
  }

  #positionOfFour(value: number): number {
    const [starts = new Uint32Array(0)] = this.#four.starts
    const part = value >>> fourShift
    // The range that holds the address begins before `high`; the first range begins at 0, so there is one.
    let low = this.#fourIndex[part] ?? 0
    let high = this.#fourIndex[part + 1] ?? starts.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((starts[middle] ?? 0) <= value) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  /** How a range lies to an address whose first 52 bits are the same: positive when it begins behind it. */
  #restOrder(position: number, words: Uint32Array): number {
    const [, two, three, four] = this.#sixStarts
    let order = (two[position] ?? 0) - (words[1] ?? 0)
    if (order === 0) order = (three[position] ?? 0) - (words[2] ?? 0)
    return order === 0 ? (four[position] ?? 0) - (words[3] ?? 0) : order
  }

  #positionOfSix(words: Uint32Array): number {
    const first = words[0] ?? 0
    const front = frontOf(first, words[1] ?? 0)
    const part = first >>> sixShift
    const isIndexed = part >= sixFrom && part < sixTo
    const fronts = this.#sixFronts
    let low = isIndexed ? (this.#sixIndex[part - sixFrom] ?? 0) : 0
    let high = isIndexed ? (this.#sixIndex[part - sixFrom + 1] ?? 0) : fronts.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = fronts[middle] ?? 0
      if (other > front || (other === front && this.#restOrder(middle, words) > 0)) high = middle
      else low = middle + 1
    }
    return low - 1
  }

  /** The number of what is said about an address; -1: the text is no address. Makes no object. */
  profileOf(text: string): number {
    switch (readAddress(text, this.#words)) {
      case 4:
        return this.#four.records[this.#positionOfFour(this.#words[0] ?? 0)] ?? 0
      case 6:
        return this.#six.records[this.#positionOfSix(this.#words)] ?? 0
      default:
        return -1
    }
  }

  asnOf(profile: number): AsnPart {
    return this.#asns.at(this.#profiles[profile * 3] ?? 0)
  }

  countriesOf(profile: number): CountryPart {
    return this.#countries.at(this.#profiles[profile * 3 + 1] ?? 0)
  }

  /** The number of what is known besides, the same for all addresses of which the same is known. */
  aboutNumberOf(profile: number): number {
    return this.#profiles[profile * 3 + 2] ?? 0
  }

  aboutAt(number: number): AboutPart {
    return this.#about.at(number)
  }

  find(text: string): Found | null {
    const profile = this.profileOf(text)
    if (profile < 0) return null
    return {
      asn: this.asnOf(profile),
      countries: this.countriesOf(profile),
      about: this.aboutAt(this.aboutNumberOf(profile)),
    }
  }

  #startAt(ranges: Ranges, position: number): bigint {
    return ranges.starts.reduce((value, words) => (value << 32n) | BigInt(words[position] ?? 0), 0n)
  }

  /** What is found, and where it lies; null: the text is no address. */
  place(text: string): Placed | null {
    const address = parseAddress(text)
    const found = this.find(text)
    if (address === null || found === null) return null
    const { family, value } = address
    // `find` has left the words of this address behind.
    const [ranges, position] =
      family === 4
        ? [this.#four, this.#positionOfFour(this.#words[0] ?? 0)]
        : [this.#six, this.#positionOfSix(this.#words)]
    const isLast = position + 1 === ranges.records.length
    const last = (isLast ? 1n << (family === 4 ? 32n : 128n) : this.#startAt(ranges, position + 1)) - 1n
    const network = networkAround(family, { first: this.#startAt(ranges, position), last }, value)
    return { ...found, family, value, network }
  }
}
