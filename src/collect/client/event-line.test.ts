import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Micros } from '../../core/time.ts'
import { isWholeLine, lineOf, numberLines } from './event-line.ts'

const now = (): Micros => (Date.UTC(2026, 10, 22, 10) * 1000) as Micros
const numbering = { source: 'api "1"', epoch: 'e' }

function sent(event: unknown): Record<string, unknown> {
  const [json = ''] = numberLines([lineOf(event, now).line], numbering, 41)
  return JSON.parse(json) as Record<string, unknown>
}

/** What a service may hand over by mistake, thrown or not. */
const odd = fc.oneof(
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withSparseArray: true, withNullPrototype: true }),
  fc.constantFrom<unknown>(
    () => 1,
    Symbol('s'),
    'a lone surrogate \ud800',
    'two\nlines\u2028',
    Number.NaN,
    -Infinity,
    10n ** 40n,
    new Date(Number.NaN),
  ),
)
const hostile = fc
  .record({ name: fc.string(), value: odd, how: fc.constantFrom('plain', 'throws', 'cycle', 'proxy') })
  .map(({ name, value, how }): unknown => {
    const event: Record<string, unknown> = { kind: 'usage', [name]: value }
    if (how === 'throws') {
      const getter = (): never => {
        throw value
      }
      Object.defineProperty(event, 'account', { enumerable: true, get: getter })
    }
    if (how === 'cycle') event['attributes'] = { event }
    if (how !== 'proxy') return event
    const trap = (): never => {
      throw value
    }
    return new Proxy(event, { ownKeys: trap, get: trap, getOwnPropertyDescriptor: trap })
  })

describe('the line of a record', () => {
  test('whatever is recorded, it neither throws nor ends the line, and has its number', () => {
    fc.assert(
      fc.property(fc.oneof(hostile, odd), (event) => {
        const { line } = lineOf(event, now)
        expect(line).not.toContain('\n')
        expect(isWholeLine(line)).toBe(true)
        expect(sent(event)).toMatchObject({ source: 'api "1"', epoch: 'e', seq: 42 })
      }),
      { numRuns: 300 },
    )
  })

  test('an event keeps its fields, and gets the time when it has none', () => {
    const attributes = { plan: 'free' }
    expect(sent({ kind: 'http_request', status: 200, bytes_out_wire: 7_086, account: undefined, attributes })).toEqual({
      source: 'api "1"',
      epoch: 'e',
      seq: 42,
      kind: 'http_request',
      status: 200,
      bytes_out_wire: 7_086,
      attributes,
      time: '2026-11-22T10:00:00Z',
    })
    const time = new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 6))
    expect(sent({ kind: 'tcp_connection', time, bytes_in_wire: 2n ** 64n - 1n })).toMatchObject({
      time: '2026-01-02T03:04:05.006Z',
      bytes_in_wire: '18446744073709551615',
    })
  })

  test.each([
    [{ kind: 'usage', quantity: Number.NaN }, 'quantity is NaN'],
    [{ kind: 'usage', bytes_out_wire: Infinity }, 'bytes_out_wire is Infinity'],
    [{ kind: 'usage', time: new Date(Number.NaN) }, 'time is an invalid date'],
    [{ kind: 'usage', account: () => 'a' }, 'account is a function'],
    [{ kind: 'usage', seq: 1 }, 'seq is given by the client'],
    [{ kind: 'usage', source: 'other' }, 'source is given by the client'],
    [JSON.parse('{"kind":"usage","__proto__":"x"}'), '__proto__ is given by the client'],
    [{ kind: 'usage', attributes: { big: 1n } }, 'BigInt'],
    [{ kind: 'usage', path: 'x'.repeat(300_000) }, 'the event has 3000'],
    [[], 'an event is an object'],
    [undefined, 'an event is an object'],
  ])('what would lose something on its way is no event: %#', (event, reason) => {
    const { fault } = lineOf(event, now)
    expect(fault).toContain(reason)
    expect(sent(event)['unreadable']).toMatchObject({ message: fault })
  })

  test('a line that was cut off is known', () => {
    const { line } = lineOf({ kind: 'usage', name: 'x', quantity: '1' }, now)
    for (let length = 0; length < line.length; length += 1) expect(isWholeLine(line.slice(0, length))).toBe(false)
  })
})
