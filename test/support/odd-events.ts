import type { ErrorCode } from '../../src/core/errors.ts'

/**
 * Fields of an event as JSON texts, so that a test can write what no serializer would. Null leaves a field out; a
 * function is asked when the event is written, for times at a distance from now.
 */
export type Written = Readonly<Record<string, string | null | (() => string)>>

export const hourMillis = 3_600_000
const yearMillis = 8_766 * hourMillis

/** An instant at a distance from now, as JSON. */
export function timeAt(millisFromNow: number): string {
  return JSON.stringify(new Date(Date.now() + millisFromNow).toISOString())
}

/** One event as one line of JSON. */
export function lineOf(fields: Written): string {
  const all: Written = { kind: '"http_request"', time: timeAt(-1_000), ...fields }
  const given = Object.entries(all).filter(([, text]) => text !== null)
  const texts = given.map(([name, text]) => `${JSON.stringify(name)}:${typeof text === 'function' ? text() : text}`)
  return `{${texts.join(',')}}`
}

/** An event that cannot be counted: what differs from a good one, and what its sender is told. */
export interface RefusedEvent {
  readonly name: string
  readonly change: Written
  readonly code: ErrorCode
  readonly field?: string
}

const text = (value: string): string => JSON.stringify(value)
const nested = (open: string, close: string, levels: number): string => `${open.repeat(levels)}1${close.repeat(levels)}`
const attributes = (count: number): string =>
  object(Array.from({ length: count }, (_, index): [string, string] => [`name-${index}`, 'x']))

function object(entries: readonly (readonly [string, string])[]): string {
  return JSON.stringify(Object.fromEntries(entries))
}

const times: readonly RefusedEvent[] = [
  { name: 'no time', change: { time: null }, code: 'EVENT_TIME_MISSING', field: 'time' },
  { name: 'time null', change: { time: 'null' }, code: 'EVENT_TIME_MISSING', field: 'time' },
  {
    name: 'a time without zone',
    change: { time: text('2026-11-22T10:00:00') },
    code: 'EVENT_TIME_INVALID',
    field: 'time',
  },
  { name: 'a time as number', change: { time: '1763800000' }, code: 'EVENT_TIME_INVALID', field: 'time' },
  {
    name: 'the 30th of February',
    change: { seq: '1', time: text('2026-02-30T00:00:00Z') },
    code: 'EVENT_TIME_INVALID',
    field: 'time',
  },
  { name: 'before 1970', change: { seq: '1', time: text('1969-12-31T23:59:59Z') }, code: 'EVENT_TIME_INVALID' },
  { name: 'six minutes ahead', change: { time: () => timeAt(6 * 60_000) }, code: 'EVENT_TIME_FUTURE', field: 'time' },
  {
    name: 'six minutes ahead, numbered',
    change: { seq: '1', time: () => timeAt(6 * 60_000) },
    code: 'EVENT_TIME_FUTURE',
    field: 'time',
  },
  {
    name: 'ten years old, not numbered',
    change: { time: () => timeAt(-10 * yearMillis) },
    code: 'EVENT_TIME_TOO_OLD',
    field: 'time',
  },
]

const bytes = (
  written: string,
  code: ErrorCode = 'EVENT_FIELD_OUT_OF_RANGE',
): Pick<RefusedEvent, 'change' | 'code' | 'field'> => ({
  change: { bytes_out_wire: written },
  code,
  field: 'bytes_out_wire',
})

