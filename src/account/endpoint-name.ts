/**
 * The one form of an endpoint's name, by which names are compared everywhere: in the table of owners, by ingest, and
 * when stored traffic is looked at again. The store keeps what the sender wrote.
 *
 * - Host names are compared without regard to case, without the dot that may end one, and in their ASCII form:
 *   `Bücher.Example.` is `xn--bcher-kva.example`.
 * - An IPv6 address stands in brackets in its shortest form, however it was written: `2001:DB8:0:0::1` is `[2001:db8::1]`.
 * - A port belongs to the endpoint: `a.example.com:443` and `a.example.com` are two. It has no zeros before it.
 * - What is none of these is compared as lower-case text; no name is refused here, because events are not.
 */
import { domainToASCII } from 'node:url'

// oxlint-disable-next-line no-control-regex
const ascii = /^[\u0000-\u007f]*$/
const ported = /^(.*[^:]):0*([1-9]\d{0,4})$/
const bracketed = /^\[([\d.:a-f]+)\](?::0*([1-9]\d{0,4}))?$/
const portMax = 65_535

/** The shortest form of an IPv6 address, or null when it is none. */
function addressOf(text: string): string | null {
  if (!text.includes(':')) return null
  const url = URL.parse(`http://[${text}]/`)
  return url === null || !url.hostname.startsWith('[') ? null : url.hostname
}

/** The name of a host without a port, in lower case. */
function hostName(host: string): string {
  const wildcard = host.startsWith('*.') ? '*.' : ''
  const rest = host.slice(wildcard.length)
  const named = ascii.test(rest) ? rest : domainToASCII(rest) || rest
  const lower = named.toLowerCase()
  return `${wildcard}${lower.endsWith('.') && lower.length > 1 ? lower.slice(0, -1) : lower}`
}

function bracketedName(lower: string): string | null {
  const [, inside = '', port] = bracketed.exec(lower) ?? []
  const address = addressOf(inside)
  if (address === null || Number(port ?? 1) > portMax) return null
  return port === undefined ? address : `${address}:${port}`
}

/** The canonical form of a name. */
export function endpointName(endpoint: string): string {
  if (!endpoint.includes(':')) return hostName(endpoint)
  const lower = endpoint.toLowerCase()
  if (lower.startsWith('[')) return bracketedName(lower) ?? lower
  const [, host, port] = ported.exec(endpoint) ?? []
  // More than one colon, and no brackets: an address, whose last part is no port.
  if (host === undefined || host.includes(':') || Number(port) > portMax) return addressOf(lower) ?? lower
  return `${hostName(host)}:${port ?? ''}`
}

/** `example.com` of `*.example.com`; null for an endpoint that stands for itself only. */
export function wildcardSuffix(endpoint: string): string | null {
  return endpoint.startsWith('*.') ? endpoint.slice(2) : null
}

/** Every name under which an owner of the endpoint may be recorded, the nearest first. */
export function ownerNames(endpoint: string): readonly string[] {
  const name = endpointName(endpoint)
  const names = [name]
  if (name.startsWith('[')) return names
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
    if (dot + 1 < name.length) names.push(`*.${name.slice(dot + 1)}`)
  }
  return names
}
