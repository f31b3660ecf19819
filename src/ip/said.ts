/** What a source says about a network, and what several of them say together. Data only; nothing here knows a format. */

/** One category that an address is in. Names are hierarchical: `com.aws.ec2` implies `com.aws` and `com`. */
export interface Label {
  readonly category: string
  /** The provider's own name of the region, where the list gives one. */
  readonly region?: string
  /** Where the list itself says so, such as an RFC. */
  readonly reference?: string
}

export interface Asn {
  readonly number: number
  readonly organisation: string | null
}

/** RFC 6793: 32 bits. What a file says beyond them is no number of an autonomous system, and facts could not hold it. */
export function isAsn(number: unknown): number is number {
  return Number.isInteger(number) && Number(number) >= 0 && Number(number) <= 0xffff_ffff
}

/** What a source that knows about anonymity adds to its labels. */
export interface Anonymity {
  /** As the source counts it; MaxMind from 0 to 99. */
  readonly confidence: number | null
  /** When the list last saw it: a date. */
  readonly lastSeen: string | null
  readonly provider: string | null
}

/** What one source says about one network; what it leaves out it does not know (L13). */
export interface Said {
  readonly asn?: Asn
  /** ISO 3166-1 alpha-2, upper case. */
  readonly located?: string
  readonly registered?: string
  readonly anonymity?: Anonymity
  readonly labels?: readonly Label[]
  /** Nobody on the internet has such an address: what sources that come later say of its country and number is a slip. */
  readonly nobody?: true
}

export const flags = ['proxy', 'vpn', 'tor', 'relay', 'bogon', 'hosting', 'blocklist'] as const
export type Flag = (typeof flags)[number]

/** A number that says which source said it: its place in the version. */
export interface By {
  readonly by: number
}

/** What all sources of a version say together. */
export interface Merged {
  readonly asn?: Asn & By
  readonly located?: { readonly country: string } & By
  readonly registered?: { readonly country: string } & By
  readonly anonymity?: Anonymity & By
  readonly labels?: readonly (Label & By)[]
  readonly nobody?: true
}

export function mergedOf(said: Said, by: number): Merged {
  const { asn, located, registered, anonymity, labels, nobody } = said
  return {
    // Tables that were kept before numbers were checked are compiled without what is none.
    ...(asn === undefined || !isAsn(asn.number) ? {} : { asn: { ...asn, by } }),
    ...(located === undefined ? {} : { located: { country: located, by } }),
    ...(registered === undefined ? {} : { registered: { country: registered, by } }),
    ...(anonymity === undefined ? {} : { anonymity: { ...anonymity, by } }),
    ...(labels === undefined ? {} : { labels: labels.map((label) => ({ ...label, by })) }),
    ...(nobody === undefined ? {} : { nobody }),
  }
}

/** Of each fact the one of the source that precedes; of categories all. */
export function together(upper: Merged, lower: Merged): Merged {
  const labels = [...(upper.labels ?? []), ...(lower.labels ?? [])]
  const { asn: _, located: __, registered: ___, ...elsewhere } = lower
  return { ...(upper.nobody === true ? elsewhere : lower), ...upper, ...(labels.length === 0 ? {} : { labels }) }
}

const categoryPattern = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/
export const categoryLengthMax = 100

export function isCategory(text: string): boolean {
  return text.length <= categoryLengthMax && categoryPattern.test(text)
}

/** `com.aws.ec2` → `com`, `com.aws`. */
export function impliedBy(category: string): readonly string[] {
  const parts = category.split('.')
  return parts.slice(0, -1).map((_, index) => parts.slice(0, index + 1).join('.'))
}

export function isWithin(category: string, wider: string): boolean {
  return category === wider || category.startsWith(`${wider}.`)
}

/** Those that no other one implies, sorted. */
export function mostSpecific(categories: readonly string[]): readonly string[] {
  const implied = new Set(categories.flatMap(impliedBy))
  return [...new Set(categories)].filter((category) => !implied.has(category)).toSorted()
}
