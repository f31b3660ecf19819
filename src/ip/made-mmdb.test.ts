import { Reader } from 'maxmind'
import type { CountryResponse } from 'maxmind'
import { expect, test } from 'vitest'
import { mmdb, mmdbOfAll } from '../../test/support/mmdb.ts'
import { answerOf } from './answer.ts'
import type { IpAnswer } from './answer.ts'
import { compile } from './compile.ts'
import { decodeCompiled, encodeCompiled } from './compiled-file.ts'
import { describerOf } from './describe.ts'
import { LookupTable } from './lookup.ts'
import { readAsnCsv } from './read-asn-csv.ts'
import { readSource } from './read-source.ts'
import { specialNetworks } from './special.ts'
import { listedNetwork, tableOfList } from './source-table.ts'
import type { SourceTable } from './source-table.ts'

function opened(table: SourceTable): LookupTable {
  const file = decodeCompiled(Buffer.from(encodeCompiled(compile([{ name: 'test', version: '1', table }]))))
  if (!file.ok) throw new Error(file.error)
  return new LookupTable(file.value)
}

function tableOf(bytes: Buffer): SourceTable {
  const content = readSource({ bytes, form: null, category: null })
  if (!content.ok) throw new Error(content.error)
  return content.value.table
}

function ask(table: LookupTable, address: string): IpAnswer {
  const placed = table.place(address)
  if (placed === null) throw new Error(`${address} is no address`)
  return answerOf('crossfoot:1', table, placed)
}

test.each([0, 64_512, 4_294_967_295])('%d is the number of an autonomous system', (number) => {
  const table = opened(tableOf(mmdbOfAll({ autonomous_system_number: number })))
  expect(ask(table, '1.2.3.4').asn?.number).toBe(number)
  expect(describerOf(table, 'crossfoot:1')('2001:db8::1')?.asn).toBe(String(number))
})

test.each([Number.NaN, 1.5, -1, 4_294_967_296, 1e300, Number.POSITIVE_INFINITY])(
  'a database with %d for the number of an autonomous system is refused',
  (number) => {
    const content = readSource({
      bytes: mmdbOfAll({ autonomous_system_number: { double: number } }),
      form: null,
      category: null,
    })
    expect(content).toMatchObject({ ok: false, error: expect.stringContaining('autonomous system') as unknown })
  },
)

test('what is kept from before numbers were checked describes no number, and does not break', () => {
  const kept = tableOf(mmdbOfAll({ autonomous_system_number: 1, country: { iso_code: 'DE' } }))
  // As JSON has them: a NaN is null there.
  for (const number of [null, 1.5, -1, 1e300]) {
    const asn = { number: number as number, organisation: null }
    const table = opened({ ...kept, records: kept.records.map((said) => ('asn' in said ? { ...said, asn } : said)) })
    expect(describerOf(table, 'crossfoot:1')('1.2.3.4')).toMatchObject({ asn: null, country: 'DE' })
    expect(ask(table, '1.2.3.4').asn).toBeNull()
  }
})

test.each(['', '1.5', '-1', '4294967296', '1e3'])('a table of systems with the number "%s" is refused', (number) => {
  expect(() => readAsnCsv({ four: `1.0.0.0,1.0.0.255,${number},X\n`, six: '' })).toThrow(/line 1/)
})

test('where one record covers all of IPv4 in a tree of IPv6, others that say the same still count', () => {
  const file = mmdb({
    nodes: [
      [{ record: 0 }, { node: 1 }],
      [{ record: 0 }, { record: 1 }],
    ],
    records: [{ country: { iso_code: 'DE' } }, { country: { iso_code: 'FR' } }],
    ipVersion: 6,
    type: 'Test-Country',
  })
  const [table, reader] = [opened(tableOf(file)), new Reader<CountryResponse>(file)]
  for (const address of ['1.2.3.4', '2001:db8::1', '8000::1', 'c000::1'])
    expect(ask(table, address).country.located, address).toBe(reader.get(address)?.country?.iso_code)
})

test('where a tree of IPv6 has nothing about IPv4, nothing is left out', () => {
  const file = mmdb({
    nodes: [['nothing', { record: 0 }]],
    records: [{ country: { iso_code: 'DE' } }],
    ipVersion: 6,
    type: 'Test-Country',
  })
  const table = opened(tableOf(file))
  expect([ask(table, '1.2.3.4').country.located, ask(table, 'c000::1').country.located]).toEqual([null, 'DE'])
})

test('L13: a database about the anonymity of IPv4 says no of IPv4, and nothing of IPv6', () => {
  const half = (ipVersion: 4 | 6): Buffer =>
    mmdb({
      nodes: [['nothing', { record: 0 }]],
      records: [{ is_anonymous_vpn: true }],
      ipVersion,
      type: 'GeoIP2-Anonymous-IP',
    })
  const four = opened(tableOf(half(4)))
  expect(ask(four, '200.1.1.1').flags).toMatchObject({ vpn: true, tor: false, relay: null })
  expect(ask(four, '100.1.1.1').flags).toMatchObject({ vpn: false, tor: false })
  expect(ask(four, '2001:db8::1').flags).toMatchObject({ vpn: null, tor: null })
  // Of IPv6 only, it is the other way round.
  const six = opened(tableOf(half(6)))
  expect(ask(six, '2001:db8::1').flags).toMatchObject({ vpn: false, tor: false })
  expect(ask(six, '100.1.1.1').flags).toMatchObject({ vpn: null, tor: null })
})

test('IANA: of 2001::/23 only what is listed as reachable is no bogon', () => {
  const listed = specialNetworks.flatMap(({ network, label }) => listedNetwork(network, label) ?? [])
  expect(listed.length).toBe(specialNetworks.length)
  const table = opened(tableOfList(listed, ['bogon']))
  const bogon = (address: string): boolean | null => ask(table, address).flags.bogon
  const local = ['2001:1::', '2001:1::4', '2001:2:1::1', '2001:4::1', '2001:5::1', '2001:f::1', '2001:1ff:ffff::1']
  for (const address of local) expect(bogon(address), address).toBe(true)
  const reachable = ['2001:0:1::1', '2001:1::1', '2001:1::2', '2001:1::3', '2001:3::1', '2001:4:112::1']
  for (const address of [...reachable, '2001:20::1', '2001:3f::1', '2001:200::1'])
    expect(bogon(address), address).toBe(false)
})
