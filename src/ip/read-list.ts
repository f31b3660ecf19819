/** Lists of networks and of autonomous systems, as text: what a person or a provider writes. */
import { parseAddress } from './address.ts'
import { isCategory } from './said.ts'
import type { Label } from './said.ts'
import { listedNetwork, tableOfAsns, tableOfList } from './source-table.ts'
import type { Listed, SourceTable } from './source-table.ts'

/** Lines without comments and blanks, each with its number. */
function* linesOf(text: string): Generator<{ readonly number: number; readonly line: string }> {
  let number = 0
  for (const full of text.split('\n')) {
    number += 1
    const line = full.replace(/[#;].*$/, '').trim()
    if (line !== '') yield { number, line }
  }
}

/** One network, range or address on each line; `#` and `;` begin a comment. */
export function readNetworkList(text: string, category: string): SourceTable {
  const listed: Listed[] = []
  for (const { number, line } of linesOf(text)) {
    const found = listedNetwork(line, { category })
    if (found === null) throw new Error(`line ${number} is no address, network or range: ${line.slice(0, 60)}`)
    listed.push(found)
  }
  return tableOfList(listed)
}

/** Fields of a line of CSV; a quoted field may hold commas, not line breaks. */
function fieldsOf(line: string): string[] {
  return [...line.matchAll(/(?:^|,)\s*(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) =>
    quoted === undefined ? (plain ?? '').trim() : quoted.replaceAll('""', '"'),
  )
}

/** `network,category` or `network,category,region` on each line, perhaps under a line of titles. */
export function readCategoryCsv(text: string): SourceTable {
  const listed: Listed[] = []
  let isFirst = true
  for (const { number, line } of linesOf(text)) {
    const [network = '', category = '', region = ''] = fieldsOf(line)
    const isTitle = isFirst && listedNetwork(network, { category }) === null
    isFirst = false
    if (isTitle) continue
    const name = category.toLowerCase()
    if (!isCategory(name))
      throw new Error(`line ${number} has no category such as com.example.proxy: ${line.slice(0, 60)}`)
    const found = listedNetwork(network, { category: name, ...(region === '' ? {} : { region }) })
    if (found === null) throw new Error(`line ${number} is no address, network or range: ${line.slice(0, 60)}`)
    listed.push(found)
  }
  return tableOfList(listed)
}

/** A number of an autonomous system first on each line, such as `16509,"Amazon"`, perhaps under a line of titles. */
export function readAsnList(text: string, category: string): SourceTable {
  const asns = new Map<number, readonly Label[]>()
  let isFirst = true
  for (const { number, line } of linesOf(text)) {
    const [first = ''] = fieldsOf(line)
    const isTitle = isFirst && !/^(?:AS)?\d+$/i.test(first)
    isFirst = false
    if (isTitle) continue
    const asn = Number(first.replace(/^AS/i, ''))
    if (!/^(?:AS)?\d{1,10}$/i.test(first) || asn > 0xffff_ffff)
      throw new Error(`line ${number} does not begin with the number of an autonomous system: ${line.slice(0, 60)}`)
    asns.set(asn, [{ category }])
  }
  return tableOfAsns([...asns].toSorted(([a], [b]) => a - b))
}

interface AwsPrefix {
  readonly ip_prefix?: unknown
  readonly ipv6_prefix?: unknown
  readonly region?: unknown
  readonly service?: unknown
}

function nameOf(text: unknown): string {
  return typeof text === 'string' ? text.toLowerCase().replaceAll(/[^a-z0-9_-]+/g, '-') : ''
}

/** AMAZON is every address of Amazon, so it adds no name of its own; GLOBAL is no region. */
function awsLabel({ region, service }: AwsPrefix, base: string): Label {
  const [place, use] = [nameOf(region), nameOf(service)]
  const parts = [base, use === 'amazon' ? '' : use, use === 'amazon' || place === 'global' ? '' : place]
  return {
    category: parts.filter((part) => part !== '').join('.'),
    ...(place === '' || place === 'global' ? {} : { region: place }),
  }
}

/** Amazon's ip-ranges.json: `com.aws.ec2.us-east-1` of service EC2 in the region us-east-1. */
export function readAwsRanges(
  text: string,
  base: string,
): { readonly table: SourceTable; readonly built: string | null } {
  const document = JSON.parse(text) as {
    readonly createDate?: unknown
    readonly prefixes?: unknown
    readonly ipv6_prefixes?: unknown
  }
  const listed = [document.prefixes, document.ipv6_prefixes].flatMap((list): Listed[] => {
    if (!Array.isArray(list)) throw new Error('it has no list "prefixes" and "ipv6_prefixes"')
    return (list as readonly AwsPrefix[]).map((prefix, index) => {
      const network = prefix.ip_prefix ?? prefix.ipv6_prefix
      const found = typeof network === 'string' ? listedNetwork(network, awsLabel(prefix, base)) : null
      if (found === null || !isCategory(found.label.category))
        throw new Error(`prefix ${index + 1} has no network, region and service that can be read`)
      return found
    })
  })
  return { table: tableOfList(listed), built: typeof document.createDate === 'string' ? document.createDate : null }
}

/** Which kind of text it is, by its first lines; null: none that is known. */
export function kindOfText(text: string): 'aws' | 'asns' | 'csv' | 'networks' | null {
  if (/^\s*\{/.test(text)) return text.slice(0, 4_096).includes('"prefixes"') ? 'aws' : null
  let isTitle = true
  for (const { line } of linesOf(text.slice(0, 65_536))) {
    const [first = '', second] = fieldsOf(line)
    if (listedNetwork(first, { category: 'x' }) !== null || parseAddress(first) !== null)
      return second === undefined ? 'networks' : 'csv'
    if (/^(?:AS)?\d{1,10}$/i.test(first)) return 'asns'
    if (!isTitle) return null
    isTitle = false
  }
  return null
}
