/**
 * The text of an address, read into 32-bit words without making an object: an IPv4 address is one word, an IPv6 address
 * four. An IPv4-mapped IPv6 address (::ffff:a.b.c.d) is the IPv4 address, because it is the same visitor.
 */
import ipaddr from 'ipaddr.js'

export type Family = 4 | 6

/** Longer text is no address. */
export const textLengthMax = 45

const zero = 48
const dot = 46
const colon = 58

function hexOf(code: number): number {
  if (code >= zero && code <= 57) return code - zero
  const letter = code | 32
  return letter >= 97 && letter <= 102 ? letter - 87 : -1
}

/** Four decimal numbers without leading zeros (which some programs take for octal) up to the end; -1: it is not. */
function readDotted(text: string, from: number): number {
  let [value, part, digits, dots] = [0, 0, 0, 0]
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === dot) {
      if (digits === 0 || dots === 3) return -1
      value = value * 256 + part
      ;[part, digits] = [0, 0]
      dots += 1
      continue
    }
    if (code < zero || code > 57 || (digits > 0 && part === 0)) return -1
    part = part * 10 + code - zero
    digits += 1
    if (part > 255) return -1
  }
  return digits === 0 || dots !== 3 ? -1 : value * 256 + part
}

const groups = new Uint16Array(8)
/** Where `::` stood in the address that was read last; -1: nowhere. */
let gap = -1

/** Reads the groups of an IPv6 address into `groups`, and how many they are; -1: it is none. */
function readGroups(text: string): number {
  const { length } = text
  let [count, at] = [0, 0]
  gap = -1
  if (text.charCodeAt(0) === colon) {
    if (text.charCodeAt(1) !== colon) return -1
    gap = 0
    at = 2
  }
  while (at < length) {
    if (count === 8) return -1
    const from = at
    let group = 0
    for (; at < length; at += 1) {
      const digit = hexOf(text.charCodeAt(at))
      if (digit < 0) break
      group = group * 16 + digit
    }
    const stop = at < length ? text.charCodeAt(at) : colon
    if (stop === dot) return readTail(text, from, count)
    if (at === from || at - from > 4 || stop !== colon) return -1
    groups[count] = group
    count += 1
    if (at === length) break
    at += 1
    if (at === length) return -1
    if (text.charCodeAt(at) === colon) {
      if (gap >= 0) return -1
      gap = count
      at += 1
    }
  }
  return count
}

/** An IPv4 address at the end stands for two groups. */
function readTail(text: string, from: number, count: number): number {
  const dotted = count > 6 ? -1 : readDotted(text, from)
  if (dotted < 0) return -1
  groups[count] = dotted >>> 16
  groups[count + 1] = dotted & 0xff_ff
  return count + 2
}

function readSix(text: string, words: Uint32Array): Family | 0 {
  const count = readGroups(text)
  if (count < 0 || (gap < 0 ? count !== 8 : count > 7)) return 0
  const moved = 8 - count
  if (moved > 0) {
    for (let group = count - 1; group >= gap; group -= 1) groups[group + moved] = groups[group] ?? 0
    for (let group = gap; group < gap + moved; group += 1) groups[group] = 0
  }
  for (let word = 0; word < 4; word += 1) words[word] = (groups[word * 2] ?? 0) * 65_536 + (groups[word * 2 + 1] ?? 0)
  if (words[0] === 0 && words[1] === 0 && words[2] === 0xff_ff) {
    words[0] = words[3] ?? 0
    return 4
  }
  return 6
}

/** Reads an address into `words` (one word, or four) and tells its family; 0: the text is no address. */
export function readAddress(text: string, words: Uint32Array): Family | 0 {
  if (text.length < 2 || text.length > textLengthMax) return 0
  const dotted = readDotted(text, 0)
  if (dotted >= 0) {
    words[0] = dotted
    return 4
  }
  return readSix(text, words)
}

export interface Network {
  readonly family: Family
  readonly first: bigint
  readonly last: bigint
}

function valueOf(words: Uint32Array, family: Family): bigint {
  if (family === 4) return BigInt(words[0] ?? 0)
  return words.reduce((value, word) => (value << 32n) | BigInt(word), 0n)
}

const scratch = new Uint32Array(4)

/** A network (10.0.0.0/8), a range (10.0.0.0-10.0.0.9) or one address; null when it is none, or bits are set behind the prefix. */
export function readNetwork(text: string): Network | null {
  const [from = '', to, ...more] = text.split('-').map((part) => part.trim())
  if (more.length > 0) return null
  if (to !== undefined) {
    const [first, last] = [readNetwork(from), readNetwork(to)]
    if (first === null || last === null || from.includes('/') || to.includes('/')) return null
    return first.family === last.family && first.first <= last.first ? { ...first, last: last.first } : null
  }
  const [address = '', prefix, ...rest] = from.split('/')
  if (rest.length > 0) return null
  const family = readAddress(address, scratch)
  if (family === 0) return null
  const first = valueOf(scratch, family)
  if (prefix === undefined) return { family, first, last: first }
  // The prefix of an IPv4-mapped network counts the 96 bits in front.
  const bits = Number(prefix) - (family === 4 && address.includes(':') ? 96 : 0)
  const width = family === 4 ? 32 : 128
  if (!/^\d{1,3}$/.test(prefix) || bits < 0 || bits > width) return null
  const rest64 = (1n << BigInt(width - bits)) - 1n
  return (first & rest64) === 0n ? { family, first, last: first | rest64 } : null
}

/** The address as everybody writes it: dotted, or as RFC 5952 says. */
export function formatAddress(family: Family, value: bigint): string {
  const size = family === 4 ? 4 : 16
  const bytes = Array.from({ length: size }, (_, index) => Number((value >> BigInt(8 * (size - 1 - index))) & 0xffn))
  const address = ipaddr.fromByteArray(bytes)
  return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString()
}

/** The largest network that holds the address and lies between two others, both inclusive. */
export function networkAround(family: Family, { first, last }: Omit<Network, 'family'>, address: bigint): string {
  const width = family === 4 ? 32 : 128
  let bits = width
  while (bits > 0) {
    const rest = (1n << BigInt(width - bits + 1)) - 1n
    const start = address & ~rest
    if (start < first || (start | rest) > last) break
    bits -= 1
  }
  return `${formatAddress(family, address & ~((1n << BigInt(width - bits)) - 1n))}/${bits}`
}

/** Reads one address as a number; null when the text is none. */
export function parseAddress(text: string): { readonly family: Family; readonly value: bigint } | null {
  const family = readAddress(text, scratch)
  return family === 0 ? null : { family, value: valueOf(scratch, family) }
}
