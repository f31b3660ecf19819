import { describe, expect, test } from 'vitest'
import { compile } from './compile.ts'
import { decodeCompiled, encodeCompiled } from './compiled-file.ts'
import { LookupTable } from './lookup.ts'
import { answerOf } from './answer.ts'
import type { IpAnswer } from './answer.ts'
import { categoriesText } from './describe.ts'
import { readSource } from './read-source.ts'
import type { SourceForm } from './read-source.ts'
import { embeddedSources } from './embedded.ts'
import { mostSpecific } from './said.ts'

function asked(
  text: string,
  address: string,
  { form = null, category = null }: { form?: SourceForm | null; category?: string | null } = {},
): IpAnswer {
  const content = readSource({ bytes: Buffer.from(text), form, category })
  if (!content.ok) throw new Error(content.error)
  const own = { name: 'own', version: '7', table: content.value.table }
  const embedded = embeddedSources()
    .filter(({ name }) => name === 'special-purpose' || name === 'providers')
    .map(({ name, version, read }) => ({ name, version, table: read() }))
  const file = decodeCompiled(Buffer.from(encodeCompiled(compile([own, ...embedded]))))
  if (!file.ok) throw new Error(file.error)
  const table = new LookupTable(file.value)
  const placed = table.place(address)
  if (placed === null) throw new Error(`${address} is no address`)
  return answerOf('crossfoot:1', table, placed)
}

function refused(text: string, category: string | null = null): string {
  const content = readSource({ bytes: Buffer.from(text), form: null, category })
  return content.ok ? 'taken' : content.error
}

const aws = JSON.stringify({
  syncToken: '1',
  createDate: '2026-11-01-00-00-00',
  prefixes: [
    { ip_prefix: '3.5.0.0/16', region: 'us-east-1', service: 'AMAZON' },
    { ip_prefix: '3.5.0.0/19', region: 'us-east-1', service: 'EC2' },
    { ip_prefix: '3.5.0.0/24', region: 'us-east-1', service: 'S3' },
    { ip_prefix: '13.32.0.0/15', region: 'GLOBAL', service: 'CLOUDFRONT' },
  ],
  ipv6_prefixes: [{ ipv6_prefix: '2600:1f00::/24', region: 'eu-west-1', service: 'EC2' }],
})

describe('lists', () => {
  test('Amazon’s ranges: service and region, wider categories implied, and who said so', () => {
    const answer = asked(aws, '3.5.0.9')
    expect(answer.provider).toEqual({ name: 'Amazon Web Services', region: 'us-east-1', hosting: true })
    expect(answer.categories.map(({ name, implied }) => [name, implied])).toEqual([
      ['com', true],
      ['com.aws', false],
      ['com.aws.ec2', true],
      ['com.aws.ec2.us-east-1', false],
      ['com.aws.s3', true],
      ['com.aws.s3.us-east-1', false],
    ])
    expect(answer.categories[3]).toMatchObject({ list: 'own', list_version: '7' })
    expect(answer.network).toBe('3.5.0.0/24')
    expect(asked(aws, '3.5.1.9').categories.map(({ name }) => name)).not.toContain('com.aws.s3')
    expect(asked(aws, '13.32.1.1').categories.map(({ name }) => name)).toContain('com.aws.cloudfront')
    expect(asked(aws, '13.32.1.1').provider?.region).toBeNull()
    expect(asked(aws, '2600:1fff::1').provider?.region).toBe('eu-west-1')
  })

  test('one network a line, with comments; nested ones add up', () => {
    const text = '# who\n10.1.0.0/16\n\n10.1.2.3 ; one\n2001:db8::/32\n'
    const answer = asked(text, '10.1.2.3', { category: 'proxy.vpn.example' })
    expect(answer.categories.map(({ name }) => name)).toEqual([
      'bogon',
      'bogon.private-use',
      'proxy',
      'proxy.vpn',
      'proxy.vpn.example',
    ])
    expect(answer.flags).toEqual({
      proxy: null,
      vpn: true,
      tor: null,
      relay: null,
      bogon: true,
      hosting: null,
      blocklist: null,
    })
    // Which lists do not say no is not known (L13); bogons are all known.
    expect(asked(text, '8.8.8.8', { category: 'proxy.vpn.example' }).flags).toMatchObject({ vpn: null, bogon: false })
  })

  test('networks with categories and regions', () => {
    const text = 'network,category,region\n192.0.2.0/25,com.example.edge,"eu, west"\n192.0.2.0/24,blocklist.example\n'
    const answer = asked(text, '192.0.2.9')
    expect(answer.categories.map(({ name }) => name)).toContain('com.example.edge')
    expect(answer.flags.blocklist).toBe(true)
    expect(asked(text, '192.0.2.200').categories.map(({ name }) => name)).not.toContain('com.example.edge')
  })

  test('autonomous systems, as the list of bad ones is written', () => {
    const content = readSource({
      bytes: Buffer.from('ASN,Entity\n198375,"X, FR"\nAS51447, "Y"\n'),
      form: null,
      category: 'public.bad',
    })
    expect(content.ok && content.value.form).toBe('asns')
    expect(content.ok && content.value.table.asns).toEqual([
      [51447, [{ category: 'public.bad' }]],
      [198375, [{ category: 'public.bad' }]],
    ])
  })

  test.each([
    ['10.0.0.0/8\n10.0.0.1/8\n', 'a.b', /line 2 is no address, network or range/],
    ['10.0.0.0/8\n', null, /name a category/],
    ['10.0.0.0/8\n', 'No Category', /is no category/],
    ['{"a":1}', null, /neither a MaxMind database/],
    ['{"prefixes":[{"ip_prefix":"x"}],"ipv6_prefixes":[]}', null, /prefix 1/],
    ['{"prefixes":[', null, /JSON/],
    ['network,category\n10.0.0.0/8,Not A Name\n', null, /line 2 has no category/],
    ['1\n2\nx\n', 'a.b', /line 3 does not begin/],
    ['# nothing\n', 'a.b', /neither/],
  ])('%j is refused with the place of the mistake', (text, category, message) => {
    expect(refused(text, category)).toMatch(message)
  })

  test('an event keeps the most specific names, sorted, as many as fit as a whole', () => {
    expect(mostSpecific(['com', 'com.aws.ec2', 'com.aws', 'bogon', 'com.awsome'])).toEqual([
      'bogon',
      'com.aws.ec2',
      'com.awsome',
    ])
    expect(categoriesText(['com.aws', 'com.aws.ec2'])).toBe('com.aws.ec2')
    expect(categoriesText([])).toBeNull()
    const many = Array.from({ length: 40 }, (_, index) => `list.${String(index).padStart(4, '0')}`)
    const text = categoriesText(many) ?? ''
    expect(text.length).toBeLessThanOrEqual(255)
    expect(text.split(' ')).toEqual(many.slice(0, 25))
  })
})
