import { expect, test } from 'vitest'
import { defineMeter } from './define.ts'

test('a definition in TypeScript is what the service reads, with its own types', () => {
  const meter = defineMeter({
    key: 'blocks',
    name: 'Blocks',
    unit: 'blocks',
    aggregation: { kind: 'sum', value: 'ceil_div(bytes_out_wire, 128)' },
    filter: [
      { operator: 'in', field: 'kind', values: ['http_request'] },
      { operator: 'between', field: 'status', min: '200', max: '399' },
    ],
    group_by: ['endpoint', 'attributes.plan'],
  })
  const key: 'blocks' = meter.key
  expect(key).toBe('blocks')
})

test('what is wrong in an expression, or between fields, is told when the file runs', () => {
  const aggregation = { kind: 'sum', value: 'bytes_out_wier' } as const
  expect(() => defineMeter({ key: 'x', name: '', unit: 'bytes', aggregation })).toThrow(
    /name: says in words[^]*aggregation\.value: there is no field "bytes_out_wier"\. Did you mean bytes_out_wire\?/,
  )
})

test('a wrong field does not compile', () => {
  const base = { key: 'x', name: 'X', unit: 'x', aggregation: { kind: 'count' } } as const
  const wrong = [
    // @ts-expect-error -- a sum needs a value
    () => defineMeter({ ...base, aggregation: { kind: 'sum' } }),
    // @ts-expect-error -- there is no such aggregation
    () => defineMeter({ ...base, aggregation: { kind: 'median', value: 'bytes_out_wire' } }),
    // @ts-expect-error -- there is no such field
    () => defineMeter({ ...base, group_by: ['edpoint'] }),
    // @ts-expect-error -- a method is no amount
    () => defineMeter({ ...base, filter: [{ operator: 'above', field: 'method', value: '1' }] }),
    // @ts-expect-error -- there is no such operator
    () => defineMeter({ ...base, filter: [{ operator: 'contains', field: 'method', values: ['G'] }] }),
    // @ts-expect-error -- a level says per what time it counts
    () => defineMeter({ ...base, aggregation: { kind: 'level', value: 'quantity', mode: 'set' } }),
  ]
  for (const define of wrong) expect(define).toThrow(/has problems/)
})
