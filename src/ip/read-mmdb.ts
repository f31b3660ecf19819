/**
 * MaxMind databases (https://maxmind.github.io/MaxMind-DB/): the whole tree is walked and every record decoded when a file
 * is taken in, so that one that is broken anywhere is refused here and never answers wrongly later.
 */
import { createRequire } from 'node:module'
import { Reader } from 'mmdb-lib'
import type { Response } from 'mmdb-lib'
import type DecoderModule from 'mmdb-lib/lib/decoder.js'
import { OrderedRanges, Records } from './source-table.ts'
import type { SourceTable } from './source-table.ts'
import { noRanges, wordsOf } from './ranges.ts'
import type { Ranges } from './ranges.ts'
import type { Family } from './address.ts'
import { isAsn } from './said.ts'
import type { Anonymity, Asn, Flag, Label, Said } from './said.ts'

export const limits = {
  /** A tree whose parts are reached on several ways is no tree; a few more visits than nodes are the aliases of IPv4. */
  visitsPerNode: 2,
} as const

/** Zeros between the tree and the records. */
const separatorBytes = 16

// CommonJS with a default of its own, which loaders take apart in different ways; `require` gives it as it is.
const require = createRequire(import.meta.url)
const { default: Decoder } = require('mmdb-lib/lib/decoder.js') as typeof DecoderModule

interface Tree {
  readonly file: Buffer
  readonly nodeCount: number
  /** 24, 28 or 32 bits. */
  readonly recordBits: number
  readonly dataFrom: number
  readonly dataTo: number
}

function child({ file, recordBits }: Tree, node: number, right: boolean): number {
  const at = (node * recordBits) / 4
  switch (recordBits) {
    case 24:
      return file.readUIntBE(at + (right ? 3 : 0), 3)
    case 28: {
      const middle = file.readUInt8(at + 3)
      return right
        ? (middle & 0x0f) * 0x100_0000 + file.readUIntBE(at + 4, 3)
        : (middle >>> 4) * 0x100_0000 + file.readUIntBE(at, 3)
    }
    default:
      return file.readUInt32BE(at + (right ? 4 : 0))
  }
}

function openTree(file: Buffer): { readonly tree: Tree; readonly reader: Reader<Response> } {
  const reader = new Reader<Response>(file)
  const { nodeCount, recordSize, searchTreeSize, ipVersion, binaryFormatMajorVersion } = reader.metadata
  if (binaryFormatMajorVersion !== 2) throw new Error(`its format has version ${binaryFormatMajorVersion}, not 2`)
  if (ipVersion !== 4 && ipVersion !== 6) throw new Error('it is neither about IPv4 nor about IPv6')
  const dataFrom = searchTreeSize + separatorBytes
  const marker = file.lastIndexOf(Buffer.from('\u{ab}\u{cd}\u{ef}MaxMind.com', 'latin1'))
  if (!Number.isSafeInteger(nodeCount) || nodeCount < 1 || marker < dataFrom)
    throw new Error('its tree is longer than the file: the number of nodes is wrong')
  if (file.subarray(searchTreeSize, dataFrom).some((byte) => byte !== 0))
    throw new Error('its tree does not end where it says: the number of nodes is wrong')
  return { tree: { file, nodeCount, recordBits: recordSize, dataFrom, dataTo: marker }, reader }
}

/** From the place of a record in the file to the number of what it says. */
type RecordAt = (place: number) => number

interface Walk {
  readonly tree: Tree
  readonly family: Family
  readonly recordAt: RecordAt
  /**
   * The subtree of IPv4 in a tree of IPv6; reached on other ways it is an alias (6to4, Teredo), which is left out. -1:
   * there is none. What only covers IPv4 from above is a record like others, or nothing: wherever else it stands, it counts.
   */
  readonly aliased: number
}

/** Walks a tree from a node down and gives its ranges in order. */
function walk({ tree, family, recordAt, aliased }: Walk, from: { readonly node: number }): Ranges {
  const { nodeCount } = tree
  const ranges = new OrderedRanges(family, 1 << 12)
  const size = wordsOf(family)
  const [path, last] = [new Uint32Array(size), new Uint32Array(size)]
  let visits = 0
  const leaf = (depth: number, record: number): void => {
    if (record === 0) return
    for (let word = 0; word < size; word += 1) {
      const fixed = Math.min(32, Math.max(0, depth - word * 32))
      const rest = fixed === 32 ? 0 : fixed === 0 ? 0xffff_ffff : 0xffff_ffff >>> fixed
      last[word] = (path[word] ?? 0) | rest
    }
    if (!ranges.add(path, last, record)) throw new Error('its networks are out of order')
  }
  const descend = (node: number, depth: number): void => {
    if (node === nodeCount || (node === aliased && depth > 0)) return
    if (node > nodeCount) return leaf(depth, recordAt(node - nodeCount + tree.dataFrom - separatorBytes))
    visits += 1
    if (visits > nodeCount * limits.visitsPerNode) throw new Error('its tree runs in a circle')
    if (depth >= size * 32) throw new Error('its tree is deeper than an address is long')
    descend(child(tree, node, false), depth + 1)
    const [word, bit] = [depth >>> 5, (0x8000_0000 >>> (depth & 31)) >>> 0]
    path[word] = (path[word] ?? 0) | bit
    descend(child(tree, node, true), depth + 1)
    path[word] = (path[word] ?? 0) & ~bit
  }
  descend(from.node, 0)
  return ranges.finish()
}

