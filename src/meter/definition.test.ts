import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Measure } from '../store/measure/measure.ts'
import { meterDocument, parseMeter, readStoredMeter } from './definition.ts'
import type { MeterDefinition } from './definition.ts'
import { standardMeters } from './standard.ts'

const base = { key: 'things', name: 'Things', unit: 'things', aggregation: { kind: 'count' } }

function read(input: object): MeterDefinition {
  const parsed = parseMeter({ ...base, ...input }, 1)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  return parsed.value
}

/** `field message` of every problem. */
function problems(input: unknown): string[] {
  const parsed = parseMeter(input, 1)
  return parsed.ok ? [] : parsed.error.map(({ field, message }) => `${field}: ${message}`)
}

const measures: readonly (readonly [object, Measure])[] = [
  [{ kind: 'count' }, { kind: 'count' }],
  [{ kind: 'peak' }, { kind: 'peak' }],
  [
    { kind: 'sum', value: 'bytes_out_wire' },
    { kind: 'sum', value: { kind: 'field', field: 'bytes_out_wire' } },
  ],
  [
    { kind: 'latest', value: 'number(attributes.seats, 0)' },
    { kind: 'latest', value: { kind: 'attribute', field: 'attributes.seats', decimals: 0 } },
  ],
  [
    { kind: 'active_hours', field: 'attributes.certificate' },
    { kind: 'active_hours', field: 'attributes.certificate' },
  ],
  [
    { kind: 'unique', field: 'client' },
    { kind: 'unique', field: 'client', membership: null },
  ],
  [
    { kind: 'unique', field: 'client', membership: { field: 'name', add: ['in'], remove: ['out'] } },
    { kind: 'unique', field: 'client', membership: { field: 'name', add: ['in'], remove: ['out'], carried: true } },
  ],
  [
    { kind: 'level', value: 'quantity', mode: 'set', key: 'attributes.disk', per: 'hour' },
    { kind: 'level', value: { kind: 'field', field: 'quantity' }, mode: 'set', field: 'attributes.disk', per: 'hour' },
  ],
  [
    { kind: 'level', value: 'quantity', mode: 'change', per: 'day' },
    { kind: 'level', value: { kind: 'field', field: 'quantity' }, mode: 'change', field: null, per: 'day' },
  ],
  [
    {
      kind: 'percentile',
      percent: '99.9',
      interval: '5minutes',
      direction: 'higher',
      combine: 'after',
      unit_factor: 8,
    },
    {
      kind: 'percentile',
      dropped: 10,
      intervalSeconds: 300,
      inward: { kind: 'field', field: 'bytes_in_wire' },
      outward: { kind: 'field', field: 'bytes_out_wire' },
      direction: 'higher',
      combine: 'after',
      factor: 8,
    },
  ],
]

const conditions = [
  { field: 'kind', operator: 'in', values: ['http_request'] },
  { field: 'attributes.plan', operator: 'not_in', values: ['free', ''] },
  { field: 'ip_categories', operator: 'within', values: ['com.aws'] },
  { field: 'attributes.certificate', operator: 'known' },
  { field: 'bytes_out_wire', operator: 'above', value: '18446744073709551614' },
  { field: 'status', operator: 'between', min: '500', max: '599' },
  { operator: 'any_above_zero', fields: ['bytes_out_wire', 'bytes_out_body'] },
]

