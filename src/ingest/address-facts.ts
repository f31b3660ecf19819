/**
 * What the door adds to an event about its visitor's address, handed in by `app/`. It is not what the sender said: it is
 * no part of the event's identity and content, so that an event that is sent again after the lists have changed is the
 * same event (L2).
 *
 * `ip_version` says what was looked up: `crossfoot:7` country, asn and ip_categories, by version 7;
 * `crossfoot:7/asn,ip_categories` only these, because the sender said the country itself. Without it, or with another
 * text, everything is the sender's own.
 */

/** Facts about an address as they are written into an event; null: not known (L13). */
export interface AddressFacts {
  readonly country: string | null
  readonly asn: string | null
  readonly categories: string | null
  readonly version: string
}

/** Null: the text is no address, or nothing can be said yet. */
export type DescribeAddress = (address: string) => AddressFacts | null

export const lookedUpFields = ['country', 'asn', 'ip_categories'] as const
export type LookedUpField = (typeof lookedUpFields)[number]

/** A version of ours, as facts name it. */
export const ownMark = 'crossfoot:'

export function ipVersionText(version: number): string {
  return `${ownMark}${version}`
}

/** The text that says which version was asked for which fields. */
export function lookedUpText(version: string, fields: readonly LookedUpField[]): string {
  return fields.length === lookedUpFields.length ? version : `${version}/${fields.join(',')}`
}

/** The fields that were looked up and not said; none when the version is the sender's own. */
export function lookedUpBy(ipVersion: unknown): readonly LookedUpField[] {
  if (typeof ipVersion !== 'string' || !ipVersion.startsWith(ownMark)) return []
  const slash = ipVersion.indexOf('/')
  if (slash < 0) return lookedUpFields
  const named = new Set(ipVersion.slice(slash + 1).split(','))
  return lookedUpFields.filter((field) => named.has(field))
}
