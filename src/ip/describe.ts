/** What an event keeps of its visitor's address, so that a price may depend on it and a bill can be replayed. */
import type { AddressFacts, DescribeAddress } from '../ingest/address-facts.ts'
import type { LookupTable } from './lookup.ts'
import { isAsn, mostSpecific } from './said.ts'

export const limits = { categoriesLengthMax: 255 } as const

/** Most specific names only, sorted; a name that does not fit any more is left out as a whole. */
export function categoriesText(categories: readonly string[]): string | null {
  let text = ''
  for (const name of mostSpecific(categories)) {
    const longer = text === '' ? name : `${text} ${name}`
    if (longer.length <= limits.categoriesLengthMax) text = longer
  }
  return text === '' ? null : text
}

/** Describes addresses by one version. The facts of each profile are made once; there are as many as profiles, at most. */
export function describerOf(table: LookupTable, version: string): DescribeAddress {
  const known = new Map<number, AddressFacts>()
  return (address) => {
    const profile = table.profileOf(address)
    if (profile < 0) return null
    const before = known.get(profile)
    if (before !== undefined) return before
    const { labels } = table.aboutAt(table.aboutNumberOf(profile))
    const asn = table.asnOf(profile)?.number
    const facts = {
      country: table.countriesOf(profile).located?.country ?? null,
      asn: isAsn(asn) ? String(asn) : null,
      categories: categoriesText(labels.map(({ category }) => category)),
      version,
    }
    known.set(profile, facts)
    return facts
  }
}
