import { describe, expect, test } from 'vitest'
import { factFields } from '../core/event.ts'
import type { ParsedEvent } from '../core/record.ts'
import type { Micros } from '../core/time.ts'
import type { AddressFacts, DescribeAddress } from './address-facts.ts'
import { contentHash, parseEvent, saidText } from './event.ts'

const now = (Date.parse('2026-11-21T00:00:00Z') * 1_000) as Micros
const base = {
  source: 'edge',
  id: 'a',
  kind: 'http_request',
  time: '2026-11-20T00:00:00Z',
  client_address: '8.8.8.8',
} as const

function versionOf(number: number, facts: Partial<AddressFacts> = {}): DescribeAddress {
  return (address) =>
    address === '8.8.8.8'
      ? { country: 'US', asn: '15169', categories: 'com.google', version: `crossfoot:${number}`, ...facts }
      : null
}

function parsed(input: Record<string, unknown>, describeAddress?: DescribeAddress): ParsedEvent {
  const arrival = parseEvent(input, '', {
    now,
    ownerAt: () => null,
    ...(describeAddress === undefined ? {} : { describeAddress }),
  })
  if (arrival.kind !== 'event') throw new Error(JSON.stringify(arrival))
  return arrival.event
}

function factsOf({ fact }: ParsedEvent): Record<string, unknown> {
  const values = JSON.parse(fact) as unknown[]
  const wanted = new Set<string>(['country', 'asn', 'ip_categories', 'ip_version'])
  return Object.fromEntries(
    factFields.flatMap(({ name }, index) => (wanted.has(name) ? [[name, values[index] ?? null]] : [])),
  )
}

describe('what is known of an address', () => {
  test('is filled in where the sender says nothing, with the version that said so', () => {
    expect(factsOf(parsed(base, versionOf(7)))).toEqual({
      country: 'US',
      asn: '15169',
      ip_categories: 'com.google',
      ip_version: 'crossfoot:7',
    })
  })

  test('looked up and not known is not the same as not looked up (L13)', () => {
    const nothing = { country: null, asn: null, categories: null }
    expect(factsOf(parsed(base, versionOf(7, nothing)))).toEqual({
      country: null,
      asn: null,
      ip_categories: null,
      ip_version: 'crossfoot:7',
    })
    expect(factsOf(parsed({ ...base, client_address: 'no address' }, versionOf(7)))['ip_version']).toBeNull()
  })

  test('leaves alone what the sender says, and names what it filled in', () => {
    expect(factsOf(parsed({ ...base, country: 'DE' }, versionOf(7)))).toEqual({
      country: 'DE',
      asn: '15169',
      ip_categories: 'com.google',
      ip_version: 'crossfoot:7/asn,ip_categories',
    })
    expect(factsOf(parsed({ ...base, country: 'DE', ip_version: 'maxmind 2026-11' }, versionOf(7)))).toEqual({
      country: 'DE',
      asn: null,
      ip_categories: null,
      ip_version: 'maxmind 2026-11',
    })
  })

  test('L2: is no part of the content: the same event under other lists has the same hash', () => {
    const plain = parsed(base)
    const enriched = [versionOf(1), versionOf(2, { country: 'CH' }), versionOf(3, { country: null, asn: null })].map(
      (describeAddress) => parsed(base, describeAddress),
    )
    for (const event of enriched) {
      expect(event.hash).toBe(plain.hash)
      expect(event.fact).not.toBe(plain.fact)
      expect(saidText(event.fact)).toBe(plain.fact)
      // What a backfill makes of a stored text is what the door makes of the event.
      expect(contentHash(event.fact, event.inspection)).toBe(plain.hash)
    }
  })

  test('what the sender says is content', () => {
    const [none, german, french] = [{}, { country: 'DE' }, { country: 'FR' }].map(
      (own) => parsed({ ...base, ...own }, versionOf(1)).hash,
    )
    expect(new Set([none, german, french]).size).toBe(3)
    expect(parsed({ ...base, country: 'DE' }).hash).toBe(german)
    const other = parsed({ ...base, country: 'DE' }, versionOf(9))
    expect(contentHash(other.fact, other.inspection)).toBe(german)
  })

  test('an event that comes back out of an export is the event that went in', () => {
    const event = parsed(base, versionOf(7))
    const facts = factsOf(event)
    const again = parsed({ ...base, ...facts }, versionOf(8, { country: 'CH' }))
    expect(again.hash).toBe(event.hash)
    expect(again.fact).toBe(event.fact)
  })

  test('what is kept is canonical, however much the sender says', () => {
    for (const more of [{}, { started: '2026-11-20T00:00:00Z' }, { client: 'ngrok' }, { country: 'DE' }]) {
      const { fact } = parsed({ ...base, ...more }, versionOf(1))
      expect(JSON.stringify(JSON.parse(fact))).toBe(fact)
      expect((JSON.parse(fact) as unknown[]).length).toBe(32)
    }
  })

  test('an event without anything to look up keeps the text and the hash that it had before there was a look-up', () => {
    const { client_address: _, ...without } = base
    const event = parsed(without, versionOf(7))
    expect((JSON.parse(event.fact) as unknown[]).length).toBe(24)
    expect(event.hash).toBe(parsed(without).hash)
  })
})
