import { expect, test } from 'vitest'
import type { Arrival } from '../core/record.ts'
import type { Micros } from '../core/time.ts'
import type { AddressFacts } from './address-facts.ts'
import { parseEvent } from './event.ts'
import type { ParseContext } from './event.ts'

const now = Date.parse('2026-06-01T12:00:00Z') * 1_000

function arrive(more: Readonly<Record<string, unknown>>, context: Partial<ParseContext> = {}): Arrival {
  const input = { source: 's', id: '1', kind: 'http_request', account: 'acme', time: '2026-06-01T11:00:00Z', ...more }
  return parseEvent(input, JSON.stringify(input), { now: now as Micros, ownerAt: () => null, ...context })
}

function factOf(arrival: Arrival): string {
  if (arrival.kind !== 'event') throw new Error(JSON.stringify(arrival))
  return arrival.event.fact
}

const known: AddressFacts = { country: 'DE', asn: '64512', categories: 'com.example', version: 'crossfoot:1' }

test.each(['1.5', '-1', '1e+300', 'NaN', '18446744073709551616'])(
  'a number %s that no sender could say is not written into a fact, and the rest of what is known is',
  (asn) => {
    const context = { describeAddress: () => ({ ...known, asn }) }
    const fact = factOf(arrive({ client_address: '1.2.3.4' }, context))
    const right = factOf(arrive({ client_address: '1.2.3.4' }, { describeAddress: () => ({ ...known, asn: null }) }))
    expect(fact).toBe(right)
    expect(fact).toContain('"DE"')
  },
)

test('only Crossfoot says that Crossfoot looked an address up: what it looked up is no part of an event’s content', () => {
  for (const version of ['crossfoot:1', 'crossfoot:', 'crossfoot:1/country'])
    expect(arrive({ ip_version: version, country: 'DE' })).toMatchObject({
      kind: 'held',
      held: { problem: { code: 'EVENT_FIELD_INVALID', field: 'ip_version' } },
    })
  expect(arrive({ ip_version: 'maxmind 2026-06', country: 'DE' }).kind).toBe('event')
  const kept = { ip_version: 'crossfoot:1', country: 'DE' }
  expect(arrive(kept, { keptIpVersion: 'crossfoot:1' }).kind).toBe('event')
  expect(arrive(kept, { keptIpVersion: 'crossfoot:2' }).kind).toBe('held')
})
