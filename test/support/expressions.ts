import fc from 'fast-check'
import type { Dimension } from '../../src/store/condition.ts'
import { comparisons, numberFields } from '../../src/store/expression.ts'
import type { Expression, Test, Text } from '../../src/store/expression.ts'

/** Texts that would do harm if any of them became SQL, and some that are plain. */
const words = ['GET', 'POST', "it's", '") OR 1=1 --', 'a\\b', '{p0:String}', 'ünïcode ☂', 'true'] as const

const count = fc.oneof(
  fc.constant(null),
  fc.constantFrom('0', '1', '127', '128', '129', '18446744073709551615'),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
)
const quantity = fc.oneof(
  fc.constant(null),
  fc.constantFrom('0', '-0.000000000000000001', '999999999999999999999999999999.999999999999999999', '-2.5', '7'),
  fc.constantFrom('-999999999999999999999999999999.999999999999999999'),
)
const attribute = fc.oneof(
  fc.constantFrom('0', '7', '-7', '007', '12.50', '-0.001', '99999999999999999999.999999999999999999'),
  fc.constantFrom('-99999999999999999999', '1e3', ' 5', '5\n', '+5', '.5', '5.', '', '0x10', '1,5', 'Infinity', '١'),
  fc.constantFrom('123456789012345678901', '0.1234567890123456789', ...words),
)

/** The facts of an event that expressions can use; odd ones, absent ones and the largest ones. */
export const drawnEvent = fc.record({
  method: fc.constantFrom(...words, null),
  endpoint: fc.constantFrom(...words, null),
  status: fc.constantFrom(0, 200, 499, 500, 999, null),
  bytes_out_wire: count,
  bytes_out_body: count,
  bytes_in_wire: count,
  duration_us: count,
  asn: count,
  quantity,
  attributes: fc.record({ units: attribute, 'odd-name': attribute, 'a.b': attribute }, { requiredKeys: [] }),
})
export type DrawnEvent = typeof drawnEvent extends fc.Arbitrary<infer T> ? T : never

/** What is sent; only an event of kind `usage` carries a quantity. */
export function inputOf(event: DrawnEvent): Record<string, unknown> {
  return event.quantity === null ? { ...event } : { ...event, kind: 'usage', name: 'things' }
}

/** A fact of a drawn event as the text that it is. */
export function factOf(event: DrawnEvent): (field: Dimension) => string | null {
  const attributes: Readonly<Record<string, string | undefined>> = event.attributes
  const facts = { kind: 'http_request', ...inputOf(event) } as Readonly<
    Record<string, string | number | null | undefined | object>
  >
  return (field) => {
    if (field.startsWith('attributes.')) return attributes[field.slice('attributes.'.length)] ?? null
    const value = facts[field] ?? null
    return typeof value === 'string' || typeof value === 'number' ? String(value) : null
  }
}

const attributeField = fc.constantFrom<Dimension>('attributes.units', 'attributes.odd-name', 'attributes.a.b')
const literal = fc.oneof(
  fc.constantFrom(
    '0',
    '1',
    '-1',
    '2',
    '8',
    '0.5',
    '-0.001',
    '1000000000',
    '18446744073709551616',
    '0.000000000000000001',
  ),
  fc.integer({ min: -1_000, max: 1_000 }).map(String),
)
const divisor = fc.constantFrom('1', '2', '3', '7', '128', '1000', '9223372036854775807')

interface Drawn {
  readonly number: Expression
  readonly test: Test
}

/** Expressions of every kind, nested. Not all of them can be computed: `checkRange` says which. */
export const { number: drawnExpression } = fc.letrec<Drawn>((tie: fc.LetrecTypedTie<Drawn>) => {
  const text: fc.Arbitrary<Text> = fc.oneof(
    fc.constantFrom(...words, 'line\nbreak').map((word): Text => ({ kind: 'text', text: word })),
    fc.constantFrom<Dimension>('method', 'endpoint', 'kind').map((field): Text => ({ kind: 'dimension', field })),
    attributeField.map((field): Text => ({ kind: 'dimension', field })),
  )
  const leaf = fc.oneof(
    fc.constantFrom(...numberFields).map((field): Expression => ({ kind: 'field', field })),
    fc.record({ kind: fc.constant('literal' as const), value: literal }),
    fc.record({
      kind: fc.constant('attribute' as const),
      field: attributeField,
      decimals: fc.constantFrom(0, 1, 3, 18),
    }),
  )
  const several = fc.array(tie('number'), { minLength: 2, maxLength: 3 })
  const compound = fc.oneof(
    fc.record({
      kind: fc.constantFrom('add' as const, 'subtract' as const, 'multiply' as const),
      left: tie('number'),
      right: tie('number'),
    }),
    // What is written -5 is a number, not the opposite of one.
    tie('number')
      .filter(({ kind }) => kind !== 'literal')
      .map((of): Expression => ({ kind: 'negate', of })),
    fc.record({
      kind: fc.constant('divide' as const),
      of: tie('number'),
      by: fc.constantFrom('10', '8', '1024', '0.5', '1000'),
    }),
    fc.record({ kind: fc.constantFrom('ceil_div' as const, 'floor_div' as const), of: tie('number'), by: divisor }),
    fc.record({ kind: fc.constant('if' as const), test: tie('test'), yes: tie('number'), no: tie('number') }),
    fc.record({ kind: fc.constantFrom('least' as const, 'greatest' as const, 'coalesce' as const), of: several }),
  )
  const test: fc.Arbitrary<Test> = fc.oneof(
    fc.record({
      kind: fc.constant('compare' as const),
      operator: fc.constantFrom(...comparisons),
      left: tie('number'),
      right: tie('number'),
    }),
    fc.record({
      kind: fc.constant('same' as const),
      operator: fc.constantFrom('==' as const, '!=' as const),
      left: text,
      right: text,
    }),
    fc
      .oneof(
        tie('number'),
        text.filter(({ kind }) => kind === 'dimension'),
      )
      .map((of): Test => ({ kind: 'known', of })),
    fc.record({ kind: fc.constantFrom('and' as const, 'or' as const), left: tie('test'), right: tie('test') }),
    tie('test').map((of): Test => ({ kind: 'not', of })),
  )
  return { number: fc.oneof({ maxDepth: 4, withCrossShrink: true }, leaf, leaf, compound, compound), test }
})
