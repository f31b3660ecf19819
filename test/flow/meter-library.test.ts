import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exact, formatExact } from '../../src/core/exact.ts'
import type { AccountKey } from '../../src/core/ids.ts'
import { parseInstant } from '../../src/core/time.ts'
import type { Micros } from '../../src/core/time.ts'
import { parseMeter } from '../../src/meter/definition.ts'
import type { MeterDefinition } from '../../src/meter/definition.ts'
import { library, libraryEntry } from '../../src/meter/library.ts'
import { arrivalOf } from '../support/events.ts'
import { openPipeline } from '../support/pipeline.ts'
import type { Pipeline } from '../support/pipeline.ts'

type Event = Readonly<Record<string, unknown>>

const now = instant('2026-10-04T00:00:00Z')
/** Three days of October: 864 intervals of 5 minutes. */
const period = { from: instant('2026-10-01T00:00:00Z'), to: instant('2026-10-04T00:00:00Z') }

function instant(text: string): Micros {
  const parsed = parseInstant(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

/** `2 10:30` → the 2nd of October, 10:30. */
function at(when: string, event: Event): Event {
  const [day = '', time = ''] = when.split(' ')
  return { ...event, time: `2026-10-${day.padStart(2, '0')}T${time}:00Z` }
}

const http = (when: string, event: Event = {}): Event =>
  at(when, { kind: 'http_request', endpoint: 'a.example.com', ...event })
const usage = (when: string, name: string, quantity: string, attributes: Event = {}): Event =>
  at(when, { kind: 'usage', name, quantity, attributes })
const sent = { bytes_out_wire: 100, bytes_out_body: 60, bytes_in_wire: 30, bytes_in_body: 4 }

/** For each meter: events, and what they come to, counted by hand. */
const cases: Readonly<Record<string, { readonly events: readonly Event[]; readonly expected: string }>> = {
  http_requests: {
    // The interim record belongs to a request that goes on; the agent's leg is the same request again.
    events: [
      http('1 10:00'),
      http('1 10:00'),
      http('1 10:01', { phase: 'interim' }),
      http('1 10:02', { leg: 'agent' }),
    ],
    expected: '2',
  },
  data_out_wire: { events: [http('1 10:00', sent), http('2 10:00', { ...sent, phase: 'interim' })], expected: '200' },
  data_out_all_legs: {
    // 100 to the visitor, 30 of the request to the agent; a usage record is no traffic.
    events: [
      http('1 10:00', sent),
      http('1 10:00', { leg: 'agent', bytes_out_wire: 30, bytes_in_wire: 100 }),
      { ...usage('1 10:00', 'other', '7'), bytes_out_wire: 5 },
    ],
    expected: '130',
  },
  data_out_body: { events: [http('1 10:00', sent), usage('2 10:00', 'other', '7')], expected: '60' },
  data_in_wire: { events: [http('1 10:00', sent), http('2 10:00', sent)], expected: '60' },
  data_in_body: { events: [http('1 10:00', sent), usage('2 10:00', 'other', '7')], expected: '4' },
  tcp_connections: {
    events: [
      at('1 10:00', { kind: 'tcp_connection', phase: 'interim' }),
      at('1 11:00', { kind: 'tcp_connection' }),
      at('1 11:00', { kind: 'tls_connection' }),
    ],
    expected: '1',
  },
  tls_connections: {
    events: [at('1 11:00', { kind: 'tls_connection' }), at('1 11:00', { kind: 'tls_connection' }), http('1 11:00')],
    expected: '2',
  },
  bandwidth_p95: {
    // 864 intervals, floor(5 %) = 43 dropped. 43 with 6,000,000,000 bytes out, one with 300,000,000 bytes in and
    // 3,000,000 out; the rest had nothing. 300,000,000 × 8 / 300 s.
    events: [
      ...Array.from({ length: 43 }, (_, index) =>
        http(`1 ${String(Math.floor(index / 12)).padStart(2, '0')}:${String((index % 12) * 5).padStart(2, '0')}`, {
          bytes_out_wire: 6_000_000_000,
          bytes_in_wire: 1,
        }),
      ),
      http('2 10:01', { bytes_in_wire: 200_000_000, bytes_out_wire: 3_000_000 }),
      http('2 10:04', { bytes_in_wire: 100_000_000, bytes_out_wire: 0 }),
    ],
    expected: '8000000',
  },
  policy_units: {
    events: [
      usage('1 10:00', 'policy_units', '110'),
      usage('1 10:00', 'policy_units', '0.5'),
      usage('1 10:00', 'x', '9'),
    ],
    expected: '110.5',
  },
  log_exports: {
    events: [usage('1 10:00', 'log_exports', '2000'), usage('2 10:00', 'log_exports', '1')],
    expected: '2001',
  },
  monthly_identities: {
    // Three sign-ins of two users; a visitor who never signed in is nobody's identity.
    events: [
      http('1 10:00', { attributes: { identity: 'u1' } }),
      http('2 10:00', { endpoint: 'b.example.com', attributes: { identity: 'u1' } }),
      http('3 10:00', { attributes: { identity: 'u2' } }),
      http('3 10:00'),
    ],
    expected: '2',
  },
  active_endpoint_hours: {
    // 10 h and 11 h of a, 10 h of b; at 12 h nothing was sent.
    events: [
      http('1 10:00', sent),
      http('1 10:59', sent),
      http('1 11:00', sent),
      http('1 10:30', { ...sent, endpoint: 'b.example.com' }),
      http('1 12:00', { bytes_out_wire: 0, bytes_in_wire: 5 }),
    ],
    expected: '3',
  },
  public_endpoint_hours: {
    events: [
      http('1 10:00', { ...sent, attributes: { endpoint_type: 'custom' } }),
      http('1 11:00', { ...sent, attributes: { endpoint_type: 'branded' } }),
      http('1 12:00', { ...sent, attributes: { endpoint_type: 'internal' } }),
      http('1 13:00', { ...sent, attributes: { endpoint_type: 'dev' } }),
      http('1 14:00', sent),
      at('1 15:00', {
        ...sent,
        kind: 'tcp_connection',
        endpoint: '1.tcp.example.com:20100',
        attributes: { endpoint_type: 'tcp' },
      }),
    ],
    expected: '3',
  },
  certificate_hours: {
    // One certificate on two endpoints in one hour is one; an hour in which nothing was sent is none.
    events: [
      http('1 10:00', { ...sent, attributes: { certificate: 'c1' } }),
      http('1 10:30', { ...sent, endpoint: 'b.example.com', attributes: { certificate: 'c1' } }),
      http('1 11:00', { ...sent, attributes: { certificate: 'c1' } }),
      http('1 11:10', { ...sent, attributes: { certificate: 'c2' } }),
      http('1 12:00', { bytes_in_wire: 1, attributes: { certificate: 'c2' } }),
      http('1 10:20', sent),
    ],
    expected: '3',
  },
  pinned_endpoint_hours: {
    // The hour in which it only received is active here.
    events: [
      http('1 10:00', { ...sent, attributes: { pinned: 'true' } }),
      http('1 11:00', { bytes_in_wire: 1, attributes: { pinned: 'true' } }),
      http('1 12:00', { ...sent, attributes: { pinned: 'false' } }),
      // Idle: a record of a connection over which nothing went, with sizes of zero and with none at all.
      at('1 13:00', {
        kind: 'tcp_connection',
        phase: 'interim',
        endpoint: 'a.example.com',
        bytes_out_wire: 0,
        bytes_in_wire: 0,
        attributes: { pinned: 'true' },
      }),
      http('1 14:00', { attributes: { pinned: 'true' } }),
    ],
    expected: '2',
  },
  custom_domain_hours: {
    // a from the month before until 1 h of the 1st: 1 hour. b for 90 minutes: 1.5 hours.
    events: [
      { ...usage('1 00:00', 'custom_domain', '1', { domain: 'a' }), time: '2026-09-20T00:00:00Z' },
      usage('1 01:00', 'custom_domain', '0', { domain: 'a' }),
      usage('2 10:00', 'custom_domain', '1', { domain: 'b' }),
      usage('2 11:30', 'custom_domain', '0', { domain: 'b' }),
    ],
    expected: '2.5',
  },
  reserved_address_hours: {
    // Held until the period's end: 24 hours of the 3rd.
    events: [usage('3 00:00', 'tcp_address', '1', { address: 'x:1' })],
    expected: '24',
  },
  storage_byte_hours: {
    // 1000 bytes for 2 hours, 500 for 1 hour, then removed.
    events: [
      usage('1 10:00', 'storage', '1000', { volume: 'v' }),
      usage('1 12:00', 'storage', '500', { volume: 'v' }),
      usage('1 13:00', 'storage', '0', { volume: 'v' }),
    ],
    expected: '2500',
  },
  concurrent_sessions: {
    // s1 10:00–12:00, s2 11:00–13:00, s3 12:00–14:00: two at once, because s1 ends as s3 begins.
    events: ['10:00 s1 12:00', '11:00 s2 13:00', '12:00 s3 14:00'].flatMap((life) => {
      const [begin = '', session = '', end = ''] = life.split(' ')
      return [
        at(`1 ${begin}`, { kind: 'session', phase: 'start', session, attributes: { heartbeat_seconds: '0' } }),
        at(`1 ${end}`, { kind: 'session', phase: 'final', session }),
      ]
    }),
    expected: '2',
  },
  users: {
    // u1 was added the month before; u3 came and went.
    events: [
      { ...usage('1 00:00', 'user', '1', { user: 'u1', change: 'added' }), time: '2026-09-20T00:00:00Z' },
      usage('1 10:00', 'user', '1', { user: 'u2', change: 'added' }),
      usage('1 10:00', 'user', '1', { user: 'u3', change: 'added' }),
      usage('2 10:00', 'user', '1', { user: 'u3', change: 'removed' }),
    ],
    expected: '2',
  },
}

function meterOf(key: string): MeterDefinition {
  const parsed = parseMeter(libraryEntry(key).meter, 1)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  return parsed.value
}

describe('the library of meters', () => {
  let pipeline: Pipeline
  let below: Awaited<ReturnType<Pipeline['fresh']>>['projection']

  beforeAll(async () => {
    pipeline = await openPipeline()
    const { log, projection } = await pipeline.fresh()
    // Each meter has an account of its own for its case, and one for its example.
    const arrivals = library.flatMap(({ meter: { key }, example }) => [
      ...(cases[key]?.events ?? []).map((event, index) =>
        arrivalOf({ ...event, source: `case-${key}`, id: String(index), account: key }, now),
      ),
      arrivalOf(
        { ...example, source: `example-${key}`, id: 'e', time: '2026-10-03T10:00:00Z', account: `${key}-example` },
        now,
      ),
    ])
    expect(arrivals.filter(({ kind }) => kind !== 'event')).toEqual([])
    await log.append(arrivals, now)
    await projection.catchUp()
    below = projection
  })
  afterAll(() => pipeline.close())

  const ask = async (key: string, account: string): Promise<string | null> => {
    const meter = meterOf(key)
    const question = { account: account as AccountKey, meter, period, window: null, zone: 'UTC', groupBy: [] }
    const { total, eventsWithoutValue } = await pipeline.readUsage({ ...question, below: below.position() })
    expect(eventsWithoutValue).toBe(0n)
    return total === null ? null : formatExact(total)
  }

  test('every entry has a case, a name of its own, and words', () => {
    expect(library.map(({ meter }) => meter.key).toSorted()).toEqual(Object.keys(cases).toSorted())
    for (const { about, needs } of library) expect([about.length > 20, needs.length > 20]).toEqual([true, true])
  })

  test.each(Object.keys(cases))('%s comes to what was counted by hand', async (key) => {
    expect(await ask(key, key)).toBe(cases[key]?.expected)
  })

  test.each(Object.keys(cases))('the example of %s is one of the events that it counts', async (key) => {
    const meter: MeterDefinition = { ...meterOf(key), aggregation: { kind: 'count' } }
    const account = `${key}-example` as AccountKey
    const question = { account, meter, period, window: null, zone: 'UTC', groupBy: [], below: below.position() }
    expect((await pipeline.readUsage(question)).total).toEqual(exact('1'))
  })
})