describe('definitions of meters', () => {
  test.each(measures)('%j is read, and what is written of it is read as the same', (wire, measure) => {
    const unit =
      'unit_factor' in wire ? 'bit/s' : 'field' in wire && measure.kind === 'active_hours' ? 'hours' : 'units'
    const isBytes = JSON.stringify(wire).includes('"bytes_out_wire"')
    const meter = read({ aggregation: wire, unit: isBytes ? 'bytes' : unit })
    expect(meter.aggregation).toEqual(measure)
    expect(read(meterDocument(meter))).toEqual(meter)
  })

  test('every operator of a filter is read and written', () => {
    const meter = read({ filter: conditions, group_by: ['endpoint', 'attributes.plan'] })
    expect(meter.filter).toEqual(conditions)
    expect(meterDocument(meter)).toMatchObject({ filter: conditions, group_by: ['endpoint', 'attributes.plan'] })
    expect(read({ filter: [{ field: 'status', operator: 'between', min: 500, max: 599 }] }).filter).toEqual([
      conditions[5],
    ])
    expect(read({ filter: [{ field: 'status', operator: 'in', values: [200] }] }).filter).toMatchObject([
      { values: ['200'] },
    ])
  })

  test('a sum as it was stored before there were expressions is read as ever', () => {
    const stored = {
      ...base,
      version: 3,
      aggregation: { kind: 'sum', field: 'bytes_out_wire' },
      filter: [],
      group_by: [],
    }
    const parsed = readStoredMeter(stored, 3)
    expect(parsed.ok && meterDocument(parsed.value).aggregation).toEqual({ kind: 'sum', value: 'bytes_out_wire' })
    // Its unit would be refused today; it was taken once and counts on.
    expect(readStoredMeter({ ...stored, unit: 'GB' }, 3).ok).toBe(true)
    expect(problems({ ...stored, unit: 'GB' })).toHaveLength(1)
  })

  test('the standard meters are what they are after they were stored', () => {
    for (const meter of standardMeters) {
      expect(read(JSON.parse(JSON.stringify(meterDocument(meter))) as object)).toEqual(meter)
    }
  })

  test('all problems are told at once, each with its place and what to write instead', () => {
    expect(
      problems({
        key: 'with space',
        name: '',
        unit: 'x',
        aggregate: {},
        aggregation: { kind: 'sum', value: 'bytes_out_wier + foo + if(status, 1, 2)', feild: 1 },
        filter: [
          { field: 'kind', operator: 'in', values: ['http_requests'] },
          { field: 'edpoint', operator: 'in', values: ['a'] },
          { field: 'status', operator: 'betwen', min: 1, max: 2 },
          { field: 'status', operator: 'between', min: 599, max: 500 },
          { field: 'endpoint', operator: 'above', value: '1' },
          { field: 'bytes_out_wire', operator: 'above', value: 1.5 },
          { field: 'status', operator: 'in', values: [] },
        ],
        group_by: ['endpoint', 'regoin', 'attributes.'],
      }),
    ).toEqual([
      'aggregate: is not a field here. Did you mean aggregation?',
      'key: is a short name such as "http_requests"',
      'name: says in words what is measured, with at most 200 characters',
      'aggregation.feild: is not a field here. There are kind, value.',
      'aggregation.value: there is no field "bytes_out_wier". Did you mean bytes_out_wire?',
      expect.stringContaining('aggregation.value: there is no field "foo"'),
      'aggregation.value: first in if stands a number, where a condition such as status >= 500 is needed',
      'filter.0.values.0: kind is one of http_request, tcp_connection, tls_connection, session, usage, counter. Did you mean http_request?',
      'filter.1.field: there is no field "edpoint". Did you mean endpoint?',
      expect.stringMatching(/^filter\.2\.operator: is one of .* Did you mean between\?$/),
      'filter.3.max: is below min, so nothing would ever match',
      expect.stringMatching(/^filter\.4\.field: is one of bytes_out_wire, /),
      'filter.5.value: is a whole number from 0, as text ("500") or number',
      'filter.6.values: is empty, so nothing would ever match',
      'group_by.1: there is no field "regoin". Did you mean region?',
      'group_by.2: an attribute is named attributes.NAME: letters, digits, "_", "-" and ".", at most 64',
    ])
  })

  test.each([
    null,
    1,
    'text',
    { aggregation: [] },
    { aggregation: { kind: 'constructor' } },
    { filter: 'x', group_by: {} },
  ])('%j is refused, not thrown at', (input) => expect(problems(input).length).toBeGreaterThan(0))

  test('property: no JSON is thrown at, and what is taken can be written and read again', () => {
    const spice = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom<unknown>(
        'bytes_out_wire',
        'sum',
        'endpoint',
        '95',
        ['a'],
        { field: 'kind' },
        '-',
        '(((',
        'a?b:c',
      ),
    )
    const aggregation = fc.record(
      {
        kind: fc.constantFrom(...measures.map(([, { kind }]) => kind)),
        value: spice,
        field: spice,
        percent: spice,
        interval: spice,
        membership: spice,
        mode: spice,
        per: spice,
      },
      { requiredKeys: ['kind'] },
    )
    const condition = fc.record({
      operator: fc.constantFrom(...conditions.map(({ operator }) => operator)),
      field: spice,
      values: spice,
      min: spice,
    })
    fc.assert(
      fc.property(aggregation, fc.array(condition, { maxLength: 2 }), spice, (drawn, filter, groups) => {
        const parsed = parseMeter({ ...base, aggregation: drawn, filter, group_by: groups }, 1)
        if (parsed.ok) expect(read(meterDocument(parsed.value))).toEqual(parsed.value)
        else expect(parsed.error.length).toBeGreaterThan(0)
      }),
      { numRuns: 300 },
    )
  })
})

describe('units', () => {
  const unit = (name: string, aggregation: object): string[] => problems({ ...base, unit: name, aggregation })
  const sum = { kind: 'sum', value: 'bytes_out_wire + coalesce(bytes_in_wire, 0)' }

  test('GB is 10^9 and GiB 2^30, and a meter that counts bytes says bytes', () => {
    expect(unit('bytes', sum)).toEqual([])
    expect(unit('GB', sum)).toEqual([expect.stringContaining('"per": "1000000000"')])
    expect(unit('GiB', sum)).toEqual([expect.stringContaining('"per": "1073741824"')])
    expect(unit('hours', sum)).toEqual([expect.stringContaining('the meter counts in bytes')])
    expect(unit('Bytes', sum)).toEqual(['unit: is "Bytes". Did you mean bytes?'])
    expect(unit('gb', sum)).toEqual([expect.stringContaining('"name": "GB"')])
    expect(unit('minutes', { kind: 'sum', value: 'duration_us' })).toEqual([
      expect.stringContaining('"per": "60000000"'),
    ])
  })

  test('what is computed, or not known here, is named as its author likes', () => {
    expect(unit('GB', { kind: 'sum', value: 'bytes_out_wire / 1000000000' })).toEqual([])
    expect(unit('blocks', { kind: 'sum', value: 'ceil_div(bytes_out_wire, 128)' })).toEqual([])
    expect(unit('GB-hours', { kind: 'level', value: 'quantity', mode: 'set', per: 'hour' })).toEqual([])
    expect(unit('bytes/s', { kind: 'percentile', percent: '95', interval: '5minutes', direction: 'out' })).toEqual([])
    const bits = { kind: 'percentile', percent: '95', interval: '5minutes', direction: 'out', unit_factor: '8' }
    expect(unit('bit/s', bits)).toEqual([])
    expect(unit('Mbit/s', bits)).toEqual([expect.stringContaining('"per": "1000000"')])
    expect(unit('bytes/s', bits)).toEqual([expect.stringContaining('the meter counts in bit/s')])
  })
})
