/** From what a version says about an address to the answer that people and programs read. Absent is null: not known (L13). */
import { formatAddress } from './address.ts'
import type { LookupTable, Placed } from './lookup.ts'
import { flags, impliedBy, isWithin } from './said.ts'
import type { Flag } from './said.ts'
import { providerOf } from './providers.ts'

/** Which list of which version said something. */
export interface SaidByList {
  readonly list: string
  readonly list_version: string
}

export interface CategoryAnswer extends SaidByList {
  readonly name: string
  /** Not listed itself, but contains one that is. */
  readonly implied: boolean
  /** Where the list says so, such as an RFC. */
  readonly reference: string | null
}

export interface IpAnswer {
  /** As everybody writes it, whatever the spelling that was asked for. */
  readonly address: string
  /** The version of the metadata; null: none was in force then. */
  readonly version: string | null
  /** The largest network around the address with the same answer. */
  readonly network: string | null
  readonly asn: ({ readonly number: number; readonly organisation: string | null } & SaidByList) | null
  readonly country: { readonly located: string | null; readonly registered: string | null }
  readonly country_lists: { readonly located: SaidByList | null; readonly registered: SaidByList | null }
  readonly provider: { readonly name: string; readonly region: string | null; readonly hosting: boolean } | null
  readonly categories: readonly CategoryAnswer[]
  /** False only where a source knows all addresses that have it. */
  readonly flags: Readonly<Record<Flag, boolean | null>>
  readonly confidence: ({ readonly value: number } & SaidByList) | null
  /** When the list last saw the address being anonymous, and through whom. */
  readonly list_last_seen: string | null
  readonly anonymizer: string | null
}

/** Categories under which an address has a flag. What is under the second list has it not, although it is under the first. */
const categoriesOfFlag: Readonly<Record<Flag, { readonly of: readonly string[]; readonly not: readonly string[] }>> = {
  proxy: { of: ['proxy'], not: ['proxy.vpn', 'proxy.tor', 'proxy.anonymous.tor', 'proxy.relay'] },
  vpn: { of: ['proxy.vpn', 'vpn'], not: [] },
  tor: { of: ['proxy.tor', 'proxy.anonymous.tor', 'tor'], not: [] },
  relay: { of: ['proxy.relay', 'relay', 'com.apple.icloud-private-relay'], not: [] },
  bogon: { of: ['bogon', 'blocklist.org.team_cymru.fullbogons'], not: [] },
  hosting: { of: ['hosting', 'public.brianhama.bad-asn-list'], not: [] },
  blocklist: { of: ['blocklist'], not: [] },
}

function hasFlag(flag: Flag, category: string): boolean {
  const { of, not } = categoriesOfFlag[flag]
  if (flag === 'hosting' && providerOf(category)?.hosting === true) return true
  return of.some((wider) => isWithin(category, wider)) && !not.some((wider) => isWithin(category, wider))
}

type Lists = LookupTable['sources']

function listOf(sources: Lists, by: number): SaidByList {
  const { name = '', version = '' } = sources[by] ?? {}
  return { list: name, list_version: version }
}

function categoriesOf(sources: Lists, { labels }: Placed['about']): CategoryAnswer[] {
  const listed = labels.map(({ category, reference = null, by }) => ({
    name: category,
    implied: false,
    reference,
    ...listOf(sources, by),
  }))
  const names = new Set(listed.map(({ name }) => name))
  const implied = listed.flatMap(({ name, list, list_version }) =>
    impliedBy(name).flatMap((wider) => {
      if (names.has(wider)) return []
      names.add(wider)
      return { name: wider, implied: true, reference: null, list, list_version }
    }),
  )
  return [...listed, ...implied].toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

function providerIn({ labels }: Placed['about']): IpAnswer['provider'] {
  const known = labels.flatMap((label) => providerOf(label.category) ?? [])
  const narrowest = known.toSorted((a, b) => b.category.length - a.category.length)[0]
  if (narrowest === undefined) return null
  const region = labels.find((label) => label.region !== undefined && isWithin(label.category, narrowest.category))
  return { name: narrowest.name, region: region?.region ?? null, hosting: narrowest.hosting }
}

function flagsOf(
  { complete }: Pick<LookupTable, 'complete'>,
  { family, about: { labels } }: Placed,
): IpAnswer['flags'] {
  const known = family === 4 ? complete.four : complete.six
  const of = (flag: Flag): boolean | null =>
    labels.some(({ category }) => hasFlag(flag, category)) ? true : known.includes(flag) ? false : null
  return Object.fromEntries(flags.map((flag) => [flag, of(flag)])) as Record<Flag, boolean | null>
}

/** What a version says about an address. */
export function answerOf(version: string, table: LookupTable, placed: Placed): IpAnswer {
  const { asn, countries, about, family, value, network } = placed
  const { sources } = table
  const { located, registered } = countries
  const { anonymity } = about
  const confidence = anonymity?.confidence ?? null
  return {
    address: formatAddress(family, value),
    version,
    network,
    asn:
      asn === null || asn === undefined
        ? null
        : { number: asn.number, organisation: asn.organisation, ...listOf(sources, asn.by) },
    country: { located: located?.country ?? null, registered: registered?.country ?? null },
    country_lists: {
      located: located === null ? null : listOf(sources, located.by),
      registered: registered === null ? null : listOf(sources, registered.by),
    },
    provider: providerIn(about),
    categories: categoriesOf(sources, about),
    flags: flagsOf(table, placed),
    confidence:
      anonymity === null || confidence === null ? null : { value: confidence, ...listOf(sources, anonymity.by) },
    list_last_seen: anonymity?.lastSeen ?? null,
    anonymizer: anonymity?.provider ?? null,
  }
}

/** The answer of a time for which there is no version: nothing is known, which is not "nothing is there". */
export function answerWithoutVersion(family: 4 | 6, value: bigint): IpAnswer {
  return {
    address: formatAddress(family, value),
    version: null,
    network: null,
    asn: null,
    country: { located: null, registered: null },
    country_lists: { located: null, registered: null },
    provider: null,
    categories: [],
    flags: Object.fromEntries(flags.map((flag) => [flag, null])) as Record<Flag, null>,
    confidence: null,
    list_last_seen: null,
    anonymizer: null,
  }
}
