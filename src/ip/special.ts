/**
 * Addresses that no visitor on the internet can have: the registries of special-purpose addresses of IANA, as far as they
 * are not globally reachable, multicast, and IPv6 space that nobody was given. Traffic from there is local, or forged.
 */
import type { Label } from './said.ts'

/** Raised with every change of the table. */
export const specialVersion = '2026-11-22.2'

type Special = readonly [network: string, name: string, reference: string]

const notReachable: readonly Special[] = [
  ['0.0.0.0/8', 'this-network', 'RFC 791'],
  ['10.0.0.0/8', 'private-use', 'RFC 1918'],
  ['100.64.0.0/10', 'shared-address-space', 'RFC 6598'],
  ['127.0.0.0/8', 'loopback', 'RFC 1122'],
  ['169.254.0.0/16', 'link-local', 'RFC 3927'],
  ['172.16.0.0/12', 'private-use', 'RFC 1918'],
  ['192.0.0.0/29', 'service-continuity', 'RFC 7335'],
  ['192.0.0.8/32', 'dummy-address', 'RFC 7600'],
  ['192.0.0.11-192.0.0.255', 'ietf-protocol-assignments', 'RFC 6890'],
  ['192.0.0.170-192.0.0.171', 'nat64-discovery', 'RFC 8880'],
  ['192.0.2.0/24', 'documentation', 'RFC 5737'],
  ['192.168.0.0/16', 'private-use', 'RFC 1918'],
  ['198.18.0.0/15', 'benchmarking', 'RFC 2544'],
  ['198.51.100.0/24', 'documentation', 'RFC 5737'],
  ['203.0.113.0/24', 'documentation', 'RFC 5737'],
  ['224.0.0.0/4', 'multicast', 'RFC 5771'],
  ['240.0.0.0/4', 'reserved', 'RFC 1112'],
  ['255.255.255.255/32', 'limited-broadcast', 'RFC 8190'],
  ['::/128', 'unspecified', 'RFC 4291'],
  ['::1/128', 'loopback', 'RFC 4291'],
  ['64:ff9b:1::/48', 'local-use-translation', 'RFC 8215'],
  ['100::/64', 'discard-only', 'RFC 6666'],
  ['100:0:0:1::/64', 'dummy-prefix', 'RFC 9780'],
  // Of 2001::/23 what IANA does not list as reachable: not Teredo, anycast, AMT, AS112, ORCHIDv2, DET.
  ['2001:1::/128', 'ietf-protocol-assignments', 'RFC 2928'],
  ['2001:1::4-2001:1:ffff:ffff:ffff:ffff:ffff:ffff', 'ietf-protocol-assignments', 'RFC 2928'],
  ['2001:2:1::-2001:2:ffff:ffff:ffff:ffff:ffff:ffff', 'ietf-protocol-assignments', 'RFC 2928'],
  ['2001:4::-2001:4:111:ffff:ffff:ffff:ffff:ffff', 'ietf-protocol-assignments', 'RFC 2928'],
  ['2001:4:113::-2001:f:ffff:ffff:ffff:ffff:ffff:ffff', 'ietf-protocol-assignments', 'RFC 2928'],
  ['2001:40::-2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff', 'ietf-protocol-assignments', 'RFC 2928'],
  ['2001:2::/48', 'benchmarking', 'RFC 5180'],
  ['2001:10::/28', 'orchid', 'RFC 4843'],
  ['2001:db8::/32', 'documentation', 'RFC 3849'],
  ['3fff::/20', 'documentation', 'RFC 9637'],
  ['5f00::/16', 'segment-routing', 'RFC 9602'],
  ['fc00::/7', 'unique-local', 'RFC 4193'],
  ['fe80::/10', 'link-local', 'RFC 4291'],
  ['fec0::/10', 'site-local', 'RFC 3879'],
  ['ff00::/8', 'multicast', 'RFC 4291'],
]

/** Outside of 2000::/3 nothing is given out for use on the internet, apart from the translation prefix 64:ff9b::/96. */
const unallocated: readonly Special[] = [
  ['::2-64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff', 'unallocated', 'RFC 4291'],
  ['64:ff9b::1:0:0-64:ff9b:0:ffff:ffff:ffff:ffff:ffff', 'unallocated', 'RFC 4291'],
  ['64:ff9b:2::-ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'unallocated', 'RFC 4291'],
  ['100:0:0:2::-1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'unallocated', 'RFC 4291'],
  ['4000::-5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'unallocated', 'RFC 4291'],
  ['5f01::-fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'unallocated', 'RFC 4291'],
  ['fe00::/9', 'unallocated', 'RFC 4291'],
]

export const specialNetworks: readonly { readonly network: string; readonly label: Label }[] = [
  ...notReachable,
  ...unallocated,
].map(([network, name, reference]) => ({ network, label: { category: `bogon.${name}`, reference } }))