const numbers: readonly RefusedEvent[] = [
  { name: 'a negative count', ...bytes('-1') },
  { name: 'a negative count as text', ...bytes('"-1"') },
  { name: 'a fractional count', ...bytes('1.5', 'EVENT_FIELD_INVALID') },
  { name: 'almost one byte', ...bytes('0.99999999999999999999', 'EVENT_FIELD_INVALID') },
  { name: 'almost nothing', ...bytes('1e-400', 'EVENT_FIELD_INVALID') },
  { name: '2^64', ...bytes('18446744073709551616') },
  { name: '2^64 as text', ...bytes('"18446744073709551616"') },
  { name: '2^70', ...bytes(String(2n ** 70n)) },
  { name: '2^70 as text', ...bytes(`"${2n ** 70n}"`) },
  { name: '-2^70', ...bytes(String(-(2n ** 70n))) },
  { name: '1e30', ...bytes('1e30') },
  { name: '1e308', ...bytes('1e308') },
  { name: '1e99999', ...bytes('1e99999', 'EVENT_FIELD_INVALID') },
  { name: 'a count of 200,000 digits', ...bytes('9'.repeat(200_000)) },
  { name: 'a count that is true', ...bytes('true', 'EVENT_FIELD_INVALID') },
  { name: 'a count that is no number', ...bytes('"12x"', 'EVENT_FIELD_INVALID') },
  { name: 'status 1000', change: { status: '1000' }, code: 'EVENT_FIELD_INVALID', field: 'status' },
  { name: 'seq 0', change: { seq: '0' }, code: 'EVENT_FIELD_OUT_OF_RANGE', field: 'seq' },
  { name: 'seq 2^53', change: { seq: '9007199254740992' }, code: 'EVENT_FIELD_OUT_OF_RANGE', field: 'seq' },
  { name: 'a small number as id', change: { id: '12' }, code: 'EVENT_FIELD_INVALID', field: 'id' },
  {
    name: 'a number that no double holds as id',
    change: { id: '12345678901234567890' },
    code: 'EVENT_FIELD_INVALID',
    field: 'id',
  },
  {
    name: 'a quantity of 200,000 zeros and an x',
    change: { kind: '"usage"', name: '"x"', quantity: text(`${'0'.repeat(200_000)}x`) },
    code: 'EVENT_FIELD_INVALID',
    field: 'quantity',
  },
  {
    name: 'a quantity of 31 digits',
    change: { kind: '"usage"', name: '"x"', quantity: '9'.repeat(31) },
    code: 'EVENT_FIELD_OUT_OF_RANGE',
    field: 'quantity',
  },
  {
    name: 'usage without a quantity',
    change: { kind: '"usage"', name: '"x"' },
    code: 'EVENT_FIELD_MISSING',
    field: 'quantity',
  },
]

const texts: readonly RefusedEvent[] = [
  { name: 'an id of 1 MB', change: { id: text('i'.repeat(1_048_576)) }, code: 'EVENT_TOO_LARGE' },
  { name: 'an id of 256', change: { id: text('i'.repeat(256)) }, code: 'EVENT_FIELD_OUT_OF_RANGE', field: 'id' },
  {
    name: 'a source of 300',
    change: { source: text('s'.repeat(300)) },
    code: 'EVENT_FIELD_OUT_OF_RANGE',
    field: 'source',
  },
  { name: 'an empty id', change: { id: '""' }, code: 'EVENT_FIELD_INVALID', field: 'id' },
  { name: 'no id and no seq', change: { id: null }, code: 'EVENT_FIELD_MISSING', field: 'id' },
  { name: 'no source', change: { source: null }, code: 'EVENT_FIELD_MISSING', field: 'source' },
  { name: 'no kind', change: { kind: null }, code: 'EVENT_FIELD_MISSING', field: 'kind' },
  { name: 'an unknown kind', change: { kind: '"http"' }, code: 'EVENT_FIELD_INVALID', field: 'kind' },
  { name: 'NUL in the source', change: { source: '"a\\u0000b"' }, code: 'EVENT_FIELD_INVALID', field: 'source' },
  { name: 'a line end in the id', change: { id: '"a\\nb"' }, code: 'EVENT_FIELD_INVALID', field: 'id' },
  {
    name: 'half a surrogate pair',
    change: { endpoint: '"a\\ud83d"' },
    code: 'EVENT_FIELD_INVALID',
    field: 'endpoint',
  },
  { name: 'an account with a space', change: { account: '"a b"' }, code: 'EVENT_FIELD_INVALID', field: 'account' },
  { name: 'an unknown field', change: { bytes: '1' }, code: 'EVENT_FIELD_UNKNOWN', field: 'bytes' },
  { name: '__proto__ as field', change: { ['__proto__']: '{"id":"x"}' }, code: 'EVENT_FIELD_UNKNOWN' },
  { name: 'constructor as field', change: { constructor: '1' }, code: 'EVENT_FIELD_UNKNOWN', field: 'constructor' },
  {
    name: '100,000 levels of arrays',
    change: { attributes: nested('[', ']', 100_000) },
    code: 'EVENT_FIELD_INVALID',
    field: 'attributes',
  },
  {
    name: '40,000 levels of objects',
    change: { attributes: nested('{"a":', '}', 40_000) },
    code: 'EVENT_FIELD_INVALID',
    field: 'attributes',
  },
  {
    name: '40,000 levels of objects beside a number that no double holds',
    change: { bytes_in_wire: '9007199254740993', attributes: nested('{"a":', '}', 40_000) },
    code: 'EVENT_FIELD_INVALID',
  },
  {
    name: '33 attributes',
    change: { attributes: attributes(33) },
    code: 'EVENT_FIELD_OUT_OF_RANGE',
    field: 'attributes',
  },
  {
    name: 'an attribute name with a space',
    change: { attributes: '{"a b":"c"}' },
    code: 'EVENT_FIELD_INVALID',
    field: 'attributes',
  },
  {
    name: 'an attribute of 256',
    change: { attributes: object([['a', 'x'.repeat(256)]]) },
    code: 'EVENT_FIELD_INVALID',
    field: 'attributes',
  },
  { name: 'an attribute that is a number', change: { attributes: '{"a":1}' }, code: 'EVENT_FIELD_INVALID' },
  {
    name: 'what a collector could not read',
    change: { seq: '1', unreadable: '{"message":"no time","line":"127.0.0.1 - -"}' },
    code: 'EVENT_UNREADABLE',
  },
]

