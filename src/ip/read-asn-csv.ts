/** Tables of autonomous systems as `@ip-location-db/asn` has them: first address, last address, number, organisation. */
import { readAddress } from './address.ts'
import type { Family } from './address.ts'
import type { Ranges } from './ranges.ts'
import { wordsOf } from './ranges.ts'
import { isAsn } from './said.ts'
import { OrderedRanges, Records } from './source-table.ts'
import type { SourceTable } from './source-table.ts'

function unquoted(text: string): string {
  return text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text
}

function readRanges(family: Family, text: string, records: Records): Ranges {
  const ranges = new OrderedRanges(family, 1 << 16)
  const size = wordsOf(family)
  const [first, last] = [new Uint32Array(4), new Uint32Array(4)]
  // The words of a range in the size of its family, over the same memory.
  const [from, to] = [first.subarray(0, size), last.subarray(0, size)]
  let line = 0
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\n', at)
    const row = text.slice(at, end < 0 ? text.length : end).trimEnd()
    at = end < 0 ? text.length : end + 1
    line += 1
    if (row === '') continue
    const one = row.indexOf(',')
    const two = row.indexOf(',', one + 1)
    const three = row.indexOf(',', two + 1)
    const digits = row.slice(two + 1, three < 0 ? row.length : three)
    const number = Number(digits)
    const isRange =
      readAddress(row.slice(0, one), first) === family && readAddress(row.slice(one + 1, two), last) === family
    if (!isRange || !/^\d{1,10}$/.test(digits) || !isAsn(number))
      throw new Error(`line ${line} is not "first address,last address,number,organisation"`)
    const organisation = three < 0 ? '' : unquoted(row.slice(three + 1).trim())
    const record = records.numberOf({ asn: { number, organisation: organisation === '' ? null : organisation } })
    if (!ranges.add(from, to, record)) throw new Error(`line ${line} begins before the line above it ends`)
  }
  return ranges.finish()
}

/** Reads the tables of both families. Throws an Error that says which line is wrong. */
export function readAsnCsv(texts: { readonly four: string; readonly six: string }): SourceTable {
  const records = new Records()
  const four = readRanges(4, texts.four, records)
  return { four, six: readRanges(6, texts.six, records), records: records.list, asns: [], complete: [] }
}
