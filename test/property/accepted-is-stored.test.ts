import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { receive } from '../../src/ingest/receive.ts'
import type { EventLog } from '../../src/log/log.ts'
import type { Projection } from '../../src/store/project.ts'
import { testNow } from '../support/events.ts'
import { openPipeline } from '../support/pipeline.ts'
import type { Pipeline } from '../support/pipeline.ts'

/**
 * Whatever the door accepts can be stored: no event that was acknowledged may stop the projection, be left out of
 * the store, or arrive there as something else.
 */
const printable = [
  '\\N',
  '\\',
  '"',
  "'",
  '`',
  '\\"',
  '\u2028',
  '\ufeff',
  'NULL',
  'NaN',
  '[]',
  '{"a":1}',
  ',',
  '🙂',
  'é',
]
const control = ['\t', '\r\n', '\u0000', '\u007f']
const parts = (of: readonly string[]): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...of), { minLength: 1, maxLength: 5 }).map((some) => some.join(''))
const halfPairs = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) })
/** A name that the door takes as a rule; hostile to whoever reads it later. */
const name = fc.oneof(
  { weight: 20, arbitrary: parts([...printable, "'); DROP TABLE fact; --", 'x'.repeat(40)]) },
  { weight: 20, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }) },
  { weight: 3, arbitrary: fc.constantFrom('x'.repeat(255), 'ü'.repeat(255), '🙂'.repeat(127)) },
  { weight: 1, arbitrary: fc.oneof(parts(control), halfPairs, fc.constant('🙂'.repeat(128))) },
)
/** Free text, where control characters are welcome. */
const text = fc.oneof(
  { weight: 20, arbitrary: parts([...printable, ...control]) },
  { weight: 20, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  { weight: 1, arbitrary: halfPairs },
)
const count = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 0, max: 70_000 }) },
  { weight: 20, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String) },
  { weight: 3, arbitrary: fc.constantFrom('18446744073709551615', '00', '0', 0) },
  { weight: 1, arbitrary: fc.constantFrom(-1, '18446744073709551616') },
)
const decimal = fc.stringMatching(/^-?\d{1,30}(\.\d{1,18})?$/)
const year2199 = Date.UTC(2199, 11, 31)
const instant = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: testNow / 1_000 - 3_000_000_000, max: testNow / 1_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: year2199 }) },
)
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 2 })
const attributes = fc.dictionary(fc.oneof(fc.stringMatching(/^[aZ09_.-]{1,64}$/), fc.constant('__proto__')), text, {
  maxKeys: 4,
})
const event = fc.record({
  kind: fc.constantFrom('http_request', 'tcp_connection', 'session', 'usage'),
  time: instant.map((millis) => new Date(millis).toISOString()),
  recorded_time: maybe(instant.map((millis) => new Date(millis).toISOString())),
  id: name,
  epoch: maybe(name),
  numbered: fc.boolean(),
  account: maybe(fc.constantFrom('acme', 'A@b/c:d+e.f_g-h', 'unattributed')),
  endpoint: maybe(name),
  session: maybe(name),
  region: maybe(name),
  method: maybe(name),
  status: maybe(fc.integer({ min: 0, max: 1000 })),
  bytes_out_wire: maybe(count),
  bytes_in_body: maybe(count),
  duration_us: maybe(count),
  name: maybe(name),
  quantity: maybe(decimal),
  attributes: maybe(attributes),
  path: maybe(text),
  user_agent: maybe(text),
})
type Drawn = typeof event extends fc.Arbitrary<infer T> ? T : never

interface Stored {
  readonly source: string
  readonly seq: string | null
  readonly id: string
  readonly endpoint: string | null
  readonly session: string | null
  readonly bytes_out_wire: string | null
  readonly quantity: string | null
  readonly attributes: Record<string, string>
  readonly path: string | null
}

/** A decimal as a sender means it, without what does not change its value. Knows nothing of the store. */
function plain(decimal: string): string {
  const [whole = '', below = ''] = decimal.replace('-', '').split('.')
  const value = `${BigInt(whole)}.${below.replace(/0+$/, '')}`.replace(/\.$/, '')
  return decimal.startsWith('-') && value !== '0' ? `-${value}` : value
}

/** By entries, because `__proto__` may be one of them. */
function entriesOf(record: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1))
}

function expectSame(stored: Stored, drawn: Drawn): void {
  expect(stored.endpoint).toBe(drawn.endpoint ?? null)
  expect(stored.session).toBe(drawn.session ?? null)
  expect(stored.id).toBe(drawn.id)
  expect(stored.bytes_out_wire).toBe(drawn.bytes_out_wire === undefined ? null : String(BigInt(drawn.bytes_out_wire)))
  expect(stored.quantity).toBe(drawn.quantity === undefined ? null : plain(drawn.quantity))
  expect(entriesOf(stored.attributes)).toEqual(entriesOf(drawn.attributes ?? {}))
  expect(stored.path).toBe(drawn.path?.toWellFormed() ?? null)
}

describe('what the door accepts arrives in the store', () => {
  let pipeline: Pipeline
  let log: EventLog
  let projection: Projection
  let round = 0
  let acceptedSoFar = 0
  beforeAll(async () => {
    pipeline = await openPipeline()
    ;({ log, projection } = await pipeline.fresh())
  })
  afterAll(() => pipeline.close())

  const send = async (drawn: readonly Drawn[]): Promise<Set<number>> => {
    const lines = drawn.map(({ numbered, ...fields }, index) =>
      JSON.stringify({ ...fields, source: `round ${round}`, ...(numbered ? { seq: index + 1 } : {}) }),
    )
    const receipt = await receive(Buffer.from(lines.join('\n')), 'application/x-ndjson', {
      now: testNow,
      ownerAt: () => null,
      append: (arrivals) => log.append(arrivals, testNow),
      boundTo: null,
      sender: 'test',
    })
    expect(receipt.received).toBe(drawn.length)
    const rejected = new Set(receipt.results.map(({ index }) => index))
    expect(receipt.accepted).toBe(drawn.length - rejected.size)
    return new Set([...drawn.keys()].filter((index) => !rejected.has(index)))
  }

  test('property: once each, with every character and every digit', async () => {
    let acceptedShare = 0
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 80, size: 'max' }), async (drawn) => {
        round += 1
        const accepted = await send(drawn)
        acceptedSoFar += accepted.size
        acceptedShare += accepted.size / drawn.length
        await projection.catchUp()
        expect(projection.position()).toBe(log.end())
        const [all] = await pipeline.engine.query<{ rows: string }>('SELECT count() AS rows FROM fact', {})
        expect(Number(all?.rows)).toBe(acceptedSoFar)
        const stored = await pipeline.engine.query<Stored>(
          `SELECT f.source AS source, f.seq AS seq, f.id AS id, f.endpoint AS endpoint, f.session AS session,
             f.bytes_out_wire AS bytes_out_wire, toString(f.quantity) AS quantity, f.attributes AS attributes, i.path AS path
           FROM fact AS f LEFT JOIN inspection AS i ON i.offset = f.offset
           WHERE f.source = {source:String} ORDER BY f.offset`,
          { source: `round ${round}` },
        )
        expect(stored).toHaveLength(accepted.size)
        const order = [...accepted]
        stored.forEach((row, place) => {
          const index = order[place] ?? -1
          expectSame(row, drawn[index] as Drawn)
        })
      }),
      { numRuns: 40, endOnFailure: true },
    )
    // A generator whose events are all refused would prove nothing.
    expect(acceptedShare / round).toBeGreaterThan(0.3)
  })
})
