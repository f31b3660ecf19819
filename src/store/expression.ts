import { unreachable } from '../core/result.ts'
import { exact, divide, formatExact } from '../core/exact.ts'
import type { FactName } from '../core/event.ts'
import { dimensionSql } from './condition.ts'
import type { Dimension, Parameters } from './condition.ts'
import { attributeDigits, rangeOf, withCommonScale } from './expression-range.ts'

/** Fact fields that hold an amount: whole numbers, and the decimal `quantity`. */
export const numberFields = [
  'bytes_out_wire',
  'bytes_out_body',
  'bytes_in_wire',
  'bytes_in_body',
  'duration_us',
  'quantity',
  'value',
  'status',
  'asn',
] as const satisfies readonly FactName[]
export type NumberField = (typeof numberFields)[number]

export function isNumberField(field: unknown): field is NumberField {
  return (numberFields as readonly unknown[]).includes(field)
}

/**
 * What an event contributes to a measure: a value out of its own fields. A part that is absent makes it absent, but in
 * `coalesce` (L13); of an `if` only the condition and the branch that it chooses are parts. Texts of numbers are plain
 * decimals. Written as text by people, read in `meter/expression.ts`.
 */
export type Expression =
  | { readonly kind: 'field'; readonly field: NumberField }
  /** An attribute that is a plain decimal with at most so many decimals; any other is absent. */
  | { readonly kind: 'attribute'; readonly field: Dimension; readonly decimals: number }
  | { readonly kind: 'literal'; readonly value: string }
  | { readonly kind: 'add' | 'subtract' | 'multiply'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'negate'; readonly of: Expression }
  /** By a number other than 0 whose inverse is a finite decimal. */
  | { readonly kind: 'divide'; readonly of: Expression; readonly by: string }
  /** Divided by a positive whole number, to the next whole number above or below. */
  | { readonly kind: 'ceil_div' | 'floor_div'; readonly of: Expression; readonly by: string }
  | { readonly kind: 'if'; readonly test: Test; readonly yes: Expression; readonly no: Expression }
  | { readonly kind: 'least' | 'greatest' | 'coalesce'; readonly of: readonly Expression[] }

export const comparisons = ['==', '!=', '<', '<=', '>', '>='] as const
export type Comparison = (typeof comparisons)[number]

export type Text =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'dimension'; readonly field: Dimension }

/**
 * True, false or not known: a comparison with what is absent is not known; `false && x` is false and `true || x` true
 * even when x is not known.
 */
export type Test =
  | { readonly kind: 'compare'; readonly operator: Comparison; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'same'; readonly operator: '==' | '!='; readonly left: Text; readonly right: Text }
  | { readonly kind: 'known'; readonly of: Expression | Text }
  | { readonly kind: 'and' | 'or'; readonly left: Test; readonly right: Test }
  | { readonly kind: 'not'; readonly of: Test }

/** A number of a statement. Whole numbers are 256 bits wide, others Decimal(76, 18): sums cannot wrap around (L4). */
export interface Sql {
  readonly sql: string
  readonly whole: boolean
}

/**
 * A number on its way: Int256 when `scale` is 0, else Decimal(76, scale). That nothing wraps around or is rounded is not
 * decided here but by `checkRange`, before a definition is taken.
 */
interface Scaled {
  readonly sql: string
  readonly scale: number
}

const wholeText = (power: number): string => `1${'0'.repeat(power)}`

function atScale({ sql, scale }: Scaled, wanted: number): string {
  return scale === wanted ? sql : `toDecimal256(${sql}, ${wanted})`
}

function literalSql(value: string, parameters: Parameters): Scaled {
  const { scale } = rangeOf({ kind: 'literal', value })
  return { sql: parameters.add(value, scale === 0 ? 'Int256' : `Decimal(76, ${scale})`), scale }
}

/** The attribute where it is written as a plain decimal: no exponent, no sign `+`, no spaces. */
function attributeSql(field: Dimension, decimals: number, parameters: Parameters): Scaled {
  const text = dimensionSql(field, parameters)
  const point = decimals === 0 ? '' : `([.][0-9]{1,${decimals}})?`
  const pattern = parameters.add(`^-?[0-9]{1,${attributeDigits}}${point}$`, 'String')
  const number = decimals === 0 ? `toInt256OrNull(${text})` : `toDecimal256OrNull(${text}, ${decimals})`
  return { sql: `if(ifNull(match(${text}, ${pattern}), 0), ${number}, NULL)`, scale: decimals }
}

function productSql(left: Scaled, right: Scaled): Scaled {
  if (left.scale === 0 && right.scale === 0) return { sql: `(${left.sql} * ${right.sql})`, scale: 0 }
  const [a, b] = [left, right].map((side) => (side.scale === 0 ? `toDecimal256(${side.sql}, 0)` : side.sql))
  return { sql: `(${a} * ${b})`, scale: left.scale + right.scale }
}

