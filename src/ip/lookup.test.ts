import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatAddress } from './address.ts'
import type { Family } from './address.ts'
import { compile } from './compile.ts'
import type { CompileSource } from './compile.ts'
import { decodeCompiled, encodeCompiled } from './compiled-file.ts'
import { LookupTable } from './lookup.ts'
import { flatten } from './ranges.ts'
import type { Span } from './ranges.ts'
import type { Said } from './said.ts'
import { decodeTable, encodeTable, tableOfAsns, tableOfList } from './source-table.ts'
import type { SourceTable } from './source-table.ts'

/** Made and opened as it is in life: kept tables are compiled, the file is written and read. */
function opened(sources: readonly CompileSource[]): LookupTable {
  const kept = sources.map((source) => ({ ...source, table: decodeTable(encodeTable(source.table)) }))
  const file = decodeCompiled(Buffer.from(encodeCompiled(compile(kept))))
  if (!file.ok) throw new Error(file.error)
  return new LookupTable(file.value)
}

interface Part {
  readonly family: Family
  readonly first: bigint
  readonly last: bigint
}

const widths = { 4: 32, 6: 128 } as const

/** Networks of any size, and such as lie within, beside and around each other, in both families. */
const part = fc
  .tuple(
    fc.constantFrom<Family>(4, 6),
    fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }),
    fc.integer({ min: 0, max: 128 }),
    fc.integer({ min: 0, max: 3 }),
  )
  .map(([family, value, prefix, near]): Part => {
    const width = widths[family]
    const bits = Math.min(prefix, width)
    const free = BigInt(width - bits)
    // Few different beginnings, so that many are nested.
    const near128 =
      near === 0 ? value & ((1n << 128n) - 1n) : (0x2a02n << 112n) | (value & 0x3_0000_0000_0000_0000_ffffn)
    const address = family === 6 ? near128 : near128 >> 96n
    const first = (address >> free) << free
    return { family, first, last: first | ((1n << free) - 1n) }
  })

/** Disjoint parts, as databases have them, each with something to say: made from spans where the last one wins. */
function disjoint(parts: readonly (Part & { readonly said: Said })[]): SourceTable {
  const records: Said[] = [{}, ...parts.map(({ said }) => said)]
  const spansOf = (family: Family): Span[] =>
    parts.flatMap(({ family: own, first, last }, index) => (own === family ? [{ first, last, record: index + 1 }] : []))
  const newest = (numbers: readonly number[]): number => Math.max(...numbers)
  return { four: flatten(4, spansOf(4), newest), six: flatten(6, spansOf(6), newest), records, asns: [], complete: [] }
}

/** The obvious way: look at every part. The last one that holds the address wins. */
function scan<T extends Part>(parts: readonly T[], family: Family, value: bigint): T | undefined {
  return parts.findLast((one) => one.family === family && one.first <= value && value <= one.last)
}

function edgesOf(parts: readonly Part[]): { family: Family; value: bigint }[] {
  const ends = [4, 6].flatMap((family) =>
    [0n, (1n << BigInt(widths[family as Family])) - 1n].map((value) => ({ family: family as Family, value })),
  )
  const own = parts.flatMap(({ family, first, last }) =>
    [first - 1n, first, (first + last) / 2n, last, last + 1n].map((value) => ({ family, value })),
  )
  // ::ffff:0:0/96 is IPv4 in another spelling.
  return [...ends, ...own].filter(
    ({ family, value }) =>
      value >= 0n && value < 1n << BigInt(widths[family]) && (family === 4 || value >> 32n !== 0xffffn),
  )
}

describe('a compiled version', () => {
  test('says of every address what a look at every network says', () => {
    const asnParts = fc.array(
      fc.tuple(part, fc.integer({ min: 1, max: 5 })).map(([one, number]) => ({ ...one, number })),
      { maxLength: 12 },
    )
    const countryParts = fc.array(
      fc.tuple(part, fc.constantFrom('DE', 'FR', 'JP')).map(([one, country]) => ({ ...one, country })),
      { maxLength: 12 },
    )
    const listParts = fc.array(
      fc
        .tuple(part, fc.constantFrom('com.aws', 'com.aws.ec2', 'proxy.vpn'))
        .map(([one, category]) => ({ ...one, category })),
      { maxLength: 16 },
    )
    fc.assert(
      fc.property(asnParts, countryParts, countryParts, listParts, (asns, own, embedded, listed) => {
        const saidOf = (parts: typeof own): SourceTable =>
          disjoint(parts.map((one) => ({ ...one, said: { located: one.country } })))
        const table = opened([
          { name: 'own', version: '1', table: saidOf(own) },
          {
            name: 'list',
            version: '1',
            table: tableOfList(listed.map(({ category, ...network }) => ({ network, label: { category } }))),
          },
          { name: 'of-asn', version: '1', table: tableOfAsns([[3, [{ category: 'com.three' }]]]) },
          {
            name: 'asn',
            version: '1',
            table: disjoint(asns.map((one) => ({ ...one, said: { asn: { number: one.number, organisation: null } } }))),
          },
          { name: 'embedded', version: '1', table: saidOf(embedded) },
        ])
        for (const { family, value } of edgesOf([...asns, ...own, ...embedded, ...listed])) {
          const found = table.place(formatAddress(family, value))
          const asn = scan(asns, family, value)?.number ?? null
          // What precedes wins where it says anything.
          const located = scan(own, family, value)?.country ?? scan(embedded, family, value)?.country ?? null
          const categories = new Set<string>(
            listed.filter((one) => scan([one], family, value) !== undefined).map(({ category }) => category),
          )
          if (asn === 3) categories.add('com.three')
          expect(found?.asn?.number ?? null).toBe(asn)
          expect(found?.countries.located?.country ?? null).toBe(located)
          expect(new Set(found?.about.labels.map(({ category }) => category))).toEqual(categories)
        }
      }),
      { numRuns: 30 },
    )
  })

  test('the network of an answer holds the address, and says the same throughout', () => {
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 10 }), (parts) => {
        const table = opened([
          {
            name: 'list',
            version: '1',
            table: tableOfList(parts.map((network) => ({ network, label: { category: 'x' } }))),
          },
        ])
        for (const { family, value } of edgesOf(parts)) {
          const placed = table.place(formatAddress(family, value))
          const [base = '', prefix = ''] = placed?.network.split('/') ?? []
          const first = table.place(base)?.value ?? -1n
          const last = first + (1n << BigInt(widths[family] - Number(prefix))) - 1n
          expect(first <= value && value <= last).toBe(true)
          const isListed = scan(parts, family, value) !== undefined
          expect(placed?.about.labels.length === 1).toBe(isListed)
          for (const end of [first, last]) expect(scan(parts, family, end) !== undefined).toBe(isListed)
        }
      }),
      { numRuns: 20 },
    )
  })

  test('a file that is not as it was written is not opened', () => {
    const table = tableOfList([{ network: { family: 4, first: 1n, last: 5n }, label: { category: 'x' } }])
    const bytes = encodeCompiled(compile([{ name: 'list', version: '1', table }]))
    expect(decodeCompiled(Buffer.from(bytes)).ok).toBe(true)
    for (const at of [0, 5, 40, bytes.length - 1]) {
      const damaged = Buffer.from(bytes)
      damaged[at] = (damaged[at] ?? 0) ^ 1
      expect(decodeCompiled(damaged).ok, `byte ${at}`).toBe(false)
    }
    expect(decodeCompiled(Buffer.from(bytes.subarray(0, -4))).ok).toBe(false)
  })
})
