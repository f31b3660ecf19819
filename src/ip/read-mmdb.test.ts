import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Reader } from 'maxmind'
import type { Response } from 'maxmind'
import { describe, expect, test } from 'vitest'
import { compile } from './compile.ts'
import { decodeCompiled, encodeCompiled } from './compiled-file.ts'
import { LookupTable } from './lookup.ts'
import { readMmdb } from './read-mmdb.ts'

/** MaxMind's own test databases, with their sources as JSON; not a part of the project. */
const folder = join(import.meta.dirname, '../../../shared/data/ip/maxmind-test')
const isThere = existsSync(folder)
if (!isThere) process.stderr.write('skipped: the databases of MaxMind’s tests are not beside the project\n')

const fileOf = (name: string): Buffer => readFileSync(join(folder, `${name}.mmdb`))

function opened(name: string): LookupTable {
  const { table } = readMmdb(fileOf(name))
  const file = decodeCompiled(Buffer.from(encodeCompiled(compile([{ name, version: '1', table }]))))
  if (!file.ok) throw new Error(file.error)
  return new LookupTable(file.value)
}

/** A tree of IPv6 has IPv4 at ::/96, and its source writes it so. */
function addressOf(network: string): string {
  return (network.split('/')[0] ?? '').replace(/^::(?=\d+\.)/, '')
}

/** The first addresses of the networks of a source file. */
function addressesOf(name: string): string[] {
  const rows = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Record<string, unknown>[]
  return rows.flatMap((row) => Object.keys(row).map(addressOf))
}

type Fields = Readonly<Record<string, unknown>>
const fieldsOf = (value: unknown): Fields => (value ?? {}) as Fields

describe.skipIf(!isThere)('databases of MaxMind', () => {
  test.each(['GeoLite2-ASN-Test'])(
    '%s: every network of its source has the number that the maxmind package gives',
    (name) => {
      const [table, reader] = [opened(name), new Reader<Response>(fileOf(name))]
      for (const address of addressesOf(name)) {
        const own = fieldsOf(reader.get(address))
        const found = table.find(address)?.asn ?? null
        expect(found?.number ?? null, address).toBe(own['autonomous_system_number'] ?? null)
        expect(found?.organisation ?? null, address).toBe(own['autonomous_system_organization'] ?? null)
      }
    },
  )

  test.each(['GeoLite2-Country-Test', 'GeoLite2-City-Test'])(
    '%s: located and registered are those of the maxmind package',
    (name) => {
      const [table, reader] = [opened(name), new Reader<Response>(fileOf(name))]
      const addresses = addressesOf(name)
      expect(addresses.length).toBeGreaterThan(100)
      for (const address of addresses) {
        const own = fieldsOf(reader.get(address))
        const found = table.find(address)?.countries
        expect(found?.located?.country ?? null, address).toBe(fieldsOf(own['country'])['iso_code'] ?? null)
        expect(found?.registered?.country ?? null, address).toBe(
          fieldsOf(own['registered_country'])['iso_code'] ?? null,
        )
      }
    },
  )

  test('Anonymous Plus: categories, confidence, the day it was last seen, and through whom', () => {
    const name = 'GeoIP-Anonymous-Plus-Test'
    const rows = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Record<string, Fields>[]
    const table = opened(name)
    for (const [network, said] of rows.flatMap((row) => Object.entries(row))) {
      const about = table.find(addressOf(network))?.about
      const categories = about?.labels.map(({ category }) => category) ?? []
      expect(categories.includes('proxy.vpn'), network).toBe(said['is_anonymous_vpn'] === true)
      expect(categories.includes('proxy.tor'), network).toBe(said['is_tor_exit_node'] === true)
      expect(categories.includes('proxy.public'), network).toBe(said['is_public_proxy'] === true)
      expect(categories.includes('proxy.residential'), network).toBe(said['is_residential_proxy'] === true)
      expect(categories.includes('hosting'), network).toBe(said['is_hosting_provider'] === true)
      expect(about?.anonymity?.confidence ?? null, network).toBe(said['anonymizer_confidence'] ?? null)
      expect(about?.anonymity?.lastSeen ?? null, network).toBe(said['network_last_seen'] ?? null)
      expect(about?.anonymity?.provider ?? null, network).toBe(said['provider_name'] ?? null)
    }
    expect(table.complete.four).toEqual(['proxy', 'vpn', 'tor', 'hosting'])
  })

  test.each([
    ['MaxMind-DB-test-broken-pointers-24', /Unknown type|points outside/],
    ['MaxMind-DB-test-broken-search-tree-24', /deeper than an address|circle|points outside/],
    ['GeoIP2-City-Test-Invalid-Node-Count', /number of nodes/],
  ])('%s is refused', (name, why) => {
    expect(() => readMmdb(fileOf(name))).toThrow(why)
  })

  test('a database that lost its end, or a byte of its tree’s end, is refused', () => {
    const file = fileOf('GeoLite2-ASN-Test')
    expect(() => readMmdb(file.subarray(0, file.length / 2))).toThrow()
    const damaged = Buffer.from(file)
    const { searchTreeSize } = new Reader<Response>(file).metadata
    damaged[searchTreeSize + 3] = 1
    expect(() => readMmdb(damaged)).toThrow(/number of nodes/)
  })

  test('a tree that runs in a circle is refused, and does not run for ever', () => {
    const file = Buffer.from(fileOf('GeoLite2-ASN-Test'))
    // Both records of the first node lead to the first node: 28 bits each.
    file.fill(0, 0, 7)
    expect(() => readMmdb(file)).toThrow(/circle|deeper/)
  })
})