/** The node behind 96 zero bits: where IPv4 lies in a tree of IPv6. */
function nodeOfFour(tree: Tree): number {
  let node = 0
  for (let depth = 0; depth < 96 && node < tree.nodeCount; depth += 1) node = child(tree, node, false)
  return node
}

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value.slice(0, 255).toWellFormed() : null
}

function countryOf(value: unknown): string | null {
  return typeof value === 'string' && /^[A-Za-z]{2}$/.test(value) ? value.toUpperCase() : null
}

/** Fields of MaxMind's databases about anonymity, the category each becomes, and the flag that it answers. */
const anonymousFields: readonly (readonly [field: string, category: string, flag: Flag])[] = [
  ['is_anonymous_vpn', 'proxy.vpn', 'vpn'],
  ['is_public_proxy', 'proxy.public', 'proxy'],
  ['is_residential_proxy', 'proxy.residential', 'proxy'],
  ['is_tor_exit_node', 'proxy.tor', 'tor'],
  ['is_hosting_provider', 'hosting', 'hosting'],
]

function anonymityOf(fields: Fields): Anonymity | null {
  const { anonymizer_confidence: confidence, network_last_seen: seen, provider_name: provider } = fields
  const found = {
    confidence: typeof confidence === 'number' && Number.isFinite(confidence) ? confidence : null,
    lastSeen: textOf(seen),
    provider: textOf(provider),
  }
  return Object.values(found).every((value) => value === null) ? null : found
}

/** Throws on what is no number of an autonomous system: facts of events and prices are made of it. */
function asnOf({ autonomous_system_number: number, autonomous_system_organization: organisation }: Fields): Asn | null {
  if (number === undefined) return null
  if (!isAsn(number)) {
    const text = typeof number === 'number' || typeof number === 'bigint' ? String(number) : `a ${typeof number}`
    throw new Error(`one of its records has ${text} where the number of an autonomous system is`)
  }
  return { number, organisation: textOf(organisation) }
}

/** The fields of a record that Crossfoot answers with. */
export type SaidBy = (fields: Fields) => Said

function saidOf(wanted: 'located' | 'registered' | 'all'): SaidBy {
  return (fields) => {
    const traits = { ...fieldsOf(fields['traits']), ...fields }
    const asn = asnOf(traits)
    const own = countryOf(fields['country_code'])
    const located = countryOf(fieldsOf(fields['country'])['iso_code']) ?? (wanted === 'registered' ? null : own)
    const registered =
      countryOf(fieldsOf(fields['registered_country'])['iso_code']) ?? (wanted === 'registered' ? own : null)
    const labels = anonymousFields.flatMap(([field, category]): Label[] =>
      traits[field] === true ? [{ category }] : [],
    )
    const anonymity = anonymityOf(traits)
    return {
      ...(asn === null ? {} : { asn }),
      ...(located === null ? {} : { located }),
      ...(registered === null ? {} : { registered }),
      ...(anonymity === null ? {} : { anonymity }),
      ...(labels.length === 0 ? {} : { labels }),
    }
  }
}

/** A database about anonymity lists whoever is anonymous: whom it does not list is not. */
function completeFlags(databaseType: string): readonly Flag[] {
  if (!/Anonymous/i.test(databaseType)) return []
  return [...new Set(anonymousFields.map(([, , flag]) => flag))]
}

/** Decodes each record once, however many networks point at it. */
function recordReader({ file, dataFrom, dataTo }: Tree, said: SaidBy): { recordAt: RecordAt; records: Records } {
  const decoder = new Decoder(file, dataFrom)
  const records = new Records()
  const known = new Map<number, number>()
  const recordAt = (place: number): number => {
    const before = known.get(place)
    if (before !== undefined) return before
    if (place < dataFrom || place >= dataTo) throw new Error('its tree points outside of its records')
    const { value } = decoder.decode(place) as { readonly value: unknown }
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new Error('one of its records is not a map')
    const record = records.numberOf(said(value as Fields))
    known.set(place, record)
    return record
  }
  return { recordAt, records }
}

export interface MmdbContent {
  readonly table: SourceTable
  /** When it was built: its version. */
  readonly built: string
  readonly databaseType: string
}

/**
 * Reads a whole database. `wanted` says what a bare `country_code` is about. Throws an Error that says what is wrong with
 * the file.
 */
export function readMmdb(file: Buffer, wanted: 'located' | 'registered' | 'all' = 'all'): MmdbContent {
  const { tree, reader } = openTree(file)
  const { ipVersion, buildEpoch, databaseType } = reader.metadata
  const { recordAt, records } = recordReader(tree, saidOf(wanted))
  const hasSix = ipVersion === 6
  const four = hasSix ? nodeOfFour(tree) : 0
  const walkOf = (family: Family, aliased: number): Walk => ({ tree, family, recordAt, aliased })
  const table = {
    four: walk(walkOf(4, -1), { node: four }),
    six: hasSix ? walk(walkOf(6, four < tree.nodeCount ? four : -1), { node: 0 }) : noRanges(6),
    records: records.list,
    asns: [],
    complete: completeFlags(databaseType),
  }
  return { table, built: buildEpoch.toISOString().slice(0, 10), databaseType }
}
