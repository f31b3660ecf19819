/**
 * Cloud, hosting and delivery networks, by the numbers of their autonomous systems: what can be said of an address without
 * any list. Written down from public registration data; a provider's own list of ranges says more (regions, services) and
 * comes as a source.
 */
import { isWithin } from './said.ts'
import type { Label } from './said.ts'

export interface Provider {
  readonly category: string
  readonly name: string
  /** Rents out computers: what comes from there is a program more often than a person. */
  readonly hosting: boolean
  readonly asns: readonly number[]
}

/** Raised with every change of the table, so that versions tell it apart. */
export const providersVersion = '2026-11-22'

export const providers: readonly Provider[] = [
  {
    category: 'com.aws',
    name: 'Amazon Web Services',
    hosting: true,
    asns: [16509, 14618, 8987, 7224, 38895, 62785, 801],
  },
  { category: 'com.google.cloud', name: 'Google Cloud', hosting: true, asns: [396982] },
  {
    category: 'com.google',
    name: 'Google',
    hosting: true,
    asns: [15169, 36384, 394089, 43515, 36040, 395973, 36492, 19527],
  },
  { category: 'com.microsoft.azure', name: 'Microsoft Azure', hosting: true, asns: [] },
  { category: 'com.microsoft', name: 'Microsoft', hosting: true, asns: [8075, 8069, 8070, 8068, 12076] },
  { category: 'com.oracle', name: 'Oracle Cloud', hosting: true, asns: [31898, 54253] },
  { category: 'com.digitalocean', name: 'DigitalOcean', hosting: true, asns: [14061, 393406, 46652] },
  { category: 'com.linode', name: 'Linode', hosting: true, asns: [63949, 48337] },
  {
    category: 'com.akamai',
    name: 'Akamai',
    hosting: true,
    asns: [20940, 16625, 35994, 36183, 24319, 32787, 34164, 21342, 12222, 33905],
  },
  { category: 'com.vultr', name: 'Vultr', hosting: true, asns: [20473] },
  {
    category: 'com.cloudflare',
    name: 'Cloudflare',
    hosting: true,
    asns: [13335, 209242, 14789, 395747, 132892, 202623, 203898],
  },
  { category: 'com.fastly', name: 'Fastly', hosting: true, asns: [54113] },
  { category: 'com.hetzner', name: 'Hetzner', hosting: true, asns: [24940, 213230, 212317, 215859] },
  { category: 'com.ovh', name: 'OVHcloud', hosting: true, asns: [16276, 35540] },
  { category: 'com.scaleway', name: 'Scaleway', hosting: true, asns: [12876] },
  { category: 'com.alibaba.cloud', name: 'Alibaba Cloud', hosting: true, asns: [45102, 134963, 37963] },
  { category: 'com.tencent.cloud', name: 'Tencent Cloud', hosting: true, asns: [45090, 132203, 133478] },
  { category: 'com.huawei.cloud', name: 'Huawei Cloud', hosting: true, asns: [136907, 55990] },
  { category: 'com.ibm.cloud', name: 'IBM Cloud', hosting: true, asns: [36351] },
  {
    category: 'com.leaseweb',
    name: 'Leaseweb',
    hosting: true,
    asns: [60781, 395954, 28753, 27411, 7203, 396190, 30633, 396362, 59253, 394380],
  },
  { category: 'com.contabo', name: 'Contabo', hosting: true, asns: [51167, 40021, 141995] },
  { category: 'com.ionos', name: 'IONOS', hosting: true, asns: [8560] },
  { category: 'com.rackspace', name: 'Rackspace', hosting: true, asns: [33070, 19994, 27357, 15395, 12200] },
  { category: 'com.upcloud', name: 'UpCloud', hosting: true, asns: [202053, 25697] },
  { category: 'com.m247', name: 'M247', hosting: true, asns: [9009, 16247] },
  { category: 'com.datacamp', name: 'Datacamp (CDN77)', hosting: true, asns: [212238, 60068] },
  { category: 'com.gcore', name: 'Gcore', hosting: true, asns: [199524, 202422] },
  { category: 'net.bunny', name: 'bunny.net', hosting: true, asns: [200325] },
  { category: 'com.github', name: 'GitHub', hosting: true, asns: [36459] },
  { category: 'com.zscaler', name: 'Zscaler', hosting: false, asns: [22616, 62044, 53813] },
  { category: 'com.apple', name: 'Apple', hosting: false, asns: [714, 6185] },
  { category: 'com.meta', name: 'Meta', hosting: false, asns: [32934, 63293] },
  { category: 'com.anthropic', name: 'Anthropic', hosting: false, asns: [399358] },
  { category: 'com.openai', name: 'OpenAI', hosting: false, asns: [] },
]

export const providerAsns: readonly (readonly [number, readonly Label[]])[] = providers.flatMap(({ category, asns }) =>
  asns.map((asn): readonly [number, readonly Label[]] => [asn, [{ category }]]),
)

/** The provider that a category is about: `com.aws.ec2` is about Amazon Web Services. The narrowest counts. */
export function providerOf(category: string): Provider | null {
  const found = providers.filter((provider) => isWithin(category, provider.category))
  return found.toSorted((a, b) => b.category.length - a.category.length)[0] ?? null
}