/** Whole division of Int256 cuts towards zero, so what is divided is moved above zero by a multiple of the divisor. */
function wholeDivisionSql(expression: Expression & { kind: 'ceil_div' | 'floor_div' }, parameters: Parameters): Scaled {
  const { of, by, kind } = expression
  const { sql, scale } = scaledSql(of, parameters)
  const whole = scale === 0 ? sql : `toInt256(${sql} * toDecimal256('${wholeText(scale)}', 0))`
  const divisor = BigInt(by) * 10n ** BigInt(scale)
  const { low } = rangeOf(of)
  const steps = low < 0n ? -low / divisor + 1n : 0n
  const moved = steps * divisor + (kind === 'ceil_div' ? divisor - 1n : 0n)
  const above = moved === 0n ? whole : `${whole} + toInt256('${moved}')`
  const result = `intDiv(${above}, toInt256('${divisor}'))`
  return { sql: steps === 0n ? result : `(${result} - toInt256('${steps}'))`, scale: 0 }
}

function severalSql(expression: Expression & { kind: 'least' | 'greatest' | 'coalesce' }, to: Parameters): Scaled {
  const scale = withCommonScale(expression.of)
  const values = expression.of.map((one) => atScale(scaledSql(one, to), scale))
  const found = `${expression.kind}(${values.join(', ')})`
  if (expression.kind === 'coalesce') return { sql: found, scale }
  // The engine passes over absent values; here one that is absent makes the whole absent.
  return { sql: `if(${values.map((value) => `isNull(${value})`).join(' OR ')}, NULL, ${found})`, scale }
}

function scaledSql(expression: Expression, parameters: Parameters): Scaled {
  switch (expression.kind) {
    case 'field':
      return expression.field === 'quantity'
        ? { sql: 'quantity', scale: rangeOf(expression).scale }
        : { sql: `toInt256(${expression.field})`, scale: 0 }
    case 'attribute':
      return attributeSql(expression.field, expression.decimals, parameters)
    case 'literal':
      return literalSql(expression.value, parameters)
    case 'add':
    case 'subtract': {
      const scale = withCommonScale([expression.left, expression.right])
      const [left, right] = [expression.left, expression.right].map((side) =>
        atScale(scaledSql(side, parameters), scale),
      )
      return { sql: `(${left} ${expression.kind === 'add' ? '+' : '-'} ${right})`, scale }
    }
    case 'multiply':
      return productSql(scaledSql(expression.left, parameters), scaledSql(expression.right, parameters))
    case 'negate': {
      const { sql, scale } = scaledSql(expression.of, parameters)
      return { sql: `negate(${sql})`, scale }
    }
    case 'divide': {
      const inverse = formatExact(divide(exact(1n), exact(expression.by)))
      return productSql(scaledSql(expression.of, parameters), literalSql(inverse, parameters))
    }
    case 'ceil_div':
    case 'floor_div':
      return wholeDivisionSql({ ...expression, kind: expression.kind }, parameters)
    case 'if': {
      const scale = withCommonScale([expression.yes, expression.no])
      const [yes, no] = [expression.yes, expression.no].map((side) => atScale(scaledSql(side, parameters), scale))
      const test = testSql(expression.test, parameters)
      return { sql: `multiIf(isNull(${test}), NULL, ${test}, ${yes}, ${no})`, scale }
    }
    case 'least':
    case 'greatest':
    case 'coalesce':
      return severalSql({ ...expression, kind: expression.kind }, parameters)
    default:
      return unreachable(expression)
  }
}

function textSql(text: Text, parameters: Parameters): string {
  return text.kind === 'text' ? parameters.add(text.text, 'String') : dimensionSql(text.field, parameters)
}

/** A condition as the store computes it: 1, 0 or NULL. */
function testSql(test: Test, parameters: Parameters): string {
  switch (test.kind) {
    case 'compare': {
      const scale = withCommonScale([test.left, test.right])
      const [left, right] = [test.left, test.right].map((side) => atScale(scaledSql(side, parameters), scale))
      return `(${left} ${test.operator} ${right})`
    }
    case 'same':
      return `(${textSql(test.left, parameters)} ${test.operator} ${textSql(test.right, parameters)})`
    case 'known': {
      const { of } = test
      return `isNotNull(${of.kind === 'text' || of.kind === 'dimension' ? textSql(of, parameters) : scaledSql(of, parameters).sql})`
    }
    case 'and':
    case 'or':
      return `(${testSql(test.left, parameters)} ${test.kind.toUpperCase()} ${testSql(test.right, parameters)})`
    case 'not':
      return `(NOT ${testSql(test.of, parameters)})`
    default:
      return unreachable(test)
  }
}

/** The value of an event as a part of a statement; NULL where it is absent. No text of a caller is SQL in it. */
export function expressionSql(expression: Expression, parameters: Parameters): Sql {
  const scaled = scaledSql(expression, parameters)
  const whole = scaled.scale === 0
  return { sql: whole ? scaled.sql : atScale(scaled, 18), whole }
}