export const refusedEvents: readonly RefusedEvent[] = [...times, ...numbers, ...texts]

/** An event that looks wrong and is not: it is counted, to the byte. */
export interface OddEvent {
  readonly name: string
  readonly change: Written
  readonly bytes: bigint
}

export const oddEvents: readonly OddEvent[] = [
  { name: '2^64 - 1', change: { bytes_out_wire: '18446744073709551615' }, bytes: 2n ** 64n - 1n },
  { name: '2^64 - 1 as text', change: { bytes_out_wire: '"18446744073709551615"' }, bytes: 2n ** 64n - 1n },
  { name: '2^53 + 1 as a JSON number', change: { bytes_out_wire: '9007199254740993' }, bytes: 2n ** 53n + 1n },
  { name: '2^54 as a JSON number', change: { bytes_out_wire: '18014398509481984' }, bytes: 2n ** 54n },
  {
    name: 'a number with an exponent beside one that no double holds',
    change: { bytes_out_wire: '1.5e3', bytes_in_wire: '9007199254740993' },
    bytes: 1_500n,
  },
  { name: '1.0', change: { bytes_out_wire: '1.0' }, bytes: 1n },
  { name: '0', change: { bytes_out_wire: '0' }, bytes: 0n },
  { name: 'zeros in front', change: { bytes_out_wire: '"007"' }, bytes: 7n },
  { name: 'no bytes at all', change: { bytes_out_wire: 'null' }, bytes: 0n },
  { name: 'four minutes ahead', change: { time: () => timeAt(4 * 60_000), bytes_out_wire: '4' }, bytes: 4n },
  { name: '34 days old', change: { time: () => timeAt(-34 * 24 * hourMillis), bytes_out_wire: '34' }, bytes: 34n },
  { name: 'a leap second', change: { seq: '1', time: text('2016-12-31T23:59:60Z'), bytes_out_wire: '6' }, bytes: 6n },
  { name: '1970', change: { seq: '1', time: text('1970-01-01T00:00:00Z'), bytes_out_wire: '70' }, bytes: 70n },
  { name: '__proto__ as attribute', change: { attributes: '{"__proto__":"a"}', bytes_out_wire: '8' }, bytes: 8n },
  {
    name: 'attributes with quotes, tabs, NUL and emoji',
    change: { attributes: object([['a', '"\t\\\u0000\n🙂\u2028']]), bytes_out_wire: '9' },
    bytes: 9n,
  },
  { name: 'a path of 20,000', change: { path: text('/'.repeat(20_000)), bytes_out_wire: '10' }, bytes: 10n },
  { name: 'an endpoint in Greek', change: { endpoint: text('παράδειγμα.δοκιμή'), bytes_out_wire: '11' }, bytes: 11n },
]
